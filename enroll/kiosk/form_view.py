"""A form as data on a kiosk page: a control for every field that is asked, read back as typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from nicegui import ui

from enroll.kiosk import words_declare as w
from sync.forms import Checked, Entered, Field, Form, Kind, group_added, group_removed
from sync.forms.checking import NO, YES
from sync.forms.description import Option, Said
from sync.forms.entry import Group, Simple
from sync.pages import action, subheading

Changed = Callable[[Simple], None]


class FormView:
    """Builds itself into the open element; `entered` is what stands in the fields at any time."""

    def __init__(self, form: Form, entered: Entered) -> None:
        self._form = form
        self._checked: Checked | None = None
        self.entered: Entered = dict(entered)
        self._room = ui.element("div").classes("sg-questions")
        self._build()

    def complain(self, checked: Checked) -> None:
        """Show what is wrong beside each field."""
        self._checked = checked
        self._build()

    def _build(self) -> None:
        self._room.clear()
        with self._room:
            if self._checked is not None and self._checked.problems:
                ui.label(str(w.PROBLEMS)).classes("sg-bad").props("role=alert")
            for section in self._form.sections:
                with ui.element("section").classes("sg-card").props(f'aria-label="{section.title}"'):
                    subheading(str(section.title))
                    for field in section.fields:
                        if _is_asked(field, self.entered):
                            self._field(field)

    def _field(self, field: Field) -> None:
        if field.kind is Kind.GROUPS:
            self._groups(field)
        elif field.kind is Kind.TABLE:
            self._table(field)
        else:
            given = self.entered.get(field.name, "")
            simple: Simple = given if isinstance(given, str) else [str(one) for one in given]
            self._control(field, field.name, simple, partial(self._set, field.name))

    def _set(self, name: str, value: Simple) -> None:
        self.entered[name] = value
        if any(field.when is not None and field.when.field == name for field in self._form.fields):
            self._build()

    def _set_in(self, field: Field, entry: Group, name: str, value: Simple) -> None:
        entry[name] = value
        if any(one.when is not None and one.when.field == name for one in field.fields):
            self._build()

    def _groups(self, field: Field) -> None:
        self._complaint(field.name)
        given = self.entered.get(field.name)
        if not isinstance(given, list) or not given:
            self.entered = group_added(self._form, {**self.entered, field.name: []}, field.name)
        entries = [one for one in self.entered[field.name] if isinstance(one, dict)]
        for number, entry in enumerate(entries):
            with ui.element("fieldset").classes("sg-group"):
                with ui.element("legend"):
                    ui.label(f"{field.label} {number + 1}")
                for one in field.fields:
                    if _is_asked(one, entry):
                        path = f"{field.name}.{number}.{one.name}"
                        set_it = partial(self._set_in, field, entry, one.name)
                        self._control(one, path, entry.get(one.name, ""), set_it)
                action(w.REMOVE, partial(self._remove, field.name, number), icon="delete")
        if len(entries) < field.max_groups:
            action(w.ADD, partial(self._add, field.name), icon="add")

    def _add(self, name: str) -> None:
        self.entered = group_added(self._form, self.entered, name)
        self._build()

    def _remove(self, name: str, number: int) -> None:
        self.entered = group_removed(self.entered, name, number)
        self._build()

    def _table(self, field: Field) -> None:
        given = self.entered.get(field.name)
        rows: dict[str, Group] = {}
        for row in field.options:
            held = given.get(row.value) if isinstance(given, dict) else None
            rows[row.value] = dict(held) if isinstance(held, dict) else {}
        self.entered[field.name] = rows
        for row in field.options:
            with ui.element("fieldset").classes("sg-group"):
                with ui.element("legend"):
                    ui.label(f"{row.zh} {row.en}")
                with ui.element("div").classes("sg-bar"):
                    for one in field.fields:
                        path = f"{field.name}.{row.value}.{one.name}"
                        entry = rows[row.value]
                        set_it = partial(entry.__setitem__, one.name)
                        self._control(one, path, entry.get(one.name, ""), set_it, unit=row.unit)

    def _control(
        self, field: Field, path: str, value: Simple, on_change: Changed, *, unit: Said | None = None
    ) -> None:
        label = _label(field, unit)
        if field.kind in (Kind.CHOICES, Kind.YES_NO, Kind.CHOICE):
            self._picks(field, label, value, on_change)
        elif field.kind is Kind.CONFIRM:
            box = ui.checkbox(label, value=value == YES)
            box.on_value_change(lambda event: on_change(YES if event.value else ""))
        else:
            text = value if isinstance(value, str) else ""
            make = ui.textarea if field.kind is Kind.LONG_TEXT else ui.input
            made = make(label, value=text).props("outlined stack-label").classes("sg-field")
            if field.kind is Kind.DATE:
                made.props("type=date")
            elif field.kind is Kind.NUMBER:
                made.props(f"inputmode={'decimal' if field.decimals else 'numeric'}")
            made.on_value_change(lambda event: on_change(str(event.value or "")))
            made.style("width: 100%; max-width: 560px")
        self._complaint(path)

    def _picks(self, field: Field, label: str, value: Simple, on_change: Changed) -> None:
        """Options as buttons that stay pressed: large enough for gloves, one press each."""
        options = field.options or (
            Option(value=YES, zh=w.YES.zh, en=w.YES.en),
            Option(value=NO, zh=w.NO.zh, en=w.NO.en),
        )
        several = field.kind is Kind.CHOICES
        chosen = list(value) if isinstance(value, list) else [value] if value else []
        buttons: dict[str, ui.button] = {}

        def press(option: Option) -> None:
            if not several:
                chosen[:] = [option.value]
            elif option.value in chosen:
                chosen.remove(option.value)
            else:
                alone = {one.value for one in options if one.alone}
                kept = [] if option.alone else [one for one in chosen if one not in alone]
                chosen[:] = [*kept, option.value]
            for name, button in buttons.items():
                _show_pressed(button, name in chosen)
            on_change(list(chosen) if several else chosen[0])

        ui.label(label).classes("sg-question")
        with ui.element("div").classes("sg-bar").props(f'role=group aria-label="{label}"'):
            for option in options:
                buttons[option.value] = action(f"{option.zh} {option.en}", partial(press, option))
                _show_pressed(buttons[option.value], option.value in chosen)

    def _complaint(self, path: str) -> None:
        problem = self._checked.problem(path) if self._checked is not None else None
        if problem is not None:
            ui.label(str(problem)).classes("sg-bad").props("role=alert")


def _is_asked(field: Field, entered: Mapping[str, object]) -> bool:
    """Whether the condition of a field holds for what stands in the others."""
    if field.when is None:
        return True
    given = entered.get(field.when.field, "")
    wanted = field.when.equals
    if isinstance(wanted, bool):
        wanted = YES if wanted else NO
    return wanted in given if isinstance(given, list) else given == wanted


def _show_pressed(button: ui.button, is_pressed: bool) -> None:
    button.props(f"aria-pressed={'true' if is_pressed else 'false'}")
    button.classes(add="" if is_pressed else "sg-plain", remove="sg-plain" if is_pressed else "")
    button.props("icon=check" if is_pressed else "", remove="" if is_pressed else "icon")


def _label(field: Field, unit: Said | None) -> str:
    unit = unit or field.unit
    shown = f"{field.label}" if unit is None else f"{field.label} ({unit.zh})"
    return shown if field.required else f"{shown} · {w.OPTIONAL}"
