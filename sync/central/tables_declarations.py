"""Tables of the centre: declarations of workers and sites, and their trips."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from sync.central.column_types import AutoNumber, Instant
from sync.central.tables import ID, NAME, metadata

declarations = Table(
    "declarations",
    metadata,
    # Every version stays; the one that counts is the latest of its person and day.
    Column("declaration_id", ID, primary_key=True),
    Column("form_id", ID, nullable=False),
    Column("form_version", Integer, nullable=False),
    Column("site_id", ID, nullable=False),
    Column("worker_id", ID),  # one of the two is set; no foreign key: the history outlives the worker
    Column("visitor_id", ID),
    Column("local_day", Date, nullable=False),
    Column("declared_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("source", String(16), nullable=False),  # phone, kiosk
    Column("gate_id", ID, nullable=False, server_default=""),  # of the kiosk
    Column("recorded_by", NAME, nullable=False, server_default=""),
    Column("marks", Text, nullable=False, server_default=""),  # of the answers, e.g. `affected unwell`
    Column("answers", JSON, nullable=False),
    Column("superseded_by", ID),
    Index(None, "site_id", "local_day"),
    Index(None, "worker_id", "local_day"),
    Index(None, "visitor_id", "local_day"),
    Index(None, "received_at"),
    Index(
        "ix_declarations_current_worker",
        "local_day",
        "worker_id",
        unique=True,
        postgresql_where=text("superseded_by IS NULL AND worker_id IS NOT NULL"),
        sqlite_where=text("superseded_by IS NULL AND worker_id IS NOT NULL"),
    ),
    Index(
        "ix_declarations_current_visitor",
        "local_day",
        "visitor_id",
        unique=True,
        postgresql_where=text("superseded_by IS NULL AND visitor_id IS NOT NULL"),
        sqlite_where=text("superseded_by IS NULL AND visitor_id IS NOT NULL"),
    ),
)

trips = Table(
    "trips",
    metadata,
    # Of the declarations that count: a corrected trip is here once.
    Column("trip_id", AutoNumber, primary_key=True, autoincrement=True),
    Column(
        "declaration_id",
        ID,
        ForeignKey("declarations.declaration_id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("worker_id", ID),
    Column("visitor_id", ID),
    Column("kind", String(16), nullable=False),  # flight, train, bus, ship, car
    Column("number", String(32), nullable=False, server_default=""),  # in one spelling: forms.unified
    Column("travelled_on", Date, nullable=False),
    Column("carriage", String(16), nullable=False, server_default=""),
    Column("seat", String(16), nullable=False, server_default=""),
    Column("seat_row", Integer),  # of a seat such as 12A
    Column("origin", Text, nullable=False, server_default=""),
    Column("destination", Text, nullable=False, server_default=""),
    # Who else was on it:
    Index("ix_trips_vehicle", "kind", "number", "travelled_on", "carriage", "seat_row"),
    Index(None, "travelled_on"),
    Index(None, "worker_id", "travelled_on"),
    Index(None, "visitor_id", "travelled_on"),
)

declared_stays = Table(
    "declared_stays",
    metadata,
    # Where somebody lived on a day, by the declaration that counts.
    Column(
        "declaration_id",
        ID,
        ForeignKey("declarations.declaration_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("worker_id", ID),
    Column("visitor_id", ID),
    Column("local_day", Date, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("place", Text, nullable=False),
    Column("room", String(32), nullable=False, server_default=""),
    Index(None, "place", "room", "local_day"),
    Index(None, "worker_id", "local_day"),
    Index(None, "visitor_id", "local_day"),
)

site_reports = Table(
    "site_reports",
    metadata,
    # Every version stays, as with declarations.
    Column("report_id", ID, primary_key=True),
    Column("form_id", ID, nullable=False),
    Column("form_version", Integer, nullable=False),
    Column("site_id", ID, nullable=False),
    Column("employer", String(100), nullable=False, server_default=""),
    Column("local_day", Date, nullable=False),
    Column("declared_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("source", String(16), nullable=False),
    Column("gate_id", ID, nullable=False, server_default=""),
    Column("recorded_by", NAME, nullable=False, server_default=""),
    Column("headcount", Integer, nullable=False),
    Column("returned", Integer, nullable=False),  # from affected areas
    Column("unwell", Integer, nullable=False),
    Column("short_on", Date),  # the first day on which a supply no longer lasts; NULL: none
    Column("answers", JSON, nullable=False),
    Column("superseded_by", ID),
    Index(None, "site_id", "local_day"),
    Index(
        "ix_site_reports_current",
        "site_id",
        "employer",
        "local_day",
        unique=True,
        postgresql_where=text("superseded_by IS NULL"),
        sqlite_where=text("superseded_by IS NULL"),
    ),
)
