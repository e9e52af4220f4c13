"""The switch to the write-ahead log waits for others, as the switch itself would not."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from sync.write_ahead_log import use_write_ahead_log


@pytest.fixture(params=[sqlite3, dbapi2], ids=["sqlite3", "sqlcipher3"])
def pair(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[sqlite3.Connection, sqlite3.Connection]]:
    """Two connections to one new file; the first holds its write lock."""
    options = {"isolation_level": None, "timeout": 0, "check_same_thread": False}
    file = tmp_path / "new.db"
    with (
        closing(request.param.connect(file, **options)) as first,
        closing(request.param.connect(file, **options)) as second,
    ):
        first.execute("BEGIN IMMEDIATE")
        yield first, second


def test_it_waits_until_the_other_is_done(pair: tuple[sqlite3.Connection, sqlite3.Connection]) -> None:
    first, second = pair
    release = threading.Timer(0.05, first.execute, ("COMMIT",))
    release.start()
    assert use_write_ahead_log(second, timeout_s=30) == "wal"
    release.join()


def test_the_lock_of_somebody_who_never_ends_comes_through(
    pair: tuple[sqlite3.Connection, sqlite3.Connection],
) -> None:
    _, second = pair
    with pytest.raises(Exception, match="database is locked"):
        use_write_ahead_log(second, timeout_s=0.02)


def test_other_errors_come_through_at_once(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text(
        "no database at all, and quite long enough to be one " * 100, encoding="utf-8"
    )
    with closing(sqlite3.connect(tmp_path / "text.db")) as connection, pytest.raises(sqlite3.DatabaseError):
        use_write_ahead_log(connection, timeout_s=30)
