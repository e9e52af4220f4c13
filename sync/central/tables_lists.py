"""Tables of the centre: key-monitoring lists, their entries as keyed hashes, whom they concern."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    false,
    text,
    true,
)

from sync.central.column_types import AutoNumber, Instant
from sync.central.tables import ID, NAME, metadata

watch_lists = Table(
    "watch_lists",
    metadata,
    Column("list_id", ID, primary_key=True),
    Column("name", NAME, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("removed_at", Instant),
)

watch_list_versions = Table(
    "watch_list_versions",
    metadata,
    # Every import of a list; entries are kept of the current one alone.
    Column("version_no", AutoNumber, primary_key=True, autoincrement=True),
    Column("list_id", ID, ForeignKey("watch_lists.list_id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),  # 1 is the first of its list
    Column("state", String(16), nullable=False),  # loading, current, replaced, removed
    Column("source", NAME, nullable=False, server_default=""),
    Column("category", String(64), nullable=False, server_default=""),
    Column("level", String(16), nullable=False),
    Column("valid_from", Instant),
    Column("valid_until", Instant),
    Column("file_name", NAME, nullable=False, server_default=""),
    Column("sha256", String(64), nullable=False),
    Column("rows", Integer, nullable=False, server_default="0"),
    Column("entries", Integer, nullable=False, server_default="0"),
    Column("report", JSON, nullable=False),  # sync.central.list_import.Report
    Column("imported_at", Instant, nullable=False),
    Column("imported_by", NAME, nullable=False),
    Column("signed_by", String(64), nullable=False, server_default=""),  # public key of a signed feed
    Column(
        "matched_through", ID, nullable=False, server_default=""
    ),  # the registry was gone through up to here
    Column("matched_at", Instant),  # to its end
)

watch_list_feeds = Table(
    "watch_list_feeds",
    metadata,
    # Signed lists that the centre fetches: see sync.central.list_fetch.
    Column("list_id", ID, ForeignKey("watch_lists.list_id", ondelete="CASCADE"), primary_key=True),
    Column("url", Text, nullable=False),
    Column("every_s", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("tried_at", Instant),
    Column("fetched_at", Instant),  # the last time that all was well
    Column("sha256", String(64), nullable=False, server_default=""),  # of the list as it was fetched then
    Column("etag", String(200), nullable=False, server_default=""),  # the issuer's server's name for it
    Column("modified_at", Instant),  # as that server says
    Column("problem", String(32), nullable=False, server_default=""),  # sync.central.list_download.Why
    Column("detail", Text, nullable=False, server_default=""),
)

_KEYED = {
    column: text(f"{column} IS NOT NULL") for column in ("number_key", "phone_key", "name_key", "near_key")
}

watch_list_entries = Table(
    "watch_list_entries",
    metadata,
    # Keys are the first 64 bits of keyed hashes: see sync.central.list_keys.
    Column("version_no", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
    Column("row", Integer, nullable=False),  # of the file, as a spreadsheet counts
    Column("identity", BigInteger, nullable=False),  # the same for the same entry of the next version
    Column("number_key", BigInteger),
    Column("phone_key", BigInteger),
    Column("name_key", BigInteger),  # of name and birth date together
    Column("near_key", BigInteger),  # of a number that may hold a slip
    Column("near_length", SmallInteger),
    Column("is_checked", Boolean, nullable=False),  # the number's check character fits
    Column("category", String(64), nullable=False),
    Column("level", String(16), nullable=False),
    Column("valid_from", Instant),
    Column("valid_until", Instant),
    PrimaryKeyConstraint("version_no", "row"),
    *(
        Index(f"ix_watch_list_entries_{column}", column, postgresql_where=is_set, sqlite_where=is_set)
        for column, is_set in _KEYED.items()
    ),
)


def _match_columns() -> list[Column[Any]]:
    """What an entry said when it was found, and what a person decided about it."""
    return [
        Column("match_id", ID, primary_key=True),
        Column("list_id", ID, ForeignKey("watch_lists.list_id"), nullable=False),
        Column("identity", BigInteger, nullable=False),
        Column("found_by", String(16), nullable=False),  # number, phone, number_near, name_birth
        Column("is_exact", Boolean, nullable=False),
        Column("documents_differ", Boolean, nullable=False, server_default=false()),
        Column("version_no", BigInteger, nullable=False),
        Column("row", Integer, nullable=False),
        Column("category", String(64), nullable=False),
        Column("level", String(16), nullable=False),
        Column("valid_from", Instant),
        Column("valid_until", Instant),
        Column("found_at", Instant, nullable=False),
        Column("is_current", Boolean, nullable=False, server_default=true()),  # the entry still says so
        Column("decision", String(16), nullable=False, server_default=""),  # confirmed, cleared
        Column("decided_by", NAME, nullable=False, server_default=""),
        Column("decided_at", Instant),
        Column("reason", Text, nullable=False, server_default=""),
    ]


watch_matches = Table(
    "watch_matches",
    metadata,
    # An entry and somebody registered. Stays when the entry goes, so that a decision is not asked for twice.
    *_match_columns(),
    Column("worker_id", ID, ForeignKey("workers.worker_id", ondelete="CASCADE"), nullable=False, index=True),
    Index(None, "list_id", "identity", "worker_id", unique=True),
    Index(None, "is_current", "valid_until"),
    Index(None, "found_at"),
)

watch_visitor_matches = Table(
    "watch_visitor_matches",
    metadata,
    # The same for somebody who declared without being registered: there is no roster to flag them on.
    *_match_columns(),
    Column(
        "visitor_id", ID, ForeignKey("visitors.visitor_id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Index(None, "list_id", "identity", "visitor_id", unique=True),
    Index(None, "is_current", "valid_until"),
)

watch_queue = Table(
    "watch_queue",
    metadata,
    # Workers who registered, changed or declared, to be held against the lists.
    Column("worker_id", ID, primary_key=True),  # no foreign key: who is gone by then is left out
    Column("asked_at", Instant, nullable=False, index=True),
)

watch_visitor_queue = Table(
    "watch_visitor_queue",
    metadata,
    # Visitors who declared, and all of them when a list changes.
    Column("visitor_id", ID, primary_key=True),
    Column("asked_at", Instant, nullable=False, index=True),
)
