"""Figures: what each counts, how sites make a whole, who sees which, of today and of days gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, insert, select

from sync.central import accounts_access, site_registry, tables
from sync.central.access_log import EventFilter
from sync.central.accounts_access import NotAllowed, NotFound, Right, Role, Viewer
from sync.central.alert_desk import AlertFilter
from sync.central.audit import Action
from sync.central.clearance_desk import Show, Wanted
from sync.central.figures import (
    PEOPLE,
    UNNAMED,
    Due,
    Figure,
    Figures,
    Place,
    SiteOfPlace,
    Tallies,
    Tally,
    members_of,
    of_days,
)
from sync.central.front_office import FrontOffice
from sync.central.inspection_desk import FindingFilter
from sync.central.numbers import TREND_FIGURES
from sync.health_pass import PassColour
from sync.records import Direction, Outcome
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import MANAGER_B, NOW, A, B, Clock, an_event, at, event_row
from tests.sync.central.numbers_samples import ADMIN, COMPANY, DISTRICT, OTHER_COMPANY, TODAY, with_figures
from tests.sync.central.test_inspections import inspect

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
OF_B = Viewer(MANAGER_B, "", Role.SITE_MANAGER, frozenset({B}))
MEDIC = Viewer("medic", "", Role.MEDIC, None)
CHECKER = Viewer("checker", "", Role.CHECKER, None)

SITES = ("s1", "s2", "s3", "s4")
counts = st.dictionaries(st.sampled_from(SITES), st.integers(0, 9))
people = st.sets(st.tuples(st.sampled_from(SITES), st.sampled_from("abcdef")))


@given(counts, people, st.sets(st.sampled_from(SITES)))
def test_a_whole_is_the_sum_of_its_parts_and_counts_nobody_twice(
    entries: dict[str, int], at_work: set[tuple[str, str]], one_part: set[str]
) -> None:
    def whole(of: set[str]) -> Figures:
        mine = {site: count for site, count in entries.items() if site in of}
        who = {pair for pair in at_work if pair[0] in of}
        people_in = Tally.of_people(who, dict.fromkeys(SITES, Place("示例区")))
        found = {Figure.ENTRIES: Tally.added(mine), Figure.PEOPLE_IN: people_in}
        return Tallies(found, {(site, 7): count for site, count in mine.items()}).whole()

    everything = set(SITES)
    district, parts = whole(everything), [whole(one_part), whole(everything - one_part)]
    by_site = [whole({site}) for site in SITES]
    for pieces in (parts, by_site):
        assert sum(one.values[Figure.ENTRIES] for one in pieces) == district.values[Figure.ENTRIES]
        assert sum(one.hours[7] for one in pieces) == district.hours[7] == district.values[Figure.ENTRIES]
        counted = [one.values[Figure.PEOPLE_IN] for one in pieces]
        assert max(counted) <= district.values[Figure.PEOPLE_IN] <= sum(counted)
    assert district.values[Figure.PEOPLE_IN] == len({person for _, person in at_work})


@given(people, people, people, st.lists(st.sampled_from("xyz"), min_size=4, max_size=4))
def test_an_area_counts_nobody_twice_whatever_its_people_are_made_of(
    needed: set[tuple[str, str]], done: set[tuple[str, str]], guests: set[tuple[str, str]], parts: list[str]
) -> None:
    areas = {site: Place("示例区", part) for site, part in zip(SITES, parts, strict=True)}
    done &= needed
    named = {(site, f"guest {person}") for site, person in guests}
    tally = Tally.of_people(needed, areas) - Tally.of_people(done, areas) + Tally.of_people(named, areas)
    for area, site_ids in members_of(areas).items():
        needed_here, done_here, guests_here = (
            {person for site, person in group if site in site_ids} for group in (needed, done, guests)
        )
        here = len(needed_here) - len(done_here) + len(guests_here)
        assert Tallies({Figure.MISSING: tally}).of_area(area, {*site_ids}).values == {Figure.MISSING: here}


@given(st.integers(0, 2 * 365 * 24 * 3600))
def test_today_is_the_day_at_each_site(later_s: int) -> None:
    now = NOW + timedelta(seconds=later_s)
    zones = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Kathmandu", "Europe/Berlin")
    sites = [SiteOfPlace(key, key, "", ZoneInfo(key), "", "") for key in zones]
    for group in of_days(sites, None, now):
        assert group.is_live
        assert group.day == now.astimezone(group.zone).date()
        assert group.begin <= now < group.end
        assert (
            timedelta(hours=23) <= group.end.astimezone(ZoneInfo("UTC")) - group.begin <= timedelta(hours=25)
        )


def test_every_figure_counts_what_it_says(office: FrontOffice) -> None:
    with_figures(office)
    board = office.numbers.board(ADMIN, Place(DISTRICT), None)
    assert (board.day, board.is_live, [one.site_id for one in board.sites]) == (TODAY, True, [B, A])
    a, b, whole = board.by_site[A].values, board.by_site[B].values, board.whole.values
    assert set(whole) == set(Figure)
    # are in, A-004 went out at noon; B-001 went on from B to A.
    assert (a[Figure.ON_SITE], b[Figure.ON_SITE], whole[Figure.ON_SITE]) == (3, 0, 3)
    assert (a[Figure.ENTRIES], b[Figure.ENTRIES], whole[Figure.ENTRIES]) == (5, 1, 6)
    assert (a[Figure.PEOPLE_IN], b[Figure.PEOPLE_IN], whole[Figure.PEOPLE_IN]) == (4, 1, 4)
    assert {hour: count for hour, count in enumerate(board.by_site[A].hours) if count} == {
        6: 1,
        7: 2,
        13: 1,
        14: 1,
    }
    assert (whole[Figure.REFUSED], whole[Figure.HELD]) == (2, 1)
    assert board.whole.reasons == {("deny", "not_registered"): 2, ("hold", "flag_hold"): 1}
    assert [a[one] for one in (Figure.EXPECTED, Figure.DECLARED, Figure.MISSING)] == [6, 3, 3]
    assert [whole[one] for one in (Figure.EXPECTED, Figure.DECLARED, Figure.MISSING)] == [6, 3, 3]
    assert [b[one] for one in (Figure.EXPECTED, Figure.DECLARED, Figure.MISSING)] == [1, 1, 0]
    assert (a[Figure.AFFECTED], b[Figure.AFFECTED], whole[Figure.AFFECTED]) == (1, 1, 1)
    assert (whole[Figure.UNWELL_DECLARED], whole[Figure.VISITORS]) == (1, 0)
    assert (a[Figure.RETURNED], b[Figure.RETURNED], whole[Figure.RETURNED], whole[Figure.UNWELL]) == (
        3,
        2,
        5,
        1,
    )
    short = [(one.employer, one.supply, (one.on - TODAY).days) for one in board.whole.short]
    assert short == [(OTHER_COMPANY, "gloves", 1), (COMPANY, "masks", 2)]
    assert (a[Figure.SUPPLIES_SHORT], b[Figure.SUPPLIES_SHORT]) == (2, 0)
    assert (board.by_site[A].due["training"], board.whole.due["training"]) == (Due(6, 1, 0), Due(6, 1, 0))
    assert (whole[Figure.TRAINING_DUE], whole[Figure.TRAINING_DONE], whole[Figure.TEST_DUE]) == (6, 1, 0)
    assert [whole[one] for one in (Figure.RED, Figure.YELLOW, Figure.GREEN)] == [2, 1, 1]
    assert [b[one] for one in (Figure.RED, Figure.YELLOW, Figure.GREEN)] == [1, 0, 0]
    for figure in set(Figure) - PEOPLE:
        assert a[figure] + b[figure] == whole[figure], figure


def test_areas_have_the_figures_that_they_have_when_they_are_asked_for(office: FrontOffice) -> None:
    with_figures(office)
    with office.database.write() as connection:
        site_registry.put_site(connection, "site-c", name="示例三", timezone="Asia/Shanghai", now=NOW)
        site_registry.put_site(connection, "site-d", name="示例四", timezone="Asia/Shanghai", now=NOW)
        site_registry.set_site_place(connection, B, district=DISTRICT, sub_district="滨江街道")
        site_registry.set_site_place(connection, "site-c", district=DISTRICT)
    river, without = Place(DISTRICT, "滨江街道"), Place(DISTRICT, UNNAMED)
    for day in (None, TODAY - timedelta(days=1)):
        board = office.numbers.board(ADMIN, Place(DISTRICT), day)
        assert {*board.by_area} == {river, without}
        for area, figures in board.by_area.items():
            needed = {kind: one for kind, one in figures.due.items() if one.due}
            assert replace(figures, due=needed) == office.numbers.board(ADMIN, area, day).whole
    everything = office.numbers.board(ADMIN, Place(), None)
    assert {*everything.by_area} == {Place(DISTRICT), Place(UNNAMED)}
    both = everything.by_area[Place(DISTRICT)]
    assert both == office.numbers.board(ADMIN, Place(DISTRICT), None).whole
    assert both.values[Figure.EXPECTED] == 6  # B-001 works at two of its sites
    asked = office.numbers.board(ADMIN, Place(UNNAMED), None)
    assert [one.site_id for one in asked.sites] == ["site-d"] and asked.by_area == {}
    assert office.numbers.board(OF_B, Place(DISTRICT), None).by_area == {}


@ON_ONE
def test_areas_are_counted_by_the_queries_of_the_whole_and_kept_with_it(office: FrontOffice) -> None:
    with_figures(office)
    asked: list[str] = []
    listen = partial(event.listen, office.database.engine, "before_cursor_execute")
    listen(lambda *about: asked.append(str(about[2])))

    def questions() -> int:
        asked.clear()
        board = office.numbers.board(ADMIN, Place(DISTRICT), None, action=None)
        assert len(board.by_area) == min(len({one.sub_district for one in board.sites}), len(board.sites))
        return sum(statement.lstrip().startswith("SELECT") for statement in asked)

    of_two = questions()
    assert questions() == 1  # which sites there are
    with office.database.write() as connection:
        for number in range(5):
            site_registry.put_site(connection, f"s-{number}", name="示例", timezone="Asia/Shanghai", now=NOW)
            site_registry.set_site_place(
                connection, f"s-{number}", district=DISTRICT, sub_district=f"街道{number}"
            )
    assert questions() == of_two


def test_the_lists_behind_the_figures_are_as_long(office: FrontOffice) -> None:
    with_figures(office)
    figures = office.numbers.board(ADMIN, Place(site_id=A), TODAY).whole.values
    assert office.presence.now(ADMIN, site_id=A).total == figures[Figure.ON_SITE]
    assert len(office.alerts.rows(ADMIN, AlertFilter(A))) == figures[Figure.ALERTS]
    assert len(office.passes.rows(ADMIN, site_id=A, colour=PassColour.RED)) == figures[Figure.RED]
    assert len(office.declarations.missing(ADMIN, A, TODAY)) == figures[Figure.MISSING]
    not_trained = office.clearances.page(ADMIN, Wanted(A, kind="training", show=Show.NOT_DONE)).lines
    assert len(not_trained) == figures[Figure.TRAINING_DUE] - figures[Figure.TRAINING_DONE]
    entered = EventFilter(site_id=A, since=at("03-02 00:00"), outcome=Outcome.ALLOW, direction=Direction.IN)
    listed = office.access_log.count(ADMIN, entered).count
    assert listed == figures[Figure.ENTRIES] + 1  # and somebody who was let in and did not pass
    lines = office.numbers.site_reports(ADMIN, Place(DISTRICT), TODAY)
    assert [(one.site_id, one.returned) for one in lines] == [(A, 3), (B, 2)]


@ON_ONE
def test_what_was_counted_for_one_scope_is_not_shown_to_another(office: FrontOffice) -> None:
    with_figures(office)
    of_both = Viewer("manager-ab", "", Role.SITE_MANAGER, frozenset({A, B}))
    for viewer, here in ((of_both, 0), (OF_B, 1), (of_both, 0)):  # B-001 went on from B to A
        board = office.numbers.board(viewer, Place(site_id=B), None)
        assert board.whole.values[Figure.ON_SITE] == office.presence.now(viewer, site_id=B).total == here


@ON_ONE
def test_everybody_sees_the_own_sites_and_what_the_role_may_see(
    office: FrontOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_figures(office)
    mine = office.numbers.board(OF_B, Place(DISTRICT), None)
    assert [one.site_id for one in mine.sites] == [B]
    assert (mine.whole.values[Figure.ENTRIES], mine.whole.values[Figure.EXPECTED]) == (1, 1)
    with pytest.raises(NotFound):
        office.numbers.board(OF_B, Place(site_id=A), None)
    with pytest.raises(NotAllowed):
        office.numbers.board(CHECKER, Place(), None)
    assert Figure.ALERTS not in office.numbers.board(MEDIC, Place(), None).whole.values
    monkeypatch.setitem(accounts_access._RIGHTS, Role.CHECKER, frozenset({Right.USE_CONSOLE}))
    poor = office.numbers.board(CHECKER, Place(), None).whole
    assert not {*poor.values} & {Figure.RETURNED, Figure.UNWELL, Figure.AFFECTED, Figure.MISSING, Figure.RED}
    assert poor.values[Figure.ENTRIES] == 6
    assert poor.short == ()
    assert set(office.numbers.trend(CHECKER, Place(), None, 7).values) == {Figure.ENTRIES, Figure.REFUSED}
    with pytest.raises(NotAllowed):
        office.numbers.site_reports(CHECKER, Place(), TODAY)
    office.numbers.board(OF_B, Place(DISTRICT), TODAY, action=None)
    with office.database.read() as connection:
        rows = connection.execute(select(tables.audit).order_by(tables.audit.c.audit_id)).all()
    looks = [(row.actor, row.site_id, row.detail) for row in rows if row.action == Action.LOOKED_AT_NUMBERS]
    assert looks[0] == (MANAGER_B, "", {"via": "console", "address": "", "district": DISTRICT})
    assert len(looks) == 5
    with pytest.raises(NotFound, match="no district with sites 样例区"):
        office.numbers.board(OF_B, Place("样例区"), None)


def test_a_day_gone_has_what_the_records_still_tell(office: FrontOffice) -> None:
    with_figures(office)
    board = office.numbers.board(ADMIN, Place(), TODAY - timedelta(days=1))
    assert not board.is_live
    assert (board.whole.values[Figure.ENTRIES], board.whole.values[Figure.REFUSED]) == (2, 0)
    assert not {Figure.ON_SITE, Figure.RED, Figure.CHECKS_DUE} & set(board.whole.values)
    assert board.whole.values[Figure.ALERTS] == 0
    assert [one.supply for one in board.whole.short] == ["gloves"]
    found = office.numbers.trend(ADMIN, Place(DISTRICT), TODAY, 3)
    assert found.days == tuple(TODAY - timedelta(days=ago) for ago in (2, 1, 0))
    assert found.values[Figure.ENTRIES] == (0, 2, 6)
    assert found.values[Figure.DECLARED] == (0, 0, 3)
    assert found.values[Figure.RETURNED] == (0, 0, 5)
    assert (
        found.values[Figure.ALERTS][-1]
        == office.numbers.board(ADMIN, Place(), TODAY).whole.values[Figure.ALERTS]
    )
    assert set(found.values) == set(TREND_FIGURES)
    nobody_yet = office.numbers.board(ADMIN, Place(), date(2020, 1, 1)).whole
    assert sum(nobody_yet.hours) == nobody_yet.values[Figure.REFUSED] == 0


def test_hours_and_days_are_those_of_the_site(office: FrontOffice) -> None:
    nepal, new_york = ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/New_York")
    with office.database.write() as connection:
        for site_id, zone in (("site-n", nepal), ("site-y", new_york)):
            site_registry.put_site(connection, site_id, name=site_id, timezone=zone.key, now=NOW)
            site_registry.set_site_place(connection, site_id, district="远方")
    before_midnight = datetime(2026, 3, 1, 23, 40, tzinfo=new_york)
    entered = [
        ("site-n", datetime(2026, 3, 2, 6, 10, tzinfo=nepal), nepal),
        ("site-y", before_midnight, new_york),
    ]
    with office.database.write() as connection:
        rows = [
            event_row(an_event(1, moment.astimezone(UTC), site_id=site_id), {}, zone)
            for site_id, moment, zone in entered
        ]
        connection.execute(insert(tables.events), rows)
    today = office.numbers.board(ADMIN, Place("远方"), None)  # 2 March at both
    assert [hour for hour, count in enumerate(today.whole.hours) if count] == [6]
    yesterday = office.numbers.board(ADMIN, Place("远方"), date(2026, 3, 1))
    assert [hour for hour, count in enumerate(yesterday.whole.hours) if count] == [23]
    assert not yesterday.is_live


def test_overdue_findings_and_checks_due_are_counted_of_today(office: FrontOffice, clock: Clock) -> None:
    inspect(office)
    clock.moves(days=5)
    figures = office.numbers.board(ADMIN, Place(site_id=A), None).whole.values
    assert figures[Figure.FINDINGS_OVERDUE] == len(
        office.inspections.findings(ADMIN, FindingFilter(A, overdue=True))
    )
    assert figures[Figure.FINDINGS_OVERDUE] == 2
    assert figures[Figure.CHECKS_DUE] > 0
