"""Visitors held against key-monitoring lists: people who declare without being registered."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from sync.central import declarations, list_queue, list_visitors
from sync.central.database import Database
from sync.central.declarations import Declarer
from sync.central.list_import import remove_list
from sync.central.list_matches import MatchState, state_of
from sync.central.list_matching import ListMatcher
from sync.central.list_visitors import VisitorMatcher
from sync.central.tables_alerts import alerts
from sync.central.tables_lists import watch_visitor_matches, watch_visitor_queue
from sync.central.tables_phone import visitors
from sync.declarations import WORKER_FORM, Declaration, VisitorPapers
from sync.forms import check, form
from sync.people import DocumentType
from tests.sync.central.gate_box import a_site
from tests.sync.central.list_samples import SITE, VAULT, a_list, match_all, resident_number, slipped
from tests.sync.central.two_writers import meanwhile
from tests.sync.samples import NOON

MINE, PHONE = resident_number(56), "13800000056"
ANSWERS = {
    "health": ["well"],
    "affected": False,
    "contact": False,
    "travelled": False,
    "lodging": "dormitory",
    "lodging_place": "示例路 1 号",
    "truthful": True,
}


class Rig:
    """Lists, visitors and the two matchers over one database."""

    def __init__(self, database: Database) -> None:
        self.database, self.now = database, NOON
        self._lists = ListMatcher(database, VAULT, now=lambda: self.now)
        self._visitors = VisitorMatcher(database, VAULT, self._lists, now=lambda: self.now)

    def declares(self, name: str = "示例访客", number: str = MINE, phone: str = PHONE) -> None:
        papers = VisitorPapers(
            name=name, phone=phone, document_type=DocumentType.RESIDENT_ID, document_number=number
        )
        declaration = Declaration(
            declaration_id=uuid4().hex,
            form_id=WORKER_FORM,
            form_version=1,
            site_id=SITE,
            visitor=papers,
            local_day=self.now.date(),
            declared_at=self.now,
            source="phone",
            answers=ANSWERS,
        )
        checked = check(form(WORKER_FORM, 1), ANSWERS, today=self.now.date())
        with self.database.write() as connection:
            visitor_id = declarations.put_visitor(connection, VAULT, papers, now=self.now)
            declarations.put(
                connection, declaration, checked, Declarer(visitor_id=visitor_id), received_at=self.now
            )

    def match(self) -> None:
        match_all(self._lists)
        while self._visitors.look():
            pass

    def decide(self, *, confirm: bool | None) -> None:
        with self.database.write() as connection:
            (match_id,) = connection.scalars(select(watch_visitor_matches.c.match_id))
            list_visitors.decide(connection, match_id, confirm=confirm, reason="已核实", by="x", now=self.now)

    def found(self) -> list[tuple[str, MatchState]]:
        with self.database.read() as connection:
            rows = connection.execute(select(watch_visitor_matches)).mappings()
            return [(row["found_by"], state_of(row)) for row in rows]

    def alerts(self) -> list[tuple[str, str, int]]:
        column = alerts.c
        query = select(column.rule_id, column.subject, column.times).order_by(column.rule_id)
        with self.database.read() as connection:
            return [tuple(row) for row in connection.execute(query)]


@pytest.fixture
def rig(centre_database: Database) -> Rig:
    a_site(centre_database, SITE)
    return Rig(centre_database)


def test_a_visitor_on_a_list_raises_an_alert_whichever_came_first(rig: Rig) -> None:
    a_list(rig.database, [f",{MINE},,"])
    rig.match()
    rig.declares()
    rig.declares()
    rig.match()
    assert rig.found() == [("number", MatchState.FLAGGED)]
    assert rig.alerts() == [("list_match", "list:contacts", 1)]
    a_list(rig.database, [f",,{PHONE},"], list_id="phones")
    rig.match()
    assert ("list_match", "list:phones", 1) in rig.alerts()
    with rig.database.write() as connection:
        remove_list(connection, "phones", now=rig.now)
    rig.match()
    assert sorted(rig.found()) == [("number", MatchState.FLAGGED), ("phone", MatchState.GONE)]
    with rig.database.read() as connection:
        assert connection.execute(select(watch_visitor_queue)).first() is None


def test_a_near_match_of_a_visitor_waits_and_a_cleared_one_is_not_told_again(rig: Rig) -> None:
    rig.declares()
    a_list(rig.database, [f",{slipped(MINE)},,"])
    rig.match()
    assert rig.found() == [("number_near", MatchState.TO_CONFIRM)]
    assert [rule for rule, _, _ in rig.alerts()] == ["list_near"]
    rig.decide(confirm=True)
    assert [rule for rule, _, _ in rig.alerts()] == ["list_match", "list_near"]
    rig.decide(confirm=False)
    rig.now += timedelta(days=1)
    a_list(rig.database, [",,13800000099,", f",{slipped(MINE)},,"], now=rig.now)
    rig.match()
    assert rig.found() == [("number_near", MatchState.CLEARED)]
    assert [times for _, _, times in rig.alerts()] == [1, 1]
    rig.decide(confirm=None)
    assert rig.found() == [("number_near", MatchState.TO_CONFIRM)]


def test_a_visitors_entry_that_ends_is_over(rig: Rig) -> None:
    rig.declares()
    ends: datetime = NOON + timedelta(hours=1)
    a_list(rig.database, [f",{MINE},,"], valid_until=ends)
    rig.match()
    rig.now = ends
    rig.match()
    assert rig.found() == [("number", MatchState.GONE)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_who_declares_while_everybody_is_asked_for_waits_once(rig: Rig) -> None:
    rig.declares()
    rig.match()
    with rig.database.read() as connection:
        (visitor_id,) = connection.scalars(select(visitors.c.visitor_id))
    meanwhile(
        rig.database,
        lambda connection: list_queue.ask_visitor(connection, visitor_id, rig.now),
        lambda connection: list_queue.ask_all_visitors(connection, rig.now),
    )
    with rig.database.read() as connection:
        assert list(connection.scalars(select(watch_visitor_queue.c.visitor_id))) == [visitor_id]
