"""Records of kiosks into the central database: with their batch, once, harming no event beside them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, insert, select

from sync.central import registry, site_registry, tables, tables_people
from sync.central.database import Database
from sync.central.ingest import Ingest, Taken
from sync.central.note_handlers import HANDLERS
from sync.central.notes import FAULT, NOT_A_KIOSK, NoteContext, NoteRefused
from sync.central.reception import Arrival
from sync.records import WorkerStatus
from sync.wire import topics
from sync.wire.messages import Batch, BatchItem
from sync.wire.sealing import seal_text
from tests.sync.central.gate_box import GateBox, a_gate, a_site
from tests.sync.samples import NOON, a_worker


@pytest.fixture
def kiosk(centre_database: Database) -> GateBox:
    a_site(centre_database)
    box = a_gate(centre_database)
    with centre_database.write() as connection:
        site_registry.set_kiosk(connection, box.site_id, box.gate_id, is_kiosk=True)
        key = connection.scalar(select(tables.sites.c.sealing_key))
    assert key is not None
    box.sealing_key = bytes(key)
    return box


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the handler of declarations got; `twice` breaks a rule of the database, `add` changes a roster."""
    seen: list[str] = []

    def handler(connection: Connection, context: NoteContext, text: str) -> Mapping[str, int]:
        seen.append(text)
        if text == "twice":
            row = {"key": "same", "value": "示例"}
            connection.execute(insert(tables.state), [row, row])
        if text == "add":
            return registry.put_worker(connection, a_worker("W-7"), now=context.received_at)
        return {}

    monkeypatch.setitem(HANDLERS, "declaration", handler)
    return seen


def a_note(kiosk: GateBox, item_id: int, text: str, bound_to: str, **changes: object) -> BatchItem:
    sealed = seal_text(text, site_key=kiosk.sealing_key, bound_to=bound_to)
    fields: dict[str, object] = {"kind": "declaration", "payload": sealed, "record_id": bound_to}
    return BatchItem.model_validate({"item_id": item_id, **fields, **changes})


def take(database: Database, kiosk: GateBox, *items: BatchItem) -> Taken:
    batch = Batch(batch_id="b-1", boot_id="boot", replay=False, items=items)
    topic, payload = kiosk.sealed(topics.BATCH, batch.model_dump_json().encode())
    return Ingest(database, lambda: NOON).take([Arrival(topic, payload, datetime.now(UTC))])


def reasons(taken: Taken) -> dict[int, str]:
    (reply,) = taken.replies
    return {one.item_id: one.reason for one in reply.ack.rejected}


def test_a_record_is_handled_once_and_acknowledged_every_time(
    centre_database: Database, kiosk: GateBox, handled: list[str]
) -> None:
    for _ in range(2):
        taken = take(centre_database, kiosk, a_note(kiosk, 1, "示例", "R-1"))
        assert taken.replies[0].ack.accepted == (1,)
    assert handled == ["示例"]


def test_a_record_that_cannot_be_stored_takes_nothing_else_with_it(
    centre_database: Database, kiosk: GateBox, handled: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    event = kiosk.event()
    items = (
        a_note(kiosk, 1, "good", "R-1"),
        a_note(kiosk, 2, "twice", "R-2"),
        BatchItem(item_id=3, kind="event", payload=event.model_dump_json()),
        a_note(kiosk, 4, "good too", "R-3"),
    )
    taken = take(centre_database, kiosk, *items)
    assert reasons(taken) == {2: FAULT}
    assert sorted(taken.replies[0].ack.accepted) == [1, 3, 4]
    with centre_database.read() as connection:
        kept = set(connection.scalars(select(tables_people.notes_taken.c.record_id)))
    assert kept == {"R-1", "R-3"}
    assert "R-2" not in caplog.text and "was not stored" in caplog.text
    assert not any(said in caplog.text for said in ("示例", "same")), "nothing of the record is in the log"


def test_the_acknowledgement_names_the_roster_that_holds_what_became_of_it(
    centre_database: Database, kiosk: GateBox, handled: list[str]
) -> None:
    taken = take(centre_database, kiosk, a_note(kiosk, 1, "add", "R-1"))
    assert taken.roster_changed
    with centre_database.read() as connection:
        assert taken.replies[0].ack.roster_version == connection.scalar(select(tables.sites.c.roster_version))


def test_workers_of_one_batch_take_one_version_and_a_refused_one_none(
    centre_database: Database, kiosk: GateBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(connection: Connection, context: NoteContext, text: str) -> Mapping[str, int]:
        worker_id, _, refused = text.partition(" ")
        status = WorkerStatus.BLOCKED if worker_id == "W-9" else WorkerStatus.ACTIVE
        worker = a_worker(worker_id, status=status)
        versions = registry.put_worker(connection, worker, now=context.received_at, later=context.roster)
        assert versions == {}
        if refused:
            raise NoteRefused("for the test")
        return versions

    monkeypatch.setitem(HANDLERS, "declaration", handler)
    texts = ("W-7", "W-8", "W-6 refused", "W-7", "W-9")
    items = [a_note(kiosk, number, text, f"R-{number}") for number, text in enumerate(texts, 1)]
    taken = take(centre_database, kiosk, *items)
    assert taken.roster_changed
    assert reasons(taken) == {3: "for the test"}
    log = tables.roster_log.c
    with centre_database.read() as connection:
        query = select(log.worker_id, log.version, log.urgent).order_by(log.worker_id)
        rows = connection.execute(query).all()
    assert [tuple(row) for row in rows] == [("W-7", 2, False), ("W-8", 2, False), ("W-9", 1, True)]
    assert taken.replies[0].ack.roster_version == 2


def test_a_gate_that_is_no_kiosk_registers_nobody(
    centre_database: Database, kiosk: GateBox, handled: list[str]
) -> None:
    with centre_database.write() as connection:
        site_registry.set_kiosk(connection, kiosk.site_id, kiosk.gate_id, is_kiosk=False)
    assert reasons(take(centre_database, kiosk, a_note(kiosk, 1, "add", "R-1"))) == {1: NOT_A_KIOSK}
    assert handled == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"record_id": "R-other"}, "unsealable"),
        ({"record_id": None}, "malformed: record_id"),
        ({"payload": "no base64"}, "unsealable"),
    ],
)
def test_a_record_that_was_tampered_with_is_refused(
    centre_database: Database,
    kiosk: GateBox,
    handled: list[str],
    changes: dict[str, object],
    reason: str,
) -> None:
    assert reasons(take(centre_database, kiosk, a_note(kiosk, 1, "x", "R-1", **changes))) == {1: reason}
    assert handled == []
