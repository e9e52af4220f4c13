"""Which rules of alerts are in force: those that were set at this centre, else the shipped ones."""

from __future__ import annotations

import functools
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from sync.alerting import AlertRules, parsed_rules, shipped_rules
from sync.central import tables
from sync.central.statements import upsert
from sync.central.tables_alerts import NOT_CLOSED, alerts

_KEY = "alert_rules"
_SET = select(tables.state.c.value).where(tables.state.c.key == _KEY)


def rules(connection: Connection) -> AlertRules:
    """As they are now."""
    text = connection.scalar(_SET)
    return shipped_rules() if text is None else _parsed(text)


def set_rules(connection: Connection, text: str | None, *, source: str, now: datetime) -> AlertRules:
    """Put other rules in force, None: the shipped ones; deadlines of open alerts follow at once.

    Raises AlertRulesInvalid with `source` and the place in it.
    """
    found = shipped_rules() if text is None else parsed_rules(text, source=source)
    if text is None:
        connection.execute(delete(tables.state).where(tables.state.c.key == _KEY))
    else:
        upsert(connection, tables.state, [{"key": _KEY, "value": text}])
    connection.execute(update(alerts).where(NOT_CLOSED).values(next_step_at=now))
    return found


@functools.lru_cache(maxsize=2)
def _parsed(text: str) -> AlertRules:
    return parsed_rules(text, source="the alert rules of this centre")
