"""One door: its relay, its contact, its exit button and its fire input.

The door has no opinion on who may pass. It opens for a recorded event and for the pulse length, says what the
contact saw, and obeys the fire input before everything else (docs/decisions/fire-alarm.md).

Two threads belong to a door. The supervisor turns `step()`: it alone releases the relay and it never runs
anybody else's code, so that no slow store keeps a door open or shut. The notifier calls the callbacks.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from queue import Empty, Full, Queue
from typing import Literal

from gate.clock import Clock
from gate.errors import RelayError
from gate.relays.base import Input, Relay
from gate.relays.passage import PassageWatch
from gate.settings import InputsSettings, RelaySettings
from sync.backoff import Backoff
from sync.records import Passage

log = logging.getLogger(__name__)

TURN_S = 0.1
"""The supervisor looks at its inputs at least this often; changes wake it at once."""

RETRY_MIN_S = 0.2
RETRY_MAX_S = 2.0
"""Bounds of the waits between attempts to move a relay that does not answer."""

REFRESH_S = 1.0
"""A relay that is held open is energised again this often: a board that lost power opens again."""

CHECK_S = 5.0
"""An idle relay is asked for its state this often, so that a dead board is known before somebody waits."""

MOST_NOTICES = 1000
"""That wait for a listener; people make one every few seconds."""

MOST_EDGES = 256
"""Changes of inputs between two turns; more is a chattering wire, and the levels are read anyway."""

CLOSE_ATTEMPTS = 3
JOIN_TIMEOUT_S = 2.0

Part = Literal["relay", "fire_alarm", "door_contact", "exit_button"]


class Door:
    """Opens, shuts, and tells.

    relay, contact, exit_button, fire_alarm  belong to the door from now on: `close()` closes them
    on_passage       (event_id, what the contact saw); never called without a contact
    on_exit_request  the exit button was pressed; whoever records calls `open_for`
    on_fire          the fire input changed; the relay has been moved already
    on_fault         everything that is wrong now, each part named; empty when all is well again
    on_held_open     the contact is open for longer than `held_open_s`, or shut again
    supervised       False leaves `step()` and `deliver()` to the caller (tests with their own clock)

    Input active means: door open, button pressed, alarm on. Callbacks run on the notifier thread, one at a
    time. The door works from construction on: the relay is released, or opened where the alarm is on already.
    """

    def __init__(
        self,
        relay: Relay,
        settings: RelaySettings,
        inputs: InputsSettings,
        *,
        clock: Clock,
        contact: Input | None = None,
        exit_button: Input | None = None,
        fire_alarm: Input | None = None,
        on_passage: Callable[[str, Passage], None],
        on_exit_request: Callable[[], None],
        on_fire: Callable[[bool], None],
        on_fault: Callable[[str], None],
        on_held_open: Callable[[bool], None],
        supervised: bool = True,
    ) -> None:
        self._relay = relay
        self._settings = settings
        self._clock = clock
        self._contact = contact
        self._exit_button = exit_button
        self._fire_alarm = fire_alarm
        self._on_passage = on_passage
        self._on_exit_request = on_exit_request
        self._on_fire = on_fire
        self._on_fault = on_fault
        self._on_held_open = on_held_open

        self._lock = threading.RLock()
        self._passages = PassageWatch(inputs.passage_timeout_s, inputs.held_open_s) if contact else None
        self._edges: deque[tuple[Part, bool, float]] = deque(maxlen=MOST_EDGES)
        self._levels: dict[Part, bool] = {}
        self._held_open_told = False
        self._open_until_s = 0.0
        self._holds: set[str] = set()
        self._set_to: bool | None = None  # None: unknown, because the last call failed
        self._set_at_s = 0.0
        self._retry_at_s = 0.0
        self._backoff = Backoff(RETRY_MIN_S, RETRY_MAX_S)
        self._faults: dict[Part, str] = {}
        self._notices: Queue[Callable[[], None] | None] = Queue(MOST_NOTICES)
        self._wake = threading.Event()
        self._closed = False

        for part, source in self._inputs():
            source.on_change(partial(self._edge, part))
        self._read_exit_button_at_start()
        self.step()
        self._threads: list[threading.Thread] = []
        if supervised:
            self._threads = [
                threading.Thread(target=self._supervise, name=f"door {relay.name}", daemon=True),
                threading.Thread(target=self._notify, name=f"door notices {relay.name}", daemon=True),
            ]
            for thread in self._threads:
                thread.start()

    @property
    def relay(self) -> Relay:
        return self._relay

    @property
    def fire(self) -> bool:
        """Whether the fire input holds the door open."""
        with self._lock:
            return self._levels.get("fire_alarm", False)

    @property
    def held_open(self) -> bool:
        """Whether the contact is open for longer than `held_open_s`."""
        with self._lock:
            return self._passages is not None and self._passages.held_open

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong now, by part: relay, fire_alarm, door_contact, exit_button."""
        with self._lock:
            return {str(part): problem for part, problem in self._faults.items()}

    def open_for(self, event_id: str) -> float:
        """Energise now for `pulse_s`; a call while the door is open extends it and never shortens.

        Returns the monotonic time at which the relay had moved. Raises RelayError; then the door is released
        as soon as the board answers again, in case it did hear the call.
        """
        with self._lock:
            self._check_not_closed()
            self._set(True)
            now_s = self._clock.monotonic()
            self._open_until_s = max(self._open_until_s, now_s + self._settings.pulse_s)
            if self._passages is not None:
                self._passages.opened_for(event_id, now_s)
        self._wake.set()
        return now_s

    def hold_open(self, reason: str) -> None:
        """Open until every reason is taken back; retried for as long as the relay does not answer."""
        with self._lock:
            self._check_not_closed()
            self._holds.add(reason)
            self._retry_at_s = 0.0
            self.step()
        self._wake.set()

    def release_hold(self, reason: str) -> None:
        """Take back a reason; other reasons and the fire input keep the door open."""
        with self._lock:
            self._holds.discard(reason)
            self.step()
        self._wake.set()

    def close(self) -> None:
        """Release the relay and give back every device. Never raises."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._wake.set()
        self._tell(None)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(JOIN_TIMEOUT_S)
        for _, source in self._inputs():
            source.close()
        with self._lock:
            self._holds.clear()
            for _ in range(CLOSE_ATTEMPTS):
                try:
                    self._relay.set(False)
                    break
                except RelayError as error:
                    log.error("%s could not be released at closing: %s", self._relay.name, error)
            self._relay.close()

    def step(self) -> float:
        """One turn of the supervisor; returns the seconds until the next one is due."""
        with self._lock:
            if self._closed:
                return TURN_S
            now_s = self._clock.monotonic()
            fire_before = self.fire
            while self._edges:
                self._apply(*self._edges.popleft())
            self._read_levels(now_s)
            self._watch_contact(now_s)
            self._move_relay(now_s)
            if self.fire != fire_before:
                self._tell(partial(self._on_fire, self.fire))
            return self._until_next_turn(now_s)

    def deliver(self, *, wait: bool = False) -> bool:
        """Call the callbacks that are due; with `wait` the next one. False at the end."""
        while True:
            try:
                notice = self._notices.get(block=wait)
            except Empty:
                return True
            if notice is None:
                return False
            try:
                notice()
            except Exception:
                # a failing listener must not silence the ones after it
                log.exception("a listener of the door %s failed", self._relay.name)
            if wait:
                return True

    # supervisor

    def _supervise(self) -> None:
        while not self._closed:
            self._wake.wait(self.step())
            self._wake.clear()

    def _notify(self) -> None:
        while self.deliver(wait=True):
            pass

    def _until_next_turn(self, now_s: float) -> float:
        due_s = now_s + TURN_S
        if self._set_to is not False and not self._holds and not self.fire and self._open_until_s > now_s:
            due_s = min(due_s, self._open_until_s)
        return max(0.0, due_s - now_s)

    # inputs

    def _inputs(self) -> list[tuple[Part, Input]]:
        wired: list[tuple[Part, Input | None]] = [
            ("fire_alarm", self._fire_alarm),
            ("door_contact", self._contact),
            ("exit_button", self._exit_button),
        ]
        return [(part, source) for part, source in wired if source is not None]

    def _edge(self, part: Part, active: bool) -> None:
        """From a driver's thread: kept with its time, handled by the supervisor."""
        self._edges.append((part, active, self._clock.monotonic()))
        self._wake.set()

    def _read_exit_button_at_start(self) -> None:
        """A button that is pressed or shorted while the gate starts must not open the door."""
        if self._exit_button is not None:
            try:
                self._levels["exit_button"] = self._exit_button.is_active()
            except RelayError as error:
                self._set_fault("exit_button", _words(error))

    def _read_levels(self, now_s: float) -> None:
        """Levels beside the edges: at start, after a fault, and should an edge get lost.

        An input that does not answer keeps the level it last had and is a named fault.
        """
        for part, source in self._inputs():
            try:
                active = source.is_active()
            except RelayError as error:
                self._set_fault(part, _words(error))
                continue
            self._set_fault(part, "")
            if not self._edges:  # else the level may be older than the edge; the next turn knows
                self._apply(part, active, now_s)

    def _apply(self, part: Part, active: bool, at_s: float) -> None:
        if active == self._levels.get(part, False):
            return
        self._levels[part] = active
        if part == "exit_button" and active:
            self._tell(self._on_exit_request)
        elif part == "door_contact" and self._passages is not None:
            self._passages.contact(active, at_s)
        elif part == "fire_alarm":
            self._retry_at_s = 0.0

    def _watch_contact(self, now_s: float) -> None:
        if self._passages is None:
            return
        held_before = self._held_open_told
        expected_open = self.fire or bool(self._holds)
        for event_id, passage in self._passages.due(now_s, expected_open=expected_open):
            self._tell(partial(self._on_passage, event_id, passage))
        if self._passages.held_open != held_before:
            self._held_open_told = self._passages.held_open
            self._tell(partial(self._on_held_open, self._passages.held_open))

    # relay

    def _move_relay(self, now_s: float) -> None:
        held = self.fire or bool(self._holds)
        wanted = held or now_s < self._open_until_s
        if self._set_to == wanted:
            age_s = now_s - self._set_at_s
            if not (held and age_s >= REFRESH_S) and age_s < CHECK_S:
                return
        if now_s < self._retry_at_s:
            return
        try:
            idle = self._set_to is False and not wanted
            if idle and not self._is_energised():
                self._moved(False)
            else:
                self._set(wanted)
        except RelayError:  # a named fault by now
            self._retry_at_s = self._clock.monotonic() + self._backoff.next_s()

    def _set(self, energised: bool) -> None:
        """Raises RelayError and leaves the state unknown, so that the supervisor sets it right."""
        try:
            self._relay.set(energised)
        except RelayError as error:
            self._set_to = None
            self._set_fault("relay", f"cannot be {'opened' if energised else 'released'}: {_words(error)}")
            raise
        self._moved(energised)

    def _is_energised(self) -> bool:
        try:
            return self._relay.is_energised()
        except RelayError as error:
            self._set_to = None
            self._set_fault("relay", _words(error))
            raise

    def _moved(self, energised: bool) -> None:
        self._set_to = energised
        self._set_at_s = self._clock.monotonic()
        self._backoff.reset()
        self._set_fault("relay", "")

    # telling

    def _set_fault(self, part: Part, problem: str) -> None:
        if self._faults.get(part, "") == problem:
            return
        if problem:
            self._faults[part] = problem
        else:
            del self._faults[part]
        told = "; ".join(f"{name}: {text}" for name, text in sorted(self._faults.items()))
        self._tell(partial(self._on_fault, told))

    def _tell(self, notice: Callable[[], None] | None) -> None:
        try:
            self._notices.put_nowait(notice)
        except Full:
            log.error("%s: listeners do not keep up, a notice is lost", self._relay.name)

    def _check_not_closed(self) -> None:
        if self._closed:
            raise RelayError(f"{self._relay.name} is closed", next_step="start the gate again")


def _words(error: RelayError) -> str:
    return f"{error} ({error.next_step})" if error.next_step else str(error)
