"""Phones and declarations"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""

HASH = sa.String(length=64)


def upgrade() -> None:
    _phones()
    _declarations()
    _trips_and_stays()
    _site_reports()


def _phones() -> None:
    op.create_table(
        "visitors",
        sa.Column("visitor_id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("document_type", sa.String(length=32), nullable=False),
        sa.Column("document_hash", HASH, nullable=False),
        sa.Column("document_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("visitor_id", name=op.f("pk_visitors")),
        sa.UniqueConstraint("document_hash", name=op.f("uq_visitors_document_hash")),
    )
    op.create_table(
        "phone_sessions",
        sa.Column("session_hash", HASH, nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("visitor_id", ID, nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("session_hash", name=op.f("pk_phone_sessions")),
    )
    op.create_index(op.f("ix_phone_sessions_worker_id"), "phone_sessions", ["worker_id"])
    op.create_index(op.f("ix_phone_sessions_expires_at"), "phone_sessions", ["expires_at"])
    op.create_table(
        "phone_drafts",
        sa.Column("owner", HASH, nullable=False),
        sa.Column("form_id", ID, nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("saved_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "form_id", name=op.f("pk_phone_drafts")),
    )
    op.create_index(op.f("ix_phone_drafts_saved_at"), "phone_drafts", ["saved_at"])
    op.create_table(
        "form_tokens",
        sa.Column("token_hash", HASH, nullable=False),
        sa.Column("result", sa.Text(), server_default="", nullable=False),
        sa.Column("used_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_form_tokens")),
    )
    op.create_index(op.f("ix_form_tokens_used_at"), "form_tokens", ["used_at"])
    op.create_table(
        "phone_failures",
        sa.Column("key_hash", HASH, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("locked_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_phone_failures")),
    )
    op.create_index(op.f("ix_phone_failures_locked_until"), "phone_failures", ["locked_until"])


def _declarations() -> None:
    op.create_table(
        "declarations",
        sa.Column("declaration_id", ID, nullable=False),
        sa.Column("form_id", ID, nullable=False),
        sa.Column("form_version", sa.Integer(), nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("visitor_id", ID, nullable=True),
        sa.Column("local_day", sa.Date(), nullable=False),
        sa.Column("declared_at", Instant(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("gate_id", ID, server_default="", nullable=False),
        sa.Column("recorded_by", sa.String(length=200), server_default="", nullable=False),
        sa.Column("marks", sa.Text(), server_default="", nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("superseded_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("declaration_id", name=op.f("pk_declarations")),
    )
    for columns in (["site_id", "local_day"], ["worker_id", "local_day"], ["visitor_id", "local_day"]):
        op.create_index(op.f(f"ix_declarations_{'_'.join(columns)}"), "declarations", columns)
    for person in ("worker", "visitor"):
        current = sa.text(f"superseded_by IS NULL AND {person}_id IS NOT NULL")
        op.create_index(
            op.f(f"ix_declarations_current_{person}"),
            "declarations",
            ["local_day", f"{person}_id"],
            unique=True,
            postgresql_where=current,
            sqlite_where=current,
        )


def _trips_and_stays() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "trips",
        sa.Column("trip_id", number, autoincrement=True, nullable=False),
        sa.Column("declaration_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("visitor_id", ID, nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("number", sa.String(length=32), server_default="", nullable=False),
        sa.Column("travelled_on", sa.Date(), nullable=False),
        sa.Column("carriage", sa.String(length=16), server_default="", nullable=False),
        sa.Column("seat", sa.String(length=16), server_default="", nullable=False),
        sa.Column("seat_row", sa.Integer(), nullable=True),
        sa.Column("origin", sa.Text(), server_default="", nullable=False),
        sa.Column("destination", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["declaration_id"],
            ["declarations.declaration_id"],
            name=op.f("fk_trips_declaration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("trip_id", name=op.f("pk_trips")),
    )
    op.create_index(
        op.f("ix_trips_vehicle"), "trips", ["kind", "number", "travelled_on", "carriage", "seat_row"]
    )
    for columns in (
        ["declaration_id"],
        ["travelled_on"],
        ["worker_id", "travelled_on"],
        ["visitor_id", "travelled_on"],
    ):
        op.create_index(op.f(f"ix_trips_{'_'.join(columns)}"), "trips", columns)
    op.create_table(
        "declared_stays",
        sa.Column("declaration_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("visitor_id", ID, nullable=True),
        sa.Column("local_day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("room", sa.String(length=32), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["declaration_id"],
            ["declarations.declaration_id"],
            name=op.f("fk_declared_stays_declaration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("declaration_id", name=op.f("pk_declared_stays")),
    )
    for columns in (
        ["place", "room", "local_day"],
        ["worker_id", "local_day"],
        ["visitor_id", "local_day"],
    ):
        op.create_index(op.f(f"ix_declared_stays_{'_'.join(columns)}"), "declared_stays", columns)


def _site_reports() -> None:
    op.create_table(
        "site_reports",
        sa.Column("report_id", ID, nullable=False),
        sa.Column("form_id", ID, nullable=False),
        sa.Column("form_version", sa.Integer(), nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("employer", sa.String(length=100), server_default="", nullable=False),
        sa.Column("local_day", sa.Date(), nullable=False),
        sa.Column("declared_at", Instant(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("gate_id", ID, server_default="", nullable=False),
        sa.Column("recorded_by", sa.String(length=200), server_default="", nullable=False),
        sa.Column("headcount", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("unwell", sa.Integer(), nullable=False),
        sa.Column("short_on", sa.Date(), nullable=True),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("superseded_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_site_reports")),
    )
    op.create_index(op.f("ix_site_reports_site_id_local_day"), "site_reports", ["site_id", "local_day"])
    current = sa.text("superseded_by IS NULL")
    op.create_index(
        op.f("ix_site_reports_current"),
        "site_reports",
        ["site_id", "employer", "local_day"],
        unique=True,
        postgresql_where=current,
        sqlite_where=current,
    )
