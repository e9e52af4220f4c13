"""Phone pages of lodging, door-to-door checks and buses, as a browser without script sees them."""

from __future__ import annotations

import re

import httpx
import pytest

from sync.central import lodging
from sync.central.accounts_access import Role, Viewer
from sync.central.front_office import FrontOffice
from sync.central.lodging_forms import TenantData
from sync.central.lodging_rules import LodgingSettings
from sync.central.tables_lodging import bus_riders, buses, check_entries, checks, houses, stays
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import MANAGER_A, NOW, PASSWORD, SUPERVISOR_A, A
from tests.sync.central.lodging_samples import TODAY, a_house, a_tenant
from tests.sync.central.phone_samples import Phone, count, token_of, with_documents
from tests.sync.central.test_lodging import a_photo

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ADMIN = Viewer("admin", "", Role.ADMIN, None)
LARGEST_PAGE_BYTES = 60_000
CHECKER_A = "checker-a"
HOUSE = {
    "site_id": A,
    "district": "示例区",
    "sub_district": "示例街道",
    "address": "示例路 1 号",
    "landlord_name": "示例房东",
    "landlord_phone": "138 0000 0001",
    "rooms": "4",
    "capacity": "8",
}
TENANT = {"name": "样一安", "worker_id": "A-001", "phone": "", "room": "101", "from_day": "2026-03-01"}
TEAM = {"police_name": "示例警", "medic_name": "示例医", "official_name": "示例干"}
BUS = {
    "site_id": A,
    "number": "示A·12345",
    "travelled_on": "2026-03-02",
    "origin": "示例县",
    "destination": "滨江",
    "driver_name": "示例司机",
    "driver_phone": "",
    "seats": "6",
}


@pytest.fixture
def phone(office: FrontOffice) -> Phone:
    office.accounts.add_user(CHECKER_A, password=PASSWORD, role=Role.CHECKER, site_ids=[A])
    return Phone(with_documents(office))


def sent(phone: Phone, page: str, to: str = "", /, **fields: object) -> httpx.Response:
    """Open a page, fill in its form and send it."""
    answer = phone.post(to or page, form_token=phone.token(page), **fields)
    assert len(answer.content) < LARGEST_PAGE_BYTES
    return answer


def test_a_landlord_registers_a_house_and_prints_its_code_once_it_is_confirmed(
    office: FrontOffice, phone: Phone
) -> None:
    own = sent(phone, "/m/house", **HOUSE)
    assert own.status_code == 200 and "waiting for the site" in own.text and "poster" not in own.text
    assert "13800000001" not in own.text and "示例房东" not in own.text  # masked: a link may be passed on
    with office.database.write() as connection:
        token = own.url.path.rsplit("/", 1)[1]
        house = lodging.of_landlord(connection, token, now=NOW)
        lodging.confirm(connection, ADMIN, house.house_id, now=NOW)
    poster = phone.get(re.findall(r'href="([^"]+poster)"', phone.get(own.url.path).text)[0])
    assert "<svg" in poster.text and "示例路 1 号" in poster.text and "示**" not in poster.text


def test_wrong_fields_are_told_beside_them_and_what_was_typed_stays(phone: Phone) -> None:
    answer = sent(phone, "/m/house", **HOUSE | {"landlord_phone": "12", "address": "  "})
    assert answer.status_code == 422
    assert 'id="e-landlord_phone"' in answer.text and 'id="e-address"' in answer.text
    assert 'value="12"' in answer.text and 'value="示例街道"' in answer.text


def test_a_house_sent_twice_is_there_once(office: FrontOffice, phone: Phone) -> None:
    token = phone.token("/m/house")
    first, second = (phone.post("/m/house", form_token=token, **HOUSE) for _ in range(2))
    assert first.url == second.url and count(office.database, houses) == 1


def test_a_tenant_registers_at_the_door_and_leaves(office: FrontOffice, phone: Phone) -> None:
    door = f"/m/h/{a_house(office).door_token}"
    wrong = sent(phone, door, **TENANT | {"worker_id": "A-002"})
    assert wrong.status_code == 422 and 'id="e-worker_id"' in wrong.text and 'value="样一安"' in wrong.text
    assert "You are registered" in sent(phone, door, **TENANT).text
    left = sent(phone, f"{door}/leave", name="样一安", known_by="A-001", until_day="2026-03-02")
    assert "moved out" in left.text and count(office.database, stays) == 1
    assert "样一安" not in phone.get(door).text


def test_a_code_of_no_house_and_a_house_that_waits_are_told(office: FrontOffice, phone: Phone) -> None:
    assert phone.get("/m/h/made-up").status_code == 404
    waiting = phone.get(f"/m/h/{a_house(office, confirmed=False).door_token}")
    assert "not confirmed this house yet" in waiting.text and "form_token" not in waiting.text


def test_nobody_checks_a_house_without_the_right(office: FrontOffice, phone: Phone) -> None:
    path = f"/m/check/{a_house(office).door_token}"
    assert phone.get(path).url.path == "/m/staff/sign-in"
    office.accounts.add_user("checker-b", password=PASSWORD, role=Role.CHECKER, site_ids=["site-b"])
    phone.sign_in_staff("checker-b", PASSWORD)
    assert phone.get(path).status_code == 404
    assert phone.get("/m/bus").status_code == 403


def begun(office: FrontOffice, phone: Phone) -> tuple[str, str, str, str]:
    """Path of the sheet, the check, and two stays."""
    house = a_house(office)
    first, second = a_tenant(office, house, "样一安", "A-001"), a_tenant(office, house, "样二宁", "A-002")
    phone.sign_in_staff(CHECKER_A, PASSWORD)
    path = f"/m/check/{house.door_token}"
    assert house.address in phone.get("/m/check").text
    page = sent(phone, path, **TEAM)
    found = re.search(r'name="check_id" value="([^"]+)"', page.text)
    assert found is not None and "样一安" in page.text
    return path, found[1], first, second


def test_a_team_checks_a_house_adds_a_person_and_signs(office: FrontOffice, phone: Phone) -> None:
    path, check_id, first, second = begun(office, phone)
    fields: dict[str, object] = {
        "check_id": check_id,
        f"{first}-met": "yes",
        f"{first}-identity_confirmed": "1",
        f"{first}-temperature_c": "36.5",
        f"{second}-met": "no",
        f"{second}-remarks": "上夜班",
        "new-name": "示例客",
        "new-phone": "13800000004",
        "new-room": "102",
        "new-from_day": "2026-03-01",
        "new-temperature_c": "371",
        "role": "medic",
        "do": "sign",
    }
    wrong = sent(phone, path, f"{path}/sheet", **fields)
    assert wrong.status_code == 422 and 'id="e-new-temperature_c"' in wrong.text
    assert count(office.database, check_entries) == 0 and 'value="上夜班"' in wrong.text
    done = sent(phone, path, f"{path}/sheet", **fields | {"new-temperature_c": "36.9"})
    assert "The check is signed" in done.text and "1 / 1 / 1" in done.text
    assert count(office.database, stays) == 3
    assert phone.get("/m/check").text.count("/m/check/") == 0  # nothing is due


def test_a_sheet_survives_a_reload_and_two_phones_at_one_door(office: FrontOffice, phone: Phone) -> None:
    path, check_id, first, second = begun(office, phone)
    other = Phone(office)
    other.sign_in_staff(SUPERVISOR_A, PASSWORD)
    theirs = other.get(path).text  # opened before the first phone saves
    fields = {f"{first}-met": "yes", f"{first}-temperature_c": "36.5", "check_id": check_id, "do": "save"}
    saved = sent(phone, path, f"{path}/sheet", **fields)
    assert 'role="status"' in saved.text
    untouched = dict(re.findall(r'name="([0-9a-f]+-was)" value="([^"]+)"', theirs))
    other.post(
        f"{path}/sheet",
        form_token=token_of(theirs),
        check_id=check_id,
        do="save",
        **{f"{second}-met": "no"},
        **untouched,
    )
    page = phone.get(path).text
    assert 'value="36.5"' in page and page.count("recorded") == 2
    unsigned = sent(phone, path, f"{path}/sheet", check_id=check_id, do="sign")
    assert unsigned.status_code == 422 and 'id="e-role"' in unsigned.text


def test_a_full_house_and_a_full_bus_stay_small_pages(office: FrontOffice, phone: Phone) -> None:
    house = a_house(office)
    with office.database.write() as connection:
        for number in range(40):
            data = TenantData(f"示例住户{number}", "", f"138000010{number:02}", "101", TODAY)
            lodging.put_stay(connection, house, data, by="tenant", now=NOW)
    phone.sign_in_staff(MANAGER_A, PASSWORD)
    path = f"/m/check/{house.door_token}"
    first = sent(phone, path, **TEAM)
    second = phone.get(f"{path}?part=2")
    assert first.text.count("<fieldset>") + second.text.count("<fieldset>") == 40
    bus = sent(phone, "/m/bus/new", **BUS | {"seats": "80"}).url.path
    lines = "\n".join(f"示例乘客 138000020{number:02}" for number in range(80))
    page = sent(phone, bus, f"{bus}/riders", lines=lines)
    assert page.text.count("°C") == 80


def test_photos_are_offered_only_where_they_are_kept(office: FrontOffice, phone: Phone) -> None:
    path, check_id, first, _ = begun(office, phone)
    fields = {f"{first}-met": "yes", "check_id": check_id, "do": "save"}
    assert "/photo/" not in sent(phone, path, f"{path}/sheet", **fields).text
    office.lodging.settings = LodgingSettings(photos_kept_days=30)
    keeping = Phone(office)
    keeping.sign_in_staff(CHECKER_A, PASSWORD)
    (photo,) = re.findall(r'href="(/m/check/[^"]+/photo/[^"]+)"', keeping.get(path).text)

    def send(content: bytes) -> httpx.Response:
        return keeping.ask(
            "POST",
            photo,
            data={"form_token": keeping.token(photo)},
            files={"photo": ("p.jpg", content, "image/jpeg")},
            headers={"origin": "http://centre"},
        )

    assert send(b"no photo").status_code == 422
    assert "<img" in send(a_photo()).text
    picture = keeping.get(f"{photo}.jpg")
    assert picture.headers["content-type"] == "image/jpeg" and picture.content[:2] == b"\xff\xd8"


def test_a_bus_goes_through_its_steps_and_the_feverish_are_named(office: FrontOffice, phone: Phone) -> None:
    phone.sign_in_staff(MANAGER_A, PASSWORD)
    assert 'id="e-number"' in sent(phone, "/m/bus/new", **BUS | {"number": "!"}).text
    path = sent(phone, "/m/bus/new", **BUS).url.path
    lines = "A-001 1\nA-002 1\n示例客 13800000004"
    wrong = sent(phone, path, f"{path}/riders", lines=lines)
    assert wrong.status_code == 422 and "line 2: the seat is taken" in wrong.text and lines in wrong.text
    page = sent(phone, path, f"{path}/riders", lines=lines.replace("A-002 1", "A-002 2")).text
    assert count(office.database, bus_riders) == 3
    riders = re.findall(r'name="(t_[0-9a-f]+)"', page)
    missing = sent(phone, path, f"{path}/step", step="measured")
    assert missing.status_code == 422 and "样一安" in missing.text
    hot = sent(
        phone, path, f"{path}/temperatures", **dict(zip(riders, ("36.5", "38.0", "36.6"), strict=True))
    )
    assert "to be held" in hot.text and "样二宁" in hot.text
    sent(phone, path, f"{path}/step", step="disinfected")
    early = sent(phone, path, f"{path}/step", step="entered")
    assert early.status_code == 422 and "not checked yet" in early.text
    sent(phone, path, f"{path}/step", step="checked")
    page = sent(phone, path, f"{path}/step", step="entered").text
    assert page.count('lang="en">entered<') == 2 and 'lang="en">held<' in page
    assert sent(phone, path, f"{path}/rider", rider=riders[0][2:], what="reseat", seat="6").status_code == 422
    assert phone.get(f"{path}/riders").url.path == path  # a refused form's address, opened again


def test_workers_are_found_and_picked(office: FrontOffice, phone: Phone) -> None:
    phone.sign_in_staff(MANAGER_A, PASSWORD)
    path = sent(phone, "/m/bus/new", **BUS).url.path
    found = phone.post(f"{path}/find", text="钢筋")
    picked = re.findall(r'name="worker" value="([^"]+)"', found.text)
    assert picked == ["A-001", "A-002", "A-005"]
    sent(phone, path, f"{path}/picked", worker=picked[:2])
    assert (count(office.database, bus_riders), count(office.database, buses)) == (2, 1)
    assert "样六顺" not in phone.post(f"{path}/find", text="样").text  # of another site


def test_a_door_to_door_team_has_no_console(office: FrontOffice, phone: Phone) -> None:
    begun(office, phone)
    home = phone.get("/m/").text
    assert "/m/check" in home and "/m/bus" not in home
    assert count(office.database, checks) == 1
