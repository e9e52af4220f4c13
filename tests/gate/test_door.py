"""One door with simulated devices and a clock that the test turns."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.clock import SystemClock
from gate.errors import RelayError
from gate.relays.door import CHECK_S, REFRESH_S, RETRY_MAX_S, Door
from gate.relays.simulated import SimulatedInput, SimulatedRelay
from gate.settings import InputsSettings, RelaySettings
from sync.records import Passage

PULSE_S = 3.0
PASSAGE_TIMEOUT_S = 8.0
HELD_OPEN_S = 15.0
PATIENCE_S = 60.0


class ManualClock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.now_s


class Bench:
    """A door, its devices, and everything it said."""

    def __init__(self, *, with_contact: bool = True, pulse_s: float = PULSE_S, **levels: bool) -> None:
        self.clock = ManualClock()
        self.relay = SimulatedRelay(monotonic=self.clock.monotonic)
        self.contact = SimulatedInput(levels.get("contact", False))
        self.button = SimulatedInput(levels.get("button", False))
        self.fire = SimulatedInput(levels.get("fire", False))
        self.passages: list[tuple[str, Passage]] = []
        self.exit_requests = 0
        self.fires: list[bool] = []
        self.faults: list[str] = []
        self.held: list[bool] = []
        self.door = Door(
            self.relay,
            RelaySettings(pulse_s=pulse_s),
            InputsSettings(passage_timeout_s=PASSAGE_TIMEOUT_S, held_open_s=HELD_OPEN_S),
            clock=self.clock,
            contact=self.contact if with_contact else None,
            exit_button=self.button,
            fire_alarm=self.fire,
            on_passage=lambda event_id, passage: self.passages.append((event_id, passage)),
            on_exit_request=self._exit_requested,
            on_fire=self.fires.append,
            on_fault=self.faults.append,
            on_held_open=self.held.append,
            supervised=False,
        )

    def _exit_requested(self) -> None:
        self.exit_requests += 1

    def wait(self, seconds: float = 0.0) -> None:
        """Time goes by in the turns a supervisor would make."""
        end_s = self.clock.now_s + seconds
        while True:
            due_s = self.door.step()
            if self.clock.now_s >= end_s:
                break
            self.clock.now_s = min(end_s, self.clock.now_s + max(due_s, 0.001))
        self.door.deliver()

    @property
    def is_open(self) -> bool:
        return self.relay.history[-1][1]


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.door.close()


def test_the_relay_is_released_at_start(bench: Bench) -> None:
    assert [energised for _, energised in bench.relay.history] == [False]
    assert bench.door.faults == {}


def test_a_door_opens_at_once_for_exactly_the_pulse(bench: Bench) -> None:
    edge_s = bench.door.open_for("e1")
    assert edge_s == bench.clock.now_s
    bench.wait(10)
    (_, _), (opened_s, opened), (shut_s, shut) = bench.relay.history
    assert (opened, shut) == (True, False)
    assert shut_s - opened_s == pytest.approx(PULSE_S, abs=0.002)


def test_a_second_opening_extends_and_never_shortens(bench: Bench) -> None:
    bench.door.open_for("e1")
    bench.wait(2)
    bench.door.open_for("e2")
    bench.wait(10)
    history = bench.relay.history
    assert [energised for _, energised in history] == [False, True, False]
    assert history[2][0] - history[1][0] == pytest.approx(2 + PULSE_S, abs=0.002)


@settings(deadline=None)
@given(st.lists(st.floats(min_value=0, max_value=5), min_size=1, max_size=8))
def test_every_opening_lasts_at_least_the_pulse_and_ends(gaps_s: list[float]) -> None:
    bench = Bench()
    asked: list[float] = []
    for gap_s in gaps_s:
        asked.append(bench.door.open_for("e"))
        bench.wait(gap_s)
    bench.wait(PULSE_S + 1)
    edges = bench.relay.history[1:]
    for at_s in asked:
        shut_s = next(edge_s for edge_s, on in edges if not on and edge_s > at_s)
        assert shut_s - at_s >= PULSE_S - 1e-6
    assert not bench.is_open
    bench.door.close()


# passages


def test_a_contact_that_opens_and_shuts_means_passed(bench: Bench) -> None:
    bench.door.open_for("e1")
    bench.wait(1)
    bench.contact.set(True)
    bench.wait(1.5)
    assert bench.passages == []
    bench.contact.set(False)
    bench.wait()
    assert bench.passages == [("e1", Passage.PASSED)]
    bench.wait(60)
    assert bench.passages == [("e1", Passage.PASSED)]


def test_a_contact_that_never_opens_means_not_passed(bench: Bench) -> None:
    bench.door.open_for("e1")
    bench.wait(PASSAGE_TIMEOUT_S - 0.2)
    assert bench.passages == []
    bench.wait(0.4)
    assert bench.passages == [("e1", Passage.NOT_PASSED)]


def test_a_slow_walker_has_passed_when_the_door_shuts(bench: Bench) -> None:
    bench.door.open_for("e1")
    bench.wait(PASSAGE_TIMEOUT_S - 1)
    bench.contact.set(True)
    bench.wait(5)
    bench.contact.set(False)
    bench.wait()
    assert bench.passages == [("e1", Passage.PASSED)]


def test_a_door_held_open_alarms_until_it_shuts(bench: Bench) -> None:
    bench.door.open_for("e1")
    bench.contact.set(True)
    bench.wait(HELD_OPEN_S - 0.2)
    assert bench.held == []
    bench.wait(0.4)
    assert bench.held == [True]
    assert bench.door.held_open
    assert bench.passages == [("e1", Passage.HELD_OPEN)]
    bench.contact.set(False)
    bench.wait()
    assert bench.held == [True, False]
    assert bench.passages == [("e1", Passage.HELD_OPEN)]


def test_two_people_and_one_opening_leave_the_second_unknown(bench: Bench) -> None:
    bench.door.open_for("e1")
    bench.door.open_for("e2")
    bench.contact.set(True)
    bench.wait(1)
    bench.contact.set(False)
    bench.wait(20)
    assert bench.passages == [("e1", Passage.PASSED), ("e2", Passage.UNKNOWN)]


def test_two_people_and_two_openings_have_both_passed(bench: Bench) -> None:
    bench.door.open_for("e1")
    bench.door.open_for("e2")
    for _ in range(2):
        bench.contact.set(True)
        bench.wait(0.5)
        bench.contact.set(False)
        bench.wait(0.5)
    assert bench.passages == [("e1", Passage.PASSED), ("e2", Passage.PASSED)]


def test_a_contact_that_opens_and_shuts_between_two_turns_is_seen(bench: Bench) -> None:
    bench.door.open_for("e1")
    bench.contact.set(True)
    bench.contact.set(False)
    bench.wait()
    assert bench.passages == [("e1", Passage.PASSED)]


def test_a_door_without_contact_reports_no_passage() -> None:
    bench = Bench(with_contact=False)
    bench.door.open_for("e1")
    bench.wait(60)
    assert bench.passages == []
    bench.door.close()


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("open_for"), st.just(0.0)),
            st.tuples(st.just("contact"), st.just(0.0)),
            st.tuples(st.just("wait"), st.floats(min_value=0.05, max_value=20)),
        ),
        max_size=14,
    )
)
def test_every_opening_gets_one_passage_whatever_the_contact_does(steps: list[tuple[str, float]]) -> None:
    bench = Bench()
    opened, contact = [], False
    for kind, seconds in steps:
        if kind == "open_for":
            opened.append(f"e{len(opened)}")
            bench.door.open_for(opened[-1])
        elif kind == "contact":
            contact = not contact
            bench.contact.set(contact)
        else:
            bench.wait(seconds)
    bench.wait()
    bench.contact.set(False)
    bench.wait(PASSAGE_TIMEOUT_S + HELD_OPEN_S + 1)
    assert sorted(event_id for event_id, _ in bench.passages) == sorted(opened)
    assert not bench.door.held_open
    bench.door.close()


# exit button


def test_the_exit_button_asks_once_per_press_and_does_not_open_by_itself(bench: Bench) -> None:
    for _ in range(2):
        bench.button.set(True)
        bench.wait(1)
        bench.button.set(False)
        bench.wait(1)
    assert bench.exit_requests == 2
    assert not bench.is_open


def test_a_button_that_is_pressed_while_the_gate_starts_asks_for_nothing() -> None:
    bench = Bench(button=True)
    bench.wait(1)
    assert bench.exit_requests == 0
    bench.button.set(False)
    bench.button.set(True)
    bench.wait()
    assert bench.exit_requests == 1
    bench.door.close()


# fire


def test_fire_opens_and_stays_open_until_the_alarm_clears(bench: Bench) -> None:
    bench.fire.set(True)
    bench.wait(600)
    assert bench.is_open
    assert bench.fires == [True]
    bench.fire.set(False)
    bench.wait()
    assert not bench.is_open
    assert bench.fires == [True, False]


def test_a_fire_alarm_that_is_on_at_start_opens_at_once() -> None:
    bench = Bench(fire=True)
    assert bench.is_open
    bench.wait()
    assert bench.fires == [True]
    bench.door.close()
    assert not bench.is_open


def test_fire_during_a_pulse_keeps_the_door_open_after_it(bench: Bench) -> None:
    bench.door.open_for("e1")
    bench.wait(1)
    bench.fire.set(True)
    bench.wait(30)
    assert bench.is_open
    bench.door.release_hold("guard")
    assert bench.is_open
    bench.fire.set(False)
    bench.wait()
    assert not bench.is_open


def test_a_broken_fire_input_keeps_its_last_state_and_is_a_named_fault(bench: Bench) -> None:
    bench.fire.set(True)
    bench.wait()
    bench.fire.break_down("wire cut")
    bench.wait(60)
    assert bench.is_open
    assert "fire_alarm" in bench.door.faults
    assert "wire cut" in bench.faults[-1]
    bench.fire.repair()
    bench.fire.set(False)
    bench.wait()
    assert not bench.is_open
    assert bench.faults[-1] == ""


def test_an_alarm_that_came_while_the_input_was_broken_is_seen_after_the_repair(bench: Bench) -> None:
    bench.fire.break_down()
    bench.fire.set(True)
    bench.wait(1)
    assert not bench.is_open
    bench.fire.repair()
    bench.wait()
    assert bench.is_open
    assert bench.fires == [True]


def test_fire_tries_until_the_relay_answers(bench: Bench) -> None:
    bench.relay.break_down()
    bench.fire.set(True)
    bench.wait(30)
    assert not bench.is_open
    assert "relay: cannot be opened" in bench.faults[-1]
    bench.relay.repair()
    bench.wait(RETRY_MAX_S)
    assert bench.is_open
    assert bench.faults[-1] == ""


def test_a_board_that_loses_power_during_fire_is_opened_again(bench: Bench) -> None:
    bench.fire.set(True)
    bench.wait(5)
    bench.relay.set(False)  # as a board that restarts
    bench.wait(REFRESH_S + 0.2)
    assert bench.is_open


def test_nobody_is_blamed_for_a_door_that_stands_open_during_fire(bench: Bench) -> None:
    bench.fire.set(True)
    bench.contact.set(True)
    bench.wait(10 * HELD_OPEN_S)
    assert bench.held == []
    bench.fire.set(False)
    bench.wait(HELD_OPEN_S + 0.5)
    assert bench.held == [True]


def test_a_hold_keeps_open_until_every_reason_is_taken_back(bench: Bench) -> None:
    bench.door.hold_open("guard")
    assert bench.is_open
    bench.door.hold_open("delivery")
    bench.wait(60)
    bench.door.release_hold("guard")
    bench.wait(1)
    assert bench.is_open
    bench.door.release_hold("delivery")
    assert not bench.is_open


# faults of the relay


def test_a_relay_that_does_not_answer_refuses_the_opening_and_names_the_fault(bench: Bench) -> None:
    bench.relay.break_down("no answer")
    with pytest.raises(RelayError, match="no answer") as caught:
        bench.door.open_for("e1")
    assert caught.value.next_step
    bench.wait()
    assert "relay: cannot be" in bench.faults[0]
    bench.relay.repair()
    bench.wait(RETRY_MAX_S + PASSAGE_TIMEOUT_S)
    assert bench.faults[-1] == ""
    assert not bench.is_open
    assert bench.passages == []


def test_a_relay_that_cannot_be_released_is_tried_until_it_can(bench: Bench) -> None:
    bench.door.open_for("e1")
    bench.wait(1)
    bench.relay.break_down("stuck")
    bench.wait(60)
    assert bench.is_open
    assert bench.door.faults["relay"].startswith("cannot be released")
    bench.relay.repair()
    bench.wait(RETRY_MAX_S)
    assert not bench.is_open
    assert bench.faults[-1] == ""


def test_a_dead_board_is_known_before_somebody_waits(bench: Bench) -> None:
    bench.relay.break_down()
    bench.wait(CHECK_S + 0.2)
    assert "relay" in bench.door.faults


def test_a_relay_that_somebody_else_energised_is_released(bench: Bench) -> None:
    bench.wait(1)
    bench.relay.set(True)
    bench.wait(CHECK_S + 0.2)
    assert not bench.is_open


def test_closing_releases_the_relay_even_in_the_middle_of_a_pulse(bench: Bench) -> None:
    bench.door.open_for("e1")
    bench.door.close()
    bench.door.close()
    assert not bench.is_open
    with pytest.raises(RelayError, match="closed"):
        bench.door.open_for("e2")
    assert not bench.is_open


def test_closing_with_a_dead_relay_does_not_raise(bench: Bench) -> None:
    bench.relay.break_down()
    bench.door.close()


# the threads


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_s, "waited in vain"
        time.sleep(0.002)


def threaded_door(**callbacks: Callable[..., None]) -> tuple[Door, SimulatedRelay, dict[str, SimulatedInput]]:
    relay = SimulatedRelay()
    inputs = {name: SimulatedInput() for name in ("contact", "exit_button", "fire_alarm")}

    def ignored(*_: object) -> None:
        return

    names = ("on_passage", "on_exit_request", "on_fire", "on_fault", "on_held_open")
    door = Door(
        relay,
        RelaySettings(pulse_s=0.2),
        InputsSettings(),
        clock=SystemClock(),
        **inputs,  # type: ignore[arg-type]
        **{name: callbacks.get(name, ignored) for name in names},
    )
    return door, relay, inputs


def test_the_supervisor_ends_a_pulse_by_itself() -> None:
    door, relay, _ = threaded_door()
    door.open_for("e1")
    wait_until(lambda: len(relay.history) == 3)
    (_, _), (opened_s, _), (shut_s, energised) = relay.history
    assert not energised
    assert shut_s - opened_s >= 0.2
    door.close()


def test_a_listener_that_hangs_in_the_store_delays_neither_fire_nor_the_end_of_a_pulse() -> None:
    store_is_back = threading.Event()
    fires: list[bool] = []
    door, relay, inputs = threaded_door(
        on_exit_request=lambda: store_is_back.wait(PATIENCE_S), on_fire=fires.append
    )
    inputs["exit_button"].set(True)
    door.open_for("e1")
    wait_until(lambda: not relay.is_energised())
    inputs["fire_alarm"].set(True)
    wait_until(relay.is_energised)
    assert fires == []
    store_is_back.set()
    wait_until(lambda: fires == [True])
    door.close()


def test_a_listener_that_fails_does_not_silence_the_next_notice(caplog: pytest.LogCaptureFixture) -> None:
    fires: list[bool] = []

    def failing() -> None:
        raise RuntimeError("no store")

    door, _, inputs = threaded_door(on_exit_request=failing, on_fire=fires.append)
    inputs["exit_button"].set(True)
    inputs["fire_alarm"].set(True)
    wait_until(lambda: fires == [True])
    assert "a listener of the door" in caplog.text
    door.close()


def test_a_listener_may_open_the_door() -> None:
    opened: list[float] = []
    door, relay, inputs = threaded_door(on_exit_request=lambda: opened.append(door.open_for("exit")))
    inputs["exit_button"].set(True)
    wait_until(lambda: len(relay.history) == 3)
    assert opened
    door.close()
