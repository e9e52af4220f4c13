"""Look-alikes, erasures and papers in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.gate.screen_gallery import chromium
from tests.sync.central.console_samples import ADMIN, SUPERVISOR_A
from tests.sync.central.test_console_browser import (
    CONTRASTS,
    TIMEOUT_MS,
    Enter,
    browser,
    console,
    enter,
    open_row,
    rows,
    shots,
)
from tests.sync.people_samples import A_RESIDENT_NUMBER

__all__ = ["browser", "enter", "shots"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

WHY = "[data-field=why] input, input[data-field=why]"
ERASE_WHY = "[data-field=erase-why] input, input[data-field=erase-why]"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with console(tmp_path, "tests.sync.central.people_console_server") as address:
        yield address


def visit(page: Page, url: str, path: str) -> None:
    page.goto(url + path)
    page.wait_for_selector(".sg-table tbody .sg-open")


def test_a_pair_is_decided_upon_and_merged(enter: Enter, url: str, shots: Path) -> None:
    page = enter(ADMIN)
    visit(page, url, "/duplicates")
    assert rows(page) == 2
    page.screenshot(path=shots / "duplicates.png")
    open_row(page, "A-002")
    page.screenshot(path=shots / "duplicates-pair.png")
    assert page.evaluate(CONTRASTS) == []
    page.click("text=Same person")
    page.wait_for_selector("text=needs a reason")
    page.fill(WHY, "看过证件")
    page.click("text=Same person")
    page.wait_for_function("() => document.querySelectorAll('.sg-table tbody .sg-open').length === 1")
    page.click("text=Decided ones too")
    page.wait_for_function("() => document.querySelectorAll('.sg-table tbody .sg-open').length === 2")
    open_row(page, "A-002")
    page.fill(WHY, "合并")
    page.click("text=A-001：")
    page.wait_for_selector("text=It cannot be undone")
    page.screenshot(path=shots / "duplicates-sure.png")
    page.click("text=Confirm")
    page.wait_for_selector("text=Saved")
    page.wait_for_selector(".sg-dialog", state="detached")
    open_row(page, "A-002")
    page.wait_for_selector("text=no longer registered")


def test_papers_are_shown_in_full_only_when_asked_for_and_a_withdrawal_gives_a_receipt(
    enter: Enter, url: str, shots: Path
) -> None:
    page = enter(ADMIN)
    visit(page, url, "/workers")
    open_row(page, "A-001")
    page.wait_for_selector("text=110•••••••••••••2X")
    assert A_RESIDENT_NUMBER not in page.content()
    page.screenshot(path=shots / "worker-papers.png")
    assert page.evaluate(CONTRASTS) == []
    page.click("text=Show in full")
    page.wait_for_selector(f"text={A_RESIDENT_NUMBER}")
    page.fill(ERASE_WHY, "本人申请")
    page.click("text=erase the face")
    page.wait_for_selector("text=for good")
    page.click("text=Confirm")
    page.wait_for_selector("text=see the page of erasures")
    visit(page, url, "/erasures")
    page.screenshot(path=shots / "erasures.png")
    open_row(page, "A-001")
    page.wait_for_selector(".sg-receipt")
    page.screenshot(path=shots / "erasure-receipt.png")
    assert page.evaluate(CONTRASTS) == []
    page.fill(WHY, "备份已删")
    page.click("text=Done by hand")
    page.wait_for_selector("text=Done by hand", state="detached")
    page.emulate_media(media="print")
    page.screenshot(path=shots / "erasure-print.png")


def test_a_supervisor_sees_masks_and_no_buttons(enter: Enter, url: str) -> None:
    page = enter(SUPERVISOR_A)
    page.set_default_timeout(TIMEOUT_MS)
    visit(page, url, "/workers")
    open_row(page, "A-001")
    page.wait_for_selector("text=110•••••••••••••2X")
    assert page.locator("text=Show in full").count() == 0
    assert page.locator("text=erase the face").count() == 0
    visit(page, url, "/duplicates")
    open_row(page, "A-002")
    assert page.locator("text=Same person").count() == 0
