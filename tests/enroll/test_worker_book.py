"""The workers at a kiosk: found, changed, blocked, captured again, erased; over a real store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enroll.drafts import Drafts
from enroll.erasure_receipt import UnknownReceipt, local_receipt, with_answer
from enroll.identity import PHONE_ODD
from enroll.name_search import NameIndex, sounds_of
from enroll.reason_words import in_chinese
from enroll.registration import Registration
from enroll.roster_config import RosterConfig
from enroll.template_ageing import DROP, MATCHES, NEAR_THRESHOLD, ageing
from enroll.worker_book import PAGE_SIZE, ReasonMissing, WorkerBook
from sync.erasure import FACE, WHOLE_RECORD, ErasureItem, ErasureReceipt
from sync.errors import UnknownWorker
from sync.people import Consent, DocumentType, Enrolment, Person, Sex
from sync.records import (
    Clearance,
    Direction,
    Event,
    MatchFacts,
    Method,
    Outcome,
    Template,
    Worker,
    WorkerStatus,
)
from sync.store import LocalStore, StoreKey
from sync.store.asks import Reply

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
NUMBER = "11010519491231002X"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    key = StoreKey.load(tmp_path / "store.key", "", create=True)
    with LocalStore.open(tmp_path / "sitegate.db", key) as opened:
        yield opened


@pytest.fixture
def book(store: LocalStore) -> WorkerBook:
    return WorkerBook(store, Drafts(store, now=lambda: NOW), RosterConfig(), now=lambda: NOW)


def a_template(worker_id: str, *, made_at: datetime = NOW - timedelta(days=200)) -> Template:
    vector = np.random.default_rng(1).normal(size=128).astype("<f4")
    vector /= np.linalg.norm(vector)
    return Template(
        worker_id=worker_id,
        model="sface",
        model_version="1",
        vector=vector.tobytes(),
        quality=80,
        created_at=made_at,
    )


def registered(store: LocalStore, worker_id: str = "W-1", name: str = "张三", **fields: object) -> Worker:
    worker = Worker.model_validate(
        {
            "worker_id": worker_id,
            "name": name,
            "site_ids": ("demo-site",),
            "team": "示例一班",
            "clearances": (Clearance(kind="training"),),
            "grant_until": datetime(2026, 1, 31, 16, tzinfo=UTC),
            "face_consent_on": date(2026, 1, 1),
            **fields,
        }
    )
    person = Person(
        worker_id=worker_id,
        document_type=DocumentType.RESIDENT_ID,
        document_number=NUMBER,
        birth_date=date(1949, 12, 31),
        sex=Sex.FEMALE,
        guardian_name="示例监护",
    )
    consent = Consent(worker_id=worker_id, granted=True, text_version="1", given_at=NOW - timedelta(days=60))
    store.enrol(
        Enrolment(
            worker=worker,
            person=person if worker_id == "W-1" else None,
            consent=consent if worker_id == "W-1" else None,
            templates=(a_template(worker_id),),
            enrolled_at=NOW,
        )
    )
    return worker


def found(book: WorkerBook, query: str, **options: WorkerStatus) -> list[str]:
    return [worker.worker_id for worker in book.search(query, by="m", **options).workers]


def test_people_are_found_by_every_name_that_somebody_may_type(book: WorkerBook, store: LocalStore) -> None:
    registered(store)
    registered(store, "W-2", "单雄", team="示例二班", phone="13800000002")
    for query in ("张", "zhangsan", "ZS", "zhang", "san", "w-1", "一班", "张 一班", "002x", NUMBER[-6:]):
        assert found(book, query) == ["W-1"], query
    for query in ("shanxiong", "danxiong", "sx", "dx", "0002", "二班 单"):
        assert found(book, query) == ["W-2"], query
    assert found(book, "") == ["W-1", "W-2"]
    assert found(book, "hang") == []
    assert found(book, "", status=WorkerStatus.BLOCKED) == []


def test_the_search_follows_the_roster_and_turns_its_pages(book: WorkerBook, store: LocalStore) -> None:
    store.put_many(
        [
            (Worker(worker_id=f"W-{number:03}", name="示例", site_ids=("s",)), None)
            for number in range(PAGE_SIZE + 3)
        ]
    )
    first = book.search("示例", by="m")
    assert (len(first.workers), first.total, first.pages) == (PAGE_SIZE, PAGE_SIZE + 3, 2)
    assert len(book.search("示例", page=99, by="m").workers) == 3
    store.remove_worker("W-000")
    store.put_worker(Worker(worker_id="W-001", name="示新", site_ids=("s",)))
    assert book.search("示例", by="m").total == PAGE_SIZE + 1
    assert store.audit()[0].detail == {"shown": PAGE_SIZE, "found": PAGE_SIZE + 1}


@given(st.text(max_size=6))
def test_any_name_has_sounds_and_is_found_by_itself(name: str) -> None:
    sounds_of(name)
    index = NameIndex()
    index.put(Worker(worker_id="W-1", name=f"示{name}例", site_ids=("s",)))
    assert index.find("示") == index.find("shi") == ["W-1"]


def test_an_edit_is_checked_kept_and_sent_without_touching_the_rest(
    book: WorkerBook, store: LocalStore
) -> None:
    before = registered(store)
    file = book.look("W-1", by="m")
    typed = book.typed(file)
    assert (typed["grant_until"], typed["document_number"]) == ("2026-01-31", NUMBER)
    wrong = book.edit("W-1", {**typed, "phone": "call me"}, by="m")
    assert wrong.problems == {"phone": PHONE_ODD}
    assert book.edit("W-1", typed, by="m").changed is False
    depth = store.outbox_depth()
    assert book.edit("W-1", {**typed, "phone": "0571 1", "address": "示例路"}, by="m").changed
    assert store.worker("W-1") == before.model_copy(update={"phone": "0571 1"})
    person = store.person("W-1")
    assert person is not None
    assert (person.address, person.guardian_name) == ("示例路", "示例监护")
    note = Enrolment.model_validate_json(store.outbox_pending()[-1].payload)
    assert (note.templates, note.worker.phone) == (None, "0571 1")
    assert store.outbox_depth() == depth + 1
    assert store.audit()[0].detail == {"fields": ["address", "phone"]}


def test_somebody_without_papers_may_stay_so_and_papers_belong_to_one_worker(
    book: WorkerBook, store: LocalStore
) -> None:
    registered(store)
    registered(store, "W-2", "示例乙")
    assert book.edit("W-2", {"team": "新班"}, by="m").changed
    assert store.person("W-2") is None
    taken = book.edit("W-2", {"document_number": NUMBER}, by="m")
    assert set(taken.problems) == {"document_number"}
    assert "W-1" in str(taken.problems["document_number"])


def test_a_block_needs_a_reason_and_its_end_too(book: WorkerBook, store: LocalStore) -> None:
    registered(store)
    with pytest.raises(ReasonMissing):
        book.block("W-1", "  ", by="m")
    book.block("W-1", "示例原因", by="m")
    assert store.worker("W-1").status is WorkerStatus.BLOCKED
    assert store.audit()[0].detail == {"reason": "示例原因", "before": "active"}
    note = Enrolment.model_validate_json(store.outbox_pending()[-1].payload)
    assert (note.note, note.worker.status) == ("示例原因", WorkerStatus.BLOCKED)
    book.unblock("W-1", "解除", by="m")
    book.leave("W-1", by="m")
    assert store.worker("W-1").status is WorkerStatus.LEFT
    book.take_back("W-1", by="m")
    assert store.worker("W-1").status is WorkerStatus.ACTIVE


def test_somebody_of_unknown_age_is_asked_again_before_a_new_capture(
    book: WorkerBook, store: LocalStore
) -> None:
    registered(store)
    assert book.recapture("W-1", by="m").consent is not None
    person = store.person("W-1")
    assert person is not None
    passport = {"document_type": DocumentType.PASSPORT, "document_number": "E00000001", "birth_date": None}
    store.put_person(person.model_copy(update=passport))
    assert book.recapture("W-1", by="m").consent is None


def test_a_new_capture_keeps_who_somebody_is(book: WorkerBook, store: LocalStore) -> None:
    before = registered(store)
    drafts = Drafts(store, now=lambda: NOW)
    draft = book.recapture("W-1", by="m")
    drafts.put_capture(draft.draft_id, [a_template("W-1", made_at=NOW)], None, "recapture")
    registration = Registration(store, drafts, RosterConfig(), now=lambda: NOW)
    registration.commit(draft.draft_id, by="m")
    assert store.worker("W-1").clearances == before.clearances
    assert [one.created_at for one in store.templates("W-1")] == [NOW]
    assert registration.last() is None, "an undo would take somebody out who was here before"


def an_event(worker_id: str, at: datetime, score: float) -> Event:
    return Event(
        sequence=0,
        site_id="demo-site",
        gate_id="gate-1",
        lane_id="lane-1",
        direction=Direction.IN,
        occurred_at=at,
        method=Method.FACE,
        outcome=Outcome.ALLOW,
        reasons=(),
        worker_id=worker_id,
        match=MatchFacts(
            score=score, threshold=0.42, margin=None, model="sface", frames=5, agreeing=4, roster_size=2
        ),
    )


def test_the_list_of_aged_templates_names_who_fell_and_forgets_who_was_captured_again(
    book: WorkerBook, store: LocalStore
) -> None:
    registered(store)
    registered(store, "W-2", "示例乙")
    for worker_id, then, now in (("W-1", 0.75, 0.50), ("W-2", 0.70, 0.68)):
        for day in range(MATCHES):
            store.record(an_event(worker_id, NOW - timedelta(days=190 - day), then))
            store.record(an_event(worker_id, NOW - timedelta(days=6 - day), now))
    (aged,) = book.aged(by="m")
    assert aged.worker.worker_id == "W-1"
    assert aged.ageing.drop == pytest.approx(0.25)
    assert book.look("W-1", by="m").ageing == aged.ageing
    store.put_templates("W-1", [a_template("W-1", made_at=NOW)])
    assert book.aged(by="m") == []


@pytest.mark.parametrize(
    ("latest", "first", "is_aged"),
    [
        ([0.70] * MATCHES, [0.72] * MATCHES, False),
        ([0.70] * MATCHES, [0.70 + DROP + 0.01] * MATCHES, True),
        ([0.42 + NEAR_THRESHOLD - 0.01] * MATCHES, [], True),
        ([0.42 + NEAR_THRESHOLD + 0.01] * MATCHES, [], False),
        ([0.70] * MATCHES, [0.95] * (MATCHES - 1), False),
        ([0.43] * (MATCHES - 1), [], False),
        ([0.70] * (MATCHES - 1) + [0.1], [0.70] * MATCHES, False),
        ([0.1] * 9 + [0.70] * MATCHES, [], False),
    ],
)
def test_templates_have_aged_when_medians_fell_or_come_near_the_threshold(
    latest: list[float], first: list[float], is_aged: bool
) -> None:
    made = ageing([(score, 0.42) for score in latest], [(score, 0.42) for score in first])
    assert (made is not None) is is_aged


def test_a_withdrawal_says_before_what_goes_and_has_a_receipt_after(
    book: WorkerBook, store: LocalStore
) -> None:
    registered(store)
    assert book.will_go("W-1", FACE) == {"templates": 1, "pictures": 0}
    assert book.will_go("W-1", WHOLE_RECORD)["persons"] == 1
    made = book.erase("W-1", FACE, "示例", by="m")
    receipt = local_receipt(store, made.withdrawal_id)
    assert [(item.place, item.what) for item in receipt.record.items] == [("kiosk", "templates: 1")]
    assert receipt.note.waiting
    assert not receipt.complete
    answer = ErasureReceipt(
        receipt_id=made.withdrawal_id,
        worker_id="W-1",
        requested_at=NOW,
        items=(
            ErasureItem(place="kiosk", name="kiosk", what="templates: 1", confirmed_at=NOW),
            ErasureItem(place="centre", name="centre", what="templates: 1", confirmed_at=NOW),
            ErasureItem(place="gate", name="gate-2", what="templates"),
        ),
    )
    told = with_answer(receipt, Reply(answer.model_dump_json()))
    assert [item.place for item in told.record.items] == ["kiosk", "centre", "gate"]
    assert [item.name for item in told.record.outstanding] == ["gate-2"]
    assert not told.complete
    assert with_answer(receipt, Reply("", "no connection")).problem == "no connection"
    assert with_answer(receipt, Reply("{}")).problem
    with pytest.raises(UnknownReceipt):
        local_receipt(store, "none")


def test_an_erased_record_is_no_longer_found_by_its_name(book: WorkerBook, store: LocalStore) -> None:
    registered(store)
    assert found(book, "zs") == ["W-1"]
    book.erase("W-1", WHOLE_RECORD, "示例", by="m")
    assert found(book, "zs") == []
    assert found(book, "W-1") == ["W-1"]
    with pytest.raises(UnknownWorker):
        book.look("W-9", by="m")


@pytest.mark.parametrize(
    ("reason", "chinese"),
    [
        ("a.jpg: there is no such photo in the zip", "a.jpg：没有这张照片"),
        ("a.jpg: no face is found; b.jpg: the face is blurred", "a.jpg：找不到人脸；b.jpg：人脸模糊"),
        ("worker number W-1 is already in row 2", "工号 W-1 已在第 2 行出现"),
        ("grant_from: 'x' is no date", "“有效期起”不是日期：x"),
        ("Correct the cell; docs/roster.md says what each column takes.", "更正后再次导入该行"),
        ("p.zip is protected by a password", "p.zip 加了密码"),
        ("", ""),
        ("something new", ""),
        ("a.jpg: the face is blurred; something new", ""),
    ],
)
def test_reasons_of_the_import_are_told_in_chinese_where_they_are_known(reason: str, chinese: str) -> None:
    assert in_chinese(reason) == chinese
