"""A TCP proxy on loopback whose links can be cut, stalled, reset, and made to lose one direction."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from enum import Enum, auto
from typing import Any, TypeVar

T = TypeVar("T")

CHUNK_BYTES = 65_536
STARTED_WITHIN_S = 10.0
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: the close is an RST, and what was on its way is gone."""


class State(Enum):
    """How a link treats what is sent through it.

    CUT connections are reset, new ones too; STALLED nothing moves, nothing is lost; DEAF what comes back is
    lost; MUTE what goes forth is lost.
    """

    OPEN = auto()
    CUT = auto()
    STALLED = auto()
    DEAF = auto()
    MUTE = auto()


class Proxy:
    """Links that all live on one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._links: list[Link] = []
        self._thread = threading.Thread(target=self._run, name="faults-proxy", daemon=True)
        self._thread.start()

    def link(self, upstream_port: int) -> Link:
        """A new link to a port of this machine."""
        link = Link(self._loop, upstream_port)
        link.listen()
        self._links.append(link)
        return link

    def close(self) -> None:
        """Drop every connection and end."""
        for link in self._links:
            link.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STARTED_WITHIN_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(asyncio.sleep(0))  # what has not begun would close nothing
            rest = asyncio.all_tasks(self._loop)
            for task in rest:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
            self._loop.run_until_complete(asyncio.sleep(0))
        finally:
            self._loop.close()


class Link:
    """One port that leads to another one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, upstream_port: int) -> None:
        self.port = 0
        self._loop = loop
        self._upstream_port = upstream_port
        self._state = State.OPEN
        self._moving = asyncio.Event()
        self._moving.set()
        self._writers: set[asyncio.StreamWriter] = set()

    def listen(self) -> None:
        """Take a free port."""
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Listen no more; connections are reset."""
        self._call(self._close())

    def set(self, state: State) -> None:
        """From now on; leaving DEAF or MUTE resets, because half of a stream is no stream."""
        self._call(self._set(state))

    def reset(self) -> None:
        """Reset every connection; new ones are let through."""
        self._call(self._drop())

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(STARTED_WITHIN_S)

    async def _close(self) -> None:
        self._server.close()
        await self._drop()

    async def _set(self, state: State) -> None:
        lossy = self._state in (State.DEAF, State.MUTE)
        self._state = state
        if state is State.STALLED:
            self._moving.clear()
        else:
            self._moving.set()
        if lossy or state is State.CUT:
            await self._drop()

    async def _drop(self) -> None:
        for writer in list(self._writers):
            _abort(writer)

    async def _serve(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        writers = [near_out]
        self._writers.add(near_out)
        try:
            await self._moving.wait()
            if self._state is not State.CUT:
                far_in, far_out = await asyncio.open_connection("127.0.0.1", self._upstream_port)
                writers.append(far_out)
                self._writers.add(far_out)
                await self._carry((near_in, far_out, State.MUTE), (far_in, near_out, State.DEAF))
        except OSError:
            pass  # upstream is down just now: its client sees a reset
        finally:
            for writer in writers:
                _abort(writer)
                self._writers.discard(writer)

    async def _carry(self, *directions: tuple[asyncio.StreamReader, asyncio.StreamWriter, State]) -> None:
        """Until one of the directions ends."""
        pumps = [asyncio.ensure_future(self._pump(*direction)) for direction in directions]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, lost_in: State) -> None:
        try:
            while data := await source.read(CHUNK_BYTES):
                await self._moving.wait()
                if self._state is not lost_in:
                    sink.write(data)
                    await sink.drain()
        except OSError:
            return  # an end has gone; the other one is told by the caller


def _abort(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
