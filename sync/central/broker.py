"""The embedded broker: amqtt in a thread, MQTT 3.1.1 only, for the demo and for one small site."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig
from amqtt.errors import AMQTTError

from sync.central.errors import BrokerUnreachable

STARTED_WITHIN_S = 10.0

log = logging.getLogger(__name__)


class _ClosingBroker(Broker):  # type: ignore[misc]  # amqtt tells no types
    """amqtt leaves the connection of whoever does not begin with a valid CONNECT open for ever."""

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        try:
            await super().stream_connected(reader, writer, listener_name)
        except asyncio.CancelledError:
            log.debug("the broker ends before somebody said who it is")
        finally:
            writer.close()


class EmbeddedBroker:
    """Listens on one address. Anybody who reaches it may connect: keep it on loopback or a protected network.

    What is forged or sealed for others is refused by signature and key at the ends, as with any broker.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="embedded-broker", daemon=True)
        self._started: Future[int] = Future()
        self._end = asyncio.Event()

    def start(self) -> str:
        """Listen; returns the address as `mqtt://host:port`. Raises BrokerUnreachable."""
        self._thread.start()
        try:
            port = self._started.result(STARTED_WITHIN_S)
        except (OSError, AMQTTError, TimeoutError) as error:
            self.stop()
            raise BrokerUnreachable(
                f"the embedded broker cannot listen on {self._host}:{self._port}: {error}",
                next_step="is another broker running there? choose a port with --listen, e.g. 127.0.0.1:1884",
            ) from error
        return f"mqtt://{self._host}:{port}"

    def stop(self) -> None:
        """Close every connection and end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(STARTED_WITHIN_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
            self._loop.run_until_complete(_end_the_rest())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        broker = _ClosingBroker(
            BrokerConfig.from_dict(
                {
                    "listeners": {"default": {"type": "tcp", "bind": f"{self._host}:{self._port}"}},
                    "plugins": {
                        "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
                    },
                }
            )
        )
        try:
            await broker.start()
            (socket, *_) = broker._servers["default"].instance.sockets
            self._started.set_result(socket.getsockname()[1])
        except (OSError, AMQTTError) as error:
            self._started.set_exception(error)
            return
        await self._end.wait()
        await broker.shutdown()


async def _end_the_rest() -> None:
    """Connections that have not said who they are, also those that came in this moment."""
    await _a_few_turns()
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await _a_few_turns()


async def _a_few_turns() -> None:
    """Of the loop: a task that has not begun would not close what it was given, nor a close come through."""
    for _ in range(5):
        await asyncio.sleep(0)
