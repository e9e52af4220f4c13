"""Nobody is registered twice unseen: looked up here and at the centre, decided by a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from enroll.duplicates import DecisionIncomplete, DuplicateDesk, decide, queue_decisions
from enroll.roster_config import RosterConfig
from models.calibration import ImpostorTail
from models.duplicate_search import FALSE_ALARM_RATE, duplicate_threshold
from models.engine import FaceEngine
from models.images import decode
from sync.duplicate_check import DuplicateAnswer, DuplicateMatch, DuplicateQuestion
from sync.people import Attachment, DocumentType, Enrolment, Person
from sync.records import Template, Worker
from sync.store import LocalStore, StoreKey
from tests.conftest import Weights
from tests.enroll.test_capture import seen

AT = datetime(2026, 12, 1, tzinfo=UTC)
MODEL = ("sface", "1")
ALONE = RosterConfig()
CONNECTED = RosterConfig.model_validate({"centre": {"enabled": True}})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    key = StoreKey.load(tmp_path / "store.key", "", create=True)
    with LocalStore.open(tmp_path / "sitegate.db", key) as opened:
        yield opened


def template(worker_id: str, person: int, number: int = 0, cosine: float = 0.85) -> Template:
    vector = seen(person, 1000 * person + number, cosine).astype("<f4").tobytes()
    return Template(
        worker_id=worker_id, model=MODEL[0], model_version=MODEL[1], vector=vector, quality=80, created_at=AT
    )


def papers(worker_id: str, number: str) -> Person:
    return Person(worker_id=worker_id, document_type=DocumentType.PASSPORT, document_number=number)


def register(store: LocalStore, worker_id: str, person: int, *, photo: bytes | None = None) -> None:
    worker = Worker(worker_id=worker_id, name=f"示例{worker_id}", site_ids=("demo-site",), team="木工班")
    enrolment = Enrolment(
        worker=worker,
        person=papers(worker_id, f"E{person}"),
        templates=tuple(template(worker_id, person, number) for number in range(3)),
        enrolled_at=AT,
    )
    pictures = [Attachment(worker_id=worker_id, kind="photo", content=photo, created_at=AT)] if photo else []
    store.enrol(enrolment, attachments=pictures)


def desk(store: LocalStore, settings: RosterConfig = ALONE) -> DuplicateDesk:
    return DuplicateDesk(store, settings, model=MODEL[0], model_version=MODEL[1])


def test_the_same_face_is_found_with_its_photo_and_a_stranger_is_not(store: LocalStore) -> None:
    register(store, "w1", 1, photo=b"jpeg")
    register(store, "w2", 2)
    findings = desk(store).look_here("new", papers("new", "E99"), [template("new", 1, 7)])
    (found,) = findings.candidates
    assert (found.match.worker_id, found.match.found_by, found.is_here) == ("w1", "face", True)
    assert found.photo == b"jpeg"
    assert found.match.score is not None
    assert found.match.score > findings.threshold
    assert findings.checked_here == 2
    assert desk(store).look_here("new", papers("new", "E99"), [template("new", 3)]).candidates == ()


def test_the_same_document_under_another_face_comes_first(store: LocalStore) -> None:
    register(store, "w1", 1)
    register(store, "w2", 2)
    findings = desk(store).look_here("new", papers("new", "E2"), [template("new", 1, 7)])
    assert [(one.match.worker_id, one.match.found_by) for one in findings.candidates] == [
        ("w2", "document"),
        ("w1", "face"),
    ]
    score = findings.candidates[0].match.score
    assert score is not None
    assert score < findings.threshold


def test_nobody_is_a_duplicate_of_themselves(store: LocalStore) -> None:
    register(store, "w1", 1)
    assert desk(store).look_here("w1", papers("w1", "E1"), [template("w1", 1, 7)]).candidates == ()


def test_people_registered_since_the_last_look_are_found(store: LocalStore) -> None:
    one = desk(store)
    assert one.look_here("new", None, [template("new", 1, 7)]).candidates == ()
    register(store, "w1", 1)
    assert len(one.look_here("new", None, [template("new", 1, 7)]).candidates) == 1


def test_a_face_withheld_is_compared_by_document_only(store: LocalStore) -> None:
    register(store, "w1", 1)
    (found,) = desk(store).look_here("new", papers("new", "E1"), []).candidates
    assert found.match.score is None


def test_a_kiosk_on_its_own_says_that_the_registry_was_not_asked(store: LocalStore) -> None:
    one = desk(store)
    here = one.look_here("new", None, [template("new", 1)])
    assert one.ask_centre("new", None, [template("new", 1)]) is None
    findings = one.with_centre(here, None)
    assert findings is not None
    assert findings.checked_at_centre is None
    assert "outstanding" in findings.note()


def test_the_centre_s_answer_joins_what_was_found_here(store: LocalStore) -> None:
    register(store, "w1", 1)
    one = desk(store, CONNECTED)
    shots = [template("new", 1, 7)]
    here = one.look_here("new", papers("new", "E5"), shots)
    ask_id = one.ask_centre("new", papers("new", "E5"), shots)
    assert ask_id is not None
    assert one.with_centre(here, ask_id) is None
    (question,) = store.asks_unsent()
    assert DuplicateQuestion.model_validate_json(question.body).document_number == "E5"
    away = DuplicateMatch(
        worker_id="w9", name="示例九", employer="示例二局", site_ids=("other",), score=0.7, found_by="face"
    )
    again = DuplicateMatch(worker_id="w1", name="示例w1", score=0.7, found_by="face")
    answer = DuplicateAnswer(checked=336_000, matches=(away, again))
    store.ask_answered(ask_id, answer=answer.model_dump_json())
    findings = one.with_centre(here, ask_id)
    assert findings is not None
    assert {(c.match.worker_id, c.is_here) for c in findings.candidates} == {("w1", True), ("w9", False)}
    assert "here with 1；" in findings.note() and "at the centre with 336000" in findings.note()


@pytest.mark.parametrize("reply", [{"problem": "the centre did not answer"}, {"answer": "{}"}])
def test_a_centre_that_gives_no_answer_leaves_its_check_outstanding(
    store: LocalStore, reply: dict[str, str]
) -> None:
    one = desk(store, CONNECTED)
    here = one.look_here("new", None, [template("new", 1)])
    ask_id = one.ask_centre("new", None, [template("new", 1)])
    assert ask_id is not None
    store.ask_answered(ask_id, **reply)
    findings = one.with_centre(here, ask_id)
    assert findings is not None
    assert findings.problem
    assert "outstanding" in findings.note()


def test_different_people_need_a_reason_and_the_decision_goes_up_after_the_enrolment(
    store: LocalStore,
) -> None:
    register(store, "w1", 1)
    (found,) = desk(store).look_here("new", None, [template("new", 1, 7)]).candidates
    with pytest.raises(DecisionIncomplete):
        decide("new", found, same_person=False, reason="  ", decided_by="m", now=AT)
    decision = decide("new", found, same_person=False, reason="双胞胎", decided_by="m", now=AT)
    register(store, "new", 4)
    queue_decisions(store, [decision], "new")
    queue_decisions(store, [decision], "new")
    assert store.outbox_depth() == 3
    assert store.note_state(decision.decision_id).waiting


def test_the_threshold_follows_the_registry_and_is_lower_than_a_gate_s() -> None:
    tail = ImpostorTail.bundled("sface")
    sizes = (1, 100, 1_000, 30_000, 336_000)
    thresholds = [duplicate_threshold(tail, size) for size in sizes]
    assert thresholds == sorted(thresholds)
    assert all(
        own < tail.threshold(size, 0.01) and tail.fpir(own, size) * tail.caution >= FALSE_ALARM_RATE / 2
        for own, size in zip(thresholds, sizes, strict=True)
        if own > tail.u
    )


def test_real_photos_of_one_person_are_found(store: LocalStore, weights: Weights) -> None:
    weights.require("yunet", "sface")
    engine = FaceEngine.load(zoo=weights.zoo)

    def real(worker_id: str, sample: str) -> Template:
        face = engine.faces(decode(weights.path(sample)))[0]
        return template(worker_id, 0).model_copy(
            update={"vector": engine.templates([face])[0].astype("<f4").tobytes()}
        )

    for worker_id, sample in (("w1", "obama"), ("w2", "biden")):
        worker = Worker(worker_id=worker_id, name="示例", site_ids=("demo-site",))
        store.enrol(Enrolment(worker=worker, templates=(real(worker_id, sample),), enrolled_at=AT))
    (found,) = desk(store).look_here("new", None, [real("new", "obama2")]).candidates
    assert found.match.worker_id == "w1"
    assert np.isclose(found.match.score or 0, 0.73, atol=0.1)
