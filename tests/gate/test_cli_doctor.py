"""`sitegate doctor`: one line a part, exit 1 when something fails."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from gate.cli.doctor import doctor

app = typer.Typer()
app.command()(doctor)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures/1.png"), np.full((120, 160, 3), 90, np.uint8))
    path = tmp_path / "config.yaml"
    path.write_text(
        "recognition: {weights_dir: weights}\n"
        "lanes: [{source: {kind: folder, path: pictures, pace: fast}}]\n"
        "screen: {port: 0}\nmetrics: {port: 0}\nstore: {min_free_mb: 1}\n",
        encoding="utf-8",
    )
    return path


def test_every_part_is_a_line_and_every_ailing_part_says_what_to_do(config: Path) -> None:
    result = CliRunner().invoke(app, ["--config", str(config)])
    assert result.exit_code == 1  # no weights in the empty folder
    lines = result.output.splitlines()
    assert "ok    lane-1 camera: folder, 160x120" in lines
    failing = next(number for number, line in enumerate(lines) if line.startswith("FAIL  weights yunet"))
    assert lines[failing + 1] == "      -> Run sitegate models fetch yunet"


def test_the_json_report_has_the_same_parts(config: Path) -> None:
    result = CliRunner().invoke(app, ["--config", str(config), "--json"])
    assert result.exit_code == 1
    parts = {check["part"]: check["condition"] for check in json.loads(result.stdout)}
    assert parts["lane-1 camera"] == "ok"
    assert parts["weights sface"] == "fail"
