"""Tables of the centre: houses, tenants, door-to-door checks, and return transport.

Stays and bus rides are searched for contacts of a case: by house and days, by worker, by phone, and by the
plate and day of a bus, which are the `number` and `travelled_on` of a declared trip of the kind `bus`.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from sync.central.column_types import Instant
from sync.central.tables import ID, NAME, metadata

PHONE = String(32)
TOKEN = String(64)

houses = Table(
    "houses",
    metadata,
    Column("house_id", ID, primary_key=True),
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),  # whose people look after it
    Column("district", NAME, nullable=False, server_default=""),
    Column("sub_district", NAME, nullable=False, server_default=""),
    Column("address", Text, nullable=False),
    Column("landlord_name", NAME, nullable=False),
    Column("landlord_phone", PHONE, nullable=False),
    Column("rooms", Integer, nullable=False),
    Column("capacity", Integer, nullable=False),  # people
    Column("door_token", TOKEN, nullable=False, unique=True),  # in the QR code on the door
    Column("landlord_token", TOKEN, nullable=False, unique=True),  # in the landlord's own link
    Column("created_at", Instant, nullable=False),
    Column("created_from", Text, nullable=False, server_default=""),  # address of the phone, against floods
    Column("confirmed_at", Instant),
    Column("confirmed_by", Text, nullable=False, server_default=""),
    Column("closed_at", Instant),
    Column("closed_by", Text, nullable=False, server_default=""),
    # As of the last change; all changes are in `house_risks`.
    Column("risk", String(16), nullable=False, server_default="normal"),
    Column("risk_since", Instant),
    Column("risk_until", Instant),
    Column("risk_reason", Text, nullable=False, server_default=""),
    Column("last_check_at", Instant),  # the last signed check
    Index(None, "site_id", "house_id"),
    Index(None, "created_from", "created_at"),
    Index(None, "landlord_phone", "created_at"),
)

house_risks = Table(
    "house_risks",
    metadata,
    Column("change_id", ID, primary_key=True),
    Column("house_id", ID, ForeignKey("houses.house_id", ondelete="CASCADE"), nullable=False),
    Column("risk", String(16), nullable=False),
    Column("until", Instant),
    Column("reason", Text, nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("set_by", Text, nullable=False),
    Index(None, "house_id", "set_at"),
)

stays = Table(
    "stays",
    metadata,
    # Somebody lives in a house; days at the site, the last one included.
    Column("stay_id", ID, primary_key=True),
    Column("house_id", ID, ForeignKey("houses.house_id", ondelete="CASCADE"), nullable=False),
    Column("room", NAME, nullable=False, server_default=""),
    Column("worker_id", ID),  # without a foreign key: a stay outlives the worker's registration
    Column("name", NAME, nullable=False),
    Column("phone", PHONE, nullable=False, server_default=""),
    Column("from_day", Date, nullable=False),
    Column("until_day", Date),  # NULL: lives there
    Column("registered_at", Instant, nullable=False),
    Column("registered_by", Text, nullable=False),  # `tenant`, or a user
    Column("ended_by", Text, nullable=False, server_default=""),
    Index(None, "house_id", "from_day"),
    Index(None, "worker_id", "from_day"),
    Index(None, "phone", "from_day"),
)

checks = Table(
    "checks",
    metadata,
    # One visit by a team of three; open until one of them signs.
    Column("check_id", ID, primary_key=True),
    Column("house_id", ID, ForeignKey("houses.house_id", ondelete="CASCADE"), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("police_name", NAME, nullable=False),
    Column("medic_name", NAME, nullable=False),
    Column("official_name", NAME, nullable=False),
    Column("remarks", Text, nullable=False, server_default=""),
    Column("signed_role", String(16), nullable=False, server_default=""),  # police, medic, official
    Column("signed_by", Text, nullable=False, server_default=""),
    Column("signed_at", Instant),
    Index(None, "house_id", "started_at"),
    Index(None, "started_by", "started_at"),
)

check_entries = Table(
    "check_entries",
    metadata,
    # One person of one check: who should be there, and who was met besides.
    Column("entry_id", ID, primary_key=True),
    Column("check_id", ID, ForeignKey("checks.check_id", ondelete="CASCADE"), nullable=False),
    Column("stay_id", ID),  # the stay as it was listed, or made by this check
    Column("worker_id", ID),
    Column("name", NAME, nullable=False),
    Column("room", NAME, nullable=False, server_default=""),
    Column("registered", Boolean, nullable=False),  # false: met, but not on the list
    Column("met", Boolean, nullable=False),
    Column("identity_confirmed", Boolean, nullable=False, server_default=false()),
    Column("temperature_c", Float),
    Column("symptoms", Text, nullable=False, server_default=""),
    Column("contacts", Text, nullable=False, server_default=""),
    Column("remarks", Text, nullable=False, server_default=""),
    Column("recorded_at", Instant, nullable=False),
    Column("recorded_by", Text, nullable=False),
    UniqueConstraint("check_id", "stay_id"),
    Index(None, "worker_id", "recorded_at"),
)

check_photos = Table(
    "check_photos",
    metadata,
    Column("entry_id", ID, ForeignKey("check_entries.entry_id", ondelete="CASCADE"), primary_key=True),
    Column("jpeg", LargeBinary, nullable=False),  # decoded and encoded anew: no place, no device in it
    Column("taken_at", Instant, nullable=False),
)

buses = Table(
    "buses",
    metadata,
    # One journey of a bus to a site, and the steps before it may enter.
    Column("bus_id", ID, primary_key=True),
    Column("site_id", ID, ForeignKey("sites.site_id"), nullable=False),
    Column("number", String(32), nullable=False),  # the plate, in the canonical form of declared trips
    Column("travelled_on", Date, nullable=False),  # day of departure
    Column("origin", NAME, nullable=False),
    Column("destination", NAME, nullable=False),
    Column("driver_name", NAME, nullable=False),
    Column("driver_phone", PHONE, nullable=False, server_default=""),
    Column("seats", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("disinfected_at", Instant),
    Column("disinfected_by", Text, nullable=False, server_default=""),
    Column("measured_at", Instant),
    Column("measured_by", Text, nullable=False, server_default=""),
    Column("checked_at", Instant),
    Column("checked_by", Text, nullable=False, server_default=""),
    Column("entered_at", Instant),
    Column("entered_by", Text, nullable=False, server_default=""),
    Column("cancelled_at", Instant),
    Column("cancelled_by", Text, nullable=False, server_default=""),
    Index(None, "number", "travelled_on"),
    Index(None, "site_id", "travelled_on"),
)

bus_riders = Table(
    "bus_riders",
    metadata,
    Column("rider_id", ID, primary_key=True),
    Column("bus_id", ID, ForeignKey("buses.bus_id", ondelete="CASCADE"), nullable=False),
    Column("worker_id", ID),
    Column("name", NAME, nullable=False),
    # As in `persons`: sealed, bound to the rider's id, and a keyed hash to find the same person by.
    Column("document_type", String(32), nullable=False, server_default=""),
    Column("document_sealed", LargeBinary),
    Column("document_hash", String(64), index=True),
    Column("phone", PHONE, nullable=False, server_default=""),
    Column("seat", Integer, nullable=False),
    Column("absent", Boolean, nullable=False, server_default=false()),  # on the list, did not come along
    Column("temperature_c", Float),  # the last reading
    Column("highest_c", Float),  # of all readings
    Column("measured_at", Instant),
    Column("measured_by", Text, nullable=False, server_default=""),
    Column("outcome", String(16), nullable=False, server_default=""),  # entered, held, absent
    Column("added_at", Instant, nullable=False),
    Column("added_by", Text, nullable=False),
    UniqueConstraint("bus_id", "seat"),
    Index(None, "worker_id"),
)
