"""What a declaration that counts says about its worker's pass; it goes when another one takes its place.

Part of the declaration's own transaction. A kiosk speaks for the workers of its own site; on a phone people
speak for themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from sync.central import health, registry
from sync.declarations import Declaration
from sync.screening.pass_rules import DeclaredRule

_DIGEST_DIGITS = 32


def source_of(declaration_id: str) -> str:
    """What the entries that a declaration makes name as their source."""
    return f"declaration:{declaration_id}"


def take(
    connection: Connection,
    declaration: Declaration,
    answers: dict[str, Any],
    worker_id: str,
    *,
    zone: Callable[[], ZoneInfo],
    now: datetime,
) -> dict[str, int]:
    """Occurrences and findings of a declaration that counts; the new roster versions, mostly none.

    zone  that of the site, asked for where it matters
    """
    rules = health.rules(connection)
    said = [one for one in rules.declared if one.holds(declaration.form_id, answers)]
    is_about_health = any(one.form == declaration.form_id for one in rules.declared)
    if not said and (rules.declared_well is None or not is_about_health):
        return {}
    sites = registry.hold(connection, [worker_id]).get(worker_id)
    if sites is None or (declaration.source != "phone" and declaration.site_id not in sites):
        return {}
    source = source_of(declaration.declaration_id)
    versions: dict[str, int] = {}
    for one in said:
        day, at = _when(one, answers, declaration.declared_at, zone)
        # Of a day it is the same however often it is declared; without one each declaration is news.
        what = f"{worker_id}\n{one.cause}\n{day or declaration.declaration_id}"
        versions |= health.occurred(
            connection, worker_id, one.cause, at, entry_id=_entry(what), now=now, source=source
        )
    if not said and rules.declared_well is not None:
        versions |= health.found(
            connection,
            worker_id,
            rules.declared_well,
            declaration.declared_at,
            entry_id=_entry(f"{worker_id}\n{rules.declared_well}\n{declaration.declaration_id}"),
            now=now,
            source=source,
        )
    return versions


def _when(
    rule: DeclaredRule, answers: dict[str, Any], declared_at: datetime, zone: Callable[[], ZoneInfo]
) -> tuple[date | None, datetime]:
    """The day that was named, and the instant: its end, or the declaration where it is not over."""
    given = answers.get(rule.day) if rule.day is not None else None
    if given is None:
        return None, declared_at
    day = date.fromisoformat(given)
    return day, min(declared_at, datetime.combine(day + timedelta(days=1), time(), zone()))


def _entry(what: str) -> str:
    return "declared-" + hashlib.sha256(what.encode()).hexdigest()[:_DIGEST_DIGITS]
