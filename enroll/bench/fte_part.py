"""Failure to enrol (ISO/IEC 19795-1): of which people, and of which photos, no template is made, and why.

Every photo goes the way of a photo file at the kiosk, at the default quality limits.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from matplotlib.figure import Figure

from enroll.bench.parts import BenchInput, PartResult
from enroll.errors import PhotoRefused
from enroll.photos import subject_of
from models.engine import FaceEngine
from models.identification import wilson
from models.quality import QualityLimits

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
WANTED = 0.01


def measure_fte(folder: Path) -> PartResult:
    """Over `folder/person/photo.jpg`. Raises BenchInput, ModelError."""
    files = sorted(path for path in folder.glob("*/*") if path.suffix.casefold() in PHOTO_SUFFIXES)
    if not files:
        raise BenchInput(f"{folder} holds no photos of people", next_step="Give DIR/person/photo.jpg.")
    engine, limits = FaceEngine.load(), QualityLimits()
    reasons: Counter[str] = Counter()
    enrolled: dict[str, bool] = {}
    for path in files:
        person = path.parent.name
        enrolled.setdefault(person, False)
        try:
            subject_of(path.name, path.read_bytes(), engine=engine, limits=limits)
            enrolled[person] = True
        except PhotoRefused as refused:
            reasons[refused.code] += 1
    people, photos = len(enrolled), len(files)
    failed_people, failed_photos = people - sum(enrolled.values()), sum(reasons.values())
    figures = {
        "people": people,
        "people_failed": failed_people,
        "failure_to_enrol": failed_people / people,
        "failure_to_enrol_95": wilson(failed_people / people, people),
        "photos": photos,
        "photos_refused": failed_photos,
        "reasons": dict(reasons.most_common()),
    }
    rows = (
        ("people without any usable photo", _share(failed_people, people), f"<= {WANTED:.0%}"),
        ("photos refused", _share(failed_photos, photos), ""),
        *((f"  {reason}", _share(count, photos), "") for reason, count in reasons.most_common()),
    )

    def plot(figure: Figure) -> None:
        axes = figure.subplots()
        named = reasons.most_common()[::-1]
        axes.barh([name for name, _ in named], [count for _, count in named])
        axes.set(xlabel=f"photos refused of {photos}")

    return PartResult(figures, rows, plot)


def _share(count: int, of: int) -> str:
    return f"{count} of {of} ({count / of:.2%})"
