"""Training records at the centre: only whole ones are taken, they reach the roster, anybody can check one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, select, update

from sync.central import registry, site_registry, tables
from sync.central.accounts_access import NotFound, Role, Viewer
from sync.central.database import Database
from sync.central.notes import NoteContext, NoteRefused
from sync.central.tables_training import training_records
from sync.central.training_office import TrainingOffice
from sync.central.trainings import BROKEN, FOREIGN_KEY, FORKED, OTHER_SENDER, take_training
from sync.records import Clearance
from sync.store import LocalStore, StoreKey
from sync.training.record import FIRST_PREVIOUS, Result, SignedTraining, TrainingRecord, sign
from tests.sync.central.gate_box import a_site
from tests.sync.samples import NOON, a_worker
from tests.sync.training.test_record import a_record

HERE = "demo-site"
ADMIN = Viewer("admin", "", Role.ADMIN, None)
ELSEWHERE = Viewer("other", "", Role.SITE_MANAGER, frozenset({"other-site"}))


@pytest.fixture
def signer() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def database(centre_database: Database) -> Database:
    a_site(centre_database, HERE)
    with centre_database.write() as connection:
        registry.put_worker(connection, a_worker("W-1"), now=NOON)
    return centre_database


def chain(signer: Ed25519PrivateKey, *records: TrainingRecord) -> list[SignedTraining]:
    made: list[SignedTraining] = []
    for number, record in enumerate(records, start=1):
        previous = made[-1].hash if made else FIRST_PREVIOUS
        made.append(sign(record, signer, number=number, previous=previous))
    return made


def send(connection: Connection, signed: SignedTraining, *, gate_id: str = "kiosk-1") -> dict[str, int]:
    record = TrainingRecord.model_validate_json(signed.body)
    context = NoteContext(HERE, gate_id, record.record_id, NOON + timedelta(hours=1))
    return dict(take_training(connection, context, signed.model_dump_json()))


def office(database: Database, *, days: float = 0) -> TrainingOffice:
    return TrainingOffice(database, now=lambda: NOON + timedelta(days=days))


def clearances(database: Database) -> tuple[Clearance, ...]:
    with database.read() as connection:
        return registry.worker(connection, "W-1").clearances


def test_a_pass_becomes_a_clearance_on_the_roster(database: Database, signer: Ed25519PrivateKey) -> None:
    (signed,) = chain(signer, a_record())
    with database.write() as connection:
        assert set(send(connection, signed)) == {HERE}
    (clearance,) = clearances(database)
    assert (clearance.kind, clearance.reference) == ("training", "T-1")


def test_a_failed_test_is_kept_and_grants_nothing(database: Database, signer: Ed25519PrivateKey) -> None:
    failed = a_record(result=Result.FAILED, score_percent=20, valid_from=None, valid_until=None)
    with database.write() as connection:
        assert send(connection, *chain(signer, failed)) == {}
    assert clearances(database) == ()
    assert [one.result for one in office(database).records(ADMIN)] == [Result.FAILED]


def test_what_is_changed_forked_or_sent_by_another_is_refused(
    database: Database, signer: Ed25519PrivateKey
) -> None:
    one, two = chain(signer, a_record(1), a_record(2))
    forged = one.model_copy(update={"body": one.body.replace('"W-1"', '"W-2"')})
    fork = sign(a_record(3), signer, number=1, previous=FIRST_PREVIOUS)
    loose = sign(a_record(4), signer, number=3, previous="b" * 64)
    with database.write() as connection:
        with pytest.raises(NoteRefused, match="signature"):
            send(connection, forged)
        with pytest.raises(NoteRefused, match=OTHER_SENDER):
            send(connection, one, gate_id="gate-9")
        send(connection, one)
        with pytest.raises(NoteRefused, match=FORKED):
            send(connection, fork)
        send(connection, two)
        with pytest.raises(NoteRefused, match=BROKEN):
            send(connection, loose)


def test_another_gate_s_key_signs_nothing_here(database: Database) -> None:
    with database.write() as connection:
        credentials = site_registry.add_gate(
            connection, HERE, "gate-7", centre=Ed25519PrivateKey.generate().public_key(), now=NOON
        )
        with pytest.raises(NoteRefused, match=FOREIGN_KEY):
            send(connection, *chain(credentials.gate_key, a_record()))


def test_missing_records_are_reported_and_late_ones_fill_the_gap(
    database: Database, signer: Ed25519PrivateKey
) -> None:
    one, two, three = chain(signer, a_record(1), a_record(2), a_record(3))
    with database.write() as connection:
        send(connection, one)
        send(connection, three)
    (report,) = office(database).verify(ADMIN)
    assert (report.records, report.missing) == (2, 1)
    with database.write() as connection:
        send(connection, two)
    (report,) = office(database).verify(ADMIN)
    assert (report.missing, report.findings) == (0, ())


def test_a_record_that_was_changed_in_the_database_shows(
    database: Database, signer: Ed25519PrivateKey
) -> None:
    (signed,) = chain(signer, a_record())
    with database.write() as connection:
        send(connection, signed)
        body = signed.body.replace('"score_percent":80', '"score_percent":99')
        text = signed.model_copy(update={"body": body}).model_dump_json()
        connection.execute(update(training_records).values(signed=text))
    (report,) = office(database).verify(ADMIN)
    assert "signature" in report.findings[0].problem
    check = office(database).public_check("token-1")
    assert check is not None and not check.is_valid


def test_what_ends_soon_and_was_not_repeated_is_listed(database: Database, signer: Ed25519PrivateKey) -> None:
    soon, far = NOON + timedelta(days=10), NOON + timedelta(days=300)
    records = [
        a_record(1, valid_until=soon),
        a_record(2, valid_until=soon, worker_id="W-2"),
        a_record(3, valid_until=far, worker_id="W-2"),
    ]
    with database.write() as connection:
        registry.put_worker(connection, a_worker("W-2"), now=NOON)
        for signed in chain(signer, *records):
            send(connection, signed)
    assert [one.worker_id for one in office(database).expiring(ADMIN)] == ["W-1"]
    assert office(database).expiring(ELSEWHERE) == []
    assert [one.worker_id for one in office(database, days=20).expiring(ADMIN)] == ["W-1"]
    assert office(database, days=100).expiring(ADMIN) == []


def test_a_look_at_records_stays_within_the_viewer_s_sites_and_leaves_a_line(
    database: Database, signer: Ed25519PrivateKey
) -> None:
    with database.write() as connection:
        send(connection, *chain(signer, a_record()))
    assert office(database).records(ELSEWHERE) == []
    with pytest.raises(NotFound):
        office(database).signed(ELSEWHERE, "T-1")
    assert office(database).signed(ADMIN, "T-1").number == 1
    with database.read() as connection:
        actions = connection.scalars(select(tables.audit.c.action)).all()
    assert actions == ["looked_at_trainings"] * 2


def test_the_public_check_says_little_and_knows_the_date(
    database: Database, signer: Ed25519PrivateKey
) -> None:
    with database.write() as connection:
        send(connection, *chain(signer, a_record()))
    check = office(database).public_check("token-1")
    assert check is not None and check.is_valid
    assert check.masked_name == "示***"
    expired = office(database, days=400).public_check("token-1")
    assert expired is not None and not expired.is_valid
    assert office(database).public_check("unknown") is None


def test_what_a_kiosk_queues_is_what_the_centre_takes(database: Database, tmp_path: Path) -> None:
    with database.write() as connection:
        key = site_registry.add_gate(
            connection, HERE, "kiosk-1", centre=Ed25519PrivateKey.generate().public_key(), now=NOON
        ).gate_key
    with LocalStore.open(tmp_path / "kiosk.db", StoreKey.load(tmp_path / "key", "", create=True)) as store:
        store.put_worker(a_worker("W-1"))
        store.finish_training(a_record(1), key)
        store.finish_training(a_record(2, course_id="other-course", kind="health"), key)
        queued = [item for item in store.outbox_pending() if item.kind == "training"]
        local = store.worker("W-1").clearances
    with database.write() as connection:
        for item in queued:
            send(connection, SignedTraining.model_validate_json(item.payload))
    assert clearances(database) == local
    assert all(one.key_registered for one in office(database).records(ADMIN))
