"""The filled centre for tests of the console, on SQLite and PostgreSQL; made once, copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

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
def filled_postgresql(postgresql: URL, migrated_postgresql: str) -> str:
    """Name of the database to be copied."""
    address = new_database(postgresql, model=migrated_postgresql)
    with Database.open(address, migrate=False) as database:
        an_office(database)
    return make_url(address).database or ""


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[FrontOffice]:
    """The centre of `console_samples`, a fresh copy."""
    if request.param == "sqlite":
        address = f"sqlite:///{shutil.copy(request.getfixturevalue('filled_sqlite'), tmp_path)}"
    else:
        model = request.getfixturevalue("filled_postgresql")
        address = new_database(request.getfixturevalue("postgresql"), model=model)
    with Database.open(address, migrate=False) as database:
        yield FrontOffice(database, now=clock, hasher=QUICK_HASHER)


@pytest.fixture
def clock() -> Clock:
    return Clock()
