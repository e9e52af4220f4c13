"""What every part of `sitegate bench enroll` takes and gives, and the list of the parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from matplotlib.figure import Figure

from enroll.errors import EnrollError


class BenchInput(EnrollError, ValueError):
    """An option that a part needs is missing."""


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """photos: one subfolder per person; clips: videos and `identities.csv`; database: URL of an empty one."""

    photos: Path | None = None
    clips: Path | None = None
    database: str = ""

    def need_photos(self) -> Path:
        """Raises BenchInput."""
        return _needed(self.photos, "--photos", "a folder with one subfolder of photos per person")

    def need_clips(self) -> Path:
        """Raises BenchInput."""
        return _needed(self.clips, "--clips", "a folder of clips with their identities.csv")


@dataclass(frozen=True, slots=True)
class PartResult:
    """figures: for JSON; rows: (what, measured, wanted) for the table; plot: draws into an empty figure."""

    figures: Mapping[str, object]
    rows: tuple[tuple[str, str, str], ...]
    plot: Callable[[Figure], None] | None = None


Measure = Callable[[BenchOptions], PartResult]


def as_result(figures: Mapping[str, object], wanted: Mapping[str, str]) -> PartResult:
    """Plain figures as a result; `wanted` by the name of the figure."""
    rows = tuple((name, _text(value), wanted.get(name, "")) for name, value in figures.items())
    return PartResult(figures, rows)


def _fte(options: BenchOptions) -> PartResult:
    from enroll.bench.fte_part import measure_fte  # noqa: PLC0415 - each part loads its own libraries

    return measure_fte(options.need_photos())


def _capture(options: BenchOptions) -> PartResult:
    from enroll.bench.capture_part import measure_capture  # noqa: PLC0415

    return measure_capture(options.need_clips())


def _duplicates(options: BenchOptions) -> PartResult:
    from enroll.bench.duplicates_part import measure_duplicates  # noqa: PLC0415

    return measure_duplicates(options.need_photos())


def _import(options: BenchOptions) -> PartResult:
    from enroll.bench.import_part import measure_import  # noqa: PLC0415

    return as_result(
        asdict(measure_import(options.need_photos())), {"photos_per_s": ">= 5", "grown_mb": "about 0"}
    )


def _training(options: BenchOptions) -> PartResult:
    from enroll.bench.training_part import measure_training  # noqa: PLC0415
    from models.engine import FaceEngine  # noqa: PLC0415

    clips = options.need_clips()
    measured = measure_training(clips, clips / "identities.csv", engine=FaceEngine.load())
    return as_result(asdict(measured), {"noticed_max_s": "<= 3", "never_noticed": "0", "false_pauses": "0"})


def _declarations(options: BenchOptions) -> PartResult:
    from enroll.bench.declarations import measure_declarations  # noqa: PLC0415

    if not options.database:
        raise BenchInput(
            "the part needs --database", next_step="Give the URL of a scratch database: postgresql://…"
        )
    return as_result(asdict(measure_declarations(options.database)), {"declarations_per_s": ">= 100"})


PARTS: dict[str, Measure] = {
    "fte": _fte,
    "import": _import,
    "duplicates": _duplicates,
    "capture": _capture,
    "declarations": _declarations,
    "training": _training,
}


def _needed(path: Path | None, option: str, what: str) -> Path:
    if path is None:
        raise BenchInput(f"the part needs {option}", next_step=f"Give {what}.")
    return path


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
