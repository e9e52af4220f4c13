"""A site that is uploaded to a simulated real-name platform; everybody is made up and looks it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, select

from sync.central import persons, real_name, registry, site_registry, tables
from sync.central.database import Database
from sync.central.person_vault import PersonVault
from sync.central.real_name import SiteLink
from sync.central.real_name_papers import secret_file
from sync.central.real_name_upload import RealNameUpload
from sync.central.tables_real_name import real_name_people, real_name_records
from sync.real_name.simulator import Platform
from sync.records import Event
from sync.wire.keys import write_private
from tests.sync.central.console_samples import NOW, Clock, an_event, event_row
from tests.sync.people_samples import a_person
from tests.sync.real_name.samples import APP_ID, PROJECT, SECRET_TEXT, a_platform, resident_number
from tests.sync.samples import a_worker

VAULT = PersonVault(bytes(range(32)))
SITE = "site-a"
TEAMS = {"A-001": "钢筋一班", "A-002": "钢筋一班", "A-003": "木工二班"}
CORP = "示例建工"
DAY = timedelta(days=1)
MORNING = NOW - timedelta(hours=8)


def a_site(
    database: Database, keys: Path, url: str, *, vault: PersonVault = VAULT, **changes: object
) -> SiteLink:
    """A site, a gate, three workers with papers, and the upload set up."""
    with database.write() as connection:
        site_registry.put_site(connection, SITE, name="滨江示例工地", timezone="Asia/Shanghai", now=NOW - DAY)
        site_registry.add_gate(connection, SITE, "gate-1", centre=bytes(32), now=NOW - DAY, name="一号门")
        for sequence, (worker_id, team) in enumerate(TEAMS.items(), start=1):
            worker = a_worker(worker_id, name=f"示例{sequence}", team=team, employer=CORP, site_ids=(SITE,))
            registry.put_worker(connection, worker, now=NOW - DAY)
            papers = a_person(worker_id, document_number=resident_number(sequence))
            persons.put_person(connection, vault, papers, now=NOW - DAY)
    return set_up(database, keys, url, **changes)


def set_up(database: Database, keys: Path, url: str, **changes: object) -> SiteLink:
    """The upload of a site that is there."""
    with database.write() as connection:
        facts = {
            "site_id": SITE,
            "url": url,
            "app_id": APP_ID,
            "project_code": PROJECT,
            "corp_code": "91330000EXAMPLE01",
            "corp_name": CORP,
            "corp_codes": {},
            "from_day": date(2026, 3, 1),
        }
        link = SiteLink(**{**facts, **changes})  # type: ignore[arg-type]
        real_name.put_site(connection, link, now=NOW)
    if not secret_file(keys, SITE).exists():
        write_private(secret_file(keys, SITE), SECRET_TEXT)
    return link


def pass_by(database: Database, events: Iterable[Event]) -> None:
    """The gate reported these passages."""
    with database.write() as connection:
        connection.execute(insert(tables.events), [event_row(event, {}) for event in events])


def passages(
    worker_id: str, count: int, *, first: int, at: datetime = NOW - timedelta(hours=8)
) -> list[Event]:
    """A minute apart."""
    return [
        an_event(first + number, at + timedelta(minutes=number), worker_id=worker_id)
        for number in range(count)
    ]


class Upload:
    """The job over a database and a simulated platform, with a clock that the test moves."""

    def __init__(self, database: Database, keys: Path, platform: Platform, clock: Clock) -> None:
        self.platform = platform
        self.clock = clock
        self._database = database
        self._keys = keys
        self.use(VAULT)

    def use(self, vault: PersonVault, *, timeout_s: float = 5) -> None:
        """Go on with another key for papers, or less patience."""
        self.job = RealNameUpload(self._database, vault, self._keys, now=self.clock, timeout_s=timeout_s)

    def runs(self, *, steps: int) -> None:
        """Look at everything that is due, again and again, two minutes apart."""
        for _ in range(steps):
            while self.job.look():
                pass
            self.clock.moves(minutes=2)

    def states(self) -> dict[str, int]:
        """How many passages are in which state."""
        with self._database.read() as connection:
            found = connection.scalars(select(real_name_records.c.state)).all()
        return {state: found.count(state) for state in set(found)}

    def people(self) -> dict[str, tuple[str, str]]:
        row = real_name_people.c
        with self._database.read() as connection:
            return {
                one.worker_id: (one.state, one.reason)
                for one in connection.execute(select(row.worker_id, row.state, row.reason))
            }

    def sent(self) -> list[tuple[str, str, str]]:
        """Number, moment and direction of what the platform has, in the order in which it came."""
        return [key[1:] for key in self.platform.attendance]


def an_upload(database: Database, keys: Path) -> tuple[Upload, Clock]:
    clock = Clock(NOW)
    return Upload(database, keys, a_platform(clock), clock), clock
