"""One person, one file: everything in one look, narrowed by right and site, with one audit line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert

from sync.central import audit, health, persons, registry
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.alerts import raise_alert
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from sync.central.person_file import PersonFiles
from sync.central.tables_training import training_records
from sync.central.tests_due import NewResult
from sync.clearance_rules import State, shipped_rules
from sync.health_pass import PassColour
from tests.sync.central.case_samples import DATA, around_the_case
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, A, B, at
from tests.sync.central.lodging_samples import FOREIGNER, MANAGER, SUPERVISOR, VAULT
from tests.sync.people_samples import a_person

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ADMIN = Viewer("admin", "", Role.ADMIN, None)
WORKER = "A-003"


def files(office: FrontOffice) -> PersonFiles:
    return PersonFiles(
        office.database, now=office.now, rules=shipped_rules(), attendance=office.attendance, vault=VAULT
    )


def fill(office: FrontOffice) -> None:
    """A-003 lives with the case of A-001, declared, rode on no bus, was trained, tested, and has a colour."""
    around_the_case(office)
    office.cases.open(MANAGER, DATA)
    office.clearances.order(
        MANAGER, site_id=A, kind="test", due_on=NOW.date(), why="示例", worker_ids=[WORKER]
    )
    office.clearances.enter(MANAGER, A, NewResult(WORKER, "test", "negative", at("03-02 10:00")))
    with office.database.write() as connection:
        persons.put_person(connection, VAULT, a_person(WORKER), now=NOW)
        registry.put_consent(connection, WORKER, kind="face", given_at=NOW)
        health.occurred(connection, WORKER, "contact", at("03-01 10:00"), entry_id="e-1", now=NOW)
        for site_id in (A, B):
            raise_alert(connection, "unwell_reported", site_id=site_id, subject=f"worker:{WORKER}", now=NOW)
        for site_id in (A, B):
            connection.execute(insert(training_records).values(a_training(site_id)))


def a_training(site_id: str) -> dict[str, Any]:
    return {
        "record_id": f"t-{site_id}",
        "site_id": site_id,
        "kiosk_id": "gate-1",
        "public_key": site_id,
        "key_registered": True,
        "number": 1,
        "hash": "",
        "token": f"token-{site_id}",
        "worker_id": WORKER,
        "worker_name": "",
        "course_id": "c",
        "course_version": "1",
        "course_title_zh": "示例课",
        "kind": "training",
        "result": "passed",
        "seconds_seen": 1.0,
        "started_at": NOW,
        "ended_at": NOW,
        "valid_until": NOW + timedelta(days=365),
        "signed": "{}",
        "received_at": NOW,
    }


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


def test_everything_on_record_about_one_worker(office: FrontOffice) -> None:
    fill(office)
    found = files(office).one(MANAGER, WORKER)
    assert (found.worker.name, [site.name for site in found.sites]) == ("样三和", ["滨江示例工地"])
    assert found.papers is not None
    assert "•" in found.papers.document_number
    assert [one.granted for one in found.consents] == [True]
    assert [(one.standing.kind, one.standing.state) for one in found.lines] == [
        ("training", State.MISSING),
        ("test", State.HOLDS),
    ]
    assert [one.course for one in found.trainings] == ["示例课"]
    assert found.passes is not None
    assert found.passes.status.colour is PassColour.RED
    assert {one.what for one in found.passes.entries} == {"contact", "test_negative"}
    assert found.results is not None
    assert [one.result for one in found.results] == ["negative"]
    assert found.lodging is not None
    assert [one.room for one in found.lodging] == ["102"]
    assert (found.rides, found.declared) == ((), ())
    assert found.cases is not None
    assert [(one.state, one.is_open) for one in found.cases] == [("proposed", True)]
    assert found.alerts is not None
    assert [one.site_id for one in found.alerts] == [A]
    ((site, days),) = found.attendance
    assert (site.site_id, len(days.days)) == (A, 0)
    rider = files(office).one(MANAGER, "A-001")
    assert rider.declared is not None
    assert [one.site_id for one in rider.declared] == [A]
    assert len(rider.attendance[0][1].days) == 2


@pytest.mark.parametrize("office", ["sqlite"], indirect=True)
def test_sections_are_narrowed_by_right_and_site_with_one_audit_line(office: FrontOffice) -> None:
    fill(office)
    found = files(office).one(SUPERVISOR, WORKER)
    assert (found.results, found.lodging, found.rides) == (None, None, None)
    assert found.declared is not None
    assert found.cases is not None
    medic = files(office).one(Viewer("medic", "", Role.MEDIC, frozenset({A})), WORKER)
    assert (medic.cases, medic.alerts, medic.lodging) == (None, None, None)
    assert medic.results is not None
    assert {one.site_id for one in files(office).one(ADMIN, WORKER).alerts or ()} == {A, B}
    for viewer, worker_id in ((FOREIGNER, WORKER), (MANAGER, "B-001"), (MANAGER, "nobody")):
        with pytest.raises(NotFound):
            files(office).one(viewer, worker_id)
    with pytest.raises(NotAllowed):
        files(office).one(Viewer("c", "", Role.CHECKER, frozenset({A})), WORKER)
    with statements(office.database) as seen:
        files(office).one(MANAGER, WORKER)
    assert len([one for one in seen if one.startswith("INSERT INTO audit")]) == 1
    assert len(seen) < 45
    (line, *_) = audit.lines(office.database, ADMIN, now=NOW, subject=f"worker:{WORKER}")
    assert (line.action, line.actor) == (Action.LOOKED_AT_PERSON_FILE, MANAGER.user_id)
