"""Tables of the centre: cases, and the people who met them.

Names of workers and visitors are not copied: an erasure takes them everywhere at once.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
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
    text,
    true,
)

from sync.central.column_types import Instant
from sync.central.tables import ID, NAME, metadata

LABEL_LENGTH = 8
"""Of a case's id: so much of it is told to people, in reasons of flags and colours and in alerts."""

cases = Table(
    "cases",
    metadata,
    Column("case_id", ID, primary_key=True),
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),  # whose people work on it
    Column("worker_id", ID),  # without a foreign key: a case outlives the registration
    Column("name", NAME, nullable=False, server_default=""),  # of somebody who is not registered
    Column("kind", String(16), nullable=False),  # confirmed, suspected
    Column("onset_on", Date),
    Column("from_day", Date, nullable=False),  # the infectious window, both days included
    Column("until_day", Date, nullable=False),
    # What was told besides the declarations: lists of the fields of sync.tracing.Trip and Stay.
    Column("told_trips", JSON, nullable=False),
    Column("told_stays", JSON, nullable=False),
    Column("remarks", Text, nullable=False, server_default=""),
    Column("state", String(16), nullable=False),  # open, closed
    Column("opened_at", Instant, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", Text, nullable=False, server_default=""),
    Column("revision", Integer, nullable=False, server_default="0"),  # counts changes of what is traced
    Column("traced_at", Instant),  # NULL: not yet, or changed since
    Column("seen_trip", BigInteger, nullable=False, server_default="0"),  # the newest trip by then
    Index(None, "site_id", "opened_at"),
    Index(
        "ix_cases_open",
        "traced_at",
        postgresql_where=text("state = 'open'"),
        sqlite_where=text("state = 'open'"),
    ),
)

case_contacts = Table(
    "case_contacts",
    metadata,
    Column("contact_id", ID, primary_key=True),
    Column("case_id", ID, ForeignKey("cases.case_id", ondelete="CASCADE"), nullable=False),
    Column("person", String(96), nullable=False),  # worker:…, visitor:…, or named:… of name and phone
    Column("worker_id", ID),
    Column("visitor_id", ID),
    Column("name", NAME, nullable=False, server_default=""),  # of somebody on a list, not registered
    Column("phone", String(32), nullable=False, server_default=""),
    Column("site_id", ID, nullable=False, server_default=""),  # of that list
    Column("state", String(16), nullable=False),  # proposed, confirmed, dismissed, undone
    Column("found_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("decided_by", Text, nullable=False, server_default=""),
    Column("why", Text, nullable=False, server_default=""),
    Column("action_id", ID),  # of the confirmation that holds
    Column("flag_id", ID),  # the flag that it made
    UniqueConstraint("case_id", "person"),
    Index(None, "worker_id"),
)

contact_reasons = Table(
    "contact_reasons",
    metadata,
    # Why, one row per rule; kept when a corrected trip no longer says so, with `holds` false.
    Column("contact_id", ID, ForeignKey("case_contacts.contact_id", ondelete="CASCADE"), nullable=False),
    Column("rule_id", ID, nullable=False),
    Column("last_day", Date, nullable=False),  # of the meetings
    Column("certain", Boolean, nullable=False),
    Column("holds", Boolean, nullable=False, server_default=true()),
    Column("meetings", JSON, nullable=False),  # the latest ones: sync.tracing.Meeting
    Column("meetings_count", Integer, nullable=False),
    Column("found_at", Instant, nullable=False),
    PrimaryKeyConstraint("contact_id", "rule_id"),
)

case_actions = Table(
    "case_actions",
    metadata,
    # One confirmation of chosen contacts, to be undone as a whole.
    Column("action_id", ID, primary_key=True),
    Column("case_id", ID, ForeignKey("cases.case_id", ondelete="CASCADE"), nullable=False),
    Column("level", String(16), nullable=False),
    Column("days", Integer, nullable=False),  # after the last contact of each
    Column("why", Text, nullable=False),
    Column("done_at", Instant, nullable=False),
    Column("done_by", Text, nullable=False),
    Column("contacts", Integer, nullable=False),
    Column("flags", Integer, nullable=False),
    Column("undone_at", Instant),
    Column("undone_by", Text, nullable=False, server_default=""),
    Index(None, "case_id", "done_at"),
)
