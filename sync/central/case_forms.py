"""What is typed into the form of a case, as a `CaseData`. Pure."""

from __future__ import annotations

import re
from datetime import date

from sync.central.cases import CaseData, CaseKind
from sync.central.errors import FieldRefused
from sync.forms.checking import unified
from sync.tracing import Stay, TracingRules, Trip
from sync.tracing.rules import VEHICLES
from sync.tracing.telling import VEHICLES as VEHICLE_WORDS

LINES_MAX = 50
_TEXT_MAX = 2000
_NAME_MAX = 100

_KINDS = {kind: kind for kind in VEHICLES} | {VEHICLE_WORDS[kind].zh: kind for kind in VEHICLES}
_KINDS |= {"飞机": "flight", "火车": "train", "高铁": "train", "大巴": "bus", "船": "ship"}


def case_data(
    rules: TracingRules,
    *,
    site_id: str,
    kind: str,
    worker_id: str,
    name: str,
    onset_on: str,
    from_day: str,
    until_day: str,
    trips: str,
    place: str,
    room: str,
    remarks: str,
) -> CaseData:
    """All of it as typed; days as 2026-03-01. Without a window it is taken from the onset, by the rules.

    Raises SettingRefused, which names the field or line.
    """
    onset = _day("onset", onset_on)
    first, last = _day("first day", from_day), _day("last day", until_day)
    if onset is not None:
        around = rules.window.around(onset)
        first, last = first or around[0], last or around[1]
    if first is None or last is None:
        raise FieldRefused(
            "window", "the infectious days are not known", next_step="give the onset, or first and last day"
        )
    worker_id, name = worker_id.strip(), name.strip()
    if len(name) > _NAME_MAX or len(remarks) > _TEXT_MAX or len(place) > _TEXT_MAX or len(room) > _NAME_MAX:
        raise FieldRefused("remarks", "a text is too long", next_step=f"at most {_TEXT_MAX} characters")
    stays = (Stay("", "", place.strip(), first, last, room.strip()),) if place.strip() else ()
    return CaseData(
        site_id,
        CaseKind(kind),
        first,
        last,
        worker_id or None,
        name,
        onset,
        trip_lines(trips),
        stays,
        remarks,
    )


def trip_lines(text: str) -> tuple[Trip, ...]:
    """One trip a line: kind, number, day and, if known, the seat; of a train carriage and seat.

    As in `火车 示1234 2026-03-01 03 12A`. Raises SettingRefused, naming the line.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > LINES_MAX:
        raise FieldRefused("trips", f"more than {LINES_MAX} trips", next_step="leave out those of no account")
    return tuple(_trip(number, line) for number, line in enumerate(lines, start=1))


def trip_text(trips: tuple[Trip, ...]) -> str:
    """The lines that `trip_lines` reads."""
    return "\n".join(
        " ".join(
            part
            for part in (VEHICLE_WORDS[trip.kind].zh, trip.number, f"{trip.day}", trip.carriage, trip.seat)
            if part
        )
        for trip in trips
    )


def _trip(number: int, line: str) -> Trip:
    parts = [part for part in re.split(r"[\s,，、;；]+", line) if part]
    kind = _KINDS.get(parts[0].lower()) if parts else None
    if kind is None or not 3 <= len(parts) <= 5:
        raise FieldRefused(
            "trips",
            f"trip {number} cannot be read: {line.strip()[:60]}",
            next_step="write kind, number, day and, if known, carriage and seat: 航班 示1234 2026-03-01 12A",
        )
    day = _day(f"trip {number}", parts[2])
    rest = parts[3:]
    carriage = rest[0] if kind == "train" and rest else ""
    seat = rest[-1] if len(rest) == 2 or (rest and not carriage) else ""
    if day is None or (len(rest) == 2 and kind != "train"):
        raise FieldRefused(
            "trips", f"trip {number} has a carriage, but is no train", next_step="leave it out"
        )
    return Trip("", kind, unified(parts[1]), day, carriage, unified(seat))


def _day(field: str, text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise FieldRefused(
            "day", f"{field}: {text.strip()[:20]} is no day", next_step="write it as 2026-03-01"
        ) from error
