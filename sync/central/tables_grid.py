"""Tables of the centre: grid officers, visits, inspections and what they found.

Nothing here is kept by worker: what an inspector writes is about the site. District and sub-district are
columns of `sites`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
    true,
)

from sync.central.column_types import AutoNumber, Instant
from sync.central.tables import ID, NAME, metadata

HOLDS_OFFICE = text("until IS NULL")
NOT_SETTLED = text("follow_up_on IS NOT NULL AND settled_at IS NULL")
OWED = text("state = 'open'")

grid_officers = Table(
    "grid_officers",
    metadata,
    # Who follows a site up; the row of the present one has no `until`. The phone goes with the office.
    Column("officer_id", ID, primary_key=True),
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),
    Column("grid", NAME, nullable=False, server_default=""),
    Column("name", NAME, nullable=False),
    Column("phone", String(32), nullable=False, server_default=""),
    Column("since", Instant, nullable=False),
    Column("named_by", Text, nullable=False),
    Column("until", Instant),
    Column("ended_by", Text, nullable=False, server_default=""),
    Index(
        "ix_grid_officers_present",
        "site_id",
        unique=True,
        postgresql_where=HOLDS_OFFICE,
        sqlite_where=HOLDS_OFFICE,
    ),
    Index(None, "site_id", "since"),
)

grid_visits = Table(
    "grid_visits",
    metadata,
    Column("visit_id", ID, primary_key=True),
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),
    Column("officer_id", ID, ForeignKey("grid_officers.officer_id")),  # who held the office then
    Column("visited_at", Instant, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("purpose", String(16), nullable=False),  # routine, follow_up, complaint, support
    Column("notes", Text, nullable=False, server_default=""),
    Column("follow_up_on", Date),  # at the site; NULL: nothing to follow up
    Column("settled_at", Instant),
    Column("settled_by", Text, nullable=False, server_default=""),
    Column("settled_note", Text, nullable=False, server_default=""),
    Index(None, "site_id", "visited_at"),
    Index(
        "ix_grid_visits_not_settled",
        "site_id",
        "follow_up_on",
        postgresql_where=NOT_SETTLED,
        sqlite_where=NOT_SETTLED,
    ),
)

checklists = Table(
    "checklists",
    metadata,
    # As it was used: a version never changes, so an old inspection is read by what was asked then.
    Column("checklist_id", ID, nullable=False),
    Column("version", Integer, nullable=False),
    Column("content", JSON, nullable=False),
    Column("is_offered", Boolean, nullable=False, server_default=true()),
    Column("added_at", Instant, nullable=False),
    Column("added_by", Text, nullable=False),
    PrimaryKeyConstraint("checklist_id", "version"),
)

inspections = Table(
    "inspections",
    metadata,
    Column("inspection_id", ID, primary_key=True),
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),
    Column("checklist_id", ID, nullable=False),
    Column("checklist_version", Integer, nullable=False),
    Column("level", String(16), nullable=False),  # self, sub_district, district
    Column("inspected_at", Instant, nullable=False),
    Column("inspected_by", Text, nullable=False),
    Column("answers", JSON, nullable=False),  # {item: {value, note}}
    Column("answered", Integer, nullable=False),
    Column("in_order", Integer, nullable=False),
    Index(None, "site_id", "inspected_at"),
    Index(None, "inspected_at"),
)

findings = Table(
    "findings",
    metadata,
    Column("finding_id", ID, primary_key=True),
    Column("inspection_id", ID, ForeignKey("inspections.inspection_id"), nullable=False, index=True),
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),
    Column("item_id", ID, nullable=False),
    Column("level", String(16), nullable=False),  # of the inspection
    Column("severity", String(16), nullable=False),
    Column("state", String(16), nullable=False),  # open, mended, closed, withdrawn
    Column("deadline", Instant, nullable=False),  # the first moment that is too late
    Column("found_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("overdue_raised_at", Instant),  # the alert of this deadline
    Index(None, "site_id", "state", "deadline"),
    Index("ix_findings_owed", "deadline", postgresql_where=OWED, sqlite_where=OWED),
)

finding_steps = Table(
    "finding_steps",
    metadata,
    # Everything that happened to a finding; lines are only ever added.
    Column("step_no", AutoNumber, primary_key=True, autoincrement=True),
    Column("finding_id", ID, ForeignKey("findings.finding_id"), nullable=False, index=True),
    Column("step", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("deadline", Instant),  # that the step set
    Column("inspection_id", ID, ForeignKey("inspections.inspection_id"), index=True),  # of an inspection
)

finding_photos = Table(
    "finding_photos",
    metadata,
    Column("photo_id", ID, primary_key=True),
    Column("finding_id", ID, ForeignKey("findings.finding_id"), nullable=False, index=True),
    Column("state", String(16), nullable=False),  # of the finding, when it was taken
    Column("jpeg", LargeBinary, nullable=False),  # decoded and encoded anew: no place, no device in it
    Column("taken_at", Instant, nullable=False, index=True),
    Column("taken_by", Text, nullable=False),
)
