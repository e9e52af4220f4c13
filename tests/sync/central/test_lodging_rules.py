"""What is typed into the forms of lodging and transport, and what follows from it. Without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.central import lodging_forms
from sync.central.lodging_forms import EntryData, read_bus, read_entry, read_house, read_team, read_tenant
from sync.central.lodging_rules import (
    LodgingSettings,
    Risk,
    Tenant,
    check_due_at,
    in_two_houses,
    people_by_room,
    risk_at,
)
from sync.central.rider_lines import LinesRefused, parts_of, read_lines
from sync.central.typed_fields import FieldsRefused, Slip, masked_name, masked_number, phone_of, plate_of
from sync.people import DocumentType

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
HOUSE = {
    "site_id": "site-a",
    "sub_district": "示例街道",
    "address": "示例路 1 号",
    "landlord_name": "示例房东",
    "landlord_phone": "138 0000 0000",
    "rooms": "４",
    "capacity": "12",
}
BUS = {
    "site_id": "site-a",
    "number": "示A·12345",
    "travelled_on": "2026-03-02",
    "origin": "示例县",
    "destination": "滨江示例工地",
    "driver_name": "示例司机",
    "seats": "45",
}
RESIDENT = "11010519491231002X"
"""The example number of GB 11643."""


def slips_of(call: object, *arguments: object) -> dict[str, Slip]:
    assert callable(call)
    with pytest.raises(FieldsRefused) as refused:
        call(*arguments)
    return refused.value.slips


def test_a_house_is_read_with_full_width_digits_and_spaces() -> None:
    data = read_house(HOUSE, ["site-a"])
    assert (data.rooms, data.capacity, data.landlord_phone) == (4, 12, "13800000000")


def test_every_wrong_field_of_a_house_is_told_at_once() -> None:
    wrong = HOUSE | {
        "site_id": "other",
        "address": " ",
        "landlord_phone": "123",
        "rooms": "0",
        "capacity": "x",
    }
    assert slips_of(read_house, wrong, ["site-a"]) == {
        "site_id": Slip.NOT_OFFERED,
        "address": Slip.REQUIRED,
        "landlord_phone": Slip.NO_PHONE,
        "rooms": Slip.OUT_OF_RANGE,
        "capacity": Slip.NO_NUMBER,
    }


def test_a_tenant_gives_a_number_or_a_phone() -> None:
    typed = {"name": "示例人", "room": "201", "from_day": "2026-03-01"}
    assert slips_of(read_tenant, typed, TODAY) == {"phone": Slip.REQUIRED}
    assert read_tenant(typed | {"worker_id": "A-001"}, TODAY).phone == ""


def test_nobody_moves_in_tomorrow() -> None:
    typed = {"name": "示例人", "room": "201", "worker_id": "A-001", "from_day": "2026-03-03"}
    assert slips_of(read_tenant, typed, TODAY) == {"from_day": Slip.OUT_OF_RANGE}


def test_a_team_is_three_different_people() -> None:
    names = {"police_name": "示例警", "medic_name": "示例医", "official_name": "示例医"}
    assert slips_of(read_team, names) == {"official_name": Slip.SAME_PERSON}


def test_of_somebody_who_was_not_met_only_the_remarks_count() -> None:
    typed = {"met": "no", "temperature_c": "99", "identity_confirmed": "1", "remarks": "门锁着"}
    assert read_entry(typed) == EntryData(met=False, remarks="门锁着")
    met = {"met": "yes", "temperature_c": "36,6"}
    assert read_entry(met).temperature_c == 36.6
    assert slips_of(read_entry, {}) == {"met": Slip.REQUIRED}
    assert slips_of(read_entry, met | {"temperature_c": "99"}) == {"temperature_c": Slip.OUT_OF_RANGE}
    assert slips_of(read_entry, met | {"temperature_c": "nan"}) == {"temperature_c": Slip.OUT_OF_RANGE}


def test_a_bus_is_read_with_its_plate_as_trips_name_it() -> None:
    assert read_bus(BUS, ["site-a"], TODAY).number == "示A12345"
    assert slips_of(read_bus, BUS | {"number": "!", "seats": "900"}, ["site-a"], TODAY) == {
        "number": Slip.NO_PLATE,
        "seats": Slip.OUT_OF_RANGE,
    }


def test_readings_are_read_by_rider_and_empty_ones_are_none() -> None:
    read = lodging_forms.read_temperatures
    assert read({"t_a": "36.5", "t_b": ""}, ["a", "b"]) == {"a": 36.5}
    assert slips_of(read, {"t_a": "365"}, ["a"]) == {"t_a": Slip.OUT_OF_RANGE}


@given(st.dictionaries(st.sampled_from([*HOUSE, *BUS]), st.text()))
def test_whatever_is_typed_is_read_or_refused(typed: dict[str, str]) -> None:
    for call in (
        lambda: read_house(typed, ["site-a"]),
        lambda: read_bus(typed, ["site-a"], TODAY),
        lambda: read_tenant(typed, TODAY),
    ):
        with pytest.raises(FieldsRefused):
            call()
            raise FieldsRefused({})


@given(st.text())
def test_phones_and_plates_stay_as_they_are_when_read_again(text: str) -> None:
    assert phone_of(phone_of(text)) == phone_of(text)
    assert plate_of(plate_of(text)) == plate_of(text)


def test_masks_keep_what_helps_to_recognise() -> None:
    assert (masked_name("示例房东"), masked_number("13800001234")) == ("示***", "138******34")
    assert masked_number("") == ""


def test_a_risk_ends_by_itself() -> None:
    assert risk_at(Risk.SEALED, NOW, NOW - timedelta(seconds=1)) is Risk.SEALED
    assert risk_at(Risk.SEALED, NOW, NOW) is Risk.NORMAL
    assert risk_at(Risk.WATCHED, None, NOW) is Risk.WATCHED


def test_checks_are_due_sooner_where_the_risk_is_higher() -> None:
    settings = LodgingSettings()
    due = [check_due_at(settings, risk, confirmed_at=NOW, last_check_at=NOW) - NOW for risk in Risk]
    assert due == [timedelta(days=14), timedelta(days=3), timedelta(days=1)]
    assert check_due_at(settings, Risk.NORMAL, confirmed_at=NOW, last_check_at=None) == NOW


def test_somebody_in_two_houses_is_found_by_number_or_by_name_and_phone() -> None:
    def tenant(house: str, worker_id: str = "", phone: str = "") -> Tenant:
        return Tenant(f"{house}{worker_id}{phone}", house, "1", "示例人", worker_id, phone, TODAY)

    assert in_two_houses([tenant("h1", "A-001"), tenant("h2", "A-001"), tenant("h1", "A-002")]) == {
        "worker:A-001"
    }
    assert in_two_houses([tenant("h1", phone="1"), tenant("h2", phone="2")]) == frozenset()
    assert people_by_room([tenant("h1", "a"), tenant("h1", "b")]) == {"1": 2}


def test_a_pasted_list_is_read_however_it_is_split() -> None:
    text = f"A-001\n示例甲\t{RESIDENT.lower()}\t12\n\nAnna Lee, K1234567\n示例乙 13800000000 3号\nA-002，7"
    lines = read_lines(parts_of(text), {"A-001", "A-002"}, TODAY)
    assert lines[1].worker_id == "A-001"
    assert (lines[2].name, lines[2].document, lines[2].seat) == ("示例甲", RESIDENT, 12)
    assert lines[2].document_type is DocumentType.RESIDENT_ID
    assert (lines[4].name, lines[4].document_type) == ("Anna Lee", DocumentType.PASSPORT)
    assert (lines[5].phone, lines[5].seat) == ("13800000000", 3)
    assert (lines[6].worker_id, lines[6].seat) == ("A-002", 7)


def test_wrong_lines_are_told_by_their_numbers() -> None:
    text = f"A-999\n示例甲\n示例乙 {RESIDENT[:-1]}1\n示例丙 13800000000"
    with pytest.raises(LinesRefused) as refused:
        read_lines(parts_of(text), set(), TODAY)
    assert refused.value.slips == {1: Slip.UNKNOWN_WORKER, 2: Slip.REQUIRED, 3: Slip.NO_NUMBER}


@given(st.text())
def test_any_pasted_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(LinesRefused):
        read_lines(parts_of(text), set(), TODAY)
        raise LinesRefused({})
