"""Sends what waits in the queue of messages, channel by channel, through Apprise.

A row is marked as sent after the channel took it, so nothing is lost: a channel that is down is tried again,
ever more rarely, for as long as it takes; a crash between the two sends once more. Texts say what, where and
how often; nobody's name, number or state of health.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select, update

from sync.alerting import AlertRules, Level, Life, State
from sync.alerting.sending import Move, next_move, retry_after
from sync.alerting.telling import LEVELS, SEVERITIES, STATES
from sync.central import alert_rules, tables
from sync.central.alert_channels import Channel, ChannelFile, Channels
from sync.central.database import Database
from sync.central.statements import chunks, insert_or
from sync.central.tables_alerts import alert_channels, alert_messages, alerts
from sync.words import Words

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
"""While one process sends by a channel, no other does; a process that died is waited for that long."""

TOLD_TOGETHER_MAX = 5000
"""Alerts marked by one message; what waits beyond is told by the next."""

LINES_MAX = 20
"""Of one message; the rest is counted."""

_STATUS = re.compile(r"error=(\d{3})\b")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a channel. No personal data."""

    title: str
    body: str


class Deliver(Protocol):
    """Sends one message to an address; returns what went wrong, "" for nothing."""

    def __call__(self, url: str, message: Message) -> str: ...


def deliver_by_apprise(url: str, message: Message) -> str:
    """Any service that Apprise knows. The problem told holds neither the address nor what it answered."""
    import apprise  # noqa: PLC0415 - a third of a second that only who sends should pay

    sender = apprise.Apprise()
    if not sender.add(url):
        return "not an address that Apprise knows"
    with apprise.LogCapture(level=logging.WARNING) as said:  # type: ignore[no-untyped-call]
        if sender.notify(title=message.title, body=message.body):
            return ""
        status = _STATUS.search(said.getvalue())
    return f"refused, HTTP {status[1]}" if status else "not reached, or refused"


class AlertSender:
    """`look` sends what is due by every channel. Not thread-safe: one thread calls it."""

    def __init__(
        self,
        database: Database,
        channels: ChannelFile,
        *,
        now: Callable[[], datetime],
        deliver: Deliver = deliver_by_apprise,
    ) -> None:
        self._database = database
        self._channels = channels
        self._now = now
        self._deliver = deliver

    def look(self) -> int:
        """How many messages went out."""
        waiting = self._waiting()
        if not waiting:
            return 0
        file = self._channels.current()
        return sum(self._serve(one, file) for one in file.channels if one.channel in waiting)

    def _waiting(self) -> set[str]:
        column = alert_messages.c
        with self._database.read() as connection:
            return set(connection.scalars(select(column.channel).where(column.sent_at.is_(None)).distinct()))

    def _serve(self, channel: Channel, file: Channels) -> int:
        now, window = self._now(), timedelta(seconds=file.window_s)
        with self._database.write() as connection:
            state = _take(connection, channel.channel, window, now)
            if state is None:
                return 0
            rows = _queued(connection, channel.channel)
            move = next_move(len(rows), sent=state.window_sent, burst=file.burst)
            if move is Move.WAIT:
                _settle(connection, channel.channel, next_try_at=state.window_from + window)
                return 0
            rules = alert_rules.rules(connection)
        chosen = rows[:1] if move is Move.ONE else rows
        message = message_of(chosen, rules, file.console_url)
        problem = self._deliver(channel.url.get_secret_value(), message)
        self._note(channel.channel, state, [row.message_no for row in chosen], problem)
        return 0 if problem else 1

    def _note(self, name: str, state: Row[Any], numbers: Sequence[int], problem: str) -> None:
        now = self._now()
        with self._database.write() as connection:
            if problem:
                failures = state.failures + 1
                again_at = now + retry_after(failures)
                _settle(connection, name, failures=failures, problem=problem, next_try_at=again_at)
                if problem != state.problem:
                    log.warning("alert channel %s: %s; tried again until it is there", name, problem)
                return
            message = alert_messages.c
            for some in chunks(numbers):
                connection.execute(
                    update(alert_messages).where(message.message_no.in_(some)).values(sent_at=now)
                )
            sent = {"last_sent_at": now, "window_sent": state.window_sent + 1}
            _settle(connection, name, failures=0, problem="", next_try_at=None, **sent)


def message_of(rows: Sequence[Any], rules: AlertRules, console_url: str) -> Message:
    """What is said about these rows; pure. One alert in full, several counted by what and where."""
    console = console_url.rstrip("/")
    latest = {row.alert_id: row for row in rows}
    if len(latest) == 1:
        row = next(iter(latest.values()))
        lines = [*_facts(row, rules), *([f"{console}/alerts?alert={row.alert_id}"] if console else [])]
        return Message(f"工地预警 Alert: {row.site_name} · {rules.words(row.rule_id)}", "\n".join(lines))
    groups = Counter((row.site_name, row.rule_id, row.level) for row in latest.values())
    lines = [
        f"{site} · {rules.words(rule_id)} × {count} · {LEVELS[Level(level)]}"
        for (site, rule_id, level), count in groups.most_common(LINES_MAX)
    ]
    if len(groups) > LINES_MAX:
        lines.append(f"……另有 {len(groups) - LINES_MAX} 项 and {len(groups) - LINES_MAX} more")
    if console:
        lines.append(f"{console}/alerts")
    return Message(f"工地预警 {len(latest)} 条 · {len(latest)} alerts", "\n".join(lines))


def _facts(row: Row[Any], rules: AlertRules) -> list[str]:
    """Severity, times, state, deadline and level of one alert as it is now."""
    rule, zone = rules.rule(row.rule_id), ZoneInfo(row.timezone)
    state = State(row.state)
    said = [f"{STATES[state]} · {row.times} 次 times · {LEVELS[Level(row.level)]}"]
    if rule is not None:
        said.insert(0, str(SEVERITIES[rule.severity]))
        deadline = Life(state, row.opened_at).deadline(rule)
        if deadline is not None:
            doing = Words("前确认", "acknowledge by") if state is State.OPEN else Words("前关闭", "close by")
            at = f"{deadline.astimezone(zone):%m-%d %H:%M}"
            said.append(f"请于 {at} {doing.zh} · {doing.en} {at}")
    said.append(f"发生 {row.raised_at.astimezone(zone):%m-%d %H:%M} raised")
    return said


def _queued(connection: Connection, name: str) -> Sequence[Any]:
    message, alert, site = alert_messages.c, alerts.c, tables.sites.c
    query = (
        select(
            message.message_no, message.alert_id, message.level,
            alert.rule_id, alert.state, alert.times, alert.opened_at, alert.raised_at,
            site.name.label("site_name"), site.timezone,
        )
        .join_from(alert_messages, alerts, alert.alert_id == message.alert_id)
        .join(tables.sites, site.site_id == alert.site_id)
        .where(message.channel == name, message.sent_at.is_(None))
        .order_by(message.message_no)
        .limit(TOLD_TOGETHER_MAX)
    )  # fmt: skip
    return connection.execute(query).all()


def _take(connection: Connection, name: str, window: timedelta, now: datetime) -> Row[Any] | None:
    """How the channel does, in the window that runs; for `LEASE` it is ours. None: not due, or another's."""
    row = alert_channels.c
    connection.execute(insert_or(connection, alert_channels).values(channel=name).on_conflict_do_nothing())
    held = connection.execute(select(alert_channels).where(row.channel == name).with_for_update()).one()
    if held.next_try_at is not None and held.next_try_at > now:
        return None
    _settle(connection, name, next_try_at=now + LEASE)
    if held.window_from is None or now - held.window_from >= window:
        _settle(connection, name, window_from=now, window_sent=0)
    return connection.execute(select(alert_channels).where(row.channel == name)).one()


def _settle(connection: Connection, name: str, **values: object) -> None:
    connection.execute(update(alert_channels).where(alert_channels.c.channel == name).values(**values))
