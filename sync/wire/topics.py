"""MQTT topics. One site and one gate per topic, so that a broker's ACL can hold each gate to its own.

sitegate/1/<site>/<gate>/up/<kind>      gate → centre
sitegate/1/<site>/<gate>/down/<kind>    centre → one gate
sitegate/1/<site>/all/down/<kind>       centre → every gate of the site
"""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "sitegate/1"
ALL_GATES = "all"
"""Reserved: no gate may have this id."""
PROBE = "acl-probe"
"""Reserved: nobody is it. A gate that may speak for it may speak for others; see `sync.edge.acl_probe`."""

HELLO, HEALTH, BATCH, WANT, ANSWER, ASK = "hello", "health", "batch", "want", "answer", "ask"
UP_KINDS = (HELLO, HEALTH, BATCH, WANT, ANSWER, ASK)

ACK, HEAD, ROSTER, COMMAND, REPLY = "ack", "head", "roster", "command", "reply"
NOTICES = "notices"
DOWN_KINDS = (ACK, HEAD, ROSTER, COMMAND, REPLY, NOTICES)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a topic leads: `kind` of message, to or from `gate_id` of `site_id`."""

    site_id: str
    gate_id: str
    direction: str
    kind: str

    @property
    def topic(self) -> str:
        return f"{PREFIX}/{self.site_id}/{self.gate_id}/{self.direction}/{self.kind}"


def up(site_id: str, gate_id: str, kind: str) -> str:
    """Topic on which a gate publishes."""
    return Address(site_id, gate_id, "up", kind).topic


def down(site_id: str, gate_id: str, kind: str) -> str:
    """Topic on which the centre publishes to one gate, or to `ALL_GATES`."""
    return Address(site_id, gate_id, "down", kind).topic


def is_probe(topic: str) -> bool:
    """Whether somebody only tries what the broker's ACL lets through."""
    return PROBE in topic.split("/")[2:4]


def every_up(kind: str = "+", *, shared: str = "") -> str:
    """Filter for everything that gates send; `shared` names the group of a shared subscription."""
    plain = f"{PREFIX}/+/+/up/{kind}"
    return f"$share/{shared}/{plain}" if shared else plain


def for_gate(site_id: str, gate_id: str) -> tuple[str, str]:
    """Filters of everything that the centre sends to one gate."""
    return (f"{PREFIX}/{site_id}/{gate_id}/down/+", f"{PREFIX}/{site_id}/{ALL_GATES}/down/+")


def parse(topic: str) -> Address:
    """Raises ValueError for a topic that is not ours."""
    parts = topic.split("/")
    known = {"up": UP_KINDS, "down": DOWN_KINDS}
    if len(parts) != 6 or "/".join(parts[:2]) != PREFIX or parts[5] not in known.get(parts[4], ()):
        raise ValueError(f"{topic!r} is no topic of Sitegate")
    return Address(parts[2], parts[3], parts[4], parts[5])
