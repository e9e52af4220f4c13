"""A whole record that is erased: every table was thought of, and what must stay holds no name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, func, insert, select

from sync.central import (
    duplicate_pairs,
    erasure_rows,
    erasures,
    registry,
    tables_declarations,
    tables_lodging,
)
from sync.central.accounts_access import Role, Viewer
from sync.central.database import Database
from sync.central.declarations import declaration_handler
from sync.central.erasure_cleanup import clean_up
from sync.central.notes import NoteContext
from sync.central.schema import metadata
from sync.central.training_office import TrainingOffice
from sync.central.trainings import take_training
from sync.clearance_rules import shipped_rules
from sync.erasure import WHOLE_RECORD
from sync.training.record import FIRST_PREVIOUS, TrainingRecord, sign
from tests.sync.central.gate_box import a_site
from tests.sync.central.test_declarations import declared
from tests.sync.central.test_enrolments import VAULT
from tests.sync.people_samples import a_withdrawal
from tests.sync.samples import NOON, a_worker
from tests.sync.training.test_record import a_record

HERE = "demo-site"
KEPT = {
    "attendance_corrections",  # with the events, for wages: the number alone
    "case_contacts",  # the authority's, with the case
    "cases",
    "duplicates",  # emptied by `erasures`, the decision stays
    "enrolments",  # emptied by `persons.forget`: which kiosk said something when
    "erasures",  # the receipt itself
    "events",  # emptied by `erasures`: number and times, for wages
    "phone_sessions",  # deleted by `erasures`, drafts first
    "roster_log",  # rewritten: tells every gate
    "worker_sites",
    "workers",  # the number, with the status `left`
}


def merged_into(connection: Connection, worker_id: str) -> None:
    """W-1 becomes this one, by way of a third number."""
    for keep, goes in (("W-3", "W-1"), (worker_id, "W-3")):
        registry.put_worker(connection, a_worker(keep), now=NOON)
        duplicate_pairs.note_found(connection, keep, goes, found_by="document", score=None, now=NOON)
        duplicate_pairs.merge(
            connection, keep, goes, vault=VAULT, rules=shipped_rules(), reason="x", by="m", now=NOON
        )


def test_every_table_with_a_worker_is_erased_or_kept_for_a_reason() -> None:
    with_worker = {table.name for table in metadata.sorted_tables if "worker_id" in table.c}
    assert with_worker - set(erasure_rows.touched()) == KEPT, "decide in docs/decisions/erasure.md"


@pytest.mark.parametrize("number", ["W-1", "W-2"], ids=["its own number", "the number it was merged into"])
def test_what_was_declared_goes_and_what_must_stay_has_a_number_for_a_name(
    centre_database: Database, number: str
) -> None:
    a_site(centre_database, HERE)
    context = NoteContext(HERE, "kiosk-1", "T-1", NOON + timedelta(hours=1))
    signed = sign(a_record(), Ed25519PrivateKey.generate(), number=1, previous=FIRST_PREVIOUS)
    record = TrainingRecord.model_validate_json(signed.body)
    name = record.worker_name
    declaration = declared(site_id=HERE, worker_id="W-1", local_day=NOON.date(), declared_at=NOON)
    lodging = tables_lodging
    house = {"site_id": HERE, "address": "x", "landlord_name": "x", "landlord_phone": "1", "rooms": 1}
    bus = {"bus_id": "b", "site_id": HERE, "number": "x", "travelled_on": NOON.date(), "origin": "x"}
    rider = {
        "rider_id": "r",
        "bus_id": "b",
        "worker_id": "W-1",
        "name": name,
        "document_hash": "h",
        "seat": 1,
    }
    by = {"added_at": NOON, "added_by": "x"}
    with centre_database.write() as connection:
        registry.put_worker(connection, a_worker("W-1", name=name), now=NOON)
        declaration_handler(None)(connection, context, declaration.model_dump_json())
        take_training(connection, context, signed.model_dump_json())
        connection.execute(
            insert(lodging.houses).values(
                house_id="h", capacity=1, door_token="d", landlord_token="l", created_at=NOON, **house
            )
        )
        connection.execute(
            insert(lodging.stays).values(
                stay_id="s",
                house_id="h",
                worker_id="W-1",
                name=name,
                phone="13800000000",
                from_day=NOON.date(),
                registered_at=NOON,
                registered_by="tenant",
            )
        )
        connection.execute(
            insert(lodging.buses).values(
                destination="x", driver_name="x", seats=9, created_at=NOON, created_by="x", **bus
            )
        )
        connection.execute(insert(lodging.bus_riders).values(**rider, **by))
        if number != "W-1":
            merged_into(connection, number)
        withdrawal = a_withdrawal(
            withdrawal_id="gone-1", worker_id=number, kind=WHOLE_RECORD, withdrawn_at=NOON
        )
        erasures.withdraw(connection, withdrawal, now=NOON)

    assert clean_up(centre_database, NOON) == 1
    with centre_database.read() as connection:
        for emptied in (tables_declarations.declarations, tables_declarations.trips):
            assert not connection.scalar(select(func.count()).select_from(emptied)), emptied.name
        for table in (lodging.stays, lodging.bus_riders):
            row = connection.execute(select(table)).one()
            assert (row.worker_id, row.name, row.phone) == ("W-1", "W-1", "")
        items = {one.what for one in erasures.receipt(connection, "gone-1").items}
    assert {"declarations: 1", "training records kept by law: 1"} <= items
    office = TrainingOffice(centre_database, now=lambda: NOON)
    admin = Viewer("admin", "", Role.ADMIN, None)
    assert [one.worker_name for one in office.records(admin)] == ["W-1"]
    assert [one.findings for one in office.verify(admin)] == [()], "the chain holds"
    check = office.public_check(record.token)
    assert check is not None
    assert name[0] not in check.masked_name
