"""Occurrences behind pass colours, requests for correction, copies of passes"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""

NAME = sa.String(length=200)


def upgrade() -> None:
    _record(
        "pass_occurrences",
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("ended_by", sa.JSON(), nullable=False),
    )
    _record(
        "pass_findings",
        sa.Column("finding", sa.String(length=32), nullable=False),
        sa.Column("covers_earlier", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("green_until", Instant(), nullable=True),
    )
    _corrections()
    op.create_table(
        "pass_profiles",
        sa.Column("profile_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("set_at", Instant(), nullable=False),
        sa.Column("set_by", NAME, nullable=False),
        sa.PrimaryKeyConstraint("profile_no", name=op.f("pk_pass_profiles")),
    )
    _copies()


def _record(table: str, *columns: sa.Column[object]) -> None:
    op.create_table(
        table,
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        *columns,
        sa.Column("at", Instant(), nullable=False),
        sa.Column("source", sa.String(length=80), server_default="", nullable=False),
        sa.Column("known_at", Instant(), nullable=False),
        sa.Column("noted_by", NAME, server_default="", nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("taken_back_at", Instant(), nullable=True),
        sa.Column("taken_back_by", NAME, server_default="", nullable=False),
        sa.Column("taken_back_why", sa.Text(), server_default="", nullable=False),
        _of_worker(table),
        sa.PrimaryKeyConstraint("entry_id", name=op.f(f"pk_{table}")),
    )
    for column in ("worker_id", "source"):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _corrections() -> None:
    op.create_table(
        "pass_corrections",
        sa.Column("correction_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("colour", sa.String(length=8), nullable=False),
        sa.Column("cause", sa.String(length=64), server_default="", nullable=False),
        sa.Column("answer", sa.String(length=8), server_default="", nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("answered_by", NAME, server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        _of_worker("pass_corrections"),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_pass_corrections")),
    )
    for column in ("worker_id", "due_at"):
        op.create_index(op.f(f"ix_pass_corrections_{column}"), "pass_corrections", [column])
    is_open = sa.text("answer = ''")
    op.create_index(
        op.f("ix_pass_corrections_open"),
        "pass_corrections",
        ["worker_id"],
        unique=True,
        postgresql_where=is_open,
        sqlite_where=is_open,
    )


def _copies() -> None:
    op.create_table(
        "pass_copies",
        sa.Column("first_event", ID, nullable=False),
        sa.Column("second_event", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("pass_id", ID, server_default="", nullable=False),
        *(
            column
            for which in ("first", "second")
            for column in (
                sa.Column(f"{which}_site", ID, nullable=False),
                sa.Column(f"{which}_gate", ID, nullable=False),
                sa.Column(f"{which}_at", Instant(), nullable=False),
            )
        ),
        sa.Column("found_at", Instant(), nullable=False),
        _of_worker("pass_copies"),
        sa.PrimaryKeyConstraint("first_event", "second_event", name=op.f("pk_pass_copies")),
    )
    for column in ("worker_id", "second_at"):
        op.create_index(op.f(f"ix_pass_copies_{column}"), "pass_copies", [column])
    op.create_table(
        "pass_copy_progress",
        sa.Column("progress_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_no", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("progress_no", name=op.f("pk_pass_copy_progress")),
    )


def _of_worker(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["worker_id"], ["workers.worker_id"], name=op.f(f"fk_{table}_worker_id"), ondelete="CASCADE"
    )
