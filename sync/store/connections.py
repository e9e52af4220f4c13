"""Sealed connections to one store file: one writer, readers beside it, and recovery after a fault.

Any fault closes the connection it happened on; the next call opens a fresh one. So a full disk that
has space again, a lock that was released or a file that was put back needs no restart.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlcipher3 import dbapi2
from sqlite_utils import Database

from sync.errors import StoreError
from sync.store import faults
from sync.store.key import StoreKey
from sync.store.migrations import migrate
from sync.write_ahead_log import use_write_ahead_log

IDLE_READERS = 4
"""Readers kept open; more threads at once open their own for the moment."""

PAGE_BYTES = 4096
"""SQLCipher's page; no store is shorter, once it holds anything."""

WAL_LIMIT_BYTES = 32 * 2**20
"""The write-ahead log is cut back to this after a checkpoint."""


class Connections:
    """The connections of one process to one store file; safe to use from any thread.

    `write()` holds a process-wide lock and the database's write lock for its body, in one transaction.
    `read()` never takes either: a long read does not delay a write (SQLite's write-ahead log).
    """

    def __init__(self, path: Path, key: StoreKey, *, busy_timeout_s: float) -> None:
        self._path = path.resolve()
        self._key = key
        self._busy_timeout_s = busy_timeout_s
        self._writing = threading.RLock()
        self._writer: Database | None = None
        self._pooling = threading.Lock()
        self._idle_readers: list[Database] = []
        self._generation = 0
        """Counts the faults; a reader of an earlier one is closed when its user gives it back."""
        self._identity: tuple[int, int] | None = None
        self._closed = False

    @property
    def path(self) -> Path:
        return self._path

    def create_or_migrate(self) -> None:
        """Make the file where it is missing (owner only) and bring its tables up to date."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            raise faults.from_file_system(error, self._path) from error
        with self.write(may_be_empty=True) as db:
            migrate(db)

    @contextmanager
    def write(self, *, may_be_empty: bool = False) -> Iterator[Database]:
        """One write transaction: committed at the end of the body, undone when the body raises.

        Raises:
            StoreError: the case that fits; nothing of the body was kept.
        """
        with self._writing:
            self._forget_replaced_file()
            if self._writer is None:
                self._writer = self._connect(may_be_empty=may_be_empty)
            db = self._writer
            try:
                # IMMEDIATE: wait for the lock here, with the busy timeout, not in mid-transaction.
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.conn.in_transaction:
                        db.execute("ROLLBACK")
                    raise
            except dbapi2.Error as error:
                # The readers too: SQLite shares what it knows of a file, such as that it is read-only,
                # among all connections of a process.
                self._drop_all()
                raise faults.from_sqlite(error, self._path) from error

    @contextmanager
    def read(self) -> Iterator[Database]:
        """One consistent view of the store for the length of the body."""
        self._forget_replaced_file()
        with self._pooling:
            db = self._idle_readers.pop() if self._idle_readers else None
            generation = self._generation
        if db is None:
            db = self._connect()
        healthy = False
        try:
            db.execute("BEGIN")
            try:
                yield db
                healthy = True
            finally:
                if db.conn.in_transaction:
                    db.execute("ROLLBACK")
        except dbapi2.Error as error:
            raise faults.from_sqlite(error, self._path) from error
        finally:
            self._put_back(db, generation if healthy else None)

    def empty_log(self) -> None:
        """Fold the write-ahead log into the file and cut it to nothing: what was erased is gone from it too.

        Where a reader of another process is in the way it stays for the next time; it is never an error.
        """
        with self._writing:
            if self._writer is not None:
                with suppress(dbapi2.Error):
                    self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close every connection; the last one of the machine folds the write-ahead log into the file."""
        with self._writing:
            self._closed = True
            self._drop_all()

    def _put_back(self, db: Database, generation: int | None) -> None:
        with self._pooling:
            if generation == self._generation and len(self._idle_readers) < IDLE_READERS:
                self._idle_readers.append(db)
                return
        _close_quietly(db)

    def _forget_replaced_file(self) -> None:
        """Writing on into a file that was deleted or replaced would lose every event: look before use."""
        if self._closed:
            raise StoreError(f"{self._path} was closed", next_step="open the store again")
        if self._identity is None:
            return
        try:
            facts = self._path.stat()
        except FileNotFoundError as error:
            with self._writing:
                self._drop_all()
            raise faults.missing(self._path) from error
        except OSError as error:
            raise faults.from_file_system(error, self._path) from error
        if (facts.st_dev, facts.st_ino) != self._identity:
            with self._writing:
                self._drop_all()

    def _drop_all(self) -> None:
        if self._writer is not None:
            _close_quietly(self._writer)
            self._writer = None
        with self._pooling:
            self._generation += 1
            for reader in self._idle_readers:
                _close_quietly(reader)
            self._idle_readers.clear()

    def _connect(self, *, may_be_empty: bool = False) -> Database:
        connection = None
        try:
            facts = self._path.stat()
            if 0 < facts.st_size < PAGE_BYTES:
                # SQLite would take so short a file for an empty one and write over it.
                raise faults.no_store(self._path)
            connection = dbapi2.connect(
                f"{self._path.as_uri()}?mode=rw",
                uri=True,
                timeout=self._busy_timeout_s,
                isolation_level=None,  # transactions are begun and ended in write() and read() alone
                check_same_thread=False,  # used by one thread at a time, held by lock or pool
            )
            # SQLCipher would print every refused page to stderr beside our own error.
            connection.execute("PRAGMA cipher_log_level = NONE")
            connection.execute(self._key.pragma())
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not tables and not may_be_empty:
                raise faults.empty(self._path)
            self._configure(connection)
        except dbapi2.Error as error:
            if connection is not None:
                connection.close()
            raise faults.from_sqlite(error, self._path, opening=True) from error
        except OSError as error:
            if connection is not None:
                connection.close()
            raise (
                faults.missing(self._path)
                if isinstance(error, FileNotFoundError)
                else faults.from_file_system(error, self._path)
            ) from error
        self._identity = (facts.st_dev, facts.st_ino)
        # The types of sqlite3 and sqlcipher3 differ in name only.
        return Database(connection, recursive_triggers=False, execute_plugins=False)

    def _configure(self, connection: dbapi2.Connection) -> None:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal":
            mode = use_write_ahead_log(connection, timeout_s=self._busy_timeout_s)
        if mode != "wal":
            raise StoreError(
                f"{self._path} lies on a file system without shared memory for the write-ahead log",
                next_step="put the store on a local disk (`store.path`), not on a network share",
            )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        # FULL: in WAL mode NORMAL may lose the last commits in a power cut; a recorded event is a promise.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")


def _close_quietly(db: Database) -> None:
    """Close a connection that has already failed: its own fault was or is being reported."""
    with suppress(dbapi2.Error):
        db.close()
