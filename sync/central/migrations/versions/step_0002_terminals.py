"""Face terminals of other makers"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    identifier = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
    op.create_table(
        "terminals",
        sa.Column("terminal_id", identifier, nullable=False),
        sa.Column("site_id", identifier, nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("held", sa.Integer(), server_default="0", nullable=False),
        sa.Column("wanted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_sent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("outstanding", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["site_id", "terminal_id"],
            ["gates.site_id", "gates.gate_id"],
            name=op.f("fk_terminals_site_id_terminal_id"),
        ),
        sa.PrimaryKeyConstraint("terminal_id", name=op.f("pk_terminals")),
    )
