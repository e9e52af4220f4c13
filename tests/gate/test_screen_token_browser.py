"""A screen that the network can reach asks a browser for its token, once."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from gate.settings import ScreenSettings
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium, served
from tests.gate.scripted_view import ScriptedView

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]

TOKEN = "a-token-that-only-this-test-knows"


def test_the_token_opens_the_screen_in_a_real_browser_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    settings = ScreenSettings(host="0.0.0.0", port=0, token_file=file)
    with served(ScriptedView(), settings) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        page = browser.new_page()
        page.goto(url.replace("0.0.0.0", "127.0.0.1"))
        assert page.locator("canvas").count() == 0
        page.fill("input", "wrong")
        page.press("input", "Enter")
        page.wait_for_load_state()
        assert page.locator("canvas").count() == 0
        page.fill("input", TOKEN)
        page.press("input", "Enter")
        page.locator("canvas").wait_for(timeout=20_000)
        assert TOKEN not in page.url
        browser.close()
