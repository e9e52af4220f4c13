"""A consent that is taken back: what goes, who has to forget, and who said so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from sync.central import erasures, gate_signs, persons, registry, roster_log, site_registry, tables, terminals
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.asks import AskContext, AskRefused
from sync.central.database import Database
from sync.central.erasure_cleanup import clean_up
from sync.central.erasure_desk import ErasureDesk, answer_receipt
from sync.central.errors import SettingRefused
from sync.central.phone import sessions
from sync.central.phone.sessions import SignedIn
from sync.erasure import WHOLE_RECORD, ErasureReceipt, ReceiptQuestion
from sync.records import Direction, WorkerStatus
from sync.wire.messages import Health
from tests.sync.central.console_samples import event_row
from tests.sync.central.gate_box import CENTRE_KEY, a_site
from tests.sync.central.test_enrolments import VAULT
from tests.sync.people_samples import a_consent, a_person, a_withdrawal
from tests.sync.samples import NOON, a_template, a_worker, an_event

HERE = "demo-site"
LATER = NOON + timedelta(minutes=5)
GATE = (HERE, "gate-1")
ADMIN = Viewer("admin", "", Role.ADMIN, None)
MANAGER = Viewer("manager", "", Role.SITE_MANAGER, frozenset({HERE}))
SUPERVISOR = Viewer("supervisor", "", Role.SUPERVISOR, frozenset({HERE}))
STRANGER = Viewer("stranger", "", Role.SITE_MANAGER, frozenset({"other-site"}))


@pytest.fixture
def database(centre_database: Database) -> Database:
    """A worker with face, papers and consent at a site with two gates and a terminal of another maker."""
    a_site(centre_database)
    with centre_database.write() as connection:
        for gate_id in ("gate-1", "gate-2"):
            site_registry.add_gate(
                connection, HERE, gate_id, centre=CENTRE_KEY.public_key(), now=NOON, name=f"门 {gate_id}"
            )
        terminals.add_terminal(connection, HERE, "terminal-1", direction=Direction.IN, now=NOON)
        worker = a_worker(face_consent_on=NOON.date())
        registry.put_worker(connection, worker, [a_template(seed=4)], now=NOON)
        persons.put_person(connection, VAULT, a_person(), now=NOON)
        persons.put_consent(connection, a_consent(), {})
    return centre_database


@pytest.fixture
def desk(database: Database) -> ErasureDesk:
    return ErasureDesk(database, now=lambda: LATER)


def withdraw(connection: Connection, **changes: object) -> erasures.Erased:
    fields: dict[str, object] = {"withdrawal_id": "gone-1", "withdrawn_at": LATER, **changes}
    return erasures.withdraw(connection, a_withdrawal(**fields), now=LATER, kiosk=GATE)  # type: ignore[arg-type]


def open_items(connection: Connection) -> set[tuple[str, str]]:
    receipt = erasures.receipt(connection, "gone-1")
    return {(one.place, one.what) for one in receipt.outstanding}


def says(connection: Connection, gate_id: str, version: int, counter: int = 1) -> None:
    health = Health(boot_id="b", at=LATER, roster_version=version)
    gate_signs.health(connection, (HERE, gate_id), counter, health, LATER)


def test_the_face_goes_at_once_and_the_receipt_names_who_else_has_to_forget(database: Database) -> None:
    with database.write() as connection:
        erased = withdraw(connection)
        (found,) = roster_log.load_changes(connection, ["W-1"])
        assert (found.templates, found.worker.face_consent_on) == ([], None)
        assert erased.versions == {HERE: 2}
        assert persons.consents(connection, "W-1")[0].withdrawn_at == LATER
        assert persons.person(connection, VAULT, "W-1") is not None
        receipt = erasures.receipt(connection, "gone-1")
    shown = {(one.place, one.what, one.confirmed_at is not None) for one in receipt.items}
    assert shown == {
        ("centre", "templates: 1", True),
        ("centre", "roster entry", True),
        ("centre", "deleted rows", False),
        ("centre", "backups made before 2026-03-02", False),
        ("gate", "templates", False),
    }
    assert [one.name.split()[-2:] for one in receipt.items if one.place == "gate"] == [
        ["门", "gate-1"],
        ["门", "gate-2"],
        ["terminal", f"{HERE}/terminal-1"],
    ]


def test_a_gate_confirms_by_the_roster_that_it_holds(database: Database) -> None:
    with database.write() as connection:
        version = withdraw(connection).versions[HERE]
        says(connection, "gate-1", version - 1)
        before = len(erasures.receipt(connection, "gone-1").outstanding)
        says(connection, "gate-1", version, counter=2)
        says(connection, "terminal-1", version)  # not how a terminal says so
        receipt = erasures.receipt(connection, "gone-1")
        assert len(receipt.outstanding) == before - 1
        (confirmed,) = [one for one in receipt.items if one.place == "gate" and one.confirmed_at]
        assert "gate-1" in confirmed.name


def test_a_terminal_of_another_maker_confirms_when_its_list_is_free_of_the_worker(database: Database) -> None:
    with database.write() as connection:
        withdraw(connection)
        (waiting,) = erasures.waiting_at_terminals(connection)
        assert (waiting.terminal_id, waiting.worker_id) == ("terminal-1", "W-1")
        erasures.terminal_forgot(connection, waiting, LATER)
        assert erasures.waiting_at_terminals(connection) == []


def test_the_same_withdrawal_counts_once(database: Database) -> None:
    with database.write() as connection:
        withdraw(connection)
        assert withdraw(connection).versions == {}


def test_a_withdrawal_older_than_a_new_consent_takes_nothing_away(database: Database) -> None:
    with database.write() as connection:
        persons.put_consent(connection, a_consent(given_at=LATER + timedelta(minutes=1)), {})
        assert withdraw(connection).is_outdated
        (found,) = roster_log.load_changes(connection, ["W-1"])
        assert len(found.templates) == 1
        assert [one.withdrawn_at is None for one in persons.consents(connection, "W-1")] == [True, False]


def test_somebody_unknown_gets_a_receipt_without_items(database: Database) -> None:
    with database.write() as connection:
        assert withdraw(connection, worker_id="W-9").versions == {}
        assert erasures.receipt(connection, "gone-1").items == ()


def test_with_the_whole_record_only_the_number_and_its_events_stay(database: Database) -> None:
    people = {"W-1": ("示例 W-1", "木工班")}
    with database.write() as connection:
        connection.execute(insert(tables.events).values(event_row(an_event(worker_id="W-1"), people)))
        phone = sessions.begin(connection, SignedIn("W-1"), now=NOON, lasts=timedelta(hours=1))
        withdraw(connection, kind=WHOLE_RECORD)
        assert sessions.find(connection, phone, now=NOON) is None
        (found,) = roster_log.load_changes(connection, ["W-1"])
        assert found.worker == a_worker(name="W-1", status=WorkerStatus.LEFT)
        assert persons.person(connection, VAULT, "W-1") is None
        assert persons.consents(connection, "W-1") == []
        event = connection.execute(select(tables.events)).one()
        assert (event.worker_id, event.worker_name, event.team) == ("W-1", "", "")
        entry = connection.scalar(select(tables.roster_log.c.entry))
        assert "示例" not in str(entry)
        assert ("gate", "person") in open_items(connection)


def test_deleted_faces_are_overwritten_in_the_file(database: Database) -> None:
    with database.write() as connection:
        withdraw(connection)
    assert clean_up(database, LATER) == 1
    assert clean_up(database, LATER) == 0
    with database.read() as connection:
        assert ("centre", "deleted rows") not in open_items(connection)
    if database.dialect == "sqlite":
        folder = Path(str(database.engine.url.database)).parent
        vector = a_template(seed=4).vector
        assert not any(vector in file.read_bytes() for file in folder.glob("central.db*"))


def test_a_kiosk_hears_how_far_its_withdrawal_is_and_nothing_of_other_sites(database: Database) -> None:
    text = ReceiptQuestion(withdrawal_id="gone-1").model_dump_json()
    context = AskContext(*GATE, LATER)
    with pytest.raises(AskRefused):
        answer_receipt(database, context, text)
    with database.write() as connection:
        withdraw(connection)
    receipt = ErasureReceipt.model_validate_json(answer_receipt(database, context, text))
    assert (receipt.worker_id, receipt.complete) == ("W-1", False)
    with pytest.raises(AskRefused):
        answer_receipt(database, AskContext("other-site", "kiosk-9", LATER), text)


def test_a_withdrawal_at_the_console_needs_the_right_the_site_and_a_reason(
    database: Database, desk: ErasureDesk
) -> None:
    with pytest.raises(NotAllowed):
        desk.withdraw(SUPERVISOR, "W-1", reason="本人申请")
    with pytest.raises(NotFound):
        desk.withdraw(STRANGER, "W-1", reason="本人申请")
    with pytest.raises(SettingRefused):
        desk.withdraw(MANAGER, "W-1", reason=" ")
    erasure_id = desk.withdraw(MANAGER, "W-1", reason="本人申请")
    (row,) = desk.rows(SUPERVISOR, only_open=True)
    assert (row.erasure_id, row.worker_id, row.sites, row.outstanding) == (erasure_id, "W-1", (HERE,), 5)
    assert desk.rows(STRANGER) == []
    with pytest.raises(NotFound):
        desk.one(STRANGER, erasure_id)


def test_what_no_machine_confirms_is_confirmed_by_a_person_with_a_remark(
    database: Database, desk: ErasureDesk
) -> None:
    erasure_id = desk.withdraw(ADMIN, "W-1", reason="本人申请")
    (backup,) = [one for one in desk.one(ADMIN, erasure_id).items if one.by_hand]
    item = {"place": backup.place, "site_id": "", "gate_id": "", "what": backup.what}
    with pytest.raises(NotFound):  # backups are not a site's
        desk.confirm(MANAGER, erasure_id, reason="已删", **item)
    with pytest.raises(SettingRefused):
        desk.confirm(ADMIN, erasure_id, reason="", **item)
    desk.confirm(ADMIN, erasure_id, reason="已删", **item)
    assert not any(one.by_hand for one in desk.one(ADMIN, erasure_id).items)
    with pytest.raises(NotFound):  # a gate speaks for itself
        desk.confirm(
            ADMIN, erasure_id, place="gate", site_id=HERE, gate_id="gate-1", what="templates", reason="x"
        )


def test_a_gate_that_was_revoked_is_left_to_a_person(database: Database, desk: ErasureDesk) -> None:
    with database.write() as connection:
        site_registry.revoke_gate(connection, HERE, "gate-2", now=LATER)
    erasure_id = desk.withdraw(MANAGER, "W-1", reason="本人申请")
    with database.write() as connection:
        says(connection, "gate-2", 99)
    revoked = [one for one in desk.one(MANAGER, erasure_id).items if one.gate_id == "gate-2"]
    assert [(one.by_hand, "revoked" in one.what) for one in revoked] == [(True, True)]
