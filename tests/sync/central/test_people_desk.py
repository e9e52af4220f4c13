"""Papers and look-alikes at the console and the API: masked, within the own sites, with an audit line."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from sync.central import tables
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.errors import SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.person_vault import masked
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite
from tests.sync.central.console_fixtures import office as plain_office
from tests.sync.central.console_samples import ADMIN, MANAGER_A, QUICK_HASHER, SUPERVISOR_A, A, Clock
from tests.sync.central.people_console_samples import VAULT, add_people
from tests.sync.central.test_api import Caller
from tests.sync.people_samples import A_RESIDENT_NUMBER

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "plain_office"]

BOSS = Viewer(ADMIN, "", Role.ADMIN, None)
MANAGER = Viewer(MANAGER_A, "", Role.SITE_MANAGER, frozenset({A}))
SUPERVISOR = Viewer(SUPERVISOR_A, "", Role.SUPERVISOR, frozenset({A}))


@pytest.fixture
def office(plain_office: FrontOffice) -> FrontOffice:
    add_people(plain_office.database)
    return FrontOffice(plain_office.database, now=Clock(), hasher=QUICK_HASHER, vault=VAULT)


def audited(office: FrontOffice) -> list[str]:
    with office.database.read() as connection:
        return list(connection.scalars(select(tables.audit.c.action).order_by(tables.audit.c.audit_id)))


def test_a_document_number_is_masked_to_its_ends() -> None:
    assert masked(A_RESIDENT_NUMBER) == "110•••••••••••••2X"
    assert masked("G1234567") == "••••••••"


def test_papers_are_masked_until_somebody_who_may_asks_for_them(office: FrontOffice) -> None:
    papers = office.people.facts(SUPERVISOR, "A-001").papers
    assert papers is not None
    assert (papers.document_number, papers.birth_date, papers.address) == (
        masked(A_RESIDENT_NUMBER),
        None,
        "•••",
    )
    with pytest.raises(NotAllowed):
        office.people.facts(SUPERVISOR, "A-001", reveal=True)
    shown = office.people.facts(MANAGER, "A-001", reveal=True).papers
    assert shown is not None
    assert shown.document_number == A_RESIDENT_NUMBER
    assert audited(office)[-1] == "revealed_papers"
    with pytest.raises(NotFound):
        office.people.facts(MANAGER, "B-001")


def test_a_worker_s_consents_and_origin_are_shown(office: FrontOffice) -> None:
    facts = office.people.facts(SUPERVISOR, "A-001")
    assert [(one.granted, one.text_version) for one in facts.consents] == [(True, "2026-1")]
    assert [(one.site_id, one.gate_id, one.recorded_by) for one in facts.origins] == [
        (A, "gate-1", "登记员甲")
    ]


def test_of_a_pair_the_other_site_s_half_is_only_a_number(office: FrontOffice) -> None:
    document, face = office.people.pairs(MANAGER)
    assert [side.document for side in document.sides] == [masked(A_RESIDENT_NUMBER)] * 2
    mine, theirs = face.sides
    assert (mine.is_hidden, theirs.is_hidden, theirs.worker_id, theirs.name) == (False, True, "B-001", "")
    assert not any(side.is_hidden for pair in office.people.pairs(BOSS) for side in pair.sides)
    with pytest.raises(NotFound):
        office.people.decide(MANAGER, "A-005", "B-001", same_person=True, reason="看过")


def test_a_decision_needs_the_right_and_a_reason_and_can_be_taken_back(office: FrontOffice) -> None:
    with pytest.raises(NotAllowed):
        office.people.decide(SUPERVISOR, "A-001", "A-002", same_person=True, reason="看过")
    with pytest.raises(SettingRefused):
        office.people.decide(MANAGER, "A-001", "A-002", same_person=True, reason=" ")
    office.people.decide(MANAGER, "A-002", "A-001", same_person=True, reason="看过证件")
    (decided,) = [one for one in office.people.pairs(MANAGER, only_open=False) if one.decision]
    assert (decided.decision, decided.decided_by, decided.reason) == ("same", MANAGER_A, "看过证件")
    office.people.decide(MANAGER, "A-001", "A-002", same_person=None, reason="再看")
    assert len(office.people.pairs(MANAGER)) == 2


def test_two_records_are_merged_and_the_audit_log_tells_of_it(office: FrontOffice) -> None:
    office.people.merge(MANAGER, "A-001", "A-002", reason="同一证件")
    with pytest.raises(NotFound):
        office.workers.one(MANAGER, "A-002")
    merged = next(one for one in office.people.pairs(BOSS, only_open=False) if one.merged_into)
    assert (merged.merged_into, [side.exists for side in merged.sides]) == ("A-001", [True, False])
    assert "merged_workers" in audited(office)


def test_the_api_does_the_same(office: FrontOffice) -> None:
    manager = Caller(office, MANAGER_A)
    person = manager.get("/workers/A-001/person")
    assert person["papers"]["document_number"] == masked(A_RESIDENT_NUMBER)
    shown = manager.get("/workers/A-001/person", reveal="true")
    assert shown["papers"]["document_number"] == A_RESIDENT_NUMBER
    manager.get("/workers/B-001/person", 404)
    pair = manager.get("/duplicates")[0]
    assert [side["worker_id"] for side in pair["sides"]] == ["A-001", "A-002"]
    two = {"worker_id": "A-001", "other_worker_id": "A-002"}
    manager.post("/duplicates/decisions", 204, **two, same_person=True, reason="看过")
    manager.post("/duplicates/merges", 204, keep="A-001", remove="A-002", reason="看过")
    made = manager.post("/workers/A-001/withdrawals", 201, reason="本人申请")
    (row,) = manager.get("/erasures", only_open="true")
    assert (row["erasure_id"], row["worker_id"]) == (made["id"], "A-001")
    receipt = manager.get(f"/erasures/{row['erasure_id']}")
    assert {one["place"] for one in receipt["items"]} == {"centre", "gate"}
    item = {"place": "gate", "site_id": A, "gate_id": "gate-1", "what": "templates", "reason": "x"}
    manager.post(f"/erasures/{row['erasure_id']}/confirmations", 404, **item)
