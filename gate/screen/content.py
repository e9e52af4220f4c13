"""From the lane's snapshot to what the page shows. Pure: no clock, no network, no NiceGUI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from gate import reasons
from gate.reasons import Reason, Severity, Words
from gate.screen import words
from gate.view import Answer, Health, LaneView, Phase, ScreenHead
from sync.qr_codes import code_svg
from sync.records import Outcome
from sync.wire.messages import Notice

REASONS_SHOWN = 2
"""More than the most serious two cannot be read at 2 m in three seconds."""

NOTICES_SHOWN = 2
"""For the guard, while nobody is being answered."""

_RED_PARTS = frozenset({"camera", "store", "relay"})
"""Parts without which nobody passes; the others leave the gate working."""

_FLAGS = frozenset(
    {Reason.FLAG_BLOCK, Reason.FLAG_HOLD, Reason.FLAG_NOTIFY, Reason.PASS_RED, Reason.PASS_YELLOW}
)


class Tone(StrEnum):
    """The meaning of the panel: picks colour, icon shape and sound together, never colour alone."""

    IDLE = "idle"
    APPROACH = "approach"
    BUSY = "busy"
    ALLOW = "allow"
    HOLD = "hold"
    DENY = "deny"
    FAULT = "fault"
    FIRE = "fire"


_TONES = {Outcome.ALLOW: Tone.ALLOW, Outcome.HOLD: Tone.HOLD, Outcome.DENY: Tone.DENY}


@dataclass(frozen=True, slots=True)
class Panel:
    """The big part of the page when nobody is being answered."""

    tone: Tone
    icon: str
    title: Words
    hint: Words | None


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """Why, and what to do next; `next` is None where there is nothing to do."""

    text: Words
    next: Words | None


@dataclass(frozen=True, slots=True)
class AnswerPanel:
    """The answer to one person. `shown_until_s` is monotonic: after it nothing of this may be on a page."""

    event_id: str
    tone: Tone
    icon: str
    title: Words
    name: str
    reasons: tuple[ReasonLine, ...]
    voice: Words
    shown_until_s: float


@dataclass(frozen=True, slots=True)
class CodePanel:
    """A QR code to be read by a phone, in the place of the picture. It names nobody."""

    words: Words
    svg: str


@dataclass(frozen=True, slots=True)
class HealthItem:
    """One part that does not work."""

    level: str
    part: Words
    detail: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything one page shows at one moment, except the picture."""

    site: Words
    gate: Words
    lane: Words
    direction: Words
    direction_icon: str
    time_text: str
    date: Words
    panel: Panel
    answer: AnswerPanel | None
    code: CodePanel | None
    box: tuple[float, float, float, float] | None
    mirror: bool
    notices: tuple[Words, ...]
    health: tuple[HealthItem, ...]
    fire: bool
    version: str


def scene(head: ScreenHead, view: LaneView, *, now: datetime, monotonic_s: float) -> Scene:
    """What the page of this lane shows at `now` (aware) and `monotonic_s` (the view's monotonic clock)."""
    local = now.astimezone(ZoneInfo(head.timezone))
    fire = view.health.fire
    answer = None if fire else _answer(view, monotonic_s)
    return Scene(
        site=Words(head.site_name, head.site_name_en),
        gate=Words(head.gate_name, head.gate_name_en),
        lane=Words(view.lane_name, view.lane_name_en),
        direction=words.DIRECTIONS[view.direction],
        direction_icon=view.direction.value,
        time_text=f"{local:%H:%M:%S}",
        date=_date(local),
        panel=_panel(view),
        answer=answer,
        code=None if fire else _code(view),
        box=None if fire or view.face_box is None else _rounded(view.face_box),
        mirror=view.mirror,
        notices=() if answer else _notices(view.notices),
        health=_health(view.health),
        fire=fire,
        version=head.version,
    )


def _date(local: datetime) -> Words:
    weekday = words.WEEKDAYS[local.weekday()]
    return Words(
        zh=f"{local.month}月{local.day}日 {weekday.zh}",
        en=f"{weekday.en} {local:%Y-%m-%d}",
    )


def _rounded(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Thousandths of the frame: finer would be sent and drawn without anyone seeing it."""
    x, y, width, height = (round(value, 3) for value in box)
    return x, y, width, height


def _panel(view: LaneView) -> Panel:
    if view.health.fire:
        return Panel(Tone.FIRE, "exit", words.FIRE, words.FIRE_HINT)
    if view.phase is Phase.FAULT:
        return Panel(Tone.FAULT, "fault", words.FAULT, words.FAULT_HINT)
    if view.phase in (Phase.APPROACHING, Phase.DECIDING) and view.advice is not None:
        return Panel(Tone.APPROACH, view.advice.value, reasons.advice_text(view.advice), None)
    if view.phase is Phase.APPROACHING:
        return Panel(Tone.APPROACH, "face", words.APPROACHING, None)
    if view.phase is Phase.DECIDING:
        return Panel(Tone.BUSY, "busy", words.DECIDING, words.DECIDING_HINT)
    hint = words.IDLE_HINT_PASSES if view.takes_passes else words.IDLE_HINT
    return Panel(Tone.IDLE, "face", words.IDLE, hint)


def _answer(view: LaneView, monotonic_s: float) -> AnswerPanel | None:
    answer = view.answer
    if answer is None or monotonic_s >= answer.shown_until_s:
        return None
    tone = _TONES[answer.outcome]
    return AnswerPanel(
        event_id=answer.event_id,
        tone=tone,
        icon=tone.value,
        title=reasons.outcome_text(answer.outcome),
        name=answer.shown_name,
        reasons=_reason_lines(answer),
        voice=_voice(answer),
        shown_until_s=answer.shown_until_s,
    )


def _code(view: LaneView) -> CodePanel | None:
    step = view.online
    return None if step is None else CodePanel(step.words, code_svg(step.address, error="m"))


def _public(answer: Answer) -> tuple[Reason, ...]:
    """Reasons that bystanders may read: that somebody who passes is on the list is the guard's business."""
    hidden = _FLAGS if answer.outcome is Outcome.ALLOW else _FLAGS & {Reason.FLAG_NOTIFY}
    return tuple(reason for reason in answer.reasons if reason not in hidden)


def _reason_lines(answer: Answer) -> tuple[ReasonLine, ...]:
    """`ok` says no more than the headline; whoever may pass has no next step unless something is broken."""
    lines = []
    for reason in _public(answer):
        if reason is Reason.OK:
            continue
        general = reasons.text(reason)
        has_next = answer.outcome is not Outcome.ALLOW or general.severity is Severity.ALARM
        said = [(hint.text, hint.next_step) for hint in answer.hints if hint.reason is reason]
        for line, step in said or [(general.text, general.next_step)]:
            lines.append(ReasonLine(line, step if has_next else None))
    if not lines and answer.outcome is Outcome.ALLOW:
        lines.append(ReasonLine(reasons.text(Reason.OK).next_step, None))
    return tuple(lines[:REASONS_SHOWN])


def _voice(answer: Answer) -> Words:
    """The most serious reason is said; an answer without a reason says its headline."""
    public = _public(answer)
    return reasons.text(public[0]).voice if public else reasons.outcome_text(answer.outcome)


def _notices(notices: Sequence[Notice]) -> tuple[Words, ...]:
    """The first ones in the centre's words, and how many alerts stand behind each."""
    shown = []
    for notice in notices[:NOTICES_SHOWN]:
        times = f" ×{notice.alerts}" if notice.alerts > 1 else ""
        shown.append(Words(notice.zh + times, notice.en + times))
    return tuple(shown)


def _health(health: Health) -> tuple[HealthItem, ...]:
    items = [
        HealthItem("red" if part in _RED_PARTS else "amber", label, str(getattr(health, part)))
        for part, label in words.HEALTH_PARTS.items()
        if getattr(health, part)
    ]
    if health.door_held_open:
        items.insert(0, HealthItem("red", words.DOOR_HELD_OPEN, ""))
    return tuple(sorted(items, key=lambda item: item.level != "red"))
