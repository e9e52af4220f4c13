"""The console's training page in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import expect, sync_playwright

from sync.central.database import Database
from sync.central.notes import NoteContext
from sync.central.trainings import take_training
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.console_samples import MANAGER_A, NOW, PASSWORD, A, an_office
from tests.sync.central.test_console_browser import CONTRASTS, console, open_row, sign_in
from tests.sync.central.test_trainings import chain
from tests.sync.training.test_record import a_record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

PATIENCE_MS = 60_000


def filled(folder: Path) -> None:
    """The fictional centre with two training records."""
    records = [
        a_record(1, site_id=A, worker_id="A-001", worker_name="样一安"),
        a_record(2, site_id=A, worker_id="A-002", worker_name="样二宁"),
    ]
    with Database.open(f"sqlite:///{folder / 'central.db'}") as database:
        an_office(database)
        with database.write() as connection:
            for signed in chain(Ed25519PrivateKey.generate(), *records):
                context = NoteContext(A, "kiosk-1", f"T-{signed.number}", NOW)
                take_training(connection, context, signed.model_dump_json())


def test_a_manager_reads_records_opens_one_and_verifies_all(tmp_path: Path) -> None:
    filled(tmp_path)
    with console(tmp_path) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url)
        sign_in(page, MANAGER_A, PASSWORD)
        page.wait_for_selector(".sg-table")
        page.goto(f"{url}/trainings")
        expect(page.get_by_text("样二宁")).to_be_visible(timeout=PATIENCE_MS)
        page.get_by_role("button", name="核验签名和链条").click()
        expect(page.get_by_text("全部记录完整 All records are whole (2)")).to_be_visible(timeout=PATIENCE_MS)
        assert page.evaluate(CONTRASTS) == []
        open_row(page, "样一安")
        expect(page.locator(".sg-dialog")).to_contain_text("A-001", timeout=PATIENCE_MS)
        browser.close()
