"""What a worker's page says about the training that the gates ask for."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from enroll.kiosk.clearance_words import ENDED, HOLDS, NONE, UNTIL, clearance_words
from sync.records import Clearance
from tests.sync.samples import a_worker

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 31, 1, tzinfo=UTC)
OVER, COMING = datetime(2026, 3, 1, 16, tzinfo=UTC), datetime(2026, 4, 30, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ([], str(NONE)),
        ([OVER], f"{ENDED} 2026-03-01"),
        ([OVER, COMING], f"{UNTIL} 2026-04-30"),
        ([OVER, None], str(HOLDS)),
    ],
)
def test_the_one_that_holds_longest_counts(ends: list[datetime | None], said: str) -> None:
    other = Clearance(kind="medical")
    held = [Clearance(kind="training", valid_until=end) for end in ends]
    worker = a_worker(clearances=(other, *held))
    assert clearance_words(worker, "training", now=NOW, zone=SHANGHAI) == said
