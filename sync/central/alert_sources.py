"""What raises alerts of what kiosks and phones send, and of what officers confirm; of gates: `gate_fever`.

Each is part of the transaction in which it happened, and asks nothing of the database where nothing is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select

from sync.central import tables
from sync.central.alerts import raise_alert
from sync.central.statements import chunks
from sync.central.tables_alerts import SUBJECT_LENGTH, alerts
from sync.central.tables_health import pass_copies

SHORT_WITHIN = timedelta(days=3)
"""A supply that runs out within so many days is short."""

FEVER, CONTACT = "fever", "contact"
"""An answer and a mark of the worker's declaration (sync/forms/data)."""


def declared(
    connection: Connection,
    site_id: str,
    subject: str,
    marks: Collection[str],
    answers: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """A declaration that counts: fever, or contact with a case."""
    has_fever, had_contact = FEVER in answers.get("health", ()), CONTACT in marks
    if has_fever or had_contact:
        raise_alert(connection, "fever_declared", site_id=site_id, subject=subject, now=now)


def site_reported(
    connection: Connection,
    site_id: str,
    employer: str,
    *,
    unwell: int,
    short: Iterable[tuple[str, date]],
    day: date,
    now: datetime,
) -> None:
    """A site's daily report that counts. `short`: supplies, and the first day that each does not cover."""
    subject = f"employer:{site_id}/{employer}"
    if unwell:
        facts: dict[str, str | int] = {"unwell": unwell}
        raise_alert(connection, "unwell_reported", site_id=site_id, subject=subject, facts=facts, now=now)
    supplies = sorted(supply for supply, on in short if on <= day + SHORT_WITHIN)
    if supplies:
        facts = {"supplies": " ".join(supplies)}
        raise_alert(connection, "supplies_short", site_id=site_id, subject=subject, facts=facts, now=now)


def list_matched(connection: Connection, workers: Mapping[str, Iterable[str]], *, now: datetime) -> None:
    """These workers, with their sites, are on a list, by an exact match or by somebody's word."""
    for worker_id, site_ids in sorted(workers.items()):
        for site_id in sorted(site_ids):
            subject = f"worker:{worker_id}"
            raise_alert(connection, "list_match", site_id=site_id, subject=subject, now=now)


def list_near(
    connection: Connection,
    near: Iterable[tuple[str, str]],
    sites: Mapping[str, Iterable[str]],
    *,
    now: datetime,
) -> None:
    """Pairs of list and worker that somebody has to look at: one alert per list and site of the workers."""
    counts = Counter((list_id, site_id) for list_id, one in near for site_id in sites[one])
    for (list_id, site_id), count in sorted(counts.items()):
        facts = {"new": count}
        raise_alert(connection, "list_near", site_id=site_id, subject=f"list:{list_id}", facts=facts, now=now)


def contacts_confirmed(
    connection: Connection, case_id: str, site_id: str, worker_ids: Collection[str], *, now: datetime
) -> None:
    """Contacts of a case: told to the sites where they work, and to the one of the case."""
    counts = Counter(one for sites in _sites_of(connection, worker_ids).values() for one in sites)
    for one in sorted({site_id, *counts}):
        facts = {"contacts": counts[one]}
        raise_alert(connection, "case_contacts", site_id=one, subject=f"case:{case_id}", facts=facts, now=now)


def forget_worker(connection: Connection, worker_id: str) -> int:
    """A worker's whole record is erased: the alerts about that person go with it.

    A copied pass is named by its own id, or by the worker where the event does not say which pass it was.
    """
    copied = select(pass_copies.c.pass_id).where(pass_copies.c.worker_id == worker_id).distinct()
    passes = ["pass:" + one for one in connection.scalars(copied) if one]
    subjects = [f"{kind}:{worker_id}"[:SUBJECT_LENGTH] for kind in ("worker", "pass")] + passes
    gone = connection.execute(delete(alerts).where(alerts.c.subject.in_(subjects)))
    return gone.rowcount


def _sites_of(connection: Connection, worker_ids: Collection[str]) -> dict[str, list[str]]:
    link = tables.worker_sites.c
    found: dict[str, list[str]] = {}
    for some in chunks(sorted(worker_ids)):
        query = select(link.worker_id, link.site_id).where(link.worker_id.in_(some))
        for worker_id, site_id in connection.execute(query.order_by(link.worker_id, link.site_id)):
            found.setdefault(worker_id, []).append(site_id)
    return found
