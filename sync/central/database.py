"""The central database: engine set-up for SQLite and PostgreSQL, transactions, migrations."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError, NoSuchModuleError

from sync.central.errors import DatabaseTooNew, DatabaseUnreachable, DatabaseUrlInvalid
from sync.write_ahead_log import use_write_ahead_log

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BUSY_TIMEOUT_MS = 10_000
"""Another process may hold SQLite's one write lock for so long before we give up."""

MIGRATION_LOCK = 0x51764A7E
"""PostgreSQL's advisory lock by which one process migrates at a time; any number, always the same."""

_ALIVE = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""libpq, in s, the last in ms: a server that is gone without a word (power, cable) is noticed within half a
minute; by the system's defaults a worker would wait for it for up to two hours. A URL may say otherwise."""

CONNECTIONS = 15
"""Of one process to PostgreSQL at most. All are kept: one that is opened anew costs the server a process, and
it has prepared no statement yet. Phones send many at once."""

UNDOUBTED_S = 1.0
"""A connection that was idle for less is used without asking the server first: a server does not restart in
that time, and whoever meets a broken connection has all of them replaced."""

_PRAGMAS = ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON")
_WRITES = "sitegate_writes"
_MIGRATIONS = Path(__file__).with_name("migrations")


class Database:
    """One engine; short transactions through `read` and `write`. Safe to share between threads.

    >>> database = Database.open("sqlite:///central.db")
    >>> with database.write() as connection:
    ...     connection.execute(insert(tables.sites).values(...))
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str, *, migrate: bool = True) -> Self:
        """Connect and bring the schema to the current version.

        url  `sqlite:///path/to/file.db` or `postgresql://user@host/name`; a password belongs into the
             environment (PGPASSWORD) or a pass file, not into the URL of a process list

        Raises:
            DatabaseUrlInvalid: not a URL of SQLite or PostgreSQL.
            DatabaseUnreachable: no answer, or no access.
            DatabaseTooNew: written by a newer program.
        """
        parsed = _parse(url)
        if parsed.get_backend_name() == SQLITE:
            _keep_private(Path(str(parsed.database)))
        database = cls(_engine(parsed))
        try:
            database.probe()
            if migrate:
                database.migrate()
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def read_only(cls, file: Path) -> Self:
        """An SQLite file that nothing may change, e.g. a backup; opened by the first look."""
        query = {"mode": "ro", "uri": "true"}
        return cls(_engine(URL.create(SQLITE, database=file.absolute().as_uri(), query=query)))

    @property
    def name(self) -> str:
        """The URL without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent look: everything read inside comes from the same moment."""
        with self.engine.connect() as connection:
            if self.dialect != POSTGRESQL:
                yield connection
                return
            options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            yield connection.execution_options(**options)
            # Else the pool rolls back, at which psycopg forgets every statement that it has prepared.
            connection.commit()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back by an exception."""
        with self.engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection

    def probe(self) -> None:
        """Ask the database for a sign of life. Raises DatabaseUnreachable."""
        try:
            with self.read() as connection:
                connection.execute(text("SELECT 1"))
        except DBAPIError as error:
            raise DatabaseUnreachable(
                f"the database {self.name} cannot be used: {_first_line(error)}",
                next_step="check that it runs, that this user may use it, and the URL (--database)",
            ) from error

    def migrate(self, revision: str = "head") -> None:
        """Apply the migrations that are missing up to `revision`; several processes may do so at once.

        Raises:
            DatabaseTooNew: the database is at a version that this program does not know.
        """
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with self.write() as connection:
            if self.dialect == POSTGRESQL:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, revision)
            except CommandError as error:
                raise DatabaseTooNew(
                    f"the database {self.name} was changed by a newer Sitegate ({error})",
                    next_step="upgrade Sitegate on this machine: pip install --upgrade sitegate",
                ) from error

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def newest_revision() -> str:
    """The version of the schema that this program brings."""
    head = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    if head is None:
        raise FileNotFoundError(f"no migrations in {_MIGRATIONS}")
    return head


def _parse(text_url: str) -> URL:
    try:
        url = make_url(text_url)
        backend = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise _invalid() from error
    if backend == SQLITE and url.database not in (None, "", ":memory:"):
        return url
    if backend == POSTGRESQL:
        return url.set(drivername="postgresql+psycopg")
    raise _invalid()


def _invalid() -> DatabaseUrlInvalid:
    # The URL itself is not repeated: it may hold a password.
    return DatabaseUrlInvalid(
        "this is no address of a database for the centre",
        next_step="give sqlite:///path/to/central.db or postgresql://user@host/name",
    )


def _keep_private(file: Path) -> None:
    """A new file is for its owner only; SQLite gives its companions the same mode."""
    try:
        file.touch(mode=0o600)
    except OSError as error:
        raise DatabaseUnreachable(
            f"the database file {file} cannot be opened: {error.strerror}",
            next_step="check that the folder exists and that this user may write there",
        ) from error


def _engine(url: URL) -> Engine:
    # Errors go into logs: they name the statement, never the people in its parameters.
    if url.get_backend_name() == POSTGRESQL:
        alive = {name: value for name, value in _ALIVE.items() if name not in url.query}
        engine = create_engine(
            url, pool_size=CONNECTIONS, max_overflow=0, connect_args=alive, hide_parameters=True
        )
        _ask_after_idling(engine)
        return engine
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        # The driver's own transactions are off, so that BEGIN stands where we put it and covers DDL too.
        connection.isolation_level = None
        if "mode" in url.query:
            return
        use_write_ahead_log(connection, timeout_s=BUSY_TIMEOUT_MS / 1000)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: one that reads first and writes later could not wait for it.
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _ask_after_idling(engine: Engine) -> None:
    """Like the pool's own `pool_pre_ping`, but not for connections that were used a moment ago."""

    @event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: Any) -> None:
        record.info["idle_since_s"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ask(connection: Any, record: Any, _fairy: object) -> None:
        idle_since_s = record.info.pop("idle_since_s", None)
        if idle_since_s is None or time.monotonic() - idle_since_s < UNDOUBTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # the pool connects anew, here and for all others


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
