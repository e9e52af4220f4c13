"""Why somebody was let in or not: what the event recorded, and what the record says of a moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from sync.central import registry, tables
from sync.central.accounts_access import NotFound, Role, Viewer
from sync.central.database import Database
from sync.central.event_telling import Detail, Story, Told, story_of
from sync.central.front_office import FrontOffice
from sync.central.worker_standing import Fact, Topic, Weighs, Window, facts_at
from sync.health_pass import flags_of
from sync.records import Clearance, Flag, FlagLevel, Method, Outcome, Worker, WorkerStatus
from sync.screening.pass_rules import shipped_pass_rules
from tests.sync.central.console_samples import ADMIN, NOW, A, B, Clock, an_event, an_office

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
UNTIL = datetime.fromisoformat("2026-03-09T00:00+08:00")
TRANSITIONS = {one.cause: one.transition for one in shipped_pass_rules().causes}
LISTED = Flag(level=FlagLevel.HOLD, category="证件", reason="待核", valid_until=NOW)
MEDICAL = Clearance(kind="medical", valid_from=NOW - DAY, valid_until=NOW + DAY)


def told(note: str, *reasons: str, method: Method = Method.FACE) -> Story:
    event = an_event(1, NOW, outcome=Outcome.DENY, reasons=reasons or ("flag_hold",), method=method)
    return story_of(event.model_copy(update={"note": note}))


def test_the_note_of_a_gate_is_taken_apart_and_what_nobody_understands_stays_as_it_is() -> None:
    story = told(
        "pass 00ff, face of W 9; pass 00ff, face of W-9; temperature 38.2 °C; "
        "temperature: serial /dev/ttyUSB0 does not answer; clearance_missing test; "
        "clearance_expired medical until 2026-03-09T00:00+08:00; rest until 10:05; of a newer gate",
        "temperature_high",
        "clearance_missing",
    )
    assert (story.decided_by, story.also) == ("temperature_high", ("clearance_missing",))
    assert story.details == (
        Detail(Told.NOTE, "pass 00ff, face of W 9"),
        Detail(Told.SHOWN, "00ff"),
        Detail(Told.OTHER_FACE, "W-9"),
        Detail(Told.TEMPERATURE, "38.2 °C"),
        Detail(Told.NO_TEMPERATURE, "serial /dev/ttyUSB0 does not answer"),
        Detail(Told.CLEARANCE, "test", "clearance_missing"),
        Detail(Told.CLEARANCE, "medical", "clearance_expired", UNTIL),
        Detail(Told.REST, "10:05"),
        Detail(Told.NOTE, "of a newer gate"),
    )


def test_what_a_guard_wrote_is_not_read_as_the_gate_s() -> None:
    by_hand = told("temperature 36.5 °C; 证件已核对", method=Method.OVERRIDE)
    assert by_hand.details == (Detail(Told.NOTE, "temperature 36.5 °C; 证件已核对"),)
    assert told("").details == ()


@given(st.text(max_size=80))
def test_no_note_breaks_the_page(note: str) -> None:
    assert all(detail.text for detail in told(note).details if detail.told is not Told.NOTE)


def worker(**changes: object) -> Worker:
    return Worker(worker_id="W-1", name="示例甲", site_ids=(A, B)).model_copy(update=changes)


def of(topic: Topic, facts: tuple[Fact, ...]) -> list[tuple[str, Weighs]]:
    return [(str(fact.state), fact.weighs) for fact in facts if fact.topic is topic]


def test_every_window_begins_with_its_first_instant_and_ends_before_its_last() -> None:
    one = worker(flags=(LISTED,), clearances=(MEDICAL,), grant_from=NOW, grant_until=NOW + DAY)
    before, then = (facts_at(one, at, with_pass=True) for at in (NOW - TICK, NOW))
    assert of(Topic.GRANT, before) == [(Window.NOT_YET, Weighs.AGAINST)]
    assert of(Topic.GRANT, then) == [(Window.HOLDS, Weighs.FOR)]
    assert of(Topic.FLAG, before) == [(Window.HOLDS, Weighs.DEPENDS)]
    assert of(Topic.FLAG, then) == [(Window.OVER, Weighs.NOT)]
    assert of(Topic.CLEARANCE, facts_at(one, NOW + DAY, with_pass=True)) == [(Window.OVER, Weighs.NOT)]
    assert of(Topic.SITE, then) == [(Window.HOLDS, Weighs.FOR)] * 2
    left = facts_at(worker(status=WorkerStatus.LEFT), NOW, with_pass=True)
    assert of(Topic.STATUS, left) == [("left", Weighs.AGAINST)]


def test_the_colour_follows_the_moment_and_its_flags_are_not_told_twice() -> None:
    red = worker(flags=flags_of("contact", NOW, entry_id="e", transitions=TRANSITIONS))
    for at, expected in (
        (NOW - TICK, ("none", Weighs.DEPENDS)),
        (NOW, ("red", Weighs.AGAINST)),
        (NOW + 14 * DAY, ("none", Weighs.DEPENDS)),
    ):
        facts = facts_at(red, at, with_pass=True)
        assert of(Topic.COLOUR, facts) == [expected]
        assert of(Topic.FLAG, facts) == []
    assert of(Topic.COLOUR, facts_at(red, NOW, with_pass=False)) == []


@pytest.fixture
def office(tmp_path: Path) -> Iterator[FrontOffice]:
    with Database.open(f"sqlite:///{tmp_path / 'central.db'}") as database:
        made = an_office(database, Clock())
        with database.write() as connection:
            registry.put_worker(connection, worker(), now=NOW)
        yield made


def test_a_moment_is_told_within_the_sites_of_the_viewer_with_a_line_and_the_colour_only_by_right(
    office: FrontOffice,
) -> None:
    manager = Viewer("manager-a", "", Role.SITE_MANAGER, frozenset({A}))
    facts = office.workers.standing(manager, "W-1", NOW - DAY)
    assert [fact.name for fact in facts if fact.topic is Topic.SITE] == [A]
    assert of(Topic.COLOUR, facts) == [("none", Weighs.DEPENDS)]
    checker = Viewer("checker", "", Role.CHECKER, frozenset({A}))
    assert of(Topic.COLOUR, office.workers.standing(checker, "W-1", NOW)) == []
    with pytest.raises(NotFound):
        office.workers.standing(Viewer(ADMIN, "", Role.ADMIN, frozenset()), "W-1", NOW)
    with office.database.read() as connection:
        lines = connection.execute(
            select(tables.audit.c.actor, tables.audit.c.subject, tables.audit.c.detail)
            .where(tables.audit.c.action == "looked_at_worker")
            .order_by(tables.audit.c.audit_id)
        ).all()
    assert [line.actor for line in lines] == ["manager-a", "checker", ADMIN]
    assert lines[0].subject == "worker:W-1"
    assert lines[0].detail["standing_at"] == (NOW - DAY).isoformat(timespec="minutes")
