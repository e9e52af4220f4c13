"""What waits to be sent to the real-name platform: passages, corrections, workers and teams are queued here.

Passages by a cursor over the events in their order of arrival: nothing ever looks through all of them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, exists, func, insert, or_, select, update

from sync.central import tables
from sync.central.attendance import CorrectionKind
from sync.central.declarations import site_zone
from sync.central.real_name import UPLOAD, Hold, SiteLink, State, begins, set_counts
from sync.central.statements import chunks, insert_new, insert_or
from sync.central.tables_people import persons
from sync.central.tables_real_name import (
    real_name_people,
    real_name_records,
    real_name_sites,
    real_name_teams,
)
from sync.records import Outcome, Passage, WorkerStatus

EVENTS_AT_ONCE = 5000
"""Of all sites, in the order of their arrival."""

SETTLED_AFTER = timedelta(minutes=1)
"""By then the door has said who passed, and whatever was written beside has been committed."""

CORRECTIONS_SINCE = timedelta(days=2)
"""Looked through again: what they are about may have been on its way meanwhile."""


def queue_events(connection: Connection, link: SiteLink, *, now: datetime) -> int:
    """Queue the next passages of the site; how far the cursor went, in events of any site."""
    event, site = tables.events.c, real_name_sites.c
    seen = connection.scalar(select(site.seen_event).where(site.site_id == link.site_id)) or 0
    newest = connection.scalar(select(func.max(event.event_no))) or 0
    end = min(newest, seen + EVENTS_AT_ONCE)
    unsettled = connection.scalar(
        select(func.min(event.event_no)).where(
            event.event_no > seen, event.event_no <= end, event.received_at > now - SETTLED_AFTER
        )
    )
    if unsettled is not None:
        end = unsettled - 1
    if end <= seen:
        return 0
    first = begins(link, site_zone(connection, link.site_id))
    rows = connection.execute(
        select(event.event_id, event.worker_id, event.occurred_at, event.clock_trusted)
        .join_from(tables.events, tables.workers, tables.workers.c.worker_id == event.worker_id)
        .where(
            event.event_no > seen,
            event.event_no <= end,
            event.site_id == link.site_id,
            event.occurred_at >= first,
            event.outcome == Outcome.ALLOW.value,
            event.passage != Passage.NOT_PASSED.value,
        )
        .order_by(event.event_no)
    ).all()
    gone = erased(connection, {row.worker_id for row in rows})
    _insert_records(
        connection,
        [
            _record(
                link,
                row.event_id,
                row.worker_id,
                row.occurred_at,
                now,
                "" if row.clock_trusted else Hold.CLOCK,
            )
            for row in rows
            if row.worker_id not in gone
        ],
    )
    connection.execute(update(real_name_sites).where(site.site_id == link.site_id).values(seen_event=end))
    return int(end - seen)


def queue_corrections(connection: Connection, link: SiteLink, *, now: datetime) -> None:
    """Queue what managers added, and stop what they cancelled, since the last look."""
    note, site = tables.attendance_corrections.c, real_name_sites.c
    seen = connection.scalar(select(site.seen_correction).where(site.site_id == link.site_id))
    query = select(tables.attendance_corrections).where(note.site_id == link.site_id)
    if seen is not None:
        since = seen - CORRECTIONS_SINCE
        query = query.where(or_(note.made_at > since, note.withdrawn_at > since))
    rows = connection.execute(query.order_by(note.made_at)).all()
    first = begins(link, site_zone(connection, link.site_id))
    known = existing(connection, [row.worker_id for row in rows])
    gone = erased(connection, known)
    added = [row for row in rows if row.kind == CorrectionKind.ADD and row.occurred_at >= first]
    _insert_records(
        connection,
        [
            _record(link, row.correction_id, row.worker_id, row.occurred_at, now, "", is_correction=True)
            for row in added
            if row.withdrawn_at is None and row.worker_id in known - gone
        ],
    )
    for row in rows:
        record_id = row.event_id if row.kind == CorrectionKind.CANCEL else row.correction_id
        counts = (row.withdrawn_at is None) is (row.kind == CorrectionKind.ADD)
        set_counts(connection, record_id, counts=counts, now=now)
    connection.execute(
        update(real_name_sites).where(site.site_id == link.site_id).values(seen_correction=now)
    )


def queue_people(connection: Connection, link: SiteLink, *, now: datetime) -> int:
    """Compare the site's workers with what was sent of them; how many have to go."""
    blocked = withdrawn(connection, link.site_id)
    queued = 0
    for row in _people(connection, link.site_id):
        reason = _hold(link, row, blocked)
        digest = _digest(row, link)
        if row.state is None:
            if row.status == WorkerStatus.LEFT and not row.has_records:
                continue
        elif row.state == State.SENT or (digest == row.digest and reason == _held_for(row)):
            continue
        queued += not reason
        _put_person(connection, link, row, digest, reason, now)
    _queue_teams(connection, link, now)
    connection.execute(
        update(real_name_sites).where(real_name_sites.c.site_id == link.site_id).values(people_at=now)
    )
    return queued


def _queue_teams(connection: Connection, link: SiteLink, now: datetime) -> None:
    teams = real_name_teams
    for employer, team in connection.execute(
        select(real_name_people.c.employer, real_name_people.c.team)
        .where(
            real_name_people.c.site_id == link.site_id,
            ~exists().where(
                teams.c.site_id == link.site_id,
                teams.c.employer == real_name_people.c.employer,
                teams.c.team == real_name_people.c.team,
            ),
        )
        .distinct()
    ).all():
        state = State.WAITING if link.corp_of(employer)[0] else State.HELD
        connection.execute(
            insert(teams).values(
                site_id=link.site_id,
                employer=employer,
                team=team,
                state=state.value,
                reason="" if state is State.WAITING else Hold.NO_CORP_CODE.value,
                changed_at=now,
            )
        )
    for held in connection.execute(
        select(teams).where(teams.c.site_id == link.site_id, teams.c.state == State.HELD.value)
    ).all():
        if link.corp_of(held.employer)[0]:
            connection.execute(
                update(teams)
                .where(
                    teams.c.site_id == link.site_id,
                    teams.c.employer == held.employer,
                    teams.c.team == held.team,
                )
                .values(state=State.WAITING.value, reason="", changed_at=now)
            )


# -- inside ------------------------------------------------------------------------------------------------


def withdrawn(connection: Connection, site_id: str) -> set[str]:
    """Workers of the site who took the consent to the upload back and did not give it again."""
    consent, link = tables.consents.c, tables.worker_sites.c
    newest = (
        select(consent.worker_id, func.max(consent.given_at).label("at"))
        .where(consent.kind == UPLOAD)
        .group_by(consent.worker_id)
        .subquery()
    )
    return set(
        connection.scalars(
            select(link.worker_id)
            .join_from(tables.worker_sites, newest, newest.c.worker_id == link.worker_id)
            .join(
                tables.consents,
                (consent.worker_id == newest.c.worker_id)
                & (consent.kind == UPLOAD)
                & (consent.given_at == newest.c.at),
            )
            .where(link.site_id == site_id, or_(consent.withdrawn_at.is_not(None), ~consent.granted))
        )
    )


def erased(connection: Connection, worker_ids: Collection[str]) -> set[str]:
    """Of these, who left nothing but a number: an erased record has neither papers nor a name."""
    worker = tables.workers.c
    found: set[str] = set()
    for some in chunks(sorted(worker_ids)):
        found.update(
            connection.scalars(
                select(worker.worker_id).where(
                    worker.worker_id.in_(some),
                    worker.status == WorkerStatus.LEFT.value,
                    worker.name == worker.worker_id,
                    ~exists().where(persons.c.worker_id == worker.worker_id),
                )
            )
        )
    return found


def existing(connection: Connection, worker_ids: Sequence[str]) -> set[str]:
    """Of these, who is in the registry."""
    worker = tables.workers.c.worker_id
    found: set[str] = set()
    for some in chunks(sorted(set(worker_ids))):
        found.update(connection.scalars(select(worker).where(worker.in_(some))))
    return found


def _people(connection: Connection, site_id: str) -> Sequence[Any]:
    worker, link, person, sent = tables.workers, tables.worker_sites.c, persons.c, real_name_people.c
    record = real_name_records.c
    return connection.execute(
        select(
            worker.c.worker_id,
            worker.c.name,
            worker.c.status,
            worker.c.employer,
            worker.c.team,
            worker.c.trade,
            worker.c.phone,
            worker.c.face_consent_on,
            person.number_hash,
            person.birth_date,
            person.sex,
            person.address,
            sent.state,
            sent.digest,
            sent.is_known,
            sent.reason.label("held_for"),
            exists()
            .where(
                record.worker_id == worker.c.worker_id,
                record.site_id == site_id,
                record.state == State.WAITING.value,
            )
            .label("has_records"),
        )
        .join_from(tables.worker_sites, worker, worker.c.worker_id == link.worker_id)
        .outerjoin(persons, person.worker_id == worker.c.worker_id)
        .outerjoin(real_name_people, (sent.worker_id == worker.c.worker_id) & (sent.site_id == link.site_id))
        .where(link.site_id == site_id)
        .order_by(worker.c.worker_id)
    ).all()


def _hold(link: SiteLink, row: Any, blocked: Collection[str]) -> str:
    if row.worker_id in blocked:
        return Hold.WITHDRAWN.value
    if row.number_hash is None:
        return Hold.NO_PAPERS.value
    return "" if link.corp_of(row.employer)[0] else Hold.NO_CORP_CODE.value


def _held_for(row: Any) -> str:
    """What keeps the worker back now; papers that could not be opened are tried again."""
    return str(row.held_for) if row.state == State.HELD else ""


def _digest(row: Any, link: SiteLink) -> str:
    """Changes when something changes that is sent. The number is in it as its keyed hash."""
    facts = [
        row.name, row.employer, row.team, row.trade, row.phone, row.number_hash, f"{row.birth_date}",
        row.sex, row.address, bool(link.photos and row.face_consent_on), link.project_code,
    ]  # fmt: skip
    return sha256(json.dumps(facts).encode()).hexdigest()


def _put_person(
    connection: Connection, link: SiteLink, row: Any, digest: str, reason: str, now: datetime
) -> None:
    statement = insert_or(connection, real_name_people).values(
        site_id=link.site_id,
        worker_id=row.worker_id,
        employer=row.employer,
        team=row.team,
        state=(State.HELD if reason else State.WAITING).value,
        reason=reason,
        digest=digest,
        changed_at=now,
    )
    told = statement.excluded
    names = ("employer", "team", "state", "reason", "digest", "changed_at")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["site_id", "worker_id"], set_={name: told[name] for name in names}
        )
    )


def _record(
    link: SiteLink,
    record_id: str,
    worker_id: str,
    occurred_at: datetime,
    now: datetime,
    hold: str,
    *,
    is_correction: bool = False,
) -> dict[str, Any]:
    return {
        "record_id": record_id,
        "site_id": link.site_id,
        "worker_id": worker_id,
        "is_correction": is_correction,
        "occurred_at": occurred_at,
        "state": (State.HELD if hold else State.WAITING).value,
        "reason": str(hold),
        "changed_at": now,
    }


def _insert_records(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    insert_new(connection, real_name_records, real_name_records.c.record_id, rows)
