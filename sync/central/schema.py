"""Every table of the centre, wherever it is described: what migrations and backups go by."""

from __future__ import annotations

from sync.central import (
    tables,
    tables_cases,
    tables_declarations,
    tables_lists,
    tables_lodging,
    tables_passes,
    tables_people,
    tables_phone,
    tables_training,
)

__all__ = [
    "metadata",
    "tables",
    "tables_cases",
    "tables_declarations",
    "tables_lists",
    "tables_lodging",
    "tables_passes",
    "tables_people",
    "tables_phone",
    "tables_training",
]

metadata = tables.metadata
