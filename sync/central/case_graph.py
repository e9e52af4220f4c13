"""A case drawn: the case, the places where it met people, the people. Pure: nodes and links for ECharts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.central.case_desk import CaseFacts, ContactRow
from sync.central.cases import ContactState
from sync.tracing.telling import place_of

CONTACTS_DRAWN = 150
"""More make a knot; the table has all."""

_CASE, _PLACE = "case", "place"
_SIZES = {_CASE: 46, _PLACE: 24}
_CONTACT_SIZE = 16


@dataclass(frozen=True, slots=True)
class Drawing:
    """`nodes` and `links` as a series of the kind graph takes them; `left_out`: contacts not drawn."""

    nodes: tuple[Mapping[str, Any], ...]
    links: tuple[Mapping[str, str], ...]
    left_out: int


def drawing(facts: CaseFacts) -> Drawing:
    """Contacts by their reasons that hold, the latest met first; dismissed ones are left to the table."""
    wanted = [
        one for one in facts.contacts if one.last_day is not None and one.state is not ContactState.DISMISSED
    ]
    nodes: dict[str, Mapping[str, Any]] = {_CASE: _node(_CASE, facts.row.name, _CASE)}
    links: dict[tuple[str, str], None] = {}
    for one in wanted[:CONTACTS_DRAWN]:
        nodes[one.contact_id] = _node(one.contact_id, label_of(one), one.state.value)
        for reason in one.reasons:
            for meeting in reason.meetings if reason.holds else ():
                place, label = place_of(meeting)
                nodes.setdefault(place, _node(place, label, _PLACE))
                links[_CASE, place] = None
                links[place, one.contact_id] = None
    return Drawing(
        tuple(nodes.values()),
        tuple({"source": source, "target": target} for source, target in links),
        max(0, len(wanted) - CONTACTS_DRAWN),
    )


def label_of(contact: ContactRow) -> str:
    """Name, else number; dots for somebody of another site."""
    return "…" if contact.is_hidden else contact.name or contact.worker_id


def chart(drawn: Drawing, categories: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Options for ECharts. categories: for each kind of node its words and its colour."""
    order = list(categories)
    return {
        "animation": False,
        "legend": {"data": [words for words, _ in categories.values()], "top": 0},
        "color": [colour for _, colour in categories.values()],
        "series": [
            {
                "type": "graph",
                "layout": "force",
                "roam": True,
                "top": 60,
                "force": {"repulsion": 260, "edgeLength": 70, "layoutAnimation": False},
                "label": {"show": True, "position": "right", "color": "#16202b"},
                "lineStyle": {"color": "#5b6875", "width": 1.5},
                "categories": [{"name": words} for words, _ in categories.values()],
                "data": [{**node, "category": order.index(node["category"])} for node in drawn.nodes],
                "links": list(drawn.links),
            }
        ],
    }


def _node(node_id: str, name: str, category: str) -> Mapping[str, Any]:
    size = _SIZES.get(category, _CONTACT_SIZE)
    return {"id": node_id, "name": name, "category": category, "symbolSize": size}
