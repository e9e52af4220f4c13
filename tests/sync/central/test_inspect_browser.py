"""Inspections in a real browser: filled in on a phone, mended and looked after at the console."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from sync.central.accounts_access import Role
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from tests.gate.screen_gallery import chromium
from tests.sync.central.console_samples import MANAGER_A, PASSWORD, QUICK_HASHER, SUPERVISOR_A, A, Clock
from tests.sync.central.lodging_samples import SUPERVISOR
from tests.sync.central.test_console_browser import CONTRASTS, console
from tests.sync.central.test_console_browser import sign_in as console_sign_in
from tests.sync.central.test_inspections import inspect, the_finding
from tests.sync.central.test_lodging import a_photo
from tests.sync.central.test_phone_lodging_browser import TIMEOUT_MS, Look, browser, folder, look, page, url

__all__ = ["browser", "folder", "look", "page", "url"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

INSPECTOR_A = "inspector-a"


@pytest.fixture(scope="module")
def office(url: str, folder: Path) -> Iterator[FrontOffice]:
    """Of the served centre, from beside it."""
    with Database.open(f"sqlite:///{folder / 'central.db'}", migrate=False) as database:
        office = FrontOffice(database, now=Clock(), hasher=QUICK_HASHER)
        office.accounts.add_user(INSPECTOR_A, password=PASSWORD, role=Role.INSPECTOR, site_ids=[A])
        officer = {"name": "示例网格员", "phone": "13800000002", "grid": "示例网格 3"}
        office.grid.name_officer(SUPERVISOR, A, officer)
        yield office


def sign_in(page: Page, url: str, user_id: str, path: str) -> None:
    page.goto(f"{url}{path}")
    page.fill("[name=user]", user_id)
    page.fill("[name=password]", PASSWORD)
    page.click("main button")


def test_a_checklist_is_gone_through_by_hand_and_its_finding_mended_with_a_photo(
    page: Page, url: str, office: FrontOffice, look: Look, tmp_path: Path
) -> None:
    sign_in(page, url, INSPECTOR_A, "/m/inspect")
    expect(page.locator("h1")).to_contain_text("滨江示例工地")
    look("inspect-site")
    page.click("a:has-text('四到位')")
    page.wait_for_selector("form[data-kept]")
    for item in ("person_named", "duty_today", "disinfectant", "drill"):
        page.check(f"[name=i-{item}][value=yes]")
    page.check("[name=i-room_ready][value=no]")
    page.fill("[name=i-room_ready-note]", "堆放杂物")
    page.fill("[name=i-beds_free]", "x")
    page.fill("[name=i-masks_days]", "9")
    page.fill("[name=i-trained]", "100")
    page.reload()
    expect(page.locator("[name=i-room_ready-note]")).to_have_value("堆放杂物")
    look("inspect-form")
    page.click("main form button")
    expect(page.locator("[role=alert]")).to_be_visible()
    look("inspect-form-slip")
    page.fill("[name=i-beds_free]", "2")
    page.click("main form button")
    expect(page.locator("h1")).to_contain_text("检查已提交")
    look("inspect-done")
    page.click("a:has-text('单独房间')")
    look("inspect-finding")
    finding = page.url.removeprefix(url)
    page.click("header button")
    sign_in(page, url, MANAGER_A, finding)
    page.fill("[name=mended-note]", "已清空")
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(a_photo())
    page.set_input_files("[name=mended-photo]", picture)
    look("inspect-mend")
    page.click("details[open] button")
    expect(page.locator("[role=status]")).to_contain_text("已保存")
    expect(page.locator("main img")).to_be_visible()
    look("inspect-mended")
    page.goto(f"{url}/m/inspect/site/{A}")
    page.click("a:has-text('八个一')")
    look("inspect-daily")


def test_a_visit_is_recorded_on_a_phone(page: Page, url: str, office: FrontOffice, look: Look) -> None:
    sign_in(page, url, INSPECTOR_A, f"/m/inspect/site/{A}/visit")
    page.check("[name=purpose][value=complaint]")
    page.fill("[name=notes]", "夜间噪声，已与项目沟通")
    page.fill("[name=follow_up_on]", "2026-03-05")
    look("inspect-visit")
    page.click("main form button")
    expect(page.locator("main")).to_contain_text("夜间噪声")
    look("inspect-site-visited")


def test_at_the_console_a_finding_is_mended_with_a_photo_and_an_officer_is_named(
    browser: Browser, tmp_path: Path
) -> None:
    shots = Path(os.environ.get("SITEGATE_SCREENSHOTS", tmp_path))

    def look(page: Page, name: str) -> None:
        expect(page.locator(".q-notification")).to_have_count(0, timeout=TIMEOUT_MS)
        page.screenshot(path=shots / f"{name}.png", full_page=True)
        assert page.evaluate(CONTRASTS) == [], name

    picture = tmp_path / "photo.jpg"
    picture.write_bytes(a_photo())
    with console(tmp_path) as url:
        with Database.open(f"sqlite:///{tmp_path / 'central.db'}", migrate=False) as database:
            office = FrontOffice(database, now=Clock(), hasher=QUICK_HASHER)
            inspect(office)
            office.inspections.put_photo(SUPERVISOR, the_finding(office, "room_ready").finding_id, a_photo())
        with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
            context.set_default_timeout(TIMEOUT_MS)
            page = context.new_page()
            page.goto(url)
            console_sign_in(page, MANAGER_A, PASSWORD)
            page.wait_for_selector(".sg-nav >> text=Inspections")
            page.goto(f"{url}/inspections")
            page.click("tr:has-text('四到位') .sg-open")
            page.wait_for_selector(".sg-dialog >> text=堆放杂物")
            look(page, "console-inspection")
            page.click(".sg-dialog .sg-action:has-text('Close')")
            page.click("tr:has-text('单独房间') .sg-open")
            page.wait_for_selector(".sg-shot")
            look(page, "console-inspections")
            with page.expect_file_chooser() as choosing:
                page.click(".sg-action:has-text('Add a photo')")
            choosing.value.set_files(picture)
            expect(page.locator(".sg-shot")).to_have_count(2, timeout=TIMEOUT_MS)
            page.fill("[data-field=note]", "已清空")
            page.click(".sg-action:has-text('It is mended')")
            page.wait_for_selector("tr:has-text('单独房间'):has-text('待复查')")
            with page.expect_download() as waiting:
                page.click(".sg-action:has-text('Findings CSV')")
            assert "堆放杂物" in Path(waiting.value.path()).read_text(encoding="utf-8-sig")
        with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
            context.set_default_timeout(TIMEOUT_MS)
            page = context.new_page()
            page.goto(url)
            console_sign_in(page, SUPERVISOR_A, PASSWORD)
            page.wait_for_selector(".sg-nav >> text=Grid visits")
            page.goto(f"{url}/grid")
            page.click("tr:has-text('滨江示例工地') .sg-open")
            page.fill("[data-field=officer-name]", "示例网格员")
            page.fill("[data-field=officer-phone]", "138 0000 0002")
            page.fill("[data-field=officer-grid]", "示例网格 3")
            page.click(".sg-action:has-text('Name an officer')")
            page.wait_for_selector("tr:has-text('示例网格员')")
            page.fill("[data-field=visit-notes]", "通道堵塞")
            page.fill("[data-field=visit-follow]", "2026-03-05")
            page.dblclick(".sg-action:has-text('Record a visit')")
            page.wait_for_selector(".sg-card >> text=通道堵塞")
            expect(page.locator(".sg-card >> text=通道堵塞")).to_have_count(1)
            look(page, "console-grid")
            page.click(".sg-action:has-text('It is followed up')")
            page.wait_for_selector(".sg-card >> text=followed up supervisor-a")
            page.goto(f"{url}/inspections")
            page.click("tr:has-text('单独房间') .sg-open")
            page.click(".sg-action:has-text('Mended: close it')")
            expect(page.locator("tr:has-text('单独房间')")).to_have_count(0, timeout=TIMEOUT_MS)
