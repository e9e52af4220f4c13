"""Alerts: live, with what was done about each, and by whom; acknowledge, note measures, close, take back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from nicegui import ui

from sync.alerting import AlertRules, Level, Severity, State, StepKind
from sync.alerting.telling import LEVELS, SEVERITIES, STATES, STEPS
from sync.central.accounts_access import Viewer
from sync.central.alert_desk import REMARKS_MAX, AlertFacts, AlertFilter, AlertRow, StepRow, Told
from sync.central.alerts import Doing
from sync.central.console import words, words_cases, words_person
from sync.central.console import words_alerts as said
from sync.central.console.frame import Visitor, choice, own_sites, table, text_field
from sync.central.console.listing import export_actions, search_bar
from sync.central.console.page_cases import case_link
from sync.central.console.page_clearances import PERSON_PATH
from sync.central.exports_alerts import alert_pieces
from sync.central.tables_cases import LABEL_LENGTH
from sync.pages import action, facts, heading, subheading

REFRESH_S = 2.0
"""Asks only whether something changed; the list itself, which leaves a line, is read again when it did."""

_COLUMNS = (
    ("raised", said.RAISED),
    ("severity", said.SEVERITY),
    ("reason", said.ALERT),
    ("site", words.SITE),
    ("subject", said.SUBJECT),
    ("times", said.TIMES),
    ("state", said.STATE),
    ("due", said.DUE),
)
_STEP_COLUMNS = (("time", said.TIME), ("who", said.WHO), ("detail", said.WHAT))
_MESSAGE_COLUMNS = (
    ("time", said.TIME),
    ("level", said.TOLD_LEVEL),
    ("name", said.CHANNEL),
    ("state", said.SENT),
)


async def build_alerts_page(visitor: Visitor, viewer: Viewer) -> None:
    desk = visitor.office.alerts
    ui.label(str(said.NOTE)).classes("sg-note")
    sites = await own_sites(visitor)
    seen: object = None

    def wanted() -> AlertFilter:
        state = str(states.value or "")
        return AlertFilter(
            str(site.value or ""),
            State(state) if state else None,
            Severity(str(severity.value)) if severity.value else None,
            not_closed=not also_closed.value,
        )

    async def show() -> None:
        nonlocal seen
        by = wanted()
        seen = await visitor.ask(desk.stamp)
        found = await visitor.ask(lambda one: desk.rows(one, by))
        if found is not None:
            lines.rows = [_cells(row) for row in found]
            waiting = sum(row.alert.state is State.OPEN for row in found)
            open_now.text = f"{waiting} {said.OPEN_NOW}"

    async def look() -> None:
        stamp = await visitor.ask(desk.stamp)
        if stamp is not None and stamp != seen:
            await show()

    async def export(file_format: str) -> None:
        by = wanted()
        found = await visitor.ask(lambda one: desk.export(one, by))
        if found is not None:
            visitor.download("alerts", file_format, lambda: alert_pieces(found, file_format))

    async def open_alert(alert_id: str) -> None:
        await _AlertPart(visitor, alert_id, below, show).show()

    with search_bar():
        site = choice(words.SITE, sites, visitor.asked_of("site", sites))
        states = choice(said.STATE, {state.value: str(STATES[state]) for state in State})
        severity = choice(said.SEVERITY, {one.value: str(SEVERITIES[one]) for one in Severity})
        also_closed = ui.checkbox(str(said.CLOSED_TOO))
        action(words.SEARCH, show, main=True, icon="search")
        export_actions(export)
    open_now = ui.label().classes("sg-note").props("role=status aria-live=polite")
    lines = table(_COLUMNS, key="alert_id", on_open=lambda row: open_alert(str(row["alert_id"])))
    below = ui.element("section")
    await show()
    if asked := visitor.asked.get("alert", ""):
        await open_alert(asked)
    ui.timer(REFRESH_S, look, immediate=False)


class _AlertPart:
    """One alert under the list: what it is, what is to be done, what was done."""

    def __init__(
        self, visitor: Visitor, alert_id: str, below: ui.element, on_change: Callable[[], Awaitable[None]]
    ) -> None:
        self._visitor = visitor
        self._desk = visitor.office.alerts
        self._alert_id = alert_id
        self._below = below
        self._on_change = on_change
        self._typed = ""

    async def show(self) -> None:
        rules = await self._visitor.ask(self._desk.rules)
        found = await self._visitor.ask(lambda one: self._desk.one(one, self._alert_id))
        self._below.clear()
        if found is not None and rules is not None:
            with self._below:
                self._show(found, rules)
            self._below.run_method("scrollIntoView", {"block": "nearest"})

    def _show(self, found: AlertFacts, rules: AlertRules) -> None:
        row, alert = found.row, found.row.alert
        heading(row.words)
        facts(
            [
                (words.SITE, row.site_name),
                (said.SUBJECT, _subject(row)),
                (said.SEVERITY, "" if row.severity is None else str(SEVERITIES[row.severity])),
                (said.STATE, str(STATES[alert.state])),
                (said.TIMES, str(alert.times)),
                (said.LATEST, f"{alert.last_at.astimezone(row.zone):%Y-%m-%d %H:%M:%S}"),
                (said.DUE, _due(row)),
                (said.FACTS, _told_facts(alert.facts)),
            ]
        )
        kind, _, number = alert.subject.partition(":")
        if kind == "worker":
            ui.link(str(words_person.PERSON), f"{PERSON_PATH}/{number}", new_tab=True).classes("sg-open")
        if row.case is not None and row.case.kind is not None:
            ui.link(str(said.SHOW_CASE), case_link(row.case.case_id)).classes("sg-open")
        self._what_to_do(found, rules)
        subheading(said.HISTORY)
        steps = table(_STEP_COLUMNS, key="key")
        steps.rows = [_step_cells(number, one, row, rules) for number, one in enumerate(found.steps)]
        if found.told:
            subheading(said.MESSAGES)
            sent = table(_MESSAGE_COLUMNS, key="key")
            sent.rows = [_message_cells(number, one, row) for number, one in enumerate(found.told)]

    def _what_to_do(self, found: AlertFacts, rules: AlertRules) -> None:
        alert = found.row.alert
        waits_for = _waits_for(found, rules)
        if waits_for and alert.state is not State.CLOSED:
            ui.label(waits_for).classes("sg-note")
        with ui.element("div").classes("sg-bar sg-above"):
            self._remarks = text_field(said.REMARKS, value=self._typed).classes("sg-broad")
            self._remarks.props(f"data-field=remarks maxlength={REMARKS_MAX}")
            if alert.state is State.CLOSED:
                action(said.REOPEN, lambda: self._do(StepKind.REOPENED, found), icon="undo")
                return
            if alert.state is State.OPEN:
                action(
                    said.ACKNOWLEDGE,
                    lambda: self._do(StepKind.ACKNOWLEDGED, found),
                    main=True,
                    icon="visibility",
                )
            if found.offers:
                offered = {one: _offered(one, found, rules) for one in found.offers}
                self._measure = (
                    ui.select(offered, value=next(iter(offered)), label=str(said.MEASURE))
                    .props("outlined dense options-dense data-field=measure")
                    .classes("sg-field")
                )
                action(said.NOTE_MEASURE, lambda: self._do(StepKind.MEASURE, found), icon="healing")
            if alert.state is not State.OPEN:
                can_close = not waits_for
                close = action(
                    said.CLOSE_ALERT,
                    lambda: self._do(StepKind.CLOSED, found),
                    main=can_close,
                    icon="task_alt",
                )
                close.set_enabled(can_close)

    async def _do(self, kind: StepKind, found: AlertFacts) -> None:
        measure = str(self._measure.value) if kind is StepKind.MEASURE else ""
        doing = Doing(kind, found.row.alert.revision, measure, str(self._remarks.value or "").strip())
        done = await self._visitor.ask(lambda one: self._desk.act(one, self._alert_id, doing))
        self._typed = doing.remarks if done is None else ""
        if done is not None:
            ui.notify(str(words.SAVED), type="positive")
        # Also after a refusal: somebody else may have been quicker, and that is then shown.
        # In this order: whoever sees the list changed may go on typing below.
        await self.show()
        with self._below:
            await self._on_change()


def _cells(row: AlertRow) -> dict[str, str]:
    alert = row.alert
    return {
        "alert_id": alert.alert_id,
        "raised": f"{alert.raised_at.astimezone(row.zone):%m-%d %H:%M}",
        "severity": "" if row.severity is None else str(SEVERITIES[row.severity]),
        "reason": str(row.words),
        "site": row.site_name,
        "subject": _subject(row),
        "times": str(alert.times),
        "state": str(STATES[alert.state]),
        "due": _due(row),
    }


_UNTOLD_IDS = frozenset({"visitor", "finding"})


def _subject(row: AlertRow) -> str:
    kind, _, name = row.alert.subject.partition(":")
    label = said.SUBJECTS.get(kind)
    if row.case is not None:
        of_kind = "" if row.case.kind is None else f" · {words_cases.KINDS[row.case.kind]}"
        opened = row.case.opened_at.astimezone(row.zone)
        return f"{said.SUBJECTS['case']} {opened:%Y-%m-%d} · {row.case.label}{of_kind}"
    # A visitor or a finding has an id that nobody was told.
    shown = name[:LABEL_LENGTH] if kind in _UNTOLD_IDS else name.removeprefix(f"{row.alert.site_id}/")
    if kind == "clearance":  # its name in words is among the facts
        shown = str(row.alert.facts.get(kind, shown))
    return f"{label.zh if label else kind} {shown} {row.name}".strip()


def _told_facts(told: Mapping[str, str | int]) -> str:
    return " · ".join(f"{said.FACT_NAMES.get(name, name)} {value}" for name, value in sorted(told.items()))


def _due(row: AlertRow) -> str:
    if row.due_at is None:
        return ""
    at = f"{row.due_at.astimezone(row.zone):%m-%d %H:%M}"
    return f"{at} {said.LATE}" if row.is_late else at


def _offered(measure: str, found: AlertFacts, rules: AlertRules) -> str:
    return f"{'✓ ' if measure in found.noted else ''}{rules.measure_words(measure)}"


def _waits_for(found: AlertFacts, rules: AlertRules) -> str:
    """Which measures closing waits for; empty: none."""
    parts = []
    if found.all_of:
        parts.append(f"{said.STILL_ALL}: {', '.join(str(rules.measure_words(one)) for one in found.all_of)}")
    if found.one_of:
        either = f" {said.OR.zh} ".join(str(rules.measure_words(one)) for one in found.one_of)
        parts.append(f"{said.STILL_ONE}: {either}")
    return "；".join(parts)


def _step_cells(number: int, one: StepRow, row: AlertRow, rules: AlertRules) -> dict[str, str]:
    what = str(STEPS[one.kind])
    if one.kind is StepKind.MEASURE:
        what += f" · {rules.measure_words(one.detail)}"
    if one.kind is StepKind.TOLD:
        what += f" · {LEVELS[Level(one.detail)]}"
    return {
        "key": str(number),
        "time": f"{one.at.astimezone(row.zone):%m-%d %H:%M:%S}",
        "who": one.by or str(said.PROGRAM),
        "detail": f"{what} · {one.remarks}" if one.remarks else what,
    }


def _message_cells(number: int, one: Told, row: AlertRow) -> dict[str, str]:
    sent = f"{one.sent_at.astimezone(row.zone):%m-%d %H:%M:%S}" if one.sent_at else str(said.WAITING)
    return {
        "key": str(number),
        "time": f"{one.queued_at.astimezone(row.zone):%m-%d %H:%M:%S}",
        "level": str(LEVELS[one.level]),
        "name": one.channel,
        "state": sent,
    }
