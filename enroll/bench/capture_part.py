"""From the last shot of a capture to the templates in the store, and to a gate that knows the face.

Real people of real clips stand before a camera at the kiosk's rate; poses that they do not take are skipped.
The roster is as large as that of a site; a second opening of the store stands for the gate's process.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure

from enroll.bench.parts import BenchInput, PartResult
from enroll.capture import Pose
from enroll.capture_desk import CaptureDesk, CaptureTools, capture_tools
from enroll.drafts import Drafts
from enroll.kiosk_camera import CameraPicture
from enroll.registration import Registration
from enroll.roster_config import RosterConfig
from models.engine import FaceEngine
from models.face import Image
from models.roster_watch import RosterWatch
from sync.people import Consent, DocumentType, Person
from sync.records import Template, Worker
from sync.store import LocalStore, StoreKey

ROSTER = 1_000
FRAME_S = 0.1
"""The kiosk looks ten times a second."""

GATE_LOOKS_EVERY_S = 0.5
"""How often a gate looks for changes of the roster (gate/service.py, UPKEEP_EVERY_S)."""

WANTED_S = 3.0
_NOW = datetime(2026, 12, 1, tzinfo=UTC)
_BIRTH_DATE = date(1990, 1, 1)


def measure_capture(folder: Path) -> PartResult:
    """Over every clip in `folder`. Raises BenchInput, ModelError, StoreError."""
    clips = sorted(path for path in folder.iterdir() if path.suffix in (".mkv", ".mp4", ".avi"))
    if not clips:
        raise BenchInput(f"{folder} holds no clips", next_step="Give a folder of videos.")
    engine, settings = FaceEngine.load(), RosterConfig()
    committed_s: list[float] = []
    known_s: list[float] = []
    incomplete: list[str] = []
    with _stores() as (store, gate_store):
        _fill(store, engine)
        tools = capture_tools(store, settings, engine, now=lambda: _NOW, monotonic=lambda: 0.0)
        gate = RosterWatch(
            gate_store,
            settings.recognition,
            model=engine.embedder_name,
            model_version=engine.embedder_version,
        )
        gate.refresh()
        for clip in clips:
            times = _one(clip, store, settings, tools, gate)
            if times is None:
                incomplete.append(clip.name)
            else:
                committed_s.append(times[0])
                known_s.append(times[1])
    if not committed_s:
        raise BenchInput("no clip made a whole capture", next_step="Give clips of people who look ahead.")
    return _result(len(clips), committed_s, known_s, incomplete)


def _result(clips: int, committed_s: list[float], known_s: list[float], incomplete: list[str]) -> PartResult:
    at_gate_s = [known + GATE_LOOKS_EVERY_S for known in known_s]
    figures = {
        "roster": ROSTER,
        "captures": len(committed_s),
        "incomplete": incomplete,
        "last_shot_to_store_s": {"p50": statistics.median(committed_s), "max": max(committed_s)},
        "last_shot_to_gate_s": {"p50": statistics.median(at_gate_s), "max": max(at_gate_s)},
        "gate_looks_every_s": GATE_LOOKS_EVERY_S,
    }
    store, gate = figures["last_shot_to_store_s"], figures["last_shot_to_gate_s"]
    rows = (
        ("captures", f"{len(committed_s)} of {clips} clips", ""),
        ("last shot to store, p50 / max", _seconds(store), ""),
        ("last shot to a gate that knows, p50 / max", _seconds(gate), f"<= {WANTED_S:g} s"),
    )

    def plot(figure: Figure) -> None:
        axes = figure.subplots()
        for name, values in (("in the store", committed_s), ("known at the gate, at the latest", at_gate_s)):
            axes.ecdf(values, label=name)
        axes.set(xlabel="seconds after the last shot", ylabel="share of captures", xlim=(0, None))
        axes.legend()

    return PartResult(figures, rows, plot)


class _Played:
    """Imitates the kiosk's camera: the frame that was put before it."""

    problem = ""

    def __init__(self) -> None:
        self.picture: CameraPicture | None = None

    def latest(self) -> CameraPicture | None:
        return self.picture


def _one(
    clip: Path, store: LocalStore, settings: RosterConfig, tools: CaptureTools, gate: RosterWatch
) -> tuple[float, float] | None:
    """Seconds from the last shot to commit and to a gate's new gallery; None: nobody looked ahead."""
    drafts = Drafts(store, now=lambda: _NOW)
    draft = drafts.begin(clip.stem)
    worker_id = f"bench-{clip.stem}"
    drafts.change(
        draft.draft_id,
        worker=Worker(worker_id=worker_id, name="示例", site_ids=(settings.site.id,)),
        person=Person(
            worker_id=worker_id,
            document_type=DocumentType.OTHER,
            document_number=worker_id,
            birth_date=_BIRTH_DATE,
        ),
        consent=Consent(worker_id=worker_id, granted=True, text_version="bench", given_at=_NOW),
    )
    camera = _Played()
    desk = CaptureDesk(tools, drafts, draft.draft_id, camera, user_id="bench")
    for number, image in enumerate(_frames(clip)):
        camera.picture = CameraPicture(image, tuple(tools.engine.faces(image)), number * FRAME_S)
        state, _ = desk.step()
        if state is not None and Pose.AHEAD in state.taken:
            break
    else:
        return None
    began_s = time.perf_counter()
    for pose in desk.wanted[1:]:
        desk.skip(pose)
    findings = desk.look_for_duplicates(desk.finish())
    desk.note_checked(desk.with_centre(findings) or findings)
    Registration(store, drafts, settings, now=lambda: _NOW).commit(draft.draft_id, by="bench")
    committed_s = time.perf_counter() - began_s
    gate.refresh()
    return committed_s, time.perf_counter() - began_s


def _frames(clip: Path) -> Iterator[Image]:
    """One frame every FRAME_S, as the kiosk looks."""
    capture = cv2.VideoCapture(str(clip))
    every = max(1, round(FRAME_S * (capture.get(cv2.CAP_PROP_FPS) or 30)))
    number = 0
    while True:
        ok, frame = capture.read()
        if not ok:
            capture.release()
            return
        if number % every == 0:
            yield frame.astype(np.uint8, copy=False)
        number += 1


def _fill(store: LocalStore, engine: FaceEngine) -> None:
    """Fictional workers: random directions look like nobody."""
    rng = np.random.default_rng(1)
    for number in range(ROSTER):
        vector = rng.normal(size=128)
        vector /= np.linalg.norm(vector)
        worker_id = f"crowd-{number}"
        template = Template(
            worker_id=worker_id,
            model=engine.embedder_name,
            model_version=engine.embedder_version,
            vector=vector.astype("<f4").tobytes(),
            quality=80,
            created_at=_NOW,
        )
        store.put_worker(Worker(worker_id=worker_id, name="示例", site_ids=("demo-site",)), [template])


@contextmanager
def _stores() -> Iterator[tuple[LocalStore, LocalStore]]:
    """The same store opened twice, as kiosk and gate do."""
    with tempfile.TemporaryDirectory() as folder:
        key = StoreKey.load(Path(folder) / "store.key", "", create=True)
        path = Path(folder) / "kiosk.db"
        with LocalStore.open(path, key) as store, LocalStore.open(path, key) as gate_store:
            yield store, gate_store


def _seconds(figure: object) -> str:
    assert isinstance(figure, dict)  # noqa: S101 - made a few lines above
    return f"{figure['p50']:.2f} / {figure['max']:.2f} s"
