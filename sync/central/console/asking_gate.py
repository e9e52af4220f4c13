"""A gate is asked how it would answer a worker at a moment, and its rules are shown one by one."""

from __future__ import annotations

import asyncio
from datetime import datetime, tzinfo

from nicegui import ui

from sync.central.accounts_access import Viewer
from sync.central.console import words
from sync.central.console import words_explaining as said
from sync.central.console.frame import Visitor, table, text_field
from sync.central.console.words import Words
from sync.central.gate_questions import AskedGate, Failure, GateAway, Reply
from sync.pages import action, facts, heading, subheading
from sync.records import Outcome
from sync.wire.explanation import Explanation, RuleAnswer

LOOK_EVERY_S = 0.5
_COLUMNS = (("rule", said.RULE), ("outcome", words.DECISION), ("reason", words.REASON))
_TONES = {Outcome.ALLOW: "good", Outcome.HOLD: "wait", Outcome.DENY: "bad"}


class MomentDialog:
    """A question about a worker at a moment that can be chosen.

    lane  (site, gate, lane) of the event it began with
    """

    def __init__(
        self,
        visitor: Visitor,
        worker_id: str,
        zone: tzinfo | None,
        *,
        lane: tuple[str, str, str] | None = None,
    ) -> None:
        self._visitor = visitor
        self._worker_id = worker_id
        self._zone = zone
        self._lane_asked = lane

    def _moment_field(self, at: datetime) -> None:
        local = f"{at.astimezone(self._zone):%Y-%m-%dT%H:%M}"
        self._moment = text_field(said.MOMENT, kind="datetime-local", value=local)

    def _typed(self) -> datetime | None:
        """None, and a word on the page, where there is no moment."""
        try:
            return datetime.fromisoformat(str(self._moment.value)).replace(tzinfo=self._zone)
        except ValueError:
            ui.notify(str(said.CHOOSE_MOMENT), type="negative")
            return None


class AskGateDialog(MomentDialog):
    """Choice of gate and moment, then waiting, then the answer or why there is none.

    The lane of the event is chosen first; without one the worker's first gate.
    """

    _is_open = True

    async def open(self, at: datetime) -> None:
        """`at`: the moment that is offered first, aware."""
        office, worker_id = self._visitor.office, self._worker_id
        found = await self._visitor.ask(lambda viewer: office.gate_questions.gates(viewer, worker_id))
        if found is None:
            return
        gates = dict(enumerate(found))
        with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
            heading(Words(said.ASK_GATE.zh, f"{said.ASK_GATE.en} · {worker_id}"))
            ui.label(str(said.ASK_NOTE)).classes("sg-note")
            if gates:
                self._build_form(gates, at)
            else:
                ui.label(str(said.NO_GATES)).classes("sg-note")
            self._content = ui.element("div").props("role=status")
            action(words.CLOSE, dialog.close, main=True)

        def closed() -> None:
            self._is_open = False
            dialog.delete()

        dialog.on("hide", closed)

    def _build_form(self, gates: dict[int, AskedGate], at: datetime) -> None:
        self._gates = gates
        self._wanted = self._lane_asked or ("", "", "")
        first = next((key for key, one in gates.items() if (one.site_id, one.gate_id) == self._wanted[:2]), 0)
        with ui.element("div").classes("sg-bar"):
            names = {key: f"{one.site_name} · {one.name} ({one.gate_id})" for key, one in gates.items()}
            self._gate = (
                ui.select(names, value=first, label=str(words.GATE), on_change=self._show_lanes)
                .props("outlined dense options-dense")
                .classes("sg-field")
            )
            self._lane = (
                ui.select({}, label=str(words.LANE)).props("outlined dense options-dense").classes("sg-field")
            )
            self._moment_field(at)
            self._celsius = text_field(said.CELSIUS, kind="number").props("step=0.1")
            self._by_pass = ui.checkbox(str(said.BY_PASS))
            action(said.ASK, self._ask, icon="rule")
        self._show_lanes()

    def _show_lanes(self) -> None:
        gate, wanted = self._gates[self._gate.value], self._wanted
        is_wanted = (gate.site_id, gate.gate_id) == wanted[:2] and wanted[2] in gate.lanes
        options = {"": str(said.FIRST_LANE), **{lane: lane for lane in gate.lanes}}
        self._lane.set_options(options, value=wanted[2] if is_wanted else "")

    async def _ask(self) -> None:
        at = self._typed()
        if at is None:
            return
        try:
            celsius = float(self._celsius.value) if self._celsius.value else None
        except ValueError:
            ui.notify(str(said.CHOOSE_MOMENT), type="negative")
            return
        gate, lane_id, by_pass = self._gates[self._gate.value], str(self._lane.value), self._by_pass.value
        office, worker_id = self._visitor.office, self._worker_id
        self._say(said.WAITING)

        def send(viewer: Viewer) -> str | Reply:
            try:
                return office.gate_questions.ask(
                    viewer,
                    (gate.site_id, gate.gate_id),
                    worker_id,
                    at,
                    lane_id=lane_id,
                    celsius=celsius,
                    by_pass=by_pass,
                )
            except GateAway:
                return Reply(failure=Failure.AWAY)

        sent = await self._visitor.ask(send)
        reply = await self._reply(sent) if isinstance(sent, str) else sent
        if not self._is_open:
            return
        self._content.clear()
        if reply is not None:
            with self._content:
                self._show(reply)

    async def _reply(self, question_id: str) -> Reply | None:
        """None: nobody looks any more, or the page has said what is wrong."""
        questions = self._visitor.office.gate_questions
        while self._is_open:
            looked = await self._visitor.ask(lambda viewer: (questions.reply(viewer, question_id),))
            if looked is None:
                return None
            (reply,) = looked
            if reply is not None:
                return reply
            await asyncio.sleep(LOOK_EVERY_S)
        return None

    def _say(self, text: Words) -> None:
        self._content.clear()
        with self._content, ui.element("div").classes("sg-bar"):
            ui.spinner(size="22px").props("aria-hidden=true")
            ui.label(str(text)).classes("sg-note")

    def _show(self, reply: Reply) -> None:
        if reply.explanation is not None:
            self._show_rules(reply.explanation)
            return
        failure = reply.failure or Failure.UNREADABLE
        with ui.element("span").classes("sg-mark sg-bad").style("white-space: normal"):
            ui.icon("error_outline", size="20px").props("aria-hidden=true")
            ui.label(str(said.FAILURES[failure]))
        if failure is Failure.REFUSED and reply.detail:
            ui.label(reply.detail).classes("sg-note")
        ui.label(str(said.FAILURE_STEPS[failure])).classes("sg-note")
        if reply.software:
            ui.label(f"{said.SOFTWARE}: {reply.software}").classes("sg-note")

    def _show_rules(self, told: Explanation) -> None:
        with ui.element("span").classes(f"sg-mark sg-{_TONES[told.outcome]}"):
            ui.icon(words.OUTCOME_ICONS[told.outcome], size="22px").props("aria-hidden=true")
            ui.label(str(words.OUTCOMES[told.outcome]))
        shown = [
            (words.LANE, f"{told.lane_id} · {words.DIRECTIONS[told.direction]}"),
            (said.MOMENT, f"{told.at.astimezone(self._zone):%Y-%m-%d %H:%M %Z}"),
            (words.REASON, " · ".join(words.reason(code) for code in told.reasons)),
        ]
        if told.pass_text:
            colour, _, until = told.pass_text.partition(" until ")
            shown.append((said.PASS_THEN, f"{said.STATES.get(colour, colour)} → {until}".removesuffix(" → ")))
        facts(shown)
        subheading(said.RULE)
        table(_COLUMNS, key="line").rows = rule_lines(told.rules)


def rule_lines(rules: tuple[RuleAnswer, ...]) -> list[dict[str, str]]:
    """Rows of the table: one per finding, and one for a rule that has no objection."""
    lines = []
    for rule in rules:
        name = f"{said.RULES[rule.rule]} ({rule.rule})" if rule.rule in said.RULES else rule.rule
        if not rule.said:
            lines.append((name, str(said.NO_OBJECTION), ""))
        for one in rule.said:
            outcome = said.NOTICE if one.notice else words.OUTCOMES[one.outcome]
            # The gate's own words: they say which clearance, and until when.
            text = f"{one.zh} {one.en}".strip() or words.reason(one.reason)
            step = f"{one.step_zh} {one.step_en}".strip()
            lines.append((name, str(outcome), f"{text} ({one.reason})" + (f" → {step}" if step else "")))
    return [
        {"line": str(number), "rule": name, "outcome": outcome, "reason": reason}
        for number, (name, outcome, reason) in enumerate(lines)
    ]
