"""A real http server on loopback that serves one file, with or without Range, and can break off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class RangeServer:
    """`break_off_after` holds, for each request to come, how many bytes to send before hanging up."""

    data: bytes
    ranges: bool = True
    break_off_after: list[int] = field(default_factory=list)
    requested_ranges: list[str | None] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def running(self) -> Iterator[RangeServer]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{server.server_address[1]}/red.onnx"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers["Range"]
                owner.requested_ranges.append(asked)
                start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and owner.ranges else 0
                if start >= len(owner.data):
                    self.send_error(416)
                    return
                body = owner.data[start:]
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: owner.break_off_after.pop(0)] if owner.break_off_after else body)
                self.close_connection = True

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler
