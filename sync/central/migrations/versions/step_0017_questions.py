"""What the centre asks a gate about a worker"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("commands", sa.Column("question", sa.Text(), nullable=False, server_default=""))
