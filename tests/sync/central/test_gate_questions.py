"""A gate is asked how it would answer: by whom, within which sites, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from sync.central import commands, gate_questions, site_registry, tables
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.database import Database
from sync.central.errors import SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.gate_questions import GRACE, Failure, GateAway, Reply
from sync.records import Direction, Outcome
from sync.wire.explanation import UNKNOWN_WORKER, Explanation, RuleAnswer
from sync.wire.messages import Answer
from tests.sync.central.console_samples import NOW, A, B, Clock, an_office

MANAGER = Viewer("manager-a", "", Role.SITE_MANAGER, frozenset({A}))
ADMIN = Viewer("admin", "", Role.ADMIN, None)
GATE = (A, "gate-1")
TOLD = Explanation(
    lane_id="north",
    direction=Direction.IN,
    at=NOW,
    outcome=Outcome.ALLOW,
    reasons=("ok",),
    rules=(RuleAnswer(rule="registered"),),
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(tmp_path: Path, clock: Clock) -> Iterator[FrontOffice]:
    with Database.open(f"sqlite:///{tmp_path / 'central.db'}") as database:
        made = an_office(database, clock)
        with database.write() as connection:
            connection.execute(
                update(tables.gate_status)
                .where(tables.gate_status.c.gate_id == "gate-1")
                .values(lanes=["north"])
            )
        yield made


def answer(office: FrontOffice, question_id: str, *, done: bool, detail: str) -> None:
    with office.database.write() as connection:
        commands.take_waiting(connection, office.now())
        said = Answer(command_id=question_id, done=done, detail=detail, at=NOW)
        assert commands.answered(connection, GATE, said, office.now())


def test_only_who_may_see_passes_asks_within_the_own_sites_with_an_audit_line(office: FrontOffice) -> None:
    desk = office.gate_questions
    assert [(one.gate_id, one.lanes) for one in desk.gates(MANAGER, "A-003")] == [
        ("gate-1", ("north",)),
        ("gate-2", ()),
    ]
    assert desk.gates(MANAGER, "B-001") == []
    for role in (Role.CHECKER, Role.INSPECTOR):
        other = Viewer("other", "", role, frozenset({A}))
        with pytest.raises(NotAllowed):
            desk.gates(other, "A-003")
        with pytest.raises(NotAllowed):
            desk.ask(other, GATE, "A-003", NOW)
    for gate, worker_id in (((B, "gate-1"), "B-001"), (GATE, "B-001"), (GATE, "A-999"), ((A, "x"), "A-003")):
        with pytest.raises(NotFound):
            desk.ask(MANAGER, gate, worker_id, NOW)
    desk.ask(MANAGER, GATE, "A-003", NOW - timedelta(days=1), lane_id="north")
    with office.database.read() as connection:
        *_, line = connection.execute(select(tables.audit).order_by(tables.audit.c.audit_id)).all()
    assert (line.actor, line.action, line.site_id, line.subject) == (
        MANAGER.user_id,
        "asked_gate",
        A,
        "worker:A-003",
    )
    assert (line.detail["gate"], line.detail["about"]) == (
        "gate-1",
        (NOW - timedelta(days=1)).isoformat(timespec="minutes"),
    )


def test_a_gate_that_is_away_gone_or_has_no_such_lane_is_said_at_once(office: FrontOffice) -> None:
    desk = office.gate_questions
    with pytest.raises(GateAway, match="lost") as raised:
        desk.ask(MANAGER, (A, "gate-2"), "A-003", NOW)
    assert "policy try" in raised.value.next_step
    with pytest.raises(GateAway, match="never seen"):
        desk.ask(ADMIN, (B, "gate-1"), "B-001", NOW)
    with pytest.raises(SettingRefused, match="no lane south"):
        desk.ask(MANAGER, GATE, "A-003", NOW, lane_id="south")
    with pytest.raises(SettingRefused):
        desk.ask(MANAGER, GATE, "A-003", NOW, celsius=366.0)
    with office.database.write() as connection:
        site_registry.revoke_gate(connection, *GATE, now=NOW)
    with pytest.raises(NotFound):
        desk.ask(MANAGER, GATE, "A-003", NOW)
    with office.database.read() as connection:
        assert not commands.waiting(connection)


def test_an_answer_is_for_whoever_asked_and_gone_once_it_is_read(office: FrontOffice) -> None:
    desk = office.gate_questions
    asked = desk.ask(MANAGER, GATE, "A-003", NOW)
    assert desk.reply(MANAGER, asked) is None
    answer(office, asked, done=True, detail=TOLD.model_dump_json())
    with pytest.raises(NotFound):
        desk.reply(ADMIN, asked)
    assert desk.reply(MANAGER, asked) == Reply(TOLD, software="0.1.0")
    with pytest.raises(NotFound):
        desk.reply(MANAGER, asked)


@pytest.mark.parametrize(
    ("done", "detail", "failure"),
    [
        (False, UNKNOWN_WORKER, Failure.UNKNOWN_WORKER),
        (False, "failed: StoreUnreadable", Failure.REFUSED),
        (False, "expired", Failure.NO_ANSWER),
        (True, "not what we know", Failure.UNREADABLE),
    ],
)
def test_what_is_no_explanation_is_told_as_what_it_is(
    office: FrontOffice, done: bool, detail: str, failure: Failure
) -> None:
    asked = office.gate_questions.ask(MANAGER, GATE, "A-003", NOW)
    answer(office, asked, done=done, detail=detail)
    reply = office.gate_questions.reply(MANAGER, asked)
    assert reply is not None
    assert (reply.failure, reply.explanation) == (failure, None)


def test_a_gate_that_does_not_know_the_question_is_not_waited_for_and_what_nobody_reads_is_forgotten(
    office: FrontOffice, clock: Clock
) -> None:
    desk = office.gate_questions
    first, second = (desk.ask(MANAGER, GATE, "A-003", NOW) for _ in range(2))
    with office.database.write() as connection:
        assert len(commands.take_waiting(connection, clock())) == 2
    clock.at += commands.VALID_FOR
    assert desk.reply(MANAGER, first) is None
    clock.at += GRACE
    assert desk.reply(MANAGER, first) == Reply(failure=Failure.NO_ANSWER, software="0.1.0")
    assert gate_questions.forget(office.database, clock()) == 0
    clock.at += commands.QUESTIONS_KEPT
    assert gate_questions.forget(office.database, clock()) == 1
    with pytest.raises(NotFound):
        desk.reply(MANAGER, second)
