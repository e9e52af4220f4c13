"""Too hot at the gate: a colour of the pass only where the rules say so."""

from __future__ import annotations

from datetime import timedelta

from sync.central import health, registry
from sync.central.console.words_passes import SOURCES
from sync.central.database import Database
from sync.central.ingest import Ingest, Taken
from sync.central.pass_desk import pass_facts
from sync.screening.pass_rules import SHIPPED_FILE
from tests.sync.central.gate_box import a_gate, a_site
from tests.sync.samples import NOON, a_worker

HOT = ("temperature_high",)


def causes(database: Database, worker_id: str) -> list[str]:
    with database.read() as connection:
        return [flag.reason for flag in registry.worker(connection, worker_id).flags]


def test_it_is_an_occurrence_only_by_the_rules_and_can_be_taken_back(centre_database: Database) -> None:
    a_site(centre_database)
    a_site(centre_database, "elsewhere")
    box = a_gate(centre_database)
    with centre_database.write() as connection:
        for worker_id, site_id in (("W-1", box.site_id), ("W-2", "elsewhere"), ("W-3", box.site_id)):
            one = a_worker(worker_id).model_copy(update={"site_ids": (site_id,), "flags": ()})
            registry.put_worker(connection, one, now=NOON)
    ingest = Ingest(centre_database, lambda: NOON)

    def hot(worker_id: str, *, ago: timedelta = timedelta()) -> Taken:
        event = box.event(worker_id=worker_id, reasons=HOT, occurred_at=NOON - ago)
        return ingest.take([box.batch([event])])

    assert not hot("W-1").roster_changed
    assert causes(centre_database, "W-1") == []

    text = SHIPPED_FILE.read_text("utf-8") + "too_hot_at_gate: fever\n"
    with centre_database.write() as connection:
        health.set_rules(connection, text, source="own", by="示例", now=NOON)
    assert hot("W-1").roster_changed
    assert causes(centre_database, "W-1") == ["fever"]
    assert not hot("W-2").roster_changed  # works elsewhere
    assert not hot("W-3", ago=timedelta(days=2)).roster_changed
    assert not hot("nobody").roster_changed
    ahead = hot("W-3", ago=timedelta(hours=-1))
    assert ahead.roster_changed
    with centre_database.read() as connection:
        (flag,) = registry.worker(connection, "W-3").flags
        assert flag.valid_from == NOON
        (entry,) = health.record(connection, "W-1")[0]
        (shown,) = pass_facts(connection, registry.worker(connection, "W-1"), NOON).entries
        assert shown.source.partition(":")[0] in SOURCES  # the console says it in words
    with centre_database.write() as connection:
        health.take_back(connection, entry.entry_id, by="示例", why="复测正常", now=NOON)
    assert causes(centre_database, "W-1") == []
