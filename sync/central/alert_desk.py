"""Alerts as console and API see and change them: within the viewer's sites, with a line for each look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Select, case, func, select

from sync.alerting import AlertRule, AlertRules, Level, Severity, State, StepKind, missing
from sync.central import alert_rules, alerts, audit, tables
from sync.central.access_log import require_plain
from sync.central.accounts_access import Right, Viewer, in_scope, no_such
from sync.central.alerts import Alert, Doing, alert_of, noted_measures
from sync.central.audit import Action
from sync.central.cases import CaseKind
from sync.central.database import Database
from sync.central.errors import SettingRefused
from sync.central.statements import chunks
from sync.central.tables_alerts import NOT_CLOSED, alert_messages, alert_steps
from sync.central.tables_alerts import alerts as alert_rows
from sync.central.tables_cases import LABEL_LENGTH, cases
from sync.central.tables_phone import visitors
from sync.words import Words

ROWS_MAX = 300
REMARKS_MAX = 500
WORKER, VISITOR, CASE = "worker:", "visitor:", "case:"

_ACTIONS = {
    StepKind.ACKNOWLEDGED: Action.ACKNOWLEDGED_ALERT,
    StepKind.MEASURE: Action.NOTED_MEASURE,
    StepKind.CLOSED: Action.CLOSED_ALERT,
    StepKind.REOPENED: Action.REOPENED_ALERT,
}


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """What to look for; empty: all. `not_closed` leaves out what is done with, where no state is given."""

    site_id: str = ""
    state: State | None = None
    severity: Severity | None = None
    not_closed: bool = True


@dataclass(frozen=True, slots=True)
class AlertCase:
    """A case that an alert is about. `kind` None: the case is not the viewer's; the day is told to everybody.

    label  as flags that came of the case have it
    """

    case_id: str
    label: str
    opened_at: datetime
    kind: CaseKind | None


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert. `name`: of the worker it is about, as registered now. `due_at`: until when what is next."""

    alert: Alert
    words: Words
    severity: Severity | None
    site_name: str
    zone: ZoneInfo
    name: str
    due_at: datetime | None
    is_late: bool
    case: AlertCase | None = None


@dataclass(frozen=True, slots=True)
class StepRow:
    """One line of the history; `by` empty: the program. `detail`: measure or level."""

    at: datetime
    kind: StepKind
    by: str
    detail: str
    remarks: str


@dataclass(frozen=True, slots=True)
class Told:
    """One message: when it was queued for a channel, and when the channel took it."""

    channel: str
    level: Level
    queued_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """Everything about one alert. `all_of`, `one_of`: measures that closing still waits for."""

    row: AlertRow
    steps: tuple[StepRow, ...]
    told: tuple[Told, ...]
    offers: tuple[str, ...]
    noted: tuple[str, ...]
    all_of: tuple[str, ...]
    one_of: tuple[str, ...]


class AlertDesk:
    """Looking at alerts and doing something about them."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def rules(self, viewer: Viewer) -> AlertRules:
        """Those in force. Raises NotAllowed."""
        viewer.require(Right.HANDLE_ALERTS)
        with self._database.read() as connection:
            return alert_rules.rules(connection)

    def rows(self, viewer: Viewer, wanted: AlertFilter, *, most: int = ROWS_MAX) -> list[AlertRow]:
        """What is open first, of that the worst, then the newest. Raises NotAllowed, SettingRefused."""
        self._note_list(viewer, Action.LOOKED_AT_ALERTS, wanted)
        with self._database.read() as connection:
            return _rows(connection, viewer, wanted, most, self._now())

    def export(self, viewer: Viewer, wanted: AlertFilter) -> Iterator[AlertRow]:
        """All of them, for a file. Raises NotAllowed, SettingRefused."""
        self._note_list(viewer, Action.EXPORTED_ALERTS, wanted)
        return self._all(viewer, wanted)

    def open_count(self, viewer: Viewer) -> int:
        """How many wait to be acknowledged; nobody's data, hence without a line."""
        viewer.require(Right.HANDLE_ALERTS)
        row = alert_rows.c
        query = select(func.count()).where(
            NOT_CLOSED, row.state == State.OPEN.value, in_scope(viewer, row.site_id)
        )
        with self._database.read() as connection:
            return int(connection.scalar(query) or 0)

    def stamp(self, viewer: Viewer) -> object:
        """Changes whenever something happens to the viewer's alerts.

        Told from those that are not closed: to become closed, or to be opened again, changes them too. What
        is deleted because it is old is not noticed.
        """
        viewer.require(Right.HANDLE_ALERTS)
        row = alert_rows.c
        query = select(
            func.count(),
            func.sum(row.revision),
            func.sum(row.times),
            func.max(row.changed_at, type_=row.changed_at.type),
        ).where(NOT_CLOSED, in_scope(viewer, row.site_id))
        with self._database.read() as connection:
            return tuple(connection.execute(query).one())

    def one(self, viewer: Viewer, alert_id: str) -> AlertFacts:
        """Raises NotAllowed, NotFound, SettingRefused."""
        viewer.require(Right.HANDLE_ALERTS)
        require_plain(alert_id)
        subject = f"alert:{alert_id[:64]}"
        audit.note_look(self._database, viewer, Action.LOOKED_AT_ALERT, at=self._now(), subject=subject)
        with self._database.read() as connection:
            return _facts(connection, viewer, alert_id, self._now())

    def act(self, viewer: Viewer, alert_id: str, doing: Doing) -> AlertFacts:
        """Acknowledge, note a measure, close, or take a closing back; what became of it.

        Raises NotAllowed, NotFound, ActedMeanwhile, StepRefused, AlreadyThere, SettingRefused.
        """
        viewer.require(Right.HANDLE_ALERTS)
        for text in (alert_id, doing.measure, " ".join(doing.remarks.split())):  # lines are no harm
            require_plain(text)
        if len(doing.remarks) > REMARKS_MAX:
            raise SettingRefused(
                f"备注过长 · remarks are longer than {REMARKS_MAX} characters", next_step="shorten them"
            )
        with self._database.write() as connection:
            before = _facts(connection, viewer, alert_id, self._now())
            rules = alert_rules.rules(connection)
            alerts.act(connection, rules, alert_id, doing, by=viewer.user_id, now=self._now())
            audit.note_by(
                connection,
                viewer,
                _ACTIONS[doing.kind],
                at=self._now(),
                site_id=before.row.alert.site_id,
                subject=f"alert:{alert_id}",
                detail={"measure": doing.measure} if doing.measure else {},
            )
            return _facts(connection, viewer, alert_id, self._now())

    # -- inside ------------------------------------------------------------------------------------------

    def _note_list(self, viewer: Viewer, action: Action, wanted: AlertFilter) -> None:
        viewer.require(Right.HANDLE_ALERTS)
        require_plain(wanted.site_id)
        detail = {"state": wanted.state or "", "severity": wanted.severity or ""}
        audit.note_look(
            self._database, viewer, action, at=self._now(), site_id=wanted.site_id[:64], detail=detail
        )

    def _all(self, viewer: Viewer, wanted: AlertFilter) -> Iterator[AlertRow]:
        with self._database.read() as connection:
            rules, now = alert_rules.rules(connection), self._now()
            query = _query(viewer, wanted, rules)
            for rows in connection.execute(query.execution_options(yield_per=500)).partitions():
                yield from _named(connection, viewer, rows, rules, now)


def _query(viewer: Viewer, wanted: AlertFilter, rules: AlertRules) -> Select[Any]:
    row, site = alert_rows.c, tables.sites.c
    query = (
        select(alert_rows, site.name.label("site_name"), site.timezone)
        .join(tables.sites, site.site_id == row.site_id)
        .where(in_scope(viewer, row.site_id))
    )
    if wanted.site_id:
        query = query.where(row.site_id == wanted.site_id)
    if wanted.state is not None:
        query = query.where(row.state == wanted.state.value)
    elif wanted.not_closed:
        query = query.where(NOT_CLOSED)
    if wanted.severity is not None:
        same = [rule.rule_id for rule in rules.rules if rule.severity is wanted.severity]
        query = query.where(row.rule_id.in_(same))
    states = {state.value: number for number, state in enumerate(State)}
    ranks = {rule.rule_id: rule.severity.rank for rule in rules.rules}
    worst_first = case(ranks, value=row.rule_id, else_=len(Severity))
    return query.order_by(case(states, value=row.state), worst_first, row.raised_at.desc(), row.alert_id)


def _rows(
    connection: Connection, viewer: Viewer, wanted: AlertFilter, most: int, now: datetime
) -> list[AlertRow]:
    rules = alert_rules.rules(connection)
    found = connection.execute(_query(viewer, wanted, rules).limit(most)).all()
    return _named(connection, viewer, found, rules, now)


def _named(
    connection: Connection, viewer: Viewer, rows: Sequence[Row[Any]], rules: AlertRules, now: datetime
) -> list[AlertRow]:
    subjects = [row.subject for row in rows]
    names, cases_of = _names(connection, subjects), _cases(connection, viewer, subjects)
    return [_row(row, rules, names, cases_of, now) for row in rows]


def _row(
    row: Row[Any],
    rules: AlertRules,
    names: Mapping[str, str],
    cases_of: Mapping[str, AlertCase],
    now: datetime,
) -> AlertRow:
    alert = alert_of(row)
    rule = rules.rule(alert.rule_id)
    due_at = None if rule is None else alert.life.deadline(rule)
    return AlertRow(
        alert,
        rules.words(alert.rule_id),
        None if rule is None else rule.severity,
        row.site_name,
        ZoneInfo(row.timezone),
        names.get(alert.subject, ""),
        due_at,
        due_at is not None and due_at <= now,
        cases_of.get(alert.subject),
    )


def _names(connection: Connection, subjects: Sequence[str]) -> dict[str, str]:
    """Of workers and visitors, by subject."""
    worker, visitor = tables.workers.c, visitors.c
    found: dict[str, str] = {}
    for prefix, number, name in (
        (WORKER, worker.worker_id, worker.name),
        (VISITOR, visitor.visitor_id, visitor.name),
    ):
        for some in chunks(sorted({one.removeprefix(prefix) for one in subjects if one.startswith(prefix)})):
            named = connection.execute(select(number, name).where(number.in_(some)))
            found |= {f"{prefix}{one}": told for one, told in named}
    return found


def _cases(connection: Connection, viewer: Viewer, subjects: Sequence[str]) -> dict[str, AlertCase]:
    """By subject. An alert goes also to the sites where contacts work, who have no part in the case."""
    ids = sorted({one.removeprefix(CASE) for one in subjects if one.startswith(CASE)})
    row = cases.c
    found = {}
    for some in chunks(ids):
        query = select(row.case_id, row.site_id, row.opened_at, row.kind).where(row.case_id.in_(some))
        for case_id, site_id, opened_at, kind in connection.execute(query):
            is_seen = viewer.may(Right.TRACE_CASES) and viewer.sees(site_id)
            shown = AlertCase(case_id, case_id[:LABEL_LENGTH], opened_at, CaseKind(kind) if is_seen else None)
            found[f"{CASE}{case_id}"] = shown
    return found


def _facts(connection: Connection, viewer: Viewer, alert_id: str, now: datetime) -> AlertFacts:
    rules = alert_rules.rules(connection)
    everything = _query(viewer, AlertFilter(not_closed=False), rules)
    row = connection.execute(everything.where(alert_rows.c.alert_id == alert_id)).first()
    if row is None:
        raise no_such("alert", alert_id)
    shown = _named(connection, viewer, [row], rules, now)[0]
    rule: AlertRule | None = rules.rule(shown.alert.rule_id)
    noted = tuple(noted_measures(connection, alert_id))
    all_of, one_of = ((), ()) if rule is None else missing(rule, noted)
    step, message = alert_steps.c, alert_messages.c
    steps = connection.execute(
        select(alert_steps).where(step.alert_id == alert_id).order_by(step.step_no)
    ).all()
    messages = connection.execute(
        select(alert_messages).where(message.alert_id == alert_id).order_by(message.message_no)
    ).all()
    return AlertFacts(
        shown,
        tuple(StepRow(one.at, StepKind(one.kind), one.done_by, one.detail, one.remarks) for one in steps),
        tuple(Told(one.channel, Level(one.level), one.queued_at, one.sent_at) for one in messages),
        tuple(one.measure_id for one in rules.measures) if rule is None else rule.offers,
        noted,
        all_of,
        one_of,
    )
