"""The documented pictures of the console; `python -m tests.sync.central.console_gallery` renews them."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium, small_png
from tests.sync.central.console_samples import MANAGER_A, PASSWORD
from tests.sync.central.test_console_browser import console, open_row, sign_in

SETTLE_MS = 800
PICTURES = (
    ("log", "/", ""),
    ("event", "/", "A-003"),
    ("on-site", "/on-site", ""),
    ("gates", "/gates", ""),
    ("attendance", "/attendance", "A-002"),
    ("workers", "/workers", "A-003"),
)
"""Name of the picture, page, and the row to open."""


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[3] / "docs" / "images")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        console(Path(folder)) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        page = browser.new_page(viewport={"width": 1280, "height": 760})
        page.goto(url)
        sign_in(page, MANAGER_A, PASSWORD)
        page.wait_for_selector(".sg-header")
        for name, path, row in PICTURES:
            page.goto(url + path)
            page.wait_for_selector(".sg-title")
            if row:
                open_row(page, row)
            page.wait_for_timeout(SETTLE_MS)
            (arguments.out / f"console-{name}.png").write_bytes(small_png(page.screenshot()))
        browser.close()


if __name__ == "__main__":
    main()
