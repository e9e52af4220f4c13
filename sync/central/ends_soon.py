"""What runs out soon: one alert for each site and kind of clearance, with how many people it is about.

A job of the centre (`look`): once an hour it goes through the sites, one at each look. What was told stands
in the alerts themselves, so a restart raises nothing twice, and several processes do no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from sync.alerting import State as AlertState
from sync.central import tables
from sync.central.accounts_access import Role, Viewer
from sync.central.alerts import close_by_itself, put_facts, raise_alert
from sync.central.clearance_state import Line, lines
from sync.central.database import Database
from sync.central.tables_alerts import alerts
from sync.clearance_rules import ClearanceRules, State, day_of

RULE = "ends_soon"
"""The alert rule."""

ROUND_EVERY = timedelta(hours=1)

PEOPLE = "ends_soon"
"""The fact that says how many people it is about."""

_JUST_BEFORE = timedelta(microseconds=1)
_EVERYBODY = Viewer("centre", "", Role.ADMIN, None)


@dataclass(frozen=True, slots=True)
class EndingSoon:
    """Of one kind at one site.

    since    when the last one of them began to end soon
    through  the last day of the one that ends first
    """

    people: int
    since: datetime
    through: str


class EndsSoonWatch:
    """Not thread-safe: one thread calls `look`."""

    def __init__(self, database: Database, rules: ClearanceRules, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._rules = rules
        self._now = now
        self._round_at: datetime | None = None
        self._waiting: list[str] = []

    def look(self) -> int:
        """Look at one site, where a round is under way; how many alerts changed."""
        now = self._now()
        # Also after the clock was set back.
        if self._round_at is None or not self._round_at <= now < self._round_at + ROUND_EVERY:
            with self._database.read() as connection:
                sites = tables.sites.c.site_id
                self._waiting = list(connection.scalars(select(sites).order_by(sites.desc())))
            self._round_at = now
        if not self._waiting:
            return 0
        site_id = self._waiting.pop()
        with self._database.read() as connection:
            soon = ending_soon(connection, self._rules, site_id, now)
        with self._database.write() as connection:
            return self._tell(connection, site_id, soon, now)

    def _tell(
        self,
        connection: Connection,
        site_id: str,
        soon: Mapping[str, EndingSoon],
        now: datetime,
    ) -> int:
        """Bring the site's alerts in line; how many change."""
        told = _told(connection, site_id)
        changed = 0
        for kind in sorted({*soon, *told}):
            found, alert = soon.get(kind), told.get(kind)
            facts: dict[str, str | int] = {"clearance": str(self._rules.words(kind)), PEOPLE: 0}
            if found is not None:
                facts |= {PEOPLE: found.people, "first_through": found.through}
            if found is not None and _is_news(found, alert):
                changed += 1
                subject = _subject(site_id, kind)
                raise_alert(connection, RULE, site_id=site_id, subject=subject, facts=facts, now=now)
            elif alert is not None and alert.state != AlertState.CLOSED and alert.facts != facts:
                changed += 1
                put = put_facts if found is not None else close_by_itself
                put(connection, alert.alert_id, facts, now=now)
        return changed


def ending_soon(
    connection: Connection, rules: ClearanceRules, site_id: str, now: datetime
) -> dict[str, EndingSoon]:
    """What people of a site hold, need, and will not hold for long any more, by kind."""
    found: dict[str, list[Line]] = {}
    for one in lines(connection, _EVERYBODY, rules, now, site_id=site_id):
        if one.is_due and one.standing.state is State.ENDS_SOON:
            found.setdefault(one.standing.kind, []).append(one)
    return {kind: _summed(rules, kind, some) for kind, some in found.items()}


def _summed(rules: ClearanceRules, kind: str, some: list[Line]) -> EndingSoon:
    ends = [one.standing.until for one in some if one.standing.until is not None]
    known = rules.kind(kind)
    warned = timedelta(days=0 if known is None else known.warn_days)
    return EndingSoon(len(some), max(ends) - warned, str(day_of(min(ends) - _JUST_BEFORE, some[0].zone)))


def _is_news(found: EndingSoon, alert: Any) -> bool:
    """Whether somebody came to it since it was told, or since it was closed."""
    if alert is None:
        return True
    if alert.state != AlertState.CLOSED:
        return bool(found.since > alert.last_at)
    # Closed by an officer, it is dealt with for those whom it was about.
    return not alert.facts.get(PEOPLE) or bool(found.since > alert.closed_at)


def _told(connection: Connection, site_id: str) -> dict[str, Any]:
    """The site's latest alert by kind; one that is not closed is the latest."""
    row = alerts.c
    prefix = _subject(site_id, "")
    query = (
        select(row.alert_id, row.subject, row.state, row.facts, row.last_at, row.closed_at)
        .where(row.rule_id == RULE, row.site_id == site_id)
        .order_by(row.raised_at)
    )
    return {one.subject.removeprefix(prefix): one for one in connection.execute(query)}


def _subject(site_id: str, kind: str) -> str:
    return f"clearance:{site_id}/{kind}"
