"""The filled centre for tests of the console, on SQLite and PostgreSQL; made once, copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, create_engine, make_url, text

from sync.central.database import Database
from sync.central.front_office import FrontOffice
from tests.sync.central.conftest import new_database
from tests.sync.central.console_samples import QUICK_HASHER, Clock, an_office


@pytest.fixture(scope="module")
def filled_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("filled")))
    with Database.open(f"sqlite:///{path}", migrate=False) as database:
        an_office(database)
    return path


@pytest.fixture(scope="module")
def filled_postgresql(postgresql: URL) -> str:
    """Name of the database to be copied."""
    address = new_database(postgresql)
    with Database.open(address) as database:
        an_office(database)
    return make_url(address).database or ""


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[FrontOffice]:
    """The centre of `console_samples`, a fresh copy."""
    if request.param == "sqlite":
        address = f"sqlite:///{shutil.copy(request.getfixturevalue('filled_sqlite'), tmp_path)}"
    else:
        model = request.getfixturevalue("filled_postgresql")
        address = _copied(request.getfixturevalue("postgresql"), model)
    with Database.open(address, migrate=False) as database:
        yield FrontOffice(database, now=clock, hasher=QUICK_HASHER)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _copied(server: URL, model: str) -> str:
    """The address of a new database with everything that `model` holds."""
    name = f"console_{uuid4().hex}"
    engine = create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {model} STRATEGY FILE_COPY"))
    engine.dispose()
    return server.set(database=name).render_as_string(hide_password=False)
