"""Phones and declarations"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""

HASH = sa.String(length=64)


def upgrade() -> None:
    _phones()


def _phones() -> None:
    op.create_table(
        "visitors",
        sa.Column("visitor_id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("document_type", sa.String(length=32), nullable=False),
        sa.Column("document_hash", HASH, nullable=False),
        sa.Column("document_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("visitor_id", name=op.f("pk_visitors")),
        sa.UniqueConstraint("document_hash", name=op.f("uq_visitors_document_hash")),
    )
    op.create_table(
        "phone_sessions",
        sa.Column("session_hash", HASH, nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("visitor_id", ID, nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("session_hash", name=op.f("pk_phone_sessions")),
    )
    op.create_index(op.f("ix_phone_sessions_worker_id"), "phone_sessions", ["worker_id"])
    op.create_index(op.f("ix_phone_sessions_expires_at"), "phone_sessions", ["expires_at"])
    op.create_table(
        "phone_drafts",
        sa.Column("owner", HASH, nullable=False),
        sa.Column("form_id", ID, nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("saved_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "form_id", name=op.f("pk_phone_drafts")),
    )
    op.create_index(op.f("ix_phone_drafts_saved_at"), "phone_drafts", ["saved_at"])
    op.create_table(
        "form_tokens",
        sa.Column("token_hash", HASH, nullable=False),
        sa.Column("result", sa.Text(), server_default="", nullable=False),
        sa.Column("used_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_form_tokens")),
    )
    op.create_index(op.f("ix_form_tokens_used_at"), "form_tokens", ["used_at"])
    op.create_table(
        "phone_failures",
        sa.Column("key_hash", HASH, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("locked_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_phone_failures")),
    )
    op.create_index(op.f("ix_phone_failures_locked_until"), "phone_failures", ["locked_until"])
