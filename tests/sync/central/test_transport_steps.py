"""What has to happen before a bus may enter."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sync.central.transport_steps import (
    Hindrance,
    Manifest,
    Mark,
    Outcome,
    Rider,
    Step,
    StepRefused,
    boarded,
    free_seat,
    hindrances,
    marked_absent,
    measured,
    removed,
    reseated,
    taken,
    taken_back,
)

MARK = Mark("示例", datetime(2026, 3, 2, tzinfo=UTC))
FEVER_C = 37.3


def a_bus(*temperatures_c: float | None, seats: int = 5) -> Manifest:
    riders = (
        Rider(f"r{seat}", f"worker:{seat}", f"示例{seat}", seat, False, temperature_c, temperature_c)
        for seat, temperature_c in enumerate(temperatures_c, start=1)
    )
    return Manifest(seats, tuple(riders))


def through(bus: Manifest, *steps: Step) -> Manifest:
    for step in steps:
        bus = taken(bus, step, MARK)
    return bus


def test_a_bus_enters_once_it_is_disinfected_measured_and_checked() -> None:
    bus = through(a_bus(36.5, 36.8), *Step)
    assert set(bus.marks) == set(Step)
    assert hindrances(a_bus(36.5), Step.ENTERED) == (
        Hindrance.NOT_DISINFECTED,
        Hindrance.NOT_MEASURED,
        Hindrance.NOT_CHECKED,
    )


def test_measuring_and_disinfecting_may_come_in_any_order() -> None:
    through(a_bus(36.5), Step.MEASURED, Step.DISINFECTED, Step.CHECKED)


def test_whoever_is_not_measured_is_named() -> None:
    with pytest.raises(StepRefused) as refused:
        taken(a_bus(36.5, None), Step.MEASURED, MARK)
    assert (refused.value.hindrance, refused.value.riders) == (Hindrance.READING_MISSING, ("示例2",))


def test_a_late_rider_has_to_be_measured_before_the_check() -> None:
    bus = through(a_bus(36.5), Step.DISINFECTED, Step.MEASURED)
    bus = boarded(bus, Rider("late", "worker:late", "示例晚", 2))
    assert Step.MEASURED not in bus.marks
    bus = through(measured(bus, "late", 36.6), Step.MEASURED, Step.CHECKED)
    with pytest.raises(StepRefused, match="checked_already"):
        boarded(bus, Rider("later", "worker:later", "示例更晚", 3))


def test_a_feverish_rider_is_held_even_after_a_cooler_second_reading() -> None:
    bus = measured(measured(a_bus(36.5, None), "r2", 38.1), "r2", 36.9)
    assert [rider.name for rider in bus.held(FEVER_C)] == ["示例2"]
    bus = through(bus, *Step)
    assert bus.outcomes(FEVER_C) == {"r1": Outcome.ENTERED, "r2": Outcome.HELD}


def test_a_reading_at_the_limit_counts_as_fever() -> None:
    assert a_bus(37.3).held(FEVER_C)
    assert not a_bus(37.2).held(FEVER_C)


@pytest.mark.parametrize(("seat", "hindrance"), [(1, Hindrance.SEAT_TAKEN), (6, Hindrance.NO_SUCH_SEAT)])
def test_a_seat_is_given_once_and_only_if_it_is_there(seat: int, hindrance: Hindrance) -> None:
    with pytest.raises(StepRefused) as refused:
        boarded(a_bus(36.5), Rider("x", "worker:x", "示例", seat))
    assert refused.value.hindrance is hindrance
    with pytest.raises(StepRefused):
        reseated(a_bus(36.5, 36.5), "r2", seat)


def test_nobody_rides_twice_and_a_full_bus_takes_nobody() -> None:
    with pytest.raises(StepRefused, match="rider_twice"):
        boarded(a_bus(36.5), Rider("again", "worker:1", "示例1", 4))
    assert free_seat(a_bus(36.5)) == 2
    with pytest.raises(StepRefused, match="bus_full"):
        free_seat(a_bus(36.5, seats=1))


def test_only_the_last_step_is_taken_back() -> None:
    bus = through(a_bus(36.5), Step.DISINFECTED, Step.MEASURED, Step.CHECKED)
    with pytest.raises(StepRefused, match="not_the_last_step"):
        taken_back(bus, Step.MEASURED)
    assert Step.MEASURED not in taken_back(taken_back(bus, Step.CHECKED), Step.MEASURED).marks


def test_a_cancelled_bus_goes_nowhere() -> None:
    for step in Step:
        assert hindrances(Manifest(5, cancelled=True), step) == (Hindrance.CANCELLED,)


class AnyDay(RuleBasedStateMachine):
    """Whatever people press, in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.bus = Manifest(4)
        self.numbers = count()

    @rule(seat=st.integers(0, 5), who=st.integers(0, 5), temperature_c=st.none() | st.floats(35, 40))
    def somebody_boards(self, seat: int, who: int, temperature_c: float | None) -> None:
        rider_id = f"r{next(self.numbers)}"
        rider = Rider(rider_id, f"worker:{who}", "示例", seat, False, temperature_c, temperature_c)
        self.tried(lambda: boarded(self.bus, rider))

    @precondition(lambda self: self.bus.riders)
    @rule(data=st.data())
    def something_happens_to_a_rider(self, data: st.DataObject) -> None:
        rider_id = data.draw(st.sampled_from([rider.rider_id for rider in self.bus.riders]))
        self.tried(
            data.draw(
                st.sampled_from(
                    [
                        lambda: measured(self.bus, rider_id, 36.5),
                        lambda: measured(self.bus, rider_id, 38.5),
                        lambda: marked_absent(self.bus, rider_id, True),
                        lambda: marked_absent(self.bus, rider_id, False),
                        lambda: reseated(self.bus, rider_id, 3),
                        lambda: removed(self.bus, rider_id),
                    ]
                )
            )
        )

    @rule(step=st.sampled_from(Step))
    def a_step_is_taken(self, step: Step) -> None:
        is_free = not hindrances(self.bus, step)
        assert self.tried(lambda: taken(self.bus, step, MARK)) is is_free

    @rule(step=st.sampled_from(Step))
    def a_step_is_taken_back(self, step: Step) -> None:
        self.tried(lambda: taken_back(self.bus, step))

    @invariant()
    def nobody_unmeasured_is_behind_the_step(self) -> None:
        if Step.MEASURED in self.bus.marks:
            assert self.bus.on_board
            assert all(rider.temperature_c is not None for rider in self.bus.on_board)

    @invariant()
    def every_step_rests_on_those_before_it(self) -> None:
        if Step.CHECKED in self.bus.marks:
            assert {Step.DISINFECTED, Step.MEASURED} <= set(self.bus.marks)
        if Step.ENTERED in self.bus.marks:
            assert Step.CHECKED in self.bus.marks

    @invariant()
    def a_seat_holds_one_rider_and_a_person_one_seat(self) -> None:
        riders = self.bus.riders
        assert len({rider.seat for rider in riders}) == len({rider.key for rider in riders}) == len(riders)
        assert all(1 <= rider.seat <= self.bus.seats for rider in riders)

    @invariant()
    def nobody_with_a_fever_enters(self) -> None:
        outcomes = self.bus.outcomes(FEVER_C)
        for rider in self.bus.on_board:
            if (rider.highest_c or 0) >= FEVER_C:
                assert outcomes[rider.rider_id] is Outcome.HELD

    def tried(self, change: object) -> bool:
        assert callable(change)
        try:
            self.bus = change()
        except StepRefused:
            return False
        return True


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
