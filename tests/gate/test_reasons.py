"""Nobody stands before a gate that has no words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gate import reasons
from gate.reasons import Reason, Severity, Words
from models.face import Advice
from sync.records import Outcome

LONGEST_LINE_ZH = 20
LONGEST_LINE_EN = 60


def all_words() -> Iterator[tuple[str, Words]]:
    for reason in Reason:
        text = reasons.text(reason)
        yield f"{reason}.text", text.text
        yield f"{reason}.next_step", text.next_step
        yield f"{reason}.voice", text.voice
    for advice in Advice:
        yield f"advice {advice}", reasons.advice_text(advice)
    for outcome in Outcome:
        yield f"outcome {outcome}", reasons.outcome_text(outcome)


@pytest.mark.parametrize(("where", "words"), list(all_words()))
def test_every_reason_advice_and_outcome_has_short_words_in_both_languages(where: str, words: Words) -> None:
    assert 0 < len(words.zh) <= LONGEST_LINE_ZH, where
    assert 0 < len(words.en) <= LONGEST_LINE_EN, where
    assert any("\u4e00" <= character <= "\u9fff" for character in words.zh), where
    assert words.en.isascii(), where
    assert words.of("zh") == words.zh
    assert words.of("en") == words.en


def test_a_flagged_person_is_not_exposed_in_public() -> None:
    for reason in (Reason.FLAG_BLOCK, Reason.FLAG_HOLD, Reason.FLAG_NOTIFY):
        shown = reasons.text(reason)
        for words in (shown.text, shown.next_step, shown.voice):
            assert not any(word in words.en.lower() for word in ("flag", "list", "block", "monitor"))
            assert not any(word in words.zh for word in ("名单", "黑", "监控", "禁止"))


def test_only_what_needs_no_attention_is_information() -> None:
    calm = {reason for reason in Reason if reasons.text(reason).severity is Severity.INFO}
    assert calm == {Reason.OK, Reason.EXIT_BUTTON}
