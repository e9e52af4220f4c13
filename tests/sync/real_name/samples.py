"""A platform and people for tests of the real-name platform; everybody is made up and looks it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from sync.people import DocumentType
from sync.real_name import AppSecret, RealNameWorker, Team, read_dialect
from sync.real_name.simulator import Platform
from sync.resident_number import check_character

APP_ID, PROJECT = "demo-app", "3301002026030001"
SECRET_TEXT = "0123456789abcdef0123456789ABCDEF"
SECRET = AppSecret(SECRET_TEXT)
NATIONAL = read_dialect()
TEAM = Team(project_code=PROJECT, corp_code="91330000EXAMPLE01", corp_name="示例建工", team_name="钢筋一班")


def a_platform(clock: Callable[[], datetime]) -> Platform:
    return Platform(APP_ID, SECRET, NATIONAL, project_codes=frozenset({PROJECT}), now=clock)


def resident_number(sequence: int, born: date = date(1990, 1, 1)) -> str:
    body = f"110105{born:%Y%m%d}{sequence:03d}"
    return body + check_character(body)


def a_worker(sequence: int = 1) -> RealNameWorker:
    return RealNameWorker(
        name=f"示例{sequence}",
        document_type=DocumentType.RESIDENT_ID,
        document_number=resident_number(sequence),
        trade="钢筋工",
    )
