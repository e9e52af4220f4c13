"""Real clips of real people: a swap is noticed, the right person is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from enroll.bench.training_part import measure_training
from models.engine import FaceEngine
from tests.models.pictures import engine

__all__ = ["engine"]


@pytest.mark.slow
@pytest.mark.shared_data
def test_every_swap_is_noticed_within_three_seconds_and_nobody_is_paused_in_vain(
    test_data: Path, engine: FaceEngine
) -> None:
    clips = test_data / "gate-clips"
    measured = measure_training(clips, clips / "identities.csv", engine=engine)
    assert measured.people == 5
    assert measured.noticed == measured.swaps == 56
    assert measured.false_pauses == 0
    assert measured.not_counted_share < 0.05
