"""Events into the central database: exactly once in effect, nothing of strangers, nothing lost in silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Row, select

from sync.central import event_rows, registry, site_registry, tables
from sync.central.database import Database
from sync.central.ingest import Ingest, Taken
from sync.central.reception import Arrival
from sync.records import Passage, PassageNote
from sync.wire import topics
from sync.wire.envelope import MAX_BYTES, Envelope
from tests.sync.central.gate_box import CENTRE_KEY, GateBox, a_gate, a_site
from tests.sync.samples import NOON, a_worker

Take = Callable[..., Taken]


@pytest.fixture
def box(centre_database: Database) -> GateBox:
    a_site(centre_database)
    return a_gate(centre_database)


@pytest.fixture
def take(centre_database: Database, box: GateBox) -> Take:
    ingest = Ingest(centre_database, lambda: NOON)
    return lambda *arrivals: ingest.take(arrivals)


def rows(database: Database, table: Any) -> list[Row[Any]]:
    with database.read() as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)))


def causes(database: Database) -> dict[str, int]:
    return {row.cause: row.count for row in rows(database, tables.refusals)}


def gaps(database: Database) -> list[tuple[int, int]]:
    return [(row.first, row.last) for row in rows(database, tables.sequence_gaps)]


def test_an_event_is_kept_as_sent_with_what_the_registry_knows_of_the_worker(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    with centre_database.write() as connection:
        registry.put_worker(connection, a_worker(team="示例班组", employer="示例公司"), now=NOON)
    event = box.event(worker_id="W-1", occurred_at=datetime(2026, 3, 2, 17, 30, tzinfo=UTC))
    taken = take(box.batch([event], batch_id="b-1"))
    (row,) = rows(centre_database, tables.events)
    assert (row.worker_name, row.team, row.employer, row.worker_known) == (
        "示例 W-1",
        "示例班组",
        "示例公司",
        True,
    )
    assert row.local_day == date(2026, 3, 3), "half past one at night in Shanghai"
    assert row.occurred_at == event.occurred_at
    assert json.loads(row.record) == json.loads(event.model_dump_json())
    (reply,) = taken.replies
    assert (reply.ack.batch_id, reply.ack.accepted, reply.ack.rejected) == ("b-1", (1,), ())


def test_the_same_event_any_number_of_times_is_there_once_and_always_acknowledged(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    event = box.event()
    first = take(box.batch([event, event]), box.batch([event], replay=True))
    again = take(box.batch([event]))
    assert len(rows(centre_database, tables.events)) == 1
    assert [reply.ack.accepted for reply in (*first.replies, *again.replies)] == [(1, 2), (1,), (1,)]
    assert (first.events, first.repeated, again.events, again.repeated) == (1, 2, 0, 1)


def test_an_empty_batch_is_acknowledged_with_the_time(box: GateBox, take: Take) -> None:
    (reply,) = take(box.batch([])).replies
    assert reply.ack.at == NOON


def test_an_event_of_a_worker_nobody_knows_is_kept_and_marked(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    take(box.batch([box.event(worker_id="W-404"), box.event()]))
    known = {row.worker_id: row.worker_known for row in rows(centre_database, tables.events)}
    assert known == {"W-404": False, None: True}


def test_events_of_an_unknown_gate_are_not_acknowledged_but_kept_to_be_looked_at_once(
    centre_database: Database, take: Take
) -> None:
    stranger = GateBox("gate-9")
    event = stranger.event()
    for _ in range(3):
        assert take(stranger.batch([event])).replies == []
    (held,) = rows(centre_database, tables.quarantine)
    assert (held.gate_id, held.cause, json.loads(held.payload)["event_id"]) == (
        "gate-9",
        "unknown_gate",
        event.event_id,
    )
    assert causes(centre_database) == {"unknown_gate": 3}


def test_a_revoked_gate_is_believed_nothing_more(centre_database: Database, box: GateBox, take: Take) -> None:
    with centre_database.write() as connection:
        site_registry.revoke_gate(connection, box.site_id, box.gate_id, now=NOON)
    assert take(box.batch([box.event()])).replies == []
    assert rows(centre_database, tables.events) == []
    assert causes(centre_database) == {"revoked_gate": 1}


def test_a_gate_with_a_new_key_is_heard_and_the_old_key_is_not(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    with centre_database.write() as connection:
        fresh = site_registry.issue_gate_key(
            connection, box.site_id, box.gate_id, centre=CENTRE_KEY.public_key(), now=NOON
        )
    assert take(box.batch([box.event()])).replies == []
    box.key = fresh.gate_key
    assert len(take(box.batch([box.event()])).replies) == 1
    assert causes(centre_database) == {"forged": 1}


def test_a_gate_that_signs_another_gates_topic_is_refused(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    a_gate(centre_database, "gate-2")
    liar = GateBox("gate-2", key=box.key)
    assert take(liar.batch([liar.event()])).replies == []
    assert causes(centre_database) == {"forged": 1}


def test_a_message_moved_to_another_topic_is_refused(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    a_gate(centre_database, "gate-2")
    sent = box.batch([box.event()])
    elsewhere = topics.up(box.site_id, box.gate_id, topics.HELLO)
    assert take(Arrival(elsewhere, sent.payload, sent.received_at)).replies == []
    assert causes(centre_database) == {"misaddressed": 1}


@pytest.mark.parametrize("wrong", [{"gate_id": "gate-2"}, {"site_id": "elsewhere"}])
def test_an_event_that_says_it_is_of_another_gate_or_site_is_refused_and_held(
    centre_database: Database, box: GateBox, take: Take, wrong: dict[str, str]
) -> None:
    (reply,) = take(box.batch([box.event(**wrong), box.event()])).replies
    assert reply.ack.accepted == (2,)
    assert [(one.item_id, one.reason) for one in reply.ack.rejected] == [(1, "foreign")]
    assert [held.cause for held in rows(centre_database, tables.quarantine)] == ["foreign"]


def test_nobody_can_send_an_event_under_the_id_of_another_gates_event(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    other = a_gate(centre_database, "gate-2")
    event = box.event()
    take(box.batch([event]))
    (reply,) = take(other.batch([other.event(event_id=event.event_id)])).replies
    assert [(one.item_id, one.reason) for one in reply.ack.rejected] == [(1, "foreign")]
    assert [row.gate_id for row in rows(centre_database, tables.events)] == ["gate-1"]
    assert causes(centre_database) == {"foreign": 1}


def test_items_that_cannot_be_read_are_refused_one_by_one_and_the_rest_is_taken(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    good = box.event()
    newer = good.model_dump(mode="json") | {"schema_version": 2, "mood": "good", "event_id": "e-2"}
    other = good.model_dump(mode="json") | {"schema_version": 1, "mood": "good", "event_id": "e-3"}
    nul = good.model_copy(update={"event_id": "e\x00", "reasons": ("a\x00",)})
    endless = good.model_copy(update={"event_id": "e-4", "sequence": 2**70})
    (reply,) = take(box.batch(["no json", json.dumps(newer), json.dumps(other), nul, endless, good])).replies
    assert reply.ack.accepted == (6,)
    assert [(one.item_id, one.reason) for one in reply.ack.rejected] == [
        (1, "malformed"),
        (2, "future_version"),
        (3, "wrong_schema"),
        (4, "malformed"),
        (5, "malformed"),
    ]
    assert causes(centre_database) == {"future_version": 1, "malformed": 3, "wrong_schema": 1}


def test_an_item_that_the_database_refuses_is_alone_refused(
    centre_database: Database, box: GateBox, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = event_rows._row

    def damaged(event: Any, *rest: Any) -> dict[str, Any]:
        row = whole(event, *rest)
        return row | ({"local_day": None} if event.lane_id == "cursed" else {})

    monkeypatch.setattr(event_rows, "_row", damaged)
    fine, bad = box.event(), box.event(lane_id="cursed")
    first, second = take(box.batch([fine, bad]), box.batch([box.event()])).replies
    assert (first.ack.accepted, [one.reason for one in first.ack.rejected]) == ((1,), ["unstorable"])
    assert second.ack.accepted == (1,)
    assert len(rows(centre_database, tables.events)) == 2


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"{", "malformed"),
        (b'{"batch_id": "b", "items": "none"}', "malformed"),
        (b"x" * MAX_BYTES, "oversized"),
    ],
)
def test_a_message_without_a_readable_batch_is_counted(
    centre_database: Database, box: GateBox, take: Take, body: bytes, cause: str
) -> None:
    arrival = Arrival(*box.sealed(topics.BATCH, body), NOON)
    assert take(arrival, Arrival("sitegate/1/what", b"", NOON)).replies == []
    assert causes(centre_database) == {cause: 1, "misaddressed": 1}


def test_a_batch_of_another_shape_is_refused_item_by_item(box: GateBox, take: Take) -> None:
    body = json.dumps({"batch_id": "b-7", "items": [{"item_id": 4, "wrapped": {}}, {"item_id": 5}]}).encode()
    (reply,) = take(Arrival(*box.sealed(topics.BATCH, body), NOON)).replies
    assert reply.ack.batch_id == "b-7"
    assert [(one.item_id, one.reason) for one in reply.ack.rejected] == [
        (4, "wrong_schema"),
        (5, "wrong_schema"),
    ]


def test_an_envelope_of_a_future_version_is_counted(
    centre_database: Database, box: GateBox, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.wire.envelope.WIRE_VERSION", 2)
    newer = box.batch([box.event()])
    monkeypatch.undo()
    assert take(newer).replies == []
    assert causes(centre_database) == {"future_version": 1}


@pytest.mark.parametrize("year", [1, 1970, 2106, 9999])
def test_an_event_of_a_clock_that_is_years_off_is_kept(
    centre_database: Database, box: GateBox, take: Take, year: int
) -> None:
    moment = datetime(year, 12 if year == 9999 else 1, 31, 23, 59, tzinfo=UTC)
    (reply,) = take(box.batch([box.event(occurred_at=moment, clock_trusted=False)])).replies
    assert reply.ack.accepted == (1,)
    assert rows(centre_database, tables.events)[0].occurred_at == moment


def test_a_passage_is_written_onto_its_event_whichever_comes_first(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    early, late = box.event(), box.event()
    notes = [
        PassageNote(event_id=one.event_id, passage=Passage.PASSED, noted_at=NOON) for one in (early, late)
    ]
    take(box.batch([notes[0], late]))
    take(box.batch([early]))
    take(box.batch([notes[1], notes[0]]))
    assert [row.passage for row in rows(centre_database, tables.events)] == ["passed", "passed"]
    assert all(row.applied for row in rows(centre_database, tables.passages))


def test_a_passage_noted_by_another_gate_stays_without_effect(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    other = a_gate(centre_database, "gate-2")
    event = box.event()
    take(box.batch([event]))
    take(other.batch([PassageNote(event_id=event.event_id, passage=Passage.PASSED, noted_at=NOON)]))
    assert rows(centre_database, tables.events)[0].passage == "unknown"


def test_missing_numbers_are_found_and_closed_when_they_arrive(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    events = [box.event() for _ in range(10)]
    take(box.batch([events[0], events[9]]))
    assert gaps(centre_database) == [(2, 9)]
    take(box.batch([events[4], events[1]], replay=True))
    assert gaps(centre_database) == [(3, 4), (6, 9)]
    take(box.batch(events, replay=True))
    assert gaps(centre_database) == []


def test_an_old_number_under_a_new_event_says_that_the_store_was_replaced(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    take(box.batch([box.event(sequence=1), box.event(sequence=2)]))
    take(box.batch([box.event(sequence=1)]))
    (row,) = rows(centre_database, tables.gate_sequences)
    assert (row.highest, row.reused) == (2, 1)


def test_a_terminal_that_does_not_number_its_events_has_no_gaps(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    take(box.batch([box.event(sequence=0), box.event(sequence=0)]))
    assert rows(centre_database, tables.gate_sequences) == []


def test_backlog_does_not_touch_the_last_event_of_a_gate(
    centre_database: Database, box: GateBox, take: Take
) -> None:
    live, old = box.event(sequence=5), box.event(sequence=4)
    take(box.batch([live]))
    take(box.batch([old], replay=True))
    (status,) = rows(centre_database, tables.gate_status)
    assert (status.last_event_at, status.last_seen_at) == (live.occurred_at, NOON)


def test_two_processes_with_the_same_batches_write_each_event_once(
    centre_database: Database, box: GateBox
) -> None:
    others = [box, *(a_gate(centre_database, f"gate-{number}") for number in (2, 3))]
    batches = [other.batch([other.event() for _ in range(20)]) for _ in range(10) for other in others]
    failed: list[BaseException] = []

    def work(mine: list[Arrival]) -> None:
        with Database.open(centre_database.engine.url.render_as_string(hide_password=False)) as own:
            ingest = Ingest(own, lambda: NOON)
            try:
                for start in range(0, len(mine), 5):
                    ingest.take(mine[start : start + 5])
            except Exception as error:  # noqa: BLE001 - shown by the main thread
                failed.append(error)

    threads = [Thread(target=work, args=(mine,)) for mine in (batches, batches[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(rows(centre_database, tables.events)) == 600
    assert gaps(centre_database) == []
    assert [row.highest for row in rows(centre_database, tables.gate_sequences)] == [200, 200, 200]


def test_what_strangers_may_leave_behind_is_bounded(
    centre_database: Database, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.central.reception.QUARANTINE_PER_GATE", 5)
    stranger = GateBox("gate-9")
    take(stranger.batch([stranger.event() for _ in range(4)]))
    take(stranger.batch([stranger.event() for _ in range(4)]))
    assert len(rows(centre_database, tables.quarantine)) == 5


def test_signed_by_a_gate_is_not_enough_where_the_body_says_who(box: GateBox, take: Take) -> None:
    address = topics.Address(box.site_id, box.gate_id, "up", topics.BATCH)
    sealed = Envelope(address, 1, NOON, box.batch([]).payload.split(b"\n", 2)[2]).sealed_with(box.key)
    tampered = sealed.replace(b'"replay":false', b'"replay":true ')
    assert tampered != sealed
    assert take(Arrival(address.topic, tampered, NOON)).replies == []
