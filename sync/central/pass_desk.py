"""Pass colours as the console sees and changes them: within the viewer's sites, with an audit line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, Text, cast, exists, func, or_, select

from sync.central import audit, health, pass_corrections, registry, tables
from sync.central.access_log import require_plain, workers_in_scope
from sync.central.accounts_access import Right, Viewer, in_scope, no_such
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.errors import FieldRefused
from sync.central.pass_corrections import SAID_MAX, Answer, Correction, correction_of
from sync.central.statements import chunks
from sync.central.tables_health import (
    pass_copies,
    pass_findings,
    pass_occurrences,
)
from sync.central.tables_health import (
    pass_corrections as corrections,
)
from sync.central.worker_desk import RosterChanged
from sync.health_pass import (
    CLEARED_BY_MEDIC,
    GREEN_KIND,
    RED_CATEGORY,
    YELLOW_CATEGORY,
    PassColour,
    PassStatus,
    Step,
    Transition,
    pass_at,
)
from sync.records import Clearance, Flag, Worker
from sync.screening.pass_record import colour_history, greens, pass_flags
from sync.screening.pass_rules import BY_HAND, GRANTED, LONGEST_DAYS, PassRules

ROWS_MAX = 500
SOURCE = "console"
_AT_ONCE = 1000
_CATEGORIES = (RED_CATEGORY, YELLOW_CATEGORY)


@dataclass(frozen=True, slots=True)
class PassRow:
    """One person with a colour."""

    worker_id: str
    name: str
    team: str
    employer: str
    status: PassStatus


@dataclass(frozen=True, slots=True)
class PassNumbers:
    """How many people of the viewer's sites have which colour; `none`: no colour."""

    colours: Mapping[PassColour, int]
    none: int
    corrections_open: int
    corrections_late: int


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An occurrence or a finding. `green_until` only of a finding that gives one."""

    entry_id: str
    is_finding: bool
    what: str
    at: datetime
    known_at: datetime
    source: str
    noted_by: str
    why: str
    green_until: datetime | None
    taken_back_at: datetime | None
    taken_back_by: str
    taken_back_why: str


@dataclass(frozen=True, slots=True)
class PassFacts:
    """One person's pass; everything with the newest first."""

    worker_id: str
    name: str
    status: PassStatus
    history: tuple[PassStatus, ...]
    entries: tuple[EntryRow, ...]
    corrections: tuple[Correction, ...]


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """A request in the queue."""

    correction: Correction
    name: str
    status: PassStatus
    is_late: bool


@dataclass(frozen=True, slots=True)
class CopyRow:
    """One pass at two gates: site, gate, time; site and gate are empty where they are not the viewer's."""

    worker_id: str
    name: str
    pass_id: str
    first: tuple[str, str, datetime]
    second: tuple[str, str, datetime]


class PassDesk:
    """Looking at passes, setting and clearing colours, answering requests."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        on_roster_change: RosterChanged | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._on_roster_change = on_roster_change

    def rules(self) -> PassRules:
        """Those in force."""
        with self._database.read() as connection:
            return health.rules(connection)

    def zone(self, viewer: Viewer, site_id: str = "") -> ZoneInfo:
        """The time zone of that site, or of the viewer's first one; UTC for somebody without a site."""
        site = tables.sites.c
        query = select(site.timezone).where(in_scope(viewer, site.site_id)).order_by(site.site_id)
        if site_id:
            query = query.where(site.site_id == site_id)
        with self._database.read() as connection:
            return ZoneInfo(connection.scalar(query.limit(1)) or "UTC")

    def numbers(self, viewer: Viewer, *, site_id: str = "") -> PassNumbers:
        """People by colour. Raises NotAllowed."""
        viewer.require(Right.SEE_PASSES)
        now = self._now()
        with self._database.read() as connection:
            people = select(func.count()).select_from(tables.workers).where(_of(viewer, site_id))
            everybody = connection.scalar(people) or 0
            colours = Counter(one.status.colour for one in _coloured(connection, viewer, site_id, now))
            due = list(
                connection.scalars(
                    select(corrections.c.due_at)
                    .join(tables.workers, tables.workers.c.worker_id == corrections.c.worker_id)
                    .where(corrections.c.answer == "", _of(viewer, site_id))
                )
            )
        known = {colour: colours[colour] for colour in PassColour}
        late = sum(one < now for one in due)
        return PassNumbers(known, everybody - sum(known.values()), len(due), late)

    def rows(
        self,
        viewer: Viewer,
        *,
        site_id: str = "",
        colour: PassColour | None = None,
        text: str = "",
        rows: int | None = ROWS_MAX,
    ) -> list[PassRow]:
        """People with a colour, the worst first; `text` is a part of a name or number. Raises NotAllowed.

        With a text, people without a colour are found too; with `rows` None all are told, for an export.
        """
        viewer.require(Right.SEE_PASSES)
        require_plain(text)
        audit.note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_COLOURS if rows is not None else Action.EXPORTED_COLOURS,
            at=self._now(),
            site_id=site_id[:64],
            detail={"colour": colour.value if colour else "", "text": text},
        )
        worst = [PassColour.RED, PassColour.YELLOW, PassColour.GREEN, None]

        def rank(one: PassRow) -> tuple[int, str]:
            return worst.index(one.status.colour), one.worker_id

        with self._database.read() as connection:
            kept = (
                one
                for one in _coloured(connection, viewer, site_id, self._now(), text=text.strip())
                if one.status.colour is colour or (colour is None and (text.strip() or one.status.colour))
            )
            return sorted(kept, key=rank) if rows is None else nsmallest(rows, kept, key=rank)

    def one(self, viewer: Viewer, worker_id: str) -> PassFacts:
        """One person's pass and where it comes from. Raises NotAllowed, NotFound."""
        viewer.require(Right.SEE_PASSES)
        audit.note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_COLOUR,
            at=self._now(),
            subject=f"worker:{worker_id[:64]}",
        )
        now = self._now()
        with self._database.read() as connection:
            _require_seen(connection, viewer, worker_id)
            return pass_facts(connection, registry.worker(connection, worker_id), now)

    def corrections(
        self, viewer: Viewer, *, site_id: str = "", all_of_them: bool = False, rows: int | None = ROWS_MAX
    ) -> list[CorrectionRow]:
        """Requests, the one that is due first; `rows` None: for an export. Raises NotAllowed."""
        viewer.require(Right.SEE_PASSES)
        now = self._now()
        audit.note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_COLOURS if rows is not None else Action.EXPORTED_COLOURS,
            at=now,
            site_id=site_id[:64],
            detail={"corrections": "all" if all_of_them else "open"},
        )
        worker = tables.workers.c
        query = (
            select(corrections, worker.name)
            .join(tables.workers, worker.worker_id == corrections.c.worker_id)
            .where(_of(viewer, site_id))
            .order_by(corrections.c.answer != "", corrections.c.due_at, corrections.c.correction_id)
            .limit(rows)
        )
        if not all_of_them:
            query = query.where(corrections.c.answer == "")
        with self._database.read() as connection:
            found = connection.execute(query).all()
            ids = sorted({row.worker_id for row in found})
            statuses = {
                one.worker_id: pass_at(one.flags, one.clearances, now)
                for one in registry.workers(connection, ids)
            }
        return [
            CorrectionRow(
                correction_of(row),
                row.name,
                statuses.get(row.worker_id, PassStatus(None)),
                row.answer == "" and row.due_at < now,
            )
            for row in found
        ]

    def copies(self, viewer: Viewer, *, site_id: str = "") -> list[CopyRow]:
        """Passes that were used at two gates at once, the newest first. Raises NotAllowed."""
        viewer.require(Right.SEE_PASSES)
        audit.note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_COLOURS,
            at=self._now(),
            site_id=site_id[:64],
            detail={"copies": "yes"},
        )
        row = pass_copies.c
        query = (
            select(pass_copies, tables.workers.c.name)
            .join(tables.workers, tables.workers.c.worker_id == row.worker_id)
            .where(
                _of(viewer, site_id), or_(in_scope(viewer, row.first_site), in_scope(viewer, row.second_site))
            )
            .order_by(row.second_at.desc(), row.first_event, row.second_event)
            .limit(ROWS_MAX)
        )

        def use(use_site: str, gate_id: str, at: datetime) -> tuple[str, str, datetime]:
            return (use_site, gate_id, at) if viewer.sees(use_site) else ("", "", at)

        with self._database.read() as connection:
            return [
                CopyRow(
                    found.worker_id,
                    found.name,
                    found.pass_id,
                    use(found.first_site, found.first_gate, found.first_at),
                    use(found.second_site, found.second_gate, found.second_at),
                )
                for found in connection.execute(query)
            ]

    # -- decisions ---------------------------------------------------------------------------------------

    def set_colour(
        self, viewer: Viewer, worker_id: str, colour: PassColour, *, days: float | None, why: str
    ) -> str:
        """Make a pass red or yellow for `days`, None: until it is cleared; or green, None: as the rules say.

        Returns the id of the entry. Raises NotAllowed, NotFound, SettingRefused.
        """
        if days is not None and not 0 < days <= LONGEST_DAYS:
            raise FieldRefused(
                "days",
                f"{days} is no number of days",
                next_step=f"more than 0 and at most {LONGEST_DAYS}, or none",
            )
        entry_id, now = uuid4().hex, self._now()

        def work(connection: Connection, reason: str) -> dict[str, int]:
            said = {"entry_id": entry_id, "source": SOURCE, "by": viewer.user_id, "why": reason}
            if colour is PassColour.GREEN:
                until = None if days is None else now + timedelta(days=days)
                return health.found(connection, worker_id, GRANTED, now, now=now, green_until=until, **said)
            cause = BY_HAND[colour]
            ended_by = health.transition_of(connection, cause).ended_by
            return health.occurred(
                connection,
                worker_id,
                cause,
                now,
                now=now,
                transition=Transition((Step(colour, days),), ended_by),
                **said,
            )

        action = Action.GRANTED_GREEN if colour is PassColour.GREEN else Action.SET_COLOUR
        self._decide(viewer, worker_id, action, why, work, colour=colour.value, days=days or "")
        return entry_id

    def clear(self, viewer: Viewer, worker_id: str, *, why: str) -> str:
        """A medic's word: what it may end, ends now. Raises NotAllowed, NotFound, SettingRefused."""
        entry_id, now = uuid4().hex, self._now()

        def work(connection: Connection, reason: str) -> dict[str, int]:
            return health.found(
                connection,
                worker_id,
                CLEARED_BY_MEDIC,
                now,
                entry_id=entry_id,
                now=now,
                source=SOURCE,
                by=viewer.user_id,
                why=reason,
            )

        self._decide(viewer, worker_id, Action.CLEARED_COLOUR, why, work)
        return entry_id

    def take_back(self, viewer: Viewer, worker_id: str, entry_id: str, *, why: str) -> None:
        """An entry was wrong: as if it had never been. Raises NotAllowed, NotFound, SettingRefused."""

        def work(connection: Connection, reason: str) -> dict[str, int]:
            _require_entry(connection, worker_id, entry_id)
            return health.take_back(connection, entry_id, by=viewer.user_id, why=reason, now=self._now())

        self._decide(viewer, worker_id, Action.TOOK_BACK_COLOUR, why, work, entry=entry_id)

    def put_back(self, viewer: Viewer, worker_id: str, entry_id: str, *, why: str) -> None:
        """It was right after all. Raises NotAllowed, NotFound, SettingRefused."""

        def work(connection: Connection, _: str) -> dict[str, int]:
            _require_entry(connection, worker_id, entry_id)
            return health.put_back(connection, entry_id, now=self._now())

        self._decide(viewer, worker_id, Action.PUT_BACK_COLOUR, why, work, entry=entry_id)

    def answer(self, viewer: Viewer, worker_id: str, correction_id: str, what: Answer, *, why: str) -> None:
        """Answer a request. Raises NotAllowed, NotFound, AnsweredMeanwhile, SettingRefused."""

        def work(connection: Connection, reason: str) -> dict[str, int]:
            owner = pass_corrections.answer(
                connection,
                correction_id,
                what,
                reason=reason,
                by=viewer.user_id,
                now=self._now(),
            )
            if owner != worker_id:
                raise no_such("request", "")
            return {}

        self._decide(viewer, worker_id, Action.ANSWERED_CORRECTION, why, work, answer=what.value)

    def _decide(
        self,
        viewer: Viewer,
        worker_id: str,
        action: Action,
        why: str,
        work: Callable[[Connection, str], Mapping[str, int]],
        **detail: str | float,
    ) -> None:
        viewer.require(Right.DECIDE_PASSES)
        reason = why.strip()
        if not reason or len(reason) > SAID_MAX:
            raise FieldRefused(
                "reason", "a decision needs a reason", next_step=f"say why, in at most {SAID_MAX} characters"
            )
        with self._database.write() as connection:
            _require_seen(connection, viewer, worker_id)
            versions = work(connection, reason)
            audit.note_by(
                connection,
                viewer,
                action,
                at=self._now(),
                subject=f"worker:{worker_id}",
                detail={**detail, "reason": reason},
            )
        if versions and self._on_roster_change is not None:
            self._on_roster_change(versions)


def pass_facts(connection: Connection, worker: Worker, now: datetime) -> PassFacts:
    """A worker's pass and where it comes from."""
    worker_id = worker.worker_id
    occurrences, findings = health.record(connection, worker_id)
    made = pass_flags(occurrences, findings)
    others = [flag for flag in worker.flags if flag.flag_id not in {one.flag_id for one in made}]
    past = [*greens(findings), *(one for one in worker.clearances if one.kind == GREEN_KIND)]
    history = colour_history([*made, *others], past, until=now + timedelta(days=LONGEST_DAYS))
    return PassFacts(
        worker_id,
        worker.name,
        pass_at(worker.flags, worker.clearances, now),
        tuple(history),
        tuple(_entries(connection, worker_id)),
        tuple(pass_corrections.of_worker(connection, worker_id)),
    )


def colours_now(connection: Connection, viewer: Viewer, now: datetime) -> dict[str, PassColour]:
    """The colour of everybody of the viewer's sites who has one, by worker."""
    found = _coloured(connection, viewer, "", now)
    return {one.worker_id: one.status.colour for one in found if one.status.colour is not None}


def _of(viewer: Viewer, site_id: str) -> Any:
    clause = workers_in_scope(viewer)
    if not site_id:
        return clause
    link = tables.worker_sites.c
    here = exists().where(
        link.worker_id == tables.workers.c.worker_id, link.site_id == site_id, in_scope(viewer, link.site_id)
    )
    return clause & here


def _coloured(
    connection: Connection, viewer: Viewer, site_id: str, now: datetime, *, text: str = ""
) -> Iterator[PassRow]:
    """Everybody with a flag of a colour or a green, with a text everybody whom it names; some at a time."""
    worker, flag = tables.workers.c, tables.flags.c
    marked = exists().where(flag.worker_id == worker.worker_id, flag.category.in_(_CATEGORIES))
    has_green = cast(tables.workers.c.clearances, Text).contains(f'"{GREEN_KIND}"')
    query: Select[Any] = select(
        worker.worker_id, worker.name, worker.team, worker.employer, worker.clearances
    ).where(_of(viewer, site_id))
    if text:
        named = (worker.name, worker.worker_id)
        query = query.where(or_(*(one.icontains(text, autoescape=True) for one in named)))
    else:
        query = query.where(or_(marked, has_green))
    query = query.order_by(worker.worker_id).execution_options(yield_per=_AT_ONCE)
    for people in connection.execute(query).partitions():
        flags = _flags(connection, [row.worker_id for row in people])
        for row in people:
            yield PassRow(
                row.worker_id,
                row.name,
                row.team,
                row.employer,
                pass_at(flags.get(row.worker_id, ()), _greens(row.clearances), now),
            )


def _flags(connection: Connection, worker_ids: Sequence[str]) -> dict[str, list[Flag]]:
    flag = tables.flags.c
    found: dict[str, list[Flag]] = {}
    for some in chunks(worker_ids):
        query = select(tables.flags).where(flag.worker_id.in_(some), flag.category.in_(_CATEGORIES))
        for row in connection.execute(query.order_by(flag.created_at, flag.flag_id)).mappings():
            values = {name: row[name] for name in Flag.model_fields}
            found.setdefault(row["worker_id"], []).append(Flag.model_validate(values))
    return found


def _greens(clearances: Sequence[Mapping[str, Any]]) -> list[Clearance]:
    return [Clearance.model_validate(one) for one in clearances if one["kind"] == GREEN_KIND]


def _entries(connection: Connection, worker_id: str) -> list[EntryRow]:
    found: list[EntryRow] = []
    for table in (pass_occurrences, pass_findings):
        is_finding = table is pass_findings
        for row in connection.execute(select(table).where(table.c.worker_id == worker_id)):
            found.append(
                EntryRow(
                    row.entry_id,
                    is_finding,
                    row.finding if is_finding else row.cause,
                    row.at,
                    row.known_at,
                    row.source,
                    row.noted_by,
                    row.why,
                    row.green_until if is_finding else None,
                    row.taken_back_at,
                    row.taken_back_by,
                    row.taken_back_why,
                )
            )
    return sorted(found, key=lambda one: (one.known_at, one.entry_id), reverse=True)


def _require_seen(connection: Connection, viewer: Viewer, worker_id: str) -> str:
    """The name of somebody whom the viewer sees. Raises NotFound."""
    worker = tables.workers.c
    name = connection.scalar(
        select(worker.name).where(worker.worker_id == worker_id, workers_in_scope(viewer))
    )
    if name is None:
        raise no_such("worker", worker_id)
    return str(name)


def _require_entry(connection: Connection, worker_id: str, entry_id: str) -> None:
    """Raises NotFound for an entry of somebody else."""
    for table in (pass_occurrences, pass_findings):
        query = select(table.c.worker_id).where(table.c.entry_id == entry_id)
        if connection.scalar(query) == worker_id:
            return
    raise no_such("entry", "")
