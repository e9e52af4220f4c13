"""Cases and their contacts over an open connection: what is kept, decided, and taken back.

Every function is part of the caller's transaction. Who may do what is asked in `case_desk`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select, update

from sync.central import alert_sources, health, registry, tables
from sync.central.contact_measures import ContactMeasure, contact_source
from sync.central.declarations import site_zone
from sync.central.errors import AlreadyThere, CentralError, FieldRefused, SettingRefused
from sync.central.statements import chunks, upsert
from sync.central.tables_cases import case_actions, case_contacts, cases, contact_reasons
from sync.central.tracing import Found, Named, Subject, worker_key
from sync.errors import UnknownWorker
from sync.records import FlagLevel
from sync.tracing import Reason, Stay, TracingRules, Trip
from sync.tracing.rules import LONGEST_WINDOW_D

MEETINGS_KEPT = 12
"""Of one reason; all are counted."""


class CaseKind(StrEnum):
    CONFIRMED = "confirmed"
    SUSPECTED = "suspected"


class ContactState(StrEnum):
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    UNDONE = "undone"


class CaseClosed(CentralError, ValueError):
    """Nothing changes in a closed case but taking back."""


class DecidedMeanwhile(CentralError, ValueError):
    """Somebody else decided about a contact since it was shown."""


@dataclass(frozen=True, slots=True)
class CaseData:
    """What is known of a case; `worker_id` or `name`. `from_day` to `until_day`: infectious, inclusive."""

    site_id: str
    kind: CaseKind
    from_day: date
    until_day: date
    worker_id: str | None = None
    name: str = ""
    onset_on: date | None = None
    trips: tuple[Trip, ...] = ()
    stays: tuple[Stay, ...] = ()
    remarks: str = ""

    def __post_init__(self) -> None:
        """Raises SettingRefused."""
        if (self.worker_id is None) == (not self.name.strip()):
            raise FieldRefused(
                "person",
                "a case is one worker or one named person",
                next_step="give the worker's number, or the name of somebody who is not registered",
            )
        if self.from_day > self.until_day:
            raise FieldRefused("window", "the window ends before it begins", next_step="correct the two days")
        if (self.until_day - self.from_day).days > LONGEST_WINDOW_D:
            raise FieldRefused(
                "window",
                f"the window is longer than {LONGEST_WINDOW_D} days",
                next_step="trace a shorter one",
            )


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it is kept. `person` is its key in tracing; `revision` counts changes of what is traced."""

    case_id: str
    data: CaseData
    person: str
    is_open: bool
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str
    revision: int
    traced_at: datetime | None

    @property
    def subject(self) -> Subject:
        data = self.data
        window = (data.from_day, data.until_day)
        return Subject(self.person, data.site_id, data.worker_id, window, data.trips, data.stays)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What one confirmation did. `without_flag`: not registered, or the time is over already."""

    action_id: str
    flags: int
    without_flag: int
    versions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Undone:
    """What taking back did. `gone`: flags that somebody had removed before."""

    contacts: int
    flags: int
    gone: int
    versions: Mapping[str, int]


def open_case(connection: Connection, data: CaseData, *, by: str, now: datetime) -> str:
    """Returns the id. Raises AlreadyThere (an open case of this worker), UnknownWorker."""
    if data.worker_id is not None:
        if registry.held(connection, data.worker_id) is None:
            raise UnknownWorker(
                f"no worker {data.worker_id} in the registry",
                next_step="give a name instead for somebody who is not registered",
            )
        there = select(cases.c.case_id).where(cases.c.worker_id == data.worker_id, cases.c.state == "open")
        if connection.scalar(there) is not None:
            raise AlreadyThere(
                f"there is an open case of worker {data.worker_id}",
                next_step="change that one, or close it first",
            )
    case_id = uuid4().hex
    connection.execute(
        insert(cases).values(case_id=case_id, state="open", opened_at=now, opened_by=by, **_columns(data))
    )
    return case_id


def change_case(connection: Connection, case_id: str, data: CaseData) -> None:
    """Replace what is known of an open case; it is traced anew. Raises CaseClosed."""
    case = held_case(connection, case_id)
    _require_open(case)
    values = {**_columns(data), "revision": case.revision + 1, "traced_at": None}
    for fixed in ("site_id", "worker_id", "name"):
        values.pop(fixed)
    connection.execute(update(cases).where(cases.c.case_id == case_id).values(values))


def close_case(connection: Connection, case_id: str, *, by: str, now: datetime) -> None:
    """Flags stay until they run out or are taken back. Raises CaseClosed."""
    _require_open(held_case(connection, case_id))
    connection.execute(
        update(cases).where(cases.c.case_id == case_id).values(state="closed", closed_at=now, closed_by=by)
    )


def reopen_case(connection: Connection, case_id: str) -> None:
    """Traced again from now on. Nothing happens to an open one."""
    connection.execute(
        update(cases)
        .where(cases.c.case_id == case_id)
        .values(state="open", closed_at=None, closed_by="", traced_at=None)
    )


def held_case(connection: Connection, case_id: str) -> Case:
    """The case, which on PostgreSQL stays ours until the commit. Raises LookupError for none."""
    row = connection.execute(select(cases).where(cases.c.case_id == case_id).with_for_update()).one()
    return case_of(row)


def case_of(row: Any) -> Case:
    """A row of the table as a record."""
    person = worker_key(row.worker_id) if row.worker_id is not None else f"case:{row.case_id}"
    data = CaseData(
        row.site_id,
        CaseKind(row.kind),
        row.from_day,
        row.until_day,
        row.worker_id,
        row.name,
        row.onset_on,
        tuple(
            Trip(**{**trip, "person": person, "day": date.fromisoformat(trip["day"])})
            for trip in row.told_trips
        ),
        tuple(
            Stay(
                person,
                "",
                stay["label"],
                date.fromisoformat(stay["from_day"]),
                date.fromisoformat(stay["until_day"]),
                stay["room"],
            )
            for stay in row.told_stays
        ),
        row.remarks,
    )
    return Case(
        row.case_id,
        data,
        person,
        row.state == "open",
        row.opened_at,
        row.opened_by,
        row.closed_at,
        row.closed_by,
        row.revision,
        row.traced_at,
    )


def keep_found(connection: Connection, traced: Case, found: Found, *, seen_trip: int, now: datetime) -> bool:
    """Keep what tracing found; whether it was kept: not where the case was changed or closed meanwhile.

    New contacts are proposed. Somebody dismissed is proposed again by a rule that had not named them.
    Reasons that no longer hold stay, and say so.
    """
    case = held_case(connection, traced.case_id)
    if case.revision != traced.revision or not case.is_open:
        return False
    by_person: dict[str, dict[str, Reason]] = {}
    for reason in found.reasons:
        by_person.setdefault(reason.person, {})[reason.rule_id] = reason
    known = _contacts(connection, case.case_id)
    new = [
        _contact_row(case.case_id, person, found.named.get(person), now)
        for person in by_person
        if person not in known
    ]
    if new:
        connection.execute(insert(case_contacts), new)
    before = _reasons(connection, case.case_id)
    again = [
        known[person].contact_id
        for person, reasons in by_person.items()
        if person in known
        and known[person].state == ContactState.DISMISSED
        and any((known[person].contact_id, rule_id) not in before for rule_id in reasons)
    ]
    for some in chunks(again):
        connection.execute(
            update(case_contacts)
            .where(case_contacts.c.contact_id.in_(some))
            .values(state=ContactState.PROPOSED.value, decided_at=None, decided_by="")
        )
    ids = {row["person"]: row["contact_id"] for row in new} | {
        person: row.contact_id for person, row in known.items()
    }
    now_rows = {
        (ids[person], rule_id): _reason_row(ids[person], reason, now)
        for person, reasons in by_person.items()
        for rule_id, reason in reasons.items()
    }
    changed = [row for key, row in now_rows.items() if _differs(row, before.get(key))]
    lost = [
        {**row._mapping, "holds": False} for key, row in before.items() if key not in now_rows and row.holds
    ]
    for rows in chunks([*changed, *lost]):
        upsert(connection, contact_reasons, rows, keep=["found_at"])
    connection.execute(
        update(cases).where(cases.c.case_id == case.case_id).values(traced_at=now, seen_trip=seen_trip)
    )
    return True


def confirm(
    connection: Connection,
    case_id: str,
    contact_ids: Iterable[str],
    rules: TracingRules,
    *,
    level: FlagLevel,
    days: int,
    why: str,
    by: str,
    now: datetime,
) -> Confirmed:
    """Each of these is a contact: a flag until `days` after the last meeting, for whoever is registered.

    Raises:
        CaseClosed: the case is closed.
        DecidedMeanwhile: one of them is confirmed already; nothing was done.
    """
    case = held_case(connection, case_id)
    _require_open(case)
    chosen = _chosen(connection, case_id, contact_ids)
    if any(row.state == ContactState.CONFIRMED for row in chosen):
        raise _decided()
    action_id = uuid4().hex
    zone = site_zone(connection, case.data.site_id)
    last_days = _last_days(connection, case_id)
    registered = {one.worker_id for one in _workers(connection, chosen)}
    versions: dict[str, int] = {}
    flags = 0
    for row in sorted(chosen, key=lambda one: (one.worker_id or "", one.contact_id)):
        flag_id = None
        until = _end_of(last_days.get(row.contact_id, case.data.until_day) + timedelta(days=days), zone)
        if row.worker_id in registered and until > now:
            measure = ContactMeasure(case_id, action_id, level, until, rules.measure)
            flag_id, newer = measure.take(connection, row, by=by, why=why, now=now)
            _newer(versions, newer)
            flags += 1
        connection.execute(
            update(case_contacts)
            .where(case_contacts.c.contact_id == row.contact_id)
            .values(
                state=ContactState.CONFIRMED.value,
                decided_at=now,
                decided_by=by,
                why=why,
                action_id=action_id,
                flag_id=flag_id,
            )
        )
    connection.execute(
        insert(case_actions).values(
            action_id=action_id,
            case_id=case_id,
            level=level.value,
            days=days,
            why=why,
            done_at=now,
            done_by=by,
            contacts=len(chosen),
            flags=flags,
        )
    )
    alert_sources.contacts_confirmed(connection, case_id, case.data.site_id, registered, now=now)
    return Confirmed(action_id, flags, len(chosen) - flags, versions)


def dismiss(
    connection: Connection, case_id: str, contact_ids: Iterable[str], *, why: str, by: str, now: datetime
) -> int:
    """These were no contacts. Raises CaseClosed, DecidedMeanwhile (confirmed already; undo that first)."""
    _require_open(held_case(connection, case_id))
    chosen = _chosen(connection, case_id, contact_ids)
    if any(row.state == ContactState.CONFIRMED for row in chosen):
        raise _decided()
    _set_state(connection, chosen, ContactState.DISMISSED, why=why, by=by, now=now)
    return len(chosen)


def undo(
    connection: Connection, case_id: str, contact_ids: Iterable[str], *, why: str, by: str, now: datetime
) -> Undone:
    """Take decisions back, also in a closed case: of the confirmed ones exactly the flags that it made.

    A flag is found by its id, so that it goes too where the worker's record was merged with another.
    """
    held_case(connection, case_id)
    chosen = _chosen(connection, case_id, contact_ids)
    confirmed = [row for row in chosen if row.state == ContactState.CONFIRMED]
    dismissed = [row for row in chosen if row.state == ContactState.DISMISSED]
    versions: dict[str, int] = {}
    flag_ids = [row.flag_id for row in confirmed if row.flag_id is not None]
    holders = _holders(connection, flag_ids)
    for worker_id, flag_id in holders:
        _newer(versions, registry.remove_flag(connection, worker_id, flag_id))
    for row in confirmed:
        _newer(versions, health.withdraw(connection, contact_source(row.contact_id), now=now))
    _set_state(connection, confirmed, ContactState.UNDONE, why=why, by=by, now=now)
    _set_state(connection, dismissed, ContactState.PROPOSED, why=why, by=by, now=now)
    for action_id in {row.action_id for row in confirmed}:
        _end_action(connection, action_id, by, now)
    gone = len(set(flag_ids)) - len({flag_id for _, flag_id in holders})
    return Undone(len(confirmed) + len(dismissed), len(holders), gone, versions)


def contacts_of_action(connection: Connection, action_id: str) -> list[str]:
    """Ids of the contacts that are confirmed by it still."""
    row = case_contacts.c
    return list(
        connection.scalars(
            select(row.contact_id).where(
                row.action_id == action_id, row.state == ContactState.CONFIRMED.value
            )
        )
    )


# -- inside ----------------------------------------------------------------------------------------------


def _columns(data: CaseData) -> dict[str, Any]:
    trips = [{**asdict(trip), "day": trip.day.isoformat()} for trip in data.trips]
    for trip in trips:
        del trip["person"]
    stays = [
        {
            "label": stay.label,
            "room": stay.room,
            "from_day": stay.from_day.isoformat(),
            "until_day": stay.until_day.isoformat(),
        }
        for stay in data.stays
    ]
    return {
        "site_id": data.site_id,
        "worker_id": data.worker_id,
        "name": data.name.strip(),
        "kind": data.kind.value,
        "onset_on": data.onset_on,
        "from_day": data.from_day,
        "until_day": data.until_day,
        "told_trips": trips,
        "told_stays": stays,
        "remarks": data.remarks.strip(),
    }


def _contacts(connection: Connection, case_id: str) -> dict[str, Any]:
    rows = connection.execute(select(case_contacts).where(case_contacts.c.case_id == case_id))
    return {row.person: row for row in rows}


def _reasons(connection: Connection, case_id: str) -> dict[tuple[str, str], Any]:
    query = (
        select(contact_reasons)
        .join_from(contact_reasons, case_contacts, case_contacts.c.contact_id == contact_reasons.c.contact_id)
        .where(case_contacts.c.case_id == case_id)
    )
    return {(row.contact_id, row.rule_id): row for row in connection.execute(query)}


def _contact_row(case_id: str, person: str, named: Named | None, now: datetime) -> dict[str, Any]:
    kind, _, number = person.partition(":")
    return {
        "contact_id": uuid4().hex,
        "case_id": case_id,
        "person": person,
        "worker_id": number if kind == "worker" else None,
        "visitor_id": number if kind == "visitor" else None,
        "name": named.name if named else "",
        "phone": named.phone if named else "",
        "site_id": named.site_id if named else "",
        "state": ContactState.PROPOSED.value,
        "found_at": now,
    }


def _reason_row(contact_id: str, reason: Reason, now: datetime) -> dict[str, Any]:
    return {
        "contact_id": contact_id,
        "rule_id": reason.rule_id,
        "last_day": reason.last_day,
        "certain": reason.certain,
        "holds": True,
        "meetings": [
            {"day": meeting.day.isoformat(), "certain": meeting.certain, **meeting.detail}
            for meeting in reason.meetings[:MEETINGS_KEPT]
        ],
        "meetings_count": len(reason.meetings),
        "found_at": now,
    }


def _differs(row: Mapping[str, Any], before: Any) -> bool:
    if before is None:
        return True
    return any(value != before._mapping[name] for name, value in row.items() if name != "found_at")


def _chosen(connection: Connection, case_id: str, contact_ids: Iterable[str]) -> list[Any]:
    wanted = sorted(set(contact_ids))
    if not wanted:
        raise FieldRefused("contacts", "no contact is chosen", next_step="tick at least one")
    rows: list[Any] = []
    for some in chunks(wanted):
        row = case_contacts.c
        rows += connection.execute(
            select(case_contacts).where(row.case_id == case_id, row.contact_id.in_(some))
        )
    if len(rows) < len(wanted):
        raise SettingRefused("a chosen contact is not of this case", next_step="load the page anew")
    return rows


def _workers(connection: Connection, chosen: Sequence[Any]) -> list[Any]:
    ids = sorted({row.worker_id for row in chosen if row.worker_id is not None})
    found: list[Any] = []
    for some in chunks(ids):
        worker = tables.workers.c.worker_id
        found += connection.execute(select(worker).where(worker.in_(some)))
    return found


def _last_days(connection: Connection, case_id: str) -> dict[str, date]:
    found: dict[str, date] = {}
    for (contact_id, _), row in _reasons(connection, case_id).items():
        if row.holds:
            found[contact_id] = max(row.last_day, found.get(contact_id, row.last_day))
    return found


def _holders(connection: Connection, flag_ids: Sequence[str]) -> list[tuple[str, str]]:
    flag = tables.flags.c
    found: list[tuple[str, str]] = []
    for some in chunks(sorted(flag_ids)):
        query = select(flag.worker_id, flag.flag_id).where(flag.flag_id.in_(some))
        found += [(row.worker_id, row.flag_id) for row in connection.execute(query)]
    return sorted(found)


def _set_state(
    connection: Connection,
    chosen: Sequence[Any],
    state: ContactState,
    *,
    why: str,
    by: str,
    now: datetime,
) -> None:
    for some in chunks([row.contact_id for row in chosen]):
        connection.execute(
            update(case_contacts)
            .where(case_contacts.c.contact_id.in_(some))
            .values(state=state.value, decided_at=now, decided_by=by, why=why, action_id=None, flag_id=None)
        )


def _end_action(connection: Connection, action_id: str, by: str, now: datetime) -> None:
    """An action is undone once none of its contacts is confirmed by it any more."""
    if not contacts_of_action(connection, action_id):
        connection.execute(
            update(case_actions)
            .where(case_actions.c.action_id == action_id)
            .values(undone_at=now, undone_by=by)
        )


def _require_open(case: Case) -> None:
    if not case.is_open:
        raise CaseClosed("this case is closed", next_step="reopen it first")


def _decided() -> DecidedMeanwhile:
    return DecidedMeanwhile(
        "some of these contacts are confirmed already; nothing was done",
        next_step="load the list anew and choose again",
    )


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    """The first instant after that day at the site."""
    return datetime.combine(day + timedelta(days=1), time(), zone)


def _newer(versions: dict[str, int], more: Mapping[str, int]) -> None:
    for site_id, version in more.items():
        versions[site_id] = max(version, versions.get(site_id, 0))
