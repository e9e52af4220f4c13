"""Lodging, checks and buses on a phone in a real browser: filled in by hand, reloaded, read aloud, small."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sync.central.accounts_access import Role
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.console_samples import MANAGER_A, PASSWORD, QUICK_HASHER, A, Clock
from tests.sync.central.lodging_samples import a_house, a_tenant
from tests.sync.central.test_console_browser import CONTRASTS, ROOT
from tests.sync.central.test_phone_lodging import BUS, CHECKER_A, HOUSE, LARGEST_PAGE_BYTES, TEAM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

TIMEOUT_MS = 60_000
SMALLEST_TARGET_PX = 48

UNLABELLED = """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
  .filter((one) => !one.labels.length).map((one) => one.name)"""
SMALL = """(smallest) => [...document.querySelectorAll("button, .button, input, select, textarea, summary")]
  .filter((one) => one.offsetParent)
  .map((one) => [one, (one.closest("label.pick") || one).getBoundingClientRect().height])
  .filter(([one, height]) => height < smallest).map(([one, height]) => one.outerHTML.slice(0, 60) + height)"""
WIDER = "() => document.documentElement.scrollWidth > window.innerWidth"
ENGLISH_ONLY = """() => [...document.querySelectorAll("button, label, h1, h2, legend, summary")]
  .filter((one) => one.offsetParent).map((one) => one.textContent)
  .filter((text) => /[A-Za-z]{3}/.test(text) && !/[\\u4e00-\\u9fff]/.test(text))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phone")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.sync.central.phone_server", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().rstrip("/")
        finally:
            process.stdin.close()
            process.wait(60)


@pytest.fixture(scope="module")
def office(url: str, folder: Path) -> Iterator[FrontOffice]:
    """Of the served centre, from beside it."""
    with Database.open(f"sqlite:///{folder / 'central.db'}", migrate=False) as database:
        office = FrontOffice(database, now=Clock(), hasher=QUICK_HASHER)
        office.accounts.add_user(CHECKER_A, password=PASSWORD, role=Role.CHECKER, site_ids=[A])
        yield office


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        yield running
        running.close()


Look = Callable[[str], None]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2
    ) as context:
        context.set_default_timeout(TIMEOUT_MS)
        yield context.new_page()


@pytest.fixture
def look(page: Page, tmp_path: Path) -> Look:
    """Takes a picture of the page and checks what every page has to hold."""
    folder = Path(os.environ.get("SITEGATE_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)

    def looked(name: str) -> None:
        page.screenshot(path=folder / f"phone-{name}.png", full_page=True)
        assert page.evaluate(CONTRASTS) == [], name
        assert page.evaluate(UNLABELLED) == [], name
        assert page.evaluate(SMALL, SMALLEST_TARGET_PX) == [], name
        assert page.evaluate(ENGLISH_ONLY) == [], name
        assert not page.evaluate(WIDER), name
        assert len(page.content().encode()) < LARGEST_PAGE_BYTES, name

    return looked


def fill(page: Page, fields: dict[str, str]) -> None:
    for name, value in fields.items():
        field = page.locator(f"[name='{name}']")
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)


def sign_in(page: Page, url: str, path: str, user_id: str) -> None:
    page.goto(url + path)
    fill(page, {"user": user_id, "password": PASSWORD})
    page.click("main button")
    page.wait_for_url(f"**{path}")


def test_a_landlord_and_a_tenant_register_by_hand(
    url: str, office: FrontOffice, page: Page, look: Look
) -> None:
    page.goto(f"{url}/m/house")
    look("house-empty")
    fill(page, HOUSE | {"landlord_phone": "12"})
    page.click("main button")
    page.wait_for_selector("#e-landlord_phone")
    look("house-refused")
    assert page.input_value("[name=address]") == HOUSE["address"]
    fill(page, {"landlord_phone": HOUSE["landlord_phone"]})
    page.click("main button")
    page.wait_for_selector("text=waiting for the site")
    look("house-waiting")

    house = a_house(office)
    page.goto(f"{url}/m/h/{house.door_token}/poster")
    look("house-poster")
    page.goto(f"{url}/m/house/own/{house.landlord_token}")
    look("house-open")
    page.goto(f"{url}/m/h/{house.door_token}")
    look("tenant")
    page.fill("[name=name]", "样一安")
    page.fill("[name=worker_id]", "A-001")
    page.fill("[name=room]", "101")
    page.click("main button")
    page.wait_for_selector("text=You are registered as living here")
    look("tenant-done")


def test_a_team_fills_in_a_sheet_loses_nothing_by_a_reload_and_signs(
    url: str, office: FrontOffice, page: Page, look: Look
) -> None:
    house = a_house(office)
    first = a_tenant(office, house, "样一安", "A-001")
    second = a_tenant(office, house, "样二宁", "A-002", room="102")
    path = f"/m/check/{house.door_token}"
    sign_in(page, url, "/m/check", CHECKER_A)
    look("checks-due")
    page.goto(url + path)
    look("check-begin")
    fill(page, TEAM)
    page.click("main button")
    page.wait_for_selector(f"form[data-kept] [name='{first}-met']")
    page.check(f"[name='{first}-met'][value=yes]")
    page.fill(f"[name='{first}-temperature_c']", "36.5")
    page.reload()
    page.wait_for_function("name => document.getElementsByName(name)[0].value === '36.5'",
                           arg=f"{first}-temperature_c")  # fmt: skip
    look("check-sheet")
    page.click("button[value=save]")
    page.wait_for_selector("[role=status]")
    assert page.is_checked(f"[name='{first}-met'][value=yes]")
    page.check(f"[name='{second}-met'][value=no]")
    page.click("summary")
    fill(page, {"new-name": "示例客", "new-phone": "13800000004", "new-room": "103"})
    page.check("[name=role][value=medic]")
    look("check-filled")
    page.click("button[value=sign]")
    page.wait_for_selector("text=The check is signed")
    look("check-done")


def test_a_bus_is_filled_measured_and_let_in(url: str, office: FrontOffice, page: Page, look: Look) -> None:
    sign_in(page, url, "/m/bus", MANAGER_A)
    page.goto(f"{url}/m/bus/new")
    look("bus-new")
    today = page.input_value("[name=travelled_on]")
    fill(page, BUS | {"travelled_on": today, "seats": "11"})
    page.click("main button")
    page.wait_for_selector("[name=lines]")
    page.fill("[name=lines]", "A-001\nA-001\n示例客 13800000004")
    page.click("button:has-text('Add riders')")
    page.wait_for_selector("text=line 2: this person is there already")
    look("bus-refused")
    page.fill("[name=lines]", "A-001\nA-002\n示例客 13800000004 9")
    page.click("button:has-text('Add riders')")
    page.wait_for_selector("[name^=t_]")
    for field, temperature in zip(page.locator("[name^=t_]").all(), ("36.5", "38.1", "36.7"), strict=True):
        field.fill(temperature)
    page.click("form[action$=temperatures] button")
    page.wait_for_selector("text=to be held")
    look("bus-measured")
    for step in ("Disinfected", "Checked before entering", "Entered"):
        page.click(f"form[action$=step] button:has-text('{step}')")
        page.wait_for_selector(f"li:has-text('✓'):has-text('{step}')")
    look("bus-entered")
    page.goto(f"{url}/m/bus")
    look("buses")
