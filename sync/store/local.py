"""`LocalStore`: the one sealed file of a gate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import JsonValue
from sqlite_utils import Database

from sync.store import faults
from sync.store.asks import Asks
from sync.store.attendance import Attendance, WallClock
from sync.store.commands import CommandLog
from sync.store.connections import Connections
from sync.store.departures import Departures
from sync.store.drafts import DraftRows
from sync.store.filled_forms import FilledForms
from sync.store.import_jobs import ImportJobs
from sync.store.key import StoreKey
from sync.store.kiosk_accounts import KioskAccountRows
from sync.store.match_scores import MatchScores
from sync.store.outbox import Outbox
from sync.store.replica import Replica
from sync.store.suggestions import Suggestions
from sync.store.trainings import Trainings
from sync.store.undo import Undo

DEFAULT_BUSY_TIMEOUT_S = 2.0
MAX_PROBLEMS = 20
"""Problems that a report lists; a broken file can name thousands."""


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What `LocalStore.check` found; `problems` is empty for a sound store."""

    problems: tuple[str, ...]
    size_mb: float

    @property
    def sound(self) -> bool:
        return not self.problems


class _SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class LocalStore(
    Replica,
    Attendance,
    Outbox,
    ImportJobs,
    FilledForms,
    Asks,
    CommandLog,
    KioskAccountRows,
    DraftRows,
    Trainings,
    Undo,
    Suggestions,
    Departures,
    MatchScores,
):
    """Roster, events and outbox of one gate in one SQLCipher file; safe to use from any thread.

    Several processes may hold the same store open. After a fault (locked, full, read-only, file gone)
    the next call tries afresh; nothing needs restarting.

    Example:
        >>> key = StoreKey.load(Path("var/store.key"), "SITEGATE_STORE_KEY", create=True)
        >>> with LocalStore.open(Path("var/sitegate.db"), key) as store:
        ...     store.count_workers()
        0
    """

    def __init__(self, connections: Connections, *, min_free_mb: int, clock: WallClock) -> None:
        self._connections = connections
        self._min_free_mb = min_free_mb
        self._clock = clock

    @classmethod
    def open(
        cls,
        path: Path,
        key: StoreKey,
        *,
        busy_timeout_s: float = DEFAULT_BUSY_TIMEOUT_S,
        min_free_mb: int = 0,
        clock: WallClock | None = None,
    ) -> Self:
        """Open the store, creating the file and bringing its tables up to date where needed.

        `busy_timeout_s` bounds the wait for another process; `min_free_mb` is space that a growing
        roster leaves to events; `clock` dates the outbox rows.

        Raises:
            StoreKeyWrong: the key does not fit, or the file is no store.
            StoreTooNew: a newer program wrote it.
            StoreError: any other case of `sync.errors`.
        """
        connections = Connections(path, key, busy_timeout_s=busy_timeout_s)
        try:
            connections.create_or_migrate()
        except BaseException:
            connections.close()
            raise
        return cls(connections, min_free_mb=min_free_mb, clock=clock or _SystemClock())

    def close(self) -> None:
        """Close every connection; calling it twice is harmless."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        return self._connections.path

    def put_state(self, key: str, value: JsonValue) -> None:
        """Keep a small fact of the gate itself, such as the last wall time known to be right."""
        with self._connections.write() as db:
            db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", [key, json.dumps(value)])

    def state(self, key: str) -> JsonValue:
        """The fact kept under `key`; None where there is none."""
        with self._connections.read() as db:
            row = db.execute("SELECT value FROM state WHERE key = ?", [key]).fetchone()
        value: JsonValue = None if row is None else json.loads(row[0])
        return value

    def free_mb(self) -> int:
        """Space left on the disk that holds the store, in MiB."""
        return faults.free_bytes(self.path) // 2**20

    def check(self) -> IntegrityReport:
        """Read every page and compare what must agree: seals, tables, references, sequence numbers.

        Takes about a second per 100 MB; for `sitegate doctor`, not for the hot path.

        Raises:
            StoreCorrupt: too damaged to be looked at.
        """
        with self._connections.read() as db:
            problems = _damaged_pages(db) or _disagreements(db)
        return IntegrityReport(tuple(problems[:MAX_PROBLEMS]), size_mb=self.path.stat().st_size / 2**20)


def _damaged_pages(db: Database) -> list[str]:
    seals = [str(line) for (line,) in db.execute("PRAGMA cipher_integrity_check").fetchall()]
    lines = [line for (line,) in db.execute(f"PRAGMA quick_check({MAX_PROBLEMS})").fetchall() if line != "ok"]
    return seals + [part for line in lines for part in line.splitlines()]


def _disagreements(db: Database) -> list[str]:
    references = [
        f"a row of {table} refers to a missing row of {parent}"
        for table, _, parent, _ in db.execute("PRAGMA foreign_key_check").fetchall()
    ]
    holes = [
        f"gate {gate_id}: of {last} events {last - pruned - kept} are missing"
        for gate_id, last, pruned, kept in db.execute(
            "SELECT gate_id, last, pruned, (SELECT count(*) FROM events WHERE gate_id = sequences.gate_id) "
            "FROM sequences"
        ).fetchall()
        if last != pruned + kept
    ]
    return references + holes
