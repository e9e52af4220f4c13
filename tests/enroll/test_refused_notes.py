"""What the centre refused, as the site manager reads it: about whom, and what to do."""

from __future__ import annotations

import pytest

from enroll.refused_notes import refused_notes
from sync.central import enrolments
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
    assert (one.worker_id, one.reason, one.kind.en) == ("W-1", reason, "Registration")
    assert step in one.step.en


def test_a_daily_report_is_about_nobody() -> None:
    (one,) = refused_notes([("site_report", "R-1", "site_report:demo", "not as the form asks: headcount")])
    assert one.worker_id == ""
    assert "declare again" in one.step.en
