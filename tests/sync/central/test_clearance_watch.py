"""The declaration of the day as a clearance, and overdue orders: what the job of the aftercare does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from sync.central import clearance_watch, registry
from sync.central.clearance_desk import ClearanceDesk
from sync.central.clearance_watch import ClearanceWatch
from sync.central.declarations import declaration_handler
from sync.central.front_office import FrontOffice
from sync.central.notes import NoteContext
from sync.central.tables_alerts import alerts
from sync.clearance_rules import shipped_rules
from sync.declarations import WORKER_FORM, Declaration
from sync.records import Clearance
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import A, Clock, at
from tests.sync.central.lodging_samples import MANAGER, TODAY, VAULT

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

Told = list[Mapping[str, int]]


def watch_of(office: FrontOffice, told: Told, *, with_declarations: bool = True) -> ClearanceWatch:
    return ClearanceWatch(
        office.database,
        shipped_rules(),
        now=office.now,
        on_roster_change=told.append,
        with_declarations=with_declarations,
    )


def declare(
    office: FrontOffice,
    worker_id: str,
    when: datetime,
    *,
    health: str = "well",
    received: datetime | None = None,
) -> None:
    declaration = Declaration(
        form_id=WORKER_FORM,
        form_version=1,
        site_id=A,
        worker_id=worker_id,
        local_day=TODAY,
        declared_at=when,
        source="kiosk",
        answers={
            "health": [health],
            "affected": False,
            "contact": False,
            "travelled": False,
            "lodging": "dormitory",
            "lodging_place": "示例楼",
            "truthful": True,
        },
    )
    with office.database.write() as connection:
        context = NoteContext(A, "gate-1", declaration.declaration_id, received or max(when, office.now()))
        declaration_handler(VAULT)(connection, context, declaration.model_dump_json())


def held(office: FrontOffice, worker_id: str) -> list[Clearance]:
    with office.database.read() as connection:
        return list(registry.worker(connection, worker_id).clearances)


def test_declarations_of_a_morning_are_one_version_and_a_correction_takes_back(
    office: FrontOffice, clock: Clock
) -> None:
    told: Told = []
    watch = watch_of(office, told)
    kept = Clearance(kind="training", valid_until=at("06-01 00:00"))
    with office.database.write() as connection:
        worker = registry.worker(connection, "A-001").model_copy(update={"clearances": (kept,)})
        (before,) = registry.put_worker(connection, worker, now=office.now()).values()
    declare(office, "A-001", at("03-02 06:30"))
    declare(office, "A-002", at("03-02 06:31"))
    declare(office, "A-003", at("03-02 06:32"), health="cough")
    assert watch.look() == 3
    assert told == [{A: before + 1}]
    given, training = held(office, "A-001")
    assert training == kept
    assert (given.kind, given.valid_from, given.valid_until) == (
        "declaration",
        at("03-02 06:30"),
        at("03-03 00:00"),
    )
    assert held(office, "A-003") == []
    clock.moves(seconds=3)
    assert watch.look() == 0

    declare(office, "A-001", at("03-02 09:00"), health="cough")
    declare(office, "A-003", at("03-02 09:01"))
    clock.moves(seconds=3)
    assert watch.look() == 2
    assert held(office, "A-001") == [kept]
    assert [one.kind for one in held(office, "A-003")] == ["declaration"]


@pytest.mark.parametrize("office", ["sqlite"], indirect=True)
def test_a_declaration_that_comes_after_its_day_gives_nothing(office: FrontOffice, clock: Clock) -> None:
    told: Told = []
    watch = watch_of(office, told)
    declare(office, "A-001", at("03-02 23:59"))
    clock.at = at("03-03 00:00")
    assert watch_of(office, told, with_declarations=False).look() == 0
    assert watch.look() == 1
    assert (held(office, "A-001"), told) == ([], [])


def test_a_declaration_that_took_long_to_be_stored_is_found_with_the_next_look_at_all(
    office: FrontOffice, clock: Clock
) -> None:
    watch = watch_of(office, [])
    declare(office, "A-001", at("03-02 06:30"))
    assert watch.look() == 1
    declare(office, "A-002", at("03-02 06:31"), received=clock.at - clearance_watch.RECEIVED_WITHIN)
    clock.moves(seconds=2)
    assert watch.look() == 1  # so far behind every look goes back
    declare(office, "A-003", at("03-02 06:32"), received=clock.at - timedelta(minutes=5))
    clock.moves(seconds=2)
    assert watch.look() == 0
    clock.at += clearance_watch.ALL_EVERY
    assert watch.look() == 1
    clock.moves(minutes=-30)  # what comes after the clock was set back was received before
    declare(office, "A-004", at("03-02 06:33"))
    assert watch.look() == 1


@pytest.mark.parametrize("office", ["sqlite"], indirect=True)
def test_overdue_orders_are_found_also_after_the_clock_was_set_back(
    office: FrontOffice, clock: Clock
) -> None:
    desk = ClearanceDesk(office.database, now=office.now)
    desk.order(MANAGER, site_id=A, kind="test", due_on=TODAY, why="示例", worker_ids=["A-001"])
    watch = watch_of(office, [], with_declarations=False)
    assert watch.look() == 0
    clock.at = at("03-03 00:00")
    assert watch.look() == 1
    assert watch.look() == 0
    again = TODAY + timedelta(days=2)
    desk.order(MANAGER, site_id=A, kind="test", due_on=again, why="示例", team="木工二班")
    clock.moves(days=-30)  # set back, and right again a month later: looked at once both times
    assert watch.look() == 0
    clock.moves(days=33)
    assert watch.look() == 2


@pytest.mark.parametrize("office", ["sqlite"], indirect=True)
def test_more_overdue_orders_than_one_look_takes_are_told_at_once_and_counted_whole(
    office: FrontOffice, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearance_watch, "ORDERS_AT_ONCE", 2)
    desk = ClearanceDesk(office.database, now=office.now)
    who = ["A-001", "A-002", "A-003"]
    desk.order(MANAGER, site_id=A, kind="test", due_on=TODAY, why="示例", worker_ids=who)
    watch = watch_of(office, [], with_declarations=False)
    clock.at = at("03-03 00:00")
    assert [watch.look(), watch.look(), watch.look()] == [2, 1, 0]
    with office.database.read() as connection:
        (facts,) = connection.scalars(select(alerts.c.facts)).all()
    assert facts == {"test overdue": 3}
