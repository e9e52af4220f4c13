"""A thermometer in a thread of its own: asked regularly, opened again after a fault, never waited for."""

from __future__ import annotations

import logging
import threading
from contextlib import closing

from gate.clock import Clock
from gate.errors import ThermometerError
from gate.policy_facts import Measured
from gate.screening_settings import ThermometerSettings
from gate.thermometer.base import Module, Sample, Samples, fault_of
from sync.backoff import Backoff

log = logging.getLogger(__name__)

REOPEN_MIN_S, REOPEN_MAX_S = 0.5, 15.0
STOP_S = 2.0


class PolledThermometer:
    """Reads `module` every `poll_s` from `start` on."""

    def __init__(self, settings: ThermometerSettings, clock: Clock, module: Module) -> None:
        self._settings = settings
        self._clock = clock
        self._module = module
        self._samples = Samples(settings)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"thermometer {module.name}", daemon=True)
        self._heard_s = clock.monotonic()
        self._problem = ""

    @property
    def problem(self) -> str:
        silent_s = self._clock.monotonic() - self._heard_s
        if not self._problem and self._thread.is_alive() and silent_s > self._settings.silent_s:
            return f"{self._module.name} has been silent for {silent_s:.0f} s"
        return self._problem

    def start(self) -> None:
        self._heard_s = self._clock.monotonic()
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def measured(self, since_s: float, until_s: float) -> Measured:
        if problem := self.problem:
            return Measured(None, problem)
        return self._samples.measured(since_s, until_s)

    def _run(self) -> None:
        backoff = Backoff(REOPEN_MIN_S, REOPEN_MAX_S)
        with closing(self._module):
            while not self._stopped.is_set():
                try:
                    self._look()
                except ThermometerError as error:
                    self._settle(str(error))
                    self._module.close()
                    self._stopped.wait(backoff.next_s())
                except Exception as error:
                    # A thread that dies would leave the last word of the thermometer standing.
                    log.exception("%s", self._module.name)
                    self._settle(f"{self._module.name}: {type(error).__name__}")
                    self._stopped.wait(backoff.next_s())
                else:
                    backoff.reset()
                    self._stopped.wait(self._settings.poll_s)

    def _look(self) -> None:
        raw = self._module.read()
        if raw is None:
            return
        now_s = self._clock.monotonic()
        self._heard_s = now_s
        if fault := fault_of(raw):
            self._settle(f"{self._module.name} {fault}")
            return
        self._settle("")
        self._samples.add(Sample(raw, now_s))

    def _settle(self, problem: str) -> None:
        if problem and problem != self._problem:
            log.warning("thermometer: %s", problem)
        self._problem = problem
