"""Faces for tests of the engine: real portraits from the zoo, and the same put into other pictures."""

from __future__ import annotations

import numpy as np
import pytest

from models.engine import FaceEngine
from models.face import Image
from models.images import decode
from tests.conftest import Weights


@pytest.fixture(scope="session")
def engine(weights: Weights) -> FaceEngine:
    weights.require("yunet", "sface")
    return FaceEngine.load(zoo=weights.zoo)


@pytest.fixture(scope="session")
def obama(weights: Weights) -> Image:
    return decode(weights.path("obama"))


@pytest.fixture(scope="session")
def obama_again(weights: Weights) -> Image:
    return decode(weights.path("obama2"))


@pytest.fixture(scope="session")
def biden(weights: Weights) -> Image:
    return decode(weights.path("biden"))


def on_canvas(image: Image, *, width: int, height: int, x: int = 0, y: int = 0) -> Image:
    """`image` on a grey picture of another size, its upper left corner at (x, y)."""
    canvas = np.full((height, width, 3), 90, np.uint8)
    part = image[: height - y, : width - x]
    canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
    return canvas
