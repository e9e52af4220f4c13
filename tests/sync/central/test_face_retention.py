"""Faces of people who are on no site: kept for a return, erased when nobody came back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from sync.central import audit, erasures, persons, registry, roster_log, site_registry, tables, tables_people
from sync.central.accounts_access import Role, Viewer
from sync.central.database import Database
from sync.central.face_retention import FaceRetention, gone_since
from sync.central.worker_desk import WorkerDesk
from sync.erasure import RETENTION
from sync.people import Consent, Enrolment
from sync.records import WorkerStatus
from tests.sync.central.gate_box import CENTRE_KEY, a_site
from tests.sync.central.test_enrolments import enrol
from tests.sync.people_samples import a_consent, an_enrolment
from tests.sync.samples import NOON, a_template, a_worker

HERE = "demo-site"
DAY = timedelta(days=1)


@pytest.fixture
def database(centre_database: Database) -> Database:
    """W-1 is on the site, W-2's permission ends at noon, W-3 has no face; a gate holds the roster."""
    a_site(centre_database)
    with centre_database.write() as connection:
        site_registry.add_gate(connection, HERE, "gate-1", centre=CENTRE_KEY.public_key(), now=NOON)
        enrol(connection, an_enrolment())
        ending = a_worker("W-2", face_consent_on=NOON.date(), grant_until=NOON)
        registry.put_worker(connection, ending, [a_template("W-2", seed=2)], now=NOON - DAY)
        registry.put_worker(connection, a_worker("W-3", status=WorkerStatus.LEFT), now=NOON - 99 * DAY)
    return centre_database


class Calendar:
    """A clock that is set, the job that goes by it, and whose roster it said to have changed."""

    def __init__(self, database: Database) -> None:
        self.now = NOON
        self.announced: list[str] = []
        self._job = FaceRetention(database, 30, now=lambda: self.now, on_roster_change=self.announced.extend)

    def look(self, at: datetime) -> int:
        self.now = at
        return self._job.look()


def templates(connection: Connection, worker_id: str) -> int:
    (found,) = roster_log.load_changes(connection, [worker_id])
    return len(found.templates)


def test_who_left_keeps_the_face_for_a_month_and_comes_back_without_a_new_capture(database: Database) -> None:
    calendar = Calendar(database)
    with database.write() as connection:
        registry.set_status(connection, "W-1", WorkerStatus.LEFT, now=NOON)
        registry.set_status(connection, "W-2", WorkerStatus.BLOCKED, now=NOON)
    assert calendar.look(NOON + DAY) == 0
    with database.write() as connection:
        assert gone_since(connection, "W-1", calendar.now) == NOON
        registry.set_status(connection, "W-1", WorkerStatus.ACTIVE, now=NOON + 20 * DAY)
    assert calendar.look(NOON + 29 * DAY) == 0
    with database.write() as connection:
        assert (gone_since(connection, "W-1", calendar.now), templates(connection, "W-1")) == (None, 1)
        # Off the last site counts as the status does, and from now on.
        registry.put_worker(
            connection, a_worker(face_consent_on=NOON.date(), site_ids=()), now=NOON + 29 * DAY
        )
    assert calendar.look(NOON + 29 * DAY + 2 * timedelta(hours=1)) == 0
    assert (calendar.look(NOON + 58 * DAY), calendar.announced) == (1, [HERE])  # only W-2, whose grant ended
    with database.read() as connection:
        assert (templates(connection, "W-2"), templates(connection, "W-1")) == (0, 1)
    assert calendar.look(NOON + 59 * DAY) == 1
    with database.read() as connection:
        assert templates(connection, "W-1") == 0


def test_an_erasure_by_time_leaves_receipt_and_audit_line_and_ends_the_consent(database: Database) -> None:
    calendar = Calendar(database)
    with database.write() as connection:
        registry.set_status(connection, "W-1", WorkerStatus.LEFT, now=NOON)
    assert calendar.look(NOON + 30 * DAY) == 2
    assert calendar.look(NOON + 31 * DAY) == 0
    with database.read() as connection:
        row = connection.execute(
            select(tables_people.erasures).where(tables_people.erasures.c.worker_id == "W-1")
        ).one()
        assert (row.kind, row.recorded_by, row.sites) == ("face", RETENTION, [HERE])
        items = {(one.place, one.what) for one in erasures.receipt(connection, row.erasure_id).items}
        assert items >= {("centre", "templates: 1"), ("gate", "templates")}
        assert not any(what.startswith("backups") for _, what in items)
        (consent,) = persons.consents(connection, "W-1")
        assert consent.withdrawn_at == NOON + 30 * DAY
        assert registry.worker(connection, "W-1").face_consent_on is None
        line = connection.execute(
            select(tables.audit).where(
                tables.audit.c.action == audit.Action.ERASED_AFTER_LEAVING,
                tables.audit.c.subject == "worker:W-1",
            )
        ).one()
        assert (line.actor, line.detail["kept_days"]) == (RETENTION, 30)


def test_after_the_erasure_only_a_new_consent_brings_a_face(database: Database) -> None:
    calendar = Calendar(database)
    with database.write() as connection:
        registry.set_status(connection, "W-1", WorkerStatus.LEFT, now=NOON)
    calendar.look(NOON + 30 * DAY)

    def back(at: datetime, consent: Consent | None) -> Enrolment:
        return an_enrolment(enrolled_at=at, templates=(a_template(seed=9),), person=None, consent=consent)

    with database.write() as connection:
        later = NOON + 40 * DAY
        enrol(connection, back(later, None), after=40 * DAY)
        assert templates(connection, "W-1") == 0
        enrol(connection, back(later + DAY, a_consent(given_at=later + DAY)), after=41 * DAY)
        assert templates(connection, "W-1") == 1
    assert calendar.look(later + 60 * DAY) == 0


def test_the_worker_s_page_says_since_when_somebody_is_gone(database: Database) -> None:
    desk = WorkerDesk(database, now=lambda: NOON + DAY)
    admin = Viewer("admin", "", Role.ADMIN, None)
    assert desk.one(admin, "W-1").gone_since is None
    assert desk.one(admin, "W-2").gone_since == NOON
    assert desk.one(admin, "W-3").gone_since is None  # left, but there is no face to go
