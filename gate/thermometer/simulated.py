"""A thermometer at which a program holds foreheads."""

from __future__ import annotations

from gate.clock import Clock
from gate.policy_facts import Measured
from gate.screening_settings import ThermometerSettings
from gate.thermometer.base import Raw, Sample, Samples, fault_of


class SimulatedThermometer:
    """Imitates a module: what stands before it goes on being measured until something else does.

    `shows` None: nobody stands there. A `problem` that is set is a broken sensor.
    """

    def __init__(self, settings: ThermometerSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self.shows: Raw | None = None
        self.problem = ""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def measured(self, since_s: float, until_s: float) -> Measured:
        if self.problem:
            return Measured(None, self.problem)
        samples = Samples(self._settings)
        if self.shows is not None:
            if fault := fault_of(self.shows):
                return Measured(None, fault)
            samples.add(Sample(self.shows, until_s))
        return samples.measured(since_s, until_s)
