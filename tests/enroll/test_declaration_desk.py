"""Declarations at the kiosk: without the centre, carried over, changed until midnight, queued in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from enroll.declaration_desk import DeclarationDesk, runs_short
from sync.declarations import Declaration, SiteReport
from sync.people import Person
from sync.records import Worker
from sync.store import LocalStore, StoreKey

SHANGHAI = ZoneInfo("Asia/Shanghai")
HEALTHY: dict[str, Any] = {
    "health": ["well"],
    "affected": "no",
    "contact": "no",
    "travelled": "no",
    "lodging": "dormitory",
    "lodging_place": "示例楼 3 号",
    "truthful": "yes",
}
FIGURES: dict[str, Any] = {"headcount": "12", "returned": "0", "unwell": "0"}


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    key = StoreKey.load(tmp_path / "store.key", "SITEGATE_NO_KEY", create=True)
    with LocalStore.open(tmp_path / "sitegate.db", key) as opened:
        opened.put_worker(Worker(worker_id="W-1", name="示例人", site_ids=("site-a",), employer="示例建工"))
        yield opened


@pytest.fixture
def desk(store: LocalStore, clock: Clock) -> DeclarationDesk:
    return DeclarationDesk(store, site_id="site-a", zone=SHANGHAI, now=clock.now)


def waiting(store: LocalStore) -> list[Any]:
    return [item for item in store.outbox_pending(100) if item.kind in ("declaration", "site_report")]


def test_a_declaration_waits_for_the_centre_and_is_shown_again_today(
    desk: DeclarationDesk, store: LocalStore
) -> None:
    _, declaration = desk.declare("W-1", HEALTHY, by="示例员")
    assert declaration is not None and declaration.source == "kiosk"
    sent = [Declaration.model_validate_json(item.payload) for item in waiting(store)]
    assert sent == [declaration]
    again = desk.declaration("W-1")
    assert again.declared_at == declaration.declared_at and again.entered["health"] == ["well"]


def test_what_is_wrong_is_said_and_nothing_is_kept(desk: DeclarationDesk, store: LocalStore) -> None:
    checked, declaration = desk.declare("W-1", {**HEALTHY, "health": []}, by="示例员")
    assert declaration is None and [problem.path for problem in checked.problems] == ["health"]
    assert waiting(store) == []


VISITOR = {
    "name": "示例访客",
    "phone": "13800000000",
    "document_type": "resident_id",
    "document_number": "11010519491231002x",
}


def test_a_visitor_declares_by_papers_and_whoever_is_on_the_roster_as_that_worker(
    desk: DeclarationDesk, store: LocalStore
) -> None:
    wrong = {**VISITOR, "name": "", "phone": "1" * 22, "document_number": "110105194912310021"}
    papers, problems = desk.visitor_papers(wrong)
    assert papers is None and set(problems) == {"name", "phone", "document_number"}
    papers, problems = desk.visitor_papers(VISITOR)
    assert papers is not None and (papers.document_number, problems) == ("11010519491231002X", {})
    assert desk.declaration_of_visitor().entered == {}
    checked, nothing = desk.declare_visitor(papers, {}, by="示例员")
    assert nothing is None and checked.problems
    _, visited = desk.declare_visitor(papers, HEALTHY, by="示例员")
    assert visited is not None and (visited.worker_id, visited.visitor) == (None, papers)
    person = Person(
        worker_id="W-1", document_type=papers.document_type, document_number=papers.document_number
    )
    store.put_person(person)
    _, other = desk.declare_visitor(papers, HEALTHY, by="示例员")
    assert other is not None and other.worker_id is None  # the name is another one
    _, known = desk.declare_visitor(papers.model_copy(update={"name": "示例人"}), HEALTHY, by="示例员")
    assert known is not None and (known.worker_id, known.visitor) == ("W-1", None)
    sent = [Declaration.model_validate_json(item.payload) for item in waiting(store)]
    assert sent == [visited, other, known]
    assert "示例访客" not in str(store.audit())


def test_the_next_day_only_the_lodging_is_carried_over(desk: DeclarationDesk, clock: Clock) -> None:
    desk.declare("W-1", HEALTHY, by="示例员")
    clock.at += timedelta(days=1)
    to_fill = desk.declaration("W-1")
    assert to_fill.declared_at is None and to_fill.entered == {
        "lodging": "dormitory",
        "lodging_place": "示例楼 3 号",
    }


def test_the_day_changes_at_midnight_of_the_site(desk: DeclarationDesk, clock: Clock) -> None:
    clock.at = datetime(2026, 3, 2, 15, 59, tzinfo=UTC)
    assert desk.today() == date(2026, 3, 2)
    clock.at += timedelta(minutes=1)
    assert desk.today() == date(2026, 3, 3)


def test_answers_do_not_lie_at_the_kiosk_for_longer_than_a_month(
    desk: DeclarationDesk, store: LocalStore, clock: Clock
) -> None:
    desk.declare("W-1", HEALTHY, by="示例员")
    clock.at += timedelta(days=32)
    desk.send_report("示例建工", FIGURES, by="示例员")
    assert store.latest_declaration("W-1") is None


def test_a_report_fills_in_the_last_figures_and_shows_the_days(
    desk: DeclarationDesk, store: LocalStore, clock: Clock
) -> None:
    assert desk.employers() == ["示例建工"]
    supplies: dict[str, Any] = {"masks": {"stock": "10", "daily_use": "4"}}
    _, report = desk.send_report("示例建工", {**FIGURES, "supplies": supplies}, by="示例员")
    assert report is not None and runs_short(report) == [("masks", date(2026, 3, 4))]
    assert [SiteReport.model_validate_json(item.payload) for item in waiting(store)] == [report]
    clock.at += timedelta(days=1)
    to_fill = desk.report("示例建工")
    assert to_fill.entered["headcount"] == "12" and to_fill.declared_at is None
    assert [is_there for _, is_there in desk.report_days("示例建工").days[-2:]] == [True, False]
