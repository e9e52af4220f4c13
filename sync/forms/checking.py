"""Entered text → typed answers, or what is wrong with which field. Pure: the day is passed in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sync.forms.description import Condition, Field, Form, Kind, Rule, Said
from sync.forms.rules import PATTERNS, RULES, Answers

YES, NO = "yes", "no"
_NUMBER = re.compile(r"[+-]?\d{1,12}(?:\.\d{1,6})?")
_DATE_PARTS = re.compile(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})\D?")

MISSING = Said(zh="请填写", en="please answer")
CHOOSE = Said(zh="请选择", en="please choose")
CONFIRM = Said(zh="请勾选确认", en="please confirm")
NOT_ALONE = Said(zh="此项不能与其他项同选", en="this one goes with no other")
NO_NUMBER = Said(zh="请填写数字", en="a number, please")
NO_DATE = Said(zh="日期有误", en="this is no date")
AT_LEAST_ONE = Said(zh="请至少填写一项", en="at least one, please")
FUTURE = Said(zh="不能晚于今天", en="not after today")


@dataclass(frozen=True, slots=True)
class Problem:
    """`path` is the field's name on a page: `name`, `group.0.name`, `table.row.name`."""

    path: str
    said: Said


@dataclass(frozen=True, slots=True)
class Checked:
    """`answers` holds what is right, only of the fields that were asked; JSON as it stands."""

    form: Form
    answers: dict[str, Any]
    problems: tuple[Problem, ...]

    @property
    def is_complete(self) -> bool:
        return not self.problems

    @property
    def marks(self) -> tuple[str, ...]:
        """What somebody should look at, in the order of the alphabet."""
        found: set[str] = set()
        for field in self.form.fields:
            answer = self.answers.get(field.name)
            if field.mark and answer is True:
                found.add(field.mark)
            given = answer if isinstance(answer, list) else [answer]
            found.update(option.mark for option in field.options if option.mark and option.value in given)
        return tuple(sorted(found))

    def problem(self, path: str) -> Said | None:
        """What is wrong with one field."""
        return next((one.said for one in self.problems if one.path == path), None)


def check(form: Form, given: Mapping[str, Any], *, today: date) -> Checked:
    """Check what was entered (`entry.Entered`), or answers that were checked elsewhere, as of `today`.

    The answers of a complete form pass again and stay the same.
    """
    answers: dict[str, Any] = {}
    problems: list[Problem] = []
    for field in form.fields:
        if not holds(field.when, answers):
            continue
        if field.kind is Kind.GROUPS:
            value: Any = _groups(field, given.get(field.name), today, problems)
        elif field.kind is Kind.TABLE:
            value = _table(field, given.get(field.name), today, problems)
        else:
            value = _simple(field, given.get(field.name), today, field.name, problems)
        if value is not None:
            answers[field.name] = value
    for rule in form.rules:
        _apply(form, rule, answers, today, problems)
    return Checked(form, answers, tuple(problems))


def holds(condition: Condition | None, answers: Answers) -> bool:
    """Whether a field with this condition is asked, after these answers."""
    if condition is None:
        return True
    answer = answers.get(condition.field)
    return condition.equals in answer if isinstance(answer, list) else answer == condition.equals


def unified(text: str) -> str:
    """One spelling of a number of a flight, train or seat: half width, capitals, no spaces or hyphens."""
    return re.sub(r"[\s\-_·.]+", "", unicodedata.normalize("NFKC", text)).upper()


def _groups(field: Field, given: Any, today: date, problems: list[Problem]) -> list[dict[str, Any]]:
    entries = [one for one in given if isinstance(one, Mapping)] if isinstance(given, Sequence) else []
    found = []
    for number, entry in enumerate(entries[: field.max_groups]):
        found.append(_entry(field, entry, today, f"{field.name}.{number}.", problems))
    if field.required and not found:
        problems.append(Problem(field.name, AT_LEAST_ONE))
    return found


def _table(field: Field, given: Any, today: date, problems: list[Problem]) -> dict[str, dict[str, Any]]:
    rows = given if isinstance(given, Mapping) else {}
    found = {}
    for row in field.options:
        entry = rows.get(row.value)
        answers = _entry(
            field,
            entry if isinstance(entry, Mapping) else {},
            today,
            f"{field.name}.{row.value}.",
            problems,
        )
        if answers:
            found[row.value] = answers
    return found


def _entry(
    field: Field, given: Mapping[str, Any], today: date, prefix: str, problems: list[Problem]
) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for one in field.fields:
        if holds(one.when, answers):
            value = _simple(one, given.get(one.name), today, prefix + one.name, problems)
            if value is not None:
                answers[one.name] = value
    return answers


def _simple(field: Field, given: Any, today: date, path: str, problems: list[Problem]) -> Any:
    """The typed answer; None where there is none, or none that is right (then with a problem)."""
    value, wrong = _READERS[field.kind](field, given, today)
    if wrong is None and value is None and (field.required or field.kind is Kind.CONFIRM):
        is_chosen = field.kind in (Kind.CHOICE, Kind.CHOICES, Kind.YES_NO)
        wrong = CONFIRM if field.kind is Kind.CONFIRM else CHOOSE if is_chosen else MISSING
    if wrong is not None:
        problems.append(Problem(path, wrong))
        return None
    return value


_Read = tuple[Any, Said | None]


def _text(field: Field, given: Any, today: date) -> _Read:
    text = unicodedata.normalize("NFC", given) if isinstance(given, str) else ""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    text = "\n".join(lines).strip() if field.kind is Kind.LONG_TEXT else " ".join(lines).strip()
    text = "".join(one for one in text if one == "\n" or one.isprintable())
    if not text:
        return None, None
    if field.pattern:
        text = unified(text)
        pattern, hint = PATTERNS[field.pattern]
        if not pattern.fullmatch(text):
            return None, hint
    if len(text) > field.max_length:
        return None, Said(zh=f"最多 {field.max_length} 字", en=f"at most {field.max_length} characters")
    return text, None


def _number(field: Field, given: Any, today: date) -> _Read:
    if isinstance(given, bool) or given is None:
        return None, None
    text = unicodedata.normalize("NFKC", str(given)).strip().replace(",", "")
    if not text:
        return None, None
    if not _NUMBER.fullmatch(text):
        return None, NO_NUMBER
    number = Decimal(text)
    wrong = _beyond(field, number)
    return (None, wrong) if wrong else (float(number) if field.decimals else int(number), None)


def _beyond(field: Field, number: Decimal) -> Said | None:
    if number != round(number, field.decimals):
        if field.decimals == 0:
            return Said(zh="请填写整数", en="a whole number, please")
        return Said(zh=f"最多 {field.decimals} 位小数", en=f"at most {field.decimals} decimals")
    if field.least is not None and number < Decimal(str(field.least)):
        return Said(zh=f"不能小于 {field.least:g}", en=f"not less than {field.least:g}")
    if field.most is not None and number > Decimal(str(field.most)):
        return Said(zh=f"不能大于 {field.most:g}", en=f"not more than {field.most:g}")
    return None


def _date(field: Field, given: Any, today: date) -> _Read:
    text = unicodedata.normalize("NFKC", given).strip() if isinstance(given, str) else ""
    if not text:
        return None, None
    parts = _DATE_PARTS.fullmatch(text)
    try:
        day = date(*(int(part) for part in parts.groups())) if parts else None
    except ValueError:
        day = None
    if day is None:
        return None, NO_DATE
    if field.most is not None and day > (last := today + timedelta(days=field.most)):
        return None, FUTURE if field.most == 0 else Said(zh=f"不能晚于 {last}", en=f"not after {last}")
    if field.least is not None and day < (first := today + timedelta(days=field.least)):
        return None, Said(zh=f"不能早于 {first}", en=f"not before {first}")
    return day.isoformat(), None


def _choice(field: Field, given: Any, today: date) -> _Read:
    if not isinstance(given, str) or not given:
        return None, None
    return (given, None) if given in [option.value for option in field.options] else (None, CHOOSE)


def _choices(field: Field, given: Any, today: date) -> _Read:
    ticked = given if isinstance(given, (list, tuple)) else [given]
    chosen = [option for option in field.options if option.value in ticked]
    if not chosen:
        return None, None
    if len(chosen) > 1 and any(option.alone for option in chosen):
        return None, NOT_ALONE
    return [option.value for option in chosen], None


def _yes_no(field: Field, given: Any, today: date) -> _Read:
    if isinstance(given, bool):
        return given, None
    return {YES: True, NO: False}.get(given) if isinstance(given, str) else None, None


def _confirm(field: Field, given: Any, today: date) -> _Read:
    return True if given is True or given == YES else None, None


_READERS = {
    Kind.TEXT: _text,
    Kind.LONG_TEXT: _text,
    Kind.NUMBER: _number,
    Kind.DATE: _date,
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.YES_NO: _yes_no,
    Kind.CONFIRM: _confirm,
}


def _apply(form: Form, rule: Rule, answers: dict[str, Any], today: date, problems: list[Problem]) -> None:
    """A rule adds no second problem to a field that has one."""
    wrong = {problem.path for problem in problems}
    for prefix, scope in _scopes(form, rule, answers):
        if any(f"{prefix}{name}" in wrong for name in rule.fields):
            continue
        problems.extend(
            Problem(prefix + name, said) for name, said in RULES[rule.name](scope, rule.fields, today)
        )


def _scopes(form: Form, rule: Rule, answers: dict[str, Any]) -> list[tuple[str, Answers]]:
    if not rule.group:
        return [("", answers)]
    entries = answers.get(rule.group, [])
    if form.field(rule.group).kind is Kind.TABLE:
        return [(f"{rule.group}.{row}.", entry) for row, entry in dict(entries).items()]
    return [(f"{rule.group}.{number}.", entry) for number, entry in enumerate(entries)]
