from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alignment import ARCFACE_112, chip, similarity

angles = st.floats(-3.1, 3.1)
scales = st.floats(0.05, 20)
shifts = st.floats(-500, 500)


@given(angles, scales, shifts, shifts)
def test_a_turned_scaled_shifted_face_is_put_back_exactly(
    angle: float, scale: float, dx: float, dy: float
) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    seen = ARCFACE_112 @ turn.T + [dx, dy]
    matrix = similarity(seen, ARCFACE_112)
    assert np.column_stack([seen, np.ones(5)]) @ matrix.T == pytest.approx(ARCFACE_112, abs=1e-6)


def test_landmarks_that_fall_on_one_point_still_give_a_chip() -> None:
    matrix = similarity(np.full((5, 2), 30.0), ARCFACE_112)
    assert chip(np.zeros((60, 60, 3), np.uint8), matrix, 112).shape == (112, 112, 3)


def test_a_face_of_many_pixels_is_averaged_not_sampled() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (2000, 2000, 3), np.uint8)
    matrix = np.array([[0.056, 0, 0], [0, 0.056, 0]])
    assert chip(noise, matrix, 112).std() < noise.std() / 4


def test_averaging_down_does_not_shift_the_face() -> None:
    ramp = np.repeat(np.linspace(0, 255, 1200)[None], 1200, axis=0).astype(np.uint8)
    image = np.repeat(ramp[:, :, None], 3, axis=2)
    matrix = np.array([[0.1, 0, -4.0], [0, 0.1, -4.0]])
    found = chip(image, matrix, 112)[50, 10:100, 0].astype(float)
    expected = (np.arange(10, 100) + 4.0) * 10 * 255 / 1199
    assert np.abs(found - expected).max() < 2


def test_a_face_outside_the_picture_gives_black() -> None:
    far_away = similarity(ARCFACE_112 * 10 + 9_000, ARCFACE_112)
    assert chip(np.full((50, 50, 3), 200, np.uint8), far_away, 112).max() == 0
