"""Every table of the centre, wherever it is described: what migrations and backups go by."""

from __future__ import annotations

from sync.central import (
    tables,
    tables_alerts,
    tables_cases,
    tables_declarations,
    tables_grid,
    tables_health,
    tables_lists,
    tables_lodging,
    tables_passes,
    tables_people,
    tables_phone,
    tables_real_name,
    tables_tests,
    tables_training,
)

__all__ = [
    "metadata",
    "tables",
    "tables_alerts",
    "tables_cases",
    "tables_declarations",
    "tables_grid",
    "tables_health",
    "tables_lists",
    "tables_lodging",
    "tables_passes",
    "tables_people",
    "tables_phone",
    "tables_real_name",
    "tables_tests",
    "tables_training",
]

metadata = tables.metadata
