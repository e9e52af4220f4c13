"""Tables of the centre: what pass colours come from, requests for correction, and copies of passes."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    false,
    text,
)

from sync.central.column_types import Instant
from sync.central.tables import ID, NAME, metadata

IS_OPEN = text("answer = ''")

pass_occurrences = Table(
    "pass_occurrences",
    metadata,
    # What makes a pass red or yellow, with what it does by the rules of the day on which it became known.
    Column("entry_id", ID, primary_key=True),
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("cause", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("steps", JSON, nullable=False),  # list of [colour, days or null]
    Column("ended_by", JSON, nullable=False),  # list of findings
    Column("source", String(80), nullable=False, server_default="", index=True),  # declaration:…, console
    Column("known_at", Instant, nullable=False),
    Column("noted_by", NAME, nullable=False, server_default=""),
    Column("why", Text, nullable=False, server_default=""),
    Column("taken_back_at", Instant),
    Column("taken_back_by", NAME, nullable=False, server_default=""),
    Column("taken_back_why", Text, nullable=False, server_default=""),
)

pass_findings = Table(
    "pass_findings",
    metadata,
    # What ends a colour early, or makes a pass green.
    Column("entry_id", ID, primary_key=True),
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("finding", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("covers_earlier", Boolean, nullable=False, server_default=false()),
    Column("green_until", Instant),
    Column("source", String(80), nullable=False, server_default="", index=True),
    Column("known_at", Instant, nullable=False),
    Column("noted_by", NAME, nullable=False, server_default=""),
    Column("why", Text, nullable=False, server_default=""),
    Column("taken_back_at", Instant),
    Column("taken_back_by", NAME, nullable=False, server_default=""),
    Column("taken_back_why", Text, nullable=False, server_default=""),
)

pass_corrections = Table(
    "pass_corrections",
    metadata,
    # A worker says that the colour is wrong; one open request each.
    Column("correction_id", ID, primary_key=True),
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("asked_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("said", Text, nullable=False),
    Column("colour", String(8), nullable=False),  # as it was then; "" for none
    Column("cause", String(64), nullable=False, server_default=""),
    Column("answer", String(8), nullable=False, server_default=""),  # changed, stays
    Column("answered_at", Instant),
    Column("answered_by", NAME, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Index(
        "ix_pass_corrections_open",
        "worker_id",
        unique=True,
        postgresql_where=IS_OPEN,
        sqlite_where=IS_OPEN,
    ),
    Index(None, "due_at"),
)

pass_profiles = Table(
    "pass_profiles",
    metadata,
    # The rules in force, where they are not the shipped ones: the text of the file. One row.
    Column("profile_no", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("set_by", NAME, nullable=False),
)

pass_copies = Table(
    "pass_copies",
    metadata,
    # One pass at two gates within a time in which nobody gets from one to the other.
    Column("first_event", ID, nullable=False),
    Column("second_event", ID, nullable=False),
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("pass_id", ID, nullable=False, server_default=""),
    Column("first_site", ID, nullable=False),
    Column("first_gate", ID, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("second_site", ID, nullable=False),
    Column("second_gate", ID, nullable=False),
    Column("second_at", Instant, nullable=False),
    Column("found_at", Instant, nullable=False),
    PrimaryKeyConstraint("first_event", "second_event"),
    Index(None, "second_at"),
)

pass_copy_progress = Table(
    "pass_copy_progress",
    metadata,
    # The number of the event up to which copies were looked for. One row.
    Column("progress_no", BigInteger, primary_key=True, autoincrement=False),
    Column("event_no", BigInteger, nullable=False),
)
