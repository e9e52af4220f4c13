"""Houses and buses at the console in a real browser."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from sync.central import transport
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.console_samples import (
    MANAGER_A,
    NOW,
    PASSWORD,
    QUICK_HASHER,
    SUPERVISOR_A,
    B,
    Clock,
)
from tests.sync.central.lodging_samples import BUS, HOUSE, MANAGER, VAULT, a_house, a_tenant
from tests.sync.central.test_console_browser import CONTRASTS, console, sign_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

TIMEOUT_MS = 60_000


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A console over two houses of the manager's site, one of another, and a bus on its way."""
    folder = tmp_path_factory.mktemp("console")
    with console(folder) as address:
        with Database.open(f"sqlite:///{folder / 'central.db'}", migrate=False) as database:
            office = FrontOffice(database, now=Clock(), hasher=QUICK_HASHER)
            full, other = a_house(office), a_house(office, replace(HOUSE, address="示例路 2 号"))
            a_house(office, replace(HOUSE, address="示例路 3 号"), confirmed=False)
            a_house(office, replace(HOUSE, site_id=B, address="北山路 9 号"))
            for name, worker_id in (("样一安", "A-001"), ("样二宁", "A-002"), ("样三和", "A-003")):
                a_tenant(office, full, name, worker_id)
            a_tenant(office, full, "示例住户", phone="13800000003", room="102")
            a_tenant(office, other, "样一安", "A-001")
            with database.write() as connection:
                bus_id = transport.add_bus(connection, MANAGER, BUS, now=NOW)
                transport.board_lines(connection, MANAGER, bus_id, "A-001\nA-002", VAULT, now=NOW)
                riders = [one.rider.rider_id for one in _riders(connection, bus_id)]
                readings = dict(zip(riders, (36.5, 38.2), strict=True))
                transport.measure(connection, MANAGER, bus_id, readings, now=NOW)
        yield address


def _riders(connection: transport.Connection, bus_id: str) -> tuple[transport.RiderFacts, ...]:
    return transport.look(connection, MANAGER, bus_id, now=NOW).riders


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """The houses, for the manager of one site."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.goto(url)
        sign_in(page, MANAGER_A, PASSWORD)
        page.wait_for_selector(".sg-header")
        page.goto(f"{url}/houses")
        page.wait_for_selector(".sg-table tbody .sg-open")
        yield page


def look(page: Page, folder: Path, name: str) -> None:
    shots = Path(os.environ.get("SITEGATE_SCREENSHOTS", folder))
    shots.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=shots / f"console-{name}.png")
    assert page.evaluate(CONTRASTS) == [], name


def test_a_manager_sees_what_is_noticed_confirms_a_house_and_seals_one(page: Page, tmp_path: Path) -> None:
    look(page, tmp_path, "houses")
    assert page.locator(".sg-table tbody .sg-open").count() == 3
    assert "北山路" not in page.content() and "13800000001" not in page.content()
    full = page.locator("tr:has-text('示例路 1 号')")
    assert all(word in full.inner_text() for word in ("4 / 3", "超员", "多处居住", "待排查"))
    page.click("tr:has-text('示例路 3 号') .sg-open")
    page.click(".sg-action:has-text('Confirm the house')")
    page.wait_for_selector(".sg-dialog >> text=Print the code")
    page.keyboard.press("Escape")
    page.wait_for_selector(".sg-dialog", state="detached")
    page.click("tr:has-text('示例路 1 号') .sg-open")
    page.wait_for_selector(".sg-dialog >> text=also lives elsewhere")
    page.click(".sg-dialog .sg-field:has-text('Risk')")
    page.click(".q-menu >> text=封闭管理")
    page.fill("[data-field=why]", "密切接触")
    page.click(".sg-dialog .sg-action:has-text('Save')")
    page.wait_for_selector(".sg-dialog >> text=Risk → 封闭管理")
    page.wait_for_selector(".q-notification", state="detached")
    look(page, tmp_path, "house")
    with page.expect_popup() as opened:
        page.click(".sg-action:has-text('Print the code')")
    opened.value.wait_for_selector("svg")
    page.click(".sg-flag:has-text('示例住户') .sg-action")
    page.click(".sg-flag:has-text('示例住户') .sg-action:has-text('Press again')")
    page.wait_for_selector(".sg-flag:has-text('示例住户')", state="detached")


def test_houses_are_exported_as_they_were_searched(page: Page) -> None:
    page.click(".q-checkbox:has-text('Only with people in two houses')")
    page.click(".sg-action:has-text('Search')")
    page.wait_for_function("() => document.querySelectorAll('.sg-table tbody .sg-open').length === 2")
    with page.expect_download() as waiting:
        page.click(".sg-action:has-text('CSV')")
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    found = list(csv.DictReader(StringIO(text, newline="")))
    assert {row["地址 Address"] for row in found} == {"示例路 1 号", "示例路 2 号"}
    assert {row["多处居住 In two houses"] for row in found} == {"样一安"}


def test_buses_say_who_is_held(page: Page, url: str, tmp_path: Path) -> None:
    page.goto(f"{url}/buses")
    page.fill(".sg-field:has-text('From') input", "2026-01-01")
    page.click(".sg-action:has-text('Search')")
    page.wait_for_selector("tr:has-text('示A12345'):has-text('样二宁')")
    look(page, tmp_path, "buses")
    page.click("tr:has-text('示A12345') .sg-open")
    page.wait_for_selector(".sg-dialog >> text=38.2 °C")
    look(page, tmp_path, "bus")
    page.keyboard.press("Escape")
    with page.expect_download() as waiting:
        page.click(".sg-action:has-text('XLSX')")
    assert Path(waiting.value.path()).read_bytes()[:2] == b"PK"


def test_a_supervisor_has_no_list_of_houses(browser: Browser, url: str) -> None:
    with browser.new_context() as context:
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.goto(url)
        sign_in(page, SUPERVISOR_A, PASSWORD)
        page.wait_for_selector(".sg-header")
        assert page.locator(".sg-nav >> text=Houses").count() == 0
        page.goto(f"{url}/houses")
        page.wait_for_selector("text=Your role does not include this page")
