"""`sitegate roster …` as a site types it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from enroll.cli import app
from sync.errors import StoreKeyUnsafe, StoreMissing, SyncError, UnknownWorker
from sync.people import Attachment
from sync.store import LocalStore, StoreKey
from tests.sync.people_samples import an_enrolment
from tests.sync.samples import NOON

ROSTER = "工号,姓名,班组,标记,标记原因\nW-1,示例[甲],一班,,\nW-2,示例乙,二班,hold,see office\n"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SITEGATE_STORE", "SITEGATE_STORE_KEY_FILE", "SITEGATE_STORE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "people.csv").write_text(ROSTER, encoding="utf-8")


def roster(*arguments: str, typed: str | None = None) -> Result:
    result = CliRunner().invoke(app, arguments, input=typed)
    if isinstance(result.exception, SyncError):
        raise result.exception
    return result


def opened() -> LocalStore:
    return LocalStore.open(
        Path("var/sitegate.db"), StoreKey.load(Path("var/store.key"), "SITEGATE_STORE_KEY")
    )


def test_an_import_makes_store_and_key_and_the_list_shows_the_workers() -> None:
    assert roster("import", "people.csv").exit_code == 0
    assert "2 of 2 workers" in roster("list").stdout
    shown = roster("list", "--search", "二班").stdout
    assert "示例乙" in shown
    assert "示例[甲]" not in shown
    assert "示例[甲]" in roster("list").stdout


def test_the_exit_code_tells_a_failed_row_and_the_report_which() -> None:
    Path("people.csv").write_text(ROSTER + "W-2,示例重,,,\n,示例空,,,\n", encoding="utf-8")
    result = roster("import", "people.csv", "--report", "report.csv")
    assert result.exit_code == 3
    assert "2 added, 2 failed" in result.stdout
    with Path("report.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["result"] for row in csv.DictReader(file)] == ["added", "added", "failed", "failed"]


def test_a_report_that_cannot_be_written_stops_the_import_before_it_begins() -> None:
    with pytest.raises(SyncError, match=r"none/report\.csv"):
        roster("import", "people.csv", "--report", "none/report.csv")
    assert not Path("var").exists()


def test_a_dry_run_makes_no_store() -> None:
    result = roster("import", "people.csv", "--dry-run")
    assert result.exit_code == 0
    assert "nothing was changed" in result.stdout
    assert not Path("var").exists()


def test_the_configuration_names_site_store_and_training() -> None:
    Path("site").mkdir()
    Path("site/config.yaml").write_text(
        "site: {id: site-7, timezone: Europe/Berlin}\n"
        "store: {path: data/gate.db, key_file: data/gate.key}\n"
        "policy: {training_kind: induction}\n"
        "lanes: []\n",
        encoding="utf-8",
    )
    Path("people.csv").write_text("worker_id,name,training_until\nW-1,示例甲,2026-06-30\n", encoding="utf-8")
    assert roster("import", "people.csv", "--config", "site/config.yaml").exit_code == 0
    with LocalStore.open(Path("site/data/gate.db"), StoreKey.load(Path("site/data/gate.key"), "")) as store:
        worker = store.worker("W-1")
    assert worker.site_ids == ("site-7",)
    (training,) = worker.clearances
    assert training.kind == "induction"
    assert training.valid_until is not None
    assert training.valid_until.isoformat() == "2026-07-01T00:00:00+02:00"


@pytest.mark.parametrize(
    "content", ["store: [", "store: {path: 5, speed: 1}", "site: {timezone: Mars/Base}", "- 1"]
)
def test_a_wrong_configuration_is_refused_and_points_to_the_check(content: str) -> None:
    Path("config.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(SyncError, match=r"config\.yaml") as refused:
        roster("import", "people.csv")
    assert "config check" in refused.value.next_step


def test_store_and_key_may_come_from_options_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert roster("import", "people.csv", "--store", "s.db", "--key-file", "s.key").exit_code == 0
    monkeypatch.setenv("SITEGATE_STORE", "s.db")
    monkeypatch.setenv("SITEGATE_STORE_KEY_FILE", "s.key")
    assert "2 of 2" in roster("list").stdout


def test_a_store_that_lost_its_key_gets_no_new_one() -> None:
    roster("import", "people.csv")
    Path("var/store.key").unlink()
    with pytest.raises(StoreKeyUnsafe):
        roster("import", "people.csv")
    assert not Path("var/store.key").exists()


def test_without_a_store_there_is_nothing_to_list_and_none_is_made() -> None:
    with pytest.raises(StoreMissing, match=r"sitegate\.db"):
        roster("list")
    assert not Path("var").exists()


def test_a_worker_is_shown_with_flags_and_removed_after_a_question() -> None:
    roster("import", "people.csv")
    shown = roster("show", "W-2").stdout
    assert "示例乙" in shown
    assert "hold: see office" in shown
    assert roster("remove", "W-2", typed="n\n").exit_code == 1
    assert roster("remove", "W-2", typed="y\n").exit_code == 0
    assert roster("remove", "W-1", "--yes").exit_code == 0
    with pytest.raises(UnknownWorker):
        roster("show", "W-2")


def test_a_removal_takes_papers_consents_and_pictures_along() -> None:
    roster("import", "people.csv")
    photo = Attachment(worker_id="W-1", kind="photo", content=b"jpeg", created_at=NOON)
    with opened() as store:
        store.enrol(an_enrolment("W-1"), attachments=[photo])
        assert store.person("W-1") and store.consents("W-1") and store.attachments("W-1")
    assert roster("remove", "W-1", "--yes").exit_code == 0
    with opened() as store:
        assert (store.person("W-1"), store.consents("W-1"), store.attachments("W-1")) == (None, [], [])
        assert store.worker("W-2").name == "示例乙"


def test_a_flag_is_set_until_the_end_of_a_day_and_taken_off() -> None:
    roster("import", "people.csv")
    result = roster("flag", "W-1", "--level", "block", "--reason", "fight", "--until", "2026-06-30")
    assert result.exit_code == 0
    with opened() as store:
        (flag,) = store.worker("W-1").flags
    assert flag.valid_until is not None
    assert flag.valid_until.isoformat() == "2026-07-01T00:00:00+08:00"
    assert flag.flag_id in result.stdout
    assert roster("unflag", "W-1", "--flag-id", flag.flag_id).exit_code == 0
    assert roster("unflag", "W-2").exit_code == 0
    with opened() as store:
        assert [worker.flags for worker in store.workers()] == [(), ()]


@pytest.mark.parametrize(
    "wrong", [["--reason", " "], ["--reason", "x", "--until", "soon"]], ids=["no reason", "no date"]
)
def test_a_flag_needs_a_reason_and_a_real_date(wrong: list[str]) -> None:
    roster("import", "people.csv")
    with pytest.raises(SyncError):
        roster("flag", "W-1", "--level", "block", *wrong)


def test_an_unusable_file_ends_the_whole_command_with_two_and_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(b"PK\x03\x04")
    ended = subprocess.run(
        [sys.executable, "-m", "gate.cli", "roster", "import", "people.csv"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "Excel workbook" in ended.stderr
    assert "Traceback" not in ended.stderr
