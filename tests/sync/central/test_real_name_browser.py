"""The page of the real-name platform in a real browser: rejected rows with reasons, sent again, exported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.central import persons
from sync.central.database import Database
from sync.real_name.simulator import PlatformServer
from tests.gate.screen_gallery import chromium
from tests.sync.central.console_samples import MANAGER_A, NOW, SUPERVISOR_A
from tests.sync.central.real_name_samples import SITE, TEAMS, VAULT, Upload, an_upload, set_up
from tests.sync.central.test_console_browser import CONTRASTS, Enter, browser, console, enter, shots
from tests.sync.people_samples import a_person
from tests.sync.real_name.samples import resident_number

__all__ = ["browser", "enter", "shots"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with console(tmp_path, "tests.sync.central.people_console_server") as address:
        yield address


@pytest.fixture
def upload(url: str, tmp_path: Path) -> Iterator[Upload]:
    """Everybody but one worker is through."""
    with Database.open(f"sqlite:///{tmp_path / 'central.db'}", migrate=False) as database:
        made, _ = an_upload(database, tmp_path)
        made.platform.faults.refused = {resident_number(2): "工人已退场"}
        with database.write() as connection:
            for sequence, worker_id in enumerate(TEAMS, start=1):
                papers = a_person(worker_id, document_number=resident_number(sequence))
                persons.put_person(connection, VAULT, papers, now=NOW)
        with PlatformServer(made.platform) as server:
            set_up(database, tmp_path, server.url)
            made.runs(steps=10)
            yield made


def test_rejected_rows_are_shown_with_their_reason_sent_again_and_exported(
    enter: Enter, url: str, upload: Upload, shots: Path
) -> None:
    page = enter(MANAGER_A)
    page.goto(f"{url}/real-name")
    page.wait_for_selector("text=工人已退场")
    page.wait_for_selector("text=没有证件信息")
    page.screenshot(path=shots / "real-name.png", full_page=True)
    assert page.evaluate(CONTRASTS) == []
    assert resident_number(1) not in page.content()
    with page.expect_download() as told:
        page.click("button:has-text('JSON')")
    sent = json.loads(Path(told.value.path()).read_text(encoding="utf-8"))
    assert sent["method"] == "WorkerAttendance.Add"
    upload.platform.faults.refused = {}
    page.click("tr:has-text('工人已退场') .q-checkbox")
    page.click("text=Send the chosen again")
    page.wait_for_selector("text=1 条将重新上报")
    upload.runs(steps=6)
    page.click("text=Refresh")
    page.wait_for_selector("text=工人已退场", state="detached")
    page.set_viewport_size(PHONE)
    page.screenshot(path=shots / "real-name-phone.png", full_page=True)


def test_a_supervisor_has_no_such_page_and_an_empty_one_says_what_to_do(
    enter: Enter, url: str, shots: Path
) -> None:
    page = enter(SUPERVISOR_A)
    assert page.locator(".sg-nav >> text=Real-name").count() == 0
    page.goto(f"{url}/real-name")
    page.wait_for_selector("text=Your role does not include this page")
    page = enter(MANAGER_A)
    page.goto(f"{url}/real-name")
    page.wait_for_selector("text=sitegate central real-name set")
    assert SITE not in page.content()
