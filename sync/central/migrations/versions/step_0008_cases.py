"""Cases and contacts"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""

NAME = sa.String(length=200)


def upgrade() -> None:
    _cases()
    _contacts()
    _actions()


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("name", NAME, server_default="", nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("onset_on", sa.Date(), nullable=True),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=False),
        sa.Column("told_trips", sa.JSON(), nullable=False),
        sa.Column("told_stays", sa.JSON(), nullable=False),
        sa.Column("remarks", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("closed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("traced_at", Instant(), nullable=True),
        sa.Column("seen_trip", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_cases_site_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_cases")),
    )
    op.create_index(op.f("ix_cases_site_id_opened_at"), "cases", ["site_id", "opened_at"])
    is_open = sa.text("state = 'open'")
    op.create_index(
        op.f("ix_cases_open"), "cases", ["traced_at"], postgresql_where=is_open, sqlite_where=is_open
    )


def _contacts() -> None:
    op.create_table(
        "case_contacts",
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("person", sa.String(length=96), nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("visitor_id", ID, nullable=True),
        sa.Column("name", NAME, server_default="", nullable=False),
        sa.Column("phone", sa.String(length=32), server_default="", nullable=False),
        sa.Column("site_id", ID, server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("found_at", Instant(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("action_id", ID, nullable=True),
        sa.Column("flag_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.case_id"], name=op.f("fk_case_contacts_case_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_case_contacts")),
        sa.UniqueConstraint("case_id", "person", name=op.f("uq_case_contacts_case_id_person")),
    )
    op.create_index(op.f("ix_case_contacts_worker_id"), "case_contacts", ["worker_id"])
    op.create_table(
        "contact_reasons",
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("rule_id", ID, nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("certain", sa.Boolean(), nullable=False),
        sa.Column("holds", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("meetings", sa.JSON(), nullable=False),
        sa.Column("meetings_count", sa.Integer(), nullable=False),
        sa.Column("found_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["case_contacts.contact_id"],
            name=op.f("fk_contact_reasons_contact_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_id", "rule_id", name=op.f("pk_contact_reasons")),
    )


def _actions() -> None:
    op.create_table(
        "case_actions",
        sa.Column("action_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("done_at", Instant(), nullable=False),
        sa.Column("done_by", sa.Text(), nullable=False),
        sa.Column("contacts", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("undone_at", Instant(), nullable=True),
        sa.Column("undone_by", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.case_id"], name=op.f("fk_case_actions_case_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("action_id", name=op.f("pk_case_actions")),
    )
    op.create_index(op.f("ix_case_actions_case_id_done_at"), "case_actions", ["case_id", "done_at"])
