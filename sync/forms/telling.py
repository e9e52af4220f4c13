"""Checked answers told to people: on a receipt, in the console, in an export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sync.forms.checking import NO, YES
from sync.forms.description import Field, Form, Kind, Option, Said
from sync.forms.entry import Entered, Simple

YES_WORD, NO_WORD = Said(zh="是", en="yes"), Said(zh="否", en="no")


def told(form: Form, answers: Mapping[str, Any]) -> Iterator[tuple[Said, Said]]:
    """Every answer that was given, with its question, in the order of the form."""
    for field in form.fields:
        answer = answers.get(field.name)
        if answer is None:
            continue
        if field.kind is Kind.GROUPS:
            for number, entry in enumerate(answer, start=1):
                label = Said(zh=f"{field.label.zh} {number}", en=f"{field.label.en} {number}")
                yield label, _entry(field, entry)
        elif field.kind is Kind.TABLE:
            for row in field.options:
                if row.value in answer:
                    yield Said(zh=row.zh, en=row.en), _entry(field, answer[row.value], unit=row.unit)
        elif field.kind is not Kind.CONFIRM:
            yield field.label, _simple(field, answer)


def typed(form: Form, answers: Mapping[str, Any], *, only_carried: bool = False) -> Entered:
    """Answers as somebody would have typed them, to be put into a page again."""
    found: Entered = {}
    for field in form.fields:
        answer = answers.get(field.name)
        if answer is None or field.kind is Kind.CONFIRM or (only_carried and not field.carried):
            continue
        if field.kind is Kind.GROUPS:
            found[field.name] = [{name: _typed(one) for name, one in entry.items()} for entry in answer]
        elif field.kind is Kind.TABLE:
            found[field.name] = {
                row: {name: _typed(one) for name, one in entry.items()} for row, entry in answer.items()
            }
        else:
            found[field.name] = _typed(answer)
    return found


def _typed(answer: Any) -> Simple:
    if isinstance(answer, bool):
        return YES if answer else NO
    if isinstance(answer, list):
        return [str(one) for one in answer]
    return f"{answer:g}" if isinstance(answer, float) else str(answer)


def _entry(field: Field, entry: Mapping[str, Any], unit: Said | None = None) -> Said:
    said = [_simple(one, entry[one.name], unit) for one in field.fields if one.name in entry]
    if field.kind is Kind.TABLE:  # numbers without their names would not be understood
        names = [one.label for one in field.fields if one.name in entry]
        said = [
            Said(zh=f"{name.zh} {one.zh}", en=f"{name.en} {one.en}")
            for name, one in zip(names, said, strict=True)
        ]
    return Said(zh="，".join(one.zh for one in said) or "–", en=", ".join(one.en for one in said) or "–")


def _simple(field: Field, answer: Any, unit: Said | None = None) -> Said:
    if isinstance(answer, bool):
        return YES_WORD if answer else NO_WORD
    words: Mapping[str, Option] = {option.value: option for option in field.options}
    if field.kind is Kind.CHOICES:
        chosen = [words[one] for one in answer if one in words]
        return Said(zh="、".join(one.zh for one in chosen), en=", ".join(one.en for one in chosen))
    if field.kind is Kind.CHOICE and answer in words:
        return Said(zh=words[answer].zh, en=words[answer].en)
    text, unit = str(_typed(answer)), unit or field.unit
    return Said(zh=f"{text} {unit.zh}", en=f"{text} {unit.en}") if unit else Said(zh=text, en=text)
