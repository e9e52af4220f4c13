"""Door-to-door checks: a team of three, who should be there, who was met, signed by one of them.

Every function takes an open connection and is part of its transaction.
"""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from PIL import Image
from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from models.errors import ImageUnusable
from models.images import decode
from sync.central import audit, lodging
from sync.central.accounts_access import Right, Viewer, no_such
from sync.central.audit import Action
from sync.central.lodging import House, LodgingProblem, LodgingRefused
from sync.central.lodging_forms import TEAM, EntryData, TeamData, TenantData
from sync.central.lodging_rules import HouseState, LodgingSettings
from sync.central.statements import upsert
from sync.central.tables_lodging import check_entries, check_photos, checks, houses
from sync.central.typed_fields import FieldsRefused, Slip

CONTINUED_FOR = timedelta(hours=12)
"""A check that is open is continued, by whoever of the team: a phone's battery ends before a visit does."""

_JPEG_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Entry:
    """What was found out about one person, and by whom."""

    entry_id: str
    stay_id: str
    worker_id: str
    name: str
    room: str
    registered: bool
    data: EntryData
    has_photo: bool
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Expected:
    """Somebody who should be there; `entry` once the team has said something."""

    stay_id: str
    name: str
    room: str
    worker_id: str
    phone: str
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class CheckSheet:
    """One check: the list, and who was met besides. After signing the list is as it was then."""

    check_id: str
    house: House
    team: TeamData
    started_at: datetime
    started_by: str
    expected: tuple[Expected, ...]
    others: tuple[Entry, ...]
    remarks: str
    signed_role: str
    signed_by: str
    signed_at: datetime | None

    @property
    def open_count(self) -> int:
        """How many of the list nobody has said anything about."""
        return sum(one.entry is None for one in self.expected)


def begin(connection: Connection, viewer: Viewer, token: str, team: TeamData, *, now: datetime) -> str:
    """Start a check at the door, or continue the one that is open there. Returns its id.

    Raises NotAllowed, NotFound, LodgingRefused: the house is not confirmed, or closed.
    """
    house = house_at_door(connection, viewer, token, now=now)
    # Two of the team may begin at the same moment: they wait for each other here.
    connection.execute(select(houses.c.house_id).where(houses.c.house_id == house.house_id).with_for_update())
    if house.state is not HouseState.OPEN:
        raise LodgingRefused(LodgingProblem(house.state.value))
    going_on = open_check(connection, house, now=now)
    if going_on:
        return going_on
    check_id = uuid4().hex
    connection.execute(
        insert(checks).values(
            check_id=check_id,
            house_id=house.house_id,
            started_at=now,
            started_by=viewer.user_id,
            **asdict(team),
        )
    )
    _note(connection, viewer, Action.WROTE_CHECK, check_id, house, now, did="begun")
    return check_id


def house_at_door(connection: Connection, viewer: Viewer, token: str, *, now: datetime) -> House:
    """The house of a door's code, for a team of its site. Raises NotAllowed, NotFound."""
    viewer.require(Right.CHECK_HOUSES)
    house = lodging.at_door(connection, token, now=now)
    if not viewer.sees(house.site_id):
        raise no_such("house", "by this code")
    return house


def open_check(connection: Connection, house: House, *, now: datetime) -> str:
    """The check that is going on there; empty where there is none."""
    query = (
        select(checks.c.check_id)
        .where(
            checks.c.house_id == house.house_id,
            checks.c.signed_at.is_(None),
            checks.c.started_at > now - CONTINUED_FOR,
        )
        .order_by(checks.c.started_at.desc())
    )
    return connection.scalar(query.limit(1)) or ""


def last_team(connection: Connection, viewer: Viewer) -> TeamData | None:
    """With whom this user went last: a team goes from door to door."""
    query = select(checks).where(checks.c.started_by == viewer.user_id).order_by(checks.c.started_at.desc())
    row = connection.execute(query.limit(1)).first()
    return TeamData(row.police_name, row.medic_name, row.official_name) if row is not None else None


def sheet(connection: Connection, viewer: Viewer, check_id: str, *, now: datetime) -> CheckSheet:
    """Raises NotAllowed, NotFound. The caller notes the look."""
    row, house = _check(connection, viewer, check_id, now)
    has_photo = exists().where(check_photos.c.entry_id == check_entries.c.entry_id)
    query = (
        select(check_entries, has_photo.label("has_photo"))
        .where(check_entries.c.check_id == check_id)
        .order_by(check_entries.c.room, check_entries.c.name, check_entries.c.entry_id)
    )
    entries = [_entry(found) for found in connection.execute(query)]
    by_stay = {entry.stay_id: entry for entry in entries if entry.registered}
    if row.signed_at is None:
        listed = [
            one
            for one in lodging.tenants(connection, [house.house_id])
            if not _met_here(one.stay_id, entries)
        ]
        expected = [
            Expected(
                one.stay_id, one.name, one.room, one.worker_id, one.phone, by_stay.pop(one.stay_id, None)
            )
            for one in listed
        ]
    else:
        expected = []
    # Who has moved out since the team wrote about them stays on the sheet.
    expected += [
        Expected(entry.stay_id, entry.name, entry.room, entry.worker_id, "", entry)
        for entry in by_stay.values()
    ]
    return CheckSheet(
        check_id,
        house,
        TeamData(row.police_name, row.medic_name, row.official_name),
        row.started_at,
        row.started_by,
        tuple(expected),
        tuple(entry for entry in entries if not entry.registered),
        row.remarks,
        row.signed_role,
        row.signed_by,
        row.signed_at,
    )


def record(
    connection: Connection, viewer: Viewer, check_id: str, stay_id: str, data: EntryData, *, now: datetime
) -> str:
    """What was found out about somebody on the list; again, it replaces what was said. Returns the entry.

    Raises NotAllowed, NotFound, LodgingRefused: the check is signed.
    """
    _, house = _open(connection, viewer, check_id, now)
    tenant = next(
        (one for one in lodging.tenants(connection, [house.house_id]) if one.stay_id == stay_id), None
    )
    if tenant is None:
        raise no_such("stay", stay_id)
    known = select(check_entries.c.entry_id, check_entries.c.registered).where(
        check_entries.c.check_id == check_id, check_entries.c.stay_id == stay_id
    )
    found = connection.execute(known).first()
    entry_id = found.entry_id if found is not None else uuid4().hex
    values = {
        "entry_id": entry_id,
        "check_id": check_id,
        "stay_id": stay_id,
        "worker_id": tenant.worker_id or None,
        "name": tenant.name,
        "room": tenant.room,
        "registered": True if found is None else found.registered,
        **asdict(data),
        "recorded_at": now,
        "recorded_by": viewer.user_id,
    }
    upsert(connection, check_entries, [values])
    _note(connection, viewer, Action.WROTE_CHECK, check_id, house, now, did="recorded", entry=entry_id)
    return str(entry_id)


def add_person(
    connection: Connection,
    viewer: Viewer,
    check_id: str,
    person: TenantData,
    data: EntryData,
    *,
    now: datetime,
) -> str:
    """Somebody who was met and is not on the list: registered as living there from now on. Returns the entry.

    Raises NotAllowed, NotFound, LodgingRefused, FieldsRefused: is on the list already, or the worker's
    number is unknown.
    """
    _, house = _open(connection, viewer, check_id, now)
    before = {one.stay_id for one in lodging.tenants(connection, [house.house_id])}
    stay_id = lodging.put_stay(connection, house, person, by=viewer.user_id, now=now)
    if stay_id in before:
        raise FieldsRefused({"name": Slip.SAME_PERSON})
    tenant = next(one for one in lodging.tenants(connection, [house.house_id]) if one.stay_id == stay_id)
    entry_id = uuid4().hex
    connection.execute(
        insert(check_entries).values(
            entry_id=entry_id,
            check_id=check_id,
            stay_id=stay_id,
            worker_id=tenant.worker_id or None,
            name=person.name,
            room=person.room,
            registered=False,
            **asdict(data),
            recorded_at=now,
            recorded_by=viewer.user_id,
        )
    )
    _note(connection, viewer, Action.WROTE_CHECK, check_id, house, now, did="added a person", entry=entry_id)
    return entry_id


def put_photo(
    connection: Connection,
    viewer: Viewer,
    check_id: str,
    entry_id: str,
    content: bytes,
    settings: LodgingSettings,
    *,
    now: datetime,
) -> None:
    """Keep a photo of somebody, as a new JPEG of bounded size without anything but its pixels.

    Raises LodgingRefused (photos are not kept here, the check is signed), NotFound, FieldsRefused: no photo.
    """
    _, house = _open(connection, viewer, check_id, now)
    if not settings.photos_kept_days:
        raise LodgingRefused(LodgingProblem.NO_PHOTOS)
    of_this = select(check_entries.c.entry_id).where(
        check_entries.c.entry_id == entry_id, check_entries.c.check_id == check_id
    )
    if connection.scalar(of_this) is None:
        raise no_such("entry", entry_id)
    forget_photos(connection, settings, now=now)
    jpeg = clean_jpeg(content, settings.photo_max_px)
    upsert(connection, check_photos, [{"entry_id": entry_id, "jpeg": jpeg, "taken_at": now}])
    _note(connection, viewer, Action.WROTE_CHECK, check_id, house, now, did="photo", entry=entry_id)


def forget_photos(connection: Connection, settings: LodgingSettings, *, now: datetime) -> None:
    """Delete those that were kept for long enough."""
    oldest = now - timedelta(days=settings.photos_kept_days)
    connection.execute(delete(check_photos).where(check_photos.c.taken_at < oldest))


def photo(
    connection: Connection, viewer: Viewer, entry_id: str, settings: LodgingSettings, *, now: datetime
) -> bytes:
    """The JPEG of an entry, with its audit line. Raises NotAllowed, NotFound: also one kept too long."""
    query = (
        select(check_photos.c.jpeg, check_entries.c.check_id)
        .join(check_entries, check_entries.c.entry_id == check_photos.c.entry_id)
        .where(
            check_photos.c.entry_id == entry_id,
            check_photos.c.taken_at >= now - timedelta(days=settings.photos_kept_days),
        )
    )
    row = connection.execute(query).first()
    if row is None:
        raise no_such("photo", entry_id)
    _, house = _check(connection, viewer, row.check_id, now)
    _note(connection, viewer, Action.LOOKED_AT_CHECK, row.check_id, house, now, photo=entry_id)
    return bytes(row.jpeg)


def sign(
    connection: Connection, viewer: Viewer, check_id: str, role: str, remarks: str, *, now: datetime
) -> None:
    """One of the three signs for the team; nothing changes afterwards. Again, it changes nothing.

    Raises NotAllowed, NotFound, FieldsRefused (no such role), LodgingRefused: somebody of the list is open.
    """
    row, house = _check(connection, viewer, check_id, now, for_update=True)
    if row.signed_at is not None:
        return
    if role not in TEAM:
        raise FieldsRefused({"role": Slip.REQUIRED})
    if sheet(connection, viewer, check_id, now=now).open_count:
        raise LodgingRefused(LodgingProblem.NOT_EVERYBODY)
    signed = {"signed_role": role, "signed_by": viewer.user_id, "signed_at": now, "remarks": remarks}
    connection.execute(update(checks).where(checks.c.check_id == check_id).values(signed))
    connection.execute(update(houses).where(houses.c.house_id == house.house_id).values(last_check_at=now))
    _note(connection, viewer, Action.SIGNED_CHECK, check_id, house, now, role=role)


def note_look(connection: Connection, viewer: Viewer, found: CheckSheet, *, now: datetime) -> None:
    """Somebody looks at a sheet: in the transaction in which it was read."""
    _note(connection, viewer, Action.LOOKED_AT_CHECK, found.check_id, found.house, now)


def clean_jpeg(content: bytes, max_px: int) -> bytes:
    """Upright, at most `max_px` on the longer side, encoded anew. Raises FieldsRefused."""
    try:
        pixels = decode(content)
    except ImageUnusable as error:
        raise FieldsRefused({"photo": Slip.NO_PHOTO}) from error
    picture = Image.fromarray(pixels[:, :, ::-1])
    picture.thumbnail((max_px, max_px))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()


def _check(
    connection: Connection, viewer: Viewer, check_id: str, now: datetime, *, for_update: bool = False
) -> tuple[Row[tuple[object, ...]], House]:
    viewer.require(Right.CHECK_HOUSES)
    query = select(checks).where(checks.c.check_id == check_id)
    row = connection.execute(query.with_for_update() if for_update else query).first()
    if row is None:
        raise no_such("check", check_id)
    return row, lodging.visible(connection, viewer, row.house_id, now=now)


def _open(
    connection: Connection, viewer: Viewer, check_id: str, now: datetime
) -> tuple[Row[tuple[object, ...]], House]:
    row, house = _check(connection, viewer, check_id, now, for_update=True)
    if row.signed_at is not None:
        raise LodgingRefused(LodgingProblem.SIGNED)
    return row, house


def _met_here(stay_id: str, entries: list[Entry]) -> bool:
    """A stay that this check itself has added."""
    return any(entry.stay_id == stay_id and not entry.registered for entry in entries)


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    data = EntryData(
        row.met, row.identity_confirmed, row.temperature_c, row.symptoms, row.contacts, row.remarks
    )
    return Entry(
        row.entry_id,
        row.stay_id or "",
        row.worker_id or "",
        row.name,
        row.room,
        row.registered,
        data,
        row.has_photo,
        row.recorded_at,
        row.recorded_by,
    )


def _note(
    connection: Connection,
    viewer: Viewer,
    action: Action,
    check_id: str,
    house: House,
    now: datetime,
    **detail: str,
) -> None:
    audit.note_by(
        connection,
        viewer,
        action,
        at=now,
        site_id=house.site_id,
        subject=f"house:{house.house_id}",
        detail={"check": check_id, **detail},
    )
