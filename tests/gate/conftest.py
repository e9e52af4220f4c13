"""A small world for gates: real faces, a real sealed store, a played camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.clock import SystemClock
from gate.demo.footage import Scene, write_footage
from gate.service import GateService, Recorded
from gate.settings import (
    LaneSettings,
    LivenessSettings,
    MetricsSettings,
    RecognitionSettings,
    RelaySettings,
    ScreenSettings,
    Settings,
)
from gate.startup import build_service, open_store
from models.engine import FaceEngine
from models.images import decode
from models.sources.settings import SourceSettings
from models.zoo import Zoo
from sync.records import Clearance, Template, Worker
from sync.store_settings import StoreSettings

WORKER = "B002"


@pytest.fixture(scope="session")
def engine(weights: Zoo) -> FaceEngine:
    return FaceEngine.load(zoo=weights, runtime="onnxruntime")


@pytest.fixture(scope="session")
def footage(weights: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `worker.avi` (another photo than the enrolled one) and `stranger.avi`."""
    folder = tmp_path_factory.mktemp("footage")
    write_footage(weights, (Scene("obama2", seconds=2.0),), folder / "worker.avi")
    write_footage(weights, (Scene("astronaut", seconds=2.4),), folder / "stranger.avi")
    return folder


def worker(**changes: object) -> Worker:
    training = Clearance(kind="training", valid_until=datetime.now(UTC) + timedelta(days=30))
    return Worker(
        worker_id=WORKER, name="示例乙", site_ids=("demo-site",), clearances=(training,)
    ).model_copy(update=changes)


@dataclass
class World:
    """A store with one worker, and gates that play a video before it."""

    folder: Path
    engine: FaceEngine
    footage: Path
    templates: list[Template]
    services: list[GateService] = field(default_factory=list)

    def settings(self, clip: str, **changes: object) -> Settings:
        source = SourceSettings(kind="video", path=self.footage / clip, pace="fast")
        base = Settings(
            lanes=(LaneSettings(source=source, relay=RelaySettings(pulse_s=0.2)),),
            recognition=RecognitionSettings(repeat_interval_s=1.5),
            liveness=LivenessSettings(mode="off"),
            store=StoreSettings(
                path=self.folder / "gate.db",
                key_file=self.folder / "gate.key",
                busy_timeout_s=2,
                min_free_mb=1,
            ),
            screen=ScreenSettings(enabled=False, override_pin_file=self.folder / "pin"),
            metrics=MetricsSettings(enabled=False),
        )
        return base.model_copy(update=changes)

    def enrol(self, who: Worker | None = None) -> None:
        with open_store(self.settings("worker.avi")) as store:
            store.put_worker(who or worker(), self.templates)

    def gate(self, clip: str, **changes: object) -> tuple[GateService, list[Recorded]]:
        service = build_service(self.settings(clip, **changes), engine=self.engine, clock=SystemClock())
        self.services.append(service)
        seen: list[Recorded] = []
        service.listeners.append(seen.append)
        return service, seen

    def play(self, clip: str, **changes: object) -> list[Recorded]:
        service, seen = self.gate(clip, **changes)
        service.start()
        service.wait_ended()
        service.stop()
        return seen


@pytest.fixture
def world(tmp_path: Path, engine: FaceEngine, footage: Path, weights: Zoo) -> Iterator[World]:
    (face, *_) = engine.faces(decode(weights.path("obama")))
    templates = [
        Template(
            worker_id=WORKER,
            model=engine.embedder_name,
            model_version=engine.embedder_version,
            vector=vector.astype("<f4").tobytes(),
            quality=face.quality.overall,
            created_at=datetime.now(UTC),
        )
        for vector in engine.templates([face])
    ]
    made = World(tmp_path, engine, footage, templates)
    yield made
    for service in made.services:
        service.stop()


def still_video(path: Path, image: np.ndarray, seconds: float) -> None:
    """A video of one unmoving picture."""
    height, width = image.shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (width, height))
    for _ in range(round(seconds * 25)):
        writer.write(image)
    writer.release()
