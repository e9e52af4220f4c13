"""One person under two numbers: asked for by kiosks, found afterwards, decided upon and merged."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import Connection, select

from sync.central import duplicate_pairs, merged_numbers, persons, registry, roster_log, tables, tables_people
from sync.central.aftercare import Aftercare
from sync.central.asks import AskContext
from sync.central.database import Database
from sync.central.duplicate_bench import EMBEDDER, measure_duplicates
from sync.central.duplicate_pairs import MergeRefused, UnknownPair
from sync.central.duplicates import DuplicateSearch, DuplicateWatch
from sync.central.enrolments import take_decision, take_enrolment, take_withdrawal
from sync.central.notes import NoteContext, NoteRefused
from sync.central.person_vault import PersonVault
from sync.clearance_rules import shipped_rules
from sync.duplicate_check import DuplicateAnswer, DuplicateQuestion
from sync.people import DocumentType, DuplicateDecision, Enrolment
from sync.records import Clearance, Flag, FlagLevel, Method, PassGrant, Template, WorkerStatus
from tests.sync.central.gate_box import a_site
from tests.sync.people_samples import A_RESIDENT_NUMBER, a_consent, a_person, a_withdrawal, an_enrolment
from tests.sync.samples import NOON, a_template, a_worker

HERE, THERE = "demo-site", "other-site"
VAULT = PersonVault(bytes(range(32)))


@pytest.fixture
def database(centre_database: Database) -> Database:
    a_site(centre_database, HERE)
    a_site(centre_database, THERE)
    return centre_database


@pytest.fixture
def search(database: Database) -> DuplicateSearch:
    return DuplicateSearch(database, VAULT)


@pytest.fixture
def watch(database: Database, search: DuplicateSearch) -> DuplicateWatch:
    return DuplicateWatch(database, search, now=lambda: NOON)


def face(worker_id: str, seed: int, *, noise: float = 0.0) -> Template:
    """Of person `seed`; noise of 0.5 gives a cosine of about 0.9 with the same person without."""
    base = np.random.default_rng(seed).normal(size=128)
    other = np.random.default_rng(seed + 99).normal(size=128)
    vector = base / np.linalg.norm(base) + noise * other / np.linalg.norm(other)
    unit = (vector / np.linalg.norm(vector)).astype("<f4")
    return a_template(
        worker_id,
        model=EMBEDDER[0],
        model_version=EMBEDDER[1],
        vector=unit.tobytes(),
        template_id=uuid4().hex,
    )


def registered(worker_id: str, seed: int, **changes: object) -> Enrolment:
    return an_enrolment(
        worker_id,
        **{
            "templates": (face(worker_id, seed),),
            "person": a_person(
                worker_id, document_type=DocumentType.OTHER, document_number=f"DOC-{worker_id}"
            ),
            "worker": a_worker(worker_id, face_consent_on=NOON.date()),
            **changes,
        },  # type: ignore[arg-type]
    )


def note(site_id: str = HERE) -> NoteContext:
    return NoteContext(site_id, "kiosk-1", uuid4().hex, NOON)


def enrol(database: Database, *records: Enrolment, site_id: str = HERE) -> None:
    with database.write() as connection:
        for one in records:
            take_enrolment(connection, note(site_id), one.model_dump_json(), VAULT)


def ask(database: Database, search: DuplicateSearch, **question: object) -> DuplicateAnswer:
    text = DuplicateQuestion.model_validate({"worker_id": "new", **question}).model_dump_json()
    context = AskContext(HERE, "kiosk-1", NOON)
    return DuplicateAnswer.model_validate_json(search.answers()(database, context, text))


def merge(connection: Connection, keep: str = "W-1", goes: str = "W-2") -> Mapping[str, int]:
    return duplicate_pairs.merge(
        connection, keep, goes, vault=VAULT, rules=shipped_rules(), reason="同一人", by="admin", now=NOON
    )


def pairs(connection: Connection) -> list[tuple[str, str, str, str]]:
    column = tables_people.duplicates.c
    rows = connection.execute(
        select(column.worker_id, column.other_worker_id, column.found_by, column.decision).order_by(
            column.worker_id, column.found_by
        )
    )
    return [tuple(row) for row in rows]


def test_a_kiosk_hears_of_the_same_face_under_another_number(
    database: Database, search: DuplicateSearch
) -> None:
    enrol(database, registered("W-1", 1), registered("W-2", 2))
    answer = ask(database, search, templates=(face("new", 2, noise=0.5),))
    assert answer.checked == 2
    (match,) = answer.matches
    assert (match.worker_id, match.found_by, match.site_ids) == ("W-2", "face", (HERE,))
    assert match.score == pytest.approx(0.9, abs=0.05)


def test_a_kiosk_hears_of_the_same_document_under_another_face(
    database: Database, search: DuplicateSearch
) -> None:
    enrol(database, an_enrolment("W-1", templates=(face("W-1", 1),)), registered("W-2", 2))
    answer = ask(
        database,
        search,
        document_type="resident_id",
        document_number=A_RESIDENT_NUMBER,
        templates=(face("new", 2),),
    )
    assert [(one.worker_id, one.found_by) for one in answer.matches] == [("W-1", "document"), ("W-2", "face")]
    assert answer.matches[0].score == pytest.approx(0, abs=0.3)


def test_what_the_kiosk_was_shown_of_others_is_on_the_record(
    database: Database, search: DuplicateSearch
) -> None:
    enrol(database, registered("W-1", 1))
    ask(database, search, templates=(face("new", 7),))
    ask(database, search, templates=(face("new", 1),))
    with database.read() as connection:
        lines = connection.execute(select(tables.audit)).all()
    assert [(one.action, one.detail) for one in lines] == [("showed_duplicates", {"workers": ["W-1"]})]


def test_oneself_is_no_news(database: Database, search: DuplicateSearch) -> None:
    enrol(database, registered("W-1", 1))
    assert ask(database, search, worker_id="W-1", templates=(face("W-1", 1),)).matches == ()


def test_the_faces_follow_changes_removals_and_a_restored_backup(
    database: Database, search: DuplicateSearch
) -> None:
    enrol(database, registered("W-1", 1))
    assert ask(database, search, templates=(face("new", 1),)).matches
    enrol(database, registered("W-1", 5, enrolled_at=NOON + timedelta(hours=1)))
    assert not ask(database, search, templates=(face("new", 1),)).matches
    assert ask(database, search, templates=(face("new", 5),)).matches
    with database.write() as connection:
        registry.remove_worker(connection, "W-1")
    answer = ask(database, search, templates=(face("new", 5),))
    assert (answer.matches, answer.checked) == ((), 0)
    enrol(database, registered("W-2", 2))
    assert ask(database, search, templates=(face("new", 2),)).matches
    with database.write() as connection:
        connection.execute(tables.sites.update().values(roster_version=0))
    assert ask(database, search, templates=(face("new", 2),)).matches


def test_every_enrolment_is_compared_afterwards_once(database: Database, watch: DuplicateWatch) -> None:
    enrol(database, registered("W-1", 1), registered("W-2", 1))
    enrol(database, registered("X-9", 1, worker=a_worker("X-9", site_ids=(THERE,))), site_id=THERE)
    assert watch.look() == 3
    assert watch.look() == 0
    with database.read() as connection:
        assert pairs(connection) == [
            ("W-1", "W-2", "face", ""),
            ("W-1", "X-9", "face", ""),
            ("W-2", "X-9", "face", ""),
        ]


def test_the_same_document_is_found_though_nobody_has_a_face(
    database: Database, watch: DuplicateWatch
) -> None:
    bare = {"templates": (), "consent": None}
    enrol(database, an_enrolment("W-1", **bare), an_enrolment("W-2", **bare))  # type: ignore[arg-type]
    watch.look()
    with database.read() as connection:
        assert pairs(connection) == [("W-1", "W-2", "document", "")]


def test_a_decision_of_a_kiosk_stands_whatever_is_found_later(
    database: Database, watch: DuplicateWatch
) -> None:
    enrol(database, registered("W-1", 1), registered("W-2", 1))
    decision = DuplicateDecision(
        worker_id="W-2",
        other_worker_id="W-1",
        found_by="face",
        score=0.9,
        same_person=False,
        reason="双胞胎",
        decided_at=NOON,
        decided_by="示例员",
    )
    with database.write() as connection:
        take_decision(connection, note(), decision.model_dump_json())
        older = decision.model_copy(update={"same_person": True, "decided_at": NOON - timedelta(hours=1)})
        take_decision(connection, note(), older.model_dump_json())
    watch.look()
    with database.read() as connection:
        assert pairs(connection) == [("W-1", "W-2", "face", "different")]


def test_a_withdrawn_face_takes_its_findings_along(database: Database, watch: DuplicateWatch) -> None:
    enrol(database, registered("W-1", 1), registered("W-2", 1))
    watch.look()
    with database.write() as connection:
        gone = a_withdrawal("W-1", withdrawn_at=NOON + timedelta(hours=1))
        take_withdrawal(connection, note(), gone.model_dump_json())
        assert pairs(connection) == []
    assert watch.look() == 0


def test_two_records_become_one_and_the_stricter_of_both_holds(
    database: Database, watch: DuplicateWatch
) -> None:
    until = NOON + timedelta(days=9)
    other = a_worker(
        "X-9",
        site_ids=(THERE,),
        face_consent_on=NOON.date(),
        clearances=(Clearance(kind="a", valid_until=until),),
    )
    enrol(database, registered("W-1", 1, templates=(), consent=None, worker=a_worker("W-1")))
    enrol(database, registered("X-9", 1, worker=other, person=None), site_id=THERE)
    with database.write() as connection:
        registry.add_flag(connection, "X-9", Flag(flag_id="f", level=FlagLevel.HOLD), now=NOON)
        registry.set_status(connection, "X-9", WorkerStatus.BLOCKED, now=NOON)
        duplicate_pairs.note_found(connection, "W-1", "X-9", found_by="document", score=None, now=NOON)
        duplicate_pairs.note_found(connection, "X-9", "A-0", found_by="face", score=0.7, now=NOON)
        versions = merge(connection, "W-1", "X-9")
        assert set(versions) == {HERE, THERE}
        (one,) = roster_log.load_changes(connection, ["W-1", "X-9"])
        assert one.worker.site_ids == (HERE, THERE)
        assert one.worker.status is WorkerStatus.BLOCKED
        assert [flag.flag_id for flag in one.worker.flags] == ["f"]
        assert [clearance.kind for clearance in one.worker.clearances] == ["a"]
        assert [template.worker_id for template in one.templates] == ["W-1"]
        assert [consent.granted for consent in persons.consents(connection, "W-1")] == [True]
        assert pairs(connection) == [("A-0", "W-1", "face", ""), ("W-1", "X-9", "document", "same")]
        assert merged_numbers.merged_into(connection, "X-9") == "W-1"
        with pytest.raises(NoteRefused, match="merged into W-1"):
            take_enrolment(
                connection,
                note(THERE),
                registered("X-9", 1, worker=other, consent=a_consent("X-9")).model_dump_json(),
                VAULT,
            )


def test_a_merged_person_who_took_the_consent_back_under_one_number_has_no_face(database: Database) -> None:
    a_pass = PassGrant(method=Method.QR, digest="a" * 64)
    with_pass = a_worker("W-2", face_consent_on=NOON.date(), passes=(a_pass,))
    enrol(database, registered("W-1", 1), registered("W-2", 1, worker=with_pass, person=None))
    with database.write() as connection:
        take_withdrawal(connection, note(), a_withdrawal("W-1").model_dump_json())
        duplicate_pairs.note_found(connection, "W-1", "W-2", found_by="face", score=0.9, now=NOON)
        merge(connection)
        (found,) = roster_log.load_changes(connection, ["W-1"])
    assert (found.templates, found.worker.face_consent_on) == ([], None)
    assert found.worker.passes == (a_pass,)


def test_two_people_with_different_documents_are_not_merged(database: Database) -> None:
    enrol(database, registered("W-1", 1), registered("W-2", 1))
    with database.write() as connection:
        with pytest.raises(UnknownPair):
            merge(connection)
        duplicate_pairs.note_found(connection, "W-1", "W-2", found_by="face", score=0.9, now=NOON)
    with pytest.raises(MergeRefused, match="different documents"), database.write() as connection:
        merge(connection)


def test_the_thread_checks_what_waited_before_it_started(database: Database, watch: DuplicateWatch) -> None:
    enrol(database, registered("W-1", 1), registered("W-2", 1))
    found = threading.Event()

    def look() -> int:
        done = watch.look()
        found.set()
        return done

    aftercare = Aftercare([look], poll_s=0.01)
    aftercare.start()
    assert found.wait(60)
    aftercare.stop()
    with database.read() as connection:
        assert pairs(connection) == [("W-1", "W-2", "face", "")]


def test_one_job_that_fails_does_not_keep_the_others_from_their_work() -> None:
    worked = threading.Event()

    def fails() -> int:
        raise RuntimeError

    def works() -> int:
        worked.set()
        return 0

    aftercare = Aftercare([fails, works], poll_s=0.01)
    aftercare.start()
    assert worked.wait(60)
    aftercare.stop()
    assert "RuntimeError" in aftercare.problem


def test_the_measurement_finds_everybody_it_asks_about(tmp_path: object) -> None:
    figures = measure_duplicates(tmp_path, people=300, templates_each=2, questions=6)  # type: ignore[arg-type]
    assert (figures.templates, figures.found) == (600, 1.0)
    assert figures.p50_ms <= figures.p95_ms <= figures.max_ms
