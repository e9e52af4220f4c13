"""Lists that the centre fetches itself"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""

TABLE = "watch_list_feeds"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("list_id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("every_s", sa.Integer(), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.Column("tried_at", Instant(), nullable=True),
        sa.Column("fetched_at", Instant(), nullable=True),
        sa.Column("sha256", sa.String(length=64), server_default="", nullable=False),
        sa.Column("etag", sa.String(length=200), server_default="", nullable=False),
        sa.Column("modified_at", Instant(), nullable=True),
        sa.Column("problem", sa.String(length=32), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["watch_lists.list_id"], name=op.f(f"fk_{TABLE}_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("list_id", name=op.f(f"pk_{TABLE}")),
    )
