"""Why a gate answered as it did, as it recorded it; and what a worker's record says of a moment."""

from __future__ import annotations

from datetime import datetime, tzinfo

from nicegui import ui

from sync.central.accounts_access import Right
from sync.central.console import words
from sync.central.console import words_explaining as said
from sync.central.console.asking_gate import AskGateDialog, MomentDialog
from sync.central.console.words import Words
from sync.central.event_telling import Detail, Told, story_of
from sync.central.worker_standing import NO_COLOUR, Fact, Topic, Weighs
from sync.clearance_rules import ClearanceRules
from sync.pages import action, facts, heading, subheading
from sync.records import Event, FlagLevel, WorkerStatus

_TONES = {Weighs.FOR: "good", Weighs.AGAINST: "bad", Weighs.DEPENDS: "wait", Weighs.NOT: "note"}
_ICONS = {
    Weighs.FOR: "check_circle",
    Weighs.AGAINST: "block",
    Weighs.DEPENDS: "help_outline",
    Weighs.NOT: "remove_circle_outline",
}


def show_story(event: Event, rules: ClearanceRules, zone: tzinfo | None) -> None:
    """Into the dialog that is being built: what decided, what was noted beside it, and the facts."""
    story = story_of(event)
    subheading(said.DECIDED_BY)
    if not story.decided_by:
        ui.label(str(said.WHY_NOT_TOLD)).classes("sg-note")
    else:
        ui.label(_reason(story.decided_by))
    if story.also:
        subheading(said.ALSO)
        for code in story.also:
            ui.label(_reason(code))
    if story.details:
        facts([(said.TOLD[one.told], _detail(one, rules, zone)) for one in story.details])


def _reason(code: str) -> str:
    return f"{words.reason(code)} ({code})"


def _detail(one: Detail, rules: ClearanceRules, zone: tzinfo | None) -> str:
    if one.told is not Told.CLEARANCE:
        return one.text
    until = "" if one.at is None else f" · {one.at.astimezone(zone):%Y-%m-%d %H:%M}"
    return f"{rules.words(one.text)} · {words.reason(one.reason)}{until}"


class StandingDialog(MomentDialog):
    """What a worker's record says of a moment; the moment can be chosen, and a gate asked about it."""

    async def open(self, at: datetime) -> None:
        """`at`: the moment that is shown first, aware."""
        may_ask = await self._visitor.ask(lambda viewer: viewer.may(Right.SEE_PASSES))
        with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
            heading(Words(said.STANDING.zh, f"{said.STANDING.en} · {self._worker_id}"))
            ui.label(str(said.STANDING_NOTE)).classes("sg-note")
            with ui.element("div").classes("sg-bar"):
                self._moment_field(at)
                action(said.LOOK, self._look, icon="search")
            self._content = ui.element("div").props("role=status")
            with ui.element("div").classes("sg-bar"):
                action(words.CLOSE, dialog.close, main=True)
                if may_ask:
                    action(said.ASK_GATE, self._ask_gate, icon="rule")
        dialog.on("hide", dialog.delete)
        await self._look()

    async def _ask_gate(self) -> None:
        if at := self._typed():
            dialog = AskGateDialog(self._visitor, self._worker_id, self._zone, lane=self._lane_asked)
            await dialog.open(at)

    async def _look(self) -> None:
        at = self._typed()
        if at is None:
            return
        office, worker_id = self._visitor.office, self._worker_id
        found = await self._visitor.ask(lambda viewer: office.workers.standing(viewer, worker_id, at))
        if found is None:
            return
        self._content.clear()
        with self._content:
            for fact in found:
                self._show(fact)

    def _show(self, fact: Fact) -> None:
        with ui.element("div").classes("sg-bar sg-fact"):
            with ui.element("span").classes(f"sg-mark sg-{_TONES[fact.weighs]}"):
                ui.icon(_ICONS[fact.weighs], size="20px").props("aria-hidden=true")
                ui.label(str(said.WEIGHS[fact.weighs]))
            ui.label(" · ".join(part for part in self._parts(fact) if part))

    def _parts(self, fact: Fact) -> tuple[str, ...]:
        return (str(said.TOPICS[fact.topic]), self._name(fact), _state(fact), self._window(fact), fact.why)

    def _name(self, fact: Fact) -> str:
        if fact.topic is Topic.FLAG:
            return str(words.LEVELS[FlagLevel(fact.name)])
        if fact.topic is Topic.CLEARANCE:
            return str(self._visitor.office.clearances.rules.words(fact.name))
        return fact.name

    def _window(self, fact: Fact) -> str:
        if fact.topic in (Topic.STATUS, Topic.SITE):
            return ""
        if fact.since is None and fact.until is None:
            return "" if fact.state == NO_COLOUR else str(said.ALWAYS)
        since, until = (
            "" if one is None else f"{one.astimezone(self._zone):%Y-%m-%d %H:%M}"
            for one in (fact.since, fact.until)
        )
        return f"{since} → {until}"


def _state(fact: Fact) -> str:
    if fact.topic is Topic.STATUS:
        return str(words.STATUSES[WorkerStatus(fact.state)])
    return str(said.STATES[fact.state])
