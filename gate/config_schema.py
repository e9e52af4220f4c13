"""What the settings allow at one place of `config.yaml`, in words: used by every complaint about the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from gate.config_sections import whole_file

Location = tuple[str | int, ...]
"""Keys and list positions from the top of the file, e.g. ("lanes", 0, "source", "fps")."""

Schema = Mapping[str, Any]
"""A node of the JSON schema that pydantic derives from the settings."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What the last word of a key says about its number; `factors` turn other spellings into it."""

    words: str
    factors: Mapping[str, float]


_SECONDS_AS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_UNITS = {
    "s": Unit("seconds", _SECONDS_AS),
    "ms": Unit("milliseconds", {name: 1000 * factor for name, factor in _SECONDS_AS.items()}),
    "h": Unit("hours", {name: factor / 3600 for name, factor in _SECONDS_AS.items()}),
    "days": Unit("days", {name: factor / 86_400 for name, factor in _SECONDS_AS.items()} | {"days": 1.0}),
    "px": Unit("pixels", {"px": 1.0, "pixels": 1.0}),
    "deg": Unit("degrees", {"deg": 1.0, "°": 1.0}),
    "mb": Unit("megabytes", {"mb": 1.0, "gb": 1024.0}),
    "fps": Unit("frames per second", {"fps": 1.0, "hz": 1.0}),
    "baud": Unit("bits per second", {"baud": 1.0, "bps": 1.0}),
}
_NUMBER_AND_UNIT = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*([a-z°]+)\s*", re.IGNORECASE)
BOOLEAN_WORDS = "true or false"
_KINDS = {"number": "number", "integer": "whole number", "boolean": BOOLEAN_WORDS}
_FORMATS = {"time": "a time of day such as 06:30", "path": "a path"}


def unit_of(key: str) -> Unit | None:
    """The unit that the last word of `key` names, e.g. seconds for `pulse_s`."""
    return _UNITS.get(key.rsplit("_", 1)[-1])


def number_in_unit(key: str, written: str) -> float | None:
    """The number to write for `written` in the unit of `key`: `pulse_s`, "500ms" → 0.5; else None."""
    unit, match = unit_of(key), _NUMBER_AND_UNIT.fullmatch(written)
    if unit is None or match is None:
        return None
    factor = unit.factors.get(match[2].lower())
    return None if factor is None else float(match[1]) * factor


def schema_at(location: Location) -> Schema | None:
    """What may stand at `location`, references resolved; None where nothing may."""
    node: Schema | None = _root()
    for part in location:
        if node is None:
            return None
        node = _item(node, part) if isinstance(part, int) else node.get("properties", {}).get(part)
        node = _resolved(node) if node is not None else None
    return node


def keys_at(location: Location) -> tuple[str, ...]:
    """The keys of the section at `location`, in the order of the settings; empty where no section stands."""
    return tuple((schema_at(location) or {}).get("properties", {}))


def allowed(location: Location) -> str:
    """What may be written at `location`, with range and unit; empty where nothing can be said."""
    schema = schema_at(location)
    if schema is None:
        return ""
    words = _words(schema)
    unit = unit_of(str(location[-1])) if location else None
    return f"{words}, {unit.words}" if unit and "number" in words else words


def suggestion(key: str, section: Location) -> str:
    """Where an unknown `key` of `section` may have been meant to be: a similar key, or another section."""
    close = get_close_matches(key, keys_at(section), n=1)
    if close:
        unit = unit_of(close[0])
        return f'did you mean "{close[0]}"' + (f" ({unit.words})?" if unit else "?")
    elsewhere = [path for path in _all_keys() if path.rsplit(".", 1)[-1] == key]
    return f"did you mean {' or '.join(elsewhere)}?" if elsewhere else ""


@cache
def _root() -> Schema:
    return whole_file().model_json_schema()


def _item(node: Schema, number: int) -> Schema | None:
    fixed = node.get("prefixItems", [])
    return fixed[number] if number < len(fixed) else node.get("items")


def _resolved(node: Schema) -> Schema:
    """Follow `$ref` and pick the one alternative beside null, keeping the constraints that stand beside."""
    if "$ref" in node:
        return _resolved(_root()["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    if "anyOf" in node:
        choices = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
        return {**_resolved(choices[0]), "nullable": len(choices) < len(node["anyOf"])}
    return node


@cache
def _all_keys() -> tuple[str, ...]:
    """Every key below a section as `section.key`, list positions left out."""
    return tuple(_keys_below(_root(), ()))


def _keys_below(node: Schema, above: tuple[str, ...]) -> Iterator[str]:
    for key, child in node.get("properties", {}).items():
        if above:
            yield ".".join((*above, key))
        yield from _keys_below(_resolved(_resolved(child).get("items", child)), (*above, key))


def _words(schema: Schema) -> str:
    if "properties" in schema:
        return "a section with the keys " + ", ".join(schema["properties"])
    return _value_words(schema) + (", or empty" if schema.get("nullable") else "")


def _value_words(schema: Schema) -> str:
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "pattern" in schema:
        return f"up to {schema['maxLength']} characters without space, /, + and #"
    kind = schema.get("type", "string")
    if kind == "array":
        return _list_words(schema)
    if kind == "string":
        return _FORMATS.get(schema.get("format", ""), "text")
    return _KINDS[kind] + _range(schema)


def _list_words(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"a list of {len(schema['prefixItems'])}, each {_words(_resolved(schema['prefixItems'][0]))}"
    return f"a list, each {_words(_resolved(schema.get('items', {})))}"


def _range(schema: Schema) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" {low}..{high}"
    ends = (
        ("from", low),
        ("above", above),
        ("up to", high),
        ("below", below),
    )
    return ",".join(f" {word} {value:g}" for word, value in ends if value is not None)
