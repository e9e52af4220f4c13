"""What people see of the upload to the real-name platform and do about it: console, files, command line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from openpyxl import load_workbook
from sqlalchemy import insert, select
from typer.testing import CliRunner

from sync.central import real_name, tables
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.cli import app
from sync.central.database import Database
from sync.central.errors import SettingRefused, UnknownSite
from sync.central.exports_real_name import What
from sync.central.person_vault import PersonVault
from sync.central.real_name import Kind, NotUploaded, State
from sync.central.real_name_desk import RealNameDesk
from sync.central.real_name_papers import app_secret, secret_file
from sync.central.tables_real_name import real_name_sites
from sync.real_name import AppSecret
from sync.real_name.client import UrlRefused
from sync.real_name.simulator import PlatformServer
from tests.sync.central.console_samples import NOW
from tests.sync.central.real_name_samples import SITE, VAULT, Upload, a_site, an_upload, pass_by, passages
from tests.sync.real_name.samples import NATIONAL, SECRET, SECRET_TEXT, resident_number

pytestmark = pytest.mark.slow

MANAGER = Viewer("manager-a", "", Role.SITE_MANAGER, frozenset({SITE}))
DAY = NOW.date()


@pytest.fixture
def database(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Database]:
    path = tmp_path / "central.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    path.chmod(0o600)
    with Database.open(f"sqlite:///{path}", migrate=False) as opened:
        yield opened


@pytest.fixture
def upload(database: Database, tmp_path: Path) -> Iterator[Upload]:
    """One of two teams is through; a passage was rejected, one added by a manager, one has to wait."""
    made, _ = an_upload(database, tmp_path)
    with PlatformServer(made.platform) as server:
        a_site(database, tmp_path, server.url)
        made.runs(steps=5)
        made.platform.faults.refused = {resident_number(2): "工人已退场"}
        pass_by(database, [*passages("A-001", 2, first=1), *passages("A-002", 1, first=10)])
        with database.write() as connection:
            connection.execute(
                insert(tables.attendance_corrections).values(
                    correction_id="added",
                    site_id=SITE,
                    worker_id="A-001",
                    local_day=DAY,
                    kind="add",
                    direction="out",
                    occurred_at=NOW - timedelta(hours=1),
                    reason="=忘记刷脸",
                    made_by="manager-a",
                    made_at=NOW,
                )
            )
        made.runs(steps=8)
        yield made


@pytest.fixture
def desk(upload: Upload, database: Database, tmp_path: Path) -> RealNameDesk:
    return RealNameDesk(database, now=upload.clock, vault=VAULT, keys=tmp_path)


def test_a_manager_sees_states_and_rejected_rows_of_the_own_site_and_sends_them_again(
    desk: RealNameDesk, upload: Upload, database: Database
) -> None:
    (state,) = desk.states(MANAGER)
    assert (state.passages, state.people) == ({"accepted": 3, "rejected": 1}, {"accepted": 3})
    assert (state.open_requests, state.problem, state.for_worker) == (0, "", 0)
    (trouble,) = desk.troubles(MANAGER, SITE)
    assert (trouble.kind, trouble.state, trouble.reason) == (Kind.ATTENDANCE, State.REJECTED, "工人已退场")
    assert (trouble.worker_id, trouble.can_go_again) == ("A-002", True)
    assert {one.kind for one in desk.requests(MANAGER, SITE)} == {Kind.TEAM, Kind.WORKER, Kind.ATTENDANCE}
    upload.platform.faults.refused = {}
    assert desk.retry(MANAGER, SITE, [trouble.item_id]) == 1
    assert desk.ask_again(MANAGER, SITE) == 0
    upload.runs(steps=4)
    assert desk.troubles(MANAGER, SITE) == []
    with database.read() as connection:
        actions = set(connection.scalars(select(tables.audit.c.action)))
    assert {"looked_at_real_name", "retried_real_name", "asked_real_name"} <= actions


def test_nobody_looks_or_exports_without_the_right_or_beyond_the_own_sites(desk: RealNameDesk) -> None:
    for role in (Role.SUPERVISOR, Role.CHECKER):
        with pytest.raises(NotAllowed):
            desk.states(Viewer("somebody", "", role, None))
    elsewhere = Viewer("manager-b", "", Role.SITE_MANAGER, frozenset({"site-b"}))
    assert desk.states(elsewhere) == []
    for work in (
        lambda: desk.troubles(elsewhere, SITE),
        lambda: desk.retry(elsewhere, SITE),
        lambda: desk.export(elsewhere, SITE, What.ATTENDANCE, DAY, DAY, "csv"),
        lambda: desk.requests(MANAGER, "site-b"),
    ):
        with pytest.raises(NotFound):
            work()
    with pytest.raises(SettingRefused):
        desk.export(MANAGER, SITE, What.ATTENDANCE, DAY, DAY + timedelta(days=80), "csv")


def test_files_are_in_the_platforms_shape_and_tell_corrections_from_device_records(
    desk: RealNameDesk, tmp_path: Path
) -> None:
    def file(what: What, file_format: str) -> bytes:
        return b"".join(desk.export(MANAGER, SITE, what, DAY, DAY, file_format)())

    text = file(What.ATTENDANCE, "csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["来源 Source"] for row in rows] == ["闸机 device"] * 3 + ["人工补录 correction"]
    assert [row["状态 State"] for row in rows].count("rejected") == 1
    last = rows[-1]
    assert (last["channel"], last["attendType"], last["补录人 Corrected by"]) == (
        "人工补录",
        "007",
        "manager-a",
    )
    assert last["补录原因 Why"] == "'=忘记刷脸"  # shown by a spreadsheet, not run
    assert SECRET.decrypt(rows[0]["idCardNumber"]) == resident_number(1)
    told = json.loads(file(What.ATTENDANCE, "json"))
    assert told["method"] == "WorkerAttendance.Add"
    sent = [row for request in told["data"] for row in request["dataList"]]
    assert len(sent) == 4 and set(sent[0]) == set(NATIONAL.fields_.attendance.model_dump().values())
    workers = json.loads(file(What.WORKERS, "json"))
    names = [row["workerName"] for request in workers["data"] for row in request["workerList"]]
    assert names == ["示例1", "示例2", "示例3"]
    book = tmp_path / "workers.xlsx"
    book.write_bytes(file(What.WORKERS, "xlsx"))
    heading, *lines = load_workbook(book).active.iter_rows(values_only=True)
    assert "idCardNumber" in heading and len(lines) == 3
    for content in (text, file(What.WORKERS, "csv").decode()):
        assert resident_number(1) not in content and SECRET_TEXT not in content


def test_the_command_line_sets_a_site_up_shows_retries_and_exports(
    upload: Upload, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITEGATE_CENTRAL_DATABASE", f"sqlite:///{tmp_path / 'central.db'}")
    monkeypatch.setenv("SITEGATE_CENTRAL_KEYS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "240")
    runner = CliRunner()

    def said(*words: str) -> str:
        result = runner.invoke(app, ["real-name", *words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    shown = said("status")
    assert SITE in shown and "3 accepted, 1 rejected" in shown
    assert "1 rows go again" in said("retry", SITE) and "results are asked for" in said(
        "retry", SITE, "--ask"
    )
    assert f"site {SITE}: project 3301002026030001, off" in said(
        "set", SITE, "--off", "--employer", "外来单位=91330000EXAMPLE02", "--team", "木工三班=99"
    )
    with database.read() as connection:
        row = connection.execute(select(real_name_sites)).one()
    assert (row.is_on, row.corp_codes) == (False, {"外来单位": "91330000EXAMPLE02"})
    assert app_secret(tmp_path, SITE) is not None
    with pytest.raises(UrlRefused):
        said("set", SITE, "--url", "http://platform.example/open.api")
    with pytest.raises(NotUploaded):
        said("status", "site-b")
    said("set", SITE, "--new-secret", "--secret", SECRET_TEXT[::-1])
    assert not app_secret(tmp_path, SITE).signed_by({}, SECRET.sign({}, secret_name="s"), secret_name="s")
    (tmp_path / "persons.key").write_text(bytes(range(32)).hex())
    (tmp_path / "persons.key").chmod(0o600)
    assert PersonVault.in_folder(tmp_path).hash("a", "b") == VAULT.hash("a", "b")
    out = tmp_path / "rows.json"
    assert re.search(r"[\d,]+ bytes", said("export", SITE, str(out), "--first", f"{DAY}"))
    assert len(json.loads(out.read_text(encoding="utf-8"))["data"]) >= 1
    with pytest.raises(SettingRefused):
        said("export", SITE, str(out))
    with pytest.raises(SettingRefused):
        said("export", SITE, "rows.pdf")


def test_nobody_waits_for_the_database_while_a_secret_is_typed(
    upload: Upload, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def typed(*_: object, **__: object) -> str:
        with database.write() as connection:
            real_name.ask_again(connection, SITE, now=upload.clock())
        return SECRET_TEXT[::-1]

    monkeypatch.setattr(typer, "prompt", typed)
    where = ["--database", f"sqlite:///{tmp_path / 'central.db'}", "--keys", str(tmp_path)]
    done = CliRunner().invoke(app, ["real-name", "set", SITE, "--new-secret", *where], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    kept = app_secret(tmp_path, SITE)
    assert kept.sign({}, secret_name="s") == AppSecret(SECRET_TEXT[::-1]).sign({}, secret_name="s")
    unknown = CliRunner().invoke(app, ["real-name", "set", "site-z", *where])
    assert isinstance(unknown.exception, UnknownSite)
    assert not secret_file(tmp_path, "site-z").exists()
