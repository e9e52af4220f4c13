"""What became of requests to the real-name platform, written down over an open connection."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from sync.central.alerts import raise_alert
from sync.central.person_vault import PersonVault
from sync.central.real_name import Hold, Kind, RequestState, State, set_counts
from sync.central.real_name_papers import plain_reason
from sync.central.statements import chunks
from sync.central.tables_real_name import (
    real_name_people,
    real_name_records,
    real_name_requests,
    real_name_teams,
)
from sync.real_name import Dialect, Result

REJECTED_RULE = "real_name_rejected"


def mark(
    connection: Connection,
    kind: str,
    site_id: str,
    items: Sequence[Any],
    *,
    state: State,
    now: datetime,
    **values: Any,
) -> None:
    """Put what a request is about into a state."""
    values = {"state": state.value, "changed_at": now, **values}
    if kind == Kind.TEAM:
        team = real_name_teams.c
        for employer, name in items:
            connection.execute(
                update(real_name_teams)
                .where(team.site_id == site_id, team.employer == employer, team.team == name)
                .values(values)
            )
        return
    table, column = (
        (real_name_records, "record_id") if kind == Kind.ATTENDANCE else (real_name_people, "worker_id")
    )
    for some in chunks(list(items)):
        connection.execute(
            update(table).where(table.c.site_id == site_id, table.c[column].in_(some)).values(values)
        )


def hold(connection: Connection, held: Mapping[str, Hold], *, site_id: str, now: datetime) -> None:
    """Nothing of these workers is sent, for the reason named; their passages wait."""
    people = real_name_people.c
    for worker_id, reason in held.items():
        connection.execute(
            update(real_name_people)
            .where(people.site_id == site_id, people.worker_id == worker_id)
            .values(state=State.HELD.value, reason=reason.value, changed_at=now)
        )


def drop(connection: Connection, record_ids: Collection[str], *, now: datetime) -> None:
    """These no longer count."""
    for record_id in sorted(record_ids):
        set_counts(connection, record_id, counts=False, now=now)


def put_off(
    connection: Connection, request: Any, *, now: datetime, first: timedelta, slowest: timedelta
) -> None:
    """The platform is still at it: ask again, less and less often."""
    wait = min(first * 2 ** min(request.asked, 16), slowest)
    connection.execute(
        update(real_name_requests)
        .where(real_name_requests.c.request_id == request.request_id)
        .values(asked=request.asked + 1, next_ask_at=now + wait)
    )


def settle(
    connection: Connection,
    vault: PersonVault,
    dialect: Dialect,
    request: Any,
    result: Result,
    *,
    team_no: str,
    now: datetime,
) -> None:
    """A result came. `team_no`: the number of the team that was asked for."""
    if request.kind == Kind.TEAM and team_no:
        _accept(connection, request, request.items, now, team_no=team_no)
        _end(connection, request, RequestState.DONE, "", now)
    elif result.state == "done" and request.kind != Kind.TEAM:
        _accept(connection, request, request.items, now)
        _end(connection, request, RequestState.DONE, "", now)
    elif result.refused:
        _reject_rows(connection, vault, dialect, request, result.refused, now)
        _end(connection, request, RequestState.FAILED, "", now)
    else:
        refused(connection, vault, dialect, request, result.message, now=now)


def refused(
    connection: Connection, vault: PersonVault, dialect: Dialect, request: Any, message: str, *, now: datetime
) -> None:
    """The request failed as a whole. Of several rows each goes again alone, to see which one it is."""
    if len(request.items) > 1:
        _again(connection, request, request.items, now, alone=True)
    else:
        _reject_rows(connection, vault, dialect, request, {0: message}, now)
    _end(connection, request, RequestState.FAILED, "", now)


def not_taken(connection: Connection, request: Any, message: str, *, now: datetime) -> None:
    """The platform has nothing of it: it goes again, as it was."""
    _again(connection, request, request.items, now)
    _end(connection, request, RequestState.NOT_TAKEN, message, now)


def found_out(
    connection: Connection, request: Any, there: Collection[Any], *, team_no: str, now: datetime
) -> None:
    """What the platform has of a request whose answer was lost is done; the rest goes again."""
    if request.kind == Kind.TEAM:
        there = [tuple(request.items[0])] if team_no else []
    done = [one for one in request.items if _key(one) in there]
    more = {"team_no": team_no} if request.kind == Kind.TEAM else {}
    _accept(connection, request, done, now, **more)
    _again(connection, request, [one for one in request.items if _key(one) not in there], now)
    _end(connection, request, RequestState.DONE if done else RequestState.NOT_TAKEN, "", now)


def forget_ended(connection: Connection, site_id: str, *, before: datetime) -> None:
    """Requests that ended before then."""
    row = real_name_requests.c
    connection.execute(delete(real_name_requests).where(row.site_id == site_id, row.ended_at < before))


def _key(item: Any) -> Any:
    return tuple(item) if isinstance(item, list) else item


def _accept(connection: Connection, request: Any, items: Sequence[Any], now: datetime, **values: Any) -> None:
    if request.kind in (Kind.WORKER, Kind.CHANGE):
        values["is_known"] = True
    if request.kind != Kind.TEAM:
        values["alone"] = False
    mark(
        connection,
        request.kind,
        request.site_id,
        items,
        state=State.ACCEPTED,
        now=now,
        reason="",
        request_id=request.request_id,
        **values,
    )


def _again(connection: Connection, request: Any, items: Sequence[Any], now: datetime, **values: Any) -> None:
    mark(
        connection,
        request.kind,
        request.site_id,
        items,
        state=State.WAITING,
        now=now,
        request_id=None,
        **values,
    )


def _reject_rows(
    connection: Connection,
    vault: PersonVault,
    dialect: Dialect,
    request: Any,
    reasons: Mapping[int, str],
    now: datetime,
) -> None:
    """Rows that the platform has already are done; the others keep the reason, and the rest goes again."""
    there, rejected = [], 0
    for number, item in enumerate(request.items):
        reason = reasons.get(number)
        if reason is None:
            _again(connection, request, [item], now)
        elif dialect.is_there_already(reason) and request.kind != Kind.TEAM:
            there.append(item)
        else:
            rejected += 1
            worker_id = _worker_of(connection, request.kind, item)
            said = plain_reason(connection, vault, worker_id, reason) if worker_id else reason
            mark(
                connection, request.kind, request.site_id, [item], state=State.REJECTED, now=now, reason=said
            )
    _accept(connection, request, there, now)
    if rejected:
        raise_alert(
            connection,
            REJECTED_RULE,
            site_id=request.site_id,
            subject=f"site:{request.site_id}",
            facts={"rejected": _rejected(connection, request.site_id)},
            now=now,
        )


def _worker_of(connection: Connection, kind: str, item: Any) -> str:
    if kind == Kind.TEAM:
        return ""
    if kind != Kind.ATTENDANCE:
        return str(item)
    record = real_name_records.c
    return connection.scalar(select(record.worker_id).where(record.record_id == item)) or ""


def _rejected(connection: Connection, site_id: str) -> int:
    """How much of a site is rejected at present."""
    return sum(
        connection.scalar(
            select(func.count())
            .select_from(table)
            .where(table.c.site_id == site_id, table.c.state == State.REJECTED.value)
        )
        or 0
        for table in (real_name_teams, real_name_people, real_name_records)
    )


def _end(connection: Connection, request: Any, state: RequestState, message: str, now: datetime) -> None:
    connection.execute(
        update(real_name_requests)
        .where(real_name_requests.c.request_id == request.request_id)
        .values(state=state.value, message=message, ended_at=now, next_ask_at=None)
    )
