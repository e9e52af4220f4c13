"""The gates: which are heard, what they hold, what waits in them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.central.accounts_access import Viewer
from sync.central.console import words
from sync.central.console.frame import Visitor
from sync.central.gate_board import GateCard, GateState, RosterState, TerminalCard
from sync.pages import facts

REFRESH_S = 10.0
"""Nothing personal stands here, so the page may look again by itself without filling the audit log."""

_TONES = {
    GateState.ONLINE: "good",
    GateState.SILENT: "wait",
    GateState.LOST: "bad",
    GateState.STOPPED: "wait",
    GateState.NEVER_SEEN: "wait",
    GateState.REVOKED: "none",
}
_ICONS = {"good": "check_circle", "wait": "error_outline", "bad": "cancel", "none": "block"}


async def build_gates_page(visitor: Visitor, viewer: Viewer) -> None:
    sites = await visitor.ask(visitor.office.workers.sites) or []
    zones = {site.site_id: ZoneInfo(site.timezone) for site in sites}
    cards = ui.element("div").classes("sg-cards")
    shown: list[GateCard] | None = None

    async def show() -> None:
        nonlocal shown
        found = await visitor.ask(visitor.office.gates.gates)
        if found is None or found == shown:
            return
        shown = found
        cards.clear()
        with cards:
            for card in found:
                _card(card, zones.get(card.site_id, ZoneInfo(visitor.settings.timezone)))
            if zones and not found:
                ui.label(str(words.NO_GATES)).classes("sg-note")

    await show()
    ui.timer(REFRESH_S, show, immediate=False)


def _card(card: GateCard, zone: ZoneInfo) -> None:
    tone = _tone(card)
    with ui.element("section").classes("sg-card").props(f"data-tone={tone}"):
        with ui.element("div").classes("sg-card-head"):
            ui.label(f"{card.site_name} · {card.name}")
            with ui.element("span").classes(f"sg-mark sg-{_TONES[card.state]}"):
                ui.icon(_ICONS[_TONES[card.state]], size="18px")
                ui.label(str(words.GATE_STATES[card.state]))
        if card.terminal is not None:
            facts(_terminal_rows(card, card.terminal, zone))
            return
        parked = f" · {card.outbox_parked} {words.PARKED}" if card.outbox_parked else ""
        rows = [
            (words.LAST_SEEN, _time(card.last_seen_at, zone)),
            (words.LAST_EVENT, _time(card.last_event_at, zone)),
            (words.OUTBOX, "" if card.outbox_depth is None else f"{card.outbox_depth:,}{parked}"),
            (words.ROSTER, _roster(card)),
            (words.CLOCK, "" if card.clock_offset_ms is None else f"{card.clock_offset_ms:+.0f} ms"),
            (words.SOFTWARE, card.software),
        ]
        if card.missing_events:
            rows.append((words.MISSING, f"{card.missing_events:,}"))
        if card.faults:
            rows.append(
                (words.HEALTH, "; ".join(f"{words.HEALTH_PARTS[part]}: {text}" for part, text in card.faults))
            )
        facts(rows)


def _terminal_rows(card: GateCard, terminal: TerminalCard, zone: ZoneInfo) -> list[tuple[words.Words, str]]:
    return [
        (words.TERMINAL, f"{card.gate_id} · {words.DIRECTIONS[terminal.direction]} · {words.OTHER_MAKER}"),
        (words.LAST_SEEN, _time(card.last_seen_at, zone)),
        (words.LAST_EVENT, _time(card.last_event_at, zone)),
        (words.SENT, f"{terminal.held:,} / {terminal.wanted:,}"),
        (words.OUTSTANDING, f"{terminal.not_sent:,}"),
        (words.CLOCK, "" if card.clock_offset_ms is None else f"{card.clock_offset_ms:+.0f} ms"),
    ]


def _tone(card: GateCard) -> str:
    """The gate's own state, or worse where something in it needs somebody."""
    tone = _TONES[card.state]
    troubled = card.faults or card.clock_is_off or card.missing_events or card.outbox_parked
    troubled = troubled or (card.terminal is not None and card.terminal.not_sent)
    if tone == "good" and (troubled or card.roster is RosterState.DIFFERS):
        return "wait"
    return tone


def _roster(card: GateCard) -> str:
    state = words.ROSTER_STATES[card.roster]
    version = "–" if card.roster_version is None else str(card.roster_version)
    return f"{version} · {state} ({words.CENTRE} {card.centre_version})"


def _time(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%m-%d %H:%M:%S}"
