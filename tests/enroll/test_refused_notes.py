"""What the centre refused, as the site manager reads it: about whom, and what to do."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType

import pytest

from enroll.refused_notes import reason_in_chinese, refused_notes
from sync.central import declarations, enrolments, notes, trainings
from sync.central.notes import FAULT, NOT_A_KIOSK


@pytest.mark.parametrize(
    ("reason", "step"),
    [
        (NOT_A_KIOSK, "register this box"),
        (enrolments.NO_CONSENT, "Take the consent"),
        (enrolments.ERASED, "with a new consent"),
        ("the number W-1 is somebody's at another site", "another number"),
        ("worker W-1 was merged into W-2: change that one", "that the centre keeps"),
        (FAULT, "ask the operator"),
    ],
)
def test_every_reason_comes_with_a_step(reason: str, step: str) -> None:
    (one,) = refused_notes([("enrolment", "R-1", "worker:W-1", reason)])
    assert one.reason.zh
    assert (one.worker_id, one.reason.en, one.kind.en) == ("W-1", reason, "Registration")
    assert step in one.step.en


def reasons_in(module: ModuleType) -> list[str]:
    """What the module refuses notes with; X for what is filled in."""
    found = []
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "NoteRefused":
            (said,) = node.args
            said = said.value if isinstance(said, ast.Subscript) else said
            if isinstance(said, ast.Constant):
                found.append(str(said.value))
            elif isinstance(said, ast.JoinedStr):
                found.append("".join(str(getattr(part, "value", "X")) for part in map(_filled, said.values)))
            elif isinstance(said, ast.Name):
                found.append(getattr(module, said.id))
    return found


def _filled(part: ast.expr) -> ast.expr:
    return part if isinstance(part, ast.Constant) else ast.Constant("X")


@pytest.mark.parametrize("module", [notes, enrolments, declarations, trainings])
def test_every_reason_of_the_centre_has_chinese_words(module: ModuleType) -> None:
    said = reasons_in(module)
    assert said
    assert [one for one in said if not reason_in_chinese(one)] == []


def test_reasons_of_other_rooms_have_chinese_words_and_an_unknown_one_stays_as_it_is() -> None:
    for reason in (
        "unsealable",
        "malformed: worker.name",
        "template T-1 is no unit vector (length 0.5)",
        "no form worker-declaration of version 9 in this program",
        "no withdrawal gone-1",
        "training record 3: the signature is wrong",
    ):
        assert reason_in_chinese(reason), reason
    (one,) = refused_notes([("training", "R-1", "training", "something new")])
    assert str(one.reason).strip() == "something new"


def test_a_daily_report_is_about_nobody() -> None:
    (one,) = refused_notes([("site_report", "R-1", "site_report:demo", "not as the form asks: headcount")])
    assert one.worker_id == ""
    assert "declare again" in one.step.en
