"""One long list as offices put it together: encodings, spellings and slips mixed, a few rows broken."""

from __future__ import annotations

from itertools import count

import pytest

from sync.central import registry
from sync.central.database import Database
from sync.central.list_import import ListTerms, import_list
from sync.central.list_matching import ListMatcher
from sync.records import FlagLevel
from tests.sync.central.gate_box import a_site
from tests.sync.central.list_samples import KEYS, SITE, VAULT, a_registered, match_all, resident_number
from tests.sync.samples import NOON

pytestmark = pytest.mark.slow

ROWS = 20_000
"""A million take minutes: `sitegate bench screening --part matching` does that."""

FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


def with_x(start: int) -> str:
    return next(number for one in count(start) if (number := resident_number(one)).endswith("X"))


def test_a_long_list_of_mixed_spellings_finds_everybody_and_reports_three_broken_rows(
    centre_database: Database,
) -> None:
    a_site(centre_database, SITE)
    numbers = {
        "W-full-width": resident_number(1),
        "W-short": resident_number(2),
        "W-small-x": with_x(40),
        "W-spaced": resident_number(4),
        "W-gbk": resident_number(5),
        "W-double": resident_number(6),
        "W-nobody": resident_number(7),
    }
    for worker_id, number in numbers.items():
        a_registered(centre_database, worker_id, number=number)
    short = numbers["W-short"][:6] + numbers["W-short"][8:17]
    spaced = numbers["W-spaced"]
    lines = [f"示例,,138{number:08d}".encode() for number in range(ROWS)]
    special = {
        11: f"示例一,{numbers['W-full-width'].translate(FULL_WIDTH)},".encode(),
        5_000: f"示例二,{short},".encode("gb18030"),
        7_777: f"示例三,{numbers['W-small-x'].lower()},".encode(),
        9_001: f'示例四,"{spaced[:6]} {spaced[6:14]}-{spaced[14:]}",'.encode(),
        12_000: f"示例五,'{numbers['W-gbk']},".encode("gb18030"),
        15_000: f"示例六,{numbers['W-double']},".encode(),
        15_001: f"示例六,{numbers['W-double'].translate(FULL_WIDTH)},".encode("gb18030"),
        100: "示例坏,123,".encode(),
        10_000: b"\xff\xfe\xfa\x80,,13900000000",
        19_999: "示例坏,,12".encode(),
    }
    for at, line in special.items():
        lines[at] = line
    raw = b"\r\n".join(("姓名,证件号码,电话".encode(), *lines))
    terms = ListTerms("long", "示例名单", "示例单位", FlagLevel.BLOCK)
    report = import_list(centre_database, KEYS, terms, "list.csv", raw, by="x", now=NOON).report
    assert (report.rows, report.broken, report.duplicates) == (ROWS, 3, 1)
    assert report.entries == ROWS - 4
    assert [row for row, why in report.problems if "before" not in why] == [102, 10_002, 20_001]
    assert {"utf-8", "gb18030"} <= set(report.encodings)
    match_all(ListMatcher(centre_database, VAULT, now=lambda: NOON))
    with centre_database.read() as connection:
        flagged = {one for one in numbers if registry.worker(connection, one).flags}
    assert flagged == set(numbers) - {"W-nobody"}
