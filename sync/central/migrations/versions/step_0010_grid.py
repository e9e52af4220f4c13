"""Districts, grid officers, visits, inspections"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import AutoNumber, Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""

NAME = sa.String(length=200)


def upgrade() -> None:
    for column in ("district", "sub_district"):
        op.add_column("sites", sa.Column(column, NAME, server_default="", nullable=False))
    _grid()
    _inspections()
    _findings()


def _grid() -> None:
    op.create_table(
        "grid_officers",
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("grid", NAME, server_default="", nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("phone", sa.String(length=32), server_default="", nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("named_by", sa.Text(), nullable=False),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("ended_by", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_grid_officers_site_id")),
        sa.PrimaryKeyConstraint("officer_id", name=op.f("pk_grid_officers")),
    )
    holds_office = sa.text("until IS NULL")
    op.create_index(
        "ix_grid_officers_present",
        "grid_officers",
        ["site_id"],
        unique=True,
        postgresql_where=holds_office,
        sqlite_where=holds_office,
    )
    op.create_index(
        op.f("ix_grid_officers_site_id_since"), "grid_officers", ["site_id", "since"], unique=False
    )
    op.create_table(
        "grid_visits",
        sa.Column("visit_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("officer_id", ID, nullable=True),
        sa.Column("visited_at", Instant(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("follow_up_on", sa.Date(), nullable=True),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("settled_by", sa.Text(), server_default="", nullable=False),
        sa.Column("settled_note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_grid_visits_site_id")),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["grid_officers.officer_id"], name=op.f("fk_grid_visits_officer_id")
        ),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_grid_visits")),
    )
    op.create_index(
        op.f("ix_grid_visits_site_id_visited_at"), "grid_visits", ["site_id", "visited_at"], unique=False
    )
    not_settled = sa.text("follow_up_on IS NOT NULL AND settled_at IS NULL")
    op.create_index(
        "ix_grid_visits_not_settled",
        "grid_visits",
        ["site_id", "follow_up_on"],
        unique=False,
        postgresql_where=not_settled,
        sqlite_where=not_settled,
    )


def _inspections() -> None:
    op.create_table(
        "checklists",
        sa.Column("checklist_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("is_offered", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("checklist_id", "version", name=op.f("pk_checklists")),
    )
    op.create_table(
        "inspections",
        sa.Column("inspection_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("checklist_id", ID, nullable=False),
        sa.Column("checklist_version", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("inspected_at", Instant(), nullable=False),
        sa.Column("inspected_by", sa.Text(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("in_order", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_inspections_site_id")),
        sa.PrimaryKeyConstraint("inspection_id", name=op.f("pk_inspections")),
    )
    for columns in (["site_id", "inspected_at"], ["inspected_at"]):
        op.create_index(op.f(f"ix_inspections_{'_'.join(columns)}"), "inspections", columns, unique=False)


def _findings() -> None:
    op.create_table(
        "findings",
        sa.Column("finding_id", ID, nullable=False),
        sa.Column("inspection_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("deadline", Instant(), nullable=False),
        sa.Column("found_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("overdue_raised_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspections.inspection_id"], name=op.f("fk_findings_inspection_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_findings_site_id")),
        sa.PrimaryKeyConstraint("finding_id", name=op.f("pk_findings")),
    )
    op.create_index(op.f("ix_findings_inspection_id"), "findings", ["inspection_id"], unique=False)
    op.create_index(
        op.f("ix_findings_site_id_state_deadline"), "findings", ["site_id", "state", "deadline"], unique=False
    )
    owed = sa.text("state = 'open'")
    op.create_index(
        "ix_findings_owed", "findings", ["deadline"], unique=False, postgresql_where=owed, sqlite_where=owed
    )
    op.create_table(
        "finding_steps",
        sa.Column("step_no", AutoNumber, autoincrement=True, nullable=False),
        sa.Column("finding_id", ID, nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("deadline", Instant(), nullable=True),
        sa.Column("inspection_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["findings.finding_id"], name=op.f("fk_finding_steps_finding_id")
        ),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspections.inspection_id"], name=op.f("fk_finding_steps_inspection_id")
        ),
        sa.PrimaryKeyConstraint("step_no", name=op.f("pk_finding_steps")),
    )
    for column in ("finding_id", "inspection_id"):
        op.create_index(op.f(f"ix_finding_steps_{column}"), "finding_steps", [column], unique=False)
    op.create_table(
        "finding_photos",
        sa.Column("photo_id", ID, nullable=False),
        sa.Column("finding_id", ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("jpeg", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at", Instant(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["findings.finding_id"], name=op.f("fk_finding_photos_finding_id")
        ),
        sa.PrimaryKeyConstraint("photo_id", name=op.f("pk_finding_photos")),
    )
    for column in ("finding_id", "taken_at"):
        op.create_index(op.f(f"ix_finding_photos_{column}"), "finding_photos", [column], unique=False)
