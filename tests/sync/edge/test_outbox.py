"""Events reach the centre and leave the queue only when the centre says that it has them."""

from __future__ import annotations

import pytest

from sync.edge.centre_time import CentreTime
from sync.edge.outbox import OutboxSender
from sync.edge.settings import CentreSettings
from sync.records import Passage, PassageNote
from sync.store import LocalStore
from sync.wire import topics
from sync.wire.messages import Ack, Batch, Message, Rejection
from tests.gate.manual_clock import ManualClock
from tests.sync.edge.brokers import Mosquitto
from tests.sync.edge.conftest import Rig
from tests.sync.edge.scripted_centre import ScriptedCentre, eventually
from tests.sync.people_samples import a_consent, an_enrolment
from tests.sync.samples import NOON, an_event

pytestmark = pytest.mark.slow  # a real broker, restarts and waits: seconds each


def record(rig: Rig, count: int) -> None:
    for _ in range(count):
        rig.store.record(an_event())


def items(batch: Batch) -> list[int]:
    return [item.item_id for item in batch.items]


def filled(centre: ScriptedCentre) -> list[Batch]:
    return [batch for batch in centre.of(topics.BATCH) if batch.items]


def test_events_arrive_with_their_passages_and_leave_the_queue(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    agent = rig.run(broker.port)
    event = rig.store.record(an_event())
    rig.store.note_passage(PassageNote(event_id=event.event_id, passage=Passage.PASSED, noted_at=NOON))
    eventually(lambda: rig.store.outbox_depth() == 0, "everything is acknowledged")
    assert centre.accepted == [1, 2]
    assert not any(batch.replay for batch in filled(centre))
    status = eventually(lambda: (s := agent.status()).centre_answers and s, "the centre answers")
    assert abs(status.clock_offset_ms) < 1000
    assert status.problem == ""


def test_without_an_acknowledgement_the_same_items_go_again_under_a_new_number(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    centre.on_batch = lambda batch: None  # the acknowledgement is lost
    rig.run(broker.port)
    record(rig, 3)
    eventually(lambda: len(filled(centre)) >= 2, "the batch is sent again")
    first, second = filled(centre)[:2]
    assert set(items(first)) <= {1, 2, 3}
    assert first.batch_id != second.batch_id
    centre.on_batch = centre.take
    eventually(lambda: rig.store.outbox_depth() == 0, "the repetition is acknowledged")
    assert set(centre.accepted) == {1, 2, 3}


def test_an_acknowledgement_that_comes_late_or_twice_does_no_harm(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    centre.on_batch = lambda batch: None
    agent = rig.run(broker.port)
    record(rig, 1)
    eventually(lambda: len(filled(centre)) >= 2, "the batch is sent again")
    late = filled(centre)[0]
    centre.acknowledge(late)
    eventually(lambda: rig.store.outbox_depth() == 0, "the late acknowledgement counts")
    centre.acknowledge(late)
    eventually(lambda: agent.status().refused.get("replayed"), "the second one is refused")
    centre.on_batch = centre.take
    record(rig, 1)
    eventually(lambda: rig.store.outbox_depth() == 0, "the next event goes through")


def test_a_broker_that_dies_in_mid_batch_loses_nothing(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    centre.on_batch = lambda batch: None
    agent = rig.run(broker.port, batch_items=10)
    record(rig, 30)
    eventually(lambda: filled(centre), "a batch is on its way")
    broker.kill()
    eventually(lambda: not agent.status().connected, "the loss is seen")
    eventually(lambda: "connection to" in agent.status().problem, "and said")
    record(rig, 5)
    centre.on_batch = centre.take
    broker.start()
    eventually(lambda: rig.store.outbox_depth() == 0, "everything arrives after the restart")
    assert set(centre.accepted) == set(range(1, 36))


def test_a_rejected_record_is_parked_and_the_others_go_on(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    def refuse_second(batch: Batch) -> None:
        good = tuple(one for one in items(batch) if one != 2)
        bad = tuple(Rejection(item_id=2, reason="unknown lane") for one in items(batch) if one == 2)
        ack = Ack(batch_id=batch.batch_id, accepted=good, rejected=bad, at=centre.now())
        centre.send(*centre.sealed(topics.ACK, ack))

    centre.on_batch = refuse_second
    record(rig, 4)
    agent = rig.run(broker.port)
    eventually(lambda: agent.status().outbox_parked == 1, "the record is parked")
    eventually(lambda: rig.store.outbox_depth() == 0, "the others are acknowledged")
    ((item, reason),) = rig.store.outbox_parked()
    assert (item.item_id, reason) == (2, "unknown lane")
    health = eventually(
        lambda: (h := centre.last(topics.HEALTH)) and h.outbox_parked and h, "health reports it"
    )
    assert "1 records parked" in health.outbox


def test_a_record_that_the_centre_chokes_on_is_found_and_parked(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    def choke_on_six(batch: Batch) -> None:
        if 6 not in items(batch):
            centre.take(batch)

    centre.on_batch = choke_on_six
    record(rig, 8)
    rig.run(broker.port, ack_timeout_s=1)
    eventually(lambda: rig.store.outbox_parked_count() == 1, "the record is parked")
    assert [(item.item_id, reason) for item, reason in rig.store.outbox_parked()] == [(6, "no answer")]
    eventually(lambda: rig.store.outbox_depth() == 0, "the others are acknowledged")


def test_a_record_longer_than_the_wire_allows_is_parked(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    rig.store.record(an_event(note="x" * 70_000))
    record(rig, 1)
    rig.run(broker.port)
    eventually(lambda: centre.accepted == [2], "the other one arrives")
    assert rig.store.outbox_parked_count() == 1


def test_live_events_overtake_the_backlog_which_is_marked_as_replay(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    record(rig, 60)
    held: list[Batch] = []
    centre.on_batch = held.append
    rig.run(broker.port, batch_items=10, in_flight=3, ack_timeout_s=60)
    eventually(lambda: len(filled(centre)) == 2, "the backlog takes all places but one")
    live = rig.store.record(an_event())
    newest = eventually(
        lambda: len(filled(centre)) == 3 and filled(centre)[-1], "the live event goes at once"
    )
    assert items(newest) == [61]
    assert live.event_id in newest.items[0].payload
    assert [batch.replay for batch in filled(centre)] == [True, True, False]
    centre.on_batch = centre.take
    for batch in held:
        centre.take(batch)
    eventually(lambda: rig.store.outbox_depth() == 0, "the backlog drains")
    assert all(batch.replay for batch in filled(centre) if 61 not in items(batch))


def test_a_queue_near_its_capacity_raises_an_alarm_and_a_full_one_drops_refusals_only(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    centre.on_batch = lambda batch: None
    agent = rig.run(broker.port, outbox_capacity=100)
    record(rig, 90)
    status = eventually(lambda: (s := agent.status()).outbox_alarm and s, "the alarm at 90 %")
    assert "90% full" in status.problem
    for _ in range(15):
        rig.store.record(an_event(outcome="deny"))
    eventually(lambda: agent.status().outbox_dropped == 5, "the oldest refusals leave the queue")
    assert agent.status().outbox_full
    assert rig.store.count_events() == 105
    centre.on_batch = centre.take
    eventually(lambda: not agent.status().outbox_alarm, "the alarm ends")
    assert set(range(1, 91)) <= set(centre.accepted)


def test_a_parked_record_that_only_had_bad_luck_is_taken_with_the_next_connection(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    record(rig, 3)
    rig.store.outbox_park({1: "no answer", 2: "wrong_schema"})
    rig.run(broker.port)
    eventually(lambda: sorted(centre.accepted) == [1, 3], "the unlucky one is asked again")
    eventually(lambda: rig.store.outbox_parked_count() == 1, "what was refused stays parked")
    assert [batch.replay for batch in filled(centre) if items(batch) == [1]] == [True]


class ByHand:
    """A sender whose clock is turned by hand; `sent` is what it published."""

    def __init__(self, store: LocalStore, **settings: float) -> None:
        self.clock = ManualClock()
        self.sent: list[Batch] = []
        self.sender = OutboxSender(
            CentreSettings.model_validate({"ack_timeout_s": 2, "heartbeat_s": 3600, **settings}),
            store,
            clock=self.clock,
            centre_time=CentreTime(self.clock),
            boot_id="boot",
            publish=self._publish,
            site_key=bytes(32),
            on_alarm=lambda _: None,
            on_roster_changed=lambda: None,
        )
        self.sender.connected()

    def tick(self, after_s: float) -> None:
        self.clock.advance(after_s)
        self.sender.tick(connected=True)

    def answer(self, batch: Batch) -> None:
        accepted = tuple(items(batch))
        self.sender.acknowledged(Ack(batch_id=batch.batch_id, accepted=accepted, at=self.clock.now()))

    def sendings(self, item_id: int) -> list[Batch]:
        return [batch for batch in self.sent if items(batch) == [item_id]]

    def _publish(self, kind: str, batch: Message) -> bool:
        assert isinstance(batch, Batch)
        self.sent.append(batch)
        return True


def test_an_answer_before_a_long_silence_lets_nothing_be_parked(store: LocalStore) -> None:
    hand = ByHand(store)
    store.record(an_event())
    hand.tick(0)
    store.record(an_event())
    hand.tick(1.5)
    hand.answer(hand.sendings(2)[0])
    for _ in range(10):
        hand.tick(100)
    assert store.outbox_parked_count() == 0, "from then on the centre was silent to everybody"
    assert len(hand.sendings(1)) > 5
    hand.answer(hand.sendings(1)[-1])
    assert store.outbox_depth() == 0


def test_a_centre_that_is_behind_is_given_the_time_it_takes(store: LocalStore) -> None:
    hand = ByHand(store)
    store.record(an_event())
    hand.tick(0)
    hand.tick(5)
    hand.answer(hand.sendings(1)[0])
    store.record(an_event())
    hand.tick(0)
    hand.tick(9)
    assert len(hand.sendings(2)) == 1, "the latest answer took 5 s"
    hand.tick(2)
    assert len(hand.sendings(2)) == 2
    hand.answer(hand.sendings(2)[1])
    store.record(an_event())
    hand.tick(0)
    hand.tick(3)
    assert len(hand.sendings(3)) == 2, "it is quick again"


def import_rows(store: LocalStore, first: int, count: int) -> None:
    for worker_id in (f"I-{number}" for number in range(first, first + count)):
        note = an_enrolment(worker_id)
        store.put_note("enrolment", note, record_id=f"R-{worker_id}", subject=f"worker:{worker_id}")


def test_after_an_import_what_is_new_goes_at_once_while_the_centre_still_chews(store: LocalStore) -> None:
    hand = ByHand(store, batch_items=5, live_s=10, ack_timeout_s=30)
    for number in range(4):
        import_rows(store, 5 * number, 5)
        hand.tick(0.1)
    assert sum(len(batch.items) for batch in hand.sent) == 20, "rows that were new took every place"
    import_rows(store, 20, 100)
    for _ in range(22):
        hand.tick(0.5)
    event = store.record(an_event())
    store.put_note("enrolment", an_enrolment("H-1"), record_id="R-hand", subject="worker:H-1")
    hand.tick(0.1)
    newest = hand.sent[-1]
    assert not newest.replay
    assert [item.record_id for item in newest.items] == [None, "R-hand"]
    assert event.event_id in newest.items[0].payload


def test_batches_taken_apart_leave_the_place_of_what_is_new_free(store: LocalStore) -> None:
    hand = ByHand(store, batch_items=4, live_s=1)
    import_rows(store, 0, 12)
    hand.sender.connected()
    for _ in range(6):
        # The centre answers everything but the import, which is halved.
        live = store.record(an_event())
        before = len(hand.sent)
        hand.tick(0.1)
        new = [one for one in hand.sent[before:] if any(live.event_id in item.payload for item in one.items)]
        assert [batch.replay for batch in new] == [False], "it goes at once"
        hand.answer(new[0])
        hand.tick(2.5)
    assert min(len(batch.items) for batch in hand.sent if batch.replay and batch.items) < 4


def test_a_centre_that_answers_nothing_is_not_sent_more_and_more(store: LocalStore) -> None:
    hand = ByHand(store, live_s=10)
    for _ in range(200):
        store.record(an_event())
        hand.tick(5)
    before = len(hand.sent)
    for _ in range(120):
        hand.tick(0.5)
    assert 0 < len(hand.sent) - before <= 2 * CentreSettings().in_flight, "each comes again once a minute"


def test_a_note_that_found_no_room_in_the_batch_can_still_be_taken_back(store: LocalStore) -> None:
    hand = ByHand(store, in_flight=2)
    for number in range(50):
        worker_id = f"I-{number}"
        consent = a_consent(worker_id, signature="M" * 20_000)
        store.enrol(an_enrolment(worker_id, consent=consent, enrolment_id=f"E-{number}"))
    hand.sender.connected()
    hand.tick(0.1)
    sent = {item.record_id for batch in hand.sent for item in batch.items}
    assert "E-0" in sent
    assert "E-49" not in sent, "it did not fit into the batch"
    assert store.forget_enrolment("I-49", "E-49")
