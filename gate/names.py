"""How much of a name a screen that everybody can read may show."""

from __future__ import annotations

from typing import Literal

NameDisplay = Literal["full", "masked", "none"]
_MASK = "*"
_SHORTEST_WITH_LAST_LETTER = 3


def displayed_name(name: str, display: NameDisplay) -> str:
    """`masked` keeps the first character and, of longer names, the last one.

    >>> displayed_name("王小明", "masked"), displayed_name("张三", "masked")
    ('王*明', '张*')
    >>> displayed_name("Anna Lee", "masked")
    'A**a L*e'
    """
    if display == "none":
        return ""
    if display == "full":
        return name
    return " ".join(_masked(word) for word in name.split())


def _masked(word: str) -> str:
    if len(word) < _SHORTEST_WITH_LAST_LETTER:
        return word[:1] + _MASK * (len(word) - 1)
    return word[0] + _MASK * (len(word) - 2) + word[-1]
