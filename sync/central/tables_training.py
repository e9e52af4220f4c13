"""Tables of the centre: training records, and sessions on phones."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table, Text, UniqueConstraint

from sync.central.column_types import Instant
from sync.central.tables import ID, NAME, metadata

HASH = String(64)
"""sha256 or Ed25519 public key in hexadecimal digits."""

training_records = Table(
    "training_records",
    metadata,
    Column("record_id", ID, primary_key=True),
    Column("site_id", ID, nullable=False, index=True),
    Column("kiosk_id", ID, nullable=False),  # a gate of the site, or CENTRE for phones
    Column("public_key", HASH, nullable=False),
    Column("key_registered", Boolean, nullable=False),  # it was the gate's own at that moment
    Column("number", Integer, nullable=False),  # in the chain of that key, from 1 without holes
    Column("hash", HASH, nullable=False),  # what the next record names as the one before it
    Column("token", ID, nullable=False, unique=True),  # of the certificate
    Column("worker_id", ID, nullable=False, index=True),  # stays when the worker is removed
    Column("worker_name", NAME, nullable=False),
    Column("course_id", ID, nullable=False),
    Column("course_version", String(32), nullable=False),
    Column("course_title_zh", Text, nullable=False),
    Column("course_title_en", Text, nullable=False, server_default=""),
    Column("kind", ID, nullable=False),  # of the clearance
    Column("result", String(16), nullable=False),
    Column("score_percent", Integer),
    Column("seconds_seen", Float, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
    Column("valid_until", Instant),
    Column("signed", Text, nullable=False),  # the SignedTraining as JSON
    Column("received_at", Instant, nullable=False),
    UniqueConstraint("public_key", "number"),
    Index("ix_training_records_valid_until", "valid_until"),
    Index("ix_training_records_ended_at", "ended_at"),
)

training_sessions = Table(
    "training_sessions",
    metadata,
    # Of phones; they survive a reload and a restart of the centre.
    Column("session_id", ID, primary_key=True),
    Column("worker_id", ID, nullable=False),
    Column("site_id", ID, nullable=False),
    Column("course_id", ID, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("state", Text, nullable=False),  # the SessionState as JSON
    UniqueConstraint("worker_id", "course_id"),
)
