from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gate.bench.photos import PhotosMissing, embed_photos, photo_files, with_engine
from gate.bench.yardstick import as_dot_products
from gate.cli import app
from models.calibration import ImpostorTail
from models.engine import FaceEngine
from tests.conftest import Weights


@pytest.fixture(scope="module")
def few_people(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten people with photos to spare and thirty strangers out of the shared photos, by link."""
    folder = tmp_path_factory.mktemp("people")
    chosen = {"known": 10, "stranger": 30}
    for person in sorted((test_data / "lfw-dev").iterdir()):
        count = len(list(person.glob("*.jpg")))
        kind = "stranger" if count == 1 else "known" if count in (3, 4) else ""
        if chosen.get(kind, 0):
            chosen[kind] -= 1
            (folder / person.name).symlink_to(person)
    return folder


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, ["bench", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.shared_data
@pytest.mark.slow
def test_identify_prints_a_table_and_writes_figures_and_plot(
    few_people: Path, tmp_path: Path, weights: Weights
) -> None:
    weights.require("yunet", "sface")
    shown = run("identify", "--photos", few_people, "--templates", 2, "--out", tmp_path)
    assert "rank-1" in shown
    (run_figures,) = json.loads((tmp_path / "identify-sface-2.json").read_text())["runs"]
    assert (run_figures["enrolled"], run_figures["strangers"]) == (10, 30)
    assert run_figures["rank1"]["value"] > 0.9
    assert run_figures["points"][-1]["target_fpir"] is None
    assert (tmp_path / "identify-2.png").stat().st_size > 5_000


@pytest.mark.shared_data
@pytest.mark.slow
def test_calibrate_writes_what_the_gate_reads(few_people: Path, tmp_path: Path, weights: Weights) -> None:
    weights.require("yunet", "sface")
    file = tmp_path / "sface.json"
    shown = run("calibrate", "--photos", few_people, "--out", file, "--source", "forty people")
    tail = ImpostorTail.from_json(file.read_text())
    assert (tail.n_people, tail.source) == (40, "forty people")
    assert 0.2 < tail.threshold(100, 0.01) < 0.9
    assert "40 people" in shown


def test_a_folder_without_people_is_refused_with_the_next_step(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(PhotosMissing) as caught:
            photo_files(folder)
        assert "subfolder" in caught.value.next_step


def test_photos_without_a_face_and_files_that_are_no_photo_are_counted(
    tmp_path: Path, weights: Weights
) -> None:
    weights.require("yunet", "sface", "obama")
    for person in ("known", "blank", "broken"):
        (tmp_path / person).mkdir()
    (tmp_path / "known" / "1.jpg").write_bytes(weights.path("obama").read_bytes())
    (tmp_path / "broken" / "1.jpg").write_bytes(b"no photo")
    (tmp_path / "blank" / "notes.txt").write_text("not looked at")
    engine = FaceEngine.load(zoo=weights.zoo)
    embedded = embed_photos(photo_files(tmp_path), with_engine(engine), what="test")
    assert embedded.names == ("known",)
    assert (embedded.total, [path.parent.name for path, _ in embedded.failures]) == (2, ["broken"])


def test_the_yardsticks_score_is_minus_the_squared_distance() -> None:
    one, other = np.random.default_rng(0).normal(size=(2, 128))
    probe, template = as_dot_products(one)[0], as_dot_products(other)[1]
    assert float(probe @ template) == pytest.approx(-float(((one - other) ** 2).sum()), rel=1e-4)
