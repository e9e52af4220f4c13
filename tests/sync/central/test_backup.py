"""A backup holds everything, restores into either database, and gates go on from it."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from sync.central import backup, registry, tables
from sync.central.database import Database
from sync.central.errors import BackupUnusable
from sync.central.ingest import Ingest
from sync.central.roster_log import Digests, answer
from sync.central.schema import metadata
from sync.records import Flag, FlagLevel
from sync.wire.messages import RosterWant
from tests.sync.central.gate_box import SITE, GateBox, a_gate, a_site
from tests.sync.samples import NOON, a_template, a_worker


@pytest.fixture
def filled(centre_database: Database) -> Database:
    a_site(centre_database)
    box = a_gate(centre_database)
    with centre_database.write() as connection:
        registry.put_worker(connection, a_worker(), [a_template()], now=NOON)
        registry.add_flag(connection, "W-1", Flag(level=FlagLevel.HOLD), now=NOON)
        registry.put_consent(connection, "W-1", kind="face", given_at=NOON)
    stranger = GateBox("gate-9")
    Ingest(centre_database, lambda: NOON).take(
        [box.batch([box.event(worker_id="W-1"), box.event(sequence=9)]), stranger.batch([stranger.event()])]
    )
    return centre_database


def content(database: Database) -> dict[str, list[Any]]:
    with database.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
            if table is not tables.sites
        }


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path, new_postgresql: Callable[[], str]) -> Database:
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}" if request.param == "sqlite" else new_postgresql()
    database = Database.open(url)
    request.addfinalizer(database.close)
    return database


def test_everything_comes_back_into_either_database(
    filled: Database, elsewhere: Database, tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"
    backup.back_up(filled, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert backup.restore(elsewhere, file) > 0
    assert content(elsewhere) == content(filled)
    with elsewhere.write() as connection:  # numbering goes on behind what was restored
        connection.execute(insert(tables.audit).values(at=NOON, actor="示例", action="restore"))
    box = a_gate(elsewhere, "gate-2")
    assert Ingest(elsewhere, lambda: NOON).take([box.batch([box.event()])]).events == 1


def test_a_gate_that_is_ahead_of_the_backup_takes_what_was_restored(
    filled: Database, elsewhere: Database, tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"
    backup.back_up(filled, file)
    with filled.write() as connection:
        (ahead,) = registry.put_worker(connection, a_worker("W-2"), now=NOON).values()
    backup.restore(elsewhere, file)
    with elsewhere.read() as connection:
        part = answer(connection, Digests(), SITE, RosterWant(have_version=ahead))
    assert part.to_version > ahead
    with elsewhere.read() as connection:
        whole = answer(connection, Digests(), SITE, RosterWant(have_version=0, reason="digest mismatch"))
    assert [entry.worker_id for entry in whole.entries] == ["W-1"]


def test_a_database_that_is_not_empty_is_left_alone(filled: Database, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    backup.back_up(filled, file)
    before = content(filled)
    with pytest.raises(BackupUnusable, match="not empty"):
        backup.restore(filled, file)
    assert content(filled) == before


def test_a_backup_never_replaces_a_file(filled: Database, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    file.write_text("mine")
    with pytest.raises(BackupUnusable, match="exists already"):
        backup.back_up(filled, file)
    assert file.read_text() == "mine"


@pytest.mark.parametrize("damage", ["missing", "text", "another", "cut"])
def test_what_is_no_backup_is_refused_in_words(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "backup.db"
    if damage == "text":
        file.write_text("no database" * 100)
    elif damage == "another":
        with Database.open(f"sqlite:///{file}", migrate=False) as other, other.write() as connection:
            connection.exec_driver_sql("CREATE TABLE something (id INTEGER)")
    elif damage == "cut":
        with Database.open(f"sqlite:///{tmp_path / 'central.db'}") as database:
            backup.back_up(database, file)
        file.write_bytes(file.read_bytes()[:20_000])
    with Database.open(f"sqlite:///{tmp_path / 'elsewhere.db'}") as elsewhere:
        with pytest.raises(BackupUnusable):
            backup.restore(elsewhere, file)
        assert not any(content(elsewhere).values())
