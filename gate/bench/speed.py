"""`sitegate bench speed`: where time and memory go, beside the face_recognition library."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import psutil
import typer
from rich.console import Console
from rich.table import Table

from gate.bench.crowd import TEMPLATES_PER_WORKER, pad_store, put_worker, random_templates
from gate.bench.yardstick import face_recognition_embed
from gate.settings import Settings
from models.bench_report import DEFAULT_OUT, percentiles, write_json
from models.engine import FaceEngine
from models.face import Image
from models.gallery import Gallery
from models.images import decode
from models.zoo import Zoo
from sync.store_settings import StoreSettings

FRAME_WIDTH_PX, FRAME_HEIGHT_PX = 640, 360
FACE_SHARE_OF_HEIGHT = 0.9
WARM_UP = 5
MILLISECONDS = 1000.0
MEGABYTE = 1e6
LANES = (1, 2, 4)
GATE_WORKERS = 10_000
GATE_TIMEOUT_S = 60.0
SETTLED_AFTER_S = 8.0


class RuntimeChoice(StrEnum):
    """Runtimes that can be measured."""

    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds per call of one stage."""

    stage: str
    p50: float
    p95: float
    p99: float
    per_second: float


def speed(
    out: Annotated[Path, typer.Option(help="Folder for JSON and plot.")] = DEFAULT_OUT,
    embedder: Annotated[str, typer.Option(help="sface or dlib")] = "sface",
    runtime: Annotated[
        RuntimeChoice, typer.Option(help="What runs the networks.")
    ] = RuntimeChoice.ONNXRUNTIME,
    rounds: Annotated[int, typer.Option(help="Calls per stage.")] = 200,
    largest: Annotated[int, typer.Option(help="Largest gallery, templates.")] = 1_000_000,
    gate: Annotated[bool, typer.Option(help="Also a whole gate: memory, time to first decision.")] = True,
) -> None:
    """Per stage and end to end, one to four lanes, search, memory, and the ratio to face_recognition."""
    console = Console()
    frame = one_face_frame()
    engine = FaceEngine.load(embedder=embedder, runtime=runtime.value)
    stages = _stages(engine, frame, rounds)
    title = f"one face, {FRAME_WIDTH_PX}x{FRAME_HEIGHT_PX}, {embedder}, {runtime}"
    console.print(_timings_table(title, stages))
    ours, theirs = _side_by_side(engine, frame, max(10, rounds // 10))
    ratio = theirs.p50 / ours.p50
    console.print(_timings_table("side by side, alternating", [ours, theirs]))
    console.print(f"ratio of the medians: [bold]{ratio:.1f}[/] times as fast as face_recognition")
    lanes = {count: _lanes(engine, frame, count) for count in LANES}
    for count, rate in lanes.items():
        console.print(f"{count} lane(s), one engine: {rate:.1f} frames/s in total, {rate / count:.1f} each")
    searches = _searches(largest)
    console.print(_search_table(searches))
    figures: dict[str, object] = {
        "embedder": embedder,
        "runtime": runtime,
        "stages_ms": [asdict(timing) for timing in stages],
        "face_recognition_ms": asdict(theirs),
        "ours_ms": asdict(ours),
        "ratio_of_medians": ratio,
        "lanes_frames_per_s": lanes,
        "search": searches,
    }
    if gate:
        figures["gate"] = _whole_gate(engine, console)
    path = write_json(out, f"speed-{embedder}-{runtime}", figures)
    _plot(searches, stages, path.with_suffix(".png"))
    console.print(f"written to {path} and {path.with_suffix('.png')}")


def one_face_frame() -> Image:
    """A 640x360 camera frame with one person, from a sample photo of the zoo."""
    photo = decode(Zoo.default().path("obama"))
    height = round(FRAME_HEIGHT_PX * FACE_SHARE_OF_HEIGHT)
    width = round(photo.shape[1] * height / photo.shape[0])
    frame = np.full((FRAME_HEIGHT_PX, FRAME_WIDTH_PX, 3), 96, np.uint8)
    left, top = (FRAME_WIDTH_PX - width) // 2, (FRAME_HEIGHT_PX - height) // 2
    small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    frame[top : top + height, left : left + width] = small
    return frame


def _time(stage: str, call: Callable[[], object], rounds: int) -> Timing:
    for _ in range(WARM_UP):
        call()
    times_ms = []
    for _ in range(rounds):
        start_s = time.perf_counter()
        call()
        times_ms.append((time.perf_counter() - start_s) * MILLISECONDS)
    return _timing(stage, times_ms)


def _timing(stage: str, times_ms: list[float]) -> Timing:
    return Timing(stage, **percentiles(times_ms), per_second=MILLISECONDS * len(times_ms) / sum(times_ms))


def _stages(engine: FaceEngine, frame: Image, rounds: int) -> list[Timing]:
    gallery = Gallery()
    vectors = random_templates(GATE_WORKERS * TEMPLATES_PER_WORKER)
    gallery.load([str(i // TEMPLATES_PER_WORKER) for i in range(len(vectors))], vectors)
    probe = vectors[0]
    found = _time("find faces and judge quality", lambda: engine.faces(frame), rounds)
    embedded = _time("find and embed", lambda: engine.faces(frame)[0].embedding, rounds)
    searched = _time(f"search {len(vectors)} templates", lambda: gallery.search(probe), rounds)
    whole = _time("end to end", lambda: gallery.search(engine.faces(frame)[0].embedding), rounds)
    return [found, embedded, searched, whole]


def _side_by_side(engine: FaceEngine, frame: Image, rounds: int) -> tuple[Timing, Timing]:
    """Alternate the two, so that a machine whose speed drifts is fair to both."""
    yardstick = face_recognition_embed(Zoo.default())
    ours: list[float] = []
    theirs: list[float] = []
    calls: tuple[tuple[Callable[[], object], list[float]], ...] = (
        (lambda: engine.faces(frame)[0].embedding, ours),
        (lambda: yardstick(frame), theirs),
    )
    for number in range(rounds + 1):
        for call, times in calls:
            start_s = time.perf_counter()
            call()
            if number:  # the first round warms up
                times.append((time.perf_counter() - start_s) * MILLISECONDS)
    return _timing("sitegate", ours), _timing("face_recognition", theirs)


def _lanes(engine: FaceEngine, frame: Image, count: int, seconds: float = 3.0) -> float:
    """Frames per second of `count` threads that share one engine."""
    done = [0] * count
    stop = threading.Event()

    def work(lane: int) -> None:
        while not stop.is_set():
            _ = engine.faces(frame)[0].embedding
            done[lane] += 1

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(count)]
    start_s = time.perf_counter()
    for thread in threads:
        thread.start()
    stop.wait(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - start_s)


def _searches(largest: int) -> list[dict[str, float]]:
    figures = []
    for count in (1_000, 10_000, 30_000, 100_000, 300_000, 1_000_000):
        if count > largest:
            break
        gallery, vectors = Gallery(), random_templates(count)
        gallery.load([str(i // TEMPLATES_PER_WORKER) for i in range(count)], vectors)
        timing = _time("search", partial(gallery.search, vectors[1]), 200)
        figures.append(
            {
                "templates": count,
                "p50": timing.p50,
                "p95": timing.p95,
                "p99": timing.p99,
                "megabytes": vectors.nbytes / MEGABYTE,
            }
        )
    return figures


def _whole_gate(engine: FaceEngine, console: Console) -> dict[str, float]:
    """Start `sitegate gate run` with screen, 10,000 workers and somebody in view; watch its memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = StoreSettings(path=folder / "gate.db", key_file=folder / "gate.key")
        settings = Settings(store=store)
        pad_store(settings, engine, GATE_WORKERS - 1)
        face = engine.faces(one_face_frame())[0]
        put_worker(settings, engine, "W1", face.embedding[np.newaxis])
        footage = folder / "footage.avi"
        _write_footage(footage)
        config = folder / "config.yaml"
        config.write_text(
            f"lanes:\n- source: {{kind: video, path: {footage}, loop: true}}\n"
            f"store: {{path: {store.path}, key_file: {store.key_file}}}\n"
            "policy: {training_missing: allow}\nscreen: {port: 0}\nmetrics: {port: 0}\n"
        )
        command = [sys.executable, "-m", "gate.cli", "gate", "run", "--config", str(config), "--json"]
        start_s = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            kill = threading.Timer(GATE_TIMEOUT_S, process.kill)
            kill.start()
            assert process.stdout is not None  # noqa: S101 - asked for above
            line = process.stdout.readline()
            first_s = time.perf_counter() - start_s
            time.sleep(SETTLED_AFTER_S)
            rss = _rss_mb(process.pid) if line else float("nan")
            kill.cancel()
            os.kill(process.pid, signal.SIGTERM)
    console.print(f"whole gate, {GATE_WORKERS} workers x {TEMPLATES_PER_WORKER}, screen on:")
    console.print(f"  start to first decision {first_s:.1f} s, memory {rss:.0f} MB RSS")
    return {"start_to_first_decision_s": first_s, "rss_mb": rss}


def _rss_mb(pid: int) -> float:
    """The process and what it started (the relay's guardian)."""
    process = psutil.Process(pid)
    return float(sum(p.memory_info().rss for p in (process, *process.children(recursive=True))) / MEGABYTE)


def _write_footage(path: Path) -> None:
    frame = one_face_frame()
    size = (FRAME_WIDTH_PX, FRAME_HEIGHT_PX)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, size)
    for _ in range(250):
        writer.write(frame)
    writer.release()


def _timings_table(title: str, timings: list[Timing]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("stage", "p50 ms", "p95 ms", "p99 ms", "per second"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for t in timings:
        table.add_row(t.stage, f"{t.p50:.2f}", f"{t.p95:.2f}", f"{t.p99:.2f}", f"{t.per_second:.1f}")
    return table


def _search_table(searches: list[dict[str, float]]) -> Table:
    table = Table(title="exact search", title_justify="left")
    for heading in ("templates", "p50 ms", "p95 ms", "p99 ms", "MB"):
        table.add_column(heading, justify="right")
    for s in searches:
        table.add_row(
            f"{s['templates']:,.0f}",
            *(f"{s[key]:.2f}" for key in ("p50", "p95", "p99")),
            f"{s['megabytes']:.0f}",
        )
    return table


def _plot(searches: list[dict[str, float]], stages: list[Timing], path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - only benches draw

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5))
    left.barh([t.stage for t in stages], [t.p50 for t in stages])
    left.set(xlabel="median, ms")
    right.loglog([s["templates"] for s in searches], [s["p99"] for s in searches], marker="o", label="p99")
    right.loglog([s["templates"] for s in searches], [s["p50"] for s in searches], marker="o", label="p50")
    right.set(xlabel="templates", ylabel="search, ms")
    right.grid(alpha=0.3)
    right.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
