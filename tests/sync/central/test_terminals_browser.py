"""A terminal of another maker on the console's page of gates, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from sync.central import terminals
from sync.central.database import Database
from sync.records import Direction
from sync.vendor.bridge import TerminalState
from sync.vendor.roster import Outstanding
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.console_samples import MANAGER_A, NOW, PASSWORD, A, an_office
from tests.sync.central.test_console_browser import console, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_terminal_stands_among_the_gates_with_who_is_not_on_it(tmp_path: Path) -> None:
    with Database.open(f"sqlite:///{tmp_path / 'central.db'}") as database:
        an_office(database)
        with database.write() as connection:
            terminals.add_terminal(
                connection, A, "1306612", direction=Direction.IN, name="北门旧闸机", now=NOW
            )
            state = TerminalState(
                terminal_id="1306612",
                online=True,
                last_seen_at=NOW,
                clock_off_s=-1.5,
                stored=3,
                repeated=0,
                not_stored=0,
                refused=0,
                held=1203,
                wanted=1204,
                outstanding=(Outstanding("A-001", "no_photo"),),
                strays=(),
            )
            terminals.note_state(connection, A, state, NOW)
    with console(tmp_path) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        page = browser.new_page(viewport={"width": 1280, "height": 760})
        page.goto(url)
        sign_in(page, MANAGER_A, PASSWORD)
        page.wait_for_selector(".sg-header")
        page.goto(f"{url}/gates")
        card = page.locator(".sg-card", has_text="北门旧闸机")
        for text in (
            "在线 Online",
            "1306612 · 进 in · 第三方",
            "1,203 / 1,204",
            "未完成",
            "-1500 ms",
        ):
            expect(card).to_contain_text(text)
        assert card.get_attribute("data-tone") == "wait"
        assert "A-001" not in card.inner_text()
        browser.close()
