"""People, notes of kiosks, duplicates, erasures"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""


def upgrade() -> None:
    _notes()
    _people()


def _notes() -> None:
    op.add_column("gates", sa.Column("is_kiosk", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "notes_taken",
        sa.Column("record_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("gate_id", ID, nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_notes_taken")),
    )


def _people() -> None:
    op.create_table(
        "duplicates",
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("other_worker_id", ID, nullable=False),
        sa.Column("found_by", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("found_at", Instant(), nullable=False),
        sa.Column("decision", sa.String(length=16), server_default="", nullable=False),
        sa.Column("decided_by", sa.String(length=200), server_default="", nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("merged_into", ID, nullable=True),
        sa.PrimaryKeyConstraint("worker_id", "other_worker_id", "found_by", name=op.f("pk_duplicates")),
    )
    op.create_index(
        "ix_duplicates_open",
        "duplicates",
        ["found_at"],
        unique=False,
        postgresql_where=sa.text("decision = ''"),
        sqlite_where=sa.text("decision = ''"),
    )
    op.create_index(op.f("ix_duplicates_other_worker_id"), "duplicates", ["other_worker_id"], unique=False)
    op.create_table(
        "enrolments",
        sa.Column("enrolment_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("gate_id", ID, nullable=False),
        sa.Column("enrolled_at", Instant(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("recorded_by", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("templates", sa.Integer(), nullable=True),
        sa.Column("outdated", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("withheld", sa.Text(), server_default="", nullable=False),
        sa.Column("checked_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("enrolment_id", name=op.f("pk_enrolments")),
    )
    op.create_index(
        "ix_enrolments_unchecked",
        "enrolments",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("checked_at IS NULL"),
        sqlite_where=sa.text("checked_at IS NULL"),
    )
    op.create_index(
        op.f("ix_enrolments_worker_id_enrolled_at"), "enrolments", ["worker_id", "enrolled_at"], unique=False
    )
    op.create_table(
        "erasures",
        sa.Column("erasure_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("site_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("gate_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("recorded_by", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("sites", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_received_at"), "erasures", ["received_at"], unique=False)
    op.create_index(op.f("ix_erasures_worker_id"), "erasures", ["worker_id"], unique=False)
    op.create_table(
        "erasure_items",
        sa.Column("erasure_id", ID, nullable=False),
        sa.Column("place", sa.String(length=16), nullable=False),
        sa.Column("site_id", ID, server_default="", nullable=False),
        sa.Column("gate_id", ID, server_default="", nullable=False),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("roster_version", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["erasure_id"],
            ["erasures.erasure_id"],
            name=op.f("fk_erasure_items_erasure_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "erasure_id", "place", "site_id", "gate_id", "what", name=op.f("pk_erasure_items")
        ),
    )
    op.create_index(
        "ix_erasure_items_open",
        "erasure_items",
        ["site_id", "gate_id"],
        unique=False,
        postgresql_where=sa.text("confirmed_at IS NULL"),
        sqlite_where=sa.text("confirmed_at IS NULL"),
    )
    op.create_table(
        "persons",
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("document_type", sa.String(length=32), nullable=False),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("number_hash", sa.String(length=64), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("sex", sa.String(length=16), server_default="unstated", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("guardian_name", sa.Text(), server_default="", nullable=False),
        sa.Column("guardian_phone", sa.Text(), server_default="", nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.worker_id"], name=op.f("fk_persons_worker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_persons")),
    )
    op.create_index(op.f("ix_persons_number_hash"), "persons", ["number_hash"], unique=False)
    op.add_column("consents", sa.Column("granted", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("consents", sa.Column("text_version", sa.Text(), server_default="", nullable=False))
    op.add_column("consents", sa.Column("language", sa.String(length=8), server_default="", nullable=False))
    op.add_column(
        "consents", sa.Column("text_sha256", sa.String(length=64), server_default="", nullable=False)
    )
    op.add_column("consents", sa.Column("how", sa.String(length=16), server_default="", nullable=False))
    op.add_column("consents", sa.Column("signature", sa.Text(), server_default="", nullable=False))
    op.add_column("consents", sa.Column("guardian_name", sa.Text(), server_default="", nullable=False))
