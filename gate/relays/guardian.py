"""A small process beside the gate that releases the relays when the gate is killed.

SIGKILL, a crash of a library or the out-of-memory killer leave no time to release anything, and boards on a
network or a USB port keep their last state; so may GPIO pins, depending on the kernel. The guardian holds the
other end of a pipe: the kernel closes it when the gate dies, however it dies, and the guardian then opens the
same boards and releases them. It imports neither OpenCV nor NumPy.

Run by `GuardedRelay` as `python -m gate.relays.guardian`; reads JSON lines from its standard input.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from typing import IO

from gate.errors import RelayError
from gate.relays import open_relay
from gate.relays.base import Relay
from gate.settings import RelaySettings
from sync.backoff import Backoff

log = logging.getLogger(__name__)

GIVE_UP_S = 120.0
"""How long an orphaned guardian tries to reach a board; by then a restarted gate holds it."""

RETRY_MIN_S = 0.1
RETRY_MAX_S = 2.0
END_TIMEOUT_S = 2.0


class Guardian:
    """The gate's end of the pipe; one process for all its relays, started with the first one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._watched: dict[int, RelaySettings] = {}
        self._next_key = 0

    @property
    def pid(self) -> int | None:
        with self._lock:
            return self._process.pid if self._process is not None else None

    def watch(self, settings: RelaySettings) -> int:
        """From now on the relay is released when this process dies. Returns the key for `forget`."""
        with self._lock:
            key = self._next_key
            self._next_key += 1
            self._watched[key] = settings
            if self._alive():
                self._tell(key, settings)
            else:
                self._start()
            return key

    def forget(self, key: int) -> None:
        """The relay was closed in an orderly way; the guardian of no relay ends."""
        with self._lock:
            self._watched.pop(key, None)
            if self._watched:
                self._tell(key, None)
            else:
                self._end()

    def stay_alive(self) -> None:
        """Starts the guardian again when something ended it. Cheap: one system call."""
        with self._lock:
            if self._watched and not self._alive():
                log.error("the guardian of the relays has ended; it is started again")
                self._start()

    def let_go_in_child(self) -> None:
        """In a forked child of the gate: its copy of the pipe must not outlive the gate."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _start(self) -> None:
        self._end()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gate.relays.guardian"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C or hang-up of the gate's terminal is not for the guardian
            )
        except OSError as error:
            log.error("the guardian of the relays cannot be started (%s): a killed gate may stay open", error)
            return
        for key, settings in self._watched.items():
            self._tell(key, settings)

    def _tell(self, key: int, settings: RelaySettings | None) -> None:
        if self._process is None or self._process.stdin is None:
            return
        line = {"key": key, "relay": None if settings is None else settings.model_dump(mode="json")}
        try:
            self._process.stdin.write(json.dumps(line).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            log.error("the guardian of the relays does not listen: %s", error)  # stay_alive starts another

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            try:
                process.stdin.write(b'{"end": true}\n')
                process.stdin.close()
            except OSError as error:
                log.debug("the guardian had ended before: %s", error)
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(END_TIMEOUT_S)


_guardian = Guardian()
os.register_at_fork(after_in_child=_guardian.let_go_in_child)


class GuardedRelay:
    """A relay whose board is released even when this process is killed."""

    def __init__(self, relay: Relay, settings: RelaySettings, *, guardian: Guardian = _guardian) -> None:
        self._relay = relay
        self._guardian = guardian
        self._key: int | None = guardian.watch(settings)

    @property
    def name(self) -> str:
        return self._relay.name

    def set(self, energised: bool) -> None:
        if energised:
            self._guardian.stay_alive()
        self._relay.set(energised)

    def is_energised(self) -> bool:
        return self._relay.is_energised()

    def close(self) -> None:
        self._relay.close()
        if self._key is not None:
            self._guardian.forget(self._key)
            self._key = None


# the guardian process


def release_all(relays: list[RelaySettings], *, give_up_s: float = GIVE_UP_S) -> list[RelaySettings]:
    """Tries until every relay is released or time is up; returns those that were not reached."""
    deadline_s = time.monotonic() + give_up_s
    backoff = Backoff(RETRY_MIN_S, RETRY_MAX_S)
    left = list(relays)
    while left and time.monotonic() < deadline_s:
        left = [settings for settings in left if not _released(settings)]
        if left:
            time.sleep(backoff.next_s())
    return left


def _released(settings: RelaySettings) -> bool:
    try:
        relay = open_relay(settings, guarded=False)
    except RelayError:
        return False
    try:
        relay.set(False)
    except RelayError:
        return False
    finally:
        relay.close()
    return True


def watched_until_the_gate_is_gone(lines: IO[bytes]) -> list[RelaySettings]:
    """The relays to release: none when the gate took its leave, else those it had open."""
    watched: dict[int, RelaySettings] = {}
    for line in lines:
        message = json.loads(line)
        if message.get("end"):
            return []
        if message["relay"] is None:
            watched.pop(message["key"], None)
        else:
            watched[message["key"]] = RelaySettings.model_validate(message["relay"])
            _import_driver(watched[message["key"]])
    return list(watched.values())


def _import_driver(settings: RelaySettings) -> None:
    """Now, not in the moment of need."""
    if settings.driver == "modbus":
        import gate.relays.modbus  # noqa: PLC0415
    elif settings.driver == "serial":
        import gate.relays.serial_board  # noqa: PLC0415
    elif settings.driver == "gpio":
        import gate.relays.gpio  # noqa: F401, PLC0415


def main() -> int:
    """Wait for the gate's end, release, go. Returns 1 when a board was not reached."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # whoever ends the gate must not end its guardian first
    logging.basicConfig(level=logging.CRITICAL)
    left = release_all(watched_until_the_gate_is_gone(sys.stdin.buffer))
    for settings in left:
        where = settings.host or settings.device or f"pin {settings.pin}"
        sys.stderr.write(f"sitegate guardian: relay {settings.driver} {where} could not be released\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
