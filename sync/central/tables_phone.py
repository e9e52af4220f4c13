"""Tables of the centre: who is signed in on a phone, and forms that were sent."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Integer, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from sync.central.column_types import Instant
from sync.central.tables import ID, NAME, metadata

visitors = Table(
    "visitors",
    metadata,
    # People who declare without being registered.
    Column("visitor_id", ID, primary_key=True),
    Column("name", NAME, nullable=False),
    Column("phone", Text, nullable=False, server_default=""),
    Column("document_type", String(32), nullable=False),
    # Keyed, so that the same person is found again and a copied table names nobody.
    Column("document_hash", String(64), nullable=False, unique=True),
    Column("document_sealed", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

phone_sessions = Table(
    "phone_sessions",
    metadata,
    # Workers and visitors; staff sign in with their account (`sessions`).
    Column("session_hash", String(64), primary_key=True),  # sha256 of the cookie's value
    Column("worker_id", ID, index=True),
    Column("visitor_id", ID),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("address", Text, nullable=False, server_default=""),
)

phone_drafts = Table(
    "phone_drafts",
    metadata,
    # What somebody has filled in but not sent: a reload or another row of a list loses nothing.
    Column("owner", String(64), nullable=False),  # session_hash
    Column("form_id", ID, nullable=False),
    Column("answers", JSON, nullable=False),
    Column("saved_at", Instant, nullable=False, index=True),
    PrimaryKeyConstraint("owner", "form_id"),
)

form_tokens = Table(
    "form_tokens",
    metadata,
    # Each form is taken once; sent again it leads to what the first sending led to.
    Column("token_hash", String(64), primary_key=True),  # sha256 of the sender and the form's token
    Column("result", Text, nullable=False, server_default=""),  # path of the page that shows it
    Column("used_at", Instant, nullable=False, index=True),
)

phone_failures = Table(
    "phone_failures",
    metadata,
    # Wrong sign-ins, by identity and by address, both as sha256.
    Column("key_hash", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("locked_until", Instant, index=True),
)
