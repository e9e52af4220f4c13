"""Clearances that run out soon: one alert for each site and kind, kept in step with the number of people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy import select

from sync.alerting import StepKind
from sync.central import registry
from sync.central.accounts_access import Role, Viewer
from sync.central.alerts import Doing, StepRefused
from sync.central.ends_soon import ROUND_EVERY, EndsSoonWatch
from sync.central.front_office import FrontOffice
from sync.central.tables import sites
from sync.central.tables_alerts import alerts
from sync.clearance_rules import shipped_rules
from sync.records import Clearance
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, A, B, Clock

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ADMIN = Viewer("admin", "", Role.ADMIN, None)
ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
DAY = timedelta(days=1)
TRAINING = f"clearance:{A}/training"


def trained(office: FrontOffice, worker_id: str, days: float) -> None:
    """Until so many days after `NOW`. The shipped rules warn 14 days before."""
    with office.database.write() as connection:
        worker = registry.worker(connection, worker_id)
        held = Clearance(kind="training", valid_until=NOW + days * DAY)
        registry.put_worker(connection, worker.model_copy(update={"clearances": (held,)}), now=NOW)


def a_round(office: FrontOffice, watch: EndsSoonWatch) -> int:
    """Every site once; how many alerts changed."""
    with office.database.read() as connection:
        count = len(connection.scalars(select(sites.c.site_id)).all())
    return sum(watch.look() for _ in range(count))


def told(office: FrontOffice) -> list[tuple[str, str, int, int]]:
    """Subject, state, times and people of each alert, the oldest first."""
    with office.database.read() as connection:
        rows = connection.execute(select(alerts).order_by(alerts.c.raised_at, alerts.c.subject)).all()
    return [(row.subject, row.state, row.times, row.facts["ends_soon"]) for row in rows]


def facts(office: FrontOffice) -> Mapping[str, str | int]:
    with office.database.read() as connection:
        found: Mapping[str, str | int] = connection.scalars(select(alerts.c.facts)).one()
    return found


def test_one_alert_for_each_site_and_kind_follows_the_number_of_people(
    office: FrontOffice, clock: Clock
) -> None:
    watch = EndsSoonWatch(office.database, shipped_rules(), now=clock)
    trained(office, "A-001", 10)
    trained(office, "A-002", 13)
    trained(office, "A-003", 15)  # not yet
    trained(office, "B-001", 2)
    assert a_round(office, watch) == 2
    assert told(office) == [(TRAINING, "open", 1, 2), (f"clearance:{B}/training", "open", 1, 1)]
    clock.moves(minutes=59)
    trained(office, "A-001", 300)
    assert a_round(office, watch) == 0  # once an hour
    clock.moves(minutes=1)
    assert a_round(office, watch) == 1
    assert told(office)[0] == (TRAINING, "open", 1, 1)  # one had it renewed
    clock.at = NOW + DAY
    assert a_round(office, watch) == 1
    assert told(office)[0] == (TRAINING, "open", 2, 2)  # A-003 came to it
    clock.moves(hours=1)
    assert a_round(office, EndsSoonWatch(office.database, shipped_rules(), now=clock)) == 0
    trained(office, "A-002", 300)
    trained(office, "A-003", 300)
    clock.moves(hours=1)
    assert a_round(office, watch) == 1
    assert told(office)[0] == (TRAINING, "closed", 2, 0)
    clock.moves(hours=1)
    assert a_round(office, watch) == 0
    trained(office, "A-004", 3)
    clock.moves(hours=1)
    assert a_round(office, watch) == 1
    assert [one for one in told(office) if one[0] == TRAINING] == [
        (TRAINING, "closed", 2, 0),
        (TRAINING, "open", 1, 1),
    ]


@ON_ONE
def test_what_an_officer_closed_is_raised_again_only_for_somebody_else(
    office: FrontOffice, clock: Clock
) -> None:
    watch = EndsSoonWatch(office.database, shipped_rules(), now=clock)
    trained(office, "A-001", 10)
    trained(office, "A-002", 16)
    a_round(office, watch)
    assert facts(office) == {
        "clearance": "安全教育 Safety training",
        "ends_soon": 1,
        "first_through": "2026-03-12",
    }
    desk = office.alerts
    with office.database.read() as connection:
        alert_id = connection.scalars(select(alerts.c.alert_id)).one()
    for seen, kind in enumerate((StepKind.MEASURE, StepKind.CLOSED)):
        desk.act(ADMIN, alert_id, Doing(kind, seen, measure="renewed" if seen == 0 else ""))
    clock.moves(days=1)
    assert a_round(office, watch) == 0
    clock.moves(days=1)
    assert a_round(office, watch) == 1  # A-002 begins to end soon
    assert [one[1:] for one in told(office)] == [("closed", 1, 1), ("open", 1, 2)]


@ON_ONE
def test_an_officer_who_is_slower_than_the_program_is_told_that_it_is_closed(
    office: FrontOffice, clock: Clock
) -> None:
    watch = EndsSoonWatch(office.database, shipped_rules(), now=clock)
    trained(office, "A-001", 10)
    a_round(office, watch)
    with office.database.read() as connection:
        alert_id = connection.scalars(select(alerts.c.alert_id)).one()
    trained(office, "A-001", 300)
    clock.at = NOW + ROUND_EVERY
    a_round(office, watch)
    with pytest.raises(StepRefused, match="closed"):
        office.alerts.act(ADMIN, alert_id, Doing(StepKind.ACKNOWLEDGED, 0))
    steps = office.alerts.one(ADMIN, alert_id).steps
    assert [(one.kind, one.by) for one in steps] == [(StepKind.RAISED, ""), (StepKind.CLOSED, "")]


@ON_ONE
def test_a_clock_that_is_set_back_does_not_stop_the_rounds(office: FrontOffice, clock: Clock) -> None:
    watch = EndsSoonWatch(office.database, shipped_rules(), now=clock)
    trained(office, "A-001", 10)
    clock.moves(days=5)
    a_round(office, watch)
    clock.moves(days=-5)
    trained(office, "A-002", 5)
    assert a_round(office, watch) == 1
    assert told(office) == [(TRAINING, "open", 1, 2)]
