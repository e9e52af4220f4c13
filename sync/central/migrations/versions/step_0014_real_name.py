"""Upload to the real-name platform"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""

NAME = sa.String(length=200)
OPEN = sa.text("state IN ('sending', 'lost', 'taken')")


def upgrade() -> None:
    _sites()
    _teams()
    _people()
    _records()
    _requests()


def _sites() -> None:
    op.create_table(
        "real_name_sites",
        sa.Column("site_id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("allow_plain", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("app_id", NAME, nullable=False),
        sa.Column("project_code", NAME, nullable=False),
        sa.Column("corp_code", sa.String(length=64), nullable=False),
        sa.Column("corp_name", NAME, nullable=False),
        sa.Column("corp_codes", sa.JSON(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("photos", sa.Text(), server_default="", nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("seen_event", sa.BigInteger(), nullable=False),
        sa.Column("seen_correction", Instant(), nullable=True),
        sa.Column("people_at", Instant(), nullable=True),
        sa.Column("next_look_at", Instant(), nullable=True),
        sa.Column("claimed_until", Instant(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("looked_at", Instant(), nullable=True),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_real_name_sites_site_id")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_real_name_sites")),
    )


def _teams() -> None:
    op.create_table(
        "real_name_teams",
        sa.Column("site_id", ID, nullable=False),
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("team_no", sa.String(length=64), server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("request_id", ID, nullable=True),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "employer", "team", name=op.f("pk_real_name_teams")),
    )
    op.create_index(op.f("ix_real_name_teams_request_id"), "real_name_teams", ["request_id"], unique=False)


def _people() -> None:
    op.create_table(
        "real_name_people",
        sa.Column("site_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("is_known", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("alone", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("request_id", ID, nullable=True),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["workers.worker_id"],
            name=op.f("fk_real_name_people_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site_id", "worker_id", name=op.f("pk_real_name_people")),
    )
    op.create_index(op.f("ix_real_name_people_request_id"), "real_name_people", ["request_id"], unique=False)
    op.create_index(
        op.f("ix_real_name_people_site_id_state"), "real_name_people", ["site_id", "state"], unique=False
    )
    op.create_index(op.f("ix_real_name_people_worker_id"), "real_name_people", ["worker_id"], unique=False)


def _records() -> None:
    op.create_table(
        "real_name_records",
        sa.Column("record_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("is_correction", sa.Boolean(), nullable=False),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("alone", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("request_id", ID, nullable=True),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["workers.worker_id"],
            name=op.f("fk_real_name_records_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_real_name_records")),
    )
    op.create_index(
        op.f("ix_real_name_records_request_id"), "real_name_records", ["request_id"], unique=False
    )
    op.create_index(
        op.f("ix_real_name_records_site_id_occurred_at"),
        "real_name_records",
        ["site_id", "occurred_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_real_name_records_site_id_state_occurred_at"),
        "real_name_records",
        ["site_id", "state", "occurred_at"],
        unique=False,
    )
    op.create_index(op.f("ix_real_name_records_worker_id"), "real_name_records", ["worker_id"], unique=False)


def _requests() -> None:
    op.create_table(
        "real_name_requests",
        sa.Column("request_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("team_no", sa.String(length=64), server_default="", nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("serial", NAME, server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("sent_at", Instant(), nullable=False),
        sa.Column("next_ask_at", Instant(), nullable=True),
        sa.Column("asked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_real_name_requests")),
    )
    op.create_index(
        "ix_real_name_requests_open",
        "real_name_requests",
        ["site_id", "next_ask_at"],
        unique=False,
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )
    op.create_index(
        op.f("ix_real_name_requests_site_id_sent_at"),
        "real_name_requests",
        ["site_id", "sent_at"],
        unique=False,
    )
