"""What an operator sees from afar: Prometheus counters, histograms and gauges on a registry of their own.

No worker id, name or badge number is ever a label or a value.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from importlib.metadata import version
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    start_http_server,
)

log = logging.getLogger(__name__)

LATENCY_BUCKETS_S = (0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
"""Around the promises: half of all openings within 0.25 s, 95 % within 0.5 s, an answer within 2 s."""


class GateMetrics:
    """Counts what the gate does. Every call is thread-safe and never raises.

    A metric with a fixed meaning is a method, so that no caller can invent a label.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._server: WSGIServer | None = None
        self._server_thread: threading.Thread | None = None
        self._seen_reconnects: dict[str, int] = {}
        self._lock = threading.Lock()
        ProcessCollector(registry=self.registry)
        Info("sitegate_build", "Version of the program", registry=self.registry).info(
            {"version": version("sitegate")}
        )
        self._decisions = self._counter("decisions", "Decisions of the gate", "lane", "outcome", "reason")
        self._latency = Histogram(
            "sitegate_decision_latency_seconds",
            "First usable face to the edge of the relay, or to the recorded refusal",
            ["lane"],
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self._frames = self._counter("frames", "Frames that the engine looked at", "lane")
        self._bad_frames = self._counter("frames_bad", "Frames that were no usable picture", "lane")
        self._dropped_frames = self._counter("frames_dropped", "Frames skipped for a newer one", "lane")
        self._reconnects = self._counter("source_reconnects", "Reopened cameras", "lane")
        self._source_up = self._gauge("source_up", "1 while the camera delivers", "lane")
        self._relay_faults = self._counter("relay_faults", "Boards that refused or did not answer", "lane")
        self._thermometer_up = self._gauge("thermometer_up", "1 while the thermometer works", "lane")
        self._fire = self._gauge("fire_alarm", "1 while the fire input holds the door open", "lane")
        self._store_faults = self._counter("store_faults", "Failed reads and writes of the local store")
        self._outbox = self._gauge("outbox_depth", "Records that wait for the centre's acknowledgement")
        self._waiting = self._gauge("records_waiting", "Events kept in memory until the store takes them")
        self._centre = self._gauge("centre_connected", "1 while the broker of the centre is reached")
        self._parked = self._gauge("outbox_parked", "Records that the centre will never take")
        self._roster_age = self._gauge("roster_age_seconds", "Since the centre last confirmed the roster")
        self._refused = self._gauge("messages_refused", "Refused messages since the start", "cause")
        self._workers = self._gauge("roster_workers", "Workers in the gallery")
        self._templates = self._gauge("gallery_templates", "Templates in the gallery")
        self._roster_version = self._gauge("roster_version", "Version of the roster in force")
        self._threshold = self._gauge("match_threshold", "Cosine from which a face counts as matched")
        self._clock_trusted = self._gauge("clock_trusted", "1 while the wall clock is trusted")
        self._liveness = self._gauge("liveness_available", "1 while faces are checked for liveness")

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"sitegate_{name}", help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"sitegate_{name}", help_text, labels, registry=self.registry)

    # -- what a lane tells -----------------------------------------------------------------------------

    def decision(self, lane_id: str, outcome: str, reason: str, latency_s: float | None) -> None:
        """One recorded decision with its main reason; without latency where no face began it."""
        self._decisions.labels(lane_id, outcome, reason).inc()
        if latency_s is not None:
            self._latency.labels(lane_id).observe(latency_s)

    def frame_seen(self, lane_id: str) -> None:
        """The engine looked at a frame."""
        self._frames.labels(lane_id).inc()

    def frame_bad(self, lane_id: str) -> None:
        """A frame was no usable picture."""
        self._bad_frames.labels(lane_id).inc()

    def frames_dropped(self, lane_id: str, count: int) -> None:
        """`count` frames were skipped because a newer one was there."""
        self._dropped_frames.labels(lane_id).inc(count)

    def source(self, lane_id: str, *, up: bool, reconnects: int) -> None:
        """State of a camera; `reconnects` is its running total."""
        self._source_up.labels(lane_id).set(up)
        with self._lock:
            new = reconnects - self._seen_reconnects.get(lane_id, 0)
            self._seen_reconnects[lane_id] = reconnects
        self._reconnects.labels(lane_id).inc(max(0, new))

    def relay_fault(self, lane_id: str) -> None:
        """The board of a lane refused or did not answer."""
        self._relay_faults.labels(lane_id).inc()

    def thermometers(self, working: Mapping[str, bool]) -> None:
        """Which lanes' thermometers work, told regularly."""
        for lane_id, works in working.items():
            self._thermometer_up.labels(lane_id).set(works)

    def fire(self, lane_id: str, active: bool) -> None:
        """The fire input of a lane changed."""
        self._fire.labels(lane_id).set(active)

    # -- what the gate tells ---------------------------------------------------------------------------

    def store_fault(self) -> None:
        """The local store could not read or write."""
        self._store_faults.inc()

    def liveness_available(self, available: bool) -> None:
        """Whether faces are checked for liveness at all."""
        self._liveness.set(available)

    def upkeep(
        self,
        *,
        outbox: int,
        waiting: int,
        workers: int,
        templates: int,
        roster_version: int,
        clock_trusted: bool,
        threshold: float,
    ) -> None:
        """The state of the gate as a whole, told regularly."""
        self._outbox.set(outbox)
        self._waiting.set(waiting)
        self._workers.set(workers)
        self._templates.set(templates)
        self._roster_version.set(roster_version)
        self._clock_trusted.set(clock_trusted)
        self._threshold.set(threshold)

    def centre(
        self, *, connected: bool, parked: int, roster_age_s: float | None, refused: Mapping[str, int]
    ) -> None:
        """How the gate and its centre get on, told regularly."""
        self._centre.set(connected)
        self._parked.set(parked)
        if roster_age_s is not None:
            self._roster_age.set(roster_age_s)
        for cause, count in refused.items():
            self._refused.labels(cause).set(count)

    # -- the page --------------------------------------------------------------------------------------

    def serve(self, host: str, port: int) -> int | None:
        """Serve `/metrics` from a thread of its own; the port taken, or None with a warning in the log.

        Port 0 takes a free one. A gate opens doors without its metrics, so a taken port stops nothing.
        """
        try:
            self._server, self._server_thread = start_http_server(port, host, self.registry)
        except OSError as error:
            log.warning("no metrics on %s:%d: %s; change metrics.port", host, port, error.strerror or error)
            return None
        return int(self._server.server_port)

    def close(self) -> None:
        """Stop serving; harmless when nothing is served."""
        if self._server is None or self._server_thread is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server_thread.join()
        self._server = self._server_thread = None
