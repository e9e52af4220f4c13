"""Registering step by step: what each step needs, what is kept, and what an undo takes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from enroll.drafts import KEPT_FOR, DraftGone
from enroll.identity import NUMBER_TAKEN
from enroll.kiosk.background import erase_overdue
from enroll.kiosk.office import KioskOffice
from enroll.registration import ConsentIncomplete, NothingToUndo, Signature, StepMissing, Undone
from enroll.roster_config import RosterConfig
from enroll.settings import KioskSettings
from sync.errors import UnknownWorker
from sync.records import WorkerStatus
from sync.resident_number import check_character
from tests.enroll.kiosk_samples import MANAGER, SIGNATURE, an_office, typed
from tests.sync.samples import a_template

CHILD = "11010120150101002"
"""The first 17 digits of somebody who is eleven."""


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 31, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(tmp_path: Path, clock: Clock) -> Iterator[KioskOffice]:
    with an_office(tmp_path, now=clock) as opened:
        yield opened


def begun(office: KioskOffice, **changes: str) -> str:
    """A draft whose identity is complete."""
    draft = office.drafts.begin(MANAGER)
    found = office.registration.put_identity(draft.draft_id, typed(office, **changes))
    assert found.problems == {}
    return draft.draft_id


def consented(office: KioskOffice, draft_id: str, *, granted: bool = True) -> None:
    text = office.consent_texts.current("zh")
    office.registration.put_consent(
        draft_id, text, granted=granted, signature=Signature(strokes=SIGNATURE), by=MANAGER
    )


def captured(office: KioskOffice, draft_id: str) -> None:
    worker = office.drafts.get(draft_id).worker
    assert worker is not None
    templates = [a_template(worker.worker_id, seed=seed) for seed in range(3)]
    office.drafts.put_capture(draft_id, templates, b"jpeg", "")


def registered(office: KioskOffice, **changes: str) -> str:
    draft_id = begun(office, **changes)
    consented(office, draft_id)
    captured(office, draft_id)
    return office.registration.commit(draft_id, by=MANAGER).worker.worker_id


def test_a_worker_is_registered_with_papers_consent_templates_and_photo(office: KioskOffice) -> None:
    worker_id = registered(office)
    store = office.store
    worker = store.worker(worker_id)
    assert worker.face_consent_on == office.today()
    assert len(store.templates(worker_id)) == 3
    (given,) = store.consents(worker_id)
    assert (given.consent.text_sha256, given.consent.signature) == (
        office.consent_texts.current("zh").sha256,
        SIGNATURE,
    )
    (photo,) = store.attachments(worker_id)
    assert photo.keep_until == office.now() + timedelta(days=30)
    person = store.person(worker_id)
    assert person is not None
    assert person.document_number == typed(office)["document_number"]
    assert office.drafts.current(MANAGER) is None


def test_a_refusal_registers_without_a_face(office: KioskOffice) -> None:
    draft_id = begun(office)
    consented(office, draft_id)
    captured(office, draft_id)
    consented(office, draft_id, granted=False)
    worker_id = office.registration.commit(draft_id, by=MANAGER).worker.worker_id
    assert office.store.templates(worker_id) == []
    assert office.store.attachments(worker_id) == []
    assert office.store.worker(worker_id).face_consent_on is None
    assert not office.store.consents(worker_id)[0].consent.granted


def test_no_photo_is_kept_where_the_config_says_never(tmp_path: Path, clock: Clock) -> None:
    settings = RosterConfig(kiosk=KioskSettings(keep_photos="never"))
    with an_office(tmp_path, now=clock, settings=settings) as office:
        assert office.store.attachments(registered(office)) == []
        assert "不保存" in office.consent_texts.current("zh").body


@pytest.mark.parametrize("missing", ["identity", "consent", "capture"])
def test_no_step_can_be_left_out(office: KioskOffice, missing: str) -> None:
    draft_id = office.drafts.begin(MANAGER).draft_id if missing == "identity" else begun(office)
    if missing == "capture":
        consented(office, draft_id)
    with pytest.raises(StepMissing):
        office.registration.commit(draft_id, by=MANAGER)
    assert office.store.count_workers() == 0


@pytest.mark.parametrize(
    "signature",
    [
        Signature(),
        Signature(strokes="M1 1 "),
        Signature(strokes="<script>" + SIGNATURE),
        Signature(how="paper"),
    ],
)
def test_a_consent_without_a_signature_is_none(office: KioskOffice, signature: Signature) -> None:
    draft_id = begun(office)
    with pytest.raises(ConsentIncomplete):
        office.registration.put_consent(
            draft_id, office.consent_texts.current("en"), granted=True, signature=signature, by=MANAGER
        )
    assert office.drafts.get(draft_id).consent is None


def test_a_paper_needs_its_scan_and_keeps_it(office: KioskOffice) -> None:
    draft_id = begun(office)
    office.registration.put_consent(
        draft_id,
        office.consent_texts.current("zh"),
        granted=True,
        signature=Signature(how="paper", scan=b"scan"),
        by=MANAGER,
    )
    captured(office, draft_id)
    worker_id = office.registration.commit(draft_id, by=MANAGER).worker.worker_id
    assert {one.kind for one in office.store.attachments(worker_id)} == {"consent_scan", "photo"}


def test_for_a_child_the_guardian_signs(office: KioskOffice) -> None:
    draft_id = begun(office, birth_date="", document_number=CHILD + check_character(CHILD))
    with pytest.raises(ConsentIncomplete, match="guardian"):
        consented(office, draft_id)
    office.registration.put_consent(
        draft_id,
        office.consent_texts.current("zh"),
        granted=True,
        signature=Signature(strokes=SIGNATURE, guardian_name="示例家长"),
        by=MANAGER,
    )
    draft = office.drafts.get(draft_id)
    assert draft.person is not None
    assert draft.consent is not None
    assert draft.person.guardian_name == draft.consent.guardian_name == "示例家长"


def test_undo_before_the_centre_can_have_it_leaves_nothing(office: KioskOffice) -> None:
    worker_id = registered(office)
    last = office.registration.last()
    assert last is not None
    assert office.registration.undo(last.enrolment_id, by=MANAGER) is Undone.REMOVED
    assert office.store.count_workers() == 0
    assert office.store.outbox_pending() == []
    assert office.store.person(worker_id) is None
    with pytest.raises(NothingToUndo):
        office.registration.undo(last.enrolment_id, by=MANAGER)


def test_undo_afterwards_signs_off_and_withdraws(office: KioskOffice) -> None:
    worker_id = registered(office)
    store = office.store
    store.hand_over_notes([item.item_id for item in store.outbox_pending()])
    last = office.registration.last()
    assert last is not None
    assert office.registration.undo(last.enrolment_id, by=MANAGER) is Undone.SIGNED_OFF
    assert store.worker(worker_id).status is WorkerStatus.LEFT
    assert store.templates(worker_id) == []
    kinds = [item.kind for item in store.outbox_pending()]
    assert kinds[:3] == ["enrolment", "enrolment", "withdrawal"]


def test_only_the_last_registration_can_be_undone(office: KioskOffice) -> None:
    registered(office)
    first = office.registration.last()
    assert first is not None
    registered(office, document_type="passport", document_number="E12345678")
    with pytest.raises(NothingToUndo):
        office.registration.undo(first.enrolment_id, by=MANAGER)


def test_a_commit_that_was_cut_off_registers_nobody_twice(
    office: KioskOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft_id = begun(office)
    consented(office, draft_id)
    captured(office, draft_id)

    def power_cut(draft_id: str) -> None:
        raise OSError("power")

    with monkeypatch.context() as broken:
        broken.setattr(office.drafts, "cancel", power_cut)
        with pytest.raises(OSError, match="power"):
            office.registration.commit(draft_id, by=MANAGER)
    office.registration.commit(draft_id, by=MANAGER)
    assert office.store.count_workers() == 1
    assert len(office.store.outbox_pending()) == 1


def test_numbers_count_up_and_none_is_given_twice(office: KioskOffice) -> None:
    first = registered(office)
    assert first == "demo-site-gate-1-0001"
    last = office.registration.last()
    assert last is not None
    office.registration.undo(last.enrolment_id, by=MANAGER)
    assert office.registration.proposed_number() == "demo-site-gate-1-0002"


def test_a_number_and_a_document_that_are_there_already_are_noticed(office: KioskOffice) -> None:
    worker_id = registered(office)
    assert office.registration.check(typed(office, worker_id=worker_id)).problems == {
        "worker_id": NUMBER_TAKEN
    }
    (same,) = office.registration.registered_with("resident_id", typed(office)["document_number"].lower())
    assert same.worker_id == worker_id
    assert office.registration.registered_with("resident_id", "1") == []


def test_another_number_asks_for_consent_and_capture_again(office: KioskOffice) -> None:
    draft_id = begun(office)
    consented(office, draft_id)
    captured(office, draft_id)
    office.registration.put_identity(draft_id, typed(office, worker_id="other-1"))
    draft = office.drafts.get(draft_id)
    assert (draft.consent, draft.templates, draft.photo) == (None, (), None)


def test_another_person_or_a_child_under_the_same_number_is_asked_anew(office: KioskOffice) -> None:
    child = CHILD + check_character(CHILD)
    draft_id = begun(office)
    consented(office, draft_id)
    captured(office, draft_id)
    office.registration.put_identity(draft_id, typed(office, name="示例乙"))
    assert office.drafts.get(draft_id).consent is not None, "a corrected name is still the same person"
    office.registration.put_identity(draft_id, typed(office, birth_date="", document_number=child))
    draft = office.drafts.get(draft_id)
    assert (draft.consent, draft.templates) == (None, ())


PASSPORT = {"document_type": "passport", "document_number": "E00000001", "birth_date": ""}


def test_a_face_needs_a_birth_date_and_a_refusal_none(office: KioskOffice) -> None:
    draft_id = begun(office, **PASSPORT)
    with pytest.raises(StepMissing, match="birth date"):
        consented(office, draft_id)
    assert office.drafts.get(draft_id).consent is None
    consented(office, draft_id, granted=False)
    worker_id = office.registration.commit(draft_id, by=MANAGER).worker.worker_id
    assert office.store.person(worker_id) is not None


def test_a_consent_ends_when_the_birth_date_is_taken_out(office: KioskOffice) -> None:
    draft_id = begun(office, **{**PASSPORT, "birth_date": "1990-01-31"})
    consented(office, draft_id)
    captured(office, draft_id)
    office.registration.put_identity(draft_id, typed(office, **PASSPORT))
    draft = office.drafts.get(draft_id)
    assert (draft.consent, draft.templates) == (None, ())


def test_the_guardian_stays_when_the_identity_is_corrected(office: KioskOffice) -> None:
    child = CHILD + check_character(CHILD)
    draft_id = begun(office, birth_date="", document_number=child)
    signed = Signature(strokes=SIGNATURE, guardian_name="示例家长", guardian_phone="13800000000")
    text = office.consent_texts.current("zh")
    office.registration.put_consent(draft_id, text, granted=True, signature=signed, by=MANAGER)
    office.registration.put_identity(
        draft_id, typed(office, birth_date="", document_number=child, team="木工班")
    )
    draft = office.drafts.get(draft_id)
    assert draft.person is not None and draft.consent is not None
    assert (draft.person.guardian_name, draft.person.guardian_phone) == ("示例家长", "13800000000")


def test_a_capture_that_took_long_does_not_undo_what_happened_meanwhile(office: KioskOffice) -> None:
    worker_id = registered(office)
    draft = office.book.recapture(worker_id, by=MANAGER)
    office.book.block(worker_id, "示例", by="manager-2")
    captured(office, draft.draft_id)
    office.registration.commit(draft.draft_id, by=MANAGER)
    assert office.store.worker(worker_id).status is WorkerStatus.BLOCKED
    office.book.erase(worker_id, "face", "", by="manager-2")
    assert office.store.templates(worker_id) == []


def test_a_withdrawal_ends_a_capture_that_is_open(office: KioskOffice) -> None:
    worker_id = registered(office)
    draft = office.book.recapture(worker_id, by=MANAGER)
    captured(office, draft.draft_id)
    office.book.erase(worker_id, "face", "", by="manager-2")
    with pytest.raises(DraftGone):
        office.registration.commit(draft.draft_id, by=MANAGER)
    assert office.store.templates(worker_id) == []


def test_a_draft_survives_a_restart_and_is_erased_after_a_day(tmp_path: Path, clock: Clock) -> None:
    with an_office(tmp_path, now=clock) as office:
        draft_id = begun(office)
        consented(office, draft_id)
        captured(office, draft_id)
        before = office.drafts.get(draft_id)
    with an_office(tmp_path, now=clock) as office:
        assert office.drafts.current(MANAGER) == before
        clock.moment += KEPT_FOR
        assert erase_overdue(office) == 0
        clock.moment += timedelta(seconds=1)
        assert erase_overdue(office) == 1
        with pytest.raises(DraftGone):
            office.drafts.get(draft_id)
        with pytest.raises(UnknownWorker):
            office.store.worker("demo-site-gate-1-0001")
