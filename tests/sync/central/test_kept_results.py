"""Counting once for everybody who asks within a moment."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from sync.central.kept_results import MOST_KEPT, KeptResults

NOW = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
KEEP = timedelta(seconds=20)


def test_the_same_question_is_answered_anew_when_the_answer_is_old_or_the_clock_was_set_back() -> None:
    kept: KeptResults[int] = KeptResults(KEEP)
    counts = iter(range(10))
    for after_s, expected in ((0, 0), (19, 0), (20, 1), (39, 1), (10, 2)):
        at = NOW + timedelta(seconds=after_s)
        assert kept.get("a", at, lambda: next(counts))[0] == expected
    assert kept.get("b", NOW, lambda: next(counts)) == (3, NOW)


def test_a_count_that_fails_is_not_kept_and_old_questions_are_forgotten() -> None:
    kept: KeptResults[int] = KeptResults(KEEP)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", NOW, lambda: 1 // 0)
    assert kept.get("a", NOW, lambda: 1) == (1, NOW)
    for number in range(MOST_KEPT):
        kept.get(number, NOW, lambda: 0)
    assert kept.get("a", NOW, lambda: 2) == (2, NOW)


def test_who_asks_while_somebody_counts_gets_that_answer() -> None:
    kept: KeptResults[str] = KeptResults(KEEP)
    counting, go_on, found = threading.Event(), threading.Event(), []

    def slow() -> str:
        counting.set()
        assert go_on.wait(60)
        return "first"

    first = threading.Thread(target=lambda: found.append(kept.get("a", NOW, slow)[0]))
    second = threading.Thread(target=lambda: found.append(kept.get("a", NOW, lambda: "second")[0]))
    first.start()
    assert counting.wait(60)
    second.start()
    go_on.set()
    first.join(60)
    second.join(60)
    assert found == ["first", "first"]
