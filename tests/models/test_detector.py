from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.detector import MAX_FACES, MIN_SCORE, NMS_IOU, Detector, reduction
from models.errors import WeightCorrupt
from models.face import Image
from models.images import decode
from tests.conftest import Weights


@pytest.fixture(scope="module")
def detector(weights: Weights) -> Detector:
    return Detector(weights.path("yunet"), threads=1)


def opencv_rows(model: Path, image: Image) -> NDArray[np.float32]:
    size = (image.shape[1], image.shape[0])
    yunet = cv2.FaceDetectorYN.create(str(model), "", size, MIN_SCORE, NMS_IOU, 5_000)
    return np.asarray(yunet.detect(image)[1], np.float32)


@pytest.mark.parametrize("name", ["obama", "biden", "group", "astronaut"])
@pytest.mark.parametrize("long_side_px", [319, 320, 601])
def test_the_same_faces_are_found_as_opencv_finds(
    name: str, long_side_px: int, detector: Detector, weights: Weights
) -> None:
    photo = decode(weights.path(name))
    scale = long_side_px / max(photo.shape[:2])
    image = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    expected = opencv_rows(weights.path("yunet"), image)
    found = detector._rows(image)
    assert len(found) == len(expected)
    order, wanted = np.argsort(found[:, 0]), np.argsort(expected[:, 0])
    assert found[order] == pytest.approx(expected[wanted], abs=0.05)


def test_the_best_face_comes_with_its_score(detector: Detector, weights: Weights) -> None:
    found = detector.detect(decode(weights.path("group")))
    assert 1 < len(found) <= MAX_FACES
    assert all(MIN_SCORE <= one.score <= 1 for one in found)


def test_landmarks_on_a_close_up_stay_on_the_face(detector: Detector, weights: Weights) -> None:
    image = decode(weights.path("group"))
    for one in detector.detect(image):
        again = detector.refine(image, one)
        assert again.box == one.box
        assert np.abs(again.landmarks - one.landmarks).max() < 0.25 * one.box.width


@pytest.mark.parametrize(
    ("width", "height", "reduced_px"),
    [(250, 250, 250), (640, 480, 320), (640, 360, 320), (1280, 720, 640), (7680, 4320, 640), (360, 640, 320)],
)
def test_pictures_are_halved_but_never_below_what_small_faces_need(
    width: int, height: int, reduced_px: int
) -> None:
    assert max(width, height) * reduction(width, height) == pytest.approx(reduced_px)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x08\x07"])
def test_a_file_that_is_not_yunet_is_called_corrupt(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "yunet.onnx"
    file.write_bytes(content)
    with pytest.raises(WeightCorrupt) as caught:
        Detector(file, threads=1)
    assert "fetch" in caught.value.next_step


def test_another_network_is_called_corrupt(weights: Weights) -> None:
    with pytest.raises(WeightCorrupt, match="cls_8"):
        Detector(weights.path("sface"), threads=1)
