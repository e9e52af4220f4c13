"""A wall clock that cannot be believed marks records; intervals do not care."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gate.clock import ClockGuard
from tests.gate.manual_clock import ManualClock


class Watch:
    def __init__(self, last_known: datetime | None = None) -> None:
        self.clock = ManualClock()
        self.synchronised = False
        self.guard = ClockGuard(last_known=last_known, synchronised=lambda: self.synchronised)

    def check(self) -> bool:
        return self.guard.check(self.clock.now(), self.clock.monotonic())


def test_a_clock_that_runs_evenly_is_trusted() -> None:
    watch = Watch()
    for _ in range(100):
        assert watch.check()
        watch.clock.advance(30)


def test_small_corrections_by_a_time_server_are_not_jumps() -> None:
    watch = Watch()
    for _ in range(20):
        assert watch.check()
        watch.clock.advance(60)
        watch.clock.jump_wall(-20)


@pytest.mark.parametrize("jump_s", [-86_400, -3600, 3600, 365 * 86_400])
def test_a_jump_is_named_until_the_clock_comes_back(jump_s: float) -> None:
    watch = Watch()
    assert watch.check()
    watch.clock.jump_wall(jump_s)
    watch.clock.advance(1)
    assert not watch.check()
    assert "jumped" in watch.guard.problem or "before" in watch.guard.problem
    watch.clock.jump_wall(-jump_s)
    watch.clock.advance(1)
    assert watch.check()
    assert watch.guard.problem == ""


def test_a_clock_that_was_set_and_runs_evenly_is_believed_again_after_a_while() -> None:
    watch = Watch()
    assert watch.check()
    watch.clock.jump_wall(300)
    for _ in range(9):
        watch.clock.advance(60)
        assert not watch.check()
    watch.clock.advance(120)
    assert watch.check()


def test_a_gate_that_wakes_up_years_later_doubts_its_clock() -> None:
    watch = Watch(last_known=datetime(2026, 11, 20, tzinfo=UTC))
    watch.clock = ManualClock(datetime(2031, 1, 1, tzinfo=UTC))
    assert not watch.check()
    assert "trust-clock" in watch.guard.problem


def test_a_time_server_clears_even_a_wrong_last_known_time() -> None:
    watch = Watch(last_known=datetime(2031, 1, 1, tzinfo=UTC))
    assert not watch.check()
    watch.synchronised = True
    assert watch.check()


def test_a_time_server_settles_the_matter() -> None:
    watch = Watch()
    watch.check()
    watch.clock.jump_wall(7 * 86_400)
    assert not watch.check()
    watch.synchronised = True
    assert watch.check()
    watch.synchronised = False
    watch.clock.advance(10)
    assert watch.check()


def test_a_clock_without_battery_is_not_trusted_at_the_start() -> None:
    watch = Watch()
    watch.clock = ManualClock(datetime(2000, 1, 1, tzinfo=UTC))
    assert not watch.check()


def test_a_start_before_the_last_known_good_time_is_not_trusted() -> None:
    watch = Watch(last_known=datetime(2027, 1, 1, tzinfo=UTC))
    assert not watch.check()
    assert "2027-01-01" in watch.guard.problem
