"""One worker's way through a course: a state machine. What happened comes in, state and record come out.

Nothing can be skipped: a page gives way only after its own seconds, the questions come only after every
page and the course's minimum, and seconds count only between two sights of the right face. The whole state
can be written down after every step and taken up again after a power cut.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import uuid4

from pydantic import AwareDatetime, Field

from sync.records import Identifier, Name, Record
from sync.training.course import Course, Question
from sync.training.errors import Refusal, SessionStale, StepRefused
from sync.training.record import (
    Check,
    CheckKind,
    GivenAnswer,
    Interruption,
    Result,
    TrainingRecord,
)
from sync.training.watch import KIOSK, SERIOUS, Observation, Sight, Vote, Watch, WatchLimits, scores_of

CHECK_VOTES = 3
"""Sights of the learner that make a check of the face a passed one; it fails when the watch loses them."""

MAX_LISTED = 500
"""Checks and interruptions that a record lists; a course with more has other problems."""

BY_HAND, POWER, CLASS_OVER = "by_hand", "power", "class_over"
HELD = frozenset({BY_HAND, POWER, CLASS_OVER})
"""Reasons for a pause that do not come from the picture: somebody has to say go on."""

_MILD = frozenset({Sight.NOBODY.value, Sight.UNCLEAR.value})
"""Pauses that give way to a worse finding, so that it goes on the record too."""


class Phase(StrEnum):
    """Where the learner is."""

    PAGES = "pages"
    QUESTIONS = "questions"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Moment:
    """`now` for the record, `at_s` (monotonic seconds) for measuring."""

    now: datetime
    at_s: float


class SessionState(Record):
    """Everything that must survive a power cut."""

    session_id: Identifier = Field(default_factory=lambda: uuid4().hex)
    course_id: Identifier
    course_sha256: str
    worker_id: Identifier
    worker_name: Name
    how: Literal["kiosk", "phone"] = "kiosk"
    group: bool = False
    seed: int
    started_at: AwareDatetime
    last_at: AwareDatetime
    phase: Phase = Phase.PAGES
    page: int = Field(default=0, ge=0)
    page_seconds: tuple[float, ...]
    next_check_s: float
    checks_drawn: int = 0
    pause: str = ""
    liveness: Literal["checked", "not_checked"] = "not_checked"
    checks: tuple[Check, ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    answers: tuple[GivenAnswer, ...] = ()
    result: Result | None = None

    @property
    def seconds_seen(self) -> float:
        return sum(self.page_seconds)


class TrainingSession:
    """Drives one `SessionState`; make one with `begin` or `resume`.

    `tick` takes what the camera saw, several times a second; everything else is a step of the learner's and
    raises StepRefused where it is not possible now.
    """

    def __init__(self, course: Course, state: SessionState, limits: WatchLimits) -> None:
        if state.course_sha256 != course.sha256:
            raise SessionStale(
                f"the session belongs to another version of the course {course.manifest.id}",
                next_step="begin the course again",
            )
        self.course = course
        self.state = state
        self._watch = Watch(limits)
        self._limits = limits
        self._same_s: float | None = None
        self._check: tuple[CheckKind, list[Vote]] | None = None

    @classmethod
    def begin(
        cls,
        course: Course,
        *,
        worker_id: str,
        worker_name: str,
        seed: int,
        moment: Moment,
        login_score: float | None,
        group: bool = False,
        how: Literal["kiosk", "phone"] = "kiosk",
        limits: WatchLimits = KIOSK,
    ) -> TrainingSession:
        """A new session, just after the face at the screen was recognised with `login_score`."""
        low, _ = course.manifest.check_every_s
        state = SessionState(
            course_id=course.manifest.id,
            course_sha256=course.sha256,
            worker_id=worker_id,
            worker_name=worker_name,
            how=how,
            group=group,
            seed=seed,
            started_at=moment.now,
            last_at=moment.now,
            page_seconds=(0.0,) * len(course.manifest.pages),
            next_check_s=float(low),
            checks=(Check(kind=CheckKind.LOGIN, at=moment.now, passed=True, score=login_score),),
        )
        session = cls(course, state, limits)
        session._watch.trust(moment.at_s)
        session._draw_next_check()
        return session

    @classmethod
    def resume(
        cls, course: Course, state: SessionState, *, moment: Moment, limits: WatchLimits = KIOSK
    ) -> TrainingSession:
        """Take up a kept session: it is paused until the learner is seen again and says go on.

        Raises SessionStale when the course has changed.
        """
        session = cls(course, state, limits)
        if state.phase is not Phase.OVER and state.pause not in HELD:
            # Whatever was seen last is old: the gap itself is what goes on the record.
            session._end_interruption(state.last_at)
            session._interrupt(POWER, state.last_at, None)
        return session

    # --- What screens ask ---------------------------------------------------------------------------------

    @property
    def verified(self) -> bool:
        """Whether the right person is before the screen now."""
        return self._watch.verified

    @property
    def running(self) -> bool:
        """Neither paused nor over, and the learner is there."""
        return self.state.phase is not Phase.OVER and not self.state.pause and self.verified

    @property
    def question(self) -> Question | None:
        """The one to be answered now."""
        if self.state.phase is not Phase.QUESTIONS:
            return None
        return self.course.manifest.questions[len(self.state.answers)]

    def page_left_s(self, number: int | None = None) -> float:
        """Seconds that a page still needs; of the current one by default."""
        page = self.state.page if number is None else number
        return max(0.0, self.course.manifest.pages[page].min_seconds - self.state.page_seconds[page])

    def course_left_s(self) -> float:
        """Seconds missing for the course's own minimum, beyond those the pages still need."""
        return max(0.0, self.course.manifest.min_seconds - self.state.seconds_seen)

    # --- What happens -------------------------------------------------------------------------------------

    def tick(self, moment: Moment, observation: Observation | None) -> None:
        """One look of the camera; None: it gave no picture. Counts seconds, pauses, lets go on."""
        if self.state.phase is Phase.OVER:
            return
        self._set(last_at=max(moment.now, self.state.last_at))
        before = self._watch.verified
        vote = self._watch.see(observation, moment.at_s)
        lost = self._watch.judge(moment.at_s)
        if observation is not None and any(face.live is not None for face in observation.faces):
            self._set(liveness="checked")
        if lost is not None:
            self._same_s = None
            self._pause_for(lost, moment)
            return
        if not before:
            self._came_back(moment)
        if self.state.pause in HELD:
            self._same_s = None
            return
        if vote is not None and vote.sight is Sight.SAME:
            self._count(moment.at_s)
        if vote is not None:
            self._feed_check(vote, moment)

    def next_page(self, moment: Moment) -> None:
        """Go on; after the last page to the questions, or to the end where there are none."""
        self._require_running()
        if self.state.phase is not Phase.PAGES:
            raise StepRefused(Refusal.NOT_THE_TURN, "the pages are over")
        if self.page_left_s() > 0:
            raise StepRefused(Refusal.TOO_EARLY, f"{self.page_left_s():.0f} s of this page are left")
        if self.state.page + 1 < len(self.course.manifest.pages):
            self._turn_to(self.state.page + 1)
            return
        if (missing := self.first_unseen_page()) is not None:
            self._turn_to(missing)
            return
        if self.course_left_s() > 0:
            raise StepRefused(Refusal.TOO_EARLY, f"{self.course_left_s():.0f} s of the course are left")
        if self.course.manifest.questions:
            self._set(phase=Phase.QUESTIONS)
        else:
            self._finish(moment)

    def previous_page(self) -> None:
        """Look at an earlier page again."""
        self._require_running()
        if self.state.phase is not Phase.PAGES or self.state.page == 0:
            raise StepRefused(Refusal.NOT_THE_TURN, "there is no earlier page")
        self._turn_to(self.state.page - 1)

    def follow(self, page: int) -> None:
        """In a class the page is turned for everybody; whoever misses seconds sees it again alone."""
        if self.state.phase is Phase.PAGES:
            self._turn_to(page)

    def leave_class(self, moment: Moment) -> None:
        """The class is over: it goes on alone, with the first page that lacks seconds, or the questions."""
        if self.state.phase is not Phase.PAGES:
            return
        missing = self.first_unseen_page()
        self._turn_to(len(self.course.manifest.pages) - 1 if missing is None else missing)
        self._end_interruption(moment.now)
        self._interrupt(CLASS_OVER, moment.now, None)
        self._watch.forget(moment.at_s)

    def first_unseen_page(self) -> int | None:
        """The first page that lacks seconds."""
        return next((n for n in range(len(self.course.manifest.pages)) if self.page_left_s(n) > 0), None)

    def answer(self, question_id: str, chosen: Collection[int], moment: Moment) -> bool:
        """Answer the current question, once and for all; returns whether it was right."""
        self._require_running()
        question = self.question
        if question is None or question.id != question_id:
            raise StepRefused(Refusal.NOT_THE_TURN, f"{question_id} is not the question that is asked now")
        picked = frozenset(chosen)
        single = question.kind.value == "single"
        if not picked or not picked <= set(range(len(question.options))) or (single and len(picked) > 1):
            raise StepRefused(Refusal.BAD_ANSWER, "choose one of the options")
        right = question.is_right(picked)
        given = GivenAnswer(question_id=question_id, chosen=tuple(sorted(picked)), right=right)
        self._set(answers=(*self.state.answers, given))
        if len(self.state.answers) == len(self.course.manifest.questions):
            self._finish(moment)
        return right

    def pause(self, moment: Moment) -> None:
        """The learner needs a break."""
        if self.state.phase is Phase.OVER:
            raise StepRefused(Refusal.OVER, "the session is over")
        self._end_interruption(moment.now)
        self._interrupt(BY_HAND, moment.now, None)
        self._watch.forget(moment.at_s)
        self._same_s = None

    def recognised(self, moment: Moment, score: float | None) -> None:
        """The learner logged in again by face: the session goes on at once."""
        if self.state.phase is Phase.OVER:
            raise StepRefused(Refusal.OVER, "the session is over")
        self._note_check(CheckKind.LOGIN, moment, passed=True, score=score)
        self._end_interruption(moment.now)
        self._watch.trust(moment.at_s)
        self._same_s = None

    def go_on(self, moment: Moment) -> None:
        """After a break or a power cut; refused until the learner is seen."""
        if self.state.phase is Phase.OVER:
            raise StepRefused(Refusal.OVER, "the session is over")
        if not self.verified:
            raise StepRefused(Refusal.NOT_VERIFIED, "the learner is not before the screen")
        self._end_interruption(moment.now)

    def abandon(self, moment: Moment) -> None:
        """Ended before the end; goes on the record as such."""
        if self.state.phase is Phase.OVER:
            raise StepRefused(Refusal.OVER, "the session is over")
        self._end_interruption(moment.now)
        self._set(phase=Phase.OVER, result=Result.ABANDONED, last_at=max(moment.now, self.state.last_at))

    def record(self, *, site_id: str, kiosk_id: str, place: str = "") -> TrainingRecord:
        """What goes into the books. Raises StepRefused before the end."""
        state, manifest = self.state, self.course.manifest
        if state.result is None:
            raise StepRefused(Refusal.NOT_THE_TURN, "the session is not over")
        passed = state.result is Result.PASSED
        lasted_s = (state.last_at - state.started_at).total_seconds()
        return TrainingRecord(
            record_id=state.session_id,
            worker_id=state.worker_id,
            worker_name=state.worker_name,
            site_id=site_id,
            kiosk_id=kiosk_id,
            place=place,
            how=state.how,
            group=state.group,
            course_id=manifest.id,
            course_version=manifest.version,
            course_sha256=self.course.sha256,
            course_title_zh=manifest.title.zh,
            course_title_en=manifest.title.en,
            kind=manifest.kind,
            language=manifest.language,
            started_at=state.started_at,
            ended_at=state.last_at,
            # The wall clock may have been set back meanwhile: it bounds what can be claimed.
            seconds_seen=min(state.seconds_seen, lasted_s),
            seconds_required=manifest.min_seconds,
            checks=state.checks,
            interruptions=state.interruptions,
            answers=state.answers,
            score_percent=self._score(),
            pass_mark=manifest.pass_mark,
            liveness=state.liveness,
            result=state.result,
            valid_from=state.last_at if passed else None,
            valid_until=state.last_at + timedelta(days=manifest.validity_days) if passed else None,
        )

    # --- Inside -------------------------------------------------------------------------------------------

    def _set(self, **changes: object) -> None:
        self.state = self.state.model_copy(update=changes)

    def _require_running(self) -> None:
        if self.state.phase is Phase.OVER:
            raise StepRefused(Refusal.OVER, "the session is over")
        if self.state.pause:
            raise StepRefused(Refusal.PAUSED, f"the session is paused: {self.state.pause}")
        if not self.verified:
            raise StepRefused(Refusal.NOT_VERIFIED, "the learner is not before the screen")

    def _turn_to(self, page: int) -> None:
        if page != self.state.page:
            self._same_s = None
        self._set(page=page)

    def _count(self, at_s: float) -> None:
        """The time since the last sight of the learner counts, when that was a moment ago."""
        gap_s = 0.0 if self._same_s is None else at_s - self._same_s
        self._same_s = at_s
        if self.state.phase is Phase.PAGES and 0 < gap_s <= self._limits.credit_gap_s:
            seconds = list(self.state.page_seconds)
            seconds[self.state.page] += gap_s
            self._set(page_seconds=tuple(seconds))

    def _pause_for(self, lost: tuple[Sight, float | None], moment: Moment) -> None:
        reason, score = lost
        if self._check is not None:
            kind, votes = self._check
            self._note_check(kind, moment, passed=False, score=scores_of(votes) or score, saw=reason.value)
            self._check = None
        if self.state.pause in _MILD and reason in SERIOUS:
            self._end_interruption(moment.now)
        if not self.state.pause:
            self._interrupt(reason.value, moment.now, score)

    def _came_back(self, moment: Moment) -> None:
        """The learner is before the screen (again): a pause that the picture made is over."""
        if self.state.pause and self.state.pause not in HELD:
            self._end_interruption(moment.now)
        self._check = (CheckKind.RETURNED, [])

    def _feed_check(self, vote: Vote, moment: Moment) -> None:
        if self._check is None and self.state.seconds_seen >= self.state.next_check_s:
            self._check = (CheckKind.RANDOM, [])
        if self._check is None:
            return
        kind, votes = self._check
        votes.append(vote)
        if sum(one.sight is Sight.SAME for one in votes) < CHECK_VOTES:
            return
        self._note_check(kind, moment, passed=True, score=scores_of(votes))
        self._check = None
        if kind is CheckKind.RANDOM:
            self._draw_next_check()

    def _note_check(
        self, kind: CheckKind, moment: Moment, *, passed: bool, score: float | None, saw: str = ""
    ) -> None:
        if len(self.state.checks) < MAX_LISTED:
            check = Check(kind=kind, at=moment.now, passed=passed, score=score, saw=saw)
            self._set(checks=(*self.state.checks, check))

    def _draw_next_check(self) -> None:
        """The moments follow from the seed and their count: a power cut does not draw them anew."""
        drawn = self.state.checks_drawn
        low, high = self.course.manifest.check_every_s
        wait_s = random.Random(f"{self.state.seed} {drawn}").uniform(low, high)  # noqa: S311 (no secret)
        self._set(next_check_s=self.state.seconds_seen + wait_s, checks_drawn=drawn + 1)

    def _interrupt(self, reason: str, at: datetime, score: float | None) -> None:
        self._set(pause=reason)
        if len(self.state.interruptions) < MAX_LISTED:
            one = Interruption(reason=reason, at=at, score=score, page=self.state.page)
            self._set(interruptions=(*self.state.interruptions, one))

    def _end_interruption(self, at: datetime) -> None:
        self._set(pause="")
        if self.state.interruptions and self.state.interruptions[-1].until is None:
            *earlier, last = self.state.interruptions
            self._set(interruptions=(*earlier, last.model_copy(update={"until": max(at, last.at)})))

    def _score(self) -> int | None:
        total = len(self.course.manifest.questions)
        if not total:
            return None
        return 100 * sum(one.right for one in self.state.answers) // total

    def _finish(self, moment: Moment) -> None:
        score = self._score()
        passed = score is None or score >= self.course.manifest.pass_mark
        self._set(
            phase=Phase.OVER,
            result=Result.PASSED if passed else Result.FAILED,
            last_at=max(moment.now, self.state.last_at),
        )
