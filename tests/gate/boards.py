"""Boards for the relay tests: real Modbus servers, and USB boards imitated at the other end of a pty."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import select
import socket
import threading
import time
import tty
from collections.abc import Callable, Coroutine
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

COILS = 16
READ_COILS = 1
READ_DISCRETE_INPUTS = 2
READ_INPUT_REGISTERS = 4
WRITE_COIL = 5
PATIENCE_S = 60.0


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_s, "waited in vain"
        time.sleep(0.005)


class ModbusBoard:
    """A pymodbus server with 16 coils and 16 discrete inputs on unit 1, on its own thread.

    TCP on a loopback port, the same one after every restart, or RTU on `device`.
    """

    def __init__(self, *, device: str = "") -> None:
        self.delay_s = 0.0
        self.deaf_to_writes = False
        self.active_inputs: set[int] = set()
        self.input_registers: dict[int, int] = {}
        self.requests: list[int] = []
        self.connections = 0
        self.port = 0
        self._device = device
        self.start()

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(self._serve())

    def stop(self) -> None:
        self._run(self._server.shutdown())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def coil(self, address: int) -> bool:
        return bool(self._run(self._server.async_getValues(1, READ_COILS, address, 1))[0])

    def set_coil(self, address: int, on: bool) -> None:
        self._run(self._server.async_setValues(1, WRITE_COIL, address, [on]))

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    async def _serve(self) -> ModbusTcpServer | ModbusSerialServer:
        bits = [SimData(0, values=[False] * COILS, datatype=DataType.BITS)]
        inputs = [SimData(0, values=[False] * COILS, datatype=DataType.BITS)]
        words = [SimData(0, values=[0] * COILS, datatype=DataType.REGISTERS)]
        device = SimDevice(1, simdata=(bits, inputs, [SimData(0)], words), action=self._answer)
        server: ModbusTcpServer | ModbusSerialServer
        if self._device:
            server = ModbusSerialServer(device, port=self._device, baudrate=9600)
        else:
            server = ModbusTcpServer(device, address=("127.0.0.1", self.port), trace_connect=self._connected)
        await server.serve_forever(background=True)
        if not self._device:
            self.port = server.transport.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        return server

    def _connected(self, connected: bool) -> None:
        self.connections += connected

    async def _answer(
        self, function: int, start: int, address: int, count: int, registers: list[int], values: Any
    ) -> ExcCodes | None:
        self.requests.append(function)
        if values is not None and self.deaf_to_writes:
            values[:] = [False] * len(values)
        if function == READ_DISCRETE_INPUTS:
            registers[0] = sum(1 << index for index in self.active_inputs)
        if function == READ_INPUT_REGISTERS:
            for number, word in self.input_registers.items():
                registers[number - start] = word
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return None


class SilentHost:
    """Half-open: takes the connection and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def close(self) -> None:
        self._listener.close()


class _PtyBoard:
    """What is soldered to the other end of a serial port."""

    def __init__(self) -> None:
        self._board_fd, self._port_fd = pty.openpty()
        tty.setraw(self._port_fd)
        self.device = os.ttyname(self._port_fd)
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closing:
            if select.select([self._board_fd], [], [], 0.02)[0]:
                self.received(os.read(self._board_fd, 256))

    def received(self, data: bytes) -> None:
        raise NotImplementedError

    def say(self, data: bytes) -> None:
        os.write(self._board_fd, data)

    def unplug(self) -> None:
        self._closing = True
        self._thread.join(5)
        os.close(self._board_fd)
        os.close(self._port_fd)

    close = unplug


class LcusBoard(_PtyBoard):
    """Four bytes per command, checksum checked as the board's firmware does; no answer."""

    def __init__(self) -> None:
        self.states: dict[int, bool] = {}
        self.history: list[tuple[int, bool]] = []
        self.refused: list[bytes] = []
        self._buffer = b""
        super().__init__()

    def received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 4:
            frame, self._buffer = self._buffer[:4], self._buffer[4:]
            start, channel, state, checksum = frame
            if start != 0xA0 or checksum != (start + channel + state) & 0xFF or state > 1:
                self.refused.append(frame)
                continue
            self.states[channel] = bool(state)
            self.history.append((channel, bool(state)))


class AsciiBoard(_PtyBoard):
    """Numato's command set: echo, answer, prompt."""

    def __init__(self, *, jammed: bool = False, mute: bool = False) -> None:
        self.states: dict[int, bool] = {}
        self.jammed = jammed
        self.mute = mute
        self._buffer = b""
        super().__init__()

    def received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r" in self._buffer and not self.mute:
            line, self._buffer = self._buffer.split(b"\r", 1)
            self.say(line + b"\n\r" + self._obey(line) + b">")

    def _obey(self, line: bytes) -> bytes:
        command = re.fullmatch(rb"relay (on|off|read) ([0-9A-F])", line)
        if command is None:
            return b"ERROR\n\r"
        verb, channel = command.group(1), int(command.group(2), 16)
        if verb == b"read":
            return (b"on" if self.states.get(channel) else b"off") + b"\n\r"
        if not self.jammed:
            self.states[channel] = verb == b"on"
        return b""


class SerialLine:
    """Two serial ports joined by a cable: what goes in at one end comes out at the other."""

    def __init__(self) -> None:
        pairs = [pty.openpty(), pty.openpty()]
        self._fds = [fd for pair in pairs for fd in pair]
        for _, port_fd in pairs:
            tty.setraw(port_fd)
        self._ends = [pair[0] for pair in pairs]
        self.devices = [os.ttyname(pair[1]) for pair in pairs]
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        left, right = self._ends
        while not self._closing:
            for fd in select.select(self._ends, [], [], 0.02)[0]:
                os.write(right if fd == left else left, os.read(fd, 256))

    def close(self) -> None:
        self._closing = True
        self._thread.join(5)
        for fd in self._fds:
            os.close(fd)
