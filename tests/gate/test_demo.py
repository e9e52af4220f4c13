"""The demonstration, as a newcomer runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models.zoo import Zoo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
LIMIT_S = 840


def test_one_round_of_the_demo_decides_everything_rightly_and_loses_nothing(
    tmp_path: Path, weights: Zoo
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gate.cli", "demo", "--once"],
        cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every decision was right" in done.stdout
    assert "5 of 5 events at the centre, each once" in done.stdout
    if "nobody is registered through the kiosk's pages" not in done.stdout:
        assert "course 进场安全教育: passed" in done.stdout
        assert "gate-1 一号门 人脸特征 · templates ✓" in done.stdout
        assert "A, who took the consent back" in done.stdout
    for reason in ("not_registered", "flag_block", "training_expired"):
        assert reason in done.stdout
