"""Checklists: what a file may say, what counts as a finding, and how a finding lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.inspections import (
    Answer,
    AnswerSlip,
    AnswersRefused,
    Checklist,
    ChecklistInvalid,
    FindingRefused,
    FindingState,
    InspectorLevel,
    ItemKind,
    Step,
    faults,
    follow,
    is_overdue,
    read_answers,
    read_checklist,
    score,
    shipped_checklists,
)
from sync.inspections.finding import FOLLOWS

GOOD = """
checklist_id: sample
version: 1
zh: 示例
en: Sample
deadline_days: 2
items:
  - {item_id: a, kind: yes_no, zh: 甲, en: A}
  - {item_id: b, kind: number, high: 10, finding_below: 3, zh: 乙, en: B}
"""
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def test_the_shipped_samples_ask_every_level_something_and_are_all_in_order_at_best() -> None:
    assert sorted(shipped_checklists()) == ["eight_ones", "four_in_place"]
    for checklist in shipped_checklists().values():
        for level in checklist.levels:
            best = {
                item.item_id: str(item.high if item.finding_above is None else item.low)
                if item.kind is ItemKind.NUMBER
                else "yes"
                for item in checklist.items_for(level)
            }
            answers = read_answers(checklist, level, best)
            assert faults(checklist, answers) == [] and score(checklist, answers).percent == 100


@pytest.mark.parametrize(
    ("was", "instead", "place"),
    [
        ("item_id: b", "item_id: a", "the same item_id twice: a"),
        ("finding_below: 3", "finding_below: 8, finding_above: 4", "items.1: Value error, b: every number"),
        ("finding_below: 3", "finding_below: 0", "items.1: Value error, b: finding_below is not within"),
        ("finding_below: 3", "finding_above: 10", "items.1: Value error, b: finding_above is not within"),
        ("high: 10", "low: 12, high: 10", "items.1: Value error, b: low is not below high"),
        ("kind: yes_no", "kind: text, severity: high", "items.0: Value error, a: a text is never a finding"),
        ("kind: yes_no", "kind: yes_no, high: 4", "items.0: Value error, a: high is for numbers"),
        ("finding_below: 3", "finding_if: no", "items.1: Value error, b: finding_if is for yes_no"),
        ("deadline_days: 2", "deadline_days: 2\nlevels: [district]\nevery_days: 1", "every_days is for the"),
        ("kind: yes_no", "kind: yes_no, levels: [disctrict]", "items.0.levels.0"),
        ("deadline_days: 2", "deadline_days: 2\nlevels: [self]\ncolour: red", "colour"),
        ("kind: yes_no", "kind: yes_no, levels: [district, district]", "a level is named twice"),
        ("- {item_id: a, kind: yes_no,", "- {item_id: a, kind: yes_no, levels: [self],", ""),
        ("zh: 示例", "zh: [", "is no YAML"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_with_the_place(
    tmp_path: Path, was: str, instead: str, place: str
) -> None:
    path = tmp_path / "list.yaml"
    path.write_text(GOOD.replace(was, instead, 1), encoding="utf-8")
    if not place:
        assert len(read_checklist(path).items_for(InspectorLevel.DISTRICT)) == 1
        return
    with pytest.raises(ChecklistInvalid) as refused:
        read_checklist(path)
    assert str(path) in str(refused.value) and place in str(refused.value)


def test_a_level_that_is_asked_nothing_or_that_the_list_does_not_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    only_self = GOOD.replace("kind: yes_no", "kind: yes_no, levels: [self]").replace(
        "kind: number", "kind: number, levels: [self]"
    )
    path.write_text(only_self, encoding="utf-8")
    with pytest.raises(ChecklistInvalid, match="for the level sub_district nothing is asked"):
        read_checklist(path)
    path.write_text(only_self.replace("deadline_days", "levels: [district]\ndeadline_days"), encoding="utf-8")
    with pytest.raises(ChecklistInvalid, match="the checklist has no level self"):
        read_checklist(path)
    with pytest.raises(ChecklistInvalid, match="cannot be read"):
        read_checklist(tmp_path / "none.yaml")


def test_answers_are_read_as_people_type_them_and_every_slip_is_told_at_once() -> None:
    checklist = shipped_checklists()["four_in_place"]
    wrong = {"person_named": "maybe", "beds_free": "many", "masks_days": "-1", "trained": "nan"}
    with pytest.raises(AnswersRefused) as refused:
        read_answers(checklist, InspectorLevel.SELF, wrong | {"remarks": "长" * 501, "duty_today-note": "x"})
    assert refused.value.slips == {
        "person_named": AnswerSlip.NOT_OFFERED,
        "duty_today": AnswerSlip.REQUIRED,
        "room_ready": AnswerSlip.REQUIRED,
        "beds_free": AnswerSlip.NO_NUMBER,
        "masks_days": AnswerSlip.OUT_OF_RANGE,
        "disinfectant": AnswerSlip.REQUIRED,
        "trained": AnswerSlip.NO_NUMBER,
        "remarks": AnswerSlip.TOO_LONG,
    }
    typed = {
        "person_named": "yes",
        "duty_today": " no ",
        "duty_today-note": "无人\0",
        "room_ready": "yes",
        "beds_free": "２",
        "masks_days": "6,5",
        "disinfectant": "yes",
        "trained": "95",
        "drill": "no",  # asked at other levels
    }
    answers = read_answers(checklist, InspectorLevel.SELF, typed)
    assert answers["duty_today"] == Answer("no", "无人") and answers["beds_free"].value == 2
    assert [(one.item.item_id, one.deadline_days) for one in faults(checklist, answers)] == [
        ("duty_today", 0),
        ("masks_days", 3),
    ]
    assert score(checklist, answers).percent == 71


_ITEM = st.fixed_dictionaries(
    {"kind": st.just("yes_no"), "optional": st.booleans()},
    optional={"finding_if": st.sampled_from(["yes", "no"]), "deadline_days": st.integers(0, 365)},
) | st.fixed_dictionaries(
    {"kind": st.just("number"), "low": st.just(0), "high": st.just(100), "optional": st.booleans()},
    optional={"finding_below": st.integers(1, 50), "finding_above": st.integers(50, 99)},
)


@st.composite
def _answered(draw: st.DrawFn) -> tuple[Checklist, dict[str, str]]:
    items = draw(st.lists(_ITEM, min_size=1, max_size=8))
    named = [{"item_id": f"i{number}", "zh": "项", "en": "Item", **one} for number, one in enumerate(items)]
    checklist = Checklist.model_validate(
        {"checklist_id": "x", "version": 1, "zh": "表", "en": "L", "deadline_days": 1, "items": named}
    )
    typed = {}
    for item in checklist.items:
        if not (item.optional and draw(st.booleans())):
            value = st.sampled_from(["yes", "no"]) if item.kind is ItemKind.YES_NO else st.integers(0, 100)
            typed[item.item_id] = str(draw(value))
    return checklist, typed


@given(_answered())
def test_every_counted_answer_is_either_in_order_or_a_finding(one: tuple[Checklist, dict[str, str]]) -> None:
    checklist, typed = one
    answers = read_answers(checklist, InspectorLevel.DISTRICT, typed)
    reckoned = score(checklist, answers)
    assert answers.keys() == typed.keys() and reckoned.answered == len(typed)
    assert reckoned.in_order + len(faults(checklist, answers)) == reckoned.answered
    assert (reckoned.percent == 100) == (reckoned.answered > 0 and reckoned.in_order == reckoned.answered)
    assert Checklist.model_validate_json(checklist.model_dump_json(exclude_unset=True)) == checklist


@given(st.lists(st.sampled_from(Step), max_size=12))
def test_a_finding_ends_only_by_an_inspector_and_is_overdue_only_while_the_site_owes_something(
    steps: list[Step],
) -> None:
    state, taken = FindingState.OPEN, [Step.FOUND]
    for step in steps:
        try:
            state = follow(state, step)
        except FindingRefused as refused:
            assert step not in FOLLOWS[state] and refused.next_step
            continue
        taken.append(step)
        last = {FindingState.MENDED: {Step.MENDED}, FindingState.CLOSED: {Step.ACCEPTED}}
        assert taken[-1] in last.get(state, set(Step) - {Step.MENDED, Step.ACCEPTED})
    for moment, late in ((NOON - timedelta(seconds=1), False), (NOON, True)):
        assert is_overdue(state, NOON, moment) == (late and state is FindingState.OPEN)
    assert (state is FindingState.WITHDRAWN) == (taken[-1] is Step.WITHDRAWN)
