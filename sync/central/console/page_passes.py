"""Passes: numbers by colour, one person's colours and where they come from, requests, copies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.central import health
from sync.central.accounts_access import Right, Viewer
from sync.central.console import words
from sync.central.console import words_passes as said
from sync.central.console.confirming import ask_sure
from sync.central.console.frame import Visitor, choice, own_sites, table, text_field
from sync.central.console.listing import export_actions, search_bar
from sync.central.exports_passes import correction_pieces, pass_pieces
from sync.central.pass_corrections import SAID_MAX, Answer, Correction
from sync.central.pass_desk import (
    CopyRow,
    CorrectionRow,
    EntryRow,
    PassDesk,
    PassFacts,
    PassNumbers,
    PassRow,
)
from sync.health_pass import PassColour, PassStatus
from sync.pages import action, facts, subheading
from sync.screening.pass_rules import PassRules

_PEOPLE = (
    ("colour", said.COLOUR),
    ("name", words.WORKER),
    ("team", words.TEAM),
    ("reason", said.CAUSE),
    ("since", said.SINCE),
    ("until", said.UNTIL),
)
_HISTORY = (("colour", said.COLOUR), ("reason", said.CAUSE), ("since", said.SINCE), ("until", said.UNTIL))
_REQUESTS = (
    ("due", said.DUE),
    ("name", words.WORKER),
    ("then", said.THEN),
    ("colour", said.COLOUR),
    ("detail", said.SAID),
    ("answer", said.ANSWER),
)
_COPIES = (
    ("name", words.WORKER),
    ("first", said.FIRST_USE),
    ("second", said.SECOND_USE),
    ("apart", said.APART),
)
_TONES = {PassColour.RED: "bad", PassColour.YELLOW: "wait", PassColour.GREEN: "good"}


async def build_passes_page(visitor: Visitor, viewer: Viewer) -> None:
    ui.label(str(said.NOTE)).classes("sg-note")
    sites = await own_sites(visitor)
    page = _Page(visitor, sites, may_decide=viewer.may(Right.DECIDE_PASSES))
    await page.show()


class _Page:
    """What one open page shows."""

    def __init__(self, visitor: Visitor, sites: dict[str, str], *, may_decide: bool) -> None:
        self._visitor, self._desk, self.may_decide = visitor, visitor.office.passes, may_decide
        self._sites = sites
        self._rules: PassRules
        self._zone: ZoneInfo
        with search_bar():
            self._site = choice(words.SITE, sites, visitor.asked_of("site", sites))
            colours = {colour.value: str(text) for colour, text in said.COLOURS.items()}
            self._colour = choice(said.COLOUR, colours, visitor.asked_of("colour", colours)).props(
                "data-field=colour"
            )
            self._text = text_field(words.WORKER).props("data-field=text")
            action(words.SEARCH, self.show, main=True, icon="search")
            export_actions(self._export)
        self._counts = ui.element("div").classes("sg-counts").props("role=status")
        self._people = table(_PEOPLE, key="worker_id", on_open=self._open)
        self._below = ui.element("section")
        subheading(said.CORRECTIONS)
        with ui.element("div").classes("sg-bar"):
            self._all = ui.checkbox(str(said.ALL_REQUESTS), on_change=self._show_requests)
            export_actions(self._export_requests)
        self._nothing_asked = ui.label(str(said.NO_CORRECTIONS)).classes("sg-note")
        self._requests = table(_REQUESTS, key="correction_id", on_open=self._open)
        subheading(said.COPIES)
        self._no_copies = ui.label(str(said.NO_COPIES)).classes("sg-note")
        self._copies = table(_COPIES, key="key", on_open=self._open)

    async def show(self) -> None:
        """Ask for everything again."""
        site_id, ask, desk = str(self._site.value), self._visitor.ask, self._desk
        place = await ask(lambda one: (desk.rules(), desk.zone(one, site_id)))
        if place is None:
            return
        self._rules, self._zone = place
        colour = PassColour(str(self._colour.value)) if self._colour.value else None
        text = str(self._text.value or "")
        numbers = await ask(lambda one: desk.numbers(one, site_id=site_id))
        people = await ask(lambda one: desk.rows(one, site_id=site_id, colour=colour, text=text))
        copies = await ask(lambda one: desk.copies(one, site_id=site_id))
        if numbers is not None and people is not None and copies is not None:
            self._show_numbers(numbers)
            self._people.rows = [self._person_cells(row) for row in people]
            self._copies.rows = [self._copy_cells(number, row) for number, row in enumerate(copies)]
            self._copies.set_visibility(bool(copies))
            self._no_copies.set_visibility(not copies)
            await self._show_requests()

    def _show_numbers(self, numbers: PassNumbers) -> None:
        self._counts.clear()
        with self._counts:
            for colour, text in said.COLOURS.items():
                drill = ui.element("button").classes(f"sg-count sg-drill sg-{_TONES[colour]}")
                drill.props(f"type=button data-colour={colour.value}").on(
                    "click", partial(self._drill, colour)
                )
                with drill:
                    _number(numbers.colours[colour], str(text))
            with ui.element("div").classes("sg-count"):
                _number(numbers.none, str(said.NO_COLOUR))
            with ui.element("div").classes("sg-count"):
                late = f" · {numbers.corrections_late} {said.LATE}" if numbers.corrections_late else ""
                _number(numbers.corrections_open, f"{said.CORRECTIONS}{late}")

    async def _drill(self, colour: PassColour) -> None:
        self._colour.value = colour.value
        self._text.value = ""
        await self.show()

    async def _show_requests(self) -> None:
        site_id, everything = str(self._site.value), bool(self._all.value)
        found = await self._visitor.ask(
            lambda one: self._desk.corrections(one, site_id=site_id, all_of_them=everything)
        )
        if found is not None:
            self._requests.rows = [self._request_cells(row) for row in found]
            self._requests.set_visibility(bool(found))
            self._nothing_asked.set_visibility(not found)

    async def _open(self, row: dict[str, Any]) -> None:
        worker_id = str(row["worker_id"])
        found = await self._visitor.ask(lambda one: self._desk.one(one, worker_id))
        self._below.clear()
        if found is not None:
            with self._below:
                _PersonPart(self, self._desk, found)
            self._below.run_method("scrollIntoView")

    async def _export(self, file_format: str) -> None:
        site_id, text = str(self._site.value), str(self._text.value or "")
        colour = PassColour(str(self._colour.value)) if self._colour.value else None
        found = await self._visitor.ask(
            lambda one: self._desk.rows(one, site_id=site_id, colour=colour, text=text, rows=None)
        )
        if found is not None:
            rules = self._rules
            self._visitor.download("passes", file_format, lambda: pass_pieces(found, rules, file_format))

    async def _export_requests(self, file_format: str) -> None:
        site_id = str(self._site.value)
        found = await self._visitor.ask(
            lambda one: self._desk.corrections(one, site_id=site_id, all_of_them=True, rows=None)
        )
        if found is not None:
            rules = self._rules
            self._visitor.download(
                "corrections", file_format, lambda: correction_pieces(found, rules, file_format)
            )

    # -- cells -------------------------------------------------------------------------------------------

    def cause(self, status: PassStatus) -> str:
        return str(self._rules.words(status.cause)) if status.cause else ""

    def words_of(self, name: str) -> str:
        return str(self._rules.words(name))

    def wall(self, at: datetime | None) -> str:
        return "" if at is None else f"{at.astimezone(self._zone):%Y-%m-%d %H:%M}"

    def span(self, status: PassStatus) -> dict[str, str]:
        """The cells of a colour."""
        if status.colour is None:
            return {"colour": str(said.NO_COLOUR), "reason": "", "since": "", "until": ""}
        return {
            "colour": str(said.COLOURS[status.colour]),
            "reason": self.cause(status),
            "since": self.wall(status.since) or str(said.ALWAYS),
            "until": self.wall(status.until) or str(said.NO_END),
        }

    def _person_cells(self, row: PassRow) -> dict[str, str]:
        name = f"{row.name} {row.worker_id}"
        return {"worker_id": row.worker_id, "name": name, "team": row.team, **self.span(row.status)}

    def _request_cells(self, row: CorrectionRow) -> dict[str, str]:
        one = row.correction
        due = self.wall(one.due_at)
        return {
            "correction_id": one.correction_id,
            "worker_id": one.worker_id,
            "due": f"{due} {said.LATE}" if row.is_late else due,
            "name": f"{row.name} {one.worker_id}",
            "then": str(said.COLOURS[PassColour(one.colour)] if one.colour else said.NO_COLOUR),
            "colour": self.span(row.status)["colour"],
            "detail": one.said,
            "answer": answer_text(one),
        }

    def _copy_cells(self, number: int, row: CopyRow) -> dict[str, str]:
        uses = [
            f"{self.wall(at)} {self._sites.get(site_id, site_id)} / {gate_id}"
            if site_id
            else f"{self.wall(at)} {said.ELSEWHERE}"
            for site_id, gate_id, at in (row.first, row.second)
        ]
        return {
            "key": str(number),
            "worker_id": row.worker_id,
            "name": f"{row.name} {row.worker_id}",
            "first": uses[0],
            "second": uses[1],
            "apart": f"{(row.second[2] - row.first[2]).total_seconds():.0f}",
        }

    # -- what the person's part asks ----------------------------------------------------------------------

    async def do(self, worker_id: str, work: Callable[[Viewer], object]) -> None:
        """Do something about a person, then show everything as it is."""

        def worked(viewer: Viewer) -> bool:
            work(viewer)
            return True

        if await self._visitor.ask(worked):
            ui.notify(str(words.SAVED), type="positive")
            await self.show()
            await self._open({"worker_id": worker_id})


class _PersonPart:
    """One person under the list: the colour now, its past, what it comes from, what can be done."""

    def __init__(self, page: _Page, desk: PassDesk, found: PassFacts) -> None:
        self._page, self._desk, self._worker_id = page, desk, found.worker_id
        subheading(words.Words(found.name, found.worker_id))
        now = page.span(found.status)
        with ui.element("div").classes("sg-card") as card:
            if found.status.colour is not None:
                card.props(f"data-tone={_TONES[found.status.colour]}")
            facts(
                [
                    (said.COLOUR, now["colour"]),
                    (said.CAUSE, now["reason"]),
                    (said.SINCE, now["since"]),
                    (said.UNTIL, now["until"]),
                ]
            )
        if page.may_decide:
            self._decisions(found)
        subheading(said.HISTORY)
        if found.history:
            spans = [{"key": str(number), **page.span(one)} for number, one in enumerate(found.history)]
            table(_HISTORY, key="key").rows = spans
        else:
            ui.label(str(said.NO_HISTORY)).classes("sg-note")
        subheading(said.ENTRIES)
        if not found.entries:
            ui.label(str(said.NO_ENTRIES)).classes("sg-note")
        for entry in found.entries:
            self._entry(entry)
        for one in found.corrections:
            self._correction(one)

    def _decisions(self, found: PassFacts) -> None:
        with ui.element("div").classes("sg-bar sg-above"):
            self._why = text_field(words.WHY).classes("sg-broad")
            self._why.props(f"data-field=why maxlength={SAID_MAX}")
            self._days = text_field(said.DAYS, kind="number").props("data-field=days").classes("sg-broad")
            for colour, text in said.SET.items():
                action(text, partial(self._set, colour)).props(f"data-set={colour.value}")
            action(said.CLEAR, self._clear, main=True).props("data-set=clear")
        for one in found.corrections:
            if one.answer is Answer.OPEN:
                with ui.element("div").classes("sg-bar"):
                    ui.label(f"{said.CORRECTIONS} · {self._page.wall(one.asked_at)} · {one.said}")
                    action(said.ANSWER_CHANGED, partial(self._answer, one, Answer.CHANGED))
                    action(said.ANSWER_STAYS, partial(self._answer, one, Answer.STAYS))

    def _entry(self, entry: EntryRow) -> None:
        page = self._page
        kind = entry.source.partition(":")[0]
        source = str(said.SOURCES.get(kind, words.Words(kind, "")))
        parts = [page.wall(entry.at), page.words_of(entry.what), source, entry.noted_by, entry.why]
        if entry.green_until is not None:
            parts.append(f"{said.COLOURS[PassColour.GREEN]} → {page.wall(entry.green_until)}")
        with ui.element("div").classes("sg-bar").props(f"data-entry={entry.what}"):
            ui.label(" · ".join(part for part in parts if part))
            if entry.taken_back_at is None:
                if page.may_decide:
                    action(said.TAKE_BACK, partial(self._take_back, entry.entry_id), icon="undo")
                return
            by = str(said.BY_SOURCE) if entry.taken_back_by == health.SOURCE else entry.taken_back_by
            ui.label(f"{said.TAKEN_BACK} {by} {entry.taken_back_why}").classes("sg-note")
            if page.may_decide:
                action(said.PUT_BACK, partial(self._put_back, entry.entry_id), icon="redo")

    def _correction(self, one: Correction) -> None:
        text = f"{self._page.wall(one.asked_at)} · {one.said} · {answer_text(one)}"
        ui.label(f"{said.CORRECTIONS} · {text}").classes("sg-note")

    # -- what the buttons do -----------------------------------------------------------------------------

    async def _set(self, colour: PassColour) -> None:
        typed, why = str(self._days.value or "").strip(), str(self._why.value or "")
        try:
            days = float(typed) if typed else None
        except ValueError:
            ui.notify(str(said.BAD_DAYS), type="warning")
            return
        if await ask_sure(said.SURE):
            await self._do(
                lambda one: self._desk.set_colour(one, self._worker_id, colour, days=days, why=why)
            )

    async def _clear(self) -> None:
        why = str(self._why.value or "")
        if await ask_sure(said.SURE):
            await self._do(lambda one: self._desk.clear(one, self._worker_id, why=why))

    async def _take_back(self, entry_id: str) -> None:
        why = str(self._why.value or "")
        await self._do(lambda one: self._desk.take_back(one, self._worker_id, entry_id, why=why))

    async def _put_back(self, entry_id: str) -> None:
        why = str(self._why.value or "")
        await self._do(lambda one: self._desk.put_back(one, self._worker_id, entry_id, why=why))

    async def _answer(self, correction: Correction, what: Answer) -> None:
        why = str(self._why.value or "")
        asked = correction.correction_id
        await self._do(lambda one: self._desk.answer(one, self._worker_id, asked, what, why=why))

    async def _do(self, work: Callable[[Viewer], object]) -> None:
        await self._page.do(self._worker_id, work)


def answer_text(one: Correction) -> str:
    """What became of a request, in one line."""
    text = str(said.ANSWERS[one.answer])
    return text if one.answer is Answer.OPEN else f"{text} · {one.answered_by} · {one.reason}"


def _number(number: int, text: str) -> None:
    ui.label(f"{number:,}").classes("sg-big")
    ui.label(text)
