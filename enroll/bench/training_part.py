"""How soon a lesson notices that somebody else sits down, and how often it pauses the right person in vain.

Each person of real clips learns in turn, enrolled from their first clip. Their other clips play before a
session, at the rate at which the kiosk looks; then every clip of everybody else takes their place (a swap),
and, apart from that, their own clips go round for minutes (false pauses).
"""

from __future__ import annotations

import csv
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

from enroll.errors import EnrollError
from enroll.photos import templates_of
from enroll.training_faces import Eyes
from models.clock import SystemClock
from models.engine import FaceEngine
from models.face import Face, Image
from models.liveness import LivenessModel
from models.quality import QualityLimits, advise
from models.sources.opening import open_source
from models.sources.settings import SourceSettings
from models.template_choice import choose_templates
from sync.backoff import Backoff
from sync.records import Template
from sync.training.course import Course, Manifest, Page, Said, SaidAtLength
from sync.training.session import Moment, TrainingSession
from sync.training.watch import Observation

LOOK_EVERY_S = 0.25
"""As the training page does."""

BEFORE_SWAP_S = 6.0
AFTER_SWAP_S = 6.0
SAME_PERSON_S = 120.0
NOTICED_WITHIN_S = 3.0
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TrainingMeasured:
    """swaps: tried; noticed: within NOTICED_WITHIN_S; seconds over all that were noticed at all.

    false_pauses        of the right person, in `same_person_s` seconds altogether
    not_counted_share   of those seconds that did not count as seen
    """

    people: int
    swaps: int
    noticed: int
    never_noticed: int
    noticed_p50_s: float
    noticed_max_s: float
    same_person_s: float
    false_pauses: int
    not_counted_share: float
    liveness: bool


_Look = tuple[Image, list[Face]]


def measure_training(
    clips: Path, identities: Path, *, engine: FaceEngine, liveness: LivenessModel | None = None
) -> TrainingMeasured:
    """Over the clips that `identities` (CSV: clip, person) names. Raises EnrollError."""
    of_person = _read(clips, identities)
    looks = {name: _looks(clips / name, engine) for names in of_person.values() for name in names}
    delays: list[float | None] = []
    false_pauses, lasted_s, counted_s = 0, 0.0, 0.0
    for learner, (first, *own) in of_person.items():
        templates = _templates(learner, looks[first], engine)
        seen = {name: _observed(learner, templates, found, engine, liveness) for name, found in looks.items()}
        for other, names in of_person.items():
            if other != learner:
                delays += [_swap([seen[one] for one in own], seen[name]) for name in names]
        pauses, seconds = _same([seen[one] for one in own])
        false_pauses += pauses
        lasted_s += SAME_PERSON_S
        counted_s += seconds
    noticed = [delay for delay in delays if delay is not None]
    return TrainingMeasured(
        people=len(of_person),
        swaps=len(delays),
        noticed=sum(delay <= NOTICED_WITHIN_S for delay in noticed),
        never_noticed=len(delays) - len(noticed),
        noticed_p50_s=statistics.median(noticed) if noticed else float("nan"),
        noticed_max_s=max(noticed, default=float("nan")),
        same_person_s=lasted_s,
        false_pauses=false_pauses,
        not_counted_share=1 - counted_s / lasted_s,
        liveness=liveness is not None,
    )


class _Seat:
    """A session and a clock before it."""

    def __init__(self) -> None:
        self.at_s = 0.0
        self.session = TrainingSession.begin(
            _COURSE, worker_id="learner", worker_name="learner", seed=1, moment=self.moment, login_score=None
        )

    @property
    def moment(self) -> Moment:
        return Moment(_START + timedelta(seconds=self.at_s), self.at_s)

    def see(self, observation: Observation) -> None:
        self.at_s += LOOK_EVERY_S
        self.session.tick(self.moment, observation)


def _swap(own: Sequence[Sequence[Observation]], other: Sequence[Observation]) -> float | None:
    """Seconds from the first look at the other person to the pause; None: never."""
    seat = _Seat()
    _play(seat, own, BEFORE_SWAP_S)
    if seat.session.state.pause:
        return None
    swapped_s = seat.at_s
    for observation, _ in zip(cycle(other), range(round(AFTER_SWAP_S / LOOK_EVERY_S)), strict=False):
        seat.see(observation)
        if seat.session.state.pause:
            return seat.at_s - swapped_s
    return None


def _same(own: Sequence[Sequence[Observation]]) -> tuple[int, float]:
    """Pauses and counted seconds of the right person."""
    seat = _Seat()
    _play(seat, own, SAME_PERSON_S)
    return len(seat.session.state.interruptions), seat.session.state.seconds_seen


def _play(seat: _Seat, clips: Sequence[Sequence[Observation]], seconds: float) -> None:
    round_and_round = cycle([one for clip in clips for one in clip])
    for _ in range(round(seconds / LOOK_EVERY_S)):
        seat.see(next(round_and_round))


def _observed(
    learner: str,
    templates: Sequence[Template],
    looks: Sequence[_Look],
    engine: FaceEngine,
    liveness: LivenessModel | None,
) -> list[Observation]:
    eyes = Eyes({learner: templates}, model=engine.embedder_name, limits=QualityLimits(), liveness=liveness)
    return [
        eyes.observe(image, faces, number * LOOK_EVERY_S)[learner]
        for number, (image, faces) in enumerate(looks)
    ]


def _looks(clip: Path, engine: FaceEngine) -> list[_Look]:
    """What the kiosk would see of a clip: one frame every LOOK_EVERY_S."""
    source = open_source(
        SourceSettings(kind="video", path=clip, pace="fast"), clock=SystemClock(), waits=Backoff
    )
    source.start()
    found: list[_Look] = []
    due_s = None
    while (frame := source.next_frame(1.0)) is not None:
        if due_s is None or frame.captured_s >= due_s:
            due_s = frame.captured_s + LOOK_EVERY_S
            found.append((frame.image, engine.faces(frame.image)))
    source.stop()
    if not found:
        raise EnrollError(f"{clip} has no frame", next_step="Give clips that OpenCV can read.")
    return found


def _templates(learner: str, looks: Sequence[_Look], engine: FaceEngine) -> list[Template]:
    good = [faces[0] for _, faces in looks if faces and advise(faces[0].quality, QualityLimits()) is None]
    chosen = choose_templates(good)
    if not chosen:
        raise EnrollError(f"no usable face of person {learner}", next_step="Give clearer clips.")
    return templates_of(chosen, worker_id=learner, engine=engine, source="clip", now=_START)


def _read(folder: Path, path: Path) -> dict[str, list[str]]:
    """Clips by person; of each at least two are needed, one to enrol from and one to play."""
    of_person: dict[str, list[str]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if not (folder / row["clip"]).is_file():
                raise EnrollError(f"{path}: {row['clip']} is not in {folder}", next_step="Correct the CSV.")
            of_person[row["person"]].append(row["clip"])
    return {person: sorted(names) for person, names in sorted(of_person.items()) if len(names) > 1}


_COURSE = Course(
    Path(),
    Manifest(
        id="bench",
        version="1",
        title=Said(zh="测量"),
        validity_days=1,
        pass_mark=1,
        min_seconds=1,
        check_every_s=(5, 15),
        pages=(Page(title=Said(zh="测量"), min_seconds=7200, text=SaidAtLength(zh="测量")),),
    ),
    "0" * 64,
)
