"""Faces for the pure logic: a place in the picture and a direction in embedding space."""

from __future__ import annotations

import numpy as np

from models.face import Box, Embedding, Face, Image, Quality

FRAME: Image = np.zeros((480, 640, 3), np.uint8)


def direction(number: int, *, size: int = 128) -> Embedding:
    """A person: unit vectors of different numbers are nearly orthogonal."""
    vector = np.random.default_rng(number).normal(size=size).astype(np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def blurred(embedding: Embedding, *, cosine: float, seed: int = 0) -> Embedding:
    """The same person in another frame: at `cosine` from `embedding`."""
    noise = direction(seed + 10_000)
    noise = noise - (noise @ embedding) * embedding
    noise /= np.linalg.norm(noise)
    return (cosine * embedding + np.sqrt(1 - cosine**2) * noise).astype(np.float32)


def face(
    embedding: Embedding, *, x: float = 300, y: float = 200, size: float = 80, yaw_deg: float = 0.0
) -> Face:
    box = Box(x - size / 2, y - size / 2, size, size)
    quality = Quality(size * 0.45, yaw_deg, 0.0, 0.0, 0.8, 0.5, 0.5, 0.1, 90.0)
    return Face(box, np.zeros((5, 2), np.float32), 0.99, quality, lambda: embedding)
