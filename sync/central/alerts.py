"""Alerts over an open connection: raised, acknowledged, measures noted, closed, reopened.

Every function is part of the caller's transaction. Who may do what is asked in `alert_desk`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, insert

from sync.alerting import State, StepKind, shipped_rules
from sync.central.errors import CentralError
from sync.central.statements import insert_or
from sync.central.tables_alerts import NOT_CLOSED, SUBJECT_LENGTH, alert_steps, alerts


class UnknownRule(CentralError, LookupError):
    """No rule by that id came with the program."""


def raise_alert(
    connection: Connection,
    rule: str,
    *,
    site_id: str,
    subject: str,
    facts: Mapping[str, str | int] | None = None,
    now: datetime,
) -> str:
    """Raise an alert, or count up the one that is not closed of the same rule, site and subject.

    Args:
        rule: of `sync/alerting/data/alert-rules.yaml`.
        subject: what it is about, e.g. `worker:W-17`, `gate:riverside/gate-1`, `site:riverside`, `case:<id>`.
        facts: counts and codes; no name, no number of a document or phone, no reading. The latest ones stay.

    Returns:
        The id of the alert.

    Raises:
        UnknownRule: no such rule came with the program.
    """
    if shipped_rules().rule(rule) is None:
        raise UnknownRule(f"no alert rule {rule}", next_step="add it to sync/alerting/data/alert-rules.yaml")
    new_id = uuid4().hex
    row = alerts.c
    statement = insert_or(connection, alerts).values(
        alert_id=new_id,
        rule_id=rule,
        site_id=site_id,
        subject=subject[:SUBJECT_LENGTH],
        state=State.OPEN.value,
        facts=dict(facts or {}),
        raised_at=now,
        last_at=now,
        opened_at=now,
        next_step_at=now,
        changed_at=now,
    )
    statement = statement.on_conflict_do_update(
        index_elements=[row.rule_id, row.site_id, row.subject],
        index_where=NOT_CLOSED,
        set_={
            "times": row.times + 1,
            "facts": statement.excluded.facts,
            "last_at": now,
            "changed_at": now,
        },
    )
    alert_id = str(connection.scalar(statement.returning(row.alert_id)))
    if alert_id == new_id:
        connection.execute(insert(alert_steps).values(alert_id=alert_id, at=now, kind=StepKind.RAISED.value))
    return alert_id
