"""Records of other makers' terminals in the centre's database, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from sync.central import site_registry, tables
from sync.central.database import Database
from sync.central.errors import UnknownSite
from sync.vendor.adapter import event_of
from sync.vendor.central_log import CentralLog
from sync.vendor.messages import Recognition, understand
from tests.sync.vendor.samples import NOW, record, terminal


def test_a_terminals_records_join_the_log_once_and_late_ones_are_backlog(centre_database: Database) -> None:
    with centre_database.write() as connection:
        site_registry.put_site(connection, "site-1", name="示例工地", timezone="Asia/Shanghai", now=NOW)
    store = CentralLog(centre_database, [terminal()], now=lambda: NOW)
    events = []
    for number, time in enumerate(["2026-03-02 08:59:33", "2026-03-02 08:59:40", "2026-02-27 23:59:00"]):
        message = understand(record(RecordID=str(number), time=time, customId=f"w-{number}"))
        assert isinstance(message, Recognition)
        events.append(event_of(message, terminal(), received_at=NOW))
    store(events[:1])
    store(events)
    store(events)
    with centre_database.read() as connection:
        log = tables.events.c
        rows = connection.execute(
            select(log.worker_id, log.gate_id, log.replayed, log.local_day).order_by(log.worker_id)
        ).all()
        gaps = connection.scalar(select(func.count()).select_from(tables.sequence_gaps))
        seen = connection.execute(select(tables.gate_status.c.last_seen_at)).scalar_one()
    assert [(row.worker_id, row.gate_id, row.replayed) for row in rows] == [
        ("w-0", "vendor-1306612", False),
        ("w-1", "vendor-1306612", False),
        ("w-2", "vendor-1306612", True),
    ]
    assert rows[2].local_day.isoformat() == "2026-02-27"
    assert gaps == 0
    assert abs(seen - NOW) < timedelta(seconds=1)


def test_a_terminal_on_a_site_that_the_centre_does_not_know_is_refused_at_the_start(
    centre_database: Database,
) -> None:
    with pytest.raises(UnknownSite, match="1306612 stands on site-1"):
        CentralLog(centre_database, [terminal()])
