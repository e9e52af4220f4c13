"""Key-monitoring lists: visitors who are on one"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""

NAME = sa.String(length=200)
TABLE = "watch_visitor_matches"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("match_id", ID, nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("identity", sa.BigInteger(), nullable=False),
        sa.Column("found_by", sa.String(length=16), nullable=False),
        sa.Column("is_exact", sa.Boolean(), nullable=False),
        sa.Column("documents_differ", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("version_no", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("valid_from", Instant(), nullable=True),
        sa.Column("valid_until", Instant(), nullable=True),
        sa.Column("found_at", Instant(), nullable=False),
        sa.Column("is_current", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("decision", sa.String(length=16), server_default="", nullable=False),
        sa.Column("decided_by", NAME, server_default="", nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("visitor_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["watch_lists.list_id"], name=op.f(f"fk_{TABLE}_list_id")),
        sa.ForeignKeyConstraint(
            ["visitor_id"], ["visitors.visitor_id"], name=op.f(f"fk_{TABLE}_visitor_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("match_id", name=op.f(f"pk_{TABLE}")),
    )
    for columns, unique in (
        (("is_current", "valid_until"), False),
        (("list_id", "identity", "visitor_id"), True),
        (("visitor_id",), False),
    ):
        op.create_index(op.f(f"ix_{TABLE}_{'_'.join(columns)}"), TABLE, list(columns), unique=unique)
    op.create_table(
        "watch_visitor_queue",
        sa.Column("visitor_id", ID, nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("visitor_id", name=op.f("pk_watch_visitor_queue")),
    )
    op.create_index(
        op.f("ix_watch_visitor_queue_asked_at"), "watch_visitor_queue", ["asked_at"], unique=False
    )
