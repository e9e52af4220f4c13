"""Phone pages of inspections, findings and visits, as a browser without script sees them."""

from __future__ import annotations

import re

import httpx
import pytest

from sync.central import checklists
from sync.central.accounts_access import Role
from sync.central.front_office import FrontOffice
from sync.central.tables_grid import finding_photos, findings, grid_visits, inspections
from sync.inspections import Checklist
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import ADMIN, MANAGER_A, PASSWORD, SUPERVISOR_A, A, Clock
from tests.sync.central.lodging_samples import SUPERVISOR
from tests.sync.central.phone_samples import Phone, count, token_of, with_documents
from tests.sync.central.test_inspections import IN_ORDER, TWO_FAULTS
from tests.sync.central.test_lodging import a_photo
from tests.sync.central.test_phone_lodging import LARGEST_PAGE_BYTES

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

pytestmark = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
INSPECTOR_A = "inspector-a"
SITE = f"/m/inspect/site/{A}"
CHECK = f"{SITE}/check/four_in_place?level=sub_district"


@pytest.fixture
def phone(office: FrontOffice) -> Phone:
    office.accounts.add_user(INSPECTOR_A, password=PASSWORD, role=Role.INSPECTOR, site_ids=[A])
    phone = Phone(with_documents(office))
    phone.sign_in_staff(INSPECTOR_A, PASSWORD)
    return phone


def fields(typed: dict[str, str]) -> dict[str, str]:
    return {f"i-{name}": value for name, value in typed.items()}


def sent(phone: Phone, page: str, to: str, **more: object) -> httpx.Response:
    answer = phone.post(to, form_token=phone.token(page), **more)
    assert len(answer.content) < LARGEST_PAGE_BYTES
    return answer


def inspected(phone: Phone, typed: dict[str, str] | None = None) -> httpx.Response:
    answers = fields(TWO_FAULTS if typed is None else typed)
    return sent(phone, CHECK, f"{CHECK}&version=1", **answers)


def first_finding(page: str) -> str:
    found = re.search(r'href="(/m/inspect/finding/[0-9a-f]+)"', page)
    assert found is not None, page
    return found[1]


def signed_in(office: FrontOffice, user_id: str) -> Phone:
    phone = Phone(office)
    phone.sign_in_staff(user_id, PASSWORD)
    return phone


def with_picture(phone: Phone, page: str, to: str, name: str, content: bytes, **more: str) -> httpx.Response:
    return phone.ask(
        "POST",
        to,
        data={"form_token": phone.token(page), **more},
        files={name: ("photo.jpg", content, "image/jpeg")},
        headers={"origin": "http://centre"},
    )


def test_an_inspector_goes_through_a_checklist_and_the_site_mends_what_was_found(
    office: FrontOffice, phone: Phone
) -> None:
    office.grid.name_officer(SUPERVISOR, A, {"name": "示例网格员", "phone": "13800000002"})
    assert "/m/inspect" in phone.get("/m/").text
    page = phone.get("/m/inspect")
    assert page.url.path == SITE and "示例网格员" in page.text and "No finding is open" in page.text
    wrong = inspected(phone, TWO_FAULTS | {"beds_free": "x", "person_named": ""})
    assert wrong.status_code == 422
    assert 'id="e-beds_free"' in wrong.text and 'value="堆放杂物"' in wrong.text
    token = phone.token(CHECK)
    twice = [phone.post(f"{CHECK}&version=1", form_token=token, **fields(TWO_FAULTS)) for _ in range(2)]
    assert twice[0].url == twice[1].url and count(office.database, inspections) == 1
    assert "6 / 8 (75 %)" in twice[0].text and count(office.database, findings) == 2
    finding = first_finding(twice[0].text)

    manager = signed_in(office, MANAGER_A)
    assert "已整改，申请复查" in manager.get(finding).text and "销号" not in manager.get(finding).text
    slip = sent(manager, finding, f"{finding}/step/mended", **{"mended-note": " "})
    assert slip.status_code == 422 and 'id="e-mended-note"' in slip.text
    mended = with_picture(
        manager, finding, f"{finding}/step/mended", "mended-photo", a_photo(), **{"mended-note": "已清空"}
    )
    assert "待复查" in mended.text and "已清空" in mended.text and count(office.database, finding_photos) == 1
    picture = re.search(r'src="(/m/inspect/photo/[0-9a-f]+\.jpg)"', mended.text)
    assert picture is not None
    assert phone.get(picture[1]).headers["content-type"] == "image/jpeg"

    rejected = {"rejected-note": "仍有杂物", "rejected-due_on": "2026-03-04"}
    again = sent(phone, finding, f"{finding}/step/rejected", **rejected)
    assert "待整改" in again.text and "2026-03-04" in again.text
    late = sent(phone, finding, f"{finding}/step/rejected", **rejected)  # an old page, another form
    assert late.status_code == 422 and "Somebody else was faster" in late.text
    closed = sent(phone, finding, f"{finding}/step/accepted")
    assert "已销号" in closed.text and "添加照片" not in closed.text
    assert manager.post(f"{finding}/step/accepted", form_token=token_of(slip.text)).status_code == 403


def test_a_photo_that_is_none_is_told_and_nothing_else_is_saved_with_it(
    office: FrontOffice, phone: Phone
) -> None:
    finding = first_finding(inspected(phone).text)
    added = with_picture(phone, finding, f"{finding}/photo", "photo", a_photo())
    assert "已保存" in added.text and count(office.database, finding_photos) == 1
    wrong = with_picture(phone, finding, f"{finding}/photo", "photo", b"no picture")
    assert wrong.status_code == 422 and 'id="e-photo"' in wrong.text
    manager = signed_in(office, MANAGER_A)
    wrong = with_picture(
        manager, finding, f"{finding}/step/mended", "mended-photo", b"no", **{"mended-note": "已清空"}
    )
    assert wrong.status_code == 422 and "待整改" in wrong.text and "已清空" in wrong.text


def test_everything_in_order_is_said_and_a_daily_list_is_marked_until_it_is_done(
    office: FrontOffice, phone: Phone
) -> None:
    assert "没有问题" in inspected(phone, IN_ORDER).text
    manager = signed_in(office, MANAGER_A)
    assert "今日未做" in manager.get(SITE).text
    daily = f"{SITE}/check/eight_ones?level=self"
    names = set(re.findall(r'name="(i-[a-z_]+)"', manager.get(daily).text)) - {"i-remarks"}
    answers = dict.fromkeys(names, "yes") | {"i-not_measured": "0"}
    sent(manager, daily, f"{daily}&version=1", **answers)
    assert "今日未做" not in manager.get(SITE).text
    assert manager.get(CHECK).status_code == 404  # another level than the account's


def test_the_longest_checklist_is_a_small_page_even_when_every_answer_is_missing(
    office: FrontOffice, phone: Phone
) -> None:
    item = {"kind": "number", "zh": "字" * 80, "en": "e" * 120}
    longest = Checklist.model_validate(
        {
            "checklist_id": "longest",
            "version": 1,
            "zh": "长" * 60,
            "en": "L" * 60,
            "deadline_days": 1,
            "items": [{"item_id": f"item_number_{number}", **item} for number in range(40)],
        }
    )
    with office.database.write() as connection:
        checklists.add(connection, longest, by="test", now=office.now())
    page = f"{SITE}/check/longest?level=sub_district"
    assert sent(phone, page, f"{page}&version=1").text.count("needed") == 40


def test_visits_are_recorded_followed_up_and_shown_when_they_are_late(
    office: FrontOffice, phone: Phone, clock: Clock
) -> None:
    visit = f"{SITE}/visit"
    wrong = sent(phone, visit, visit, purpose="routine", notes="", follow_up_on="2020-01-01")
    assert wrong.status_code == 422 and 'id="e-notes"' in wrong.text and 'id="e-follow_up_on"' in wrong.text
    told = sent(phone, visit, visit, purpose="complaint", notes="夜间噪声", follow_up_on="2026-03-03")
    assert "夜间噪声" in told.text and "投诉举报" in told.text and "已逾期" not in told.text
    clock.moves(days=2)
    phone.sign_in_staff(INSPECTOR_A, PASSWORD)
    page = phone.get(SITE).text
    assert "已逾期" in page
    found = re.search(rf'action="({SITE}/settle/[0-9a-f]+)"', page)
    assert found is not None
    manager = signed_in(office, MANAGER_A)
    assert "夜间噪声" in manager.get(SITE).text and "settle" not in manager.get(SITE).text
    assert manager.get(visit).status_code == 403
    done = sent(phone, SITE, found[1], note="已沟通")
    assert "已跟进" in done.text and "已沟通" in done.text and count(office.database, grid_visits) == 1


def test_an_administrator_finds_a_site_and_strangers_find_nothing(office: FrontOffice, phone: Phone) -> None:
    finding = first_finding(inspected(phone).text)
    boss = signed_in(office, ADMIN)
    both = boss.get("/m/inspect").text
    assert "滨江示例工地" in both and "北山示例工地" in both
    one = boss.get("/m/inspect?q=北山").text
    assert "北山示例工地" in one and "滨江示例工地" not in one
    assert "No site fits" in boss.get("/m/inspect?q=none").text
    foreign = signed_in(office, "manager-b")
    assert foreign.get(finding).status_code == 404 and foreign.get(SITE).status_code == 404
    assert Phone(office).get(finding).url.path == "/m/staff/sign-in"
    office.accounts.add_user("checker-a", password=PASSWORD, role=Role.CHECKER, site_ids=[A])
    assert signed_in(office, "checker-a").get("/m/inspect").status_code == 403
    assert signed_in(office, SUPERVISOR_A).get(finding).status_code == 200
