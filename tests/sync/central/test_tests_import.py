"""A laboratory's list by document numbers: what is taken, what is refused and why, and taking it back."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select

from sync.central import persons, registry
from sync.central.console.words_lists import row_words
from sync.central.errors import SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.tables_tests import test_results
from sync.central.tests_import import (
    ImportReport,
    ImportTerms,
    drop_import,
    import_results,
    preview_results,
)
from sync.clearance_rules import shipped_rules
from sync.screening.list_file import ListUnusable
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, SHANGHAI, A, B, at
from tests.sync.central.list_samples import resident_number, slipped
from tests.sync.central.lodging_samples import VAULT
from tests.sync.people_samples import a_person

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

pytestmark = pytest.mark.parametrize("office", ["sqlite"], indirect=True)

RULES = shipped_rules()
TERMS = ImportTerms(A, "test", "lab.csv", SHANGHAI)
NUMBERS = {"A-001": "11010519491231002X", "A-002": resident_number(1), "B-001": resident_number(3)}
GOOD = "证件号码,姓名,检测结果,采样时间,检测机构,报告编号\n"
OLD_NUMBER = "110105491231002"
"""With 15 digits: A-001's."""

WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


@pytest.fixture
def papers(office: FrontOffice) -> FrontOffice:
    with office.database.write() as connection:
        for worker_id, number in NUMBERS.items():
            person = a_person(worker_id, document_number=number)
            persons.put_person(connection, VAULT, person, now=NOW)
    return office


def take(office: FrontOffice, text: str | bytes, terms: ImportTerms = TERMS) -> ImportReport:
    raw = text if isinstance(text, bytes) else text.encode()
    return import_results(office.database, RULES, VAULT, terms, raw, by="m", now=NOW)


def kinds(office: FrontOffice, worker_id: str) -> dict[str, object]:
    with office.database.read() as connection:
        held = registry.worker(connection, worker_id).clearances
    return {one.kind: one.valid_until for one in held}


def test_rows_are_taken_and_bad_ones_cost_no_other(papers: FrontOffice) -> None:
    text = (
        GOOD
        + f"{NUMBERS['A-001'].lower()},样一安,阴性,2026-03-02 08:30,示例实验室,R-1\n"
        + f"{NUMBERS['A-002']},别的名,阴性,2026-03-02 08:30,,\n"
        + f"{NUMBERS['B-001']},,阴性,2026-03-02 08:30,,\n"
        + f"{NUMBERS['A-002']},样二宁,阴,2026-03-02,,\n"
        + f"{NUMBERS['A-002']},样二宁,阴性,2026-13-02,,\n"
        + f"{NUMBERS['A-002']},样二宁,阴性,2026-03-05,,\n"
        + f"{slipped(NUMBERS['A-002'])},样二宁,阴性,2026-03-02,,\n"
        + f"{NUMBERS['A-002'].translate(WIDE)},样 二 宁,（－）,2026/3/2,,\n"
    )
    with papers.database.read() as connection:
        preview = preview_results(connection, RULES, VAULT, TERMS, text.encode(), now=NOW)
    assert (preview.rows, preview.taken, preview.broken) == (8, 2, 6)
    report = take(papers, text)
    assert (report.rows, report.taken, report.broken) == (8, 2, 6)
    assert report.results == {"negative": 2}
    assert dict(report.problems) == {
        3: "the person with this document has another name",
        4: "nobody of this site is on record with this document",
        5: "the result is missing or no word that the rules know",
        6: "the time is missing, or not like 2026-01-31 or 2026-01-31 08:30",
        7: "it was done in the future",
        8: report.problems[5][1],
    }
    assert report.problems[5][1].startswith("document number:")
    unnamed = row_words("something else").zh
    assert not [why for _, why in report.problems if row_words(why).zh == unnamed]
    assert not any(number in str(report.problems) for number in NUMBERS.values())
    assert kinds(papers, "A-001") == {"test": at("03-10 00:00"), "pass-green": at("03-09 08:30")}
    assert "test" in kinds(papers, "A-002")
    assert set(report.versions) == {A}

    again = take(papers, text)
    assert (again.taken, again.already) == (0, 2)
    with papers.database.read() as connection:
        preview = preview_results(connection, RULES, VAULT, TERMS, text.encode(), now=NOW)
        other = text.replace("阴性,2026-03-02 08:30,示例", "阳性,2026-03-02 08:30,示例").encode()
        changed = preview_results(connection, RULES, VAULT, TERMS, other, now=NOW)
    assert (preview.taken, preview.already, preview.problems) == (0, 2, again.problems)
    assert (changed.taken, changed.already, changed.broken) == (0, 1, 7)
    assert not [why for _, why in changed.problems if row_words(why).zh == unnamed]
    with papers.database.write() as connection:
        assert drop_import(connection, RULES, report.import_id, by="m", now=NOW)[0] == 2
    assert kinds(papers, "A-001") == {}
    with papers.database.write() as connection, pytest.raises(SettingRefused, match="already"):
        drop_import(connection, RULES, report.import_id, by="m", now=NOW)


def test_a_workbook_with_a_title_old_numbers_and_a_last_day(papers: FrontOffice) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["示例医院体检结果"],
        ["身份证号", "体检结论", "体检日期", "有效期至"],
        [OLD_NUMBER, "合格", date(2026, 2, 1), date(2026, 6, 30)],
    ):
        sheet.append(row)
    buffer = BytesIO()
    book.save(buffer)
    terms = ImportTerms(A, "medical", "exam.xlsx", SHANGHAI)
    report = take(papers, buffer.getvalue(), terms)
    assert (report.taken, report.problems) == (1, [])
    assert kinds(papers, "A-001") == {"medical": at("07-01 00:00")}


def test_a_year_beyond_every_calendar_costs_its_row_only(papers: FrontOffice) -> None:
    """9999-12-31 is how some laboratories write that something has no end."""
    header = "证件号码,检测结果,采样时间,有效期至\n"
    text = (
        header
        + f"{NUMBERS['A-001']},阴性,2026-03-02,9999-12-31\n"
        + f"{NUMBERS['A-001']},阴性,0001-01-01,\n"
        + f"{NUMBERS['A-002']},阴性,2026-03-02,2026-03-05\n"
    )
    report = take(papers, text)
    assert (report.taken, [row for row, _ in report.problems]) == (1, [2, 3])
    assert kinds(papers, "A-002")["test"] == at("03-06 00:00")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("姓名,结果\n样一安,阴性\n", "no header"),
        (GOOD, "no row"),
        (GOOD + "1,样一安,阴性,2026-03-02,,\n", "row 2: document number"),
        (b"\xd0\xcf\x11\xe0...", "before 2007"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_is_refused(
    papers: FrontOffice, text: str | bytes, said: str
) -> None:
    with pytest.raises(ListUnusable, match=said):
        take(papers, text)
    with papers.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(test_results)) == 0


def test_only_tests_and_examinations_have_results(papers: FrontOffice) -> None:
    with pytest.raises(SettingRefused, match="no test"):
        take(papers, GOOD, ImportTerms(B, "training", "x.csv", SHANGHAI))
