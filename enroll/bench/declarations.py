"""How many declarations per second the phone pages take: real HTTP, real database, one process that serves.

A declaration here is what a phone does after the form was filled in: the form is sent and its receipt is
shown. Signing in and fetching the form are measured apart, since people do them while others send.
"""

from __future__ import annotations

import http.client
import secrets
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import urlencode, urlsplit

from sqlalchemy import func, insert, select

from sync.central import site_registry, tables
from sync.central.database import Database
from sync.central.phone.shell import PERSON_COOKIE, TOKEN_FIELD
from sync.central.tables_declarations import declarations
from sync.central.tables_phone import phone_sessions
from sync.errors import SyncError
from sync.records import WorkerStatus

SITE = "bench-site"
READY_WITHIN_S = 60.0
SESSION = timedelta(hours=6)
_ROWS_AT_ONCE = 2000
_OK, _SEE_OTHER = 200, 303

ANSWERS = {
    "do": "send",
    "site": SITE,
    "health": "well",
    "affected": "no",
    "contact": "no",
    "travelled": "yes",
    "trips.0.kind": "train",
    "trips.0.number": "G123",
    "trips.0.origin": "示例市",
    "trips.0.destination": "样例县",
    "trips.0.carriage": "8",
    "trips.0.seat": "12A",
    "lodging": "dormitory",
    "lodging_place": "示例楼 3 号",
    "lodging_room": "204",
    "truthful": "yes",
}


class BenchFailed(SyncError, RuntimeError):
    """The measurement cannot be trusted: not everything that was sent was taken."""


@dataclass(frozen=True, slots=True)
class DeclarationsMeasured:
    """`forms_per_s` of the page with the form; latencies of one declaration as its phone sees it."""

    declarations: int
    phones_at_once: int
    declarations_per_s: float
    forms_per_s: float
    p50_ms: float
    p99_ms: float


def measure_declarations(
    database_url: str, *, workers: int = 3000, phones_at_once: int = 16
) -> DeclarationsMeasured:
    """Let `workers` declare, each once. The database is migrated and gets a site and workers of its own.

    Raises BenchFailed.
    """
    with Database.open(database_url) as database:
        secrets_of_phones = _phones(database, workers)
        before = _held(database)
        with _served(database_url) as (host, port):
            forms_s, _ = _all(secrets_of_phones, phones_at_once, host, port, _fetch_form)
            sending_s, latencies_ms = _all(secrets_of_phones, phones_at_once, host, port, _declare)
        taken = _held(database) - before
    if taken != workers:
        raise BenchFailed(f"{taken} declarations are held of {workers} that were sent")
    return DeclarationsMeasured(
        declarations=workers,
        phones_at_once=phones_at_once,
        declarations_per_s=workers / sending_s,
        forms_per_s=workers / forms_s,
        p50_ms=statistics.median(latencies_ms),
        p99_ms=statistics.quantiles(latencies_ms, n=100)[-1],
    )


def serve(database_url: str) -> None:
    """The phone pages on a free port of this machine until stdin ends; prints the port. No limit of rate:
    all phones of the measurement come from one address."""
    import uvicorn  # noqa: PLC0415 - in the process that serves only

    from sync.central.console.settings import ConsoleSettings  # noqa: PLC0415
    from sync.central.front_office import FrontOffice  # noqa: PLC0415
    from sync.central.phone.app import phone_app  # noqa: PLC0415
    from sync.central.phone.settings import PhoneSettings  # noqa: PLC0415
    from sync.web_server import listening, serve_until  # noqa: PLC0415

    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    settings = ConsoleSettings(port=0, phone=PhoneSettings(requests_per_s=1e6, requests_burst=1_000_000))
    with Database.open(database_url, migrate=False) as database, listening("127.0.0.1", 0) as listener:
        app = phone_app(FrontOffice(database), settings)
        config = uvicorn.Config(app, log_config=None, log_level="warning", access_log=False)
        port = listener.getsockname()[1]
        serve_until(config, listener, stop, name="phone pages", on_ready=lambda: _say(f"{port}\n"))


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


@contextmanager
def _served(database_url: str) -> Iterator[tuple[str, int]]:
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, database_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdin is None or process.stdout is None:
            raise BenchFailed("the process that serves has no pipes")
        line = process.stdout.readline().strip()
        if not line.isdecimal():
            raise BenchFailed("the phone pages were not served", next_step="see the errors above")
        yield "127.0.0.1", int(line)
        process.stdin.close()
        process.wait(READY_WITHIN_S)
    finally:
        process.kill()
        process.wait()


def _phones(database: Database, workers: int) -> list[str]:
    """Fictional workers, each signed in on a phone; the secrets of their sessions."""
    now = datetime.now(UTC)
    run = secrets.token_hex(4)
    phones = [secrets.token_urlsafe(32) for _ in range(workers)]
    ids = [f"{run}-{number}" for number in range(workers)]
    with database.write() as connection:
        if connection.scalar(select(tables.sites.c.site_id).where(tables.sites.c.site_id == SITE)) is None:
            site_registry.put_site(
                connection, SITE, name="示例工地", name_en="Bench", timezone="Asia/Shanghai", now=now
            )
        for start in range(0, workers, _ROWS_AT_ONCE):
            some = slice(start, start + _ROWS_AT_ONCE)
            connection.execute(
                insert(tables.workers),
                [
                    {
                        "worker_id": one,
                        "name": f"示例 {one}",
                        "status": WorkerStatus.ACTIVE.value,
                        "clearances": [],
                        "created_at": now,
                        "updated_at": now,
                    }
                    for one in ids[some]
                ],
            )
            connection.execute(
                insert(tables.worker_sites), [{"worker_id": one, "site_id": SITE} for one in ids[some]]
            )
            connection.execute(
                insert(phone_sessions),
                [
                    {
                        "session_hash": sha256(secret.encode()).hexdigest(),
                        "worker_id": one,
                        "created_at": now,
                        "expires_at": now + SESSION,
                    }
                    for one, secret in zip(ids[some], phones[some], strict=True)
                ],
            )
    return phones


def _held(database: Database) -> int:
    with database.read() as connection:
        current = declarations.c.superseded_by.is_(None)
        return int(connection.scalar(select(func.count()).select_from(declarations).where(current)) or 0)


Step = Callable[[http.client.HTTPConnection, str], None]


def _all(phones: Sequence[str], at_once: int, host: str, port: int, step: Step) -> tuple[float, list[float]]:
    """Every phone does `step` once; seconds for all, and milliseconds of each."""
    waiting = iter(phones)
    lock = threading.Lock()
    latencies_ms: list[float] = []
    failures: list[BaseException] = []

    def some() -> None:
        try:
            connection = http.client.HTTPConnection(host, port, timeout=READY_WITHIN_S)
            while True:
                with lock:
                    secret = next(waiting, None)
                if secret is None or failures:
                    break
                began_s = time.perf_counter()
                step(connection, secret)
                taken_ms = (time.perf_counter() - began_s) * 1000
                with lock:
                    latencies_ms.append(taken_ms)
            connection.close()
        except (OSError, http.client.HTTPException, BenchFailed) as error:
            failures.append(error)

    threads = [threading.Thread(target=some) for _ in range(at_once)]
    began_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise BenchFailed(f"a phone failed: {failures[0]}") from failures[0]
    return time.perf_counter() - began_s, latencies_ms


def _fetch_form(connection: http.client.HTTPConnection, secret: str) -> None:
    _ask(connection, "GET", f"/m/declare?site={SITE}", secret, expected=_OK)


def _declare(connection: http.client.HTTPConnection, secret: str) -> None:
    today = datetime.now(UTC).date().isoformat()
    body = urlencode({**ANSWERS, "trips.0.date": today, TOKEN_FIELD: secrets.token_urlsafe(18)})
    receipt = _ask(connection, "POST", "/m/declare", secret, expected=_SEE_OTHER, body=body)
    if "/receipt/" not in receipt:
        raise BenchFailed("the form was not taken as complete")
    _ask(connection, "GET", urlsplit(receipt).path, secret, expected=_OK)


def _ask(
    connection: http.client.HTTPConnection,
    way: str,
    path: str,
    secret: str,
    *,
    expected: int,
    body: str | None = None,
) -> str:
    """Where the answer leads to, if anywhere."""
    headers = {"Cookie": f"{PERSON_COOKIE}={secret}"}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        headers["Origin"] = f"http://{connection.host}:{connection.port}"
    connection.request(way, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != expected:
        raise BenchFailed(f"{way} {path} was answered with {answer.status}")
    return answer.getheader("Location", "")


if __name__ == "__main__":
    serve(sys.argv[1])
