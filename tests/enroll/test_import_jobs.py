"""Imports that stop and go on; the desk of the kiosk; templates that can be filled in."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from enroll.errors import EnrollError, RosterFileUnusable
from enroll.import_desk import ImportBusy, ImportDesk, NothingUploaded
from enroll.import_report import report_pieces
from enroll.photo_source import PhotoFolder, PhotosUnusable
from enroll.roster_config import RosterConfig
from enroll.roster_file import COLUMNS, read_roster_file
from enroll.roster_import import ImportPlan, RowResult, import_roster
from enroll.roster_template import write_template
from enroll.sealed_file import open_sealed, write_sealed
from models.engine import FaceEngine
from models.quality import QualityLimits
from sync.errors import StoreError
from sync.people import ConsentWithdrawal
from sync.store import LocalStore, StoreKey
from sync.store.import_jobs import ImportState, UnknownImport
from tests.conftest import Weights

NUMBER = "11010519491231002X"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    key = StoreKey.load(tmp_path / "store.key", "", create=True)
    with LocalStore.open(tmp_path / "sitegate.db", key) as opened:
        yield opened


@pytest.fixture
def desk(store: LocalStore) -> Iterator[ImportDesk]:
    opened = ImportDesk(store, RosterConfig(), now=lambda: datetime.now(UTC))
    yield opened
    opened.close()


def no_engine() -> FaceEngine:
    raise AssertionError("no photo needs the engine")


def plan(store: LocalStore, job_id: str | None = None) -> ImportPlan:
    return ImportPlan(
        store=store,
        site_id="demo-site",
        zone=ZoneInfo("Asia/Shanghai"),
        training_kind="training",
        photos=PhotoFolder(store.path.parent),
        load_engine=no_engine,
        limits=QualityLimits(),
        job_id=job_id,
    )


def people(count: int, *, start: int = 0) -> bytes:
    rows = (f"W-{number},示例{number},一班" for number in range(start, start + count))
    return "\n".join(["工号,姓名,班组", *rows]).encode()


def test_an_interrupted_import_goes_on_behind_the_last_row_and_reports_all(
    store: LocalStore, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_bytes(people(120) + "\nW-5,示例重,".encode())
    file = read_roster_file(tmp_path / "people.csv")

    def begun() -> str:
        return store.begin_import(file.sha256, file_name="people.csv", total=121, started_by="t").job_id

    job_id = begun()
    steps = import_roster(file, plan(store, job_id))
    for _ in range(50):
        next(steps)
    steps.close()
    assert store.count_workers() == 50
    assert store.import_job(job_id).last_row == 51
    version = store.roster_version()
    assert begun() == job_id
    rest = list(import_roster(file, plan(store, job_id)))
    assert [row.row for row in rest] == list(range(52, 123))
    assert rest[-1].result == RowResult.FAILED
    assert "already in row 7" in rest[-1].reason
    assert store.roster_version() > version
    job = store.import_job(job_id)
    assert (job.done, job.counts) == (121, {"added": 120, "failed": 1})
    assert [row.row for row in store.whole_import_report(job_id)] == list(range(2, 123))
    store.end_import(job_id, ImportState.DONE)
    assert begun() != job_id


def test_rows_of_one_transaction_are_kept_with_their_report_or_not_at_all(
    store: LocalStore, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_bytes(people(60))
    file = read_roster_file(tmp_path / "people.csv")
    job_id = store.begin_import(file.sha256, file_name="p", total=60, started_by="t").job_id
    steps = import_roster(file, plan(store, job_id))
    next(steps)
    store.forget_import(job_id)
    with pytest.raises(UnknownImport):
        list(steps)
    assert store.count_workers() == 50
    assert store.outbox_depth() == 50


def test_papers_are_registered_once_and_for_one_worker(store: LocalStore, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"

    def run(*rows: str) -> list[tuple[str, str]]:
        path.write_text("\n".join(["worker_id,name,document_number", *rows]), encoding="utf-8")
        return [(row.result, row.reason) for row in import_roster(read_roster_file(path), plan(store))]

    (first, second) = run(f"W-1,甲,{NUMBER}", f"W-2,乙,{NUMBER.lower()}")
    assert first[0] == "added"
    assert "already in row 2" in second[1]
    known = store.person("W-1")
    assert known is not None
    assert known.document_number == NUMBER
    (taken,) = run(f"W-3,丙,{NUMBER}")
    assert "registered for worker W-1" in taken[1]
    assert run(f"W-1,甲,{NUMBER}")[0][0] == "unchanged"


def test_a_withdrawn_consent_keeps_the_face_out_of_a_later_import(
    store: LocalStore, tmp_path: Path, weights: Weights
) -> None:
    weights.require("yunet", "sface")
    (tmp_path / "a.jpg").write_bytes(weights.path("obama").read_bytes())
    path = tmp_path / "people.csv"
    path.write_text(
        "worker_id,name,photos,consent_on,consent_version,birth_date\n"
        "W-1,甲,a.jpg,2026-01-05,2026-01,1990-01-31\n",
        encoding="utf-8",
    )
    engine = FaceEngine.load()
    with_engine = replace(plan(store), load_engine=lambda: engine)
    assert [row.result for row in import_roster(read_roster_file(path), with_engine)] == ["added"]
    assert store.consents("W-1")[0].consent.text_version == "2026-01"
    assert len(store.templates("W-1")) == 1
    assert str(store.worker("W-1").face_consent_on) == "2026-01-05"
    store.withdraw_consent(ConsentWithdrawal(worker_id="W-1", withdrawn_at=datetime(2026, 2, 1, tzinfo=UTC)))
    (again,) = import_roster(read_roster_file(path), with_engine)
    assert "withdrawn on 2026-02-01" in again.reason
    assert store.templates("W-1") == []


def test_the_desk_checks_and_imports_and_forgets_the_files(desk: ImportDesk, store: LocalStore) -> None:
    uploaded = desk.put_roster("people.csv", [people(3) + b"\nW 9,x,"], by="manager")
    assert (uploaded.total, uploaded.has_photos_column) == (4, False)
    files = list((store.path.parent / "imports").iterdir())
    assert files
    assert all("示例".encode() not in file.read_bytes() for file in files)
    desk.check()
    desk.wait()
    progress = desk.progress()
    assert progress is not None
    assert (progress.is_check, progress.done, progress.counts) == (True, 4, {"added": 3, "failed": 1})
    assert [row.worker_id for row in desk.checked(limit=10, remarks_only=True)][-1] == "W 9"
    assert store.count_workers() == 0
    desk.start(by="manager")
    desk.wait()
    assert store.count_workers() == 3
    assert desk.uploaded() is None
    assert not (store.path.parent / "imports").exists()
    (job,) = desk.jobs()
    assert (job.state, job.counts) == (ImportState.DONE, {"added": 3, "failed": 1})
    assert [line.action for line in store.audit()] == ["import_done", "import_started"]


def test_an_upload_that_nobody_goes_on_with_is_erased(store: LocalStore) -> None:
    moment = [datetime(2026, 3, 1, tzinfo=UTC)]
    desk = ImportDesk(store, RosterConfig(), now=lambda: moment[0])
    desk.put_roster("people.csv", [people(3)], by="manager")
    moment[0] += timedelta(days=6)
    assert desk.erase_abandoned() == 0
    moment[0] += timedelta(days=1)
    assert desk.erase_abandoned() == 1
    assert (desk.uploaded(), (store.path.parent / "imports").exists()) == (None, False)


def test_an_import_of_the_kiosk_is_stopped_found_again_after_a_restart_and_finished(
    desk: ImportDesk, store: LocalStore
) -> None:
    desk.put_roster("people.csv", [people(400)], by="manager")
    desk.start(by="manager")
    desk.cancel()
    desk.wait()
    (job,) = desk.jobs()
    again = ImportDesk(store, RosterConfig(), now=lambda: datetime.now(UTC))
    if job.state is ImportState.CANCELLED:
        assert again.uploaded() is not None
        progress = again.progress()
        assert progress is not None
        assert progress.done == job.done < 400
        again.start(by="manager")
        again.wait()
    assert store.count_workers() == 400
    assert [(one.state, one.done) for one in again.jobs()] == [(ImportState.DONE, 400)]


def test_the_desk_refuses_what_it_cannot_use_and_keeps_nothing_of_it(
    desk: ImportDesk, store: LocalStore
) -> None:
    with pytest.raises(NothingUploaded):
        desk.check()
    with pytest.raises(RosterFileUnusable):
        desk.put_roster("people.csv", [b"PK\x03\x04"], by="m")
    assert desk.uploaded() is None
    desk.put_roster("people.csv", [people(2)], by="m")
    with pytest.raises(PhotosUnusable):
        desk.put_photos("p.zip", [b"no zip"])
    assert desk.uploaded() is not None
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.jpg", b"x" * 1000)
    assert desk.put_photos("p.zip", [buffer.getvalue()[:300], buffer.getvalue()[300:]]).photo_count == 1
    desk.discard()
    assert not (store.path.parent / "imports").exists()


def test_a_store_that_fails_ends_the_import_with_its_reason(
    desk: ImportDesk, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise StoreError("the disk is full", next_step="Free some space.")

    desk.put_roster("people.csv", [people(2)], by="m")
    monkeypatch.setattr(store, "commit_import", full)
    desk.start(by="m")
    desk.wait()
    progress = desk.progress()
    assert progress is not None
    assert (progress.problem, progress.next_step) == ("the disk is full", "Free some space.")
    assert desk.uploaded() is not None


def test_only_one_import_runs_at_a_time(desk: ImportDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()
    monkeypatch.setattr(desk, "_imported_rows", lambda kept, by: held.wait() and None)
    desk.put_roster("people.csv", [people(2)], by="m")
    desk.start(by="m")
    for act in (lambda: desk.start(by="m"), desk.check, desk.discard):
        with pytest.raises(ImportBusy):
            act()
    held.set()


def test_a_report_is_csv_or_a_workbook(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(b"worker_id,name\nW-1,=1+1\n")
    reports = list(import_roster(read_roster_file(tmp_path / "people.csv"), plan(store)))
    assert b"".join(report_pieces(reports, as_workbook=False)).decode("utf-8-sig").startswith("row,worker_id")
    book = load_workbook(io.BytesIO(b"".join(report_pieces(reports, as_workbook=True))))
    assert [cell.value for cell in book.worksheets[0][2]][:3] == [2, "W-1", "added"]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_template_has_every_column_and_is_read_back_empty(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"template.{ending}"
    write_template(path)
    file = read_roster_file(path)
    assert (file.rows, file.ignored) == ((), ())
    if ending == "xlsx":
        sheet, help_sheet = load_workbook(path).worksheets
        rules = {rule.formula1 for rule in sheet.data_validations.dataValidation}
        assert '"男,女"' in rules
        assert help_sheet.max_row > len(COLUMNS)
    with pytest.raises(EnrollError, match=r"\.xlsx or \.csv"):
        write_template(tmp_path / "template.pdf")


def test_a_sealed_file_is_read_at_any_place_and_shows_nothing(tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096
    path = tmp_path / "sealed"
    assert write_sealed(path, [content[:777], content[777:]], b"k" * 32) == len(content)
    assert content[:64] not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    with open_sealed(path, b"k" * 32) as file:
        for at in (0, 1, 15, 16, 17, 300_001, len(content) - 3):
            file.seek(at)
            assert file.read(50) == content[at : at + 50]
        assert file.seek(-10, io.SEEK_END) == len(content) - 10
        assert file.read() == content[-10:]


@pytest.mark.slow
def test_ten_thousand_rows_are_imported_and_again_without_a_change(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(people(10_000))
    file = read_roster_file(tmp_path / "people.csv")
    for result in ("added", "unchanged"):
        job_id = store.begin_import(
            file.sha256, file_name="p", total=10_000, started_by="t", options=json.dumps(result)
        ).job_id
        for _ in import_roster(file, plan(store, job_id)):
            pass
        assert store.import_job(job_id).counts == {result: 10_000}
    assert store.count_workers() == 10_000
