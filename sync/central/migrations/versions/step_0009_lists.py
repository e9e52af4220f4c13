"""Key-monitoring lists"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import AutoNumber, Instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""

NAME = sa.String(length=200)
VERSION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _lists()
    _entries()
    _matches()
    op.create_table(
        "watch_queue",
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_watch_queue")),
    )
    op.create_index(op.f("ix_watch_queue_asked_at"), "watch_queue", ["asked_at"], unique=False)


def _lists() -> None:
    op.create_table(
        "watch_lists",
        sa.Column("list_id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("removed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("list_id", name=op.f("pk_watch_lists")),
    )
    op.create_table(
        "watch_list_versions",
        sa.Column("version_no", AutoNumber, autoincrement=True, nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("source", NAME, server_default="", nullable=False),
        sa.Column("category", sa.String(length=64), server_default="", nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("valid_from", Instant(), nullable=True),
        sa.Column("valid_until", Instant(), nullable=True),
        sa.Column("file_name", NAME, server_default="", nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("entries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("imported_at", Instant(), nullable=False),
        sa.Column("imported_by", NAME, nullable=False),
        sa.Column("signed_by", sa.String(length=64), server_default="", nullable=False),
        sa.Column("matched_through", ID, server_default="", nullable=False),
        sa.Column("matched_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["list_id"], ["watch_lists.list_id"], name=op.f("fk_watch_list_versions_list_id")
        ),
        sa.PrimaryKeyConstraint("version_no", name=op.f("pk_watch_list_versions")),
    )
    op.create_index(op.f("ix_watch_list_versions_list_id"), "watch_list_versions", ["list_id"], unique=False)


def _entries() -> None:
    op.create_table(
        "watch_list_entries",
        sa.Column("version_no", VERSION, nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("identity", sa.BigInteger(), nullable=False),
        sa.Column("number_key", sa.BigInteger(), nullable=True),
        sa.Column("phone_key", sa.BigInteger(), nullable=True),
        sa.Column("name_key", sa.BigInteger(), nullable=True),
        sa.Column("near_key", sa.BigInteger(), nullable=True),
        sa.Column("near_length", sa.SmallInteger(), nullable=True),
        sa.Column("is_checked", sa.Boolean(), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("valid_from", Instant(), nullable=True),
        sa.Column("valid_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("version_no", "row", name=op.f("pk_watch_list_entries")),
    )
    for column in ("number_key", "phone_key", "name_key", "near_key"):
        is_set = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_watch_list_entries_{column}",
            "watch_list_entries",
            [column],
            unique=False,
            postgresql_where=is_set,
            sqlite_where=is_set,
        )


def _matches() -> None:
    op.create_table(
        "watch_matches",
        sa.Column("match_id", ID, nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("identity", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("found_by", sa.String(length=16), nullable=False),
        sa.Column("is_exact", sa.Boolean(), nullable=False),
        sa.Column("documents_differ", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("version_no", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("valid_from", Instant(), nullable=True),
        sa.Column("valid_until", Instant(), nullable=True),
        sa.Column("found_at", Instant(), nullable=False),
        sa.Column("is_current", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("decision", sa.String(length=16), server_default="", nullable=False),
        sa.Column("decided_by", NAME, server_default="", nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["watch_lists.list_id"], name=op.f("fk_watch_matches_list_id")),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.worker_id"], name=op.f("fk_watch_matches_worker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("match_id", name=op.f("pk_watch_matches")),
    )
    for columns, unique in (
        (("found_at",), False),
        (("is_current", "valid_until"), False),
        (("list_id", "identity", "worker_id"), True),
        (("worker_id",), False),
    ):
        op.create_index(
            op.f(f"ix_watch_matches_{'_'.join(columns)}"), "watch_matches", list(columns), unique=unique
        )
