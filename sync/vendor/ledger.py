"""What each terminal confirmed to hold, kept over restarts: worker numbers and digests, nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from sync.vendor.errors import LedgerUnreadable


class Ledger:
    """One small file per terminal in `folder` (0700). Losing it costs one full push, nothing else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def read(self, terminal_id: str) -> dict[str, str]:
        """Worker id → digest; empty for a terminal never served. Raises LedgerUnreadable."""
        path = self._path(terminal_id)
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise LedgerUnreadable(
                f"{path} is damaged", next_step="delete it: the terminal is asked and served anew"
            ) from error
        if not isinstance(rows, dict) or not all(isinstance(value, str) for value in rows.values()):
            raise LedgerUnreadable(
                f"{path} is no ledger", next_step="delete it: the terminal is asked and served anew"
            )
        return rows

    def write(self, terminal_id: str, held: Mapping[str, str]) -> None:
        """Replaces the file whole."""
        path = self._path(terminal_id)
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(dict(held), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    def _path(self, terminal_id: str) -> Path:
        return self._folder / f"{terminal_id}.json"
