"""Tables of the centre: people behind workers, what kiosks sent, duplicates, erasures."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    false,
    text,
)

from sync.central.column_types import Instant
from sync.central.tables import ID, NAME, metadata

notes_taken = Table(
    "notes_taken",
    metadata,
    # Records of kiosks that are in the database: one that comes again is not taken again.
    Column("record_id", ID, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("site_id", ID, nullable=False),
    Column("gate_id", ID, nullable=False),
    Column("received_at", Instant, nullable=False),
)

persons = Table(
    "persons",
    metadata,
    # Who a worker is by their papers; never on a roster.
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), primary_key=True),
    Column("document_type", String(32), nullable=False),
    Column("number_sealed", LargeBinary, nullable=False),  # see PersonVault, bound to the worker's number
    Column("number_hash", String(64), nullable=False, index=True),  # keyed, of canonical type and number
    Column("birth_date", Date),
    Column("sex", String(16), nullable=False, server_default="unstated"),
    Column("address", Text, nullable=False, server_default=""),
    Column("guardian_name", Text, nullable=False, server_default=""),
    Column("guardian_phone", Text, nullable=False, server_default=""),
    Column("updated_at", Instant, nullable=False),
)

departures = Table(
    "departures",
    metadata,
    # Who has left or is on no site, while the face is still kept; see face_retention.
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), primary_key=True),
    Column("since", Instant, nullable=False, index=True),
)

enrolments = Table(
    "enrolments",
    metadata,
    # What kiosks sent about workers: where an entry came from, and which is the newest.
    Column("enrolment_id", ID, primary_key=True),
    Column("worker_id", ID, nullable=False),  # no foreign key: the history outlives the worker
    Column("site_id", ID, nullable=False),
    Column("gate_id", ID, nullable=False),  # the kiosk
    Column("enrolled_at", Instant, nullable=False),  # by the kiosk's clock, never after `received_at`
    Column("received_at", Instant, nullable=False),
    Column("recorded_by", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("templates", Integer),  # how many came; NULL: none were sent along
    Column("outdated", Boolean, nullable=False, server_default=false()),  # a newer one was here first
    Column("withheld", Text, nullable=False, server_default=""),  # what of it was not taken over, and why
    Column("checked_at", Instant),  # compared with the whole registry
    Index(None, "worker_id", "enrolled_at"),
    Index(
        "ix_enrolments_unchecked",
        "received_at",
        postgresql_where=text("checked_at IS NULL"),
        sqlite_where=text("checked_at IS NULL"),
    ),
)

duplicates = Table(
    "duplicates",
    metadata,
    # Two records that may be one person. The lesser number is `worker_id`, so that a pair is there once.
    Column("worker_id", ID, nullable=False),
    Column("other_worker_id", ID, nullable=False),
    Column("found_by", String(16), nullable=False),  # face, document
    Column("score", Float),  # best cosine; goes with a withdrawn consent
    Column("found_at", Instant, nullable=False),
    Column("decision", String(16), nullable=False, server_default=""),  # same, different; empty: open
    Column("decided_by", NAME, nullable=False, server_default=""),
    Column("decided_at", Instant),
    Column("reason", Text, nullable=False, server_default=""),
    Column("merged_into", ID),  # the number that stayed; the other one of the two is gone
    PrimaryKeyConstraint("worker_id", "other_worker_id", "found_by"),
    Index(None, "other_worker_id"),
    Index(
        "ix_duplicates_open",
        "found_at",
        postgresql_where=text("decision = ''"),
        sqlite_where=text("decision = ''"),
    ),
)

erasures = Table(
    "erasures",
    metadata,
    # Withdrawn consents. What had to go is gone from the other tables; this is the receipt.
    Column("erasure_id", ID, primary_key=True),  # the withdrawal's id
    Column("worker_id", ID, nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("withdrawn_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False, index=True),
    Column("site_id", String(64), nullable=False, server_default=""),  # of the kiosk; empty: at the centre
    Column("gate_id", String(64), nullable=False, server_default=""),
    Column("recorded_by", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("sites", JSON, nullable=False),  # where the worker was registered then
)

erasure_items = Table(
    "erasure_items",
    metadata,
    # Who has to forget, and who said so. `gate_id` is empty for the centre's own.
    Column("erasure_id", ID, ForeignKey("erasures.erasure_id", ondelete="CASCADE"), nullable=False),
    Column("place", String(16), nullable=False),  # centre, gate, terminal, kiosk
    Column("site_id", ID, nullable=False, server_default=""),
    Column("gate_id", ID, nullable=False, server_default=""),
    Column("what", String(200), nullable=False),
    Column("roster_version", BigInteger),  # confirmed by whoever holds this version or a later one
    Column("confirmed_at", Instant),
    PrimaryKeyConstraint("erasure_id", "place", "site_id", "gate_id", "what"),
    Index(
        "ix_erasure_items_open",
        "site_id",
        "gate_id",
        postgresql_where=text("confirmed_at IS NULL"),
        sqlite_where=text("confirmed_at IS NULL"),
    ),
)
