"""Tables of the centre: upload to the real-name platform.

Names and document numbers are not copied: they are read again when a request is made. The application's
secret is a key file.
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
    and_,
    false,
    text,
)

from sync.central.column_types import Instant
from sync.central.tables import ID, NAME, metadata

real_name_sites = Table(
    "real_name_sites",
    metadata,
    # A site that is uploaded, under which project of which application, and how far that is.
    Column("site_id", ID, ForeignKey("sites.site_id"), primary_key=True),
    Column("url", Text, nullable=False),
    Column("allow_plain", Boolean, nullable=False, server_default=false()),
    Column("app_id", NAME, nullable=False),
    Column("project_code", NAME, nullable=False),
    Column("corp_code", String(64), nullable=False),  # of the contractor, whose name is `corp_name`
    Column("corp_name", NAME, nullable=False),
    Column("corp_codes", JSON, nullable=False),  # further employers: name → code
    Column("dialect", Text, nullable=False),
    Column("photos", Text, nullable=False, server_default=""),  # folder of WORKER_ID.jpg; empty: none is sent
    Column("is_on", Boolean, nullable=False),
    Column("from_day", Date, nullable=False),  # passages of an earlier day are not sent
    Column("seen_event", BigInteger, nullable=False),  # event_no up to which passages were queued
    Column("seen_correction", Instant),  # up to when corrections were looked through
    Column("people_at", Instant),  # when workers were last compared with what was sent
    Column("next_look_at", Instant),
    Column("claimed_until", Instant),  # somebody looks: one process at a time
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("problem", Text, nullable=False, server_default=""),
    Column("looked_at", Instant),  # without a problem
    Column("updated_at", Instant, nullable=False),
)

real_name_teams = Table(
    "real_name_teams",
    metadata,
    Column("site_id", ID, nullable=False),
    Column("employer", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("team_no", String(64), nullable=False, server_default=""),  # the platform's
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("request_id", ID),
    Column("changed_at", Instant, nullable=False),
    PrimaryKeyConstraint("site_id", "employer", "team"),
    Index(None, "request_id"),
)

real_name_people = Table(
    "real_name_people",
    metadata,
    Column("site_id", ID, nullable=False),
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("employer", Text, nullable=False),  # the team as it was last queued
    Column("team", Text, nullable=False),
    Column("is_known", Boolean, nullable=False, server_default=false()),  # the platform has the worker
    Column("state", String(16), nullable=False),
    Column("alone", Boolean, nullable=False, server_default=false()),  # goes in a request of its own
    Column("reason", Text, nullable=False, server_default=""),
    Column("digest", String(64), nullable=False),  # of what was queued, to notice a change
    Column("request_id", ID),
    Column("changed_at", Instant, nullable=False),
    PrimaryKeyConstraint("site_id", "worker_id"),
    Index(None, "site_id", "state"),
    Index(None, "request_id"),
)

real_name_records = Table(
    "real_name_records",
    metadata,
    # Passages on their way: events of gates, and what managers added.
    Column("record_id", ID, primary_key=True),  # of the event or the correction
    Column("site_id", ID, nullable=False),
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("is_correction", Boolean, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("alone", Boolean, nullable=False, server_default=false()),
    Column("reason", Text, nullable=False, server_default=""),
    Column("request_id", ID),
    Column("changed_at", Instant, nullable=False),
    Index(None, "site_id", "state", "occurred_at"),
    Index(None, "site_id", "occurred_at"),
    Index(None, "request_id"),
)

RECORD_WORKER = and_(
    real_name_people.c.site_id == real_name_records.c.site_id,
    real_name_people.c.worker_id == real_name_records.c.worker_id,
)
WORKER_TEAM = and_(
    real_name_teams.c.site_id == real_name_people.c.site_id,
    real_name_teams.c.employer == real_name_people.c.employer,
    real_name_teams.c.team == real_name_people.c.team,
)
"""How they belong together."""

real_name_requests = Table(
    "real_name_requests",
    metadata,
    Column("request_id", ID, primary_key=True),
    Column("site_id", ID, nullable=False),
    Column("kind", String(16), nullable=False),  # team, worker, change, attendance
    Column("team_no", String(64), nullable=False, server_default=""),
    Column("items", JSON, nullable=False),  # what the rows were, in their order
    Column("serial", String(200), nullable=False, server_default=""),  # the platform's, once it answered
    Column("state", String(16), nullable=False),  # sending, lost, taken, done, failed, not_taken
    Column("message", Text, nullable=False, server_default=""),
    Column("sent_at", Instant, nullable=False),
    Column("next_ask_at", Instant),  # when to ask for the result, or what became of a lost one
    Column("asked", Integer, nullable=False, server_default="0"),
    Column("ended_at", Instant),
    Index(None, "site_id", "sent_at"),
    Index(
        "ix_real_name_requests_open",
        "site_id",
        "next_ask_at",
        postgresql_where=text("state IN ('sending', 'lost', 'taken')"),
        sqlite_where=text("state IN ('sending', 'lost', 'taken')"),
    ),
)
