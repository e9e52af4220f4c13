"""Lists at the console and over the API: scope, both sides of a match, decisions, imports, feeds, files."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from sync.central import persons, registry, tables
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.database import Database
from sync.central.errors import AlreadyThere, SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.list_comparison import Agreement
from sync.central.list_desk import DecidedMeanwhile
from sync.central.list_import import ROWS_AT_ONCE, ListTerms, import_list
from sync.central.list_jobs import JobState
from sync.central.list_matches import MatchState
from sync.central.list_matching import ListMatcher
from sync.records import FlagLevel
from tests.sync.central.console_samples import QUICK_HASHER
from tests.sync.central.gate_box import a_site
from tests.sync.central.list_samples import (
    KEYS,
    SITE,
    VAULT,
    a_list,
    a_registered,
    match_all,
    resident_number,
    slipped,
)
from tests.sync.central.test_api import Caller
from tests.sync.people_samples import a_person
from tests.sync.samples import NOON, a_worker

MINE, OTHER = resident_number(12), resident_number(34)
EVERYWHERE = Viewer("supervisor", "示例", Role.SUPERVISOR, None)
HERE = Viewer("local", "示例", Role.SUPERVISOR, frozenset({SITE}))
ELSEWHERE = Viewer("far", "示例", Role.SUPERVISOR, frozenset({"other-site"}))
WAIT_S = 120.0


@pytest.fixture
def office(centre_database: Database) -> Iterator[FrontOffice]:
    a_site(centre_database, SITE)
    a_site(centre_database, "other-site")
    yield FrontOffice(centre_database, now=lambda: NOON, hasher=QUICK_HASHER, vault=VAULT)


def match(office: FrontOffice) -> None:
    match_all(ListMatcher(office.database, VAULT, now=lambda: NOON))


def terms(list_id: str = "contacts", **changes: Any) -> ListTerms:
    return ListTerms(list_id, "示例名单", "示例单位", FlagLevel.BLOCK, **changes)


def flags(office: FrontOffice, worker_id: str = "W-1") -> int:
    with office.database.read() as connection:
        return len(registry.worker(connection, worker_id).flags)


def test_a_near_match_is_laid_side_by_side_confirmed_cleared_and_opened_again(office: FrontOffice) -> None:
    a_registered(office.database, "W-1", number=MINE, phone="13800000001")
    a_list(office.database, [f"示例丙,{slipped(MINE)},13800000002,1990-01-01"])
    match(office)
    desk = office.lists
    (line,) = desk.lists(EVERYWHERE)
    assert (line.counts, line.matched_share) == ({MatchState.TO_CONFIRM: 1}, 1.0)
    (row,) = desk.matches(HERE, list_id="contacts", state=MatchState.TO_CONFIRM)
    assert (row.worker_id, row.seen_sites, row.row, row.number) == ("W-1", (SITE,), 2, 1)
    sides = desk.one(HERE, row.match_id)
    assert sides.document.startswith("110") and "•" in sides.document
    assert sides.comparison is not None and sides.comparison.slip is not None
    assert (sides.comparison.number, sides.comparison.phone) == (Agreement.NEAR, Agreement.DIFFERS)
    assert sides.comparison.name_birth is Agreement.DIFFERS
    assert (sides.comparison.slip.places, sides.comparison.slip.own) == ((13,), MINE[12])
    assert sides.comparison.slip.listed == slipped(MINE)[12]
    assert desk.decide(HERE, row.match_id, confirm=True, reason="已核实") is MatchState.FLAGGED
    assert flags(office) == 1
    with pytest.raises(DecidedMeanwhile, match="local"):
        desk.decide(EVERYWHERE, row.match_id, confirm=False, reason="x", seen=MatchState.TO_CONFIRM)
    assert desk.decide(HERE, row.match_id, confirm=False, reason="同名") is MatchState.CLEARED
    assert flags(office) == 0
    assert desk.decide(HERE, row.match_id, confirm=None, reason="再核实") is MatchState.TO_CONFIRM
    with office.database.read() as connection:
        lines = connection.execute(select(tables.audit.c.action, tables.audit.c.subject)).all()
    assert {("decided_match", f"match:{row.match_id}"), ("looked_at_match", f"match:{row.match_id}")} <= {
        tuple(line) for line in lines
    }


def test_what_is_to_confirm_comes_first_however_much_was_found_since(office: FrontOffice) -> None:
    a_registered(office.database, "W-1", number=MINE)
    a_list(office.database, [f",{slipped(MINE)},,"])
    match(office)
    later = NOON + timedelta(hours=1)
    a_registered(office.database, "W-2", number=OTHER, now=later)
    a_list(office.database, [f",{OTHER},,"], list_id="other", now=later)
    match_all(ListMatcher(office.database, VAULT, now=lambda: later))
    assert [one.worker_id for one in office.lists.matches(HERE)] == ["W-1", "W-2"]
    assert [one.worker_id for one in office.lists.matches(HERE, rows=1)] == ["W-1"]


def test_matches_of_other_sites_are_not_there_and_lists_are_for_who_sees_all(office: FrontOffice) -> None:
    a_registered(office.database, "W-1", number=MINE)
    a_list(office.database, [f",{MINE},,"])
    match(office)
    (row,) = office.lists.matches(HERE)
    assert office.lists.matches(ELSEWHERE) == []
    assert [one.counts for one in office.lists.lists(ELSEWHERE)] == [{}]
    hidden: tuple[Callable[[], object], ...] = (
        lambda: office.lists.one(ELSEWHERE, row.match_id),
        lambda: office.lists.decide(ELSEWHERE, row.match_id, confirm=False, reason="x"),
    )
    for refused in hidden:
        with pytest.raises(NotFound):
            refused()
    manager = Viewer("manager", "示例", Role.SITE_MANAGER, None)
    forbidden: tuple[Callable[[], object], ...] = (
        lambda: office.lists.import_(HERE, terms(), "x.csv", b"phone\n13800000001\n"),
        lambda: office.lists.preview(HERE, "x.csv", b"phone\n13800000001\n"),
        lambda: office.lists.remove(HERE, "contacts", reason="x"),
        lambda: office.lists.matches(manager),
        lambda: office.lists.lists(manager),
        lambda: office.list_jobs.start(manager, terms(), "x.csv", b"phone\n1\n", is_check=True),
        lambda: office.list_jobs.start(HERE, terms(), "x.csv", b"phone\n1\n", is_check=True),
        lambda: office.list_jobs.stop(HERE),
    )
    for refused in forbidden:
        with pytest.raises(NotAllowed):
            refused()
    unreadable: tuple[Callable[[], object], ...] = (
        lambda: office.lists.one(HERE, "a\0b"),
        lambda: office.lists.decide(HERE, row.match_id, confirm=False, reason="a\0b"),
        lambda: office.lists.remove(EVERYWHERE, "contacts", reason="a\0b"),
    )
    for refused in unreadable:
        with pytest.raises(SettingRefused):
            refused()
    both = Viewer("district", "示例", Role.SUPERVISOR, frozenset({SITE, "other-site"}))
    office.lists.remove(both, "contacts", reason="解除")
    match(office)
    assert flags(office) == 0
    assert office.lists.matches(HERE) == []
    assert [one.state for one in office.lists.matches(HERE, state=MatchState.GONE)] == [MatchState.GONE]


def test_a_job_checks_imports_and_is_given_up_without_a_trace(office: FrontOffice) -> None:
    jobs, raw = office.list_jobs, f"document_number\n{MINE}\n12\n".encode()
    job = jobs.start(EVERYWHERE, terms(), "名单.csv", raw, is_check=True)
    assert jobs.wait(WAIT_S)
    assert job.report is not None
    assert (job.state, job.report.entries, job.report.broken) == (JobState.DONE, 1, 1)
    assert office.lists.lists(EVERYWHERE) == []
    job = jobs.start(EVERYWHERE, terms(), "名单.csv", raw, is_check=False)
    assert jobs.wait(WAIT_S)
    assert (job.state, job.number) == (JobState.DONE, 1)
    again = jobs.start(EVERYWHERE, terms(), "名单.csv", raw, is_check=False)
    assert jobs.wait(WAIT_S)
    assert (again.state, again.number) == (JobState.DONE, 1)
    bad = jobs.start(EVERYWHERE, terms(), "名单.csv", b"phone\n12\n", is_check=False)
    assert jobs.wait(WAIT_S)
    assert (bad.state, "names anybody" in bad.problem) == (JobState.FAILED, True)
    many = "phone\n" + "\n".join(f"138{number:08d}" for number in range(40 * ROWS_AT_ONCE))
    job = jobs.start(EVERYWHERE, terms("other"), "名单.csv", many.encode(), is_check=False)
    with pytest.raises(AlreadyThere):
        jobs.start(EVERYWHERE, terms(), "名单.csv", raw, is_check=True)
    jobs.stop(EVERYWHERE)
    assert jobs.wait(WAIT_S)
    assert job.state is JobState.STOPPED
    assert [one.summary.list_id for one in office.lists.lists(EVERYWHERE)] == ["contacts"]


def test_over_the_api_a_list_is_sent_matched_decided_and_removed(office: FrontOffice) -> None:
    office.accounts.add_user("admin", name="示例", role=Role.ADMIN, password="blue crane over river")
    caller = Caller(office, "admin")
    a_registered(office.database, "W-1", number=MINE, phone="13800000001")
    said = {"source": "示例单位", "level": "hold", "name": "示例名单", "until": "2099-01-31"}

    def put(status: int = 200, **more: Any) -> Any:
        body = b"phone\n13800000001\n13800000002\n"
        answer = caller.ask("PUT", "/lists/feed", params=said | more, content=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    assert put(dry_run=True)["report"]["entries"] == 2
    assert caller.get("/lists") == []
    assert [put()["version"], put()["version"], put(level="block")["version"]] == [1, 1, 2]
    assert put(422, level="worse")["status"] == 422
    assert put(level="block", until="9999-12-31")["version"] == 3
    match(office)
    (line,) = caller.get("/lists")
    assert (line["summary"]["entries"], line["counts"], line["matched_share"]) == (2, {"flagged": 1}, 1.0)
    (row,) = caller.post("/list-matches/search", list_id="feed")
    assert caller.get(f"/list-matches/{row['match_id']}")["comparison"]["phone"] == "same"
    path = f"/list-matches/{row['match_id']}/decision"
    assert caller.post(path, confirm=False, reason="号码已换人")["state"] == "cleared"
    caller.post(path, 422, confirm=True, reason="x", seen="to_confirm")
    answer = caller.ask("POST", "/list-matches/export", json={"list_id": "feed", "format": "xlsx"})
    (_, exported) = openpyxl.load_workbook(BytesIO(answer.content)).active.iter_rows(values_only=True)
    assert {"W-1", "cleared", "号码已换人"} <= set(exported)
    caller.post("/lists/feed/removal", 204, reason="解除")
    caller.post("/lists/feed/removal", 404, reason="解除")
    caller.get("/list-matches/none", 404)


def test_a_signed_feed_is_taken_only_with_the_signature_of_the_same_key(office: FrontOffice) -> None:
    office.accounts.add_user("admin", name="示例", role=Role.ADMIN, password="blue crane over river")
    caller, key = Caller(office, "admin"), Ed25519PrivateKey.generate()
    first, second = b"phone\n13800000001\n", b"phone\n13800000002\n"

    def put(raw: bytes, signature: bytes = b"") -> int:
        headers = {"X-List-Signature": base64.b64encode(signature).decode()} if signature else {}
        said = {"source": "示例单位", "level": "hold"}
        return caller.ask("PUT", "/lists/feed", params=said, content=raw, headers=headers).status_code

    assert put(first, key.sign(first)) == 422
    public = key.public_key().public_bytes_raw().hex()
    import_list(office.database, KEYS, terms("feed"), "x.csv", first, by="x", now=NOON, signed_by=public)
    assert put(second) == 422
    assert put(second, key.sign(first)) == 422
    assert put(second, Ed25519PrivateKey.generate().sign(second)) == 422
    assert put(second, b"short") == 422
    assert put(second, key.sign(second)) == 200
    (line,) = office.lists.lists(EVERYWHERE)
    assert (line.summary.number, line.summary.signed_by) == (2, public)


def test_what_the_whole_erasure_of_a_worker_leaves_names_nobody(office: FrontOffice) -> None:
    with office.database.write() as connection:
        registry.put_worker(connection, a_worker("W-1", site_ids=(SITE,)), now=NOON)
        persons.put_person(connection, VAULT, a_person("W-1", document_number=MINE), now=NOON)
    a_list(office.database, [f",{MINE},,"])
    match(office)
    (row,) = office.lists.matches(EVERYWHERE)
    with office.database.write() as connection:
        connection.execute(tables.workers.delete())
    assert office.lists.matches(EVERYWHERE) == []
    with pytest.raises(NotFound):
        office.lists.one(EVERYWHERE, row.match_id)
