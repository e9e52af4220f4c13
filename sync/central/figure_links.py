"""Where the list behind a figure is: addresses of the console's pages with their filters set. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from sync.central.figures import Figure, Place
from sync.records import Direction, Outcome

DASHBOARD = "/dashboard"

_OUTCOMES = {
    Figure.PEOPLE_IN: Outcome.ALLOW,
    Figure.ENTRIES: Outcome.ALLOW,
    Figure.REFUSED: Outcome.DENY,
    Figure.HELD: Outcome.HOLD,
}
_DECLARATIONS = frozenset(
    {
        Figure.EXPECTED,
        Figure.DECLARED,
        Figure.MISSING,
        Figure.VISITORS,
        Figure.AFFECTED,
        Figure.UNWELL_DECLARED,
    }
)
_LISTS: Mapping[Figure, tuple[str, Mapping[str, str]]] = {
    Figure.ON_SITE: ("/on-site", {}),
    Figure.TEST_DUE: ("/clearances", {"kind": "test", "show": "due"}),
    Figure.TEST_DONE: ("/clearances", {"kind": "test", "show": "due"}),
    Figure.TEST_OVERDUE: ("/clearances", {"kind": "test", "show": "overdue"}),
    Figure.TRAINING_DUE: ("/clearances", {"kind": "training", "show": "due"}),
    Figure.TRAINING_DONE: ("/clearances", {"kind": "training", "show": "not_done"}),
    Figure.GREEN: ("/passes", {"colour": "green"}),
    Figure.YELLOW: ("/passes", {"colour": "yellow"}),
    Figure.RED: ("/passes", {"colour": "red"}),
    Figure.ALERTS: ("/alerts", {}),
    Figure.FINDINGS_OVERDUE: ("/inspections", {"state": "overdue"}),
    Figure.CHECKS_DUE: ("/inspections", {}),
}
REPORTED = frozenset({Figure.RETURNED, Figure.UNWELL, Figure.SUPPLIES_SHORT})
"""From the reports of employers, which have no page of their own."""


def list_link(figure: Figure, site_id: str, day: date) -> str:
    """The page of one site's list for a figure; of what employers reported that of the declarations."""
    if figure in _OUTCOMES:
        direction = Direction.IN if _OUTCOMES[figure] is Outcome.ALLOW else None
        return events_link(site_id, day, _OUTCOMES[figure], direction=direction)
    if figure in _DECLARATIONS | REPORTED:
        return _address("/declarations", {"site": site_id, "day": day.isoformat()})
    path, fixed = _LISTS[figure]
    return _address(path, {"site": site_id, **fixed})


def events_link(
    site_id: str, day: date, outcome: Outcome, *, direction: Direction | None = None, reason: str = ""
) -> str:
    """The access log of one site and day, by the clock there."""
    since = datetime.combine(day, time.min)
    asked = {
        "site": site_id,
        "since": since.isoformat(timespec="minutes"),
        "until": (since + timedelta(days=1)).isoformat(timespec="minutes"),
        "outcome": outcome.value,
        "direction": direction.value if direction else "",
        "reason": reason,
    }
    return _address("/", asked)


def site_link(site_id: str, day: date) -> str:
    """The dashboard of one site."""
    return _address(DASHBOARD, {"site": site_id, "day": day.isoformat()})


def area_link(area: Place, day: date) -> str:
    """The dashboard of a district or sub-district."""
    asked = {"district": area.district, "sub_district": area.sub_district, "day": day.isoformat()}
    return _address(DASHBOARD, asked)


def _address(path: str, asked: Mapping[str, str]) -> str:
    return f"{path}?{urlencode({name: value for name, value in asked.items() if value})}"
