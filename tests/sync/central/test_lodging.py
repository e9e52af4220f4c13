"""Houses, tenants and door-to-door checks over a real database."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import func, select, update

from sync.central import audit, door_checks, lodging
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.door_checks import CheckSheet
from sync.central.errors import SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.lodging import LodgingProblem, LodgingRefused
from sync.central.lodging_desk import HouseFilter, LodgingDesk
from sync.central.lodging_forms import EntryData, LeavingData, TenantData
from sync.central.lodging_rules import HouseState, LodgingSettings, Risk
from sync.central.tables import workers
from sync.central.tables_lodging import check_photos, stays
from sync.central.typed_fields import FieldsRefused, Slip
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, A, B, Clock
from tests.sync.central.lodging_samples import (
    CHECKER,
    FOREIGNER,
    HOUSE,
    MANAGER,
    PHONE,
    SUPERVISOR,
    TEAM,
    TODAY,
    a_house,
    a_tenant,
)

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ADMIN = Viewer("admin", "", Role.ADMIN, None)
WELL = EntryData(met=True, identity_confirmed=True, temperature_c=36.5)
WITH_PHOTOS = LodgingSettings(photos_kept_days=30)


def desk_of(office: FrontOffice) -> LodgingDesk:
    return LodgingDesk(office.database, now=office.now, settings=LodgingSettings())


def begun(office: FrontOffice, token: str, viewer: Viewer = CHECKER) -> str:
    with office.database.write() as connection:
        return door_checks.begin(connection, viewer, token, TEAM, now=office.now())


def sheet(office: FrontOffice, check_id: str) -> CheckSheet:
    with office.database.read() as connection:
        return door_checks.sheet(connection, CHECKER, check_id, now=office.now())


def recorded(office: FrontOffice, check_id: str, stay_id: str, data: EntryData = WELL) -> str:
    with office.database.write() as connection:
        return door_checks.record(connection, CHECKER, check_id, stay_id, data, now=office.now())


def signed(office: FrontOffice, check_id: str) -> None:
    with office.database.write() as connection:
        door_checks.sign(connection, CHECKER, check_id, "medic", "", now=office.now())


def test_a_landlords_house_takes_tenants_once_the_site_has_confirmed_it(office: FrontOffice) -> None:
    house = a_house(office, confirmed=False)
    assert house.state is HouseState.WAITING
    with pytest.raises(LodgingRefused) as refused:
        a_tenant(office, house, "样一安", "A-001")
    assert refused.value.problem is LodgingProblem.WAITING
    with office.database.write() as connection:
        lodging.confirm(connection, MANAGER, house.house_id, now=NOW)
    a_tenant(office, house, "样一安", "A-001")
    actors = {line.actor for line in audit.lines(office.database, ADMIN, now=NOW)}
    assert {"landlord", "tenant", MANAGER.user_id} <= actors


def test_one_address_cannot_flood_the_list_of_houses(office: FrontOffice, clock: Clock) -> None:
    with office.database.write() as connection:
        for number in range(lodging.HOUSES_PER_ADDRESS):
            data = replace(HOUSE, landlord_phone=f"1380000{number:04}")
            lodging.register_house(connection, data, address=PHONE, now=NOW)
        with pytest.raises(LodgingRefused):
            lodging.register_house(connection, HOUSE, address=PHONE, now=NOW)
        lodging.register_house(connection, HOUSE, address="192.0.2.8", now=NOW)
        lodging.register_house(connection, HOUSE, address=PHONE, now=NOW + timedelta(hours=2))


def test_a_tenants_number_has_to_fit_the_name(office: FrontOffice) -> None:
    house = a_house(office)
    for name, worker_id in (("别人", "A-001"), ("样一安", "A-999")):
        with pytest.raises(FieldsRefused) as refused:
            a_tenant(office, house, name, worker_id)
        assert refused.value.slips == {"worker_id": Slip.UNKNOWN_WORKER}


def test_a_tenant_with_the_phone_of_a_worker_of_that_name_is_that_worker(office: FrontOffice) -> None:
    with office.database.write() as connection:
        connection.execute(update(workers).where(workers.c.worker_id == "A-001").values(phone="13800000002"))
    house = a_house(office)
    a_tenant(office, house, "样 一安", phone="13800000002")
    a_tenant(office, house, "示例弟", phone="13800000002")
    with office.database.read() as connection:
        found = {one.name: one.worker_id for one in lodging.tenants(connection, [house.house_id])}
    assert found == {"样 一安": "A-001", "示例弟": ""}


def test_registering_again_changes_the_room_and_nothing_else(office: FrontOffice) -> None:
    house = a_house(office)
    first = a_tenant(office, house, "样一安", "A-001", room="101")
    assert a_tenant(office, house, "样一安", "A-001", room="202") == first
    with office.database.read() as connection:
        assert [one.room for one in lodging.tenants(connection, [house.house_id])] == ["202"]


def test_a_tenant_moves_out_by_name_and_number(office: FrontOffice) -> None:
    house = a_house(office)
    stay_id = a_tenant(office, house, "示例人", phone="13800000003")

    def leave(name: str, known_by: str) -> str:
        data = LeavingData(name, known_by, TODAY)
        with office.database.write() as connection:
            return lodging.move_out(connection, house.door_token, data, address=PHONE, now=NOW)

    with pytest.raises(FieldsRefused):
        leave("别人", "13800000003")
    with pytest.raises(FieldsRefused):
        leave("示例人", "")
    assert leave("示例人", "138 0000 0003") == stay_id
    with office.database.read() as connection:
        assert lodging.count_tenants(connection, house.house_id) == 0
        assert connection.scalar(select(stays.c.until_day)) == TODAY  # kept, for tracing


def test_too_many_people_and_people_in_two_houses_are_noticed(office: FrontOffice) -> None:
    full, other = a_house(office), a_house(office, replace(HOUSE, address="示例路 2 号"))
    for name, worker_id in (("样一安", "A-001"), ("样二宁", "A-002"), ("样三和", "A-003")):
        a_tenant(office, full, name, worker_id)
    a_tenant(office, full, "示例人", phone="13800000003", room="102")
    a_tenant(office, other, "样一安", "A-001")
    rows = {row.house.house_id: row for row in desk_of(office).page(MANAGER, HouseFilter()).rows}
    row = rows[full.house_id]
    assert (row.people, row.rooms_used, row.is_over, row.twice) == (4, 2, True, ("样一安",))
    assert rows[other.house_id].twice == ("样一安",)
    only_over = desk_of(office).page(MANAGER, HouseFilter(over=True)).rows
    assert [one.house.house_id for one in only_over] == [full.house_id]
    assert len(desk_of(office).page(MANAGER, HouseFilter(twice=True)).rows) == 2
    facts = desk_of(office).one(MANAGER, full.house_id)
    assert facts.elsewhere == {"worker:A-001": ("示例路 2 号",)}
    assert facts.rooms == {"101": 3, "102": 1}


def test_the_address_of_another_sites_house_is_not_told(office: FrontOffice) -> None:
    mine, theirs = a_house(office), a_house(office, replace(HOUSE, site_id=B, address="示例路 9 号"))
    for house in (mine, theirs):
        a_tenant(office, house, "样一安", "A-001")
    assert desk_of(office).one(MANAGER, mine.house_id).elsewhere == {"worker:A-001": ("",)}
    assert len(desk_of(office).page(MANAGER, HouseFilter()).rows) == 1


def test_houses_are_found_by_what_is_known_of_them(office: FrontOffice) -> None:
    house = a_house(office)
    a_house(office, replace(HOUSE, address="示例路 2 号"), confirmed=False)
    desk = desk_of(office)

    def found(wanted: HouseFilter) -> list[str]:
        return [row.house.house_id for row in desk.page(MANAGER, wanted).rows]

    assert found(HouseFilter(text="1 号")) == [house.house_id]
    assert found(HouseFilter(text="%")) == []
    assert found(HouseFilter(due=True)) == [house.house_id] == found(HouseFilter(state=HouseState.OPEN))
    assert len(found(HouseFilter(site_id=A))) == 2
    assert len(list(desk.export(MANAGER, HouseFilter()))) == 2
    first = desk.page(MANAGER, HouseFilter(), rows=1)
    second = desk.page(MANAGER, HouseFilter(), after=first.next_after, rows=1)
    assert (len(first.rows), len(second.rows), second.next_after) == (1, 1, "")


def test_a_house_is_managed_only_by_its_own_site(office: FrontOffice) -> None:
    house = a_house(office)
    with pytest.raises(NotFound):
        desk_of(office).one(FOREIGNER, house.house_id)
    with office.database.write() as connection:
        with pytest.raises(NotFound):
            lodging.close(connection, FOREIGNER, house.house_id, now=NOW)
        for viewer in (CHECKER, SUPERVISOR):
            with pytest.raises(NotAllowed):
                lodging.close(connection, viewer, house.house_id, now=NOW)
    with pytest.raises(NotAllowed):
        desk_of(office).page(CHECKER, HouseFilter())


def test_a_sealed_house_takes_nobody_and_opens_again_by_itself(office: FrontOffice, clock: Clock) -> None:
    house = a_house(office)
    with office.database.write() as connection:
        with pytest.raises(SettingRefused, match="reason"):
            lodging.set_risk(
                connection, MANAGER, house.house_id, Risk.SEALED, reason=" ", until=None, now=NOW
            )
        until = NOW + timedelta(days=14)
        lodging.set_risk(
            connection, MANAGER, house.house_id, Risk.SEALED, reason="密切接触", until=until, now=NOW
        )
    with pytest.raises(LodgingRefused) as refused:
        a_tenant(office, house, "样一安", "A-001")
    assert refused.value.problem is LodgingProblem.SEALED
    desk = desk_of(office)
    assert len(desk.page(MANAGER, HouseFilter(risk=Risk.SEALED)).rows) == 1
    clock.moves(days=14)
    assert desk.page(MANAGER, HouseFilter(risk=Risk.SEALED)).rows == ()
    facts = desk.one(MANAGER, house.house_id)
    assert facts.row.house.risk is Risk.NORMAL
    assert [(change.risk, change.reason) for change in facts.risks] == [(Risk.SEALED, "密切接触")]


def test_a_closed_house_and_an_old_code_lead_nowhere(office: FrontOffice) -> None:
    house = a_house(office)
    a_tenant(office, house, "样一安", "A-001")
    with office.database.write() as connection:
        lodging.renew_code(connection, MANAGER, house.house_id, now=NOW)
        with pytest.raises(NotFound):
            lodging.at_door(connection, house.door_token, now=NOW)
        lodging.close(connection, MANAGER, house.house_id, now=NOW)
        assert lodging.count_tenants(connection, house.house_id) == 0
    with pytest.raises(NotFound):
        a_tenant(office, house, "样一安", "A-001")


def test_a_check_is_signed_once_everybody_on_the_list_was_spoken_of(office: FrontOffice) -> None:
    house = a_house(office)
    met = a_tenant(office, house, "样一安", "A-001")
    away = a_tenant(office, house, "样二宁", "A-002")
    check_id = begun(office, house.door_token)
    assert begun(office, house.door_token, SUPERVISOR) == check_id  # the same one goes on
    recorded(office, check_id, met)
    with pytest.raises(LodgingRefused) as refused:
        signed(office, check_id)
    assert refused.value.problem is LodgingProblem.NOT_EVERYBODY
    recorded(office, check_id, away, EntryData(met=False, remarks="上夜班"))
    recorded(office, check_id, met, replace(WELL, temperature_c=37.6))  # corrected, not doubled
    signed(office, check_id)
    signed(office, check_id)
    with pytest.raises(LodgingRefused, match="signed"):
        recorded(office, check_id, met)
    found = sheet(office, check_id)
    assert [(one.name, one.entry and one.entry.data.temperature_c) for one in found.expected] == [
        ("样一安", 37.6),
        ("样二宁", None),
    ]
    assert (found.signed_role, found.signed_by, found.signed_at) == ("medic", CHECKER.user_id, NOW)
    (past,) = desk_of(office).one(MANAGER, house.house_id).checks
    assert (past.met, past.not_met, past.unregistered, past.highest_c) == (1, 1, 0, 37.6)
    assert desk_of(office).page(MANAGER, HouseFilter(due=True)).rows == ()


def test_the_next_check_is_due_after_the_days_of_the_risk(office: FrontOffice, clock: Clock) -> None:
    house = a_house(office)
    check_id = begun(office, house.door_token)
    signed(office, check_id)
    due = HouseFilter(due=True)
    clock.moves(days=3)
    assert desk_of(office).page(MANAGER, due).rows == ()
    with office.database.write() as connection:
        lodging.set_risk(
            connection, MANAGER, house.house_id, Risk.WATCHED, reason="来访", until=None, now=clock()
        )
    (row,) = desk_of(office).page(MANAGER, due).rows
    assert (row.due_at, row.is_due) == (NOW + timedelta(days=3), True)


def test_somebody_met_besides_is_on_the_list_of_the_next_check(office: FrontOffice, clock: Clock) -> None:
    house = a_house(office)
    check_id = begun(office, house.door_token)
    person = TenantData("示例客", "", "13800000004", "103", TODAY)
    with office.database.write() as connection:
        door_checks.add_person(connection, CHECKER, check_id, person, WELL, now=NOW)
        with pytest.raises(FieldsRefused):
            door_checks.add_person(connection, CHECKER, check_id, person, WELL, now=NOW)
    found = sheet(office, check_id)
    assert (found.expected, [one.name for one in found.others]) == ((), ["示例客"])
    signed(office, check_id)
    clock.moves(days=1)
    again = sheet(office, begun(office, house.door_token))
    assert [one.name for one in again.expected] == ["示例客"]


def test_a_team_of_another_site_finds_no_house(office: FrontOffice) -> None:
    house = a_house(office)
    stranger = Viewer("checker-b", "", Role.CHECKER, frozenset({B}))
    with pytest.raises(NotFound):
        begun(office, house.door_token, stranger)
    check_id = begun(office, house.door_token)
    with office.database.read() as connection, pytest.raises(NotFound):
        door_checks.sheet(connection, stranger, check_id, now=NOW)


def a_photo() -> bytes:
    """With a place and a device in it, as phones write them."""
    exif = Image.Exif()
    exif[0x010F] = "示例手机"
    exif[0x8825] = {1: "N", 2: (30.0, 30.0, 30.0)}
    file = io.BytesIO()
    Image.new("RGB", (1600, 1200), "teal").save(file, "JPEG", exif=exif)
    return file.getvalue()


def test_photos_are_kept_only_if_wanted_small_and_without_anything_but_pixels(
    office: FrontOffice, clock: Clock
) -> None:
    house = a_house(office)
    stay_id = a_tenant(office, house, "样一安", "A-001")
    check_id = begun(office, house.door_token)
    entry_id = recorded(office, check_id, stay_id)

    def put(content: bytes, settings: LodgingSettings) -> None:
        with office.database.write() as connection:
            door_checks.put_photo(connection, CHECKER, check_id, entry_id, content, settings, now=clock())

    with pytest.raises(LodgingRefused, match="no_photos"):
        put(a_photo(), LodgingSettings())
    with pytest.raises(FieldsRefused):
        put(b"no photo", WITH_PHOTOS)
    put(a_photo(), WITH_PHOTOS)
    with office.database.write() as connection:
        jpeg = door_checks.photo(connection, CHECKER, entry_id, WITH_PHOTOS, now=NOW)
        with pytest.raises(NotFound):
            door_checks.photo(connection, FOREIGNER, entry_id, WITH_PHOTOS, now=NOW)
    with Image.open(io.BytesIO(jpeg)) as picture:
        assert (picture.size, dict(picture.getexif())) == ((1024, 768), {})
    clock.moves(days=31)
    with office.database.write() as connection:
        with pytest.raises(NotFound):
            door_checks.photo(connection, CHECKER, entry_id, WITH_PHOTOS, now=clock())
        door_checks.forget_photos(connection, WITH_PHOTOS, now=clock())
        assert connection.scalar(select(func.count()).select_from(check_photos)) == 0
