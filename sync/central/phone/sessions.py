"""Workers and visitors on phones: short sessions, of which only the sha256 is kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, bindparam, delete, insert, select

from sync.central.tables import workers
from sync.central.tables_phone import form_tokens, phone_drafts, phone_sessions, visitors

_SECRET_BYTES = 32
FORMS_REMEMBERED_FOR = timedelta(days=2)
"""A double submit comes within minutes, a tab that a phone reopens within a day or so."""


_FIND = (
    select(
        phone_sessions.c.session_hash,
        phone_sessions.c.worker_id,
        phone_sessions.c.visitor_id,
        phone_sessions.c.created_at,
        workers.c.name.label("worker_name"),
        visitors.c.name.label("visitor_name"),
    )
    .outerjoin(workers, workers.c.worker_id == phone_sessions.c.worker_id)
    .outerjoin(visitors, visitors.c.visitor_id == phone_sessions.c.visitor_id)
    .where(
        phone_sessions.c.session_hash == bindparam("secret_hash"),
        phone_sessions.c.expires_at > bindparam("now"),
    )
)
"""Built once: on the way of every request."""


@dataclass(frozen=True, slots=True)
class PhonePerson:
    """Who holds the phone: a registered worker, or a visitor. One of the two ids is set.

    since  when the session began
    """

    session_hash: str
    name: str
    since: datetime
    worker_id: str | None = None
    visitor_id: str | None = None

    @property
    def subject(self) -> str:
        """As in the audit log."""
        return f"worker:{self.worker_id}" if self.worker_id else f"visitor:{self.visitor_id}"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whom a sign-in found: one of the two."""

    worker_id: str | None = None
    visitor_id: str | None = None


def begin(
    connection: Connection,
    who: SignedIn,
    *,
    now: datetime,
    lasts: timedelta,
    address: str = "",
) -> str:
    """A new session; returns the secret for the cookie."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    connection.execute(
        insert(phone_sessions).values(
            session_hash=_digest(secret),
            worker_id=who.worker_id,
            visitor_id=who.visitor_id,
            created_at=now,
            expires_at=now + lasts,
            address=address,
        )
    )
    return secret


def find(connection: Connection, secret: str, *, now: datetime) -> PhonePerson | None:
    """Who a cookie belongs to; None where it is unknown or expired, or the person is gone."""
    row = connection.execute(_FIND, {"secret_hash": _digest(secret), "now": now}).first()
    name = None if row is None else row.worker_name or row.visitor_name
    if row is None or name is None:
        return None
    return PhonePerson(row.session_hash, name, row.created_at, row.worker_id, row.visitor_id)


def end(connection: Connection, session_hash: str) -> None:
    connection.execute(delete(phone_drafts).where(phone_drafts.c.owner == session_hash))
    connection.execute(delete(phone_sessions).where(phone_sessions.c.session_hash == session_hash))


def tidy(connection: Connection, *, now: datetime) -> None:
    """Expired sessions with their drafts, and forms sent long ago."""
    expired = select(phone_sessions.c.session_hash).where(phone_sessions.c.expires_at <= now)
    connection.execute(delete(phone_drafts).where(phone_drafts.c.owner.in_(expired)))
    connection.execute(delete(phone_sessions).where(phone_sessions.c.expires_at <= now))
    connection.execute(delete(phone_drafts).where(phone_drafts.c.saved_at <= now - FORMS_REMEMBERED_FOR))
    connection.execute(delete(form_tokens).where(form_tokens.c.used_at <= now - FORMS_REMEMBERED_FOR))


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
