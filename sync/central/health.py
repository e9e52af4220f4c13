"""Health passes at the centre: what happened to whom and what was found, and the roster that follows from it.

Nothing here adds or cuts a flag by itself. What happened and what was found is kept; `settle` works out what
all of it adds up to (`sync.screening.pass_record`) and makes the roster that: everything can be taken back.
Functions are part of the caller's transaction and return the new roster version per site, to be announced
once it is committed.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, delete, select, true, update

from sync.central import registry, tables
from sync.central.errors import CentralError, SettingRefused
from sync.central.statements import insert_unless_there, upsert
from sync.central.tables_health import (
    pass_copies,
    pass_corrections,
    pass_findings,
    pass_occurrences,
    pass_profiles,
)
from sync.errors import UnknownWorker
from sync.health_pass import GREEN_KIND, PassColour, Step, Transition
from sync.records import Clearance, Worker
from sync.screening.pass_record import FLAG_PREFIX, Finding, Occurrence, flag_entry, greens, pass_flags
from sync.screening.pass_rules import FindingRule, PassRules, parsed_rules, shipped_pass_rules

SOURCE = "source"
"""Who took back what its own source no longer says; that may come again."""

_PROFILE_NO = 1
_PROFILE = select(pass_profiles.c.text)
"""Built once: on the way of every declaration."""


class UnknownPassEntry(CentralError, LookupError):
    """No occurrence and no finding by that id."""


def rules(connection: Connection) -> PassRules:
    """The rules in force: those that were set at this centre, else the shipped ones."""
    text = connection.scalar(_PROFILE)
    return shipped_pass_rules() if text is None else parsed_rules(text, source="the rules of this centre")


def set_rules(connection: Connection, text: str | None, *, source: str, by: str, now: datetime) -> PassRules:
    """Put other rules in force, None: the shipped ones. What is known already keeps what it did.

    Raises PassRulesInvalid with `source` and the place in it.
    """
    if text is None:
        connection.execute(delete(pass_profiles))
        return shipped_pass_rules()
    found = parsed_rules(text, source=source)
    upsert(
        connection,
        pass_profiles,
        [{"profile_no": _PROFILE_NO, "text": text, "set_at": now, "set_by": by}],
    )
    return found


def transition_of(connection: Connection, cause: str) -> Transition:
    """What the rules say that a cause does. Raises SettingRefused for one that they do not know."""
    known = rules(connection)
    try:
        return known.cause(cause).transition
    except KeyError as error:
        raise _unknown(cause, [one.cause for one in known.causes]) from error


def occurred(
    connection: Connection,
    worker_id: str,
    cause: str,
    at: datetime,
    *,
    entry_id: str,
    now: datetime,
    source: str = "",
    by: str = "",
    why: str = "",
    transition: Transition | None = None,
) -> dict[str, int]:
    """Something happened to a worker at `at`: flags on every roster of theirs, urgent.

    The same `entry_id` again changes nothing, also where somebody took it back meanwhile; only what went
    because its own source no longer said so (`withdraw`) comes back. `transition` instead of the rules.

    Raises:
        UnknownWorker: not in the registry.
        SettingRefused: the rules know no such cause.
    """
    _require_worker(connection, worker_id)
    transition = transition or transition_of(connection, cause)
    row = {
        "cause": cause,
        "steps": [[step.colour.value, step.days] for step in transition.steps],
        "ended_by": sorted(transition.ended_by),
    }
    row |= _common(entry_id, worker_id, at, source=source, by=by, why=why, now=now)
    return _keep(connection, pass_occurrences, row, now=now)


def found(
    connection: Connection,
    worker_id: str,
    finding: str,
    at: datetime,
    *,
    entry_id: str,
    now: datetime,
    source: str = "",
    by: str = "",
    why: str = "",
    green_until: datetime | None = None,
) -> dict[str, int]:
    """Something was found about a worker at `at` (a negative test, a medic's word): it ends what it ends.

    Where the rules say so, it makes the pass green; `green_until` instead of what they say. For the rest as
    `occurred`. Raises UnknownWorker, SettingRefused.
    """
    worker = _require_worker(connection, worker_id)
    known = rules(connection)
    try:
        rule = known.finding(finding)
    except KeyError as error:
        raise _unknown(finding, [one.finding for one in known.findings]) from error
    row = {
        "finding": finding,
        "covers_earlier": rule.covers == "earlier",
        "green_until": green_until or _green_until(connection, rule, worker, at),
    }
    row |= _common(entry_id, worker_id, at, source=source, by=by, why=why, now=now)
    return _keep(connection, pass_findings, row, now=now)


def take_back(connection: Connection, entry_id: str, *, by: str, why: str, now: datetime) -> dict[str, int]:
    """An occurrence or finding was wrong: the roster is as if it had never been. Raises UnknownPassEntry."""
    return _mark(connection, entry_id, taken_back_at=now, taken_back_by=by, taken_back_why=why, now=now)


def put_back(connection: Connection, entry_id: str, *, now: datetime) -> dict[str, int]:
    """It was right after all. Raises UnknownPassEntry."""
    return _mark(connection, entry_id, taken_back_at=None, taken_back_by="", taken_back_why="", now=now)


def flag_was_removed(
    connection: Connection, worker_id: str, flag_id: str, *, reason: str, by: str, now: datetime
) -> None:
    """Somebody took a flag off a worker by hand: where it is a colour, what gave it is taken back."""
    entry = pass_occurrences.c
    for entry_id in connection.scalars(select(entry.entry_id).where(entry.worker_id == worker_id)).all():
        if flag_id.startswith(f"{flag_entry(entry_id)}."):
            take_back(connection, entry_id, by=by, why=reason, now=now)


def withdraw(connection: Connection, source: str, *, now: datetime) -> dict[str, int]:
    """A source (`declaration:<id>`, `contact:<id>`, `case:<id>`) no longer says what it said."""
    here = {
        table: (table.c.source == source, table.c.taken_back_at.is_(None))
        for table in (pass_occurrences, pass_findings)
    }
    concerned = {
        worker_id
        for table, clause in here.items()
        for worker_id in connection.scalars(select(table.c.worker_id).where(*clause))
    }
    if not concerned:
        return {}
    registry.hold(connection, sorted(concerned))  # before the entries, as everywhere: nobody waits in a ring
    for table, clause in here.items():
        connection.execute(update(table).where(*clause).values(taken_back_at=now, taken_back_by=SOURCE))
    versions: dict[str, int] = {}
    for worker_id in sorted(concerned):
        versions |= settle(connection, worker_id, now=now)
    return versions


def hand_on(connection: Connection, worker_id: str, to: str) -> None:
    """Two records become one: what is known of one person. The caller settles the one that stays."""
    for table in (pass_occurrences, pass_findings, pass_copies):
        connection.execute(update(table).where(table.c.worker_id == worker_id).values(worker_id=to))
    asked = pass_corrections.c
    there = select(asked.worker_id).where(asked.worker_id == to, asked.answer == "")
    of_both = connection.scalar(there) is not None  # one request of a person stays open
    connection.execute(
        update(pass_corrections)
        .where(asked.worker_id == worker_id, (asked.answer != "") if of_both else true())
        .values(worker_id=to)
    )


def record(connection: Connection, worker_id: str) -> tuple[list[Occurrence], list[Finding]]:
    """What holds of what is known about a worker."""
    rows = _standing(connection, pass_occurrences, worker_id)
    occurrences = [
        Occurrence(row.entry_id, row.cause, row.at, row.known_at, _transition(row.steps, row.ended_by))
        for row in rows
    ]
    findings = [
        Finding(row.entry_id, row.finding, row.at, row.known_at, row.covers_earlier, row.green_until)
        for row in _standing(connection, pass_findings, worker_id)
    ]
    return occurrences, findings


def settle(connection: Connection, worker_id: str, *, now: datetime) -> dict[str, int]:
    """Make the worker's flags and green what is known of them; other flags and clearances stay.

    A flag that is over is not brought to a roster that does not have it. Raises UnknownWorker.
    """
    worker = _require_worker(connection, worker_id)
    occurrences, findings = record(connection, worker_id)
    present = {flag.flag_id: flag for flag in worker.flags if flag.flag_id.startswith(FLAG_PREFIX)}
    wanted = {flag.flag_id: flag for flag in pass_flags(occurrences, findings)}
    put = [
        flag
        for flag_id, flag in wanted.items()
        if present.get(flag_id) != flag
        and (flag_id in present or flag.valid_until is None or flag.valid_until > now)
    ]
    clearances = _with_green(connection, worker, greens(findings), now)
    if not put and not present.keys() - wanted.keys() and clearances == worker.clearances:
        return {}
    return registry.put_marks(
        connection,
        worker_id,
        put=put,
        remove=sorted(present.keys() - wanted.keys()),
        clearances=clearances,
        now=now,
    )


# -- inside ----------------------------------------------------------------------------------------------


def _keep(connection: Connection, table: Table, row: dict[str, Any], *, now: datetime) -> dict[str, int]:
    if not insert_unless_there(connection, table.c.entry_id, row):
        again = connection.execute(
            update(table)
            .where(
                table.c.entry_id == row["entry_id"],
                table.c.worker_id == row["worker_id"],
                table.c.taken_back_by == SOURCE,
            )
            .values(row | {"taken_back_at": None, "taken_back_by": "", "taken_back_why": ""})
        )
        if not again.rowcount:
            return {}
    return settle(connection, row["worker_id"], now=now)


def _mark(connection: Connection, entry_id: str, *, now: datetime, **values: object) -> dict[str, int]:
    for table in (pass_occurrences, pass_findings):
        here = table.c.entry_id == entry_id
        worker_id = connection.scalar(select(table.c.worker_id).where(here))
        if worker_id is not None:
            registry.hold(connection, [worker_id])
            connection.execute(update(table).where(here).values(**values))
            return settle(connection, worker_id, now=now)
    raise UnknownPassEntry("no such entry of a pass", next_step="load the page anew")


def _common(
    entry_id: str, worker_id: str, at: datetime, *, source: str, by: str, why: str, now: datetime
) -> dict[str, Any]:
    return {
        "entry_id": entry_id,
        "worker_id": worker_id,
        "at": at,
        "source": source,
        "known_at": now,
        "noted_by": by,
        "why": why,
    }


def _standing(connection: Connection, table: Table, worker_id: str) -> list[Any]:
    query = (
        select(table)
        .where(table.c.worker_id == worker_id, table.c.taken_back_at.is_(None))
        .order_by(table.c.at, table.c.entry_id)
    )
    return list(connection.execute(query))


def _transition(steps: list[Any], ended_by: list[str]) -> Transition:
    return Transition(tuple(Step(PassColour(colour), days) for colour, days in steps), frozenset(ended_by))


def _with_green(
    connection: Connection, worker: Worker, given: tuple[Clearance, ...], now: datetime
) -> tuple[Clearance, ...]:
    """The worker's clearances with the green that ends last; one that somebody else gave counts too."""
    row = pass_findings.c
    ours = set(connection.scalars(select(row.finding).where(row.worker_id == worker.worker_id).distinct()))
    held = [one for one in worker.clearances if one.kind == GREEN_KIND]
    theirs = [one for one in held if one.reference not in ours]
    lasting = [one for one in given if one in held or (one.valid_until is not None and one.valid_until > now)]
    best = max((*lasting, *theirs), key=_end, default=None)
    if [best] == held or (best is None and not held):
        return worker.clearances
    others = [one for one in worker.clearances if one.kind != GREEN_KIND]
    return tuple(sorted([*others, *([] if best is None else [best])], key=lambda one: one.kind))


def _end(one: Clearance) -> tuple[bool, float]:
    return one.valid_until is None, 0.0 if one.valid_until is None else one.valid_until.timestamp()


def _green_until(connection: Connection, rule: FindingRule, worker: Worker, at: datetime) -> datetime | None:
    if rule.green_days is not None:
        return at.astimezone(UTC) + timedelta(days=rule.green_days)
    if rule.green_until is None or not worker.site_ids:
        return None
    names = connection.scalars(
        select(tables.sites.c.timezone).where(tables.sites.c.site_id.in_(worker.site_ids))
    )
    # Where somebody is on sites of several time zones: the midnight that comes first.
    return min(_midnight_after(at, ZoneInfo(name)) for name in names)


def _midnight_after(at: datetime, zone: ZoneInfo) -> datetime:
    return datetime.combine(at.astimezone(zone).date() + timedelta(days=1), time(), zone)


def _require_worker(connection: Connection, worker_id: str) -> Worker:
    worker = registry.held(connection, worker_id)
    if worker is None:
        raise UnknownWorker(
            f"no worker {worker_id} in the registry", next_step="look at the page of workers again"
        )
    return worker


def _unknown(name: str, known: list[str]) -> SettingRefused:
    return SettingRefused(f"the rules of passes know no {name!r}", next_step=f"one of: {', '.join(known)}")
