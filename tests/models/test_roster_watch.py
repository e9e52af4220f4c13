"""The gallery and the threshold follow the roster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from gate.settings import RecognitionSettings
from models.roster_watch import RosterWatch
from sync.records import Template
from tests.gate.faces import blurred, direction


class Shelf:
    """A roster by worker id; as the store shows it."""

    def __init__(self, people: dict[str, NDArray[np.float32]]) -> None:
        self.people = people

    def roster_version(self) -> int:
        return len(self.people)

    def roster_changes(self, since: int) -> Sequence[str] | None:
        return None

    def count_workers(self) -> int:
        return len(self.people)

    def templates(self, worker_id: str) -> Sequence[Template]:
        raise NotImplementedError

    def all_templates(self, model: str, model_version: str) -> tuple[Sequence[str], NDArray[np.float32]]:
        owners = [worker for worker, vectors in self.people.items() for _ in vectors]
        return owners, np.concatenate(list(self.people.values()))


def watch_over(people: dict[str, NDArray[np.float32]]) -> RosterWatch:
    settings = RecognitionSettings(own_roster_from=100)
    watch = RosterWatch(Shelf(people), settings, model="sface", model_version="2021dec.1")
    watch.follow()
    return watch


def test_a_small_roster_uses_the_bundled_calibration_and_states_its_interval() -> None:
    watch = watch_over({f"W{n}": direction(n)[np.newaxis] for n in range(20)})
    assert watch.threshold().source.startswith("bundled calibration, 95 % 0.")


def test_a_large_roster_calibrates_itself() -> None:
    # People who share a little, as faces do: cosines around 0.1 with a tail.
    common = direction(999_999)
    people = {
        f"W{n}": blurred(common, cosine=float(np.random.default_rng(n).uniform(0.1, 0.5)), seed=n)[np.newaxis]
        for n in range(300)
    }
    watch = watch_over(people)
    assert watch.threshold().source.startswith("own roster of 300")


def test_a_roster_that_cannot_calibrate_keeps_the_bundled_one_and_is_not_asked_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    same = direction(5)[np.newaxis]
    watch = watch_over({f"W{n}": same if n % 2 else direction(n)[np.newaxis] for n in range(400)})
    before = watch.threshold()
    assert "the roster cannot calibrate" in caplog.text
    caplog.clear()
    watch.follow()
    assert caplog.text == ""
    assert watch.threshold() == before
    assert before.source.startswith("bundled calibration")
