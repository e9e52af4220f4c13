"""Training records, and sessions on phones"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
HASH = sa.String(length=64)


def upgrade() -> None:
    op.create_table(
        "training_records",
        sa.Column("record_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("kiosk_id", ID, nullable=False),
        sa.Column("public_key", HASH, nullable=False),
        sa.Column("key_registered", sa.Boolean(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", HASH, nullable=False),
        sa.Column("token", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("worker_name", sa.String(length=200), nullable=False),
        sa.Column("course_id", ID, nullable=False),
        sa.Column("course_version", sa.String(length=32), nullable=False),
        sa.Column("course_title_zh", sa.Text(), nullable=False),
        sa.Column("course_title_en", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("score_percent", sa.Integer(), nullable=True),
        sa.Column("seconds_seen", sa.Float(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=False),
        sa.Column("valid_until", Instant(), nullable=True),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_training_records")),
        sa.UniqueConstraint("public_key", "number", name=op.f("uq_training_records_public_key_number")),
        sa.UniqueConstraint("token", name=op.f("uq_training_records_token")),
    )
    for column in ("ended_at", "site_id", "valid_until", "worker_id"):
        op.create_index(op.f(f"ix_training_records_{column}"), "training_records", [column])
    op.create_table(
        "training_sessions",
        sa.Column("session_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("course_id", ID, nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_training_sessions")),
        sa.UniqueConstraint("worker_id", "course_id", name=op.f("uq_training_sessions_worker_id_course_id")),
    )
