"""What somebody has typed, before it is checked: all of it text, so that a page shows it again as it was.

The fields of a page are called `name`, `group.0.name` (an entry of groups) and `table.row.name`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sync.forms.description import Field, Form, Kind

Simple = str | list[str]
Group = dict[str, Simple]
Entered = dict[str, Simple | list[Group] | dict[str, Group]]
"""By field: text; ticked options; per group, and per row of a table, the same again."""

_TYPED_MAX = 4000
"""Nobody types so much; the check says how long a text may be."""


def entered(form: Form, sent: Mapping[str, Sequence[str]]) -> Entered:
    """Sort what a page sent into the form's fields; anything else is left out."""
    found: Entered = {}
    for field in form.fields:
        if field.kind is Kind.GROUPS:
            found[field.name] = [
                {one.name: _simple(one, sent, f"{field.name}.{number}.") for one in field.fields}
                for number in _numbers(field, sent)
            ]
        elif field.kind is Kind.TABLE:
            found[field.name] = {
                row.value: {
                    one.name: _simple(one, sent, f"{field.name}.{row.value}.") for one in field.fields
                }
                for row in field.options
            }
        else:
            found[field.name] = _simple(field, sent, "")
    return found


def group_added(form: Form, so_far: Entered, name: str) -> Entered:
    """One empty entry more, up to the field's `max_groups`."""
    field, groups = form.field(name), _groups(so_far, name)
    if len(groups) >= field.max_groups:
        return so_far
    empty: Group = {one.name: [] if one.kind is Kind.CHOICES else "" for one in field.fields}
    return {**so_far, name: [*groups, empty]}


def group_removed(so_far: Entered, name: str, number: int) -> Entered:
    """Without the entry of that number, counted from 0."""
    return {**so_far, name: [one for at, one in enumerate(_groups(so_far, name)) if at != number]}


def _groups(so_far: Entered, name: str) -> list[Group]:
    found = so_far.get(name, [])
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _numbers(field: Field, sent: Mapping[str, Sequence[str]]) -> list[int]:
    """Of the entries that were sent, in their order."""
    prefix = f"{field.name}."
    parts = (key.removeprefix(prefix).split(".")[0] for key in sent if key.startswith(prefix))
    numbers = {int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) <= 3}
    return sorted(numbers)[: field.max_groups]


def _simple(field: Field, sent: Mapping[str, Sequence[str]], prefix: str) -> Simple:
    values = [value.replace("\0", "")[:_TYPED_MAX] for value in sent.get(prefix + field.name, ())]
    if field.kind is Kind.CHOICES:
        return values[: len(field.options)]
    return values[0] if values else ""
