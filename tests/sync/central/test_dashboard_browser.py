"""The dashboard in a real browser: figures lead to their lists, the page stays up to date, files come."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sync.central.database import Database
from sync.central.front_office import FrontOffice
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.console_samples import ADMIN, PASSWORD, QUICK_HASHER, Clock
from tests.sync.central.numbers_samples import with_figures
from tests.sync.central.test_console_browser import CONTRASTS, console, sign_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

TIMEOUT_MS = 60_000


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("dashboard")
    with console(folder) as address:
        with Database.open(f"sqlite:///{folder / 'central.db'}", migrate=False) as database:
            with_figures(FrontOffice(database, now=Clock(), hasher=QUICK_HASHER))
        yield address


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser: Browser = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
            context.set_default_timeout(TIMEOUT_MS)
            expect.set_options(timeout=TIMEOUT_MS)
            yield context.new_page()
        browser.close()


def look(page: Page, folder: Path, name: str) -> None:
    """A picture for whoever wants to see it, and no text that is hard to read."""
    shots = Path(os.environ.get("SITEGATE_SCREENSHOTS", folder))
    page.screenshot(path=shots / f"{name}.png", full_page=True)
    assert page.evaluate(CONTRASTS) == []


def test_figures_lead_from_the_district_to_a_sites_list(page: Page, url: str, tmp_path: Path) -> None:
    page.goto(url)
    sign_in(page, ADMIN, PASSWORD)
    page.click(".sg-nav >> text=Dashboard")
    expect(page.locator("[data-figure=entries] .sg-big")).to_have_text("6")
    expect(page.locator(".sg-chart canvas")).to_have_count(3)
    look(page, tmp_path, "dashboard")

    row = page.locator("tr", has_text="滨江街道").first
    expect(row.locator("td").nth(2)).to_have_text("3")
    row.locator("button").click()
    page.wait_for_url("**/dashboard?district=*&sub_district=*")
    expect(page.locator("[data-figure=declared] .sg-big")).to_have_text("3 / 6")
    look(page, tmp_path, "dashboard-sub-district")
    page.goto(f"{url}/dashboard?district=示例区")

    page.click("[data-figure=missing]")  # of two sites: whose?
    expect(page.locator(".sg-dialog >> text=北山示例工地 · 0")).to_be_visible()
    look(page, tmp_path, "dashboard-by-site")
    page.click(".sg-dialog >> text=滨江示例工地 · 3")
    expect(page.locator("tr", has_text="样三和")).to_be_visible()

    page.goto(f"{url}/dashboard?site=site-a")
    expect(page.locator("[data-figure=declared] .sg-big")).to_have_text("3 / 6")
    page.click("[data-figure=returned]")
    expect(page.locator(".sg-dialog tr", has_text="示例建工")).to_be_visible()
    page.click(".sg-dialog button:has-text('Close')")
    page.click("[data-figure=supplies_short]")
    expect(page.locator(".sg-dialog tr", has_text="2026-03-03")).to_be_visible()
    page.click(".sg-dialog button:has-text('Close')")
    page.click("[data-figure=refused]")
    page.wait_for_url("**/?site=site-a&since=2026-03-02T00%3A00*outcome=deny*")
    expect(page.locator(".sg-table tbody tr")).to_have_count(2)
    for figure, shown in (("red", "样二宁"), ("on_site", "样一安"), ("alerts", "滨江示例工地")):
        page.goto(f"{url}/dashboard?site=site-a")
        page.click(f"[data-figure={figure}]")
        expect(page.locator("td", has_text=shown).first).to_be_visible()


def test_a_day_gone_its_trend_and_its_files(page: Page, url: str, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(url)
    sign_in(page, ADMIN, PASSWORD)
    page.wait_for_selector(".sg-header")
    page.goto(f"{url}/dashboard?day=2026-03-01")
    expect(page.locator("[data-figure=entries] .sg-big")).to_have_text("2")
    expect(page.locator("[data-figure=on_site]")).to_have_count(0)
    page.click("[data-field=days]")
    page.click(".q-menu >> text=30")
    first_day = page.locator("td", has_text="2026-02-01")
    expect(first_day).to_have_count(2)  # of both trends, folded away
    page.locator(".q-expansion-item", has_text="As a table").last.click()
    expect(first_day.last).to_be_visible()
    look(page, tmp_path, "dashboard-phone")
    for button, name in (
        ("Daily report PDF", "daily-report-2026-03-01.pdf"),
        ("CSV", "figures-2026-03-01.csv"),
        ("Trend XLSX", "trend-2026-03-01.xlsx"),
    ):
        with page.expect_download() as fetched:
            page.locator("button", has_text=button).first.click()
        assert fetched.value.suggested_filename == name
    assert fetched.value.path().read_bytes().startswith(b"PK")
