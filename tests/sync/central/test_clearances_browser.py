"""Clearances at the console in a real browser: a test ordered, its result imported, one person's file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sync.central import persons, site_registry
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.case_samples import around_the_case
from tests.sync.central.console_samples import MANAGER_A, NOW, PASSWORD, QUICK_HASHER, A, Clock
from tests.sync.central.list_samples import resident_number
from tests.sync.central.people_console_samples import VAULT
from tests.sync.central.test_console_browser import CONTRASTS, console, sign_in
from tests.sync.people_samples import a_person

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

TIMEOUT_MS = 60_000
LIST = "证件号码,姓名,结果,日期\n11010519491231002X,样一安,阴性,2026-03-02 08:30\n1,样二宁,阴性,2026-03-02\n"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with console(tmp_path, "tests.sync.central.people_console_server") as address:
        with Database.open(f"sqlite:///{tmp_path / 'central.db'}", migrate=False) as database:
            with database.write() as connection:  # with a document of their own
                person = a_person("A-002", document_number=resident_number(7))
                persons.put_person(connection, VAULT, person, now=NOW)
                site_registry.put_site(connection, A, name="滨江示例工地", timezone="Asia/Urumqi", now=NOW)
            around_the_case(FrontOffice(database, now=Clock(), hasher=QUICK_HASHER))
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


def test_a_test_is_ordered_its_result_imported_and_the_order_done(
    page: Page, url: str, tmp_path: Path
) -> None:
    page.goto(url)
    sign_in(page, MANAGER_A, PASSWORD)
    page.wait_for_selector(".sg-nav >> text=Clearances")
    page.goto(f"{url}/clearances?site=site-a")
    line = page.locator("tr", has_text="A-001").filter(has_text="Safety training")
    line.locator(".q-checkbox").click()
    page.click("button:has-text('Order a test')")
    page.fill("[data-field=due_on]", "2026-03-03")
    page.fill("[data-field=why]", "示例复工检测")
    look(page, tmp_path, "clearances-order")
    page.click(".sg-dialog button:has-text('Order a test')")
    expect(page.locator("tr", has_text="示例复工检测").filter(has_text="0 / 1")).to_be_visible()
    look(page, tmp_path, "clearances")

    page.click("button:has-text('Import results')")
    file = {"name": "lab.csv", "mimeType": "text/csv", "buffer": LIST.encode()}
    page.set_input_files("input[type=file]", file)  # type: ignore[arg-type]
    page.wait_for_selector("text=lab.csv")
    page.click(".sg-dialog button:has-text('Check')")
    page.wait_for_selector("text=to be taken 1")
    look(page, tmp_path, "clearances-import")
    page.click(".sg-dialog button:has-text('upload_file')")
    expect(page.locator(".sg-dialog >> text=/^2 .* taken 1/")).to_be_visible()
    page.click(".sg-dialog button:has-text('Close')")
    expect(page.locator("tr", has_text="示例复工检测").filter(has_text="1 / 1")).to_be_visible()
    # As typed in the list: results are told by the site's clock, not by the console's.
    expect(page.locator("tr", has_text="Negative").filter(has_text="2026-03-02 08:30").first).to_be_visible()
    look(page, tmp_path, "clearances-after")

    page.goto(f"{url}/person/A-001")
    expect(page.locator("[role=heading]", has_text="样一安").first).to_be_visible()
    expect(page.locator(".sg-file tr", has_text="阴性 Negative")).to_be_visible()
    assert "11010519491231002X" not in page.content()
    look(page, tmp_path, "person")
    page.set_viewport_size({"width": 390, "height": 844})
    look(page, tmp_path, "person-phone")
    page.emulate_media(media="print")
    expect(page.locator(".sg-header")).to_be_hidden()
    expect(page.locator(".sg-file")).to_be_visible()
    page.emulate_media(media="screen")
    page.goto(f"{url}/person/B-001")
    expect(page.locator("text=Nobody here by this number")).to_be_visible()
