"""Two records that may be one person: side by side, to be decided upon and merged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.central.accounts_access import Right, Viewer
from sync.central.console import words, words_people
from sync.central.console.confirming import ask_sure
from sync.central.console.frame import Visitor, table, text_field
from sync.central.people_desk import Pair, Side
from sync.pages import action, facts, heading, subheading

_COLUMNS = (
    ("found_at", words_people.FOUND),
    ("found_by", words_people.FOUND_BY),
    ("score", words_people.SIMILARITY),
    ("name", words_people.ONE),
    ("worker", words_people.OTHER),
    ("decision", words_people.DECISION),
)


async def build_duplicates_page(visitor: Visitor, viewer: Viewer) -> None:
    zone = ZoneInfo(visitor.settings.timezone)
    pairs: dict[str, Pair] = {}

    async def show() -> None:
        decided_too = bool(also_decided.value)
        found = await visitor.ask(
            lambda viewer: visitor.office.people.pairs(viewer, only_open=not decided_too)
        )
        if found is not None:
            pairs.clear()
            pairs.update((_key(pair), pair) for pair in found)
            lines.rows = [_cells(pair, zone) for pair in found]

    async def open_pair(row: dict[str, Any]) -> None:
        pair = pairs.get(str(row["key"]))
        if pair is not None:
            _PairDialog(visitor, pair, zone, show).open(viewer.may(Right.WRITE_WORKERS))

    with ui.element("div").classes("sg-bar"):
        also_decided = ui.checkbox(str(words_people.ALSO_DECIDED), on_change=show)
        action(words.REFRESH, show, icon="refresh")
    lines = table(_COLUMNS, key="key", on_open=open_pair)
    await show()


class _PairDialog:
    """One pair."""

    def __init__(
        self, visitor: Visitor, pair: Pair, zone: ZoneInfo, on_change: Callable[[], Awaitable[None]]
    ) -> None:
        self._visitor = visitor
        self._desk = visitor.office.people
        self._pair = pair
        self._zone = zone
        self._on_change = on_change

    def open(self, may_decide: bool) -> None:
        pair = self._pair
        with ui.dialog(value=True) as self._dialog, ui.card().classes("sg-dialog sg-wide"):
            heading(words_people.COMPARE)
            ui.label(_summary(pair)).classes("sg-note")
            with ui.element("div").classes("sg-pair"):
                for side in pair.sides:
                    self._show_side(side)
            if pair.decision:
                self._show_decision()
            both_seen = all(side.exists and not side.is_hidden for side in pair.sides)
            if may_decide and both_seen and not pair.merged_into:
                self._show_choices()
            action(words.CLOSE, self._dialog.close, main=True).props("autofocus")
        self._dialog.on("hide", self._dialog.delete)

    def _show_side(self, side: Side) -> None:
        with ui.element("section").classes("sg-card").props(f'data-worker="{side.worker_id}"'):
            subheading(words.Words(side.name, side.worker_id) if side.name else side.worker_id)
            if not side.exists:
                ui.label(str(words_people.GONE)).classes("sg-note")
            elif side.is_hidden:
                ui.label(str(words_people.ELSEWHERE)).classes("sg-note")
            else:
                facts(
                    [
                        (words_people.DOCUMENT_NUMBER, side.document),
                        (words.STATUS, str(words.STATUSES[side.status]) if side.status else ""),
                        (words.SITE, ", ".join(side.site_ids)),
                        (words.EMPLOYER, side.employer),
                        (words.TEAM, side.team),
                        (words.TRADE, side.trade),
                        (words.TEMPLATES, str(side.templates)),
                        (words.CONSENT, str(side.face_consent_on or "")),
                        (words_people.REGISTERED, self._origin(side)),
                    ]
                )

    def _origin(self, side: Side) -> str:
        at = f"{side.registered_at.astimezone(self._zone):%Y-%m-%d %H:%M}" if side.registered_at else ""
        origin = side.origin
        return at if origin is None else f"{at} · {origin.site_id}/{origin.gate_id} · {origin.recorded_by}"

    def _show_decision(self) -> None:
        pair = self._pair
        at = f"{pair.decided_at.astimezone(self._zone):%Y-%m-%d %H:%M}" if pair.decided_at else ""
        decision = str(words_people.DECISIONS[pair.decision])
        if pair.merged_into:
            decision = f"{decision}，{words_people.MERGED_INTO} {pair.merged_into}"
        facts(
            [
                (words_people.DECISION, decision),
                (words_people.DECIDED_BY, f"{pair.decided_by} {at}".strip()),
                (words.REASON, pair.reason),
            ]
        )

    def _show_choices(self) -> None:
        self._why = text_field(words.WHY).props("data-field=why").classes("sg-whole")
        with ui.element("div").classes("sg-bar"):
            if not self._pair.decision:
                action(words_people.SAME, lambda: self._decide(True))
                action(words_people.DIFFERENT, lambda: self._decide(False))
                return
            action(words_people.REOPEN, lambda: self._decide(None))
            if self._pair.decision == "same":
                one, other = (side.worker_id for side in self._pair.sides)
                action(f"{one}：{words_people.KEEP}", lambda: self._merge(one, other))
                action(f"{other}：{words_people.KEEP}", lambda: self._merge(other, one))

    async def _decide(self, same_person: bool | None) -> None:
        one, other = (side.worker_id for side in self._pair.sides)
        why = str(self._why.value)
        await self._done(
            lambda viewer: self._desk.decide(viewer, one, other, same_person=same_person, reason=why)
        )

    async def _merge(self, keep: str, remove: str) -> None:
        why = str(self._why.value)
        if await ask_sure(words_people.SURE_MERGE):
            await self._done(lambda viewer: self._desk.merge(viewer, keep, remove, reason=why))

    async def _done(self, work: Callable[[Viewer], None]) -> None:
        def worked(viewer: Viewer) -> bool:
            work(viewer)
            return True

        if await self._visitor.ask(worked):
            ui.notify(str(words.SAVED), type="positive")
            self._dialog.close()
            await self._on_change()


def _key(pair: Pair) -> str:
    return "|".join((*(side.worker_id for side in pair.sides), pair.found_by))


def _summary(pair: Pair) -> str:
    score = "" if pair.score is None else f" · {words_people.SIMILARITY} {pair.score:.3f}"
    return f"{words_people.FOUND_WORDS[pair.found_by]}{score}"


def _cells(pair: Pair, zone: ZoneInfo) -> dict[str, str]:
    one, other = (
        f"{side.name} {side.worker_id}".strip() if not side.is_hidden else f"{side.worker_id} …"
        for side in pair.sides
    )
    return {
        "key": _key(pair),
        "found_at": f"{pair.found_at.astimezone(zone):%Y-%m-%d %H:%M}",
        "found_by": str(words_people.FOUND_WORDS[pair.found_by]),
        "score": "" if pair.score is None else f"{pair.score:.3f}",
        "name": one,
        "worker": other,
        "decision": str(words_people.DECISIONS[pair.decision]),
    }
