"""Two records of one person become one: what follows is as if all had been told of one from the start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sync.central import duplicate_pairs, health, list_matches, registry, tests_due
from sync.central.clearance_watch import ClearanceWatch
from sync.central.database import Database
from sync.central.duplicate_pairs import MergeRefused
from sync.central.errors import SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.list_matches import MatchState, state_of
from sync.central.list_matching import ListMatcher
from sync.central.tables_declarations import declarations
from sync.central.tables_lists import watch_matches
from sync.central.tables_tests import test_batches, test_orders, test_results
from sync.central.tests_due import AtGate, NewResult, OrderTerms
from sync.clearance_rules import shipped_rules
from sync.clearances import longest_clearances
from sync.health_pass import PassColour, pass_at
from sync.records import Clearance, Worker
from tests.sync.central import list_samples
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, SHANGHAI, A, Clock, at
from tests.sync.central.gate_box import a_site
from tests.sync.central.list_samples import a_list, a_registered, match_all, resident_number, slipped
from tests.sync.central.lodging_samples import VAULT
from tests.sync.central.test_clearance_watch import declare
from tests.sync.samples import NOON

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

RULES = shipped_rules()
KEEP, GOES = "A-001", "A-002"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TERMS = OrderTerms(A, "test", at("03-03 18:00"), "示例复工检测", AtGate.FROM_NOW)
NEGATIVE = NewResult(GOES, "test", "negative", at("03-02 10:00"))


def order(
    database: Database, worker_id: str, terms: OrderTerms = TERMS, *, now: datetime = NOW
) -> str | None:
    """The batch; None where there is an open order already."""
    with database.write() as connection:
        try:
            return tests_due.order(connection, RULES, terms, [worker_id], by="m", now=now).batch_id
        except SettingRefused:
            return None


def put(database: Database, *results: NewResult, now: datetime = NOW) -> None:
    with database.write() as connection:
        tests_due.put_results(connection, RULES, results, SHANGHAI, by="m", now=now)


def merge(database: Database, keep: str = KEEP, goes: str = GOES, *, now: datetime = NOW) -> None:
    with database.write() as connection:
        duplicate_pairs.note_found(connection, keep, goes, found_by="document", score=None, now=now)
        duplicate_pairs.merge(
            connection, keep, goes, vault=VAULT, rules=RULES, reason="同一人", by="m", now=now
        )


def worker(database: Database, worker_id: str = KEEP) -> Worker:
    with database.read() as connection:
        return registry.worker(connection, worker_id)


def held(database: Database, kind: str = "test", worker_id: str = KEEP) -> list[Clearance]:
    return [one for one in worker(database, worker_id).clearances if one.kind == kind]


def colour(database: Database, now: datetime = NOW) -> PassColour | None:
    found = worker(database)
    return pass_at(found.flags, found.clearances, now).colour


def open_orders(database: Database) -> list[tuple[str, datetime]]:
    row = test_orders.c
    query = select(row.worker_id, row.due_by).where(row.done_at.is_(None), row.cancelled_at.is_(None))
    with database.read() as connection:
        return [(one.worker_id, one.due_by) for one in connection.execute(query)]


def test_an_order_of_one_is_done_by_the_result_of_the_other_and_its_flag_goes(office: FrontOffice) -> None:
    order(office.database, KEEP)
    put(office.database, NEGATIVE)
    assert [flag.category for flag in worker(office.database).flags] == ["test-due"]
    merge(office.database)
    assert worker(office.database).flags == ()
    assert open_orders(office.database) == []
    assert [one.valid_until for one in held(office.database)] == [at("03-10 00:00")]


def test_a_positive_test_of_the_number_that_goes_takes_the_clearance_and_makes_red(
    office: FrontOffice,
) -> None:
    put(office.database, replace(NEGATIVE, worker_id=KEEP))
    put(office.database, replace(NEGATIVE, result="positive", done_at=at("03-02 12:00")))
    assert held(office.database) != []
    merge(office.database)
    assert (held(office.database), colour(office.database)) == ([], PassColour.RED)


def test_a_negative_test_of_the_number_that_goes_ends_the_yellow_and_lets_in_again(
    office: FrontOffice,
) -> None:
    with office.database.write() as connection:
        health.occurred(connection, KEEP, "affected_area", at("03-01 08:00"), entry_id="e-1", now=NOW)
    put(office.database, replace(NEGATIVE, worker_id=KEEP, result="unclear", done_at=at("03-02 08:00")))
    put(office.database, NEGATIVE)
    assert (held(office.database), colour(office.database)) == ([], PassColour.YELLOW)
    merge(office.database)
    assert [one.valid_from for one in held(office.database)] == [NEGATIVE.done_at]
    assert colour(office.database) is PassColour.GREEN


def test_an_order_that_both_have_is_one_and_the_first_stays(office: FrontOffice) -> None:
    later = replace(TERMS, due_by=at("03-05 18:00"), at_gate=AtGate.NOTHING)
    order(office.database, GOES)
    order(office.database, KEEP, later, now=NOW + HOUR)
    merge(office.database, now=NOW + 2 * HOUR)
    assert open_orders(office.database) == [(KEEP, TERMS.due_by)]
    assert [flag.category for flag in worker(office.database).flags] == ["test-due"]


@pytest.mark.parametrize("office", ["sqlite"], indirect=True)
def test_a_result_under_both_numbers_counts_once_and_two_that_differ_are_not_merged(
    office: FrontOffice,
) -> None:
    put(office.database, NEGATIVE, replace(NEGATIVE, worker_id=KEEP))
    put(office.database, replace(NEGATIVE, kind="medical", result="fit"))
    put(office.database, replace(NEGATIVE, kind="medical", result="unfit", worker_id=KEEP))
    with pytest.raises(MergeRefused, match="体检"):
        merge(office.database)
    with office.database.write() as connection:
        wrong = connection.scalars(select(test_results.c.result_id).where(test_results.c.result == "unfit"))
        tests_due.drop_results(connection, RULES, wrong.all(), now=NOW)
    merge(office.database)
    assert colour(office.database) is PassColour.GREEN
    with office.database.write() as connection:
        (result_id,) = connection.scalars(
            select(test_results.c.result_id).where(test_results.c.kind == "test")
        ).all()
        tests_due.drop_results(connection, RULES, [result_id], now=NOW)
    assert (held(office.database), colour(office.database)) == ([], None)


def test_of_a_day_the_declaration_made_last_counts_under_whichever_number(
    office: FrontOffice, clock: Clock
) -> None:
    watch = ClearanceWatch(
        office.database, RULES, now=clock, on_roster_change=lambda _: None, with_declarations=True
    )
    declare(office, GOES, at("03-02 06:30"), received=NOW)
    declare(office, KEEP, at("03-02 06:40"), health="fever", received=NOW)
    watch.look()
    assert held(office.database, "declaration", GOES) != []
    merge(office.database)
    assert held(office.database, "declaration") == []
    assert colour(office.database) is PassColour.RED
    with office.database.read() as connection:
        row = declarations.c
        rows = connection.execute(select(row.worker_id, row.superseded_by.is_(None))).all()
    assert sorted(tuple(one) for one in rows) == [(KEEP, False), (KEEP, True)]
    # And the other way round: the one that goes corrected what was said under the other number.
    declare(office, "A-003", at("03-02 06:50"), received=NOW)
    clock.moves(seconds=3)
    watch.look()
    merge(office.database, KEEP, "A-003")
    (given,) = held(office.database, "declaration")
    assert (given.valid_from, given.valid_until) == (at("03-02 06:50"), at("03-03 00:00"))
    assert colour(office.database) is None
    clock.moves(seconds=3)
    assert watch.look() == 0


# -- lists -------------------------------------------------------------------------------------------------

NUMBER = resident_number(12)


@pytest.fixture
def lists(centre_database: Database) -> ListMatcher:
    a_site(centre_database, list_samples.SITE)
    return ListMatcher(centre_database, list_samples.VAULT, now=lambda: NOON)


def decide(database: Database, worker_id: str, *, confirm: bool, now: datetime = NOON) -> None:
    with database.write() as connection:
        row = watch_matches.c
        match_id = connection.scalars(select(row.match_id).where(row.worker_id == worker_id)).one()
        list_matches.decide(connection, match_id, confirm=confirm, reason="示例", by="m", now=now)


def states(database: Database) -> list[tuple[str, MatchState]]:
    with database.read() as connection:
        rows = connection.execute(select(watch_matches)).mappings().all()
    return [(row["worker_id"], state_of(row)) for row in rows]


@pytest.mark.parametrize("confirm", [True, False])
def test_what_was_decided_about_a_match_of_the_number_that_goes_holds_on(
    centre_database: Database, lists: ListMatcher, confirm: bool
) -> None:
    a_registered(centre_database, "W-1")
    a_registered(centre_database, "W-2", number=NUMBER)
    a_list(centre_database, [f"示例乙,{slipped(NUMBER)},,"])
    match_all(lists)
    decide(centre_database, "W-2", confirm=confirm)
    expected = [("W-1", MatchState.FLAGGED if confirm else MatchState.CLEARED)]
    with_papers(centre_database)
    for _ in range(2):  # at once, and as the matcher leaves it
        assert states(centre_database) == expected
        assert bool(worker(centre_database, "W-1").flags) is confirm
        match_all(lists)


def test_of_a_match_under_both_numbers_one_stays_as_it_was_decided_last(
    centre_database: Database, lists: ListMatcher
) -> None:
    for worker_id in ("W-1", "W-2"):
        a_registered(centre_database, worker_id, number=NUMBER)
    a_list(centre_database, [f",{NUMBER},,"])
    match_all(lists)
    decide(centre_database, "W-1", confirm=True)
    decide(centre_database, "W-2", confirm=False, now=NOON + HOUR)
    with_papers(centre_database)
    for _ in range(2):
        assert states(centre_database) == [("W-1", MatchState.CLEARED)]
        assert worker(centre_database, "W-1").flags == ()
        match_all(lists)


def test_somebody_on_a_list_by_a_telephone_that_only_the_number_that_goes_had_stays_flagged(
    centre_database: Database, lists: ListMatcher
) -> None:
    a_registered(centre_database, "W-1")
    a_registered(centre_database, "W-2", phone="13800000001")
    a_list(centre_database, [",,13800000001,"])
    match_all(lists)
    with_papers(centre_database)
    match_all(lists)
    assert states(centre_database) == [("W-1", MatchState.FLAGGED)]
    assert len(worker(centre_database, "W-1").flags) == 1


def with_papers(database: Database) -> None:
    """Merges W-2 into W-1 under the key that opens the samples' papers."""
    with database.write() as connection:
        duplicate_pairs.note_found(connection, "W-1", "W-2", found_by="face", score=0.9, now=NOON)
        duplicate_pairs.merge(
            connection,
            "W-1",
            "W-2",
            vault=list_samples.VAULT,
            rules=RULES,
            reason="同一人",
            by="m",
            now=NOON,
        )


# -- whatever happens --------------------------------------------------------------------------------------

Step = tuple[bool, str, int]
"""Under the number that goes or the other one; what; how many hours before it became known it was."""

STEPS = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(
            ["order", "order_quietly", "take_back", "negative", "positive", "unclear", "by_hand", "yellow"]
        ),
        st.sampled_from([1, 20, 60]),
    ),
    min_size=2,
    max_size=7,
)


@pytest.mark.parametrize("office", ["sqlite"], indirect=True)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_was_told_of_two_numbers_is_as_if_it_had_been_told_of_one(
    office: FrontOffice, steps: list[Step]
) -> None:
    one, first, second = (uuid4().hex for _ in range(3))
    with office.database.write() as connection:
        a_worker = registry.worker(connection, "A-005")
        for worker_id in (one, first, second):
            registry.put_worker(connection, a_worker.model_copy(update={"worker_id": worker_id}), now=NOW)
    refused = tell(office.database, steps, lambda is_other: second if is_other else first)
    # An order that was refused is not on record anywhere.
    tell(office.database, steps, lambda is_other: one, without=refused)
    after = NOW + len(steps) * 12 * HOUR
    merge(office.database, first, second, now=after)
    with office.database.write() as connection:  # what was given by hand since stands until tests change
        tests_due.settle(connection, RULES, one, now=after)
    assert standing(office.database, first, after) == standing(office.database, one, after)


def tell(
    database: Database,
    steps: list[Step],
    number: Callable[[bool], str],
    *,
    without: frozenset[int] = frozenset(),
) -> frozenset[int]:
    """Let it happen, twelve hours from one step to the next. Returns which orders were refused."""
    batches: dict[bool, str | None] = {}
    refused = set()
    for at_step, (is_other, what, hours) in enumerate(steps):
        if at_step in without:
            continue
        worker_id, now = number(is_other), NOW + at_step * 12 * HOUR
        terms = replace(TERMS, due_by=now + 3 * DAY)
        with database.write() as connection:
            match what:
                case "yellow":
                    entry_id = uuid4().hex
                    at_hour = now - hours * HOUR
                    health.occurred(
                        connection, worker_id, "affected_area", at_hour, entry_id=entry_id, now=now
                    )
                case "by_hand":
                    found = registry.worker(connection, worker_id)
                    given_by_hand = Clearance(
                        kind="test", valid_from=now - hours * HOUR, valid_until=now + 5 * DAY
                    )
                    clearances = longest_clearances(found.clearances, (given_by_hand,))
                    changed = found.model_copy(update={"clearances": clearances})
                    registry.put_worker(connection, changed, now=now)
        if what in ("order", "order_quietly"):
            at_gate = AtGate.FROM_NOW if what == "order" else AtGate.WHEN_OVERDUE
            batch_id = order(database, worker_id, replace(terms, at_gate=at_gate), now=now)
            if batch_id is None:
                refused.add(at_step)
            else:
                batches[is_other] = batch_id
        elif what == "take_back" and (batch_id := batches.pop(is_other, None)) is not None:
            with database.write() as connection:
                tests_due.take_back(connection, RULES, batch_id, by="m", now=now)
        elif what in ("negative", "positive", "unclear"):
            put(database, NewResult(worker_id, "test", what, now - hours * HOUR), now=now)
    return frozenset(refused)


def standing(database: Database, worker_id: str, now: datetime) -> tuple[Any, ...]:
    """What counts of somebody, without ids; what is over by now does not."""
    found = worker(database, worker_id)
    flags = sorted(
        (flag.level, flag.category, str(flag.valid_from), str(flag.valid_until))
        for flag in found.flags
        if flag.valid_until is None or flag.valid_until > now
    )
    clearances = sorted(
        (one.kind, str(one.valid_from), str(one.valid_until))
        for one in found.clearances
        if one.valid_until is None or one.valid_until > now
    )
    row = test_orders.c
    query = (
        select(row.due_by, row.ordered_at, test_batches.c.at_gate)
        .join_from(test_orders, test_batches, test_batches.c.batch_id == row.batch_id)
        .where(row.worker_id == worker_id, row.done_at.is_(None), row.cancelled_at.is_(None))
        .order_by(row.ordered_at)
    )
    with database.read() as connection:
        orders = [tuple(one) for one in connection.execute(query)]
    return flags, clearances, orders
