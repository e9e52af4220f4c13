"""Turn on SQLite's write-ahead log where several processes may open a new file at the same moment.

The change of the journal mode does not wait for the busy timeout: SQLite answers "database is locked"
at once to whoever comes second (https://sqlite.org/wal.html, "Sometimes Queries Return SQLITE_BUSY").
"""

from __future__ import annotations

import random
import sqlite3
import time
from typing import Any

_FIRST_PAUSE_S = 0.002
_LONGEST_PAUSE_S = 0.1


def use_write_ahead_log(connection: Any, *, timeout_s: float) -> str:
    """Ask for the journal mode `wal` and return the mode that the file has now.

    connection  of `sqlite3` or `sqlcipher3`, outside a transaction
    timeout_s   how long others may keep us from it, in s; their error comes through after that
    """
    deadline = time.monotonic() + timeout_s
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except Exception as error:
            if not _is_busy(error) or time.monotonic() + pause_s > deadline:
                raise
            time.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads the waiting, no secret
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        else:
            return str(mode)


def _is_busy(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF == sqlite3.SQLITE_BUSY
