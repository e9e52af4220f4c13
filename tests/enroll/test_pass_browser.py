"""The page of passes and badges in a real browser: a pass on the screen is one that opens a gate."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from playwright.sync_api import Page, expect, sync_playwright

from sync.passes import badge_digest, fixed_digest
from sync.records import Worker
from tests.enroll.kiosk_samples import MANAGER, PASSWORD, open_store
from tests.enroll.test_kiosk_browser import SMALL_TARGETS, SMALLEST_TARGET_PX, TIMEOUT_MS, UNNAMED, kiosk
from tests.gate.screen_gallery import TIDY_CHROMIUM, chromium
from tests.sync.central.test_console_browser import CONTRASTS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine (apt-get install chromium)"),
]


def codes(page: Page) -> list[str]:
    """What a camera before the screen reads."""
    picture = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return [one.text for one in zxingcpp.read_barcodes(picture)]


def kept(page: Page, name: str) -> None:
    """With SITEGATE_SHOTS, a picture to look at."""
    if folder := os.environ.get("SITEGATE_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_a_pass_is_issued_shown_printed_replaced_and_taken_back_and_a_badge_assigned(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.put_worker(Worker(worker_id="W-1", name="示例甲", site_ids=("demo-site",), team="示例班组"))
    expect.set_options(timeout=TIMEOUT_MS)
    with kiosk(tmp_path) as url, sync_playwright() as playwright, open_store(tmp_path) as store:
        running = playwright.chromium.launch(executable_path=chromium(), args=TIDY_CHROMIUM)
        context = running.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(f"{url}/login")
        page.locator("input").first.fill(MANAGER)
        page.locator("input[type=password]").fill(PASSWORD)
        page.locator("input[type=password]").press("Enter")
        page.wait_for_selector(".sg-tiles")

        page.goto(f"{url}/pass/W-1")
        page.get_by_role("button", name="发放通行码").click()
        code = page.get_by_role("img", name="通行码")
        expect(code).to_be_visible()
        kept(page, "pass")
        (first,) = codes(page)
        assert [one.worker_id for one in store.pass_holders(fixed_digest(first))] == ["W-1"]
        assert first not in page.url
        assert page.evaluate(SMALL_TARGETS, SMALLEST_TARGET_PX) == []
        assert page.evaluate(UNNAMED) == []
        assert [one for one in page.evaluate(CONTRASTS) if one["ratio"] < one["needed"]] == []

        card = context.new_page()
        card.goto(f"{url}/pass/W-1/card")
        expect(card.get_by_text("示例甲")).to_be_visible()
        kept(card, "card")
        assert codes(card) == [first]
        box = card.locator(".card").bounding_box()
        assert box is not None
        assert box["width"] / box["height"] == pytest.approx(85.6 / 54.0, rel=0.01)
        for part in card.locator(".card *:visible").all():
            inside = part.bounding_box()
            assert inside is None or inside["y"] + inside["height"] <= box["y"] + box["height"] + 1
        card.close()

        page.get_by_role("button", name="换发").click()
        page.get_by_role("dialog").get_by_role("button", name="换发").click()
        expect(page.get_by_text("已保存").first).to_be_visible()
        page.goto(f"{url}/pass/W-1")
        expect(code).to_be_visible()
        (second,) = codes(page)
        assert second != first

        page.get_by_label("工牌号").fill("0004 7712 33")
        page.get_by_label("工牌号").press("Enter")
        expect(page.get_by_text("登记时间")).to_be_visible()
        assert [one.worker_id for one in store.pass_holders(badge_digest("0004771233"))] == ["W-1"]
        kept(page, "badge")

        page.get_by_role("region", name="通行码").get_by_role("button", name="作废").click()
        page.get_by_role("dialog").get_by_role("button", name="作废").click()
        expect(page.get_by_role("button", name="发放通行码")).to_be_visible()
        assert [one.revoked_at is None for one in store.worker("W-1").passes] == [False, False, True]
        assert "printed_pass" in [line.action for line in store.audit(limit=20)]
        running.close()
