"""Districts, grid officers, visits, inspections"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


NAME = sa.String(length=200)


def upgrade() -> None:
    for column in ("district", "sub_district"):
        op.add_column("sites", sa.Column(column, NAME, server_default="", nullable=False))
