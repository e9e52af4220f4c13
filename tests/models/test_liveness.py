from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.engine import FaceEngine
from models.errors import WeightCorrupt, WeightMissing
from models.face import Box
from models.images import decode
from models.liveness import MiniFasNet, load_liveness, surroundings
from models.zoo import Zoo

LIVE = 0.6


@pytest.fixture(scope="module")
def liveness(test_data: Path) -> MiniFasNet:
    folder = test_data / "pad"
    return MiniFasNet.from_files(
        folder / "2.7_80x80_MiniFASNetV2.onnx", folder / "4_0_0_80x80_MiniFASNetV1SE.onnx"
    )


@pytest.mark.shared_data
@pytest.mark.parametrize(("photo", "live"), [("image_T1", True), ("image_F1", False), ("image_F2", False)])
def test_a_living_face_scores_above_the_limit_and_an_attack_below(
    photo: str, live: bool, liveness: MiniFasNet, engine: FaceEngine, test_data: Path
) -> None:
    image = decode(test_data / "pad" / f"{photo}.jpg")
    score = liveness.score(image, engine.faces(image)[0])
    assert 0 <= score <= 1
    assert (score >= LIVE) is live


def test_absent_weights_say_so(tmp_path: Path) -> None:
    with pytest.raises(WeightMissing, match="minifasnet"):
        load_liveness(Zoo.default(tmp_path))


def test_a_swapped_file_is_called_corrupt(tmp_path: Path) -> None:
    file = tmp_path / "x.onnx"
    file.write_bytes(b"\0" * 100)
    with pytest.raises(WeightCorrupt):
        MiniFasNet.from_files(file, file)


@pytest.mark.parametrize(
    "box", [Box(-30, -20, 60, 80), Box(90, 90, 60, 80), Box(0, 0, 300, 300), Box(50, 50, 0.2, 0.2)]
)
def test_surroundings_stay_inside_the_picture(box: Box) -> None:
    image = np.full((120, 110, 3), 7, np.uint8)
    for scale in (2.7, 4.0):
        crop = surroundings(image, box, scale)
        assert crop.shape == (80, 80, 3)
        assert (crop == 7).all()
