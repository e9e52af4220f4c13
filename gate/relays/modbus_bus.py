"""One connection to a Modbus board or line, shared by every relay and input on it.

Cheap boards take one or two TCP connections, and a serial line can be opened once only; so all drivers of
this process that name the same place use the same connection, one request at a time.
"""

from __future__ import annotations

import logging
import termios
import threading
import time
from collections.abc import Callable
from typing import Protocol

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.pdu import ModbusPDU

from gate.errors import RelayError
from gate.relays.shared import Shared

# Every failure is raised as RelayError and reported once; pymodbus would add a line per attempt.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

Client = ModbusTcpClient | ModbusSerialClient
Request = Callable[[Client], ModbusPDU]


class ModbusPlace(Protocol):
    """The keys of a section of `config.yaml` that say where a board or a line is."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def device(self) -> str: ...

    @property
    def baud(self) -> int: ...

    @property
    def timeout_s(self) -> float: ...


NEXT_STEP = (
    "check power and cable of the board, its address, `unit` and port, and that no other program is connected"
)


class _RtuClient(ModbusSerialClient):
    """Waits by pyserial's monotonic clock; the original measures with the wall clock, which may jump."""

    def recv(self, size: int | None) -> bytes:
        if self.socket is None:
            raise ConnectionException("serial line is closed")
        try:
            self.socket.timeout = self.comm_params.timeout_connect
            first = self.socket.read(1)
            return bytes(first + self.socket.read(self.socket.in_waiting)) if first else b""
        except (OSError, termios.error):
            self.close()  # type: ignore[no-untyped-call]
            raise ConnectionException("serial line is lost") from None


class ModbusBus:
    """Requests with a deadline. Use `ModbusBus.shared`, and `leave` when done."""

    def __init__(self, settings: ModbusPlace) -> None:
        self.place = place_of(settings)
        self._key = _key(settings)
        self._client = _client(settings)
        self._lock = threading.Lock()

    @classmethod
    def shared(cls, settings: ModbusPlace) -> ModbusBus:
        """The connection to the place that `settings` names; opened at the first request."""
        return _BUSES.join(_key(settings), lambda: cls(settings))

    def leave(self) -> None:
        """The last one to leave closes the connection."""
        if _BUSES.leave(self._key) is not None:
            with self._lock:
                self._disconnect()

    def ask(self, request: Request, *, timeout_s: float, what: str) -> ModbusPDU:
        """The board's answer within `timeout_s`. Raises RelayError, naming `what` was asked for.

        A connection that the board had closed meanwhile (boards drop idle ones) is opened anew once.
        """
        deadline_s = time.monotonic() + timeout_s
        if not self._lock.acquire(timeout=timeout_s):
            raise RelayError(f"{self.place}: busy for {timeout_s:g} s, {what} not sent", next_step=NEXT_STEP)
        try:
            was_connected = self._client.connected
            try:
                return self._send(request, deadline_s, what)
            except ConnectionException:
                self._disconnect()
                if not was_connected:
                    raise
                return self._send(request, deadline_s, what)
        except RelayError:
            raise
        except (ModbusException, OSError) as error:
            self._disconnect()  # else a late answer would be taken for the next one
            raise RelayError(f"{self.place} does not answer ({what})", next_step=NEXT_STEP) from error
        finally:
            self._lock.release()

    def _send(self, request: Request, deadline_s: float, what: str) -> ModbusPDU:
        self._allow(deadline_s - time.monotonic())
        if not self._client.connect():
            raise ConnectionException(self.place)
        self._allow(deadline_s - time.monotonic())
        answer = request(self._client)
        if answer.isError():
            raise RelayError(f"{self.place} refuses {what}: {answer}", next_step=NEXT_STEP)
        return answer

    def _disconnect(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def _allow(self, remaining_s: float) -> None:
        """The client waits no longer than what is left of the call's time."""
        if remaining_s <= 0:
            raise ConnectionException("time is up")
        self._client.comm_params.timeout_connect = remaining_s
        self._client.transaction.comm_params.timeout_connect = remaining_s


_BUSES: Shared[ModbusBus] = Shared()


def place_of(settings: ModbusPlace) -> str:
    """How the place is called in names and errors."""
    if settings.host:
        return f"modbus tcp {settings.host}:{settings.port}"
    return f"modbus rtu {settings.device}"


def _client(settings: ModbusPlace) -> Client:
    timeout_s = settings.timeout_s
    if settings.host:
        return ModbusTcpClient(settings.host, port=settings.port, timeout=timeout_s, retries=0)
    return _RtuClient(settings.device, baudrate=settings.baud, timeout=timeout_s, retries=0)


def _key(settings: ModbusPlace) -> tuple[str, int]:
    return (settings.host, settings.port) if settings.host else (settings.device, settings.baud)
