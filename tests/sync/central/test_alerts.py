"""Alerts at the centre: raised, counted up, and what officers do about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from sync.central import registry
from sync.central.alerts import UnknownRule, raise_alert
from sync.central.database import Database
from sync.central.tables_alerts import alert_steps, alerts

T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SITE = "riverside"


@pytest.fixture
def database(centre_database: Database) -> Database:
    with centre_database.write() as connection:
        registry.put_site(connection, SITE, name="滨江示例工地", timezone="Asia/Shanghai", now=T0)
    return centre_database


def test_the_same_thing_again_is_counted_and_not_raised_again(database: Database) -> None:
    later = T0 + timedelta(minutes=1)
    with database.write() as connection:
        first = raise_alert(
            connection, "fever_at_gate", site_id=SITE, subject="worker:W-1", facts={"gate": "gate-1"}, now=T0
        )
        again = raise_alert(
            connection, "fever_at_gate", site_id=SITE, subject="worker:W-1", facts={"gate": "g2"}, now=later
        )
        other = raise_alert(connection, "fever_at_gate", site_id=SITE, subject="worker:W-2", now=T0)
        row = connection.execute(select(alerts).where(alerts.c.alert_id == first)).one()
        steps = connection.execute(select(alert_steps.c.kind).order_by(alert_steps.c.step_no)).scalars().all()
    assert again == first != other
    assert (row.times, row.raised_at, row.last_at, row.facts) == (2, T0, later, {"gate": "g2"})
    assert steps == ["raised", "raised"]


def test_a_rule_that_nobody_wrote_is_refused(database: Database) -> None:
    with pytest.raises(UnknownRule), database.write() as connection:
        raise_alert(connection, "no_such", site_id=SITE, subject="worker:W-1", now=T0)
