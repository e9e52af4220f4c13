"""Alerts at the console in a real browser: live, dealt with by two officers, closed and taken back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from sync.alerting import StepKind, shipped_rules
from sync.central.alerts import Doing, act, raise_alert
from sync.central.database import Database
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.console_samples import MANAGER_A, PASSWORD, A
from tests.sync.central.test_console_browser import CONTRASTS, console, sign_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

TIMEOUT_MS = 60_000
CLICKS = 4


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with console(tmp_path) as address:
        yield address


@pytest.fixture
def database(url: str, tmp_path: Path) -> Iterator[Database]:
    with Database.open(f"sqlite:///{tmp_path / 'central.db'}", migrate=False) as opened:
        yield opened


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        yield running
        running.close()


def look(page: Page, folder: Path, name: str) -> None:
    """A picture for whoever wants to see it, and no text that is hard to read."""
    shots = Path(os.environ.get("SITEGATE_SCREENSHOTS", folder))
    page.screenshot(path=shots / f"{name}.png", full_page=True)
    assert page.evaluate(CONTRASTS) == []


def raised(database: Database, rule: str, subject: str) -> str:
    with database.write() as connection:
        return raise_alert(
            connection, rule, site_id=A, subject=subject, facts={"gate": "gate-1"}, now=datetime.now(UTC)
        )


def opened(page: Page, line: Locator) -> None:
    """A page that connects anew on a busy machine has no answer to a click: then it is clicked again."""
    for _ in range(CLICKS):
        line.locator("button").click()
        with suppress(PlaywrightTimeout):
            page.wait_for_selector("button:has-text('Acknowledge')", timeout=TIMEOUT_MS / CLICKS)
            return
    raise AssertionError("the alert does not open")


def test_an_alert_appears_by_itself_is_dealt_with_closed_and_taken_back(
    browser: Browser, url: str, database: Database, tmp_path: Path
) -> None:
    raised(database, "gate_silent", f"gate:{A}/gate-1")
    raised(database, "supplies_short", f"employer:{A}/示例建工")
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.goto(url)
        sign_in(page, MANAGER_A, PASSWORD)
        page.wait_for_selector(".sg-nav")
        page.goto(f"{url}/alerts")
        expect(page.locator(".sg-nav .sg-badge")).to_have_text("2", timeout=TIMEOUT_MS)
        alert_id = raised(database, "fever_at_gate", "worker:A-003")
        line = page.locator("tr", has_text="Too hot at the gate")
        expect(line).to_be_visible(timeout=TIMEOUT_MS)  # without asking for it
        opened(page, line)
        look(page, tmp_path, "alerts-open")

        with database.write() as connection:  # another officer is quicker
            doing = Doing(StepKind.ACKNOWLEDGED, 0)
            act(connection, shipped_rules(), alert_id, doing, by="示例乙", now=datetime.now(UTC))
        page.fill("[data-field=remarks]", "3 号隔离间")
        page.click("button:has-text('Acknowledge')")
        expect(page.locator("text=did this meanwhile")).to_be_visible(timeout=TIMEOUT_MS)
        expect(page.locator("[data-field=remarks]")).to_have_value("3 号隔离间", timeout=TIMEOUT_MS)

        expect(page.locator("button:has-text('Close the alert')")).to_be_disabled(timeout=TIMEOUT_MS)
        page.click("button:has-text('Note the measure')")
        close = page.locator("button:has-text('Close the alert')")
        expect(close).to_be_enabled(timeout=TIMEOUT_MS)
        look(page, tmp_path, "alerts-measure")
        close.click()
        take_back = page.locator("button:has-text('Take closing back')")
        expect(take_back).to_be_visible(timeout=TIMEOUT_MS)
        expect(line).to_have_count(0, timeout=TIMEOUT_MS)
        look(page, tmp_path, "alerts-closed")
        take_back.click()
        expect(line).to_be_visible(timeout=TIMEOUT_MS)

        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{url}/alerts?alert={alert_id}")
        expect(page.locator("text=已隔离").first).to_be_visible(timeout=TIMEOUT_MS)
        look(page, tmp_path, "alerts-phone")
