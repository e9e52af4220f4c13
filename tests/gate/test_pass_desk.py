"""When a pass counts, and together with which face."""

from __future__ import annotations

from typing import Any

from gate.lane import Finding, Standing, Verdict
from gate.pass_desk import PASSING_ON_S, PassDesk, PassReading
from models.roster_watch import Threshold
from sync.records import Method

FRAME_S = 0.1
PASS = PassReading(Method.QR, "pass-anna", "anna")
UNDECIDED = Standing(None)


def verdict(finding: Finding, worker_id: str | None = None) -> Verdict:
    return Verdict(
        finding, worker_id, 0.8, None, Threshold(0.5, "test"), 3, 3, 1, None, 0, False, 0.0, 0.3
    )  # fmt: skip


class Post:
    def __init__(self) -> None:
        self.desk = PassDesk(face_wait_s=1.5, repeat_interval_s=5.0)
        self.at_s = 100.0

    def frame(
        self, standing: Standing | None, decided: Verdict | None = None, seconds: float = FRAME_S
    ) -> Any:
        self.at_s += seconds
        return self.desk.due(standing, decided, self.at_s)


def test_with_nobody_before_the_camera_a_badge_is_answered_at_once() -> None:
    post = Post()
    post.desk.present(PASS)
    call = post.frame(None)
    assert (call.reading, call.face_of, call.replaces_verdict) == (PASS, None, False)
    assert post.frame(None) is None


def test_a_pass_waits_for_the_face_and_the_holder_s_face_makes_it_needless() -> None:
    post = Post()
    post.desk.present(PASS)
    assert post.frame(UNDECIDED) is None
    assert post.frame(Standing(Finding.RECOGNISED, "anna"), verdict(Finding.RECOGNISED, "anna")) is None
    for _ in range(20):
        post.desk.present(PASS)  # still in the hand
        assert post.frame(Standing(Finding.RECOGNISED, "anna")) is None


def test_an_unknown_face_with_a_pass_gets_one_answer_that_of_the_pass() -> None:
    post = Post()
    post.desk.present(PASS)
    post.frame(UNDECIDED)
    call = post.frame(Standing(Finding.UNKNOWN), verdict(Finding.UNKNOWN))
    assert (call.face_of, call.replaces_verdict) == (None, True)


def test_a_face_that_is_never_decided_keeps_a_pass_waiting_for_the_deadline_only() -> None:
    post = Post()
    post.desk.present(PASS)
    assert post.frame(UNDECIDED) is None
    assert post.frame(UNDECIDED, seconds=1.4) is None
    assert post.frame(UNDECIDED, seconds=0.2) is not None


def test_the_face_of_another_worker_goes_with_the_pass_to_the_guard() -> None:
    post = Post()
    post.desk.present(PASS)
    post.frame(UNDECIDED)
    call = post.frame(Standing(Finding.RECOGNISED, "bela"), verdict(Finding.RECOGNISED, "bela"))
    assert (call.face_of, call.replaces_verdict) == ("bela", True)


def test_the_next_in_the_queue_is_not_taken_for_the_one_who_walks_on() -> None:
    post = Post()
    walking_on = Standing(Finding.RECOGNISED, "bela")
    post.frame(walking_on, verdict(Finding.RECOGNISED, "bela"))
    post.desk.present(PASS)
    assert post.frame(walking_on) is None
    assert post.frame(walking_on, seconds=PASSING_ON_S / 2) is None
    call = post.frame(None)
    assert (call.reading, call.face_of) == (PASS, None)


def test_a_pass_in_the_hand_of_somebody_who_stays_is_held_in_the_end() -> None:
    post = Post()
    stays = Standing(Finding.RECOGNISED, "bela")
    post.desk.present(PASS)
    assert post.frame(stays) is None
    call = post.frame(stays, seconds=PASSING_ON_S)
    assert (call.face_of, call.replaces_verdict) == ("bela", False)


def test_a_forged_pass_is_answered_and_does_not_cost_a_worker_the_face() -> None:
    post = Post()
    post.desk.present(PassReading(Method.QR, "forged"))
    post.frame(UNDECIDED)
    call = post.frame(Standing(Finding.RECOGNISED, "bela"), verdict(Finding.RECOGNISED, "bela"))
    assert (call.face_of, call.replaces_verdict) == (None, False)


def test_a_pass_is_answered_once_while_it_is_in_sight_and_again_after_it_was_away() -> None:
    post = Post()
    answers = 0
    for _ in range(100):
        post.desk.present(PASS)
        answers += post.frame(None) is not None
    assert answers == 1
    post.frame(None, seconds=5.1)
    post.desk.present(PASS)
    assert post.frame(None) is not None


def test_who_did_not_pass_may_show_the_pass_again_at_once() -> None:
    post = Post()
    post.desk.present(PASS)
    assert post.frame(None) is not None
    post.desk.forget("anna")
    post.desk.present(PASS)
    assert post.frame(None) is not None


def test_two_passes_held_up_together_are_answered_one_after_the_other() -> None:
    post = Post()
    other = PassReading(Method.BADGE, "badge-bela", "bela")
    post.desk.present(PASS)
    post.desk.present(other)
    assert [post.frame(None).reading, post.frame(None).reading] == [PASS, other]
    assert post.frame(None) is None
