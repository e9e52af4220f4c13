from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.engine import FaceEngine
from models.errors import ImageUnusable, UnknownWeight, WeightCorrupt, WeightMissing
from models.face import Image
from models.runtime import RUNTIME_VARIABLE, RuntimeMissing, load_network
from models.zoo import Zoo
from tests.conftest import Weights
from tests.models.pictures import on_canvas

SAME_PERSON = 0.5
STRANGERS = 0.4


def test_the_same_person_scores_high_and_another_low(
    engine: FaceEngine, obama: Image, obama_again: Image, biden: Image
) -> None:
    one, again, other = (engine.faces(image)[0].embedding for image in (obama, obama_again, biden))
    assert one @ again > SAME_PERSON
    assert abs(one @ other) < STRANGERS


def test_an_embedding_is_a_unit_vector_computed_once(engine: FaceEngine, obama: Image) -> None:
    face = engine.faces(obama)[0]
    assert (face.embedding.shape, face.embedding.dtype) == ((128,), np.float32)
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)
    assert face.embedding is face.embedding


def test_many_faces_at_once_give_what_one_by_one_gives(
    engine: FaceEngine, obama: Image, biden: Image
) -> None:
    faces = [engine.faces(image)[0] for image in (obama, biden)] * 10
    together = engine.embed_many(faces)
    assert np.abs(np.stack(together) - [face.embedding for face in faces]).max() < 1e-4


def test_a_template_is_the_same_for_a_face_and_its_mirror_image(engine: FaceEngine, obama: Image) -> None:
    face = engine.faces(obama)[0]
    (template,) = engine.templates([face])
    assert np.linalg.norm(template) == pytest.approx(1, abs=1e-5)
    (mirrored,) = engine.templates(engine.faces(obama[:, ::-1].copy())[:1])
    assert template @ mirrored > face.embedding @ mirrored
    assert template @ mirrored > 0.97


def test_nothing_to_embed_gives_nothing(engine: FaceEngine) -> None:
    assert engine.embed_many([]) == engine.templates([]) == []


def test_the_nearest_face_comes_first(engine: FaceEngine, obama: Image, biden: Image) -> None:
    far = cv2.resize(biden, None, fx=0.3, fy=0.3)
    for near_left in (True, False):
        near = cv2.resize(obama, (far.shape[1] * 2, far.shape[0] * 2))
        pair = (near, far) if near_left else (far, near)
        height = near.shape[0]
        scene = np.hstack([on_canvas(one, width=one.shape[1], height=height) for one in pair])
        faces = engine.faces(scene)
        assert len(faces) == 2
        assert faces[0].box.width > faces[1].box.width


@pytest.mark.parametrize("eye_distance_px", [20, 30])
@pytest.mark.parametrize("position", [(10, 10), (250, 120), (430, 250)])
def test_a_face_with_twenty_pixels_between_the_eyes_is_found_in_a_small_frame(
    engine: FaceEngine, obama: Image, eye_distance_px: int, position: tuple[int, int]
) -> None:
    full = engine.faces(obama)[0]
    scale = eye_distance_px / full.quality.eye_distance_px
    left, top = max(0, int(full.box.x - full.box.width / 2)), max(0, int(full.box.y - full.box.height / 2))
    head = obama[top : int(top + full.box.height * 2), left : int(left + full.box.width * 2)]
    small = cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    scene = on_canvas(small.astype(np.uint8), width=640, height=480, x=position[0], y=position[1])
    (face,) = engine.faces(scene)
    assert face.quality.eye_distance_px == pytest.approx(eye_distance_px, rel=0.15)
    assert face.embedding @ full.embedding > SAME_PERSON


def test_box_and_landmarks_are_in_pixels_of_the_picture_given(engine: FaceEngine, obama: Image) -> None:
    small = engine.faces(obama)[0]
    large = engine.faces(cv2.resize(obama, None, fx=2, fy=2))[0]
    assert large.landmarks == pytest.approx(2 * small.landmarks, abs=0.1 * small.box.width)
    assert large.box.width == pytest.approx(2 * small.box.width, rel=0.15)


def test_an_eight_k_picture_is_reduced_and_its_face_still_found(engine: FaceEngine, obama: Image) -> None:
    scene = on_canvas(cv2.resize(obama, (2400, 2400)), width=7680, height=4320, x=2600, y=900)
    (face,) = engine.faces(scene)
    assert face.embedding @ engine.faces(obama)[0].embedding > 0.8


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 700, 3), (700, 1, 3), (2, 2), (5, 5, 4)])
def test_a_picture_too_small_for_a_face_has_none(engine: FaceEngine, shape: tuple[int, ...]) -> None:
    assert engine.faces(np.zeros(shape, np.uint8)) == []


def test_noise_and_plain_colour_have_no_face(engine: FaceEngine) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    assert engine.faces(noise) == []
    assert engine.faces(np.full((480, 640, 3), 128, np.uint8)) == []


def test_grey_alpha_and_sixteen_bit_frames_show_the_same_person(engine: FaceEngine, obama: Image) -> None:
    colour = engine.faces(obama)[0].embedding
    grey = cv2.cvtColor(obama, cv2.COLOR_BGR2GRAY)
    alpha = cv2.cvtColor(obama, cv2.COLOR_BGR2BGRA)
    deep = obama.astype(np.uint16) * 257
    for image in (grey, alpha, deep):
        assert engine.faces(image)[0].embedding @ colour > 0.8


@pytest.mark.parametrize("image", [np.zeros((0, 0, 3), np.uint8), np.zeros((9, 9, 3), np.float32)])
def test_what_is_no_picture_is_refused(engine: FaceEngine, image: np.ndarray) -> None:
    with pytest.raises(ImageUnusable):
        engine.faces(image)


def test_a_face_does_not_keep_its_frame_alive(engine: FaceEngine, obama: Image) -> None:
    frame = obama.copy()
    face = engine.faces(frame)[0]
    gone = weakref.ref(frame)
    del frame
    gc.collect()
    assert gone() is None
    assert face.embedding.shape == (128,)


def test_lanes_share_one_engine(engine: FaceEngine, obama: Image, biden: Image) -> None:
    expected = {id(image): engine.faces(image)[0].embedding for image in (obama, biden)}
    wrong: list[str] = []

    def lane(image: Image) -> None:
        for size in (1.0, 0.5, 1.0):
            face = engine.faces(cv2.resize(image, None, fx=size, fy=size))[0]
            if face.embedding @ expected[id(image)] < 0.9:
                wrong.append(f"{size}")

    lanes = [threading.Thread(target=lane, args=(image,)) for image in (obama, biden, obama, biden)]
    for one in lanes:
        one.start()
    for one in lanes:
        one.join()
    assert wrong == []


def test_the_dlib_embedder_tells_the_same_people_apart(
    weights: Weights, obama: Image, obama_again: Image, biden: Image
) -> None:
    weights.require("yunet", "dlib_resnet")
    engine = FaceEngine.load(embedder="dlib", zoo=weights.zoo)
    one, again, other = (engine.faces(image)[0].embedding for image in (obama, obama_again, biden))
    assert (engine.embedder_name, one.shape) == ("dlib", (128,))
    assert one @ again > 0.95 > one @ other


def test_faces_of_another_embedder_are_refused(weights: Weights, engine: FaceEngine, obama: Image) -> None:
    weights.require("yunet", "dlib_resnet")
    other = FaceEngine.load(embedder="dlib", zoo=weights.zoo)
    with pytest.raises(ValueError, match="dlib"):
        other.templates(engine.faces(obama))


def test_a_missing_weight_is_named_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(WeightMissing, match="yunet") as caught:
        FaceEngine.load(zoo=Zoo.default(tmp_path))
    assert "fetch" in caught.value.next_step


def test_an_unknown_embedder_is_refused_with_the_choice() -> None:
    with pytest.raises(UnknownWeight) as caught:
        FaceEngine.load(embedder="arcface")
    assert "sface" in caught.value.next_step


class Swapped:
    """A weight folder in which every file is the same garbage."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def path(self, name: str) -> Path:
        del name
        return self.file


def test_a_file_that_is_no_network_is_called_corrupt(tmp_path: Path) -> None:
    file = tmp_path / "weights.onnx"
    file.write_bytes(b"not a network")
    with pytest.raises(WeightCorrupt):
        FaceEngine.load(zoo=Swapped(file))
    with pytest.raises(WeightCorrupt):
        load_network(file, threads=1)


def test_openvino_gives_the_same_embedding(weights: Weights, engine: FaceEngine, obama: Image) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    weights.require("yunet", "sface")
    other = FaceEngine.load(zoo=weights.zoo, runtime="openvino")
    assert engine.faces(obama)[0].embedding @ other.faces(obama)[0].embedding >= 0.999


def test_an_unknown_runtime_is_refused(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    weights.require("yunet", "sface")
    monkeypatch.setenv(RUNTIME_VARIABLE, "tensorrt")
    with pytest.raises(RuntimeMissing, match="tensorrt"):
        FaceEngine.load(zoo=weights.zoo)


@pytest.mark.shared_data
def test_people_at_a_gate_are_found_in_nearly_every_frame(engine: FaceEngine, test_data: Path) -> None:
    frames = found = 0
    for clip in ("again", "bird", "want"):
        video = cv2.VideoCapture(str(test_data / "gate-clips" / f"{clip}.mkv"))
        number = 0
        while True:
            read, frame = video.read()
            if not read:
                break
            number += 1
            if number % 10 == 0:
                frames += 1
                found += bool(engine.faces(frame))
    assert frames > 10
    assert found >= 0.95 * frames
