"""Tables of the centre: QR passes and badges that were handed to workers."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, PrimaryKeyConstraint, String, Table

from sync.central.column_types import Instant
from sync.central.tables import ID, metadata

DIGEST_LENGTH = 64

pass_grants = Table(
    "pass_grants",
    metadata,
    # sync.records.PassGrant: the digest of what the pass carries, never the pass itself.
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False),
    Column("pass_id", ID, nullable=False),
    Column("method", String(8), nullable=False),
    Column("digest", String(DIGEST_LENGTH), nullable=False, index=True),
    Column("valid_from", Instant),
    Column("valid_until", Instant),
    Column("revoked_at", Instant),
    PrimaryKeyConstraint("worker_id", "pass_id"),
)
