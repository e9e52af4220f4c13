"""Cases as the console shows and changes them: within the viewer's sites, with an audit line for each look.

Tracing crosses sites; what is shown does not: a contact of a site that the viewer does not see is there with
the reason, without a name, and is left to somebody who sees that site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, exists, func, select

from sync.central import audit, case_passes, cases, tables
from sync.central.access_log import workers_in_scope
from sync.central.accounts_access import NotAllowed, Right, Viewer, in_scope, no_such
from sync.central.audit import Action
from sync.central.case_watch import trace_case
from sync.central.cases import Case, CaseData, Confirmed, ContactState, Undone
from sync.central.database import Database
from sync.central.declarations import site_zone
from sync.central.errors import FieldRefused
from sync.central.statements import chunks
from sync.central.tables_cases import case_actions, case_contacts, contact_reasons
from sync.central.tables_cases import cases as case_rows
from sync.central.tables_declarations import declarations
from sync.central.tables_phone import visitors
from sync.central.worker_desk import RosterChanged
from sync.records import FlagLevel
from sync.tracing import TracingRules, shipped_rules

ROWS_MAX = 200
DAYS_MAX = 365
WHY_MAX = 500


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of the list. `name` of the worker as registered now; `counts` of contacts by state."""

    case: Case
    name: str
    site_name: str
    counts: Mapping[ContactState, int]


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Why, by one rule. `meetings`: the latest, as `sync.tracing.telling.told` reads them."""

    rule_id: str
    last_day: date
    certain: bool
    holds: bool
    meetings: tuple[Mapping[str, Any], ...]
    meetings_count: int


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One person. `is_hidden`: of a site that the viewer does not see; then there is no name, no number.

    has_flag  the flag of the confirmation is still there
    """

    contact_id: str
    person: str
    worker_id: str
    name: str
    phone: str
    team: str
    site_ids: tuple[str, ...]
    is_hidden: bool
    is_registered: bool
    state: ContactState
    found_at: datetime
    decided_at: datetime | None
    decided_by: str
    why: str
    action_id: str
    has_flag: bool
    reasons: tuple[ReasonRow, ...]

    @property
    def last_day(self) -> date | None:
        """Of the meetings that hold; None where none does any more."""
        return max((reason.last_day for reason in self.reasons if reason.holds), default=None)


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One confirmation."""

    action_id: str
    level: FlagLevel
    days: int
    why: str
    done_at: datetime
    done_by: str
    contacts: int
    flags: int
    undone_at: datetime | None
    undone_by: str


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """Everything about one case; contacts with the latest meeting first."""

    row: CaseRow
    zone: ZoneInfo
    contacts: tuple[ContactRow, ...]
    actions: tuple[ActionRow, ...]


class CaseDesk:
    """Looking at cases, opening them, deciding about contacts."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        rules: TracingRules | None = None,
        on_roster_change: RosterChanged | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._on_roster_change = on_roster_change
        self.rules = rules or shipped_rules()

    def rows(self, viewer: Viewer, *, site_id: str = "", closed_too: bool = False) -> list[CaseRow]:
        """The newest first, at most `ROWS_MAX`. Raises NotAllowed."""
        viewer.require(Right.TRACE_CASES)
        audit.note_look(self._database, viewer, Action.LOOKED_AT_CASES, at=self._now(), site_id=site_id[:64])
        query = _row_query(viewer).order_by(case_rows.c.opened_at.desc(), case_rows.c.case_id).limit(ROWS_MAX)
        if site_id:
            query = query.where(case_rows.c.site_id == site_id)
        if not closed_too:
            query = query.where(case_rows.c.state == "open")
        with self._database.read() as connection:
            found = connection.execute(query).all()
            counts = _counts(connection, [row.case_id for row in found])
        return [_case_row(row, counts.get(row.case_id, {})) for row in found]

    def one(self, viewer: Viewer, case_id: str) -> CaseFacts:
        """Raises NotAllowed, NotFound."""
        return self._facts(viewer, case_id, Action.LOOKED_AT_CASE)

    def export(self, viewer: Viewer, case_id: str) -> CaseFacts:
        """As `one`, for a file. Raises NotAllowed, NotFound."""
        return self._facts(viewer, case_id, Action.EXPORTED_CASE)

    def open(self, viewer: Viewer, data: CaseData) -> str:
        """Open a case and trace it; returns its id. The pass of its worker follows it.

        Raises NotAllowed, NotFound (site or worker, also one of a site that is not the viewer's),
        AlreadyThere, SettingRefused.
        """
        viewer.require(Right.TRACE_CASES)
        viewer.require_site(data.site_id)
        now = self._now()
        with self._database.write() as connection:
            if data.from_day > now.astimezone(site_zone(connection, data.site_id)).date():
                raise FieldRefused("window", "the window begins in the future", next_step="correct the days")
            if data.worker_id is not None and not _sees_worker(connection, viewer, data.worker_id):
                raise no_such("worker", data.worker_id)
            case_id = cases.open_case(connection, data, by=viewer.user_id, now=now)
            self._note(connection, viewer, Action.OPENED_CASE, case_id, data.site_id, kind=data.kind.value)
            versions = self._follow(connection, viewer, case_id)
        self._announce(versions)
        trace_case(self._database, case_id, self.rules, now=now)
        return case_id

    def change(self, viewer: Viewer, case_id: str, data: CaseData) -> None:
        """Kind (the pass follows), days, told trips and stays, remarks; traced anew.

        Raises NotFound, CaseClosed.
        """
        with self._database.write() as connection:
            case = self._held(connection, viewer, case_id)
            cases.change_case(connection, case_id, data)
            self._note(
                connection, viewer, Action.CHANGED_CASE, case_id, case.data.site_id, kind=data.kind.value
            )
            changed = data.kind is not case.data.kind
            versions = self._follow(connection, viewer, case_id) if changed else {}
        self._announce(versions)
        trace_case(self._database, case_id, self.rules, now=self._now())

    def trace(self, viewer: Viewer, case_id: str) -> int:
        """Trace an open case now; how many people were found. Raises NotFound."""
        with self._database.write() as connection:
            self._held(connection, viewer, case_id)
        found = trace_case(self._database, case_id, self.rules, now=self._now())
        return len({reason.person for reason in found.reasons}) if found else 0

    def close(self, viewer: Viewer, case_id: str) -> None:
        """What the case did to its worker's pass goes; contacts keep theirs. Raises NotFound, CaseClosed."""
        with self._database.write() as connection:
            case = self._held(connection, viewer, case_id)
            cases.close_case(connection, case_id, by=viewer.user_id, now=self._now())
            self._note(connection, viewer, Action.CLOSED_CASE, case_id, case.data.site_id)
            versions = self._follow(connection, viewer, case_id)
        self._announce(versions)

    def reopen(self, viewer: Viewer, case_id: str) -> None:
        """Raises NotFound."""
        with self._database.write() as connection:
            case = self._held(connection, viewer, case_id)
            cases.reopen_case(connection, case_id)
            self._note(connection, viewer, Action.REOPENED_CASE, case_id, case.data.site_id)
            versions = self._follow(connection, viewer, case_id)
        self._announce(versions)
        trace_case(self._database, case_id, self.rules, now=self._now())

    def confirm(
        self,
        viewer: Viewer,
        case_id: str,
        contact_ids: Sequence[str],
        *,
        level: FlagLevel,
        days: int,
        why: str,
    ) -> Confirmed:
        """Confirm these contacts and flag them, in one transaction; the gates hear of it at once.

        Raises NotAllowed, NotFound, CaseClosed, DecidedMeanwhile, SettingRefused.
        """
        viewer.require(Right.FLAG)
        if not 1 <= days <= DAYS_MAX:
            raise FieldRefused("days", f"{days} days is no time for a flag", next_step=f"1 to {DAYS_MAX}")
        reason = _reason(why)
        with self._database.write() as connection:
            case = self._held(connection, viewer, case_id)
            self._require_seen(connection, viewer, case_id, contact_ids)
            done = cases.confirm(
                connection,
                case_id,
                contact_ids,
                self.rules,
                level=level,
                days=days,
                why=reason,
                by=viewer.user_id,
                now=self._now(),
            )
            self._note(
                connection, viewer, Action.CONFIRMED_CONTACTS, case_id, case.data.site_id,
                confirmation=done.action_id, contacts=len(set(contact_ids)), flags=done.flags,
                level=level.value, reason=reason,
            )  # fmt: skip
            self._note_workers(connection, viewer, Action.FLAGGED_WORKER, case_id, contact_ids)
        self._announce(done.versions)
        return done

    def dismiss(self, viewer: Viewer, case_id: str, contact_ids: Sequence[str], *, why: str) -> int:
        """These were no contacts. Raises NotFound, CaseClosed, DecidedMeanwhile, SettingRefused."""
        reason = _reason(why)
        with self._database.write() as connection:
            case = self._held(connection, viewer, case_id)
            self._require_seen(connection, viewer, case_id, contact_ids)
            count = cases.dismiss(
                connection, case_id, contact_ids, why=reason, by=viewer.user_id, now=self._now()
            )
            self._note(
                connection, viewer, Action.DISMISSED_CONTACTS, case_id, case.data.site_id,
                contacts=count, reason=reason,
            )  # fmt: skip
        return count

    def undo(self, viewer: Viewer, case_id: str, contact_ids: Sequence[str], *, why: str) -> Undone:
        """Take decisions back, with exactly the flags they made. Raises NotFound, SettingRefused."""
        viewer.require(Right.FLAG)
        reason = _reason(why)
        with self._database.write() as connection:
            case = self._held(connection, viewer, case_id)
            self._require_seen(connection, viewer, case_id, contact_ids)
            self._note_workers(connection, viewer, Action.UNFLAGGED_WORKER, case_id, contact_ids)
            done = cases.undo(
                connection, case_id, contact_ids, why=reason, by=viewer.user_id, now=self._now()
            )
            self._note(
                connection, viewer, Action.UNDID_CONTACTS, case_id, case.data.site_id,
                contacts=done.contacts, flags=done.flags, reason=reason,
            )  # fmt: skip
        self._announce(done.versions)
        return done

    def undo_action(self, viewer: Viewer, case_id: str, action_id: str, *, why: str) -> Undone:
        """Take one confirmation back, as far as it holds still. Raises as `undo`."""
        viewer.require(Right.TRACE_CASES)
        with self._database.read() as connection:
            contact_ids = cases.contacts_of_action(connection, action_id)
        return self.undo(viewer, case_id, contact_ids, why=why)

    # -- inside ------------------------------------------------------------------------------------------

    def _held(self, connection: Connection, viewer: Viewer, case_id: str) -> Case:
        viewer.require(Right.TRACE_CASES)
        query = _row_query(viewer).where(case_rows.c.case_id == case_id)
        if connection.execute(query).first() is None:
            raise no_such("case", case_id)
        return cases.held_case(connection, case_id)

    def _follow(self, connection: Connection, viewer: Viewer, case_id: str) -> Mapping[str, int]:
        """Roster versions of what the case does now to its worker's pass. Raises NotAllowed."""
        case = cases.held_case(connection, case_id)
        done = case_passes.follow(connection, case, by=viewer.user_id, now=self._now())
        for action, worker_ids in (
            (Action.UNFLAGGED_WORKER, done.taken),
            (Action.FLAGGED_WORKER, done.given),
        ):
            for worker_id in sorted(worker_ids):
                viewer.require(Right.FLAG)
                audit.note_by(
                    connection,
                    viewer,
                    action,
                    at=self._now(),
                    subject=f"worker:{worker_id}",
                    detail={"case": case_id},
                )
        return done.versions

    def _facts(self, viewer: Viewer, case_id: str, action: Action) -> CaseFacts:
        viewer.require(Right.TRACE_CASES)
        audit.note_look(self._database, viewer, action, at=self._now(), subject=f"case:{case_id[:64]}")
        with self._database.read() as connection:
            row = connection.execute(_row_query(viewer).where(case_rows.c.case_id == case_id)).first()
            if row is None:
                raise no_such("case", case_id)
            contacts = _contact_rows(connection, viewer, case_id)
            actions = tuple(_action_rows(connection, case_id))
            counts = _counts(connection, [case_id]).get(case_id, {})
            zone = site_zone(connection, row.site_id)
        return CaseFacts(_case_row(row, counts), zone, contacts, actions)

    def _require_seen(
        self, connection: Connection, viewer: Viewer, case_id: str, contact_ids: Iterable[str]
    ) -> None:
        if viewer.site_ids is None:
            return
        wanted = set(contact_ids)
        hidden = {row.contact_id for row in _contact_rows(connection, viewer, case_id) if row.is_hidden}
        if hidden & wanted:
            raise NotAllowed(
                "a chosen contact belongs to a site that is not yours",
                next_step="leave it to somebody who sees that site, or ask an administrator",
            )

    def _note(
        self,
        connection: Connection,
        viewer: Viewer,
        action: Action,
        case_id: str,
        site_id: str,
        **detail: str | int,
    ) -> None:
        audit.note_by(
            connection,
            viewer,
            action,
            at=self._now(),
            site_id=site_id,
            subject=f"case:{case_id}",
            detail=detail,
        )

    def _note_workers(
        self, connection: Connection, viewer: Viewer, action: Action, case_id: str, contact_ids: Iterable[str]
    ) -> None:
        """A line per worker whose flag came or goes: found again by the worker's number."""
        for some in chunks(sorted(set(contact_ids))):
            contact = case_contacts.c
            query = select(contact.worker_id, contact.flag_id).where(
                contact.case_id == case_id, contact.contact_id.in_(some), contact.flag_id.is_not(None)
            )
            for row in connection.execute(query).all():
                audit.note_by(
                    connection,
                    viewer,
                    action,
                    at=self._now(),
                    subject=f"worker:{row.worker_id}",
                    detail={"flag": row.flag_id, "case": case_id},
                )

    def _announce(self, versions: Mapping[str, int]) -> None:
        if self._on_roster_change is not None and versions:
            self._on_roster_change(versions)


def _row_query(viewer: Viewer) -> Any:
    return (
        select(case_rows, tables.workers.c.name.label("worker_name"), tables.sites.c.name.label("site_name"))
        .join_from(case_rows, tables.sites, tables.sites.c.site_id == case_rows.c.site_id)
        .outerjoin(tables.workers, tables.workers.c.worker_id == case_rows.c.worker_id)
        .where(in_scope(viewer, case_rows.c.site_id))
    )


def _case_row(row: Any, counts: Mapping[ContactState, int]) -> CaseRow:
    return CaseRow(cases.case_of(row), row.worker_name or row.name, row.site_name, counts)


def _counts(connection: Connection, case_ids: Sequence[str]) -> dict[str, dict[ContactState, int]]:
    contact = case_contacts.c
    query = (
        select(contact.case_id, contact.state, func.count())
        .where(contact.case_id.in_(case_ids))
        .group_by(contact.case_id, contact.state)
    )
    found: dict[str, dict[ContactState, int]] = {}
    for case_id, state, count in connection.execute(query):
        found.setdefault(case_id, {})[ContactState(state)] = count
    return found


def _contact_rows(connection: Connection, viewer: Viewer, case_id: str) -> tuple[ContactRow, ...]:
    contact, worker, visitor, flag = case_contacts.c, tables.workers.c, visitors.c, tables.flags.c
    declared_here = exists().where(
        declarations.c.visitor_id == contact.visitor_id, in_scope(viewer, declarations.c.site_id)
    )
    query = (
        select(
            case_contacts,
            worker.name.label("worker_name"),
            worker.phone.label("worker_phone"),
            worker.team,
            visitor.name.label("visitor_name"),
            visitor.phone.label("visitor_phone"),
            worker.worker_id.is_not(None).label("is_registered"),
            workers_in_scope(viewer).label("worker_seen"),
            declared_here.label("visitor_seen"),
            in_scope(viewer, contact.site_id).label("list_seen"),
            exists().where(flag.flag_id == contact.flag_id).label("has_flag"),
        )
        .select_from(case_contacts)
        .outerjoin(tables.workers, worker.worker_id == contact.worker_id)
        .outerjoin(visitors, visitor.visitor_id == contact.visitor_id)
        .where(contact.case_id == case_id)
    )
    reasons = _reason_rows(connection, case_id)
    sites = _sites_of(connection, viewer, case_id)
    found = [
        _contact_row(row, reasons.get(row.contact_id, ()), sites.get(row.worker_id, ()))
        for row in connection.execute(query)
    ]
    return tuple(
        sorted(
            found, key=lambda one: (-(one.last_day or date.min).toordinal(), one.worker_id, one.contact_id)
        )
    )


def _contact_row(row: Any, reasons: tuple[ReasonRow, ...], site_ids: tuple[str, ...]) -> ContactRow:
    if row.worker_id is not None:
        # Who is no longer registered has a number left, of no site.
        seen = row.worker_seen or not row.is_registered
        name, phone = row.worker_name, row.worker_phone
    elif row.visitor_id is not None:
        seen, name, phone = row.visitor_seen, row.visitor_name, row.visitor_phone
    else:
        seen, name, phone = row.list_seen, row.name, row.phone
    return ContactRow(
        row.contact_id,
        row.person if seen else "",
        (row.worker_id or "") if seen else "",
        (name or "") if seen else "",
        (phone or "") if seen else "",
        (row.team or "") if seen else "",
        site_ids,
        not seen,
        bool(row.is_registered),
        ContactState(row.state),
        row.found_at,
        row.decided_at,
        row.decided_by,
        row.why,
        row.action_id or "",
        bool(row.has_flag),
        reasons,
    )


def _reason_rows(connection: Connection, case_id: str) -> dict[str, tuple[ReasonRow, ...]]:
    reason = contact_reasons.c
    query = (
        select(contact_reasons)
        .join_from(contact_reasons, case_contacts, case_contacts.c.contact_id == reason.contact_id)
        .where(case_contacts.c.case_id == case_id)
        .order_by(reason.contact_id, reason.last_day.desc(), reason.rule_id)
    )
    found: dict[str, tuple[ReasonRow, ...]] = {}
    for row in connection.execute(query):
        line = ReasonRow(
            row.rule_id, row.last_day, row.certain, row.holds, tuple(row.meetings), row.meetings_count
        )
        found[row.contact_id] = (*found.get(row.contact_id, ()), line)
    return found


def _sites_of(connection: Connection, viewer: Viewer, case_id: str) -> dict[str, tuple[str, ...]]:
    link = tables.worker_sites.c
    query = (
        select(link.worker_id, link.site_id)
        .join_from(tables.worker_sites, case_contacts, case_contacts.c.worker_id == link.worker_id)
        .where(case_contacts.c.case_id == case_id, in_scope(viewer, link.site_id))
        .order_by(link.worker_id, link.site_id)
    )
    found: dict[str, tuple[str, ...]] = {}
    for worker_id, site_id in connection.execute(query):
        found[worker_id] = (*found.get(worker_id, ()), site_id)
    return found


def _action_rows(connection: Connection, case_id: str) -> list[ActionRow]:
    query = (
        select(case_actions)
        .where(case_actions.c.case_id == case_id)
        .order_by(case_actions.c.done_at.desc(), case_actions.c.action_id)
    )
    return [
        ActionRow(
            row.action_id,
            FlagLevel(row.level),
            row.days,
            row.why,
            row.done_at,
            row.done_by,
            row.contacts,
            row.flags,
            row.undone_at,
            row.undone_by,
        )
        for row in connection.execute(query)
    ]


def _sees_worker(connection: Connection, viewer: Viewer, worker_id: str) -> bool:
    worker = tables.workers.c.worker_id
    return connection.scalar(select(worker).where(worker == worker_id, workers_in_scope(viewer))) is not None


def _reason(why: str) -> str:
    reason = why.strip()
    if not reason or len(reason) > WHY_MAX:
        raise FieldRefused(
            "reason", "a decision needs a reason", next_step=f"say why, in at most {WHY_MAX} characters"
        )
    return reason
