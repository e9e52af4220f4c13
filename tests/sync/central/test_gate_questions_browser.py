"""A gate is asked from the console: the wait, the rules one by one, and a failure with its next step."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from sqlalchemy import select

from sync.central import commands, tables
from sync.central.database import Database
from sync.records import Direction, Outcome
from sync.wire.explanation import Explanation, RuleAnswer, Said
from sync.wire.messages import Answer
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.console_samples import NOW, PASSWORD, SUPERVISOR_A, A
from tests.sync.central.gate_client import until
from tests.sync.central.test_console_browser import CONTRASTS, TIMEOUT_MS, console, open_row, sign_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

TOLD = Explanation(
    lane_id="north",
    direction=Direction.IN,
    at=NOW,
    pass_text="yellow until 2026-03-09 12:00",
    outcome=Outcome.HOLD,
    reasons=("pass_yellow",),
    rules=(
        RuleAnswer(rule="registered"),
        RuleAnswer(
            rule="pass_colour",
            said=(
                Said(
                    outcome=Outcome.HOLD,
                    reason="pass_yellow",
                    zh="通行证待核实",
                    en="Pass to be checked",
                    step_zh="请在此等候门卫核对",
                    step_en="Wait here for the guard's check",
                ),
            ),
        ),
        RuleAnswer(rule="of_next_year"),
    ),
)


def answer(folder: Path, *, done: bool, detail: str) -> None:
    """In place of gate-1: the newest question gets this answer."""
    with Database.open(f"sqlite:///{folder / 'central.db'}", migrate=False) as database:

        def asked() -> str | None:
            with database.read() as connection:
                row = tables.commands.c
                return connection.scalar(select(row.command_id).where(row.answered_at.is_(None)))

        question_id = until(asked, what="the question")
        with database.write() as connection:
            said = Answer(command_id=question_id, done=done, detail=detail, at=NOW)
            assert commands.answered(connection, (A, "gate-1"), said, NOW)


def test_a_gate_explains_itself_rule_by_rule_or_why_it_does_not(tmp_path: Path) -> None:
    with console(tmp_path) as url, sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        page = running.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(url)
        sign_in(page, SUPERVISOR_A, PASSWORD)
        page.wait_for_selector(".sg-table tbody .sg-open")
        open_row(page, "A-003")
        page.click("button:has-text('What holds at a moment')")
        page.click("button:has-text('rule by rule')")
        dialog = page.locator(".sg-dialog").last
        dialog.locator("text=gate-1").wait_for()
        dialog.locator("button:has-text('Ask the gate')").click()
        dialog.locator("text=Waiting for the gate").wait_for()
        answer(tmp_path, done=True, detail=TOLD.model_dump_json())
        dialog.locator("td:has-text('of_next_year')").wait_for()
        shown = dialog.inner_text()
        for part in (
            "待核 Held",
            "已登记 Registered (registered)",
            "no objection",
            "Wait here",
            "黄 yellow →",
        ):
            assert part in shown
        page.screenshot(path=tmp_path / "asked-gate.png")
        assert page.evaluate(CONTRASTS) == []
        page.set_viewport_size({"width": 390, "height": 844})
        page.screenshot(path=tmp_path / "asked-gate-phone.png")
        dialog.locator("button:has-text('Ask the gate')").click()
        dialog.locator("text=Waiting for the gate").wait_for()
        answer(tmp_path, done=False, detail="unknown worker")
        dialog.locator("text=roster does not have this worker").wait_for()
        page.screenshot(path=tmp_path / "asked-gate-failed.png")
        dialog.locator(".q-select").first.click()
        page.locator(".q-menu .q-item:has-text('gate-2')").click()
        dialog.locator("button:has-text('Ask the gate')").click()
        dialog.locator("text=The gate is not connected").wait_for()
        wide = "() => document.documentElement.scrollWidth - innerWidth"
        assert page.evaluate(wide) <= 0
        running.close()
