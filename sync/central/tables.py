"""The tables of the centre. What is built from them lies in `migrations/`; both are compared by a test.

A gate's id is unique within its site, so a gate is always named by `(site_id, gate_id)`. Times are aware and
in UTC (`Instant`); `local_day` is the calendar day at the site.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    false,
    text,
    true,
)

from sync.central.column_types import AutoNumber, Instant

ID_LENGTH = 64
ID = String(ID_LENGTH).with_variant(String(ID_LENGTH, collation="C"), "postgresql")
"""Ids sort by their bytes everywhere: a page of a roster ends at the same worker here and at the gate."""

NAME = String(200)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# --- Registry -----------------------------------------------------------------------------------------------

sites = Table(
    "sites",
    metadata,
    Column("site_id", ID, primary_key=True),
    Column("name", NAME, nullable=False),
    Column("name_en", NAME, nullable=False, server_default=""),
    Column("timezone", String(64), nullable=False),
    Column("district", NAME, nullable=False, server_default=""),  # empty: not told
    Column("sub_district", NAME, nullable=False, server_default=""),
    Column(
        "sealing_key", LargeBinary, nullable=False
    ),  # 32 bytes; the templates of this site travel under it
    Column("roster_version", BigInteger, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
)

gates = Table(
    "gates",
    metadata,
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),
    Column("gate_id", ID, nullable=False),
    Column("name", NAME, nullable=False, server_default=""),
    Column("name_en", NAME, nullable=False, server_default=""),
    Column("public_key", LargeBinary, nullable=False),  # Ed25519, 32 bytes; empty: a terminal, see below
    Column("issued_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("is_kiosk", Boolean, nullable=False, server_default=false()),  # may register people
    PrimaryKeyConstraint("site_id", "gate_id"),
)

lanes = Table(
    "lanes",
    metadata,
    Column("site_id", ID, nullable=False),
    Column("gate_id", ID, nullable=False),
    Column("lane_id", ID, nullable=False),
    Column("name", NAME, nullable=False, server_default=""),
    Column("direction", String(8), nullable=False, server_default=""),
    PrimaryKeyConstraint("site_id", "gate_id", "lane_id"),
    ForeignKeyConstraint(["site_id", "gate_id"], ["gates.site_id", "gates.gate_id"]),
)

terminals = Table(
    "terminals",
    metadata,
    # Face terminals of other makers: gates without a key, believed only through the bridge.
    Column("terminal_id", ID, primary_key=True),  # as its topics name it; the gate's id too
    Column("site_id", ID, nullable=False),
    Column("direction", String(8), nullable=False),
    Column("settings", JSON, nullable=False),  # further fields of sync.vendor.terminals.Terminal
    Column("added_at", Instant, nullable=False),
    # Its list, as the bridge last said:
    Column("held", Integer, nullable=False, server_default="0"),
    Column("wanted", Integer, nullable=False, server_default="0"),
    Column("not_sent", Integer, nullable=False, server_default="0"),  # length of `outstanding`
    Column("outstanding", JSON),  # list of worker id, reason, attempts
    ForeignKeyConstraint(["site_id", "terminal_id"], ["gates.site_id", "gates.gate_id"]),
)

workers = Table(
    "workers",
    metadata,
    Column("worker_id", ID, primary_key=True),
    Column("name", NAME, nullable=False),
    Column("status", String(16), nullable=False),
    Column("employer", Text, nullable=False, server_default=""),
    Column("team", Text, nullable=False, server_default=""),
    Column("trade", Text, nullable=False, server_default=""),
    Column("phone", Text, nullable=False, server_default=""),
    Column("grant_from", Instant),
    Column("grant_until", Instant),
    Column("clearances", JSON, nullable=False),  # list of sync.records.Clearance
    Column("face_consent_on", Date),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index(None, "name"),
)

worker_sites = Table(
    "worker_sites",
    metadata,
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False),
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),
    PrimaryKeyConstraint("worker_id", "site_id"),
    Index(None, "site_id", "worker_id"),
)

templates = Table(
    "templates",
    metadata,
    Column("template_id", ID, primary_key=True),
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("model", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("vector", LargeBinary, nullable=False),  # float32, little-endian, unit length
    Column("quality", Float, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("consent_id", ID, primary_key=True),
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String(32), nullable=False),  # e.g. face
    Column("given_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    Column("document", Text, nullable=False, server_default=""),  # what was shown or signed
    Column("recorded_by", Text, nullable=False, server_default=""),
    # As in sync.people.Consent; a refusal is kept too:
    Column("granted", Boolean, nullable=False, server_default=true()),
    Column("text_version", Text, nullable=False, server_default=""),
    Column("language", String(8), nullable=False, server_default=""),
    Column("text_sha256", String(64), nullable=False, server_default=""),
    Column("how", String(16), nullable=False, server_default=""),  # screen, paper, import
    Column("signature", Text, nullable=False, server_default=""),
    Column("guardian_name", Text, nullable=False, server_default=""),
)

flags = Table(
    "flags",
    metadata,
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False),
    Column("flag_id", ID, nullable=False),
    Column("level", String(16), nullable=False),
    Column("category", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("valid_from", Instant),
    Column("valid_until", Instant),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("worker_id", "flag_id"),
)

roster_log = Table(
    "roster_log",
    metadata,
    # One row per worker that is or ever was on the roster of a site; the latest version wins.
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),
    Column("worker_id", ID, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("urgent", Boolean, nullable=False, server_default=false()),  # a flag or a block: goes first
    Column("digest", LargeBinary),  # sha256 of worker and templates; NULL: removed
    Column("entry", Text, nullable=False),  # JSON of sync.wire.messages.RosterEntry, templates sealed
    PrimaryKeyConstraint("site_id", "worker_id"),
    Index(None, "site_id", "version"),
)

# --- Events -------------------------------------------------------------------------------------------------

events = Table(
    "events",
    metadata,
    Column("event_no", AutoNumber, primary_key=True, autoincrement=True),  # order of arrival
    Column("event_id", ID, nullable=False, unique=True),
    Column("site_id", ID, nullable=False),
    Column("gate_id", ID, nullable=False),
    Column("lane_id", ID, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("direction", String(8), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("local_day", Date, nullable=False),
    Column("clock_trusted", Boolean, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("replayed", Boolean, nullable=False),  # came as backlog
    Column("method", String(16), nullable=False),
    Column("outcome", String(8), nullable=False),
    Column("main_reason", String(64), nullable=False),  # the first of the reasons; all are in `record`
    # Who it was, as known here when the event arrived; empty for a stranger.
    Column("worker_id", ID),
    Column("worker_known", Boolean, nullable=False),  # false: a worker id that the registry did not have
    Column("worker_name", NAME, nullable=False),
    Column("team", Text, nullable=False),
    Column("employer", Text, nullable=False),
    Column("passage", String(16), nullable=False),
    Column("record", Text, nullable=False),  # the event as the gate sent it, JSON
    Index(None, "occurred_at"),
    Index(None, "site_id", "occurred_at"),
    Index(None, "site_id", "local_day", "worker_id"),
    Index(None, "site_id", "gate_id", "occurred_at"),
    Index(None, "worker_id", "occurred_at"),
    Index(None, "site_id", "team", "occurred_at"),
    Index(None, "site_id", "employer", "occurred_at"),
    Index(None, "site_id", "outcome", "occurred_at"),
    Index(None, "site_id", "main_reason", "occurred_at"),
)

passages = Table(
    "passages",
    metadata,
    # Notes of the door; kept apart because one may overtake its event.
    Column("event_id", ID, nullable=False),
    Column("site_id", ID, nullable=False),
    Column("gate_id", ID, nullable=False),
    Column("passage", String(16), nullable=False),
    Column("noted_at", Instant, nullable=False),
    Column("applied", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("event_id", "site_id", "gate_id"),
    Index(
        "ix_passages_waiting",
        "event_id",
        postgresql_where=text("NOT applied"),
        sqlite_where=text("NOT applied"),
    ),
)

quarantine = Table(
    "quarantine",
    metadata,
    # What was refused but may be real: kept for a person to look at, bounded per gate.
    Column("quarantine_id", AutoNumber, primary_key=True, autoincrement=True),
    Column("site_id", ID, nullable=False),
    Column("gate_id", ID, nullable=False),
    Column("digest", String(64), nullable=False),  # sha256 of the payload: the same thing is kept once
    Column("cause", String(32), nullable=False),  # unknown_gate, revoked_gate, foreign, malformed, ...
    Column("payload", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Index(None, "site_id", "gate_id", "digest", unique=True),
    Index(None, "received_at"),
)

gate_sequences = Table(
    "gate_sequences",
    metadata,
    Column("site_id", ID, nullable=False),
    Column("gate_id", ID, nullable=False),
    Column("highest", BigInteger, nullable=False),
    Column(
        "reused", BigInteger, nullable=False
    ),  # new events under an old number: the gate's store was replaced
    PrimaryKeyConstraint("site_id", "gate_id"),
)

sequence_gaps = Table(
    "sequence_gaps",
    metadata,
    Column("gap_id", AutoNumber, primary_key=True, autoincrement=True),
    Column("site_id", ID, nullable=False),
    Column("gate_id", ID, nullable=False),
    Column("first", BigInteger, nullable=False),  # both inclusive
    Column("last", BigInteger, nullable=False),
    Column("found_at", Instant, nullable=False),
    Index(None, "site_id", "gate_id", "first"),
)

refusals = Table(
    "refusals",
    metadata,
    # Messages and items that were refused, counted by cause.
    Column("site_id", ID, nullable=False),
    Column("gate_id", ID, nullable=False),
    Column("cause", String(32), nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("last_at", Instant, nullable=False),
    PrimaryKeyConstraint("site_id", "gate_id", "cause"),
)

# --- Gates at work ------------------------------------------------------------------------------------------

gate_status = Table(
    "gate_status",
    metadata,
    Column("site_id", ID, nullable=False),
    Column("gate_id", ID, nullable=False),
    Column(
        "presence", String(16), nullable=False, server_default=""
    ),  # online, stopped, lost; empty: never seen
    Column("presence_at", Instant),  # when the centre heard so
    Column("hello_counter", BigInteger, nullable=False, server_default="-1"),
    Column("boot_id", ID, nullable=False, server_default=""),
    Column("software", Text, nullable=False, server_default=""),
    Column("lanes", JSON),
    Column("last_seen_at", Instant),  # any accepted message
    Column("last_event_at", Instant),  # newest occurred_at of a live event
    Column("health_counter", BigInteger, nullable=False, server_default="-1"),
    Column("health_at", Instant),
    Column("health", JSON),  # sync.wire.messages.Health as sent
    # From the health, to sort and filter by:
    Column("outbox_depth", BigInteger),
    Column("roster_version", BigInteger),
    Column("roster_digest", Text),
    Column("clock_offset_ms", Float),
    PrimaryKeyConstraint("site_id", "gate_id"),
)

commands = Table(
    "commands",
    metadata,
    Column("command_id", ID, primary_key=True),
    Column("site_id", ID, nullable=False),
    Column("gate_id", ID, nullable=False),
    Column("lane_id", String(64), nullable=False, server_default=""),
    Column("action", String(16), nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("answered_at", Instant),
    Column("done", Boolean),
    Column("detail", Text, nullable=False, server_default=""),
    Column("question", Text, nullable=False, server_default=""),  # of `explain`; goes with its row, soon
    Index(None, "site_id", "gate_id", "created_at"),
    Index(
        "ix_commands_waiting",
        "created_at",
        postgresql_where=text("sent_at IS NULL"),
        sqlite_where=text("sent_at IS NULL"),
    ),
)

# --- People at the console ----------------------------------------------------------------------------------

users = Table(
    "users",
    metadata,
    Column("user_id", ID, primary_key=True),  # the login name
    Column("name", NAME, nullable=False, server_default=""),
    Column("password_hash", Text, nullable=False),  # Argon2id
    Column("role", String(16), nullable=False),  # supervisor, site_manager, admin
    Column("active", Boolean, nullable=False, server_default=true()),
    Column("failed_logins", Integer, nullable=False, server_default="0"),
    Column("locked_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("last_login_at", Instant),
)

user_sites = Table(
    "user_sites",
    metadata,
    # The sites a user may see; an admin sees all without a row here.
    Column("user_id", ID, ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False),
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),
    PrimaryKeyConstraint("user_id", "site_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_hash", String(64), primary_key=True),  # sha256 of the cookie's value
    Column("user_id", ID, ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("address", Text, nullable=False, server_default=""),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("token_hash", String(64), primary_key=True),  # sha256; the token itself is shown once
    Column("token_id", ID, nullable=False, unique=True),
    Column("user_id", ID, ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("purpose", Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
)

audit = Table(
    "audit",
    metadata,
    # Who looked at or changed what; never updated, never deleted by the program.
    Column("audit_id", AutoNumber, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),  # user id, or e.g. `command line`
    Column("action", String(64), nullable=False),
    Column("site_id", String(64), nullable=False, server_default=""),
    Column("subject", Text, nullable=False, server_default=""),  # e.g. worker:W-17, event:..., export
    Column("detail", JSON),
    Index(None, "at"),
    Index(None, "actor", "at"),
    Index(None, "subject", "at"),
)

attendance_corrections = Table(
    "attendance_corrections",
    metadata,
    # A manager's additions and cancellations; the device records stay as they are.
    Column("correction_id", ID, primary_key=True),
    Column("site_id", ID, nullable=False),
    Column("worker_id", ID, nullable=False),
    Column("local_day", Date, nullable=False),
    Column(
        "kind", String(16), nullable=False
    ),  # add: a passage nobody recorded; cancel: `event_id` does not count
    Column("direction", String(8)),  # of an added passage
    Column("occurred_at", Instant),  # of an added passage
    Column("event_id", ID),  # of a cancelled record
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", Instant),
    Index(None, "site_id", "local_day", "worker_id"),
)

state = Table(
    "state",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
