"""Passes"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""


def upgrade() -> None:
    op.create_table(
        "pass_grants",
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("pass_id", ID, nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("valid_from", Instant(), nullable=True),
        sa.Column("valid_until", Instant(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["workers.worker_id"],
            name=op.f("fk_pass_grants_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("worker_id", "pass_id", name=op.f("pk_pass_grants")),
    )
    op.create_index(op.f("ix_pass_grants_digest"), "pass_grants", ["digest"], unique=False)
