"""The daily report and the files of figures: what stands in them, and that they name nobody."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import select
from typer.testing import CliRunner

from sync.central import tables
from sync.central.audit import Action
from sync.central.cli import app
from sync.central.daily_report import report_pdf
from sync.central.errors import SettingRefused
from sync.central.exports_numbers import FIGURE_HEADING, figure_pieces, trend_pieces
from sync.central.figure_words import NOTHING, REASONS, SHORT
from sync.central.figures import Place
from sync.central.front_office import FrontOffice
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import PEOPLE
from tests.sync.central.numbers_samples import ADMIN, COMPANY, DISTRICT, TODAY, reports, with_figures

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

pytestmark = pytest.mark.parametrize("office", ["sqlite"], indirect=True)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that is put on a page."""
    texts: list[str] = []
    for name in ("drawString", "drawRightString", "drawCentredString"):
        draw = getattr(Canvas, name)

        def recorded(canvas: Canvas, x: float, y: float, text: str, draw: object = draw) -> None:
            texts.append(text)
            draw(canvas, x, y, text)  # type: ignore[operator]

        monkeypatch.setattr(Canvas, name, recorded)
    return texts


def test_a_page_for_the_district_and_one_for_each_site(office: FrontOffice, written: list[str]) -> None:
    with_figures(office)
    board = office.numbers.board(ADMIN, Place(DISTRICT), None, action=Action.REPORTED_NUMBERS)
    pdf = report_pdf(board, office.numbers.rules)
    assert pdf.startswith(b"%PDF-") and pdf.count(b"/Type /Page\n") == 3
    assert [
        text for text in written if text in (DISTRICT, "滨江示例工地 Riverside", "北山示例工地 North hill")
    ] == [
        DISTRICT,
        "北山示例工地 North hill",
        "滨江示例工地 Riverside",
    ]
    assert "滨江示例工地 · 示例建工 · 口罩 Masks" in written and "2026-03-04" in written
    assert "17 %" in written
    assert not [text for text in written for _, name, _, _ in PEOPLE if name in text]
    assert len(PEOPLE) == 6


def test_a_long_name_stays_beside_its_date(office: FrontOffice, written: list[str]) -> None:
    with_figures(office)
    masks = {"masks": {"stock": 1, "daily_use": 1}}
    reports(office, "r-9", "site-b", f"{COMPANY}有限公司" * 10, TODAY, masks)
    report_pdf(office.numbers.board(ADMIN, Place(), None), office.numbers.rules)
    (cut,) = {text for text in written if text.startswith("北山示例工地 · 示例建工有限公司")}
    assert cut.endswith("…")


def test_a_full_page_says_of_every_list_how_much_is_left_out(office: FrontOffice, written: list[str]) -> None:
    with_figures(office)
    board = office.numbers.board(ADMIN, Place(site_id="site-a"), None)
    reasons = {("deny", f"reason_{number}"): 9 for number in range(30)}
    short = tuple(replace(board.whole.short[0], employer=f"示例{number}") for number in range(20))
    full = replace(board, whole=replace(board.whole, reasons=reasons, short=short))
    report_pdf(full, office.numbers.rules)
    for title, rows, mark in ((REASONS, 30, "reason_"), (SHORT, 20, "滨江示例工地 · 示例")):
        shown = len([text for text in written if mark in text])
        assert 1 <= shown < rows and f"+ {rows - shown}" in written[written.index(str(title)) :]
    assert str(NOTHING) not in written


def test_the_command_writes_a_file_and_a_line(office: FrontOffice, tmp_path: Path) -> None:
    with_figures(office)
    database = office.database.engine.url.render_as_string(hide_password=False)
    arguments = ["report", "--day", "2026-03-02", "--district", DISTRICT, "--database", database, "--out"]
    out = tmp_path / "day.pdf"
    done = CliRunner().invoke(app, [*arguments, str(out)])
    assert done.exit_code == 0, done.output
    assert out.read_bytes().startswith(b"%PDF-") and "2 sites" in done.output
    for file in (str(out), str(tmp_path / "day.txt")):
        assert isinstance(CliRunner().invoke(app, [*arguments, file]).exception, SettingRefused)
    with office.database.read() as connection:
        lines = connection.execute(
            select(tables.audit).where(tables.audit.c.action == Action.REPORTED_NUMBERS.value)
        ).all()
    assert lines[0].actor.startswith("command line") and lines[0].detail["day"] == "2026-03-02"


def test_files_have_the_whole_and_each_site_and_each_day(office: FrontOffice) -> None:
    with_figures(office)
    board = office.numbers.board(ADMIN, Place(DISTRICT), TODAY - timedelta(days=1))
    rows = list(csv.reader(StringIO(b"".join(figure_pieces(board, "csv")).decode("utf-8-sig"))))
    assert tuple(rows[0]) == FIGURE_HEADING
    assert [row[3:5] for row in rows[1:]] == [
        ["", "合计 All together"],
        ["", "小计 Subtotal"],
        ["", "小计 Subtotal"],
        ["site-b", "北山示例工地 North hill"],
        ["site-a", "滨江示例工地 Riverside"],
    ]
    entries = FIGURE_HEADING.index("进场人次 Entries")
    assert [row[entries] for row in rows[1:]] == ["2", "0", "2", "0", "2"]
    assert [row[1:3] for row in rows[1:4]] == [[DISTRICT, ""], [DISTRICT, "北山街道"], [DISTRICT, "滨江街道"]]
    assert rows[1][FIGURE_HEADING.index("当前在场 On site now")] == ""
    trend = office.numbers.trend(ADMIN, Place(), TODAY, 7, action=Action.EXPORTED_NUMBERS)
    book = load_workbook(BytesIO(b"".join(trend_pieces(trend, "xlsx"))))
    found = list(book.worksheets[0].values)
    assert len(found) == 8 and found[0][:2] == ("日期 Day", "进场人次 Entries")
    assert found[-1][1] == 6
