"""A case at the console in a real browser: opened, its contacts confirmed into flags, taken back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select

from sync.central import registry
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from sync.central.tables_alerts import alerts
from sync.records import Flag
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.case_samples import around_the_case
from tests.sync.central.console_samples import MANAGER_A, PASSWORD, QUICK_HASHER, Clock
from tests.sync.central.test_console_browser import CONTRASTS, console, sign_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

TIMEOUT_MS = 60_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    with console(folder) as address:
        with Database.open(f"sqlite:///{folder / 'central.db'}", migrate=False) as database:
            around_the_case(FrontOffice(database, now=Clock(), hasher=QUICK_HASHER))
        yield address


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        yield running
        running.close()


def flags(folder: Path, worker_id: str) -> tuple[Flag, ...]:
    with (
        Database.open(f"sqlite:///{folder / 'central.db'}", migrate=False) as database,
        database.read() as connection,
    ):
        return registry.worker(connection, worker_id).flags


def contacts_alert(folder: Path) -> str:
    with (
        Database.open(f"sqlite:///{folder / 'central.db'}", migrate=False) as database,
        database.read() as connection,
    ):
        found = connection.scalar(select(alerts.c.alert_id).where(alerts.c.rule_id == "case_contacts"))
        return str(found)


def look(page: Page, folder: Path, name: str) -> None:
    """A picture for whoever wants to see it, and no text that is hard to read."""
    shots = Path(os.environ.get("SITEGATE_SCREENSHOTS", folder))
    page.screenshot(path=shots / f"{name}.png", full_page=True)
    assert page.evaluate(CONTRASTS) == []


def tick(page: Page, worker_id: str) -> None:
    page.click(f".sg-case tr:has-text('{worker_id}') .q-checkbox")


def test_a_case_is_opened_its_contact_flagged_and_the_flag_taken_back(
    browser: Browser, url: str, folder: Path
) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        refused: list[str] = []
        page.on("request", lambda one: refused.append(one.url) if not one.url.startswith(url) else None)
        page.goto(url)
        sign_in(page, MANAGER_A, PASSWORD)
        page.wait_for_selector(".sg-nav >> text=Cases")
        page.goto(f"{url}/cases")
        page.click(".sg-action:has-text('Open a case')")
        page.fill("[data-field=worker]", "A-001")
        page.fill("[data-field=onset_on]", "2026-03-01")
        look(page, folder, "case-form")
        page.click(".sg-dialog .sg-action:has-text('Save')")
        page.wait_for_selector(".sg-case tr:has-text('A-002')")
        assert page.locator(".sg-case tbody tr").count() == 7
        assert page.locator(".sg-case tr:has-text('of another site')").count() == 1
        assert page.locator(".sg-case tr:has-text('B-001')").count() == 0
        page.wait_for_selector(".sg-graph canvas")
        assert "接触关系图" in (page.get_attribute(".sg-graph", "aria-label") or "")
        page.wait_for_selector(".q-notification", state="detached")
        tick(page, "A-002")
        look(page, folder, "cases")
        page.fill("[data-field=why]", "示例核查")
        page.click(".sg-action:has-text('Confirm and flag')")
        page.wait_for_selector(".sg-dialog >> text=flagged at the gates")
        page.click(".sg-dialog .sg-action:has-text('Confirm')")
        page.wait_for_selector(".sg-case tr:has-text('A-002'):has-text('⚑')")
        assert len(flags(folder, "A-002")) == 1
        look(page, folder, "cases-confirmed")
        page.fill("[data-field=why]", "误判")
        page.click(".sg-action:has-text('Undo this confirmation')")
        page.click(".sg-dialog .sg-action:has-text('Confirm')")
        page.wait_for_selector(".sg-case tr:has-text('A-002'):has-text('Undone')")
        assert flags(folder, "A-002") == ()
        with page.expect_download() as waiting:
            page.click(".sg-action:has-text('CSV')")
        assert "ZZ9001" in Path(waiting.value.path()).read_text(encoding="utf-8-sig")
        page.goto(f"{url}/alerts?alert={contacts_alert(folder)}")
        page.wait_for_selector("td:has-text('病例 Case 2026-')")
        look(page, folder, "case-alert")
        page.click("a:has-text('Show the case')")
        page.wait_for_selector(".sg-case tr:has-text('A-002')")
        assert refused == []
