"""A key-monitoring list at the console in a real browser: tried, imported, decided upon, taken away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page
from sqlalchemy import insert

from sync.central import registry
from sync.central.database import Database
from sync.central.list_matching import ListMatcher
from sync.central.tables_lists import watch_list_feeds
from tests.gate.screen_gallery import chromium
from tests.sync.central.console_samples import ADMIN, NOW
from tests.sync.central.list_samples import slipped
from tests.sync.central.people_console_samples import VAULT
from tests.sync.central.test_console_browser import CONTRASTS, Enter, browser, console, enter, shots
from tests.sync.people_samples import A_RESIDENT_NUMBER

__all__ = ["browser", "enter", "shots"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with console(tmp_path, "tests.sync.central.people_console_server") as address:
        yield address


def flags(folder: Path) -> int:
    with (
        Database.open(f"sqlite:///{folder / 'central.db'}", migrate=False) as database,
        database.read() as connection,
    ):
        return len(registry.worker(connection, "A-001").flags)


def match(folder: Path) -> None:
    """As the running centre does."""
    with Database.open(f"sqlite:///{folder / 'central.db'}", migrate=False) as database:
        matcher = ListMatcher(database, VAULT, now=lambda: NOW)
        while matcher.look():
            pass


def fetched_in_vain(folder: Path) -> None:
    """As if the list were a feed whose server sends something else since yesterday."""
    row = {"list_id": "contacts", "url": "https://issuer.example/contacts.csv", "every_s": 3600}
    with (
        Database.open(f"sqlite:///{folder / 'central.db'}", migrate=False) as database,
        database.write() as connection,
    ):
        good = {"fetched_at": NOW - timedelta(days=1), "next_at": NOW}
        said = {"problem": "wrong_signature", "detail": "the list was changed since"}
        connection.execute(insert(watch_list_feeds), row | good | said)


def send(page: Page, file: Path) -> None:
    page.click(".sg-action:has-text('Import a list')")
    for name, text in (("list_id", "contacts"), ("name", "示例名单"), ("source", "示例单位")):
        page.fill(f"[data-field={name}]", text)
    with page.expect_file_chooser() as chooser:
        page.click(".sg-upload .q-uploader__header [role=button], .sg-upload .q-uploader__header .q-btn")
    chooser.value.set_files(file)
    page.wait_for_selector(f".sg-dialog >> text={file.name}")


def test_a_list_is_tried_imported_its_near_match_confirmed_and_the_list_removed(
    enter: Enter, url: str, shots: Path, tmp_path: Path
) -> None:
    file = tmp_path / "名单.csv"
    file.write_text(f"证件号码,电话\n{slipped(A_RESIDENT_NUMBER)},\n,12\n,13800000077\n", "gb18030")
    page = enter(ADMIN)
    page.goto(f"{url}/lists")
    page.wait_for_selector("text=还没有名单")
    send(page, file)
    page.screenshot(path=shots / "lists-import.png")
    assert page.evaluate(CONTRASTS) == []
    page.click(".sg-dialog .sg-action:has-text('Dry run')")
    page.wait_for_selector("text=dry run: nothing was kept")
    page.click(".sg-dialog .sg-action:has-text('导入 Import')")
    page.wait_for_selector(".sg-table tr:has-text('示例单位')")
    page.wait_for_selector("text=电话号码无效")
    match(tmp_path)
    page.click(".sg-action:has-text('Refresh')")
    page.wait_for_selector("tr:has-text('A-001'):has-text('To confirm')")
    page.wait_for_selector(".q-notification", state="detached")
    page.screenshot(path=shots / "lists.png", full_page=True)
    assert page.evaluate(CONTRASTS) == []
    page.click("tr:has-text('A-001') .sg-open")
    page.wait_for_selector(".sg-dialog >> text=place 13")
    page.screenshot(path=shots / "lists-match.png")
    assert page.evaluate(CONTRASTS) == []
    page.fill("[data-field=why]", "看过证件")
    page.click(".sg-dialog .sg-action:has-text('It is this person')")
    page.click(".sg-dialog:has-text('stop this person') .sg-action:has-text('Confirm')")
    page.wait_for_selector("tr:has-text('A-001'):has-text('Flagged')")
    assert flags(tmp_path) == 1
    page.click("tr:has-text('A-001') .sg-open")
    page.fill("[data-field=why]", "误判")
    page.click(".sg-dialog .sg-action:has-text('Take the decision back')")
    page.wait_for_selector("tr:has-text('A-001'):has-text('To confirm')")
    assert flags(tmp_path) == 0
    with page.expect_download() as waiting:
        page.click(".sg-action:has-text('CSV')")
    assert "A-001" in Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    fetched_in_vain(tmp_path)
    page.click(".sg-action:has-text('Refresh')")
    page.click("tr:has-text('获取失败') .sg-open")
    page.wait_for_selector("[role=alert]:has-text('签名不符')")
    page.wait_for_selector("text=last good fetch")
    page.screenshot(path=shots / "lists-feed.png", full_page=True)
    assert page.evaluate(CONTRASTS) == []
    page.fill("[data-field=remove-why]", "解除")
    page.set_viewport_size({"width": 390, "height": 844})
    page.screenshot(path=shots / "lists-phone.png", full_page=True)
    page.click(".sg-action:has-text('Remove the list')")
    page.click(".sg-dialog .sg-action:has-text('Confirm')")
    page.wait_for_selector("text=还没有名单")
