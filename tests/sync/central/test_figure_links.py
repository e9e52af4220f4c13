"""Addresses of the lists behind figures, and the charts: every figure has one, and a page that knows it."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qs, urlsplit

from sync.central.console.app import PAGES
from sync.central.figure_charts import hours_chart, trend_chart
from sync.central.figure_links import area_link, events_link, list_link, site_link
from sync.central.figure_words import FIGURES
from sync.central.figures import Figure, Place
from sync.records import Outcome

DAY = date(2026, 3, 31)


def test_every_figure_has_words_and_a_list_of_its_site() -> None:
    paths = {page.path for page in PAGES}
    assert set(FIGURES) == set(Figure)
    for figure in Figure:
        address = urlsplit(list_link(figure, "site-a", DAY))
        assert address.path in paths
        assert parse_qs(address.query)["site"] == ["site-a"]
    for link in (site_link("site-a", DAY), area_link(Place("示例区", "-"), DAY)):
        assert urlsplit(link).path in paths


def test_a_day_ends_with_the_next_one() -> None:
    address = urlsplit(events_link("site a", DAY, Outcome.DENY, reason="not_registered"))
    assert parse_qs(address.query) == {
        "site": ["site a"],
        "since": ["2026-03-31T00:00"],
        "until": ["2026-04-01T00:00"],
        "outcome": ["deny"],
        "reason": ["not_registered"],
    }


def test_charts_show_what_they_are_given() -> None:
    bars = hours_chart((0, 3), "Entries")
    assert (bars["xAxis"]["data"], bars["series"][0]["data"]) == (["0", "1"], [0, 3])
    lines = trend_chart([DAY], [("a", [1]), ("b", [2])])
    assert [one["symbol"] for one in lines["series"]] == ["circle", "rect"]
    assert lines["xAxis"]["data"] == ["03-31"]
