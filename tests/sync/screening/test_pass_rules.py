"""Rules of passes that contradict themselves are refused, with the file and the place in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.screening.pass_rules import SHIPPED_FILE, PassRulesInvalid, read_pass_rules, shipped_pass_rules

SHIPPED = SHIPPED_FILE.read_text(encoding="utf-8")
GRANTED = "{finding: granted, zh: 人工发绿码, en: Green by hand, covers: known, green_days: 7}"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "steps: [{colour: red, days: 14}]",
            "steps: [{colour: red}, {colour: yellow, days: 1}]",
            "never comes",
        ),
        (
            "steps: [{colour: red, days: 14}]",
            "steps: [{colour: yellow, days: 1}, {colour: red, days: 1}]",
            "red comes before yellow",
        ),
        ("steps: [{colour: red, days: 14}]", "steps: [{colour: red, days: 0}]", r"causes\.0\.steps\.0\.days"),
        ("steps: [{colour: red, days: 14}]", "steps: [{colour: blue, days: 1}]", r"steps\.0\.colour"),
        (
            "ended_by: [test_negative, cleared_by_medic]",
            "ended_by: [luck]",
            "affected_area: ended by .* luck",
        ),
        (
            "    steps: [{colour: red}]\n    ended_by: [cleared_by_medic]",
            "    steps: [{colour: red}]",
            "nothing",
        ),
        ("- cause: affected_area", "- cause: contact", "named twice: contact"),
        ("- cause: by_hand_red", "- cause: by_hand", "by_hand_red"),
        (GRANTED, GRANTED.replace(", green_days: 7", ""), "granted that gives green"),
        (GRANTED, GRANTED.replace("7}", "7, green_until: end_of_day}"), "not both"),
        ("cause: fever}", "cause: cold}", "no cause cold"),
        ("version: 1", "version: 1\ndeclared_well: declared_well", "no finding declared_well"),
        ("suspected: suspected_case}", "suspected: maybe}", "cases suspected: no cause maybe"),
        ("version: 1", "version: 1\ntoo_hot_at_gate: heat", "too_hot_at_gate: no cause heat"),
        ("same_site_s: 60", "same_site_s: 0", r"copies\.same_site_s"),
        ("version: 1", "version: 1\nversion: 2", "no YAML"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in SHIPPED
    file = tmp_path / "own.yaml"
    file.write_text(SHIPPED.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PassRulesInvalid, match=rf"(?s)own\.yaml.*{says}"):
        read_pass_rules(file)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PassRulesInvalid, match="cannot be read"):
        read_pass_rules(file)
    with pytest.raises(PassRulesInvalid, match="cannot be read"):
        read_pass_rules(tmp_path / "missing.yaml")


def test_every_cause_and_finding_is_told_in_both_languages() -> None:
    rules = shipped_pass_rules()
    for one in rules.causes:
        assert rules.words(one.cause).zh
        assert rules.next_step(one.cause) is not None
    assert rules.words("something older").zh == "something older"
    assert rules.next_step("something older") is None
