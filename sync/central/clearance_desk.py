"""Clearances as the console sees and changes them: within the viewer's sites, with an audit line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from sync.central import audit, tables, tests_due, tests_import
from sync.central.access_log import require_plain, workers_in_scope
from sync.central.accounts_access import Right, Viewer, in_scope, no_such
from sync.central.audit import Action
from sync.central.clearance_state import DueCount, Line, counted, lines
from sync.central.database import Database
from sync.central.declarations import site_zone
from sync.central.errors import AlreadyThere, FieldRefused
from sync.central.people_desk import VaultMissing
from sync.central.person_vault import PersonVault
from sync.central.statements import chunks
from sync.central.tables_tests import test_batches, test_imports, test_orders, test_results
from sync.central.tests_due import AtGate, NewResult, Ordered, OrderTerms, TakenBack
from sync.central.tests_import import ImportReport, ImportTerms
from sync.central.worker_desk import RosterChanged
from sync.clearance_rules import ClearanceRules, State, day_of, end_of_day, shipped_rules
from sync.clearance_rules.rules import LONGEST_D
from sync.records import WorkerStatus

ROWS_MAX = 500
RECENT = 50
WHY_MAX = 500
LONGEST_ORDER_D = 366


class Show(StrEnum):
    """Which lines a list has."""

    NOT_DONE = "not_done"
    ENDS_SOON = "ends_soon"
    OVERDUE = "overdue"
    DUE = "due"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; empty: any. `days`: what ends within so many is `ends soon`; None: by the rules."""

    site_id: str = ""
    kind: str = ""
    team: str = ""
    show: Show = Show.NOT_DONE
    days: float | None = None
    worker_id: str = ""

    def takes(self, one: Line) -> bool:
        match self.show:
            case Show.NOT_DONE:
                return one.is_due and not one.is_done
            case Show.ENDS_SOON:
                return one.standing.state is State.ENDS_SOON
            case Show.OVERDUE:
                return one.is_overdue
            case Show.DUE:
                return one.is_due
            case Show.ALL:
                return True


@dataclass(frozen=True, slots=True)
class ClearancePage:
    """`lines`: at most `ROWS_MAX` of `total`. `counts` are of everybody that was asked for."""

    now: datetime
    counts: tuple[DueCount, ...]
    lines: tuple[Line, ...]
    total: int


@dataclass(frozen=True, slots=True)
class BatchRow:
    """What was ordered at once. `people` as ordered; `there`: who is registered still, of these `done`."""

    batch_id: str
    site_id: str
    kind: str
    due_by: datetime
    why: str
    at_gate: AtGate
    ordered_at: datetime
    ordered_by: str
    people: int
    there: int
    done: int
    undone_at: datetime | None
    undone_by: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A result as it is kept."""

    result_id: str
    worker_id: str
    name: str
    kind: str
    result: str
    done_at: datetime
    valid_until: datetime | None
    done_by: str
    reference: str
    entered_at: datetime
    entered_by: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One imported list."""

    import_id: str
    site_id: str
    kind: str
    file_name: str
    rows: int
    taken: int
    problems: tuple[tuple[int, str], ...]
    imported_at: datetime
    imported_by: str
    undone_at: datetime | None
    undone_by: str


class ClearanceDesk:
    """Who needs what and has it; orders, results and their lists.

    vault  None: lists of laboratories cannot be matched
    """

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        vault: PersonVault | None = None,
        rules: ClearanceRules | None = None,
        on_roster_change: RosterChanged | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._vault = vault
        self._on_roster_change = on_roster_change
        self.rules = rules or shipped_rules()

    def page(self, viewer: Viewer, wanted: Wanted) -> ClearancePage:
        """Counts and lines as things stand now. Raises NotAllowed, NotFound."""
        found, now = self._found(viewer, wanted, Action.LOOKED_AT_CLEARANCES)
        shown = [one for one in found if wanted.takes(one)]
        return ClearancePage(now, tuple(counted(found)), tuple(shown[:ROWS_MAX]), len(shown))

    def export(self, viewer: Viewer, wanted: Wanted) -> list[Line]:
        """All the lines, for a file. Raises NotAllowed, NotFound."""
        found, _ = self._found(viewer, wanted, Action.EXPORTED_CLEARANCES)
        return [one for one in found if wanted.takes(one)]

    def order(
        self,
        viewer: Viewer,
        *,
        site_id: str,
        kind: str,
        due_on: date,
        why: str,
        at_gate: AtGate = AtGate.NOTHING,
        worker_ids: Sequence[str] = (),
        team: str = "",
        trade: str = "",
    ) -> Ordered:
        """Order a test for chosen workers, or a team, a trade, or the whole site; due at the end of a day.

        Raises NotAllowed, NotFound, SettingRefused.
        """
        viewer.require(Right.MANAGE_TESTS)
        viewer.require_site(site_id)
        reason, now = _reason(why), self._now()
        with self._database.write() as connection:
            zone = site_zone(connection, site_id)
            if not 0 <= (due_on - day_of(now, zone)).days <= LONGEST_ORDER_D:
                raise FieldRefused(
                    "due_on",
                    f"{due_on} is no day until which something can be done",
                    next_step=f"today or later, within {LONGEST_ORDER_D} days",
                )
            people = _people(connection, site_id, worker_ids, team, trade)
            missing = sorted(set(worker_ids) - set(people))
            if missing:
                raise no_such("worker of this site", missing[0])
            terms = OrderTerms(site_id, kind, end_of_day(due_on, zone), reason, at_gate)
            done = tests_due.order(connection, self.rules, terms, people, by=viewer.user_id, now=now)
            self._note(
                connection, viewer, Action.ORDERED_TESTS, site_id,
                batch=done.batch_id, kind=kind, people=done.people, why=reason, at_gate=at_gate.value,
            )  # fmt: skip
        self._announce(done.versions)
        return done

    def take_back(self, viewer: Viewer, batch_id: str) -> TakenBack:
        """Cancel what is open of a batch. Raises NotAllowed, NotFound, SettingRefused."""
        viewer.require(Right.MANAGE_TESTS)
        with self._database.write() as connection:
            site_id = self._site_of(connection, viewer, test_batches, "batch_id", batch_id)
            done = tests_due.take_back(connection, self.rules, batch_id, by=viewer.user_id, now=self._now())
            self._note(
                connection, viewer, Action.TOOK_BACK_TESTS, site_id, batch=batch_id, people=done.people
            )
        self._announce(done.versions)
        return done

    def batches(self, viewer: Viewer, site_id: str = "") -> list[BatchRow]:
        """What was ordered lately, the newest first; counts only."""
        viewer.require(Right.USE_CONSOLE)
        row, batch = test_orders.c, test_batches.c
        query = (
            select(
                test_batches,
                tables.sites.c.timezone,
                func.count(row.order_id).label("there"),
                func.count(row.done_at).label("done"),
            )
            .join_from(test_batches, tables.sites, tables.sites.c.site_id == batch.site_id)
            .outerjoin(test_orders, row.batch_id == batch.batch_id)
            .where(in_scope(viewer, batch.site_id))
            .group_by(*batch, tables.sites.c.timezone)
            .order_by(batch.ordered_at.desc(), batch.batch_id)
            .limit(RECENT)
        )
        if site_id:
            query = query.where(batch.site_id == site_id)
        names = [name for name in BatchRow.__dataclass_fields__ if name not in ("at_gate", "zone")]
        with self._database.read() as connection:
            return [
                BatchRow(
                    **{name: getattr(one, name) for name in names},
                    at_gate=AtGate(one.at_gate),
                    zone=ZoneInfo(one.timezone),
                )
                for one in connection.execute(query)
            ]

    def enter(self, viewer: Viewer, site_id: str, result: NewResult) -> str:
        """One result of a worker of the site; returns its id.

        Raises NotAllowed, NotFound, SettingRefused, AlreadyThere.
        """
        viewer.require(Right.MANAGE_TESTS)
        viewer.require_site(site_id)
        tests_due.require_kind(self.rules, result.kind)
        with self._database.write() as connection:
            if not _people(connection, site_id, [result.worker_id], "", ""):
                raise no_such("worker of this site", result.worker_id)
            kept = tests_due.put_results(
                connection,
                self.rules,
                [result],
                site_zone(connection, site_id),
                by=viewer.user_id,
                now=self._now(),
            )
            if not kept.ids:
                refused, next_step = kept.refused.get(0), "look at the results of this worker"
                if refused is None:
                    raise AlreadyThere("this result is there already", next_step=next_step)
                raise FieldRefused(refused.field, refused.why, next_step=next_step)
            self._note(
                connection, viewer, Action.ENTERED_RESULT, site_id,
                subject=f"worker:{result.worker_id}", kind=result.kind, result_id=kept.ids[0],
            )  # fmt: skip
        self._announce(kept.versions)
        return kept.ids[0]

    def results(self, viewer: Viewer, site_id: str) -> list[ResultRow]:
        """The latest results of a site's workers. Raises NotAllowed, NotFound."""
        viewer.require(Right.MANAGE_TESTS)
        viewer.require_site(site_id)
        audit.note_look(self._database, viewer, Action.LOOKED_AT_RESULTS, at=self._now(), site_id=site_id)
        link, row = tables.worker_sites.c, test_results.c
        query = (
            result_query()
            .join(tables.worker_sites, link.worker_id == row.worker_id)
            .where(link.site_id == site_id)
            .order_by(row.entered_at.desc(), row.result_id)
            .limit(RECENT)
        )
        with self._database.read() as connection:
            return [ResultRow(*one) for one in connection.execute(query)]

    def drop_result(self, viewer: Viewer, result_id: str, *, why: str) -> None:
        """Take back a result that was entered by mistake. Raises NotAllowed, NotFound, SettingRefused."""
        viewer.require(Right.MANAGE_TESTS)
        reason = _reason(why)
        link, row = tables.worker_sites.c, test_results.c
        query = (
            select(row.worker_id, row.kind)
            .join_from(test_results, tables.worker_sites, link.worker_id == row.worker_id)
            .where(row.result_id == result_id, in_scope(viewer, link.site_id))
        )
        with self._database.write() as connection:
            found = connection.execute(query).first()
            if found is None:
                raise no_such("result", result_id)
            _, versions = tests_due.drop_results(connection, self.rules, [result_id], now=self._now())
            self._note(
                connection, viewer, Action.DROPPED_RESULT, "",
                subject=f"worker:{found.worker_id}", kind=found.kind, result_id=result_id, why=reason,
            )  # fmt: skip
        self._announce(versions)

    def preview(self, viewer: Viewer, *, site_id: str, kind: str, file_name: str, raw: bytes) -> ImportReport:
        """What an import would do.

        Raises NotAllowed, NotFound, ListUnusable, SettingRefused, VaultMissing.
        """
        terms = self._import_terms(viewer, site_id, kind, file_name)
        with self._database.read() as connection:
            return tests_import.preview_results(
                connection, self.rules, self._opened_vault(), terms, raw, now=self._now()
            )

    def import_file(
        self, viewer: Viewer, *, site_id: str, kind: str, file_name: str, raw: bytes
    ) -> ImportReport:
        """Take the results of a laboratory's list. Raises as `preview`."""
        terms = self._import_terms(viewer, site_id, kind, file_name)
        report = tests_import.import_results(
            self._database,
            self.rules,
            self._opened_vault(),
            terms,
            raw,
            by=viewer.user_id,
            now=self._now(),
        )
        with self._database.write() as connection:
            self._note(
                connection, viewer, Action.IMPORTED_RESULTS, site_id,
                import_id=report.import_id, kind=kind, rows=report.rows, taken=report.taken,
            )  # fmt: skip
        self._announce(report.versions)
        return report

    def imports(self, viewer: Viewer, site_id: str = "") -> list[ImportRow]:
        """Lists that were imported lately, the newest first. Raises NotAllowed."""
        viewer.require(Right.MANAGE_TESTS)
        row = test_imports.c
        query = (
            select(*(row[name] for name in ImportRow.__dataclass_fields__))
            .where(in_scope(viewer, row.site_id))
            .order_by(row.imported_at.desc(), row.import_id)
            .limit(RECENT)
        )
        if site_id:
            query = query.where(row.site_id == site_id)
        with self._database.read() as connection:
            found = [ImportRow(*one) for one in connection.execute(query)]
        return [replace(one, problems=tuple((at, why) for at, why in one.problems)) for one in found]

    def drop_import(self, viewer: Viewer, import_id: str) -> int:
        """Take back all results of an import; how many. Raises NotAllowed, NotFound, SettingRefused."""
        viewer.require(Right.MANAGE_TESTS)
        with self._database.write() as connection:
            site_id = self._site_of(connection, viewer, test_imports, "import_id", import_id)
            count, versions = tests_import.drop_import(
                connection, self.rules, import_id, by=viewer.user_id, now=self._now()
            )
            self._note(connection, viewer, Action.DROPPED_IMPORT, site_id, import_id=import_id, results=count)
        self._announce(versions)
        return count

    # -- inside ------------------------------------------------------------------------------------------

    def _found(self, viewer: Viewer, wanted: Wanted, action: Action) -> tuple[list[Line], datetime]:
        viewer.require(Right.USE_CONSOLE)
        for text in (wanted.site_id, wanted.kind, wanted.team, wanted.worker_id):
            require_plain(text)
        if wanted.days is not None and not 0 <= wanted.days <= LONGEST_D:
            raise FieldRefused(
                "days", "so many days cannot be looked ahead", next_step=f"at most {LONGEST_D:,}, or none"
            )
        if wanted.site_id:
            viewer.require_site(wanted.site_id)
        now = self._now()
        detail = {"kind": wanted.kind, "team": wanted.team, "show": wanted.show.value}
        audit.note_look(
            self._database,
            viewer,
            action,
            at=now,
            site_id=wanted.site_id[:64],
            subject=f"worker:{wanted.worker_id[:64]}" if wanted.worker_id else "",
            detail={name: value for name, value in detail.items() if value},
        )
        with self._database.read() as connection:
            if wanted.worker_id:
                _require_worker(connection, viewer, wanted.worker_id)
            found = lines(
                connection,
                viewer,
                self.rules,
                now,
                site_id=wanted.site_id,
                kind=wanted.kind,
                team=wanted.team,
                worker_id=wanted.worker_id,
                warn_days=wanted.days,
            )
            return list(found), now

    def _site_of(self, connection: Connection, viewer: Viewer, table: Any, column: str, key: str) -> str:
        query = select(table.c.site_id).where(table.c[column] == key, in_scope(viewer, table.c.site_id))
        site_id: str | None = connection.scalar(query)
        if site_id is None:
            raise no_such("order" if table is test_batches else "import", key)
        return site_id

    def _import_terms(self, viewer: Viewer, site_id: str, kind: str, file_name: str) -> ImportTerms:
        viewer.require(Right.MANAGE_TESTS)
        viewer.require_site(site_id)
        tests_due.require_kind(self.rules, kind)
        with self._database.read() as connection:
            return ImportTerms(site_id, kind, file_name, site_zone(connection, site_id))

    def _opened_vault(self) -> PersonVault:
        if self._vault is None:
            raise VaultMissing(
                "document numbers cannot be matched here",
                next_step="start the centre with its key folder: --keys",
            )
        return self._vault

    def _note(
        self,
        connection: Connection,
        viewer: Viewer,
        action: Action,
        site_id: str,
        *,
        subject: str = "",
        **detail: str | int,
    ) -> None:
        audit.note_by(
            connection, viewer, action, at=self._now(), site_id=site_id, subject=subject, detail=detail
        )

    def _announce(self, versions: Mapping[str, int]) -> None:
        if self._on_roster_change is not None and versions:
            self._on_roster_change(versions)


def result_query() -> Any:
    """Results with the names of their workers, as `ResultRow` has them."""
    row, worker = test_results.c, tables.workers.c
    names = [name for name in ResultRow.__dataclass_fields__ if name != "name"]
    columns = [row[name] for name in names]
    columns.insert(2, worker.name)
    return select(*columns).join_from(test_results, tables.workers, worker.worker_id == row.worker_id)


def _require_worker(connection: Connection, viewer: Viewer, worker_id: str) -> None:
    """Raises NotFound for somebody whom the viewer does not see."""
    worker = tables.workers.c
    if (
        connection.scalar(
            select(worker.worker_id).where(worker.worker_id == worker_id, workers_in_scope(viewer))
        )
        is None
    ):
        raise no_such("worker", worker_id)


def _people(
    connection: Connection, site_id: str, worker_ids: Sequence[str], team: str, trade: str
) -> list[str]:
    """Active workers of the site: those that are named, or all of the team and trade."""
    workers, link = tables.workers.c, tables.worker_sites.c
    query = (
        select(workers.worker_id)
        .join_from(tables.workers, tables.worker_sites, link.worker_id == workers.worker_id)
        .where(link.site_id == site_id, workers.status != WorkerStatus.LEFT.value)
        .order_by(workers.worker_id)
    )
    if not worker_ids:
        for value, column in ((team.strip(), workers.team), (trade.strip(), workers.trade)):
            if value:
                query = query.where(column == value)
        return list(connection.scalars(query))
    found: list[str] = []
    for some in chunks(sorted(set(worker_ids))):
        found += connection.scalars(query.where(workers.worker_id.in_(some)))
    return found


def _reason(why: str) -> str:
    reason = why.strip()
    if not reason or len(reason) > WHY_MAX:
        raise FieldRefused(
            "reason", "this needs a reason", next_step=f"say why, in at most {WHY_MAX} characters"
        )
    return reason
