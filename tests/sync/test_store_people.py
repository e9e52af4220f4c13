"""Registering people: kept whole, queued for the centre, and not undone by an old roster."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from sync.erasure import WHOLE_RECORD, ErasureReceipt, nameless
from sync.errors import RecordInvalid, UnknownWorker
from sync.people import FILE_FLAG_ID, Attachment, Enrolment
from sync.records import Flag, FlagLevel, Method, PassGrant, Template, Worker, WorkerStatus
from sync.store import LocalStore
from sync.store.drafts import DraftRow
from sync.store.replica import ReplicaEntry
from tests.sync.people_samples import A_RESIDENT_NUMBER, a_consent, a_person, a_withdrawal, an_enrolment
from tests.sync.samples import NOON, a_template, a_worker, an_event


def a_photo(worker_id: str = "W-1", **changes: object) -> Attachment:
    return Attachment.model_validate(
        {
            "worker_id": worker_id,
            "kind": "photo",
            "content": b"\xff\xd8picture",
            "created_at": NOON,
            **changes,
        }
    )


def from_the_centre(store: LocalStore, worker: Worker, *templates: Template, version: int) -> None:
    entry = ReplicaEntry(worker.worker_id, version, worker, templates, f"digest {version}".encode())
    store.replica_apply([entry], version=version)


def waiting(store: LocalStore) -> list[tuple[int, str]]:
    return [(item.item_id, item.kind) for item in store.outbox_pending()]


def test_an_enrolment_is_kept_whole_and_queued(store: LocalStore) -> None:
    enrolment = an_enrolment()
    store.enrol(enrolment, attachments=[a_photo()])
    assert store.worker("W-1").face_consent_on == NOON.date()
    assert len(store.templates("W-1")) == 1
    assert store.person("W-1") == enrolment.person
    assert [one.consent for one in store.consents("W-1")] == [enrolment.consent]
    assert [one.content for one in store.attachments("W-1")] == [b"\xff\xd8picture"]
    (item,) = store.outbox_pending()
    assert (item.kind, item.record_id) == ("enrolment", enrolment.enrolment_id)
    assert Enrolment.model_validate_json(item.payload) == enrolment
    assert store.note_state(enrolment.enrolment_id).waiting


def test_an_enrolment_with_a_template_of_somebody_else_leaves_nothing_behind(store: LocalStore) -> None:
    with pytest.raises(RecordInvalid):
        store.enrol(an_enrolment(templates=(a_template("W-2"),)), attachments=[a_photo()])
    assert store.count_workers() == 0
    assert store.person("W-1") is None
    assert store.outbox_depth() == 0


def test_people_are_found_by_their_document_and_by_its_end(store: LocalStore) -> None:
    store.enrol(an_enrolment())
    assert store.persons_by_document("resident_id", A_RESIDENT_NUMBER) == [a_person()]
    assert store.persons_by_number_end("002X") == [a_person()]
    assert store.persons_by_number_end("X") == [], "one character names everybody"
    assert set(store.persons(["W-1", "W-2"])) == {"W-1"}


def test_what_a_worker_does_reaches_the_centre_in_its_order(store: LocalStore) -> None:
    store.enrol(an_enrolment())
    store.enrol(an_enrolment("W-2", seed=2))
    store.withdraw_consent(a_withdrawal())
    assert [number for number, _ in waiting(store)] == [1, 2, 3, 4], "the last one says what went here"
    held = [item.item_id for item in store.outbox_pending(without={1})]
    assert held == [2], "the withdrawal does not overtake the enrolment"


def test_a_withdrawal_takes_everything_that_shows_the_face(store: LocalStore) -> None:
    enrolment = an_enrolment()
    store.enrol(enrolment, attachments=[a_photo(), a_photo(kind="consent_scan")])
    erased = store.withdraw_consent(a_withdrawal())
    assert (erased.templates, erased.pictures) == (1, 1)
    assert store.templates("W-1") == []
    assert store.worker("W-1").face_consent_on is None
    assert [one.kind for one in store.attachments("W-1")] == ["consent_scan"], (
        "the proof of the consent stays"
    )
    assert [one.withdrawn_at for one in store.consents("W-1")] == [NOON]
    unsent = Enrolment.model_validate_json(store.outbox_pending()[0].payload)
    assert unsent.templates == (), "nor does it go up with what waits"
    assert store.withdrawals("W-1")[0].erased == erased


def test_an_erased_template_is_neither_in_the_file_nor_in_the_log(store: LocalStore, tmp_path: Path) -> None:
    store.enrol(an_enrolment())
    store.withdraw_consent(a_withdrawal())
    log = store.path.with_name(store.path.name + "-wal")
    assert not log.exists() or log.stat().st_size == 0


def test_a_consent_of_nobody_cannot_be_withdrawn(store: LocalStore) -> None:
    with pytest.raises(UnknownWorker):
        store.withdraw_consent(a_withdrawal("W-9"))
    assert store.outbox_depth() == 0


def test_an_old_roster_does_not_bring_back_a_face_that_was_erased_here(store: LocalStore) -> None:
    from_the_centre(store, a_worker("W-1"), a_template(), version=1)
    store.withdraw_consent(a_withdrawal())
    from_the_centre(store, a_worker("W-1", team="木工班"), a_template(), version=2)
    assert store.templates("W-1") == []
    store.outbox_acknowledge([1, 2], roster_version=3)
    assert store.templates("W-1") == [], "the centre has not said yet what it made of it"
    from_the_centre(store, a_worker("W-1", team="木工班"), version=3)
    assert store.worker("W-1").team == "木工班"
    assert store.templates("W-1") == []


def test_a_face_captured_anew_after_a_withdrawal_stays(store: LocalStore) -> None:
    from_the_centre(store, a_worker("W-1"), a_template(), version=1)
    store.withdraw_consent(a_withdrawal())
    later = NOON + timedelta(hours=1)
    anew = an_enrolment(seed=7, enrolled_at=later, consent=a_consent(given_at=later))
    store.enrol(anew)
    from_the_centre(store, anew.worker, a_template(), version=2)
    from_the_centre(store, anew.worker, *(anew.templates or ()), version=3)
    store.outbox_acknowledge([1, 2, 3], roster_version=3)
    assert store.templates("W-1") == [*(anew.templates or ())]


def test_a_block_made_here_holds_until_the_centre_has_it_and_flags_come_at_once(store: LocalStore) -> None:
    from_the_centre(store, a_worker("W-1"), a_template(), version=1)
    blocked = a_worker("W-1", status=WorkerStatus.BLOCKED)
    store.enrol(an_enrolment(worker=blocked, person=None, consent=None, templates=None))
    flag = Flag(flag_id="F-1", level=FlagLevel.BLOCK)
    from_the_centre(store, a_worker("W-1", flags=(flag,)), a_template(seed=5), version=2)
    assert store.worker("W-1").status is WorkerStatus.BLOCKED
    assert store.worker("W-1").flags == (flag,)
    from_the_centre(store, blocked.model_copy(update={"flags": (flag,), "team": "示例班"}), version=3)
    assert store.outbox_acknowledge([1], roster_version=3) == ["W-1"]
    assert (store.worker("W-1").status, store.worker("W-1").team) == (WorkerStatus.BLOCKED, "示例班")


def test_an_edit_does_not_undo_what_the_roster_said_meanwhile(store: LocalStore) -> None:
    grant = PassGrant(method=Method.QR, digest="a" * 64)
    seen = a_worker("W-1", passes=(grant,))
    ended = grant.model_copy(update={"revoked_at": NOON})
    flag = Flag(flag_id="F-1", level=FlagLevel.BLOCK)
    from_the_centre(store, seen, a_template(), version=1)
    from_the_centre(store, a_worker("W-1", passes=(ended,), flags=(flag,)), a_template(), version=2)
    by_file = Flag(flag_id=FILE_FLAG_ID, level=FlagLevel.HOLD)
    edited = seen.model_copy(update={"team": "示例班", "flags": (by_file,)})
    store.enrol(an_enrolment(worker=edited, person=None, consent=None, templates=None))
    worker = store.worker("W-1")
    assert (worker.team, worker.flags, worker.passes) == ("示例班", (flag, by_file), (ended,))
    (item,) = store.outbox_pending()
    sent = Enrolment.model_validate_json(item.payload)
    assert (sent.worker.flags, sent.worker.passes) == ((by_file,), (ended,))
    assert sent.status_before is WorkerStatus.ACTIVE


def test_a_change_that_the_centre_refuses_is_undone(store: LocalStore) -> None:
    from_the_centre(store, a_worker("W-1", team="示例班"), a_template(), version=1)
    changed = an_enrolment(worker=a_worker("W-1", team="另一班"), person=None, consent=None, templates=())
    store.enrol(changed)
    assert store.outbox_park({1: "not a kiosk"}) == ["W-1"]
    assert store.worker("W-1").team == "示例班"
    assert len(store.templates("W-1")) == 1
    state = store.note_state(changed.enrolment_id)
    assert (state.waiting, state.parked_reason, state.taken) == (False, "not a kiosk", False)
    assert store.notes_refused() == [("enrolment", changed.enrolment_id, "worker:W-1", "not a kiosk")]


def test_a_refused_withdrawal_does_not_bring_the_face_back(store: LocalStore) -> None:
    from_the_centre(store, a_worker("W-1"), a_template(), version=1)
    store.withdraw_consent(a_withdrawal())
    store.outbox_park({1: "not a kiosk"})
    assert store.templates("W-1") == []


def test_a_worker_of_our_own_stays_when_the_centre_refuses_him(store: LocalStore) -> None:
    store.enrol(an_enrolment())
    assert store.outbox_park({1: "not a kiosk"}) == []
    assert store.worker("W-1").name


def test_a_worker_whom_the_centre_removed_is_gone_whatever_waits_here(store: LocalStore) -> None:
    from_the_centre(store, a_worker("W-1"), version=1)
    store.enrol(an_enrolment())
    store.replica_apply([ReplicaEntry("W-1", 2, None)], version=2)
    assert store.count_workers() == 0
    assert store.outbox_acknowledge([1], roster_version=2) == []


def test_a_snapshot_too_waits_for_what_was_changed_here(store: LocalStore) -> None:
    from_the_centre(store, a_worker("W-1"), a_template(), version=1)
    store.enrol(an_enrolment(worker=a_worker("W-1", team="新班"), person=None, consent=None, templates=None))
    page = [ReplicaEntry("W-1", 4, a_worker("W-1", team="旧班"), [a_template(seed=7)], b"new")]
    store.replica_stage(page, version=4, after="W-1")
    store.replica_swap()
    assert store.worker("W-1").team == "新班"
    store.outbox_acknowledge([1], roster_version=4)
    assert store.worker("W-1").team == "旧班", "the centre decided otherwise"
    assert store.templates("W-1")[0].vector == a_template(seed=7).vector


def test_pictures_go_when_their_time_is_over(store: LocalStore) -> None:
    store.put_attachment(a_photo(attachment_id="a", keep_until=NOON))
    store.put_attachment(a_photo(attachment_id="b", keep_until=NOON + timedelta(days=1)))
    store.put_attachment(a_photo(attachment_id="c"))
    assert store.delete_expired_attachments(NOON) == 1
    assert store.attachment("a") is None
    assert {one.attachment_id for one in store.attachments("W-1")} == {"b", "c"}


def test_events_can_be_pruned_while_notes_wait(store: LocalStore) -> None:
    store.enrol(an_enrolment())
    store.record(an_event())
    store.outbox_acknowledge([2])
    assert store.prune(NOON + timedelta(days=1)) == 1


def test_an_audit_line_says_who_did_what(store: LocalStore) -> None:
    store.put_audit("manager-1", "looked at workers", detail={"search": "示例"})
    store.put_audit("manager-1", "edited", subject="worker:W-1")
    assert [line.action for line in store.audit()] == ["edited", "looked at workers"]
    assert [line.subject for line in store.audit(subject="worker:W-1")] == ["worker:W-1"]


def test_a_question_gets_its_answer_or_a_reason(store: LocalStore) -> None:
    ask_id = store.ask("duplicates", '{"templates": []}')
    assert store.reply(ask_id) is None
    (question,) = store.asks_unsent()
    store.ask_sent(ask_id)
    assert store.asks_unsent() == []
    assert store.ask_answered(question.ask_id, answer="{}")
    assert not store.ask_answered(question.ask_id, answer="other"), "only the first answer counts"
    reply = store.reply(ask_id)
    assert reply is not None
    assert (reply.answer, reply.problem) == ("{}", "")
    assert store.forget_asks() == 0, "somebody may still read them"
    unknown = store.reply("unknown")
    assert unknown is not None
    assert unknown.problem


def test_erasing_the_whole_record_leaves_the_number_alone(store: LocalStore) -> None:
    store.enrol(an_enrolment(), attachments=[a_photo(), a_photo(kind="consent_scan")])
    erased = store.withdraw_consent(a_withdrawal().model_copy(update={"kind": WHOLE_RECORD}))
    assert (erased.templates, erased.pictures, erased.persons, erased.consents, erased.papers) == (1,) * 5
    worker = store.worker("W-1")
    assert (worker.name, worker.phone, worker.status) == ("W-1", "", WorkerStatus.LEFT)
    assert (store.person("W-1"), store.consents("W-1"), store.attachments("W-1")) == (None, [], [])
    unsent, _, said = (item.payload for item in store.outbox_pending())
    assert a_worker("W-1").name not in unsent
    assert A_RESIDENT_NUMBER not in unsent
    receipt = ErasureReceipt.model_validate_json(said)
    assert receipt.complete
    assert {item.what for item in receipt.items} == {
        "templates: 1",
        "pictures: 1",
        "persons: 1",
        "consents: 1",
        "papers: 1",
    }


def test_a_name_that_the_centre_sent_before_does_not_come_back_after_an_erasure(store: LocalStore) -> None:
    from_the_centre(store, a_worker("W-1", team="示例班"), a_template(), version=1)
    store.withdraw_consent(a_withdrawal().model_copy(update={"kind": WHOLE_RECORD}))
    store.outbox_acknowledge([1, 2], roster_version=1)
    assert store.worker("W-1").team == ""


def test_an_erasure_at_the_centre_takes_along_what_the_kiosk_has(store: LocalStore) -> None:
    for version, worker_id in enumerate(("W-1", "W-2"), start=1):
        record = an_enrolment(worker_id, seed=version)
        store.enrol(record, attachments=[a_photo(worker_id), a_photo(worker_id, kind="consent_scan")])
        store.outbox_acknowledge([version], roster_version=version)
        from_the_centre(store, record.worker, *(record.templates or ()), version=version)
        assert len(store.attachments(worker_id)) == 2
    from_the_centre(store, a_worker("W-1"), version=3)
    assert [one.kind for one in store.attachments("W-1")] == ["consent_scan"]
    assert [one.withdrawn_at is None for one in store.consents("W-1")] == [False]
    assert store.person("W-1") is not None
    from_the_centre(store, nameless("W-2", a_worker("W-2").site_ids), version=4)
    assert (store.person("W-2"), store.consents("W-2"), store.attachments("W-2")) == (None, [], [])


def test_a_snapshot_takes_pictures_along_too(store: LocalStore) -> None:
    record = an_enrolment()
    store.enrol(record, attachments=[a_photo()])
    store.outbox_acknowledge([1], roster_version=1)
    from_the_centre(store, record.worker, *(record.templates or ()), version=1)
    store.replica_stage([ReplicaEntry("W-1", 4, a_worker("W-1"), (), b"new")], version=4, after="W-1")
    store.replica_swap()
    assert store.attachments("W-1") == []


def test_what_was_registered_here_keeps_its_photo_when_the_centre_has_it(store: LocalStore) -> None:
    record = an_enrolment()
    store.enrol(record, attachments=[a_photo()])
    from_the_centre(store, a_worker("W-1"), version=1)
    store.outbox_acknowledge([1], roster_version=2)
    from_the_centre(store, record.worker, *(record.templates or ()), version=2)
    assert (len(store.attachments("W-1")), store.consents("W-1")[0].withdrawn_at) == (1, None)


def test_an_erased_face_is_neither_in_a_draft_nor_in_a_question(store: LocalStore) -> None:
    store.enrol(an_enrolment())
    for worker_id in ("W-1", "W-2"):
        record = json.dumps({"worker": {"worker_id": worker_id}})
        store.put_draft(DraftRow(worker_id, worker_id, NOON, record, photo=b"picture"))
    asked = [store.ask("duplicates", json.dumps({"worker_id": one})) for one in ("W-1", "W-2")]
    store.withdraw_consent(a_withdrawal())
    assert (store.draft("W-1"), store.draft("W-2") is None) == (None, False)
    assert [one.ask_id for one in store.asks_unsent()] == asked[1:]
