"""What the gate screen says, without a browser."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gate.screen
from gate import reasons
from gate.decision import Hint
from gate.reasons import Reason
from gate.screen.content import Scene, Tone, scene
from gate.view import Answer, Health, LaneView, Phase
from models.face import Advice
from sync.records import Direction, Outcome
from sync.wire.messages import Notice
from tests.gate.scripted_view import FACE_BOX, NAME, ScriptedView

NOW = datetime(2026, 3, 2, 23, 42, 15, tzinfo=UTC)
STYLE = (Path(gate.screen.__file__).parent / "lane_screen.css").read_text(encoding="utf-8")
SCRIPT = (Path(gate.screen.__file__).parent / "lane_screen.js").read_text(encoding="utf-8")


def shown(view: LaneView, *, at_s: float = 0.0) -> Scene:
    return scene(ScriptedView().head(), view, now=NOW, monotonic_s=at_s)


def lane(**changes: object) -> LaneView:
    return replace(ScriptedView().state, **changes)  # type: ignore[arg-type]


def answered(outcome: Outcome, *why: Reason, until_s: float = 3.0, name: str = NAME) -> LaneView:
    return lane(phase=Phase.ANSWER, face_box=FACE_BOX, answer=Answer("event-1", outcome, why, name, until_s))


def test_the_clock_shows_the_time_of_the_site() -> None:
    at_home = shown(lane())
    assert at_home.time_text == "07:42:15"
    assert (at_home.date.zh, at_home.date.en) == ("3月3日 星期二", "Tue 2026-03-03")


def test_a_refusal_says_why_and_what_to_do_next() -> None:
    panel = shown(answered(Outcome.DENY, Reason.TRAINING_EXPIRED, Reason.OUTSIDE_SCHEDULE)).answer
    assert panel is not None
    assert panel.tone is Tone.DENY
    assert panel.name == NAME
    assert [line.text.zh for line in panel.reasons] == ["安全培训已过期", "不在通行时段"]
    assert panel.reasons[0].next == reasons.text(Reason.TRAINING_EXPIRED).next_step
    assert panel.voice == reasons.text(Reason.TRAINING_EXPIRED).voice


def test_a_missing_clearance_is_called_by_its_name_with_the_place_to_get_it() -> None:
    here = reasons.Words("请到医务室办理", "Get it here: first-aid room")
    hint = Hint(Reason.CLEARANCE_MISSING, reasons.Words("缺少证明：体检", "Missing: medical"), here, "")
    view = answered(Outcome.DENY, Reason.CLEARANCE_MISSING)
    assert view.answer is not None
    panel = shown(replace(view, answer=replace(view.answer, hints=(hint,)))).answer
    assert panel is not None
    assert [(line.text.zh, line.next) for line in panel.reasons] == [("缺少证明：体检", here)]


@pytest.mark.parametrize(
    "flag", [Reason.FLAG_BLOCK, Reason.FLAG_HOLD, Reason.FLAG_NOTIFY, Reason.PASS_RED, Reason.PASS_YELLOW]
)
def test_bystanders_do_not_learn_that_somebody_who_passes_is_on_the_list(flag: Reason) -> None:
    with_flag = shown(answered(Outcome.ALLOW, Reason.OK, flag)).answer
    without = shown(answered(Outcome.ALLOW, Reason.OK)).answer
    assert with_flag == without


def test_whoever_may_pass_is_sent_to_nobody_unless_the_door_is_broken() -> None:
    not_live = shown(answered(Outcome.ALLOW, Reason.LIVENESS_NOT_CHECKED)).answer
    broken = shown(answered(Outcome.ALLOW, Reason.RELAY_FAULT)).answer
    assert not_live is not None
    assert not_live.reasons[0].next is None
    assert broken is not None
    assert broken.reasons[0].next == reasons.text(Reason.RELAY_FAULT).next_step


@given(
    outcome=st.sampled_from(Outcome),
    why=st.lists(st.sampled_from(Reason), max_size=4),
    phase=st.sampled_from(Phase),
    late_s=st.floats(min_value=0, max_value=1e6),
)
def test_no_name_is_in_the_scene_once_its_time_is_up(
    outcome: Outcome, why: list[Reason], phase: Phase, late_s: float
) -> None:
    view = replace(answered(outcome, *why, until_s=10.0), phase=phase)
    assert NAME in repr(shown(view, at_s=9.9))
    assert NAME not in repr(shown(view, at_s=10.0 + late_s))


def test_the_guard_reads_the_centres_words_while_nobody_is_answered() -> None:
    told = tuple(
        Notice(notice_id=f"rule-{number}", zh=f"示例须知 {number}", en="Example", alerts=number, since=NOW)
        for number in (1, 2, 3)
    )
    waiting = shown(lane(notices=told)).notices
    assert [words.zh for words in waiting] == ["示例须知 1", "示例须知 2 ×2"]
    assert shown(replace(answered(Outcome.ALLOW, Reason.OK), notices=told)).notices == ()


def test_fire_shows_the_way_out_and_nobodys_name_or_face() -> None:
    fire = shown(replace(answered(Outcome.DENY, Reason.NOT_REGISTERED), health=Health(fire=True)))
    assert fire.fire
    assert fire.panel.tone is Tone.FIRE
    assert fire.answer is None
    assert fire.box is None


def test_every_fault_is_shown_and_the_grave_ones_stand_first() -> None:
    health = Health(clock="not synchronised", centre="offline", relay="no answer", door_held_open=True)
    items = shown(lane(health=health)).health
    assert [(item.level, item.part.en, item.detail) for item in items] == [
        ("red", "Door held open", ""),
        ("red", "Relay", "no answer"),
        ("amber", "Clock", "not synchronised"),
        ("amber", "Centre", "offline"),
    ]
    assert shown(lane()).health == ()


def test_a_lane_out_of_service_says_so() -> None:
    assert shown(lane(phase=Phase.FAULT)).panel.tone is Tone.FAULT


def test_every_phase_has_a_panel_with_words_in_both_languages() -> None:
    for phase in Phase:
        for advice in (None, *Advice):
            panel = shown(lane(phase=phase, advice=advice)).panel
            assert panel.title.zh
            assert panel.title.en


def test_the_direction_of_the_lane_is_shown() -> None:
    assert shown(lane(direction=Direction.OUT)).direction.zh == "出场"


def test_the_browser_has_an_icon_for_everything_it_may_be_told_to_show() -> None:
    drawn = set(re.findall(r"^  (\w+): (?:`|arrow)", SCRIPT, flags=re.MULTILINE))
    situations = [lane(phase=phase, advice=advice) for phase in Phase for advice in (None, *Advice)]
    wanted = {shown(situation).panel.icon for situation in situations}
    wanted |= {outcome.value for outcome in Outcome} | {direction.value for direction in Direction} | {"exit"}
    assert wanted <= drawn


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two #rrggbb colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_words_stand_out_from_their_ground_at_seven_to_one() -> None:
    rules = re.findall(r"\.sg-screen[^{]*\{[^}]*--ground:[^}]*\}", STYLE)
    assert len(rules) >= 7
    default = dict(re.findall(r"--(\w+): (#\w{6})", rules[0]))
    for rule in rules:
        colours = default | dict(re.findall(r"--(\w+): (#\w{6})", rule))
        assert contrast(colours["ground"], colours["ink"]) >= 7, rule
        assert contrast(colours["ground"], colours["soft"]) >= 7, rule
