"""Tables of the centre: tests and examinations due and done."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from sync.central.column_types import Instant
from sync.central.tables import ID, NAME, metadata

test_batches = Table(
    "test_batches",
    metadata,
    # What was ordered at once, to be taken back as a whole.
    Column("batch_id", ID, primary_key=True),
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),
    Column("kind", ID, nullable=False),
    Column("due_by", Instant, nullable=False),
    Column("why", Text, nullable=False),
    Column("at_gate", String(16), nullable=False),  # nothing, from_now, when_overdue
    Column("ordered_at", Instant, nullable=False),
    Column("ordered_by", Text, nullable=False),
    Column("people", Integer, nullable=False),
    Column("undone_at", Instant),
    Column("undone_by", Text, nullable=False, server_default=""),
    Index(None, "site_id", "ordered_at"),
)

_OPEN = text("done_at IS NULL AND cancelled_at IS NULL")

test_orders = Table(
    "test_orders",
    metadata,
    # One person of a batch: open until a result of the kind is there, or taken back.
    Column("order_id", ID, primary_key=True),  # also the id of its flag
    Column("batch_id", ID, ForeignKey("test_batches.batch_id", ondelete="CASCADE"), nullable=False),
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False),
    Column("kind", ID, nullable=False),
    Column("due_by", Instant, nullable=False),
    Column("ordered_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("cancelled_at", Instant),
    Column("alerted", Boolean, nullable=False, server_default=false()),  # of being overdue
    Index(None, "batch_id"),
    Index(None, "worker_id", "kind", "ordered_at"),
    Index(
        "ix_test_orders_open",
        "worker_id",
        "kind",
        unique=True,
        postgresql_where=_OPEN,
        sqlite_where=_OPEN,
    ),
    Index("ix_test_orders_due", "due_by", postgresql_where=_OPEN, sqlite_where=_OPEN),
)

test_results = Table(
    "test_results",
    metadata,
    Column("result_id", ID, primary_key=True),
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False),
    Column("kind", ID, nullable=False),
    Column("result", ID, nullable=False),  # of the kind, as in the rules
    Column("done_at", Instant, nullable=False),
    Column("valid_until", Instant),  # of one that grants; NULL: no end
    Column("done_by", NAME, nullable=False, server_default=""),  # laboratory, hospital, office
    Column("reference", NAME, nullable=False, server_default=""),  # number of the document
    Column("import_id", ID),
    Column("entered_at", Instant, nullable=False),
    Column("entered_by", Text, nullable=False),
    UniqueConstraint("worker_id", "kind", "done_at"),
    Index(None, "import_id"),
    Index(None, "done_at"),
)

test_imports = Table(
    "test_imports",
    metadata,
    # Lists of laboratories. No row of it is kept but as a result.
    Column("import_id", ID, primary_key=True),
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),
    Column("kind", ID, nullable=False),
    Column("file_name", NAME, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("problems", JSON, nullable=False),  # list of row and why
    Column("imported_at", Instant, nullable=False),
    Column("imported_by", Text, nullable=False),
    Column("undone_at", Instant),
    Column("undone_by", Text, nullable=False, server_default=""),
    Index(None, "site_id", "imported_at"),
)

daily_clearances = Table(
    "daily_clearances",
    metadata,
    # Which declaration was last made a clearance of, or found not to be one; only where that is switched on.
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False),
    Column("local_day", Date, nullable=False),
    Column("declaration_id", ID, nullable=False),
    PrimaryKeyConstraint("worker_id", "local_day"),
    Index(None, "local_day"),
)
