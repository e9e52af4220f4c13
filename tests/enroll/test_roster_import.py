"""The whole way from file and photos to the store, with the real engine and real faces."""

from __future__ import annotations

import csv
import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from PIL import Image, ImageFilter

from enroll.errors import EnrollError
from enroll.import_report import write_report
from enroll.photo_source import PhotoFolder
from enroll.roster_file import read_roster_file
from enroll.roster_import import ImportPlan, RowReport, RowResult, import_roster
from models.engine import FaceEngine
from models.quality import QualityLimits
from sync.errors import StoreFull
from sync.store import LocalStore, StoreKey
from tests.conftest import Weights

ROTATED_LEFT = 6
"""EXIF orientation of a picture that must be turned by 90 degrees clockwise to stand upright."""
EXIF_ORIENTATION = 0x0112


@pytest.fixture(scope="session")
def engine(weights: Weights) -> FaceEngine:
    weights.require("yunet", "sface")
    return FaceEngine.load()


@pytest.fixture
def photos(tmp_path: Path, weights: Weights) -> Path:
    """A folder with `a.jpg` and `a2.jpg` of one person and `b.jpg` of another."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, sample in (("a.jpg", "obama"), ("a2.jpg", "obama2"), ("b.jpg", "biden")):
        (folder / name).write_bytes(weights.path(sample).read_bytes())
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    key = StoreKey.load(tmp_path / "store.key", "", create=True)
    with LocalStore.open(tmp_path / "sitegate.db", key) as opened:
        yield opened


def no_engine() -> FaceEngine:
    raise AssertionError("no photo needs the engine")


@pytest.fixture
def plan(store: LocalStore, tmp_path: Path) -> ImportPlan:
    return ImportPlan(
        store=store,
        site_id="demo-site",
        zone=ZoneInfo("Asia/Shanghai"),
        training_kind="training",
        photos=PhotoFolder(tmp_path / "photos"),
        load_engine=no_engine,
        limits=QualityLimits(),
    )


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., list[RowReport]]:
    def import_rows(plan: ImportPlan, *rows: str, header: str = "worker_id,name,photos") -> list[RowReport]:
        file = tmp_path / "people.csv"
        file.write_text("\n".join([header, *rows]), encoding="utf-8")
        return sorted(import_roster(read_roster_file(file), plan), key=lambda report: report.row)

    return import_rows


def vectors(store: LocalStore, worker_id: str) -> np.ndarray:
    return np.stack([np.frombuffer(one.vector, "<f4") for one in store.templates(worker_id)])


def test_workers_without_photos_are_registered_with_a_warning_and_without_the_engine(
    plan: ImportPlan, store: LocalStore, run: Callable[..., list[RowReport]]
) -> None:
    reports = run(plan, "W-1,示例甲,", "W-2,示例乙,")
    assert [report.result for report in reports] == [RowResult.ADDED] * 2
    assert all("cannot recognise" in report.reason for report in reports)
    assert store.count_workers() == 2


def test_good_rows_are_kept_and_bad_ones_reported_by_their_number(
    plan: ImportPlan, store: LocalStore, run: Callable[..., list[RowReport]], tmp_path: Path
) -> None:
    reports = run(plan, "W-1,示例甲,", "W-2,,", "W-1,示例重,", "W 4,示例丁,", "W-5,示例戊,")
    assert [(report.row, report.result) for report in reports] == [
        (2, "added"),
        (3, "failed"),
        (4, "failed"),
        (5, "failed"),
        (6, "added"),
    ]
    assert "already in row 2" in reports[2].reason
    assert [worker.name for worker in store.workers()] == ["示例甲", "示例戊"]
    write_report(tmp_path / "report.csv", reports)
    with (tmp_path / "report.csv").open(encoding="utf-8-sig", newline="") as file:
        written = list(csv.DictReader(file))
    assert list(written[0]) == ["row", "worker_id", "result", "reason", "next_step"]
    assert [row["row"] for row in written] == ["2", "3", "4", "5", "6"]


def test_importing_the_same_file_again_changes_nothing(
    plan: ImportPlan, store: LocalStore, run: Callable[..., list[RowReport]]
) -> None:
    run(plan, "W-1,示例甲,", "W-2,示例乙,")
    version = store.roster_version()
    assert {report.result for report in run(plan, "W-1,示例甲,", "W-2,示例乙,")} == {RowResult.UNCHANGED}
    assert store.roster_version() == version
    assert run(plan, "W-1,示例新,")[0].result is RowResult.UPDATED
    assert store.worker("W-1").name == "示例新"


def test_a_dry_run_reports_everything_and_changes_nothing(
    plan: ImportPlan, store: LocalStore, run: Callable[..., list[RowReport]]
) -> None:
    reports = run(replace(plan, dry_run=True), "W-1,示例甲,", "W-2,,")
    assert [report.result for report in reports] == [RowResult.ADDED, RowResult.FAILED]
    assert store.count_workers() == 0
    assert [report.result for report in run(replace(plan, store=None, dry_run=True), "W-1,示例甲,")] == [
        "added"
    ]


def test_more_rows_than_one_transaction_holds_all_arrive(
    plan: ImportPlan, store: LocalStore, run: Callable[..., list[RowReport]]
) -> None:
    reports = run(plan, *(f"W-{number},示例,x" for number in range(123)), header="worker_id,name,team")
    assert len(reports) == 123
    assert store.count_workers() == 123


def test_a_store_without_space_stops_the_import_and_says_so(
    plan: ImportPlan, store: LocalStore, run: Callable[..., list[RowReport]]
) -> None:
    store._min_free_mb = 10**9
    with pytest.raises(StoreFull):
        run(plan, "W-1,示例甲,")


def test_a_report_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(EnrollError, match="cannot be written"):
        write_report(tmp_path / "none" / "report.csv", [])


def test_several_photos_become_several_templates_and_strangers_stay_strangers(
    plan: ImportPlan, store: LocalStore, run: Callable[..., list[RowReport]], photos: Path, engine: FaceEngine
) -> None:
    plan = replace(plan, load_engine=lambda: engine)
    rows = ("W-1,示例甲,a.jpg;a2.jpg", "W-2,示例乙,b.jpg")
    reports = run(plan, *rows)
    assert [(report.result, report.reason) for report in reports] == [("added", "")] * 2
    own, other = vectors(store, "W-1"), vectors(store, "W-2")
    assert own[0] @ own[1] > 0.6 > 0.4 > (own @ other.T).max()
    assert {one.model for one in store.templates("W-1")} == {"sface"}
    version = store.roster_version()
    assert {report.result for report in run(plan, "W-1,示例甲,a.jpg;a2.jpg", "W-2,示例乙,b.jpg")} == {
        "unchanged"
    }
    assert store.roster_version() == version


def test_new_photos_replace_the_templates_and_an_empty_cell_keeps_them(
    plan: ImportPlan, store: LocalStore, run: Callable[..., list[RowReport]], photos: Path, engine: FaceEngine
) -> None:
    plan = replace(plan, load_engine=lambda: engine)
    run(plan, "W-1,示例甲,a.jpg")
    first = store.templates("W-1")
    assert run(plan, "W-1,示例甲,")[0] == RowReport(2, "W-1", RowResult.UNCHANGED)
    assert store.templates("W-1") == first
    run(plan, "W-1,示例甲,a2.jpg")
    assert [one.template_id for one in store.templates("W-1")] != [one.template_id for one in first]
    assert len(store.templates("W-1")) == 1


def test_photos_of_two_people_in_one_row_are_refused(
    plan: ImportPlan, store: LocalStore, run: Callable[..., list[RowReport]], photos: Path, engine: FaceEngine
) -> None:
    (report,) = run(replace(plan, load_engine=lambda: engine), "W-1,示例甲,a.jpg;b.jpg")
    assert report.result is RowResult.FAILED
    assert "different people" in report.reason
    assert store.count_workers() == 0


def test_one_bad_photo_among_good_ones_is_a_warning(
    plan: ImportPlan, store: LocalStore, run: Callable[..., list[RowReport]], photos: Path, engine: FaceEngine
) -> None:
    (report,) = run(replace(plan, load_engine=lambda: engine), "W-1,示例甲,a.jpg;none.jpg")
    assert (report.result, report.reason) == (RowResult.ADDED, "none.jpg: there is no such photo")
    assert len(store.templates("W-1")) == 1


def test_one_person_under_two_numbers_is_pointed_out(
    plan: ImportPlan, store: LocalStore, run: Callable[..., list[RowReport]], photos: Path, engine: FaceEngine
) -> None:
    plan = replace(plan, load_engine=lambda: engine)
    rows = ("W-1,示例甲,a.jpg", "W-2,示例乙,b.jpg", "W-3,示例丙,a2.jpg")
    assert [report.reason.partition(",")[0] for report in run(plan, *rows)] == [
        "",
        "",
        "looks like worker W-1",
    ]
    assert store.count_workers() == 3
    # Both are in the store now, so each points to the other; the photo put right, nobody does.
    assert "W-3" in run(plan, rows[0])[0].reason
    assert "W-1" in run(plan, rows[2])[0].reason
    store.remove_worker("W-3")
    assert run(plan, rows[0])[0].reason == ""


def exif_rotated(photo: Image.Image) -> bytes:
    exif = photo.getexif()
    exif[EXIF_ORIENTATION] = ROTATED_LEFT
    return saved(photo.rotate(90, expand=True), "JPEG", exif=exif)


def saved(photo: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    photo.save(buffer, form, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


READABLE: dict[str, Callable[[Image.Image], bytes]] = {
    "exif-rotated": exif_rotated,
    "cmyk": lambda photo: saved(photo.convert("CMYK"), "JPEG"),
    "transparent png": lambda photo: saved(photo.convert("RGBA"), "PNG"),
    "huge": lambda photo: saved(photo.resize((4000, 4000 * photo.height // photo.width)), "JPEG"),
    "somebody far behind": lambda photo: saved(with_small_face(photo), "PNG"),
}


def with_small_face(photo: Image.Image) -> Image.Image:
    """The photo with a much smaller copy of itself beside it."""
    wide = Image.new("RGB", (photo.width * 5 // 4, photo.height))
    wide.paste(photo)
    wide.paste(photo.resize((photo.width // 4, photo.height // 4)), (photo.width, 0))
    return wide


@pytest.mark.parametrize("kind", READABLE)
def test_a_photo_in_an_unusual_form_gives_the_same_person(
    plan: ImportPlan,
    store: LocalStore,
    run: Callable[..., list[RowReport]],
    photos: Path,
    engine: FaceEngine,
    kind: str,
) -> None:
    with Image.open(photos / "a.jpg") as photo:
        (photos / "odd.img").write_bytes(READABLE[kind](photo.convert("RGB")))
    reports = run(replace(plan, load_engine=lambda: engine), "W-1,示例甲,a.jpg", "W-2,示例乙,odd.img")
    assert [report.result for report in reports] == [RowResult.ADDED] * 2
    assert float((vectors(store, "W-1") @ vectors(store, "W-2").T)[0, 0]) > 0.8


def png_bomb() -> bytes:
    """A PNG of 60,000 by 60,000 black pixels in few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


REFUSED: dict[str, tuple[Callable[[Image.Image], bytes], str]] = {
    "no photo": (lambda photo: b"%PDF-1.7 not a photo", "not a photo"),
    "empty": (lambda photo: b"", "empty"),
    "cut short": (lambda photo: saved(photo, "JPEG")[:3000], "damaged"),
    "bomb": (lambda photo: png_bomb(), "megapixels"),
    "no face": (lambda photo: saved(Image.new("RGB", (640, 480), "grey"), "PNG"), "no face"),
    "two faces": (lambda photo: saved(with_twin(photo), "PNG"), "2 faces"),
    "blurred": (lambda photo: saved(photo.filter(ImageFilter.GaussianBlur(14)), "PNG"), "odd.img: .*face"),
    "dark": (lambda photo: saved(photo.point(lambda value: value // 12), "PNG"), "odd.img: .*(dark|face)"),
    "far away": (lambda photo: saved(photo.resize((60, 60 * photo.height // photo.width)), "PNG"), "face"),
}


def with_twin(photo: Image.Image) -> Image.Image:
    wide = Image.new("RGB", (photo.width * 2, photo.height))
    wide.paste(photo)
    wide.paste(photo, (photo.width, 0))
    return wide


@pytest.mark.parametrize("kind", REFUSED)
def test_a_photo_that_cannot_be_used_is_refused_with_its_reason_and_the_next_row_goes_on(
    plan: ImportPlan,
    store: LocalStore,
    run: Callable[..., list[RowReport]],
    photos: Path,
    engine: FaceEngine,
    kind: str,
) -> None:
    make, said = REFUSED[kind]
    with Image.open(photos / "a.jpg") as photo:
        (photos / "odd.img").write_bytes(make(photo.convert("RGB")))
    bad, good = run(replace(plan, load_engine=lambda: engine), "W-1,示例甲,odd.img", "W-2,示例乙,b.jpg")
    assert bad.result is RowResult.FAILED
    assert bad.reason.startswith("odd.img: ")
    assert re.search(said, bad.reason), bad.reason
    assert bad.next_step
    assert good.result is RowResult.ADDED
    assert store.count_workers() == 1


@pytest.mark.parametrize("name", ["../store.key", "/etc/hostname", "..\\store.key"])
def test_a_photo_outside_of_the_photo_folder_is_refused(
    plan: ImportPlan, run: Callable[..., list[RowReport]], photos: Path, engine: FaceEngine, name: str
) -> None:
    (report,) = run(replace(plan, load_engine=lambda: engine), f"W-1,示例甲,{name}")
    assert "outside" in report.reason
