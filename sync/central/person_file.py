"""One person, one file: all that is on record about a worker, each section narrowed by its own right.

One look, one audit line. The number of queries does not depend on how much is on record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from sync.alerting import AlertRules
from sync.central import alert_rules, audit, health, persons, registry, tables
from sync.central.accounts_access import Right, Viewer, in_scope, no_such
from sync.central.attendance_log import AttendanceLog, WorkerDays
from sync.central.audit import Action
from sync.central.clearance_desk import ResultRow, result_query
from sync.central.clearance_state import Line, lines
from sync.central.database import Database
from sync.central.pass_desk import PassFacts, pass_facts
from sync.central.people_desk import Papers, papers_shown
from sync.central.person_vault import PersonVault
from sync.central.persons import GivenConsent
from sync.central.tables_alerts import alerts
from sync.central.tables_cases import case_contacts, cases
from sync.central.tables_declarations import declarations
from sync.central.tables_lodging import bus_riders, buses, houses, stays
from sync.central.tables_tests import test_results
from sync.central.tables_training import training_records
from sync.clearance_rules import ClearanceRules, day_of
from sync.records import Worker
from sync.screening.pass_rules import PassRules

ATTENDANCE_DAYS = 30
ROWS_MAX = 50
"""Of each section, the newest."""


@dataclass(frozen=True, slots=True)
class SiteName:
    """A site of the worker that the viewer sees."""

    site_id: str
    name: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A course that was taken."""

    course: str
    site_id: str
    ended_at: datetime
    result: str
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class DeclarationRow:
    """One day's declaration that counts."""

    local_day: date
    declared_at: datetime
    site_id: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LodgingRow:
    """Where the worker lives or lived; `until_day` None: still."""

    address: str
    room: str
    from_day: date
    until_day: date | None


@dataclass(frozen=True, slots=True)
class RideRow:
    """A bus the worker was on the list of."""

    number: str
    travelled_on: date
    origin: str
    destination: str
    seat: int
    outcome: str


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case that the worker is a contact in; `state` of the contact."""

    case_id: str
    opened_at: datetime
    kind: str
    state: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert about the worker."""

    rule_id: str
    site_id: str
    raised_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class PersonFile:
    """Everything about one worker. A section that is None is not for this viewer.

    worker    with the sites that the viewer sees
    papers    masked; None: none on record, or no key at hand
    passes    of the health pass
    """

    now: datetime
    worker: Worker
    sites: tuple[SiteName, ...]
    templates: int
    papers: Papers | None
    consents: tuple[GivenConsent, ...]
    lines: tuple[Line, ...]
    trainings: tuple[TrainingRow, ...]
    pass_rules: PassRules
    alert_rules: AlertRules
    attendance: tuple[tuple[SiteName, WorkerDays], ...] = ()
    passes: PassFacts | None = None
    results: tuple[ResultRow, ...] | None = None
    declared: tuple[DeclarationRow, ...] | None = None
    lodging: tuple[LodgingRow, ...] | None = None
    rides: tuple[RideRow, ...] | None = None
    cases: tuple[CaseRow, ...] | None = None
    alerts: tuple[AlertRow, ...] | None = None

    @property
    def zone(self) -> ZoneInfo:
        """Of the first site: times of what belongs to no site are told in it."""
        return self.sites[0].zone


class PersonFiles:
    """Looks a file up."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        rules: ClearanceRules,
        attendance: AttendanceLog,
        vault: PersonVault | None,
    ) -> None:
        self._database = database
        self._now = now
        self._rules = rules
        self._attendance = attendance
        self._vault = vault

    def one(self, viewer: Viewer, worker_id: str) -> PersonFile:
        """Raises NotAllowed, NotFound."""
        viewer.require(Right.USE_CONSOLE)
        now = self._now()
        audit.note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_PERSON_FILE,
            at=now,
            subject=f"worker:{worker_id[:64]}",
        )
        with self._database.read() as connection:
            found = registry.workers(connection, [worker_id])
            sites = _sites(connection, viewer, worker_id)
            if not found or not sites:
                raise no_such("worker", worker_id)
            seen = tuple(one.site_id for one in sites)
            worker = found[0].model_copy(update={"site_ids": seen})
            read = _Sections(connection, viewer, worker)
            made = PersonFile(
                now,
                worker,
                sites,
                read.templates(),
                self._papers(connection, worker_id),
                tuple(persons.consents(connection, worker_id)),
                tuple(lines(connection, viewer, self._rules, now, worker_id=worker_id)),
                read.trainings(),
                health.rules(connection),
                alert_rules.rules(connection),
                passes=pass_facts(connection, found[0], now) if viewer.may(Right.SEE_PASSES) else None,
                results=read.results() if viewer.may(Right.MANAGE_TESTS) else None,
                declared=read.declared() if viewer.may(Right.READ_DECLARATIONS) else None,
                lodging=read.lodging() if viewer.may(Right.MANAGE_LODGING) else None,
                rides=read.rides() if viewer.may(Right.MANAGE_BUSES) else None,
                cases=read.cases() if viewer.may(Right.TRACE_CASES) else None,
                alerts=read.alerts() if viewer.may(Right.HANDLE_ALERTS) else None,
            )
        return replace(made, attendance=self._days(viewer, worker_id, sites, now))

    def _papers(self, connection: Connection, worker_id: str) -> Papers | None:
        if self._vault is None:
            return None
        person = persons.person(connection, self._vault, worker_id)
        return None if person is None else papers_shown(person, reveal=False)

    def _days(
        self, viewer: Viewer, worker_id: str, sites: tuple[SiteName, ...], now: datetime
    ) -> tuple[tuple[SiteName, WorkerDays], ...]:
        found = []
        for site in sites:
            last = day_of(now, site.zone)
            first = last - timedelta(days=ATTENDANCE_DAYS - 1)
            found.append((site, self._attendance.days_of(viewer, site.site_id, worker_id, first, last)))
        return tuple(found)


class _Sections:
    """The sections of one worker, each a query within the viewer's sites."""

    def __init__(self, connection: Connection, viewer: Viewer, worker: Worker) -> None:
        self._connection = connection
        self._viewer = viewer
        self._worker_id = worker.worker_id

    def templates(self) -> int:
        template = tables.templates.c
        count = select(func.count()).where(template.worker_id == self._worker_id)
        return self._connection.scalar(count) or 0

    def trainings(self) -> tuple[TrainingRow, ...]:
        row = training_records.c
        query = (
            select(
                row.course_title_zh,
                row.course_title_en,
                row.site_id,
                row.ended_at,
                row.result,
                row.valid_until,
            )
            .where(row.worker_id == self._worker_id, in_scope(self._viewer, row.site_id))
            .order_by(row.ended_at.desc(), row.record_id)
            .limit(ROWS_MAX)
        )
        return tuple(
            TrainingRow(f"{zh} {en}".strip(), *rest) for zh, en, *rest in self._connection.execute(query)
        )

    def results(self) -> tuple[ResultRow, ...]:
        row = test_results.c
        query = (
            result_query()
            .where(row.worker_id == self._worker_id)
            .order_by(row.done_at.desc(), row.result_id)
            .limit(ROWS_MAX)
        )
        return tuple(ResultRow(*one) for one in self._connection.execute(query))

    def declared(self) -> tuple[DeclarationRow, ...]:
        row = declarations.c
        query = (
            select(row.local_day, row.declared_at, row.site_id, row.marks)
            .where(
                row.worker_id == self._worker_id,
                row.superseded_by.is_(None),
                in_scope(self._viewer, row.site_id),
            )
            .order_by(row.local_day.desc())
            .limit(ROWS_MAX)
        )
        return tuple(
            DeclarationRow(one.local_day, one.declared_at, one.site_id, tuple(one.marks.split()))
            for one in self._connection.execute(query)
        )

    def lodging(self) -> tuple[LodgingRow, ...]:
        row, house = stays.c, houses.c
        query = (
            select(house.address, row.room, row.from_day, row.until_day)
            .join_from(stays, houses, house.house_id == row.house_id)
            .where(row.worker_id == self._worker_id, in_scope(self._viewer, house.site_id))
            .order_by(row.from_day.desc(), row.stay_id)
            .limit(ROWS_MAX)
        )
        return tuple(LodgingRow(*one) for one in self._connection.execute(query))

    def rides(self) -> tuple[RideRow, ...]:
        row, bus = bus_riders.c, buses.c
        query = (
            select(bus.number, bus.travelled_on, bus.origin, bus.destination, row.seat, row.outcome)
            .join_from(bus_riders, buses, bus.bus_id == row.bus_id)
            .where(row.worker_id == self._worker_id, in_scope(self._viewer, bus.site_id))
            .order_by(bus.travelled_on.desc(), row.rider_id)
            .limit(ROWS_MAX)
        )
        return tuple(RideRow(*one) for one in self._connection.execute(query))

    def cases(self) -> tuple[CaseRow, ...]:
        row, case = case_contacts.c, cases.c
        query = (
            select(case.case_id, case.opened_at, case.kind, row.state, case.state == "open")
            .join_from(case_contacts, cases, case.case_id == row.case_id)
            .where(row.worker_id == self._worker_id, in_scope(self._viewer, case.site_id))
            .order_by(case.opened_at.desc(), case.case_id)
            .limit(ROWS_MAX)
        )
        return tuple(CaseRow(*one) for one in self._connection.execute(query))

    def alerts(self) -> tuple[AlertRow, ...]:
        row = alerts.c
        query = (
            select(row.rule_id, row.site_id, row.raised_at, row.state)
            .where(row.subject == f"worker:{self._worker_id}", in_scope(self._viewer, row.site_id))
            .order_by(row.raised_at.desc(), row.alert_id)
            .limit(ROWS_MAX)
        )
        return tuple(AlertRow(*one) for one in self._connection.execute(query))


def _sites(connection: Connection, viewer: Viewer, worker_id: str) -> tuple[SiteName, ...]:
    site, link = tables.sites.c, tables.worker_sites.c
    query = (
        select(site.site_id, site.name, site.timezone)
        .join_from(tables.worker_sites, tables.sites, site.site_id == link.site_id)
        .where(link.worker_id == worker_id, in_scope(viewer, link.site_id))
        .order_by(site.site_id)
    )
    return tuple(SiteName(one.site_id, one.name, ZoneInfo(one.timezone)) for one in connection.execute(query))
