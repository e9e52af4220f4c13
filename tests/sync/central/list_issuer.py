"""An issuer's web server with a signed list on it, which can be told to misbehave."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PATH = "/lists/contacts.csv"

Misbehaviour = Callable[[BaseHTTPRequestHandler], bool]
"""Whether it answered itself."""


@dataclass(slots=True)
class Issuer:
    """`asked`: path, `If-None-Match` and status of every answer that followed the rules."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    modified: datetime | None = None
    has_etags: bool = True
    misbehave: Misbehaviour | None = None
    asked: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    @property
    def public_key(self) -> str:
        return self.key.public_key().public_bytes_raw().hex()

    def publish(self, *rows: str, by: Ed25519PrivateKey | None = None) -> bytes:
        """Telephones on the list from now on; signed by the issuer, or by somebody else."""
        raw = "\n".join(("phone", *rows)).encode()
        self.files[PATH] = raw
        self.files[f"{PATH}.sig"] = base64.b64encode((by or self.key).sign(raw))
        return raw


@contextmanager
def an_issuer() -> Iterator[Issuer]:
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if issuer.misbehave is not None and issuer.misbehave(self):
                return
            body = issuer.files.get(self.path, b"")
            etag = f'"{hashlib.sha256(body).hexdigest()}"'
            wanted = self.headers.get("If-None-Match", "")
            is_known = bool(body) and issuer.has_etags and wanted == etag
            status = 304 if is_known else 200 if body else 404
            issuer.asked.append((self.path, wanted, status))
            self.send_response(status)
            if issuer.has_etags:
                self.send_header("ETag", etag)
            if issuer.modified is not None:
                self.send_header("Last-Modified", format_datetime(issuer.modified, usegmt=True))
            if not is_known:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if not is_known:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
