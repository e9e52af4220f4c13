"""Tests and examinations due and done"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""

NAME = sa.String(length=200)
OPEN = sa.text("done_at IS NULL AND cancelled_at IS NULL")


def upgrade() -> None:
    _orders()
    _results()
    op.create_table(
        "daily_clearances",
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("local_day", sa.Date(), nullable=False),
        sa.Column("declaration_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["workers.worker_id"],
            name=op.f("fk_daily_clearances_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("worker_id", "local_day", name=op.f("pk_daily_clearances")),
    )
    op.create_index(op.f("ix_daily_clearances_local_day"), "daily_clearances", ["local_day"], unique=False)


def _orders() -> None:
    op.create_table(
        "test_batches",
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("due_by", Instant(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at_gate", sa.String(length=16), nullable=False),
        sa.Column("ordered_at", Instant(), nullable=False),
        sa.Column("ordered_by", sa.Text(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("undone_at", Instant(), nullable=True),
        sa.Column("undone_by", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_test_batches_site_id")),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_test_batches")),
    )
    op.create_index(
        op.f("ix_test_batches_site_id_ordered_at"), "test_batches", ["site_id", "ordered_at"], unique=False
    )
    op.create_table(
        "test_orders",
        sa.Column("order_id", ID, nullable=False),
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("due_by", Instant(), nullable=False),
        sa.Column("ordered_at", Instant(), nullable=False),
        sa.Column("done_at", Instant(), nullable=True),
        sa.Column("cancelled_at", Instant(), nullable=True),
        sa.Column("alerted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["test_batches.batch_id"], name=op.f("fk_test_orders_batch_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.worker_id"], name=op.f("fk_test_orders_worker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_test_orders")),
    )
    op.create_index(op.f("ix_test_orders_batch_id"), "test_orders", ["batch_id"], unique=False)
    op.create_index(
        "ix_test_orders_due",
        "test_orders",
        ["due_by"],
        unique=False,
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )
    op.create_index(
        "ix_test_orders_open",
        "test_orders",
        ["worker_id", "kind"],
        unique=True,
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )
    op.create_index(
        op.f("ix_test_orders_worker_id_kind_ordered_at"),
        "test_orders",
        ["worker_id", "kind", "ordered_at"],
        unique=False,
    )


def _results() -> None:
    op.create_table(
        "test_results",
        sa.Column("result_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("result", ID, nullable=False),
        sa.Column("done_at", Instant(), nullable=False),
        sa.Column("valid_until", Instant(), nullable=True),
        sa.Column("done_by", NAME, server_default="", nullable=False),
        sa.Column("reference", NAME, server_default="", nullable=False),
        sa.Column("import_id", ID, nullable=True),
        sa.Column("entered_at", Instant(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.worker_id"], name=op.f("fk_test_results_worker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("result_id", name=op.f("pk_test_results")),
        sa.UniqueConstraint(
            "worker_id", "kind", "done_at", name=op.f("uq_test_results_worker_id_kind_done_at")
        ),
    )
    op.create_index(op.f("ix_test_results_done_at"), "test_results", ["done_at"], unique=False)
    op.create_index(op.f("ix_test_results_import_id"), "test_results", ["import_id"], unique=False)
    op.create_table(
        "test_imports",
        sa.Column("import_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("file_name", NAME, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("imported_at", Instant(), nullable=False),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.Column("undone_at", Instant(), nullable=True),
        sa.Column("undone_by", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_test_imports_site_id")),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_test_imports")),
    )
    op.create_index(
        op.f("ix_test_imports_site_id_imported_at"), "test_imports", ["site_id", "imported_at"], unique=False
    )
