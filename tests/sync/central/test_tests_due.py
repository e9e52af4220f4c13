"""Tests ordered and done over a real database: what the roster, the gates and the pass hear of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from sync.central import health, registry, tests_due, tests_merged
from sync.central.errors import SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.tables_alerts import alerts
from sync.central.tables_tests import test_orders, test_results
from sync.central.tests_due import AtGate, Kept, NewResult, Ordered, OrderTerms
from sync.clearance_rules import shipped_rules
from sync.health_pass import PassColour, pass_at
from sync.records import Clearance, FlagLevel, Worker
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, SHANGHAI, A, at

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
"""For what is the same on both databases."""

RULES = shipped_rules()
TERMS = OrderTerms(A, "test", at("03-03 18:00"), "示例复工检测", AtGate.FROM_NOW)
NEGATIVE = NewResult("A-001", "test", "negative", at("03-02 10:00"), done_by="示例医院", reference="R-1")
POSITIVE = replace(NEGATIVE, result="positive", done_at=at("03-02 15:00"))


def order(office: FrontOffice, *worker_ids: str, terms: OrderTerms = TERMS, now: datetime = NOW) -> Ordered:
    with office.database.write() as connection:
        return tests_due.order(connection, RULES, terms, worker_ids, by="m", now=now)


def put(office: FrontOffice, *results: NewResult, now: datetime = NOW) -> Kept:
    with office.database.write() as connection:
        return tests_due.put_results(connection, RULES, results, SHANGHAI, by="m", now=now)


def drop(office: FrontOffice, *result_ids: str) -> int:
    with office.database.write() as connection:
        return tests_due.drop_results(connection, RULES, result_ids, now=NOW)[0]


def worker(office: FrontOffice, worker_id: str) -> Worker:
    with office.database.read() as connection:
        return registry.worker(connection, worker_id)


def held(office: FrontOffice, worker_id: str, kind: str = "test") -> Clearance | None:
    return next((one for one in worker(office, worker_id).clearances if one.kind == kind), None)


def open_orders(office: FrontOffice) -> list[str]:
    row = test_orders.c
    query = select(row.worker_id).where(row.done_at.is_(None), row.cancelled_at.is_(None))
    with office.database.read() as connection:
        return sorted(connection.scalars(query))


def test_an_order_stops_at_the_gate_until_the_result_is_there(office: FrontOffice) -> None:
    done = order(office, "A-001", "A-002", "nobody")
    assert (done.people, done.already) == (2, 0)
    assert set(done.versions) == {A}
    (flag,) = worker(office, "A-001").flags
    assert (flag.level, flag.category, flag.valid_from) == (FlagLevel.HOLD, "test-due", NOW)
    assert order(office, "A-002", "A-003").already == 1
    with pytest.raises(SettingRefused, match="nobody is left"):
        order(office, "A-001", "A-002")

    kept = put(office, NEGATIVE)
    assert set(kept.versions) == {A}
    clearance = held(office, "A-001")
    assert clearance is not None
    assert clearance.valid_until == at("03-10 00:00")  # through the 7th day after
    assert worker(office, "A-001").flags == ()
    assert open_orders(office) == ["A-002", "A-003"]
    assert "flag-1" in {flag.flag_id for flag in worker(office, "A-003").flags}  # somebody else's stays


def test_taking_a_batch_back_leaves_what_is_done(office: FrontOffice) -> None:
    batch = order(office, "A-001", "A-002")
    put(office, NEGATIVE)
    with office.database.write() as connection:
        undone = tests_due.take_back(connection, RULES, batch.batch_id, by="m", now=NOW)
    assert (undone.people, undone.done) == (1, 1)
    assert worker(office, "A-002").flags == ()
    assert held(office, "A-001") is not None
    with office.database.write() as connection, pytest.raises(SettingRefused, match="already"):
        tests_due.take_back(connection, RULES, batch.batch_id, by="m", now=NOW)


def test_a_flag_that_waits_for_the_deadline_is_at_the_gates_before(office: FrontOffice) -> None:
    order(office, "A-001", terms=replace(TERMS, at_gate=AtGate.WHEN_OVERDUE))
    order(office, "A-002", terms=replace(TERMS, at_gate=AtGate.NOTHING))
    assert worker(office, "A-001").flags[0].valid_from == TERMS.due_by
    assert worker(office, "A-002").flags == ()


def test_a_negative_test_ends_a_yellow_and_a_positive_one_makes_a_red(office: FrontOffice) -> None:
    with office.database.write() as connection:
        health.occurred(connection, "A-001", "affected_area", at("03-01 08:00"), entry_id="e-1", now=NOW)
    kept = put(office, NEGATIVE)

    def colour() -> PassColour | None:
        found = worker(office, "A-001")
        return pass_at(found.flags, found.clearances, NOW).colour

    assert colour() is PassColour.GREEN
    positive = put(office, POSITIVE)
    assert colour() is PassColour.RED
    assert held(office, "A-001") is None  # the latest result counts
    assert drop(office, *positive.ids.values()) == 1
    assert colour() is PassColour.GREEN
    assert held(office, "A-001") is not None
    drop(office, *kept.ids.values())
    assert colour() is PassColour.YELLOW
    assert held(office, "A-001") is None


@ON_ONE
def test_a_result_dropped_by_mistake_opens_its_order_again(office: FrontOffice) -> None:
    order(office, "A-001")
    first = put(office, NEGATIVE)
    assert open_orders(office) == []
    drop(office, *first.ids.values())
    assert open_orders(office) == ["A-001"]
    assert len(worker(office, "A-001").flags) == 1
    # Done again, ordered anew, and the first result dropped once more: one open order is enough.
    again = put(office, NEGATIVE)
    order(office, "A-001", now=NOW + timedelta(days=1))
    drop(office, *again.ids.values())
    assert open_orders(office) == ["A-001"]


@ON_ONE
def test_what_cannot_be_kept_costs_no_other(office: FrontOffice) -> None:
    kept = put(
        office,
        NEGATIVE,
        NEGATIVE,
        replace(NEGATIVE, result="positive"),
        replace(NEGATIVE, worker_id="nobody"),
        replace(NEGATIVE, result="maybe"),
        replace(NEGATIVE, done_at=NOW + timedelta(hours=1)),
        replace(NEGATIVE, worker_id="A-002", valid_until=at("03-01 10:00")),
        replace(NEGATIVE, worker_id="A-002", kind="medical", result="fit", valid_until=at("04-01 00:00")),
    )
    assert sorted(kept.ids) == [0, 7]
    assert kept.already == [1]
    assert {at: one.why.split(":")[0] for at, one in kept.refused.items()} == {
        2: "another result stands for the same moment",
        3: "nobody is registered with this number",
        4: "no such result of test",
        5: "it was done in the future",
        6: "it ends before it was done",
    }
    medical = held(office, "A-002", "medical")
    assert medical is not None
    assert medical.valid_until == at("04-01 00:00")


@ON_ONE
def test_a_result_that_comes_late_and_from_before_the_order_does_not_do_it(office: FrontOffice) -> None:
    order(office, "A-001")
    put(office, replace(NEGATIVE, done_at=at("03-01 10:00")))
    assert open_orders(office) == ["A-001"]
    put(office, replace(NEGATIVE, done_at=at("03-02 00:00")))  # of the day itself, told without an hour
    assert open_orders(office) == []


def test_overdue_orders_raise_one_alert_per_site(office: FrontOffice) -> None:
    order(office, "A-001", "A-002")
    later = TERMS.due_by

    def look(now: datetime) -> int:
        with office.database.write() as connection:
            return tests_due.note_overdue(connection, RULES, now=now, limit=100)

    assert look(later - timedelta(seconds=1)) == 0
    put(office, NEGATIVE)
    assert look(later) == 1
    assert look(later + timedelta(hours=1)) == 0
    with office.database.read() as connection:
        (alert,) = connection.execute(select(alerts)).all()
    assert (alert.rule_id, alert.site_id, alert.facts) == ("test_overdue", A, {"test overdue": 1})


@ON_ONE
def test_what_is_kept_goes_with_the_worker_and_with_the_record_that_stays(office: FrontOffice) -> None:
    order(office, "A-001", "A-002")
    put(office, NEGATIVE, replace(NEGATIVE, worker_id="A-002", done_at=at("03-01 10:00")))
    with office.database.write() as connection:
        tests_merged.hand_on(connection, "A-002", "A-001", now=NOW)
        registry.remove_worker(connection, "A-002")
        assert connection.scalar(select(func.count()).select_from(test_results)) == 2
        registry.remove_worker(connection, "A-001")
        for table in (test_results, test_orders):
            assert connection.scalar(select(func.count()).select_from(table)) == 0
