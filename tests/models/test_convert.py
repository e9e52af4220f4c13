"""Parity of the converted networks with the ones they were made from, on real faces."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from models.convert import convert, dlib_resnet, sface
from models.errors import UnknownWeight, WeightCorrupt
from tests.conftest import Weights

PORTRAITS = ("obama", "obama2", "biden", "astronaut")

Picture = NDArray[np.uint8]


def _run(network: Path | bytes, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3  # the published file has constants that nothing uses
    model = network if isinstance(network, bytes) else str(network)
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    result: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: batch})[0]
    return result


def _batch(pictures_rgb: list[Picture]) -> NDArray[np.float32]:
    return np.stack(pictures_rgb).transpose(0, 3, 1, 2).astype(np.float32)


def _cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosines: NDArray[np.float32] = (one * other).sum(axis=1) / lengths
    return cosines


@pytest.fixture(scope="module")
def published_sface(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published network, still quantised, without the leftover inputs that keep it from being loaded."""
    model = onnx.load(weights.source("sface"))
    inputs = [item for item in model.graph.input if item.name == sface.INPUT]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    path = tmp_path_factory.mktemp("sface") / "published.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture(scope="module")
def faces_bgr(weights: Weights, published_sface: Path) -> list[Picture]:
    """112x112 chips as OpenCV's own recogniser cuts them."""
    detector = cv2.FaceDetectorYN.create(str(weights.path("yunet")), "", (0, 0))
    recogniser = cv2.FaceRecognizerSF.create(str(published_sface), "")
    chips = []
    for name in PORTRAITS:
        picture = cv2.imread(str(weights.path(name)))
        assert picture is not None
        detector.setInputSize((picture.shape[1], picture.shape[0]))
        found = detector.detect(picture)[1]
        assert found is not None
        chips.append(recogniser.alignCrop(picture, found[0]))
    return chips


@pytest.mark.parametrize("name", ["sface", "sface_prelu"])
def test_sface_agrees_with_opencvs_own_recogniser(
    name: str, weights: Weights, published_sface: Path, faces_bgr: list[Picture]
) -> None:
    recogniser = cv2.FaceRecognizerSF.create(str(published_sface), "")
    expected = np.concatenate([recogniser.feature(face) for face in faces_bgr])
    found = _run(weights.path(name), _batch([face[:, :, ::-1] for face in faces_bgr]))
    assert _cosines(found, expected).min() >= 0.9999


def test_sface_agrees_with_the_published_network_in_onnx_runtime(
    weights: Weights, published_sface: Path, faces_bgr: list[Picture]
) -> None:
    batch = _batch([face[:, :, ::-1] for face in faces_bgr])
    expected = np.concatenate([_run(published_sface, row[None]) for row in batch])
    found = _run(weights.path("sface"), batch)
    assert _cosines(found, expected).min() >= 0.9999
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("name", ["sface", "dlib_resnet"])
def test_a_face_gives_the_same_embedding_alone_and_in_a_batch(name: str, weights: Weights) -> None:
    size = {"sface": sface.INPUT_SHAPE, "dlib_resnet": dlib_resnet.INPUT_SHAPE}[name]
    batch = np.random.default_rng(7).uniform(0, 255, (3, *size)).astype(np.float32)
    together = _run(weights.path(name), batch)
    assert together.shape == (3, 128)
    for row, expected in zip(batch, together, strict=True):
        np.testing.assert_allclose(_run(weights.path(name), row[None])[0], expected, atol=1e-4)


def test_dlibs_network_agrees_with_dlib_itself(weights: Weights) -> None:
    dlib = pytest.importorskip("dlib", reason="the extra `dlib` is not installed")
    network = dlib.face_recognition_model_v1(str(weights.source("dlib_resnet")))
    landmarks = dlib.shape_predictor(str(weights.path("dlib_landmarks5")))
    detector = dlib.get_frontal_face_detector()
    chips = []
    for name in PORTRAITS:
        picture = cv2.imread(str(weights.path(name)))
        assert picture is not None
        picture_rgb = np.ascontiguousarray(picture[:, :, ::-1])
        box = detector(picture_rgb)[0]
        chips.append(dlib.get_face_chip(picture_rgb, landmarks(picture_rgb, box), 150, 0.25))
    expected = np.array([network.compute_face_descriptor(chip) for chip in chips])
    found = _run(weights.path("dlib_resnet"), _batch(chips))
    assert np.abs(found - expected).max() <= 1e-5


@pytest.mark.parametrize("name", ["sface", "sface_prelu", "dlib_resnet"])
def test_a_conversion_gives_the_same_bytes_every_time(name: str, weights: Weights) -> None:
    assert convert(name, weights.source(name)) == weights.path(name).read_bytes()


@pytest.mark.parametrize("name", ["sface", "dlib_resnet"])
@pytest.mark.parametrize("damage", [b"", b"not a network", None], ids=["empty", "foreign", "truncated"])
def test_bytes_that_are_not_the_network_are_refused(
    name: str, damage: bytes | None, weights: Weights, tmp_path: Path
) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(weights.source(name).read_bytes()[:1_000_000] if damage is None else damage)
    with pytest.raises(WeightCorrupt, match="not "):
        convert(name, path)


def test_an_unknown_converter_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownWeight, match="'arcface'"):
        convert("arcface", tmp_path / "any")


def test_the_converted_graph_is_clean(weights: Weights) -> None:
    for name in ("sface", "dlib_resnet"):
        model = onnx.load(weights.path(name))
        onnx.checker.check_model(model, full_check=True)
        assert [item.name for item in model.graph.input] == ["data"]
        assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
        operators = {node.op_type for node in model.graph.node}
        assert operators.isdisjoint({"DequantizeLinear", "PRelu", "Dropout", "Reshape", "Identity"})
