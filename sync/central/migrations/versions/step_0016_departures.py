"""Since when people whose faces are kept are on no site"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""


def upgrade() -> None:
    op.create_table(
        "departures",
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.worker_id"], name=op.f("fk_departures_worker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_departures")),
    )
    op.create_index(op.f("ix_departures_since"), "departures", ["since"], unique=False)
