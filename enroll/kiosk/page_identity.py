"""First step of a registration: who is it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nicegui import ui

from enroll.accounts import Right
from enroll.drafts import EnrolmentDraft
from enroll.identity import Identity, derived, document_problem, typed_from_card
from enroll.kiosk import words
from enroll.kiosk import words_enrol as w
from enroll.kiosk.enrol_steps import CONSENT_PATH, IDENTITY_PATH, RECORD_PATH, cancel_button, step_bar
from enroll.kiosk.frame import KioskPage, KioskVisitor, choice, tell
from sync.pages import action, heading, text_field
from sync.records import Worker

_SUGGESTED = (("employer", w.EMPLOYER), ("team", w.TEAM), ("trade", w.TRADE))


@dataclass(slots=True)
class _Start:
    """What the page begins with."""

    draft: EnrolmentDraft
    typed: dict[str, str]
    suggestions: dict[str, list[str]]
    sites: list[str]


@dataclass(slots=True)
class _Form:
    """The fields and what stands in them."""

    visitor: KioskVisitor
    start: _Start
    typed: dict[str, str]
    fields: dict[str, ui.input | ui.select] = field(default_factory=dict)

    def show(self, name: str, value: str) -> None:
        """Put a value into a field, as if it had been typed."""
        self.typed[name] = value
        self.fields[name].value = value

    def complain(self, identity: Identity) -> None:
        for name, element in self.fields.items():
            problem = identity.problems.get(name)
            element.error = str(problem) if problem else None

    async def keep(self) -> None:
        """What was typed survives a reload and a power cut."""
        office, draft_id, typed = self.visitor.office, self.start.draft.draft_id, dict(self.typed)
        await self.visitor.ask(lambda: office.drafts.change(draft_id, typed=typed))


async def build_identity_page(visitor: KioskVisitor) -> None:
    start = await visitor.ask(lambda: _start(visitor))
    if start is None:
        return
    form = _Form(visitor, start, dict(start.typed))
    step_bar(IDENTITY_PATH)
    with ui.element("div").classes("sg-bar"):
        heading(w.STEP_IDENTITY)
        ui.element("div").classes("sg-grow")
        beside = ui.element("div")
    same = ui.element("div").props("role=status")
    with ui.element("form").classes("sg-form").on("submit.prevent", lambda: _next(form)):
        _fields(form, same)
    with ui.element("div").classes("sg-bar"):
        cancel_button(visitor, start.draft.draft_id)
        ui.element("div").classes("sg-grow")
        action(words.NEXT, lambda: _next(form), main=True, icon="arrow_forward")
    if visitor.office.id_reader is not None:
        with beside:
            action(w.READ_CARD, lambda: _read_card(form, same), icon="badge")
    await _look_at_number(form, same)


def _start(visitor: KioskVisitor) -> _Start:
    office, user_id = visitor.office, visitor.user.user_id
    draft = office.drafts.current(user_id) or office.drafts.begin(user_id)
    suggestions = {name: office.store.used_values(name) for name in ("employer", "team", "trade")}
    typed = draft.typed or office.registration.first_typed()
    sites = sorted({office.settings.site.id, *office.store.used_sites(), *typed.get("site_ids", "").split()})
    if draft.worker is not None:
        visitor.audit("registration_opened", f"worker:{draft.worker.worker_id}")
    return _Start(draft, typed, suggestions, sites)


def _fields(form: _Form, same: ui.element) -> None:
    """Who it is, then what for; in the order of the keyboard."""

    async def number_changed() -> None:
        await _look_at_number(form, same)

    kinds = {kind.value: str(title) for kind, title in w.DOCUMENT_TYPES.items()}
    sexes = {"": "–", **{sex.value: str(title) for sex, title in w.SEXES.items()}}
    _add(form, "name", text_field(w.NAME, value=form.typed.get("name", "")).props("autofocus"))
    _add(form, "document_type", choice(w.DOCUMENT_TYPE, kinds, form.typed.get("document_type", "")))
    number = text_field(w.DOCUMENT_NUMBER, value=form.typed.get("document_number", ""))
    _add(form, "document_number", number.props("debounce=300 autocomplete=off spellcheck=false"))
    for name in ("document_type", "document_number"):
        form.fields[name].on_value_change(number_changed)
    _add(form, "birth_date", text_field(w.BIRTH_DATE, kind="date", value=form.typed.get("birth_date", "")))
    _add(form, "sex", choice(w.SEX, sexes, form.typed.get("sex", "")))
    _add(form, "phone", text_field(w.PHONE, kind="tel", value=form.typed.get("phone", "")))
    for name, title in _SUGGESTED:
        entry = text_field(title, value=form.typed.get(name, "")).props(f"list=sg-{name}")
        _add(form, name, entry)
        with ui.element("datalist").props(f"id=sg-{name}"):
            for value in form.start.suggestions[name]:
                ui.element("option").props["value"] = value
    _add(form, "worker_id", text_field(w.WORKER_NUMBER, value=form.typed.get("worker_id", "")))
    chosen = form.typed.get("site_ids", "").split()
    sites = ui.select(form.start.sites, value=chosen, label=str(w.SITES), multiple=True)
    _add(form, "site_ids", sites.props("outlined use-chips").classes("sg-field"))
    for name, title in (("grant_from", w.GRANT_FROM), ("grant_until", w.GRANT_UNTIL)):
        _add(form, name, text_field(title, kind="date", value=form.typed.get(name, "")))
    address = text_field(w.ADDRESS, value=form.typed.get("address", ""))
    _add(form, "address", address)
    # A form with one button is sent by the Enter key.
    ui.element("button").props("type=submit hidden")


def _add(form: _Form, name: str, element: ui.input | ui.select) -> None:
    form.fields[name] = element

    def changed() -> None:
        value = element.value
        form.typed[name] = " ".join(value) if isinstance(value, list) else str(value or "")
        element.error = None

    element.on_value_change(changed)
    element.on("blur", form.keep)


async def _look_at_number(form: _Form, same: ui.element) -> None:
    """The live check: complain below the number, fill in what it says, show who has it already."""
    kind, number = form.typed.get("document_type", ""), form.typed.get("document_number", "")
    same.clear()
    if not number.strip():
        return
    today = form.visitor.office.today()
    problem = document_problem(kind, number, today)
    form.fields["document_number"].error = str(problem) if problem else None
    if problem is not None:
        return
    says = derived(kind, number, today)
    if says is not None:
        form.show("birth_date", says.birth_date.isoformat())
        form.show("sex", says.sex.value)
    found = await form.visitor.ask(lambda: _registered(form.visitor, kind, number))
    same.clear()
    if found:
        with same:
            _show_registered(found)


def _registered(visitor: KioskVisitor, kind: str, number: str) -> list[Worker]:
    found = visitor.office.registration.registered_with(kind, number)
    for worker in found:
        visitor.audit("record_shown", f"worker:{worker.worker_id}", because="same document")
    return found


def _show_registered(found: Sequence[Worker]) -> None:
    with ui.element("div").classes("sg-card sg-warn"):
        ui.label(str(w.SAME_DOCUMENT)).classes("sg-wait")
        for worker in found:
            with ui.element("div").classes("sg-bar"):
                ui.label(f"{worker.name} · {worker.worker_id} · {worker.employer} {worker.team}".strip())
                ui.link(str(w.OPEN_RECORD), RECORD_PATH.format(worker.worker_id)).classes("sg-button")
        ui.label(str(w.GO_ON_ANYWAY)).classes("sg-note")


async def _read_card(form: _Form, same: ui.element) -> None:
    reader = form.visitor.office.id_reader
    assert reader is not None  # noqa: S101 - the button is there only with a reader
    found = await form.visitor.ask(lambda: {"card": reader.read()})
    if found is None:
        return
    card = found["card"]
    if card is None:
        tell(w.NO_CARD, bad=True)
        return
    for name, value in typed_from_card(card).items():
        form.show(name, value)
    await _look_at_number(form, same)
    await form.keep()


async def _next(form: _Form) -> None:
    office, draft_id, typed = form.visitor.office, form.start.draft.draft_id, dict(form.typed)
    identity = await form.visitor.ask(lambda: office.registration.put_identity(draft_id, typed))
    if identity is None:
        return
    form.complain(identity)
    if identity.problems:
        tell(w.CORRECT_FIELDS, bad=True)
        first = next(iter(identity.problems))
        form.fields[first].run_method("focus")
        return
    ui.navigate.to(CONSENT_PATH)


IDENTITY_PAGE = KioskPage(IDENTITY_PATH, w.ENROL, build_identity_page, Right.ENROL, icon="person_add")
