"""What the centre looks at every few seconds is found by an index"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_NOT_CLOSED = sa.text("state <> 'closed'")


def upgrade() -> None:
    op.create_index(op.f("ix_declarations_received_at"), "declarations", ["received_at"], unique=False)
    op.create_index(op.f("ix_alerts_closed_at"), "alerts", ["closed_at"], unique=False)
    op.create_index(
        "ix_alerts_changing",
        "alerts",
        ["site_id", "state", "revision", "times", "changed_at"],
        unique=False,
        postgresql_where=_NOT_CLOSED,
        sqlite_where=_NOT_CLOSED,
    )
