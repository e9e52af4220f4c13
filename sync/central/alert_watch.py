"""Deadlines of alerts: who must be told now, as the ladders of the rules say.

One job of the centre's aftercare (`look`). What is to be told to whom is written into the queue of messages,
in the transaction that notes it in the alert's history; `alert_sender` sends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from sync.alerting import AlertRules, Level, StepKind, told
from sync.central import alert_rules, site_registry
from sync.central.alert_channels import Channel, ChannelFile
from sync.central.alerts import Alert, alert_of
from sync.central.database import Database
from sync.central.settings import ALERTS_KEPT_DAYS
from sync.central.site_registry import SitePlace
from sync.central.statements import CHUNK
from sync.central.tables_alerts import alert_messages, alert_steps, alerts

AT_ONCE = 200
SENT_KEPT = timedelta(days=30)
TIDY_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Telling:
    """Who is told when, by which channels."""

    rules: AlertRules
    channels: Sequence[Channel]
    places: dict[str, SitePlace]


class AlertWatch:
    """Keeps alerts in step with their deadlines. Not thread-safe: one thread calls `look`.

    kept_days  alerts are deleted so long after they were closed; lines of the audit log about them stay
    """

    def __init__(
        self,
        database: Database,
        channels: ChannelFile,
        *,
        now: Callable[[], datetime],
        kept_days: int = ALERTS_KEPT_DAYS,
    ) -> None:
        self._database = database
        self._kept = timedelta(days=kept_days)
        self._channels = channels
        self._now = now
        self._tidied_at: datetime | None = None

    def look(self) -> int:
        """Tell whoever must be told by now; for how many alerts something changed.

        All of them, before the sender looks: what happened together is told together.
        """
        now = self._now()
        if self._tidied_at is None or now - self._tidied_at >= TIDY_EVERY:
            self._tidy(now)
        done = 0
        while some := self._take_due(now):
            done += some
        return done

    def _take_due(self, now: datetime) -> int:
        due = select(alerts).where(alerts.c.next_step_at <= now).order_by(alerts.c.next_step_at)
        with self._database.read() as connection:
            if connection.execute(due.limit(1)).first() is None:
                return 0
        channels = self._channels.current().channels
        with self._database.write() as connection:
            telling = _Telling(alert_rules.rules(connection), channels, site_registry.site_places(connection))
            rows = connection.execute(due.limit(AT_ONCE).with_for_update(skip_locked=True)).all()
            for row in rows:
                _step(connection, row, telling, now)
        return len(rows)

    def _tidy(self, now: datetime) -> None:
        with self._database.write() as connection:
            connection.execute(delete(alert_messages).where(alert_messages.c.sent_at < now - SENT_KEPT))
        old = select(alerts.c.alert_id).where(alerts.c.closed_at < now - self._kept).limit(CHUNK)
        with self._database.read() as connection:
            gone = connection.scalars(old).all()
        if gone:
            with self._database.write() as connection:
                # Some of them may have been opened again meanwhile.
                is_old = (alerts.c.alert_id.in_(gone), alerts.c.closed_at < now - self._kept)
                connection.execute(delete(alerts).where(*is_old))
        if len(gone) < CHUNK:  # else the rest at the next look
            self._tidied_at = now


def _step(connection: Connection, row: Row[Any], telling: _Telling, now: datetime) -> None:
    alert = alert_of(row)
    rule = telling.rules.rule(alert.rule_id)
    if rule is None:
        _keep(connection, alert, level=alert.level, next_step_at=None)
        return
    level, next_step_at = told(telling.rules, rule, alert.life, now)
    steps = [one for one, _ in telling.rules.ladders[rule.ladder].steps()]
    reached = -1 if alert.level is None else alert.level.rank
    newly = [one for one in Level if reached < one.rank <= level.rank and (one is Level.SITE or one in steps)]
    _keep(connection, alert, level=level if newly else alert.level, next_step_at=next_step_at)
    place = telling.places[alert.site_id]
    for one in newly:
        connection.execute(
            insert(alert_steps).values(
                alert_id=alert.alert_id, at=now, kind=StepKind.TOLD.value, detail=one.value
            )
        )
        takers = [
            channel.channel for channel in telling.channels if channel.takes(rule, one, alert.site_id, place)
        ]
        if takers:
            message = {"alert_id": alert.alert_id, "level": one.value, "queued_at": now}
            connection.execute(insert(alert_messages), [message | {"channel": taker} for taker in takers])


def _keep(
    connection: Connection, alert: Alert, *, level: Level | None, next_step_at: datetime | None
) -> None:
    connection.execute(
        update(alerts)
        .where(alerts.c.alert_id == alert.alert_id)
        .values(level="" if level is None else level.value, next_step_at=next_step_at)
    )
