"""Lodging and return transport"""

import sqlalchemy as sa
from alembic import op

from sync.central.column_types import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
"""Ids sort by their bytes on both databases."""


def upgrade() -> None:
    op.create_table(
        "buses",
        sa.Column("bus_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("travelled_on", sa.Date(), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("destination", sa.String(length=200), nullable=False),
        sa.Column("driver_name", sa.String(length=200), nullable=False),
        sa.Column("driver_phone", sa.String(length=32), server_default="", nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("disinfected_at", Instant(), nullable=True),
        sa.Column("disinfected_by", sa.Text(), server_default="", nullable=False),
        sa.Column("measured_at", Instant(), nullable=True),
        sa.Column("measured_by", sa.Text(), server_default="", nullable=False),
        sa.Column("checked_at", Instant(), nullable=True),
        sa.Column("checked_by", sa.Text(), server_default="", nullable=False),
        sa.Column("entered_at", Instant(), nullable=True),
        sa.Column("entered_by", sa.Text(), server_default="", nullable=False),
        sa.Column("cancelled_at", Instant(), nullable=True),
        sa.Column("cancelled_by", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_buses_site_id")),
        sa.PrimaryKeyConstraint("bus_id", name=op.f("pk_buses")),
    )
    op.create_index(op.f("ix_buses_number_travelled_on"), "buses", ["number", "travelled_on"], unique=False)
    op.create_index(op.f("ix_buses_site_id_travelled_on"), "buses", ["site_id", "travelled_on"], unique=False)
    op.create_table(
        "houses",
        sa.Column("house_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("district", sa.String(length=200), server_default="", nullable=False),
        sa.Column("sub_district", sa.String(length=200), server_default="", nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("landlord_name", sa.String(length=200), nullable=False),
        sa.Column("landlord_phone", sa.String(length=32), nullable=False),
        sa.Column("rooms", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("door_token", sa.String(length=64), nullable=False),
        sa.Column("landlord_token", sa.String(length=64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_from", sa.Text(), server_default="", nullable=False),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.Column("confirmed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("closed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("risk", sa.String(length=16), server_default="normal", nullable=False),
        sa.Column("risk_since", Instant(), nullable=True),
        sa.Column("risk_until", Instant(), nullable=True),
        sa.Column("risk_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("last_check_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_houses_site_id")),
        sa.PrimaryKeyConstraint("house_id", name=op.f("pk_houses")),
        sa.UniqueConstraint("door_token", name=op.f("uq_houses_door_token")),
        sa.UniqueConstraint("landlord_token", name=op.f("uq_houses_landlord_token")),
    )
    op.create_index(
        op.f("ix_houses_created_from_created_at"), "houses", ["created_from", "created_at"], unique=False
    )
    op.create_index(
        op.f("ix_houses_landlord_phone_created_at"), "houses", ["landlord_phone", "created_at"], unique=False
    )
    op.create_index(op.f("ix_houses_site_id_house_id"), "houses", ["site_id", "house_id"], unique=False)
    op.create_table(
        "bus_riders",
        sa.Column("rider_id", ID, nullable=False),
        sa.Column("bus_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("document_type", sa.String(length=32), server_default="", nullable=False),
        sa.Column("document_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("document_hash", sa.String(length=64), nullable=True),
        sa.Column("phone", sa.String(length=32), server_default="", nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("absent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("temperature_c", sa.Float(), nullable=True),
        sa.Column("highest_c", sa.Float(), nullable=True),
        sa.Column("measured_at", Instant(), nullable=True),
        sa.Column("measured_by", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome", sa.String(length=16), server_default="", nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bus_id"], ["buses.bus_id"], name=op.f("fk_bus_riders_bus_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("rider_id", name=op.f("pk_bus_riders")),
        sa.UniqueConstraint("bus_id", "seat", name=op.f("uq_bus_riders_bus_id_seat")),
    )
    op.create_index(op.f("ix_bus_riders_document_hash"), "bus_riders", ["document_hash"], unique=False)
    op.create_index(op.f("ix_bus_riders_worker_id"), "bus_riders", ["worker_id"], unique=False)
    op.create_table(
        "checks",
        sa.Column("check_id", ID, nullable=False),
        sa.Column("house_id", ID, nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("police_name", sa.String(length=200), nullable=False),
        sa.Column("medic_name", sa.String(length=200), nullable=False),
        sa.Column("official_name", sa.String(length=200), nullable=False),
        sa.Column("remarks", sa.Text(), server_default="", nullable=False),
        sa.Column("signed_role", sa.String(length=16), server_default="", nullable=False),
        sa.Column("signed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("signed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["house_id"], ["houses.house_id"], name=op.f("fk_checks_house_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("check_id", name=op.f("pk_checks")),
    )
    op.create_index(op.f("ix_checks_house_id_started_at"), "checks", ["house_id", "started_at"], unique=False)
    op.create_index(
        op.f("ix_checks_started_by_started_at"), "checks", ["started_by", "started_at"], unique=False
    )
    op.create_table(
        "house_risks",
        sa.Column("change_id", ID, nullable=False),
        sa.Column("house_id", ID, nullable=False),
        sa.Column("risk", sa.String(length=16), nullable=False),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", Instant(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["house_id"], ["houses.house_id"], name=op.f("fk_house_risks_house_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_house_risks")),
    )
    op.create_index(
        op.f("ix_house_risks_house_id_set_at"), "house_risks", ["house_id", "set_at"], unique=False
    )
    op.create_table(
        "stays",
        sa.Column("stay_id", ID, nullable=False),
        sa.Column("house_id", ID, nullable=False),
        sa.Column("room", sa.String(length=200), server_default="", nullable=False),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=32), server_default="", nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=True),
        sa.Column("registered_at", Instant(), nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["house_id"], ["houses.house_id"], name=op.f("fk_stays_house_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("stay_id", name=op.f("pk_stays")),
    )
    op.create_index(op.f("ix_stays_house_id_from_day"), "stays", ["house_id", "from_day"], unique=False)
    op.create_index(op.f("ix_stays_phone_from_day"), "stays", ["phone", "from_day"], unique=False)
    op.create_index(op.f("ix_stays_worker_id_from_day"), "stays", ["worker_id", "from_day"], unique=False)
    op.create_table(
        "check_entries",
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("check_id", ID, nullable=False),
        sa.Column("stay_id", ID, nullable=True),
        sa.Column("worker_id", ID, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("room", sa.String(length=200), server_default="", nullable=False),
        sa.Column("registered", sa.Boolean(), nullable=False),
        sa.Column("met", sa.Boolean(), nullable=False),
        sa.Column("identity_confirmed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("temperature_c", sa.Float(), nullable=True),
        sa.Column("symptoms", sa.Text(), server_default="", nullable=False),
        sa.Column("contacts", sa.Text(), server_default="", nullable=False),
        sa.Column("remarks", sa.Text(), server_default="", nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["check_id"], ["checks.check_id"], name=op.f("fk_check_entries_check_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_check_entries")),
        sa.UniqueConstraint("check_id", "stay_id", name=op.f("uq_check_entries_check_id_stay_id")),
    )
    op.create_index(
        op.f("ix_check_entries_worker_id_recorded_at"),
        "check_entries",
        ["worker_id", "recorded_at"],
        unique=False,
    )
    op.create_table(
        "check_photos",
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("jpeg", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["check_entries.entry_id"],
            name=op.f("fk_check_photos_entry_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_check_photos")),
    )
