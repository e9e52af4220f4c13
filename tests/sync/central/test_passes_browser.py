"""The console's page of passes in a real browser: set, answered, cleared, taken back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from sync.central import health, pass_corrections, registry
from sync.central.accounts_access import Role
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from sync.central.pass_copies import PassCopyWatch
from sync.health_pass import PassColour, PassStatus, pass_at
from sync.records import Method
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.console_samples import NOW, PASSWORD, QUICK_HASHER, A, Clock, add_events, an_event
from tests.sync.central.test_console_browser import CONTRASTS, console, sign_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

TIMEOUT_MS = 60_000
MEDIC = "medic-a"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with console(tmp_path) as address:
        with Database.open(f"sqlite:///{tmp_path / 'central.db'}", migrate=False) as database:
            office = FrontOffice(database, now=Clock(), hasher=QUICK_HASHER)
            office.accounts.add_user(MEDIC, password=PASSWORD, role=Role.MEDIC, site_ids=[A])
            watch = PassCopyWatch(database, now=Clock())
            watch.look()
            qr = {"method": Method.QR, "worker_id": "A-005"}
            uses = [an_event(900 + n, NOW, gate_id=f"gate-{n}").model_copy(update=qr) for n in (1, 2)]
            add_events(database, uses)
            late = Clock()
            late.moves(minutes=1)
            PassCopyWatch(database, now=late).look()
            with database.write() as connection:
                for worker_id, cause in (
                    ("A-002", "fever"),
                    ("A-003", "affected_area"),
                    ("A-004", "contact"),
                ):
                    entry_id = f"sample-{worker_id}"
                    health.occurred(
                        connection, worker_id, cause, NOW, entry_id=entry_id, now=NOW, source="declaration:1"
                    )
                health.found(
                    connection, "A-005", "test_negative", NOW, entry_id="t", now=NOW, source="test:1"
                )
                status = PassStatus(PassColour.YELLOW, "affected_area")
                pass_corrections.ask(connection, "A-003", "示例：没有去过", status, now=NOW)
        yield address


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


def sure(page: Page) -> None:
    page.click(".sg-dialog .sg-action:has-text('Confirm')")
    page.wait_for_selector(".sg-dialog", state="detached")


def test_a_medic_clears_a_fever_answers_a_request_and_takes_a_colour_back(
    browser: Browser, url: str, tmp_path: Path
) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.goto(url)
        sign_in(page, MEDIC, PASSWORD)
        page.wait_for_selector(".sg-nav >> text=Passes")
        page.goto(f"{url}/passes")
        page.wait_for_selector("tr:has-text('A-004'):has-text('密切接触')")
        page.wait_for_selector("tr:has-text('没有去过')")
        page.wait_for_selector("tr:has-text('gate-1'):has-text('gate-2')")
        look(page, tmp_path, "passes")
        page.click("[data-colour=red]")
        page.wait_for_selector("tr:has-text('affected')", state="detached")
        page.click("tr:has-text('A-002') .sg-open")
        page.wait_for_selector("[data-entry=fever]")
        page.click("[data-set=clear]")
        sure(page)
        page.wait_for_selector(".q-notification:has-text('reason')")
        page.fill("[data-field=why]", "示例医嘱")
        page.click("[data-set=clear]")
        sure(page)
        page.wait_for_selector("[data-entry=cleared_by_medic]")
        page.wait_for_selector(".sg-card:has-text('No colour')")
        look(page, tmp_path, "passes-person")
        page.fill("[data-field=why]", "示例误")
        page.click("[data-entry=cleared_by_medic] .sg-action")
        page.wait_for_selector("[data-entry=cleared_by_medic]:has-text('taken back')")
        page.click("tr:has-text('没有去过') .sg-open")
        page.wait_for_selector("[data-entry=affected_area]")
        page.fill("[data-field=why]", "示例核实")
        page.click(".sg-action:has-text('Answer: stays')")
        page.wait_for_selector("text=No request waits")
        page.fill("[data-field=text]", "A-00")
        with page.expect_download() as waiting:
            page.click("[role=search] .sg-action:has-text('CSV')")
        assert "申报发热" in Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    path = f"sqlite:///{tmp_path / 'central.db'}"
    with Database.open(path, migrate=False) as database, database.read() as connection:
        worker = registry.worker(connection, "A-002")
    assert pass_at(worker.flags, worker.clearances, NOW).cause == "fever"
