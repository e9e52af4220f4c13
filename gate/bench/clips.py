"""`sitegate bench clips`: real people before a camera, through the whole lane, in real time.

Each person in turn is enrolled from their first clip. Their other clips must open the gate; every clip of
everybody else must not. The gallery is padded with other workers to the size asked for.
"""

from __future__ import annotations

import csv
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from gate.bench.crowd import pad_store, put_worker
from gate.clock import SystemClock
from gate.errors import GateError
from gate.service import Recorded
from gate.settings import (
    LaneSettings,
    LivenessSettings,
    MetricsSettings,
    PolicySettings,
    RecognitionSettings,
    ScreenSettings,
    Settings,
)
from gate.startup import build_service
from models.bench_report import DEFAULT_OUT, percentiles, write_json
from models.engine import FaceEngine
from models.face import Face
from models.quality import QualityLimits, advise
from models.sources.opening import open_source
from models.sources.settings import SourceSettings
from models.template_choice import choose_templates
from sync.backoff import Backoff
from sync.records import Outcome
from sync.store_settings import StoreSettings

ENROLLED = "enrolled"
MILLISECONDS = 1000.0
BUNDLED_ONLY = 10**9
"""The padding is synthetic and must not calibrate the threshold: the bundled calibration does."""


@dataclass(frozen=True, slots=True)
class Play:
    """One clip before a gate that knows one of the people."""

    enrolled: str
    clip: str
    person: str
    right: bool
    decisions: list[str]
    score: float | None
    threshold: float | None
    usable_to_relay_ms: float | None

    @property
    def genuine(self) -> bool:
        return self.enrolled == self.person


def clips(
    clips: Annotated[Path, typer.Option(help="Folder of video clips.")],
    identities: Annotated[Path, typer.Option(help="CSV with the columns clip and person.")],
    gallery: Annotated[
        int, typer.Option(help="Workers in the gallery, padded with synthetic ones.")
    ] = 10_000,
    out: Annotated[Path, typer.Option(help="Folder for JSON and plot.")] = DEFAULT_OUT,
    embedder: Annotated[str, typer.Option(help="sface or dlib")] = "sface",
) -> None:
    """Right decision on every clip? And how long from the first usable face to the relay edge?"""
    of_person = _read_identities(clips, identities)
    engine = FaceEngine.load(embedder=embedder)
    plays: list[Play] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(Path(folder), embedder)
        pad_store(settings, engine, gallery - 1)
        for enrolled, (first, *_) in of_person.items():
            _enrol(settings, engine, clips / first)
            for person, names in of_person.items():
                for name in names:
                    if (enrolled, name) != (person, first):
                        plays.append(_play(settings, engine, clips / name, enrolled, person))
                        _print_play(plays[-1])
    _report(plays, gallery, embedder, out)


def _read_identities(folder: Path, path: Path) -> dict[str, list[str]]:
    of_person: dict[str, list[str]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if not (folder / row["clip"]).is_file():
                raise GateError(f"{path}: {row['clip']} is not in {folder}", next_step="correct the CSV")
            of_person[row["person"]].append(row["clip"])
    return {person: sorted(names) for person, names in sorted(of_person.items())}


def _settings(folder: Path, embedder: str) -> Settings:
    return Settings(
        recognition=RecognitionSettings.model_validate(
            {"embedder": embedder, "own_roster_from": BUNDLED_ONLY}
        ),
        liveness=LivenessSettings(mode="off"),
        policy=PolicySettings(training_missing="allow"),
        store=StoreSettings(path=folder / "bench.db", key_file=folder / "bench.key"),
        screen=ScreenSettings(enabled=False),
        metrics=MetricsSettings(enabled=False),
    )


def _with_source(settings: Settings, clip: Path) -> Settings:
    source = SourceSettings(kind="video", path=clip, pace="realtime")
    return settings.model_copy(update={"lanes": (LaneSettings(source=source),)})


def _enrol(settings: Settings, engine: FaceEngine, clip: Path) -> None:
    chosen = choose_templates(_good_faces(settings, engine, clip))
    if not chosen:
        raise GateError(f"no usable face in {clip}", next_step="enrol from another clip")
    put_worker(settings, engine, ENROLLED, np.stack(engine.templates(chosen)))


def _good_faces(settings: Settings, engine: FaceEngine, clip: Path) -> list[Face]:
    limits = QualityLimits(**settings.quality.model_dump())
    source = open_source(
        SourceSettings(kind="video", path=clip, pace="fast"), clock=SystemClock(), waits=Backoff
    )
    source.start()
    good = []
    while (frame := source.next_frame(1.0)) is not None:
        faces = engine.faces(frame.image)
        if faces and advise(faces[0].quality, limits) is None:
            good.append(faces[0])
    source.stop()
    return good


def _play(settings: Settings, engine: FaceEngine, clip: Path, enrolled: str, person: str) -> Play:
    service = build_service(_with_source(settings, clip), engine=engine)
    seen: list[Recorded] = []
    service.listeners.append(seen.append)
    service.start()
    try:
        service.wait_ended()
    finally:
        service.stop()
    allowed = [r for r in seen if r.event.outcome is Outcome.ALLOW]
    genuine = enrolled == person
    right = len(allowed) == 1 and allowed[0].event.worker_id == ENROLLED if genuine else not allowed
    shown = next(iter(allowed or seen), None)
    match = shown.event.match if shown else None
    return Play(
        enrolled=enrolled,
        clip=clip.name,
        person=person,
        right=right,
        decisions=[r.event.reasons[0] for r in seen],
        score=match.score if match else None,
        threshold=match.threshold if match else None,
        usable_to_relay_ms=_latency_ms(allowed[0]) if allowed else None,
    )


def _latency_ms(recorded: Recorded) -> float | None:
    if recorded.opened_at_s is None or recorded.usable_at_s is None:
        return None
    return (recorded.opened_at_s - recorded.usable_at_s) * MILLISECONDS


def _print_play(play: Play) -> None:
    latency = "" if play.usable_to_relay_ms is None else f"{play.usable_to_relay_ms:6.0f} ms"
    score = "" if play.score is None else f"{play.score:.3f}/{play.threshold:.3f}"
    kind = "genuine " if play.genuine else "stranger"
    mark = "ok   " if play.right else "WRONG"
    reasons = ",".join(play.decisions)
    typer.echo(f"{mark} {kind} enrolled {play.enrolled} {play.clip:<14} {reasons:<24} {score} {latency}")


def _report(plays: list[Play], gallery: int, embedder: str, out: Path) -> None:
    genuine = [play for play in plays if play.genuine]
    strangers = [play for play in plays if not play.genuine]
    latencies = [play.usable_to_relay_ms for play in genuine if play.usable_to_relay_ms is not None]
    figures = {
        "gallery": gallery,
        "embedder": embedder,
        "genuine_right": sum(play.right for play in genuine),
        "genuine": len(genuine),
        "strangers_right": sum(play.right for play in strangers),
        "strangers": len(strangers),
        "usable_to_relay_ms": percentiles(latencies),
        "plays": [asdict(play) for play in plays],
    }
    path = write_json(out, "clips", figures)
    _plot(latencies, out / "clips.png")
    times = percentiles(latencies)
    typer.echo(f"\npeople let in who must be: {figures['genuine_right']} of {len(genuine)}")
    typer.echo(f"strangers kept out:        {figures['strangers_right']} of {len(strangers)}")
    typer.echo(f"first usable face to relay edge: p50 {times['p50']:.0f} ms, p95 {times['p95']:.0f} ms")
    typer.echo(f"gallery {gallery}; written to {path} and {out / 'clips.png'}")


def _plot(latencies: list[float], path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - only benches draw

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(6, 3.5))
    axes.plot(sorted(latencies), np.linspace(0, 1, len(latencies)), marker="o")
    axes.set(xlabel="first usable face to relay edge, ms", ylabel="share of clips", xlim=(0, None))
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
