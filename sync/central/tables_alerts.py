"""Tables of the centre: alerts and what was done about them.

No name, document number or reading is kept here: an alert names its subject by id, and facts are counts and
codes. What concerns a worker goes with the worker's whole record (`erasure_cleanup`).
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from sync.central.column_types import AutoNumber, Instant
from sync.central.tables import ID, metadata

SUBJECT_LENGTH = 160

NOT_CLOSED = text("state <> 'closed'")
"""Of one rule, site and subject there is at most one such alert."""

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", ID, primary_key=True),
    Column("rule_id", ID, nullable=False),
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),
    Column("subject", String(SUBJECT_LENGTH), nullable=False),  # worker:…, gate:<site>/<gate>, case:…
    Column("state", String(16), nullable=False),  # sync.alerting.State
    Column("revision", Integer, nullable=False, server_default="0"),  # counts what officers did
    Column("times", Integer, nullable=False, server_default="1"),  # it happened
    Column("facts", JSON, nullable=False),  # of the latest time
    Column("raised_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),  # the latest time it happened
    Column("opened_at", Instant, nullable=False),  # raised or reopened: deadlines count from here
    Column("acknowledged_at", Instant),
    Column("closed_at", Instant),
    Column("level", String(16), nullable=False, server_default=""),  # told so far; "": nobody yet
    Column("next_step_at", Instant),  # when a level must be told next; NULL: never as it stands
    Column("changed_at", Instant, nullable=False),  # for screens that look for what is new
    Index(
        "uq_alerts_open",
        "rule_id",
        "site_id",
        "subject",
        unique=True,
        postgresql_where=NOT_CLOSED,
        sqlite_where=NOT_CLOSED,
    ),
    Index(
        "ix_alerts_changing",  # with all that a screen asks for that looks whether something changed
        "site_id",
        "state",
        "revision",
        "times",
        "changed_at",
        postgresql_where=NOT_CLOSED,
        sqlite_where=NOT_CLOSED,
    ),
    Index(None, "next_step_at"),
    Index(None, "closed_at"),
    Index(None, "site_id", "raised_at"),
    Index(None, "subject"),
)

alert_steps = Table(
    "alert_steps",
    metadata,
    # One alert's history: who did what, and when the program told whom.
    Column("step_no", AutoNumber, primary_key=True, autoincrement=True),
    Column("alert_id", ID, ForeignKey("alerts.alert_id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(16), nullable=False),  # sync.alerting.StepKind
    Column("done_by", Text, nullable=False, server_default=""),  # "": the program
    Column("detail", String(64), nullable=False, server_default=""),  # measure, or level
    Column("remarks", Text, nullable=False, server_default=""),
    Index(None, "alert_id", "step_no"),
)

alert_messages = Table(
    "alert_messages",
    metadata,
    # One row per alert, level and channel; sent rows are cleared away after a while.
    Column("message_no", AutoNumber, primary_key=True, autoincrement=True),
    Column("alert_id", ID, ForeignKey("alerts.alert_id", ondelete="CASCADE"), nullable=False),
    Column("channel", ID, nullable=False),
    Column("level", String(16), nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Index(None, "alert_id"),
    Index(None, "sent_at"),
    Index(
        "ix_alert_messages_waiting",
        "channel",
        "message_no",
        postgresql_where=text("sent_at IS NULL"),
        sqlite_where=text("sent_at IS NULL"),
    ),
)

alert_channels = Table(
    "alert_channels",
    metadata,
    # How each channel of the file does; addresses are in the file alone.
    Column("channel", ID, primary_key=True),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("next_try_at", Instant),
    Column("problem", Text, nullable=False, server_default=""),
    Column("last_sent_at", Instant),
    Column("window_from", Instant),
    Column("window_sent", BigInteger, nullable=False, server_default="0"),  # messages in that window
)
