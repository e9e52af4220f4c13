"""The part of a worker's page that tells who it is by their papers, what they agreed to, and where from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.central.accounts_access import Right, Viewer
from sync.central.console import words, words_people
from sync.central.console.confirming import ask_sure
from sync.central.console.frame import Visitor, text_field
from sync.central.console.words import Words
from sync.central.people_desk import Papers, PersonFacts
from sync.central.persons import GivenConsent, Origin
from sync.erasure import FACE, WHOLE_RECORD
from sync.pages import action, facts, subheading


class WorkerPapers:
    """Shows itself where it is built; `on_erased` is awaited after a consent was taken back."""

    def __init__(
        self, visitor: Visitor, worker_id: str, viewer: Viewer, on_erased: Callable[[], Awaitable[None]]
    ) -> None:
        self._visitor = visitor
        self._worker_id = worker_id
        self._may_reveal = viewer.may(Right.READ_PAPERS)
        self._may_erase = viewer.may(Right.WRITE_WORKERS)
        self._on_erased = on_erased
        self._zone = ZoneInfo(visitor.settings.timezone)
        self._content = ui.element("div")

    async def show(self, *, reveal: bool = False) -> None:
        """Read anew; with `reveal` in the clear, which goes on the record."""
        desk, worker_id = self._visitor.office.people, self._worker_id
        found = await self._visitor.ask(lambda viewer: desk.facts(viewer, worker_id, reveal=reveal))
        if found is None:
            return
        self._content.clear()
        with self._content:
            self._build(found)

    def _build(self, found: PersonFacts) -> None:
        subheading(words_people.PAPERS)
        if found.papers is None:
            ui.label(str(words_people.NO_PAPERS)).classes("sg-note")
        else:
            self._show_papers(found.papers)
        subheading(words_people.CONSENTS)
        for consent in found.consents:
            ui.label(self._consent(consent))
        if not found.consents:
            ui.label(str(words.NOTHING)).classes("sg-note")
        subheading(words_people.ORIGINS)
        for origin in found.origins:
            ui.label(self._origin(origin))
        if not found.origins:
            ui.label(str(words_people.NO_ORIGINS)).classes("sg-note")
        if self._may_erase:
            subheading(words_people.TAKING_BACK)
            self._why = text_field(words.WHY).props("data-field=erase-why")
            with ui.element("div").classes("sg-bar"):
                action(words_people.WITHDRAW_FACE, lambda: self._erase(FACE, words_people.SURE_FACE))
                action(words_people.ERASE_RECORD, lambda: self._erase(WHOLE_RECORD, words_people.SURE_RECORD))

    def _show_papers(self, papers: Papers) -> None:
        hidden = str(words_people.HIDDEN)
        guardian = " ".join((papers.guardian_name, papers.guardian_phone)).strip()
        facts(
            [
                (words_people.DOCUMENT, str(words_people.DOCUMENTS[papers.document_type])),
                (words_people.DOCUMENT_NUMBER, papers.document_number),
                (words_people.SEX, str(words_people.SEXES[papers.sex])),
                (
                    words_people.BIRTH_DATE,
                    str(papers.birth_date or "") if papers.is_revealed else hidden,
                ),
                (words_people.ADDRESS, papers.address),
                (words_people.GUARDIAN, guardian),
            ]
        )
        if self._may_reveal and not papers.is_revealed:
            action(words_people.REVEAL, lambda: self.show(reveal=True), icon="visibility")

    def _consent(self, one: GivenConsent) -> str:
        parts = [
            self._time(one.given_at),
            str(words_people.KINDS.get(one.kind, one.kind)),
            str(words_people.GRANTED if one.granted else words_people.REFUSED),
            f"v{one.text_version}" if one.text_version else "",
            one.recorded_by,
        ]
        if one.withdrawn_at is not None:
            parts.append(f"{words_people.WITHDRAWN_ON} {self._time(one.withdrawn_at)}")
        return " · ".join(part for part in parts if part)

    def _origin(self, one: Origin) -> str:
        parts = [self._time(one.enrolled_at), f"{one.site_id}/{one.gate_id}", one.recorded_by]
        if one.outdated:
            parts.append(str(words_people.OUTDATED))
        if one.withheld:
            parts.append(f"{words_people.WITHHELD}: {one.withheld}")
        return " · ".join(part for part in parts if part)

    def _time(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone):%Y-%m-%d %H:%M}"

    async def _erase(self, kind: str, question: Words) -> None:
        why, worker_id = str(self._why.value), self._worker_id
        if not await ask_sure(question):
            return
        made = await self._visitor.ask(
            lambda viewer: self._visitor.office.erasures.withdraw(viewer, worker_id, reason=why, kind=kind)
        )
        if made is not None:
            ui.notify(str(words_people.RECEIPT_MADE), type="positive")
            await self._on_erased()
