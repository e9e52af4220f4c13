"""The demonstration, as a newcomer runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models.zoo import Zoo

pytestmark = pytest.mark.slow


def test_one_round_of_the_demo_decides_everything_rightly_and_loses_nothing(
    tmp_path: Path, weights: Zoo
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gate.cli", "demo", "--once"],
        cwd=tmp_path, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every decision was right" in done.stdout
    assert "5 of 5 events at the centre, each once" in done.stdout
    for reason in ("not_registered", "flag_block", "training_expired"):
        assert reason in done.stdout
