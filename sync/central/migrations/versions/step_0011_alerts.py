"""Alerts and what was done about them"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import AutoNumber, Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""


def upgrade() -> None:
    _alerts()
    op.create_table(
        "alert_steps",
        sa.Column("step_no", AutoNumber, autoincrement=True, nullable=False),
        sa.Column("alert_id", ID, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("done_by", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.String(length=64), server_default="", nullable=False),
        sa.Column("remarks", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_alert_steps_alert_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("step_no", name=op.f("pk_alert_steps")),
    )
    op.create_index(
        op.f("ix_alert_steps_alert_id_step_no"), "alert_steps", ["alert_id", "step_no"], unique=False
    )
    _messages()
    op.create_table(
        "alert_channels",
        sa.Column("channel", ID, nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", Instant(), nullable=True),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("last_sent_at", Instant(), nullable=True),
        sa.Column("window_from", Instant(), nullable=True),
        sa.Column("window_sent", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_alert_channels")),
    )


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", ID, nullable=False),
        sa.Column("rule_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("raised_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("acknowledged_at", Instant(), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("level", sa.String(length=16), server_default="", nullable=False),
        sa.Column("next_step_at", Instant(), nullable=True),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_alerts_site_id")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
    )
    is_open = sa.text("state <> 'closed'")
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["rule_id", "site_id", "subject"],
        unique=True,
        postgresql_where=is_open,
        sqlite_where=is_open,
    )
    for columns in (("next_step_at",), ("site_id", "raised_at"), ("subject",)):
        op.create_index(op.f(f"ix_alerts_{'_'.join(columns)}"), "alerts", list(columns), unique=False)


def _messages() -> None:
    op.create_table(
        "alert_messages",
        sa.Column("message_no", AutoNumber, autoincrement=True, nullable=False),
        sa.Column("alert_id", ID, nullable=False),
        sa.Column("channel", ID, nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("queued_at", Instant(), nullable=False),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_alert_messages_alert_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_no", name=op.f("pk_alert_messages")),
    )
    for column in ("alert_id", "sent_at"):
        op.create_index(op.f(f"ix_alert_messages_{column}"), "alert_messages", [column], unique=False)
    is_waiting = sa.text("sent_at IS NULL")
    op.create_index(
        "ix_alert_messages_waiting",
        "alert_messages",
        ["channel", "message_no"],
        unique=False,
        postgresql_where=is_waiting,
        sqlite_where=is_waiting,
    )
