"""The demonstration, as a newcomer runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models.zoo import Zoo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
LIMIT_S = 840
PICTURE_MAX_BYTES = 200_000


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
        the_day_was_played(done.stdout, tmp_path / "var/demo/shots")
    else:
        assert "without a browser the day at the site is skipped" in done.stdout
    for reason in ("not_registered", "flag_block", "training_expired"):
        assert reason in done.stdout


def the_day_was_played(printed: str, shots: Path) -> None:
    """Every act left its line, the figures are those of the acts, and every page its picture."""
    for act in (
        "three workers declared on a phone: two of one bus, one with a fever",
        "示例甲 is on it, and flagged at the gate",
        "whose bus 示例乙 and 示例丙 shared: contacts confirmed, both passes red at the gate",
        "the gate: 示例甲 deny flag_block: “请止步 Please stop 请联系门卫",
        "the gate: 示例乙 deny pass_red: “请止步 Please stop 通行证待核实",
        "alert closed after 3 measures: disinfected, isolated, sent to test",
        "the dashboard shows the figures: Declared 3 / 5",
    ):
        assert act in printed, act
    pictures = {path.stem: path.stat().st_size for path in shots.glob("*.png")}
    for page in ("declare", "match", "case", "gate-pass", "alert-closed", "person", "dashboard"):
        assert 0 < pictures[page] < PICTURE_MAX_BYTES, page
