"""docs/scale/postgresql-partitions.sql on a real server: the program works on its table as before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from sync.central import event_rows, site_registry, tables
from sync.central.access_log import AccessLog, EventFilter
from sync.central.accounts_access import Role, Viewer
from sync.central.database import Database
from sync.central.event_rows import Work
from sync.records import Event
from tests.sync.samples import an_event

SCRIPT = Path(__file__).parents[3] / "docs" / "scale" / "postgresql-partitions.sql"
THIS_MONTH = datetime.now(UTC).replace(day=1, hour=4)
YEARS_OFF = datetime(1999, 1, 1, tzinfo=UTC)


def taken(connection: Connection, events: list[Event]) -> int:
    """How many of them are new to the log."""
    work = Work(("demo-site", "gate-1"), "batch", False, THIS_MONTH)
    work.events = [(number, event, event.model_dump_json()) for number, event in enumerate(events)]
    return len(event_rows.insert_events(connection, [work], THIS_MONTH))


def test_events_by_month_are_still_taken_once_and_found_by_their_day(
    new_postgresql: Callable[[], str],
) -> None:
    url = new_postgresql()
    old = [an_event(occurred_at=THIS_MONTH), an_event(occurred_at=YEARS_OFF)]
    new = [an_event(occurred_at=THIS_MONTH), an_event(occurred_at=YEARS_OFF)]
    with Database.open(url) as database:
        with database.write() as connection:
            site_registry.put_site(
                connection, "demo-site", name="示例工地", timezone="Asia/Shanghai", now=THIS_MONTH
            )
            assert taken(connection, old) == 2
            indexes = indexed(connection)
        with database.write() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute(SCRIPT.read_text())  # as psql sends it: several statements, no parameters
        with database.write() as connection:
            assert taken(connection, old) == 0
            assert taken(connection, [*old, *new]) == 2
            assert indexed(connection) == indexes
            partition = f"events_{THIS_MONTH:%Y_%m}"
            assert connection.scalar(text(f"SELECT count(*) FROM {partition}")) == 2
            assert connection.scalar(text("SELECT count(*) FROM events_other_times")) == 2
    with Database.open(url) as database:  # the migrations find nothing to do
        with database.read() as connection:
            assert connection.scalar(select(func.count()).select_from(tables.events)) == 4
            numbers = connection.scalars(select(tables.events.c.event_no)).all()
            assert len(set(numbers)) == 4
        log = AccessLog(database, now=lambda: THIS_MONTH)
        admin = Viewer("admin", "admin", Role.ADMIN, None)
        page = log.page(admin, EventFilter(site_id="demo-site", since=THIS_MONTH.replace(hour=0)))
        assert {row.event_id for row in page.rows} == {old[0].event_id, new[0].event_id}


def indexed(connection: Connection) -> set[str]:
    query = text("SELECT indexname FROM pg_indexes WHERE tablename = 'events'")
    return set(connection.scalars(query))
