"""A screen that everybody reads shows of a name what the site has chosen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gate.names import displayed_name


def test_masked_names_keep_the_ends_only() -> None:
    shown = [displayed_name(n, "masked") for n in ("张三", "王小明", "欧阳小小明", "Anna Lee", "X")]
    assert shown == ["张*", "王*明", "欧***明", "A**a L*e", "X"]


def test_full_and_none_do_what_they_say() -> None:
    assert displayed_name("王小明", "full") == "王小明"
    assert displayed_name("王小明", "none") == ""


@given(st.text(min_size=2, max_size=30).filter(lambda name: name.split() == [name]))
def test_a_masked_word_keeps_its_length_and_hides_its_middle(name: str) -> None:
    shown = displayed_name(name, "masked")
    assert len(shown) == len(name)
    assert set(shown[1:-1]) <= {"*"}
