"""A registration is taken back without a trace as long as the centre cannot have heard of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sync.errors import UnknownWorker
from sync.people import Attachment, Consent, DocumentType, Enrolment, Person
from sync.records import Worker
from sync.store import LocalStore
from tests.sync.samples import a_template

AT = datetime(2026, 3, 31, 8, tzinfo=UTC)


def enrolment(worker_id: str = "W-1") -> Enrolment:
    return Enrolment(
        worker=Worker(worker_id=worker_id, name="示例", site_ids=("s",), team="甲班"),
        person=Person(worker_id=worker_id, document_type=DocumentType.OTHER, document_number="X1"),
        consent=Consent(worker_id=worker_id, granted=True, text_version="face-1", given_at=AT),
        templates=(a_template(worker_id),),
        enrolled_at=AT,
    )


def test_what_was_not_given_to_the_wire_leaves_nothing_behind(store: LocalStore) -> None:
    first, other = enrolment(), enrolment("W-2")
    photo = Attachment(worker_id="W-1", kind="photo", content=b"jpeg", created_at=AT)
    store.enrol(first, attachments=[photo])
    store.enrol(other)
    assert store.forget_enrolment("W-1", first.enrolment_id)
    with pytest.raises(UnknownWorker):
        store.worker("W-1")
    assert store.person("W-1") is None
    assert (store.consents("W-1"), store.attachments("W-1"), store.templates("W-1")) == ([], [], [])
    assert [item.record_id for item in store.outbox_pending()] == [other.enrolment_id]
    assert "W-1" in (store.roster_changes(0) or [])


def test_what_was_given_to_the_wire_stays(store: LocalStore) -> None:
    first = enrolment()
    store.enrol(first)
    (item,) = store.outbox_pending()
    assert store.hand_over_notes([item.item_id]) == {item.item_id}
    assert not store.forget_enrolment("W-1", first.enrolment_id)
    assert store.worker("W-1").name == "示例"


def test_a_note_that_was_taken_back_is_not_given_to_the_wire(store: LocalStore) -> None:
    first = enrolment()
    store.enrol(first)
    (item,) = store.outbox_pending()
    assert store.forget_enrolment("W-1", first.enrolment_id)
    assert store.hand_over_notes([item.item_id]) == set()
    assert not store.forget_enrolment("W-1", first.enrolment_id)


def test_words_of_the_roster_are_suggested_the_most_frequent_first(store: LocalStore) -> None:
    for worker_id, team in (("A-2", "乙班"), ("A-10", "甲班"), ("A-9", "甲班"), ("B-70", "")):
        store.put_worker(Worker(worker_id=worker_id, name="示例", site_ids=("s",), team=team))
    assert store.used_values("team") == ["甲班", "乙班"]
    assert store.used_sites() == ["s"]
    assert (store.last_number("A-"), store.last_number("C-")) == (10, 0)
