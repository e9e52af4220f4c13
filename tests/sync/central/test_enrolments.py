"""What kiosks say about workers, taken into the registry: of their own site only, the newest first."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection, select

from sync.central import persons, registry, roster_log, tables, tables_people
from sync.central.database import Database
from sync.central.enrolments import take_decision, take_enrolment, take_erased, take_withdrawal
from sync.central.notes import NoteContext, NoteRefused
from sync.central.person_vault import PersonVault
from sync.erasure import WHOLE_RECORD, ErasureItem, ErasureReceipt
from sync.people import FILE_FLAG_ID, DuplicateDecision, Enrolment
from sync.records import Clearance, Flag, FlagLevel, Method, PassGrant, Worker, WorkerStatus
from tests.sync.central.gate_box import a_site
from tests.sync.people_samples import A_RESIDENT_NUMBER, a_consent, a_person, a_withdrawal, an_enrolment
from tests.sync.samples import NOON, a_template, a_worker

HERE, THERE = "demo-site", "other-site"
VAULT = PersonVault(bytes(range(32)))
LATER = timedelta(minutes=10)


@pytest.fixture
def database(centre_database: Database) -> Database:
    a_site(centre_database, HERE)
    a_site(centre_database, THERE)
    return centre_database


def context(*, site_id: str = HERE, after: timedelta = timedelta(0)) -> NoteContext:
    return NoteContext(site_id, "kiosk-1", uuid4().hex, NOON + after)


def enrol(connection: Connection, record: Enrolment, **where: object) -> dict[str, int]:
    at = context(**where)  # type: ignore[arg-type]
    return dict(take_enrolment(connection, at, record.model_dump_json(), VAULT))


def at_centre(connection: Connection, worker_id: str = "W-1") -> roster_log.Change:
    return roster_log.load_changes(connection, [worker_id])[0]


def without_face(**changes: object) -> Enrolment:
    """An edit of a worker who is there: nothing but the record itself."""
    return an_enrolment(**{"templates": None, "consent": None, "person": None, **changes})  # type: ignore[arg-type]


def test_an_enrolment_becomes_a_worker_on_the_roster_with_face_papers_and_consent(database: Database) -> None:
    record = an_enrolment()
    with database.write() as connection:
        assert enrol(connection, record) == {HERE: 1}
        found = at_centre(connection)
        assert found.worker == record.worker
        assert found.templates == [*(record.templates or ())]
        assert persons.person(connection, VAULT, "W-1") == record.person
        (consent,) = persons.consents(connection, "W-1")
        assert (consent.granted, consent.text_version, consent.withdrawn_at) == (True, "1", None)
        (origin,) = persons.origins(connection, "W-1")
        assert (origin.site_id, origin.gate_id, origin.templates) == (HERE, "kiosk-1", 1)


def test_the_document_number_is_nowhere_in_the_database_in_the_clear(database: Database) -> None:
    with database.write() as connection:
        enrol(connection, an_enrolment())
        row = connection.execute(select(tables_people.persons)).mappings().one()
        assert A_RESIDENT_NUMBER not in repr(dict(row))
        assert row["number_hash"] == VAULT.hash("resident_id", A_RESIDENT_NUMBER)
        entry = connection.scalar(select(tables.roster_log.c.entry))
        assert A_RESIDENT_NUMBER not in str(entry)


def test_other_sites_flags_and_longer_clearances_of_the_centre_stay(database: Database) -> None:
    until = NOON + timedelta(days=300)
    flag = Flag(flag_id="flag-1", level=FlagLevel.HOLD)
    known = a_worker(
        site_ids=(HERE, THERE), flags=(flag,), clearances=(Clearance(kind="safety", valid_until=until),)
    )
    sent = a_worker(
        team="木工班",
        clearances=(
            Clearance(kind="safety", valid_until=NOON),
            Clearance(kind="medical", valid_until=until),
        ),
    )
    with database.write() as connection:
        registry.put_worker(connection, known, now=NOON)
        assert set(enrol(connection, without_face(worker=sent), after=LATER)) == {HERE, THERE}
        worker = at_centre(connection).worker
    assert worker.site_ids == (HERE, THERE)
    assert worker.flags == (flag,)
    assert {one.kind: one.valid_until for one in worker.clearances} == {"safety": until, "medical": until}
    assert worker.team == "木工班"


def test_a_flag_of_a_roster_file_is_taken_and_no_other_one_of_a_kiosk(database: Database) -> None:
    by_file = Flag(flag_id=FILE_FLAG_ID, level=FlagLevel.BLOCK)
    other = Flag(flag_id="flag-1", level=FlagLevel.HOLD)
    with database.write() as connection:
        enrol(connection, an_enrolment(worker=a_worker(flags=(by_file, other), face_consent_on=NOON.date())))
        assert at_centre(connection).worker.flags == (by_file,)
        registry.add_flag(connection, "W-1", other, now=NOON)
        enrol(connection, without_face(enrolled_at=NOON + LATER), after=LATER)
        assert set(at_centre(connection).worker.flags) == {by_file, other}, "an edit lifts none"


def test_a_kiosk_takes_a_worker_off_its_own_site_and_gives_nobody_another_one(database: Database) -> None:
    with database.write() as connection:
        enrol(connection, an_enrolment(worker=a_worker(site_ids=(HERE, THERE), face_consent_on=NOON.date())))
        assert at_centre(connection).worker.site_ids == (HERE,)
        (origin,) = persons.origins(connection, "W-1")
        assert THERE in origin.withheld
        gone = without_face(worker=a_worker(site_ids=()), enrolled_at=NOON + LATER)
        assert enrol(connection, gone, after=LATER) == {HERE: 2}
        assert at_centre(connection).worker.site_ids == ()


def test_a_worker_of_no_site_of_this_kiosk_is_refused(database: Database) -> None:
    with database.write() as connection, pytest.raises(NoteRefused, match="its own site"):
        enrol(connection, an_enrolment(worker=a_worker(site_ids=(THERE,))))


def test_an_older_enrolment_does_not_win_over_a_newer_one(database: Database) -> None:
    newer = an_enrolment(worker=a_worker(team="新", face_consent_on=NOON.date()), enrolled_at=NOON)
    older = without_face(worker=a_worker(team="旧"), enrolled_at=NOON - LATER)
    with database.write() as connection:
        enrol(connection, newer)
        assert enrol(connection, older, after=LATER) == {}
        assert at_centre(connection).worker.team == "新"
        assert [one.outdated for one in persons.origins(connection, "W-1")] == [False, True]


def test_a_kiosk_whose_clock_runs_ahead_does_not_win_for_ever(database: Database) -> None:
    ahead = an_enrolment(
        worker=a_worker(team="早", face_consent_on=NOON.date()), enrolled_at=NOON + 99 * LATER
    )
    true = without_face(worker=a_worker(team="晚"), enrolled_at=NOON + LATER)
    with database.write() as connection:
        enrol(connection, ahead)
        enrol(connection, true, after=2 * LATER)
        assert at_centre(connection).worker.team == "晚"


def test_a_block_goes_first_and_an_old_record_does_not_lift_one_of_the_centre(database: Database) -> None:
    with database.write() as connection:
        enrol(connection, an_enrolment())
        blocked = a_worker(status=WorkerStatus.BLOCKED)
        enrol(connection, without_face(worker=blocked, enrolled_at=NOON + LATER), after=2 * LATER)
        log = tables.roster_log
        assert connection.scalar(select(log.c.urgent)) is True
        # The kiosk's own later word counts, although it waited for the connection together with the block.
        enrol(connection, without_face(enrolled_at=NOON + 1.5 * LATER), after=2 * LATER)
        assert at_centre(connection).worker.status is WorkerStatus.ACTIVE
        registry.set_status(connection, "W-1", WorkerStatus.BLOCKED, now=NOON + 3 * LATER)
        enrol(connection, without_face(enrolled_at=NOON + 2 * LATER), after=4 * LATER)
        assert at_centre(connection).worker.status is WorkerStatus.BLOCKED
        enrol(connection, without_face(enrolled_at=NOON + 5 * LATER), after=5 * LATER)
        assert at_centre(connection).worker.status is WorkerStatus.ACTIVE


def test_an_edit_by_a_kiosk_that_has_not_heard_of_a_block_does_not_lift_it(database: Database) -> None:
    active, blocked = WorkerStatus.ACTIVE, WorkerStatus.BLOCKED
    with database.write() as connection:
        enrol(connection, an_enrolment())
        registry.set_status(connection, "W-1", blocked, now=NOON + LATER)
        edit = without_face(worker=a_worker(team="新"), enrolled_at=NOON + 2 * LATER, status_before=active)
        enrol(connection, edit, after=3 * LATER)
        worker = at_centre(connection).worker
        assert (worker.status, worker.team) == (blocked, "新")
        unblocked = without_face(enrolled_at=NOON + 4 * LATER, status_before=blocked)
        enrol(connection, unblocked, after=4 * LATER)
        assert at_centre(connection).worker.status is active


def test_a_record_that_left_before_makes_no_pass_valid_again_and_loses_none(database: Database) -> None:
    old = PassGrant(method=Method.QR, digest="a" * 64)
    new = PassGrant(method=Method.QR, digest="b" * 64)
    ended = old.model_copy(update={"revoked_at": NOON + LATER})
    with database.write() as connection:
        enrol(connection, an_enrolment(worker=a_worker(passes=(old,), face_consent_on=NOON.date())))
        replaced = without_face(worker=a_worker(passes=(ended, new)), enrolled_at=NOON + LATER)
        enrol(connection, replaced, after=LATER)
        of_another_kiosk = without_face(worker=a_worker(passes=(old,)), enrolled_at=NOON + 2 * LATER)
        enrol(connection, of_another_kiosk, after=2 * LATER)
        assert set(at_centre(connection).worker.passes) == {ended, new}


def test_templates_without_a_consent_are_refused_and_nothing_is_kept(database: Database) -> None:
    with database.write() as connection:
        for consent in (None, a_consent(granted=False)):
            with pytest.raises(NoteRefused, match="consent"), connection.begin_nested():
                enrol(connection, an_enrolment(consent=consent))
        assert roster_log.load_changes(connection, ["W-1"]) == []


def test_a_consent_before_breakfast_is_of_the_day_at_the_site(database: Database) -> None:
    early = NOON.replace(hour=23)  # UTC: 07:00 of the next day in Shanghai
    record = an_enrolment(consent=a_consent(given_at=early), enrolled_at=early)
    with database.write() as connection:
        enrol(connection, record, after=timedelta(days=1))
        assert at_centre(connection).worker.face_consent_on == NOON.date() + timedelta(days=1)


def test_a_refusal_of_the_face_is_kept_and_the_worker_is_registered_without(database: Database) -> None:
    record = an_enrolment(worker=a_worker(), consent=a_consent(granted=False), templates=())
    with database.write() as connection:
        enrol(connection, record)
        assert at_centre(connection).templates == []
        (consent,) = persons.consents(connection, "W-1")
        assert not consent.granted


def test_templates_that_were_on_the_way_when_the_consent_was_withdrawn_stay_out(database: Database) -> None:
    with database.write() as connection:
        enrol(connection, an_enrolment())
        gone = a_withdrawal(withdrawn_at=NOON + LATER)
        take_withdrawal(connection, context(after=LATER), gone.model_dump_json())
        again = an_enrolment(seed=2, enrolled_at=NOON + 2 * LATER)  # with the consent of before
        enrol(connection, again, after=2 * LATER)
        found = at_centre(connection)
        assert (found.templates, found.worker.face_consent_on) == ([], None)
        assert "withdrawn" in persons.origins(connection, "W-1")[0].withheld
        anew = a_consent(given_at=NOON + 3 * LATER)
        enrol(connection, an_enrolment(seed=3, consent=anew, enrolled_at=NOON + 3 * LATER), after=3 * LATER)
        assert len(at_centre(connection).templates) == 1


def test_who_was_erased_altogether_comes_back_only_by_registering_anew(database: Database) -> None:
    with database.write() as connection:
        enrol(connection, an_enrolment())
        gone = a_withdrawal(kind=WHOLE_RECORD, withdrawn_at=NOON + LATER)
        take_withdrawal(connection, context(after=LATER), gone.model_dump_json())
        on_the_way = an_enrolment(seed=2, enrolled_at=NOON + LATER / 2)
        unaware = without_face(enrolled_at=NOON + 2 * LATER)
        for record in (on_the_way, unaware):
            with pytest.raises(NoteRefused, match="erased"), connection.begin_nested():
                enrol(connection, record, after=3 * LATER)
        found = at_centre(connection)
        assert (found.worker.name, found.templates) == ("W-1", [])
        assert persons.person(connection, VAULT, "W-1") is None
        anew = a_consent(given_at=NOON + 4 * LATER)
        enrol(connection, an_enrolment(seed=3, consent=anew, enrolled_at=NOON + 4 * LATER), after=4 * LATER)
        assert len(at_centre(connection).templates) == 1
        enrol(connection, without_face(enrolled_at=NOON + 5 * LATER), after=5 * LATER)
        assert at_centre(connection).worker.name != "W-1"


def test_a_number_of_another_site_is_taken_over_only_by_the_same_document(database: Database) -> None:
    theirs = a_worker(site_ids=(THERE,), team="他班", face_consent_on=NOON.date())
    with database.write() as connection:
        registry.put_worker(connection, theirs, [a_template(seed=7)], now=NOON)
        with pytest.raises(NoteRefused, match="another site"), connection.begin_nested():
            enrol(connection, an_enrolment(), after=LATER)
        persons.put_person(connection, VAULT, a_person(document_number="G1234567"), now=NOON)
        with pytest.raises(NoteRefused, match="another site"), connection.begin_nested():
            enrol(connection, an_enrolment(), after=LATER)
        persons.put_person(connection, VAULT, a_person(), now=NOON)
        enrol(connection, an_enrolment(), after=LATER)
        found = at_centre(connection)
    assert found.worker.site_ids == (HERE, THERE)
    assert found.worker.team == "他班"
    assert found.templates == [a_template(seed=7, template_id=found.templates[0].template_id)]


def test_records_of_a_newer_program_and_unknown_fields_are_refused_with_the_reason(
    database: Database,
) -> None:
    text = an_enrolment().model_dump_json()
    with database.write() as connection:
        newer = text.replace('"schema_version":1', '"schema_version":9')
        with pytest.raises(NoteRefused, match="update the centre"):
            take_enrolment(connection, context(), newer, VAULT)
        with pytest.raises(ValidationError, match="surprise"):
            take_enrolment(connection, context(), text[:-1] + ',"surprise":1}', VAULT)
        with pytest.raises(NoteRefused, match="malformed"):
            take_enrolment(connection, context(), "{", VAULT)


def test_a_template_of_somebody_else_is_refused(database: Database) -> None:
    with database.write() as connection:
        enrol(connection, an_enrolment("W-2", templates=(a_template("W-2", seed=2, template_id="t-2"),)))
        with pytest.raises(NoteRefused, match="another worker"):
            enrol(connection, an_enrolment(templates=(a_template(seed=1, template_id="t-2"),)))


def test_a_kiosk_says_nothing_about_workers_of_other_sites(database: Database) -> None:
    decision = DuplicateDecision(
        worker_id="W-1", other_worker_id="W-9", found_by="face", same_person=True, decided_at=NOON
    )
    with database.write() as connection:
        registry.put_worker(connection, a_worker(site_ids=(THERE,)), now=NOON)
        with pytest.raises(NoteRefused, match="other sites"):
            take_withdrawal(connection, context(), a_withdrawal().model_dump_json())
        with pytest.raises(NoteRefused, match="other sites"):
            take_decision(connection, context(), decision.model_dump_json())


def test_a_kiosk_confirms_what_it_erased_itself(database: Database) -> None:
    gone = a_withdrawal(withdrawal_id="gone-1")
    receipt = ErasureReceipt(
        receipt_id="gone-1",
        worker_id="W-1",
        requested_at=NOON,
        items=(ErasureItem(place="kiosk", name="kiosk-1", what="pictures: 2", confirmed_at=NOON),),
    )
    with database.write() as connection:
        enrol(connection, an_enrolment())
        with pytest.raises(NoteRefused, match="no withdrawal"):
            take_erased(connection, context(), receipt.model_dump_json())
        take_withdrawal(connection, context(), gone.model_dump_json())
        take_erased(connection, context(), receipt.model_dump_json())
        items = connection.execute(
            select(tables_people.erasure_items).where(tables_people.erasure_items.c.place == "kiosk")
        ).all()
    assert [(one.gate_id, one.what, one.confirmed_at) for one in items] == [("kiosk-1", "pictures: 2", NOON)]


def test_the_record_of_a_worker_is_the_one_that_was_sent(database: Database) -> None:
    worker = a_worker(
        employer="示例建工",
        trade="木工",
        phone="13800000000",
        grant_until=NOON + LATER,
        face_consent_on=NOON.date(),
    )
    with database.write() as connection:
        enrol(connection, an_enrolment(worker=worker))
        assert at_centre(connection).worker == Worker.model_validate(worker.model_dump())
