"""From settings to a gate that is ready to start: opens the store, loads the weights, builds the service."""

from __future__ import annotations

import logging
from importlib.metadata import version

from gate.clock import Clock, SystemClock
from gate.metrics import GateMetrics
from gate.service import GateService
from gate.settings import Settings
from models.engine import FaceEngine
from models.errors import WeightMissing
from models.liveness import LivenessModel, load_liveness
from models.zoo import Zoo
from sync.store import LocalStore, StoreKey

log = logging.getLogger(__name__)


def open_store(settings: Settings, *, create: bool = True) -> LocalStore:
    """The local store of this gate. A first start (`create`) makes key and file.

    A key is made only where there is no store yet: a store without its key must never get a new one.
    Raises StoreError and its cases.
    """
    store = settings.store
    first_start = create and not store.path.exists()
    key = StoreKey.load(store.key_file, store.key_env, create=first_start)
    return LocalStore.open(
        store.path, key, busy_timeout_s=store.busy_timeout_s, min_free_mb=store.min_free_mb
    )


def load_engine(settings: Settings) -> FaceEngine:
    """The face engine as configured. Raises WeightMissing or WeightCorrupt."""
    recognition = settings.recognition
    return FaceEngine.load(
        embedder=recognition.embedder, threads=recognition.threads, zoo=Zoo.default(recognition.weights_dir)
    )


def find_liveness(settings: Settings) -> LivenessModel | None:
    """The liveness model, or None where it is off or its weights are absent; the screen then says so."""
    if settings.liveness.mode == "off":
        return None
    try:
        return load_liveness(Zoo.default(settings.recognition.weights_dir))
    except WeightMissing as error:
        log.warning("liveness is not checked: %s", error)
        return None


def build_service(
    settings: Settings, *, engine: FaceEngine | None = None, clock: Clock | None = None
) -> GateService:
    """Everything wired, nothing running; an engine may be shared between services."""
    store = open_store(settings)
    engine = engine or load_engine(settings)
    clock = clock or SystemClock()
    service = GateService(
        settings,
        engine=engine,
        model=engine.embedder_name,
        model_version=engine.embedder_version,
        store=store,
        clock=clock,
        metrics=GateMetrics(),
        liveness=find_liveness(settings),
        version=version("sitegate"),
    )
    if settings.centre.enabled:
        from gate.centre_link import CentreLink  # noqa: PLC0415 - a gate on its own needs no MQTT

        service.attach_centre(CentreLink(service, store, clock, version("sitegate")))
    return service
