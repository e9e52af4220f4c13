"""What the gate screens of a site say to its guards: the rule's words, while an alert is not acknowledged.

Nobody is named, and nothing is said about anybody's health: the screen is read by whoever passes.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from sync.alerting import AlertRules, State
from sync.central.tables_alerts import NOT_CLOSED, alerts
from sync.wire.messages import NOTICES_MAX, Notice


def notices(connection: Connection, rules: AlertRules) -> dict[str, tuple[Notice, ...]]:
    """By site, the most severe and then the oldest first; sites without any are not in it."""
    guarded = {rule.rule_id: (rule, rule.guard) for rule in rules.rules if rule.guard is not None}
    row = alerts.c
    query = (
        select(row.site_id, row.rule_id, func.count(), func.min(row.opened_at, type_=row.opened_at.type))
        .where(NOT_CLOSED, row.state == State.OPEN.value, row.rule_id.in_(guarded))
        .group_by(row.site_id, row.rule_id)
    )
    found: dict[str, list[tuple[int, datetime, Notice]]] = {}
    for site_id, rule_id, count, since in connection.execute(query):
        rule, said = guarded[rule_id]
        notice = Notice(
            notice_id=rule_id,
            zh=said.zh,
            en=said.en,
            severity=rule.severity.value,
            alerts=count,
            since=since,
        )
        found.setdefault(site_id, []).append((rule.severity.rank, since, notice))
    return {
        site_id: tuple(notice for _, _, notice in sorted(some, key=lambda one: one[:2])[:NOTICES_MAX])
        for site_id, some in found.items()
    }
