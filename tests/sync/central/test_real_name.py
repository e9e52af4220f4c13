"""The upload to the real-name platform, against the simulated one over real HTTP, with its faults."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, update

from sync.central import erasures, persons, real_name, real_name_upload, registry, service, tables
from sync.central.database import Database
from sync.central.person_vault import PersonVault
from sync.central.real_name import Hold, State, team_id
from sync.central.real_name_queue import queue_events
from sync.central.service import CentralService
from sync.central.settings import BrokerSettings, CentreSettings
from sync.central.tables_alerts import alerts
from sync.central.tables_real_name import (
    real_name_people,
    real_name_records,
    real_name_requests,
    real_name_sites,
    real_name_teams,
)
from sync.erasure import WHOLE_RECORD
from sync.people import ConsentWithdrawal
from sync.real_name import AnswerLost, PlatformClient, RequestRefused
from sync.real_name.simulator import PlatformServer
from sync.records import Direction, Method, Outcome, Passage
from tests.sync.central.console_samples import NOW, an_event
from tests.sync.central.gate_client import until
from tests.sync.central.real_name_samples import (
    CORP,
    SITE,
    VAULT,
    Upload,
    a_site,
    an_upload,
    pass_by,
    passages,
)
from tests.sync.central.two_writers import meanwhile
from tests.sync.people_samples import a_consent, a_person
from tests.sync.real_name.samples import PROJECT, SECRET_TEXT, a_platform, resident_number
from tests.sync.samples import a_worker

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""The others show that PostgreSQL understands the same."""


@pytest.fixture
def upload(centre_database: Database, tmp_path: Path) -> Iterator[Upload]:
    made, _ = an_upload(centre_database, tmp_path)
    with PlatformServer(made.platform) as server:
        a_site(centre_database, tmp_path, server.url)
        yield made


@pytest.fixture
def database(centre_database: Database) -> Database:
    return centre_database


def correction(database: Database, correction_id: str, **changes: object) -> None:
    row = {
        "correction_id": correction_id,
        "site_id": SITE,
        "worker_id": "A-001",
        "local_day": NOW.date(),
        "kind": "add",
        "direction": "out",
        "occurred_at": NOW - HOUR,
        "reason": "忘记刷脸",
        "made_by": "manager-a",
        "made_at": NOW,
        **changes,
    }
    with database.write() as connection:
        connection.execute(insert(tables.attendance_corrections).values(row))


def test_teams_go_first_then_workers_then_passages_in_order_and_none_twice(
    upload: Upload, database: Database
) -> None:
    pass_by(database, [*passages("A-001", 25, first=1), *passages("A-003", 3, first=100)])
    stranger = an_event(200, NOW - HOUR, worker_id=None, outcome=Outcome.DENY)
    turned_back = an_event(201, NOW - HOUR, passage=Passage.NOT_PASSED)
    day_before = an_event(202, NOW - timedelta(days=3))
    pass_by(database, [stranger, turned_back, day_before])
    upload.platform.faults.pending = 2
    upload.runs(steps=14)
    assert upload.states() == {State.ACCEPTED: 28}
    methods = list(dict.fromkeys(upload.platform.calls))
    assert methods == ["Team.Add", "AsyncHandleResult.Query", "ProjectWorker.Add", "WorkerAttendance.Add"]
    assert len(upload.platform.teams) == 2 and len(upload.platform.workers) == 3
    of_first = [moment for number, moment, _ in upload.sent() if number == resident_number(1)]
    assert of_first == sorted(of_first) and len(of_first) == 25
    row = next(iter(upload.platform.attendance.values()))
    assert (row["channel"], row["attendType"], row["direction"]) == ("一号门", "001", "01")
    calls = len(upload.platform.calls)
    upload.runs(steps=4)
    assert len(upload.platform.calls) == calls  # nothing new, nothing asked
    late = an_event(300, NOW - 2 * HOUR, worker_id="A-002", method=Method.QR)  # from a gate's backlog
    pass_by(database, [late])
    upload.runs(steps=4)
    assert upload.states() == {State.ACCEPTED: 29}


@ON_SQLITE
@pytest.mark.parametrize("fault", ["busy", "errors", "lost", "silent"])
def test_whatever_is_lost_on_the_way_arrives_once(upload: Upload, database: Database, fault: str) -> None:
    upload.runs(steps=5)  # teams and workers are there
    pass_by(database, passages("A-001", 45, first=1))
    setattr(upload.platform.faults, fault, 2)
    if fault == "silent":
        upload.use(VAULT, timeout_s=0.3)
        while upload.platform.faults.silent:
            upload.runs(steps=1)
        upload.use(VAULT)  # whatever answers has time to
    upload.runs(steps=24)
    assert upload.states() == {State.ACCEPTED: 45}
    moments = [moment for _, moment, _ in upload.sent()]
    assert moments == sorted(moments) and len(moments) == 45
    with database.read() as connection:
        assert connection.scalar(select(real_name_sites.c.problem)) == ""


@ON_SQLITE
def test_a_lost_answer_about_teams_and_workers_makes_no_second_one(
    upload: Upload, database: Database
) -> None:
    upload.platform.faults.lost = 4
    pass_by(database, passages("A-003", 2, first=1))
    upload.runs(steps=30)
    assert len(upload.platform.teams) == 2 and upload.states() == {State.ACCEPTED: 2}
    assert {state for state, _ in upload.people().values()} == {State.ACCEPTED}


@ON_SQLITE
def test_a_process_that_ended_in_the_middle_of_a_request_is_followed_up(
    upload: Upload, database: Database
) -> None:
    upload.runs(steps=5)
    pass_by(database, passages("A-001", 2, first=1))
    upload.runs(steps=5)
    with database.write() as connection:  # as if it had ended before it wrote down the answer
        connection.execute(
            update(real_name_requests)
            .where(real_name_requests.c.kind == "attendance")
            .values(state="sending", serial="", next_ask_at=upload.clock())
        )
        connection.execute(update(real_name_records).values(state="sent"))
        connection.execute(
            update(real_name_sites).values(claimed_until=upload.clock() + timedelta(minutes=3))
        )
    assert upload.job.look() == 0  # somebody else is at it
    upload.runs(steps=5)
    assert upload.states() == {State.ACCEPTED: 2} and len(upload.sent()) == 2


@ON_SQLITE
@pytest.mark.parametrize("names_rows", [True, False])
def test_a_rejected_row_is_kept_with_its_reason_raises_one_alert_and_can_go_again(
    upload: Upload, database: Database, names_rows: bool
) -> None:
    upload.runs(steps=5)
    upload.platform.faults.names_rows = names_rows
    upload.platform.faults.refused = {resident_number(2): f"示例2 {resident_number(2)} 已退场"}
    pass_by(database, [*passages("A-001", 3, first=1), *passages("A-002", 2, first=50)])
    upload.runs(steps=16)
    assert upload.states() == {State.ACCEPTED: 3, State.REJECTED: 2}
    with database.read() as connection:
        reasons = set(
            connection.scalars(
                select(real_name_records.c.reason).where(real_name_records.c.state == State.REJECTED)
            )
        )
        raised = connection.execute(select(alerts)).all()
    (reason,) = reasons
    assert reason.endswith("已退场") and "示例2" not in reason and resident_number(2) not in reason
    assert [(one.rule_id, one.subject, one.facts) for one in raised] == [
        ("real_name_rejected", f"site:{SITE}", {"rejected": 2})
    ]
    upload.runs(steps=10)
    assert upload.states() == {State.ACCEPTED: 3, State.REJECTED: 2}  # not by itself
    upload.platform.faults.refused = {}
    with database.write() as connection:
        assert real_name.retry(connection, SITE, now=upload.clock()) == 2
    upload.runs(steps=10)
    assert upload.states() == {State.ACCEPTED: 5}


def test_what_a_manager_wrote_is_told_from_what_a_gate_saw_and_can_be_taken_back(
    upload: Upload, database: Database
) -> None:
    upload.runs(steps=5)
    pass_by(database, passages("A-001", 2, first=1, at=NOW - 4 * HOUR))
    correction(database, "added-out")
    correction(database, "added-in", direction="in", occurred_at=NOW - 3 * HOUR, worker_id="A-002")
    correction(
        database,
        "cancels-the-second",
        kind="cancel",
        direction=None,
        occurred_at=None,
        event_id=f"{SITE}-gate-1-2",
    )
    upload.runs(steps=10)
    assert upload.states() == {State.ACCEPTED: 3, State.DROPPED: 1}
    rows = {row["date"][-8:]: row for row in upload.platform.attendance.values()}
    told = {moment: (row["channel"], row["attendType"]) for moment, row in rows.items()}
    assert told == {
        "11:30:00": ("一号门", "001"),
        "12:30:00": ("人工补录", "011"),
        "14:30:00": ("人工补录", "007"),
    }
    with database.write() as connection:  # the added passage, and the first of the gate, count no longer
        note = tables.attendance_corrections
        connection.execute(
            update(note)
            .where(note.c.correction_id == "added-out")
            .values(withdrawn_by="manager-a", withdrawn_at=upload.clock())
        )
    upload.runs(steps=4)
    assert upload.states() == {State.ACCEPTED: 2, State.DROPPED: 1, State.OVERTAKEN: 1}


@ON_SQLITE
def test_who_cannot_or_must_not_be_sent_is_held_with_the_reason_and_goes_when_it_is_mended(
    upload: Upload, database: Database
) -> None:
    with database.write() as connection:
        for worker_id, employer in (("A-010", CORP), ("A-011", "外来单位"), ("A-012", CORP)):
            worker = a_worker(worker_id, name="示例新", team="钢筋一班", employer=employer, site_ids=(SITE,))
            registry.put_worker(connection, worker, now=NOW)
        for worker_id, sequence in (("A-011", 11), ("A-012", 12)):
            papers = a_person(worker_id, document_number=resident_number(sequence))
            persons.put_person(connection, VAULT, papers, now=NOW)
        refusal = a_consent("A-012", kind=real_name.UPLOAD, consent_id="c-12", granted=False)
        persons.put_consent(connection, refusal, {})
    clock = [an_event(1, NOW - HOUR, worker_id="A-001").model_copy(update={"clock_trusted": False})]
    pass_by(database, [*clock, *passages("A-010", 1, first=10), *passages("A-012", 1, first=20)])
    upload.runs(steps=5)
    held = {one: reason for one, (state, reason) in upload.people().items() if state == State.HELD}
    assert held == {"A-010": Hold.NO_PAPERS, "A-011": Hold.NO_CORP_CODE, "A-012": Hold.WITHDRAWN}
    assert upload.states() == {State.HELD: 1, State.WAITING: 2}
    with database.write() as connection:
        papers = a_person("A-010", document_number=resident_number(10))
        persons.put_person(connection, VAULT, papers, now=upload.clock())
        link = real_name.site_link(connection, SITE)
        changed = replace(link, corp_codes={"外来单位": "91330000EXAMPLE02"})
        real_name.put_site(connection, changed, now=upload.clock())
        real_name.retry(connection, SITE, now=upload.clock())
    upload.runs(steps=8)
    assert upload.states() == {State.ACCEPTED: 2, State.WAITING: 1}
    assert upload.people()["A-012"] == (State.HELD, Hold.WITHDRAWN)
    assert (PROJECT, resident_number(12)) not in upload.platform.workers
    upload.use(PersonVault(bytes(32)))  # another key folder
    pass_by(database, [an_event(29, upload.clock() - 2 * HOUR, worker_id="A-002")])
    upload.runs(steps=3)
    assert upload.people()["A-002"] == (State.HELD, Hold.PAPERS_UNREADABLE)
    upload.use(VAULT)
    upload.runs(steps=5)
    assert upload.states() == {State.ACCEPTED: 3, State.WAITING: 1}
    with database.write() as connection:
        worker = a_worker("A-001", name="示例改名", team="木工二班", employer=CORP, site_ids=(SITE,))
        registry.put_worker(connection, worker, now=upload.clock())
    upload.runs(steps=8)
    changed_row = upload.platform.workers[PROJECT, resident_number(1)]
    assert changed_row["workerName"] == "示例改名"
    pass_by(database, [an_event(30, upload.clock() - HOUR, worker_id="A-001")])
    upload.runs(steps=5)
    assert upload.states() == {State.ACCEPTED: 4, State.WAITING: 1}


@ON_SQLITE
def test_an_erased_record_leaves_the_queue_and_never_comes_back(upload: Upload, database: Database) -> None:
    upload.runs(steps=5)
    pass_by(database, [an_event(1, NOW, worker_id="A-001"), an_event(2, NOW, worker_id="A-002")])
    upload.platform.faults.busy = 1_000
    upload.runs(steps=4)
    assert upload.states() == {State.WAITING: 2}
    withdrawal = ConsentWithdrawal(
        worker_id="A-001", kind=WHOLE_RECORD, withdrawn_at=NOW, recorded_by="示例员"
    )
    with database.write() as connection:
        erasures.withdraw(connection, withdrawal, now=upload.clock())
    for table in (real_name_records, real_name_people):
        with database.read() as connection:
            assert "A-001" not in set(connection.scalars(select(table.c.worker_id)))
    pass_by(database, [an_event(3, NOW, worker_id="A-001")])
    upload.platform.faults.busy = 0
    upload.runs(steps=10)
    assert upload.states() == {State.ACCEPTED: 1}
    assert [number for number, _, _ in upload.sent()] == [resident_number(2)]


@ON_SQLITE
def test_a_platform_that_is_away_or_refuses_us_is_said_and_waited_for_ever_longer(
    upload: Upload, database: Database, tmp_path: Path
) -> None:
    row = real_name_sites.c

    def state() -> tuple[str, int]:
        with database.read() as connection:
            found = connection.execute(select(row.problem, row.failures)).one()
            return found.problem, found.failures

    with database.write() as connection:
        url = connection.scalar(select(row.url))
        connection.execute(update(real_name_sites).values(url="http://127.0.0.1:9/"))
    upload.runs(steps=10)
    problem, failures = state()
    assert "not reached" in problem and 2 <= failures < 12
    with database.write() as connection:
        connection.execute(update(real_name_sites).values(url=url, app_id="another-app"))
        real_name.wake(connection, SITE)
    upload.job.look()
    assert "-3" in state()[0]
    (tmp_path / f"real-name-{SITE}.key").chmod(0o644)
    with database.write() as connection:
        real_name.wake(connection, SITE)
    upload.job.look()
    assert "open to other users" in state()[0]
    (tmp_path / f"real-name-{SITE}.key").chmod(0o600)
    with database.write() as connection:
        connection.execute(update(real_name_sites).values(app_id="demo-app"))
        real_name.wake(connection, SITE)
    upload.runs(steps=4)
    assert state() == ("", 0)


@ON_SQLITE
def test_a_picture_goes_only_where_it_is_configured_and_the_worker_agreed_to_the_face(
    upload: Upload, database: Database, tmp_path: Path
) -> None:
    for worker_id in ("A-001", "A-002"):
        (tmp_path / f"{worker_id}.jpg").write_bytes(b"a picture of nobody")
    with database.write() as connection:
        agreed = a_worker(
            "A-001",
            name="示例1",
            team="钢筋一班",
            employer=CORP,
            site_ids=(SITE,),
            face_consent_on=NOW.date(),
        )
        registry.put_worker(connection, agreed, now=NOW)
    upload.runs(steps=5)
    pictured = {key[1] for key, row in upload.platform.workers.items() if "headImage" in row}
    assert pictured == set() and len(upload.platform.workers) == 3
    with database.write() as connection:
        link = real_name.site_link(connection, SITE)
        real_name.put_site(connection, replace(link, photos=str(tmp_path)), now=upload.clock())
    upload.runs(steps=5)
    pictured = {key[1] for key, row in upload.platform.workers.items() if "headImage" in row}
    assert pictured == {resident_number(1)}


def test_the_running_centre_uploads_by_itself_and_keeps_no_number_in_its_log(
    tmp_path: Path, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service, "REAL_NAME_EVERY_S", 0.05)
    began_s = time.monotonic()

    def quick() -> datetime:
        """Ten seconds a second: nobody waits for the platform's pace."""
        return NOW + 10 * timedelta(seconds=time.monotonic() - began_s)

    path = tmp_path / "central.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    path.chmod(0o600)
    broker = BrokerSettings(listen=("127.0.0.1", 0))
    settings = CentreSettings(database=f"sqlite:///{path}", keys=tmp_path, broker=broker)
    platform = a_platform(quick)
    with (
        caplog.at_level(logging.DEBUG),
        PlatformServer(platform) as server,
        CentralService(settings, now=quick) as running,
    ):
        a_site(running.database, tmp_path, server.url, vault=running.vault)
        pass_by(running.database, passages("A-001", 3, first=1))
        until(lambda: len(platform.attendance) == 3, what="the passages at the platform")
        assert running.real_name.problem == ""
    assert resident_number(1) not in caplog.text and SECRET_TEXT not in caplog.text


@ON_SQLITE
def test_a_team_that_the_platform_has_already_is_found_by_name_or_told_by_number(
    upload: Upload, database: Database
) -> None:
    upload.platform.teams[PROJECT, "91330000EXAMPLE01", "钢筋一班"] = "77"
    with database.write() as connection:
        real_name.put_team_number(connection, SITE, CORP, "木工二班", "88", now=NOW)
    upload.platform.teams[PROJECT, "91330000EXAMPLE01", "木工二班"] = "88"
    upload.runs(steps=5)
    team = real_name_teams.c
    with database.read() as connection:
        numbers = {row.team: row.team_no for row in connection.execute(select(team.team, team.team_no))}
    assert numbers == {"钢筋一班": "77", "木工二班": "88"}
    assert upload.platform.calls.count("Team.Add") == 1 and team_id(CORP, "木工二班").endswith("木工二班")
    directions = {Direction.IN: 1, Direction.OUT: 2}
    pass_by(
        database,
        [an_event(n, NOW - HOUR, worker_id="A-003", direction=way) for way, n in directions.items()],
    )
    upload.runs(steps=5)
    assert sorted(direction for _, _, direction in upload.sent()) == ["01", "02"]


@ON_SQLITE
@pytest.mark.parametrize(
    "trouble",
    [RequestRefused("-7", f"查无此人 {resident_number(4)}"), AnswerLost("the answer cannot be read")],
    ids=["refused", "unreadable"],
)
def test_a_request_of_which_the_platform_does_not_tell_holds_nothing_else_up(
    upload: Upload,
    database: Database,
    trouble: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    upload.runs(steps=5)
    with database.write() as connection:
        worker = a_worker("A-004", name="示例四", team="钢筋一班", employer=CORP, site_ids=(SITE,))
        registry.put_worker(connection, worker, now=upload.clock())
        papers = a_person("A-004", document_number=resident_number(4))
        persons.put_person(connection, VAULT, papers, now=upload.clock())

    def does_not_tell(*_: object) -> bool:
        raise trouble

    caplog.set_level(logging.WARNING, logger=real_name_upload.__name__)
    monkeypatch.setattr(PlatformClient, "has_worker", does_not_tell)
    upload.platform.faults.lost = 1
    upload.runs(steps=5)
    pass_by(database, passages("A-001", 2, first=1))
    upload.runs(steps=30)  # an hour: longer than the slowest wait, whatever its jitter
    assert upload.people()["A-004"] == (State.SENT, "")
    assert upload.states() == {State.ACCEPTED: 2}
    assert ("does not tell" in caplog.text) is isinstance(trouble, RequestRefused)
    assert resident_number(4) not in caplog.text


@ON_SQLITE
def test_an_earlier_first_day_sends_what_managers_wrote_long_ago_too(
    upload: Upload, database: Database, tmp_path: Path
) -> None:
    long_ago = NOW - timedelta(days=20)
    correction(database, "old", occurred_at=long_ago, made_at=long_ago, local_day=long_ago.date())
    upload.runs(steps=10)
    assert upload.states() == {}
    with database.read() as connection:
        link = real_name.site_link(connection, SITE)
    with database.write() as connection:
        real_name.put_site(connection, replace(link, from_day=long_ago.date()), now=upload.clock())
    upload.runs(steps=10)
    assert upload.states() == {State.ACCEPTED: 1}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_earlier_first_day_that_is_set_while_passages_are_queued_counts(
    upload: Upload, database: Database
) -> None:
    pass_by(database, [an_event(1, NOW - timedelta(days=20)), an_event(2, NOW - HOUR)])
    with database.read() as connection:
        earlier = replace(real_name.site_link(connection, SITE), from_day=date(2026, 1, 1))

    def queues(connection: Connection) -> int:
        link = real_name.site_link(connection, SITE, hold=True)
        return queue_events(connection, link, now=NOW)

    with database.write() as connection:
        queued_before = queues(connection)
    pass_by(database, [an_event(3, NOW - HOUR)])
    meanwhile(database, lambda one: real_name.put_site(one, earlier, now=NOW), queues)
    with database.write() as connection:
        queues(connection)
    assert queued_before and upload.states() == {State.WAITING: 3}
