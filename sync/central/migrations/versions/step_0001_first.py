"""First tables of the centre"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""


def upgrade() -> None:
    op.create_table(
        "attendance_corrections",
        sa.Column("correction_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("local_day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=True),
        sa.Column("occurred_at", Instant(), nullable=True),
        sa.Column("event_id", ID, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_attendance_corrections")),
    )
    op.create_index(
        op.f("ix_attendance_corrections_site_id_local_day_worker_id"),
        "attendance_corrections",
        ["site_id", "local_day", "worker_id"],
        unique=False,
    )
    op.create_table(
        "audit",
        sa.Column(
            "audit_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_actor_at"), "audit", ["actor", "at"], unique=False)
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_index(op.f("ix_audit_subject_at"), "audit", ["subject", "at"], unique=False)
    op.create_table(
        "commands",
        sa.Column("command_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("gate_id", ID, nullable=False),
        sa.Column("lane_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("done", sa.Boolean(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("command_id", name=op.f("pk_commands")),
    )
    op.create_index(
        op.f("ix_commands_site_id_gate_id_created_at"),
        "commands",
        ["site_id", "gate_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_commands_waiting",
        "commands",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("sent_at IS NULL"),
        sqlite_where=sa.text("sent_at IS NULL"),
    )
    op.create_table(
        "events",
        sa.Column(
            "event_no",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("gate_id", ID, nullable=False),
        sa.Column("lane_id", ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("local_day", sa.Date(), nullable=False),
        sa.Column("clock_trusted", sa.Boolean(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("replayed", sa.Boolean(), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("main_reason", sa.String(length=64), nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("worker_known", sa.Boolean(), nullable=False),
        sa.Column("worker_name", sa.String(length=200), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("passage", sa.String(length=16), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_no", name=op.f("pk_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_events_event_id")),
    )
    op.create_index(op.f("ix_events_occurred_at"), "events", ["occurred_at"], unique=False)
    op.create_index(
        op.f("ix_events_site_id_employer_occurred_at"),
        "events",
        ["site_id", "employer", "occurred_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_events_site_id_gate_id_occurred_at"),
        "events",
        ["site_id", "gate_id", "occurred_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_events_site_id_local_day_worker_id"),
        "events",
        ["site_id", "local_day", "worker_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_events_site_id_main_reason_occurred_at"),
        "events",
        ["site_id", "main_reason", "occurred_at"],
        unique=False,
    )
    op.create_index(op.f("ix_events_site_id_occurred_at"), "events", ["site_id", "occurred_at"], unique=False)
    op.create_index(
        op.f("ix_events_site_id_outcome_occurred_at"),
        "events",
        ["site_id", "outcome", "occurred_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_events_site_id_team_occurred_at"), "events", ["site_id", "team", "occurred_at"], unique=False
    )
    op.create_index(
        op.f("ix_events_worker_id_occurred_at"), "events", ["worker_id", "occurred_at"], unique=False
    )
    op.create_table(
        "gate_sequences",
        sa.Column("site_id", ID, nullable=False),
        sa.Column("gate_id", ID, nullable=False),
        sa.Column("highest", sa.BigInteger(), nullable=False),
        sa.Column("reused", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "gate_id", name=op.f("pk_gate_sequences")),
    )
    op.create_table(
        "gate_status",
        sa.Column("site_id", ID, nullable=False),
        sa.Column("gate_id", ID, nullable=False),
        sa.Column("presence", sa.String(length=16), server_default="", nullable=False),
        sa.Column("presence_at", Instant(), nullable=True),
        sa.Column("hello_counter", sa.BigInteger(), server_default="-1", nullable=False),
        sa.Column(
            "boot_id",
            ID,
            server_default="",
            nullable=False,
        ),
        sa.Column("software", sa.Text(), server_default="", nullable=False),
        sa.Column("lanes", sa.JSON(), nullable=True),
        sa.Column("last_seen_at", Instant(), nullable=True),
        sa.Column("last_event_at", Instant(), nullable=True),
        sa.Column("health_counter", sa.BigInteger(), server_default="-1", nullable=False),
        sa.Column("health_at", Instant(), nullable=True),
        sa.Column("health", sa.JSON(), nullable=True),
        sa.Column("outbox_depth", sa.BigInteger(), nullable=True),
        sa.Column("roster_version", sa.BigInteger(), nullable=True),
        sa.Column("roster_digest", sa.Text(), nullable=True),
        sa.Column("clock_offset_ms", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("site_id", "gate_id", name=op.f("pk_gate_status")),
    )
    op.create_table(
        "passages",
        sa.Column("event_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("gate_id", ID, nullable=False),
        sa.Column("passage", sa.String(length=16), nullable=False),
        sa.Column("noted_at", Instant(), nullable=False),
        sa.Column("applied", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "site_id", "gate_id", name=op.f("pk_passages")),
    )
    op.create_index(
        "ix_passages_waiting",
        "passages",
        ["event_id"],
        unique=False,
        postgresql_where=sa.text("NOT applied"),
        sqlite_where=sa.text("NOT applied"),
    )
    op.create_table(
        "quarantine",
        sa.Column(
            "quarantine_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("gate_id", ID, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_quarantine")),
    )
    op.create_index(op.f("ix_quarantine_received_at"), "quarantine", ["received_at"], unique=False)
    op.create_index(
        op.f("ix_quarantine_site_id_gate_id_digest"),
        "quarantine",
        ["site_id", "gate_id", "digest"],
        unique=True,
    )
    op.create_table(
        "refusals",
        sa.Column("site_id", ID, nullable=False),
        sa.Column("gate_id", ID, nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "gate_id", "cause", name=op.f("pk_refusals")),
    )
    op.create_table(
        "sequence_gaps",
        sa.Column(
            "gap_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("gate_id", ID, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("found_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("gap_id", name=op.f("pk_sequence_gaps")),
    )
    op.create_index(
        op.f("ix_sequence_gaps_site_id_gate_id_first"),
        "sequence_gaps",
        ["site_id", "gate_id", "first"],
        unique=False,
    )
    op.create_table(
        "sites",
        sa.Column("site_id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), server_default="", nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("sealing_key", sa.LargeBinary(), nullable=False),
        sa.Column("roster_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_sites")),
    )
    op.create_table(
        "state",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_state")),
    )
    op.create_table(
        "users",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), server_default="", nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("failed_logins", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("last_login_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
    )
    op.create_table(
        "workers",
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("employer", sa.Text(), server_default="", nullable=False),
        sa.Column("team", sa.Text(), server_default="", nullable=False),
        sa.Column("trade", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("grant_from", Instant(), nullable=True),
        sa.Column("grant_until", Instant(), nullable=True),
        sa.Column("clearances", sa.JSON(), nullable=False),
        sa.Column("face_consent_on", sa.Date(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_workers")),
    )
    op.create_index(op.f("ix_workers_name"), "workers", ["name"], unique=False)
    op.create_table(
        "api_tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("token_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("purpose", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.Column("last_used_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_api_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_id", name=op.f("uq_api_tokens_token_id")),
    )
    op.create_index(op.f("ix_api_tokens_user_id"), "api_tokens", ["user_id"], unique=False)
    op.create_table(
        "consents",
        sa.Column("consent_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("given_at", Instant(), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
        sa.Column("recorded_by", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.worker_id"], name=op.f("fk_consents_worker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("consent_id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_worker_id"), "consents", ["worker_id"], unique=False)
    op.create_table(
        "flags",
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("flag_id", ID, nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("category", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("valid_from", Instant(), nullable=True),
        sa.Column("valid_until", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.worker_id"], name=op.f("fk_flags_worker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("worker_id", "flag_id", name=op.f("pk_flags")),
    )
    op.create_table(
        "gates",
        sa.Column("site_id", ID, nullable=False),
        sa.Column("gate_id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), server_default="", nullable=False),
        sa.Column("name_en", sa.String(length=200), server_default="", nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_gates_site_id")),
        sa.PrimaryKeyConstraint("site_id", "gate_id", name=op.f("pk_gates")),
    )
    op.create_table(
        "roster_log",
        sa.Column("site_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_roster_log_site_id")),
        sa.PrimaryKeyConstraint("site_id", "worker_id", name=op.f("pk_roster_log")),
    )
    op.create_index(op.f("ix_roster_log_site_id_version"), "roster_log", ["site_id", "version"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("session_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("last_used_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "templates",
        sa.Column("template_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("quality", sa.Float(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.worker_id"], name=op.f("fk_templates_worker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("template_id", name=op.f("pk_templates")),
    )
    op.create_index(op.f("ix_templates_worker_id"), "templates", ["worker_id"], unique=False)
    op.create_table(
        "user_sites",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_user_sites_site_id")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_user_sites_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "site_id", name=op.f("pk_user_sites")),
    )
    op.create_table(
        "worker_sites",
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_worker_sites_site_id")),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.worker_id"], name=op.f("fk_worker_sites_worker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("worker_id", "site_id", name=op.f("pk_worker_sites")),
    )
    op.create_index(
        op.f("ix_worker_sites_site_id_worker_id"), "worker_sites", ["site_id", "worker_id"], unique=False
    )
    op.create_table(
        "lanes",
        sa.Column("site_id", ID, nullable=False),
        sa.Column("gate_id", ID, nullable=False),
        sa.Column("lane_id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), server_default="", nullable=False),
        sa.Column("direction", sa.String(length=8), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id", "gate_id"], ["gates.site_id", "gates.gate_id"], name=op.f("fk_lanes_site_id_gate_id")
        ),
        sa.PrimaryKeyConstraint("site_id", "gate_id", "lane_id", name=op.f("pk_lanes")),
    )
