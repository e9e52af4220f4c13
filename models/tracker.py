"""Which face of this frame is which person of the last frame: a track per person, by place alone.

Whether the person in a track is still the same is a question of appearance; whoever follows tracks asks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from models.face import Box, Face

MAX_STEP_IN_FACE_SIZES = 0.9
"""How far the centre may move between two frames, in units of the face's own size."""

MAX_SIZE_RATIO = 1.8
"""How much larger or smaller a face may become between two frames."""


@dataclass(slots=True)
class Track:
    """One person while they are in view."""

    track_id: int
    box: Box
    last_seen_s: float


def _step(box: Box, other: Box) -> float:
    """Distance of the centres in units of the mean face size."""
    size = (box.width + box.height + other.width + other.height) / 4
    dx = (box.x + box.width / 2) - (other.x + other.width / 2)
    dy = (box.y + box.height / 2) - (other.y + other.height / 2)
    return float((dx * dx + dy * dy) ** 0.5 / max(size, 1e-6))


def _sizes_agree(box: Box, other: Box) -> bool:
    small, large = sorted((box.width * box.height, other.width * other.height))
    return large <= MAX_SIZE_RATIO**2 * max(small, 1e-6)


class Tracker:
    """Greedy nearest-centre association: a gate sees a handful of faces, moving little between frames."""

    def __init__(self, *, forget_after_s: float = 0.8) -> None:
        self._forget_after_s = forget_after_s
        self._numbers = count(1)
        self._tracks: list[Track] = []

    def update(self, faces: Sequence[Face], at_s: float) -> list[Track]:
        """Assign each face to a track, old or new; the result runs parallel to `faces`."""
        self._tracks = [t for t in self._tracks if at_s - t.last_seen_s <= self._forget_after_s]
        pairs = sorted(
            (step, f, t)
            for f, face in enumerate(faces)
            for t, track in enumerate(self._tracks)
            if (step := _step(face.box, track.box)) <= MAX_STEP_IN_FACE_SIZES
            and _sizes_agree(face.box, track.box)
        )
        chosen: dict[int, Track] = {}
        taken: set[int] = set()
        for _, f, t in pairs:
            if f not in chosen and t not in taken:
                chosen[f] = self._tracks[t]
                taken.add(t)
        result = []
        for f, face in enumerate(faces):
            track = chosen.get(f)
            if track is None:
                track = Track(next(self._numbers), face.box, at_s)
                self._tracks.append(track)
            track.box = face.box
            track.last_seen_s = at_s
            result.append(track)
        return result

    def alive(self, at_s: float) -> set[int]:
        """Ids of the tracks that are not forgotten yet."""
        return {t.track_id for t in self._tracks if at_s - t.last_seen_s <= self._forget_after_s}
