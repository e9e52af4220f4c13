"""The central database: the same tables on both kinds, migrated once, its errors in words."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select, text

from sync.central import database as central_database
from sync.central import schema, tables
from sync.central.database import Database
from sync.central.errors import DatabaseTooNew, DatabaseUnreachable, DatabaseUrlInvalid

ASKED_OFTEN = 8
"""Times after which the driver has prepared a statement."""


def test_migrations_make_exactly_the_tables_that_the_program_uses(centre_database: Database) -> None:
    with centre_database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    failed: list[BaseException] = []

    def start() -> None:
        try:
            Database.open(empty_url).close()
        except Exception as error:  # noqa: BLE001 - shown by the main thread
            failed.append(error)

    threads = [Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_database_of_a_newer_program_is_refused(empty_url: str) -> None:
    with Database.open(empty_url) as database, database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseTooNew, match="newer Sitegate"):
        Database.open(empty_url)


def test_times_come_back_aware_and_in_utc_whatever_their_zone_was(centre_database: Database) -> None:
    moment = datetime(2026, 3, 2, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    with centre_database.write() as connection:
        connection.execute(insert(tables.audit).values(at=moment, actor="示例", action="look"))
        at = connection.scalar(select(tables.audit.c.at))
    assert at == moment
    assert at is not None
    assert at.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(centre_database: Database) -> None:
    with pytest.raises(Exception, match="no time zone"), centre_database.write() as connection:
        connection.execute(
            insert(tables.audit).values(at=datetime(2026, 3, 2), actor="示例", action="look")  # noqa: DTZ001
        )


def test_a_failed_transaction_leaves_nothing(centre_database: Database) -> None:
    with pytest.raises(RuntimeError), centre_database.write() as connection:
        connection.execute(insert(tables.audit).values(at=datetime.now(UTC), actor="示例", action="look"))
        raise RuntimeError
    with centre_database.read() as connection:
        assert connection.execute(select(tables.audit)).all() == []


def test_a_reader_sees_one_moment(centre_database: Database) -> None:
    def note() -> None:
        with centre_database.write() as connection:
            connection.execute(insert(tables.audit).values(at=datetime.now(UTC), actor="示例", action="look"))

    note()
    with centre_database.read() as connection:
        first = len(connection.execute(select(tables.audit)).all())
        note()
        assert len(connection.execute(select(tables.audit)).all()) == first == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_is_asked_again_and_again_is_prepared_once(centre_database: Database) -> None:
    query = select(tables.sites.c.name).where(tables.sites.c.site_id == "示例")
    for _ in range(ASKED_OFTEN):
        with centre_database.read() as connection:
            connection.execute(query).all()
    with centre_database.read() as connection:
        prepared = connection.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
    assert [one for one in prepared if "sites.site_id" in one]


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(DatabaseUrlInvalid) as refused:
        Database.open(url)
    assert url not in str(refused.value)


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseUnreachable) as refused:
        Database.open("postgresql://someone:secret-word@127.0.0.1:1/centre?connect_timeout=2")
    assert "secret-word" not in str(refused.value)
    assert "127.0.0.1" in str(refused.value)


def test_a_new_database_file_is_for_its_owner_only(tmp_path: Path) -> None:
    Database.open(f"sqlite:///{tmp_path / 'central.db'}").close()
    assert stat.S_IMODE((tmp_path / "central.db").stat().st_mode) == 0o600


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnreachable, match=r"central\.db"):
        Database.open(f"sqlite:///{tmp_path / 'nowhere' / 'central.db'}")


@pytest.mark.parametrize(("query", "idle_s"), [("", "15"), ("&keepalives_idle=7", "7")])
def test_a_server_that_vanishes_is_noticed_unless_the_address_says_otherwise(
    new_postgresql: Callable[[], str], query: str, idle_s: str
) -> None:
    with Database.open(new_postgresql() + query, migrate=False) as database, database.read() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        found = driver.info.get_parameters()
        assert (found["keepalives_idle"], found["tcp_user_timeout"]) == (idle_s, "30000")


def test_a_connection_that_broke_while_it_was_idle_is_replaced(
    new_postgresql: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(central_database, "UNDOUBTED_S", 0.0)
    url = new_postgresql()
    with Database.open(url, migrate=False) as database, Database.open(url, migrate=False) as other:
        with database.read() as connection:
            ours = connection.scalar(text("SELECT pg_backend_pid()"))
        with other.write() as connection:
            connection.execute(text(f"SELECT pg_terminate_backend({ours}, 60000)"))
        with database.read() as connection:
            assert connection.scalar(text("SELECT pg_backend_pid()")) != ours
