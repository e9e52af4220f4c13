"""Passes at the console: numbers, decisions with their undo, requests for correction, copies at two gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from sync.central import audit, erasures, health, pass_corrections, pass_desk, registry
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.errors import SettingRefused
from sync.central.exports_passes import correction_pieces, pass_pieces
from sync.central.front_office import FrontOffice
from sync.central.pass_copies import SETTLED_AFTER, PassCopyWatch
from sync.central.pass_corrections import Answer, AnsweredMeanwhile
from sync.central.pass_desk import PassDesk
from sync.central.tables_alerts import alerts
from sync.erasure import WHOLE_RECORD
from sync.health_pass import PassColour, PassStatus
from sync.records import Method, PassGrant
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, A, B, Clock, add_events, an_event
from tests.sync.central.lodging_samples import MANAGER
from tests.sync.people_samples import a_withdrawal

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
"""For what is the same on both databases."""

MEDIC = Viewer("medic-a", "", Role.MEDIC, frozenset({A}))
ADMIN = Viewer("admin", "", Role.ADMIN, None)
WHO = "A-002"
DAY = timedelta(days=1)


def desk_of(office: FrontOffice, told: list[Mapping[str, int]] | None = None) -> PassDesk:
    heard = told if told is not None else []
    return PassDesk(office.database, now=office.now, on_roster_change=heard.append)


def test_a_medic_sets_and_clears_and_every_step_can_be_taken_back(office: FrontOffice, clock: Clock) -> None:
    told: list[Mapping[str, int]] = []
    desk = desk_of(office, told)
    red = desk.set_colour(MEDIC, WHO, PassColour.RED, days=None, why="示例")
    desk.set_colour(MEDIC, WHO, PassColour.GREEN, days=3, why="示例")
    assert [set(one) for one in told] == [{A}, {A}]
    facts = desk.one(MEDIC, WHO)
    assert (facts.status.colour, facts.status.until) == (PassColour.RED, None)
    clock.moves(hours=1)
    word = desk.clear(MEDIC, WHO, why="示例医嘱")
    assert desk.one(MEDIC, WHO).status.colour is PassColour.GREEN
    clock.moves(hours=1)
    facts = desk.one(MEDIC, WHO)
    assert [(one.colour, one.cause) for one in facts.history] == [
        (PassColour.GREEN, "granted"),
        (PassColour.RED, "by_hand_red"),
    ]
    assert facts.history[0].until == NOW + 3 * DAY
    desk.take_back(MEDIC, WHO, word, why="示例误")
    assert desk.one(MEDIC, WHO).status.colour is PassColour.RED
    desk.put_back(MEDIC, WHO, word, why="示例")
    desk.take_back(MEDIC, WHO, red, why="示例误")
    facts = desk.one(MEDIC, WHO)
    assert facts.status.colour is PassColour.GREEN
    assert {(one.what, one.taken_back_by) for one in facts.entries} == {
        ("by_hand_red", "medic-a"),
        ("cleared_by_medic", ""),
        ("granted", ""),
    }
    actions = [line.action for line in audit.lines(office.database, ADMIN, now=NOW, subject=f"worker:{WHO}")]
    assert actions.count("took_back_colour") == 2
    assert {"set_colour", "granted_green", "cleared_colour", "put_back_colour"} <= set(actions)


def test_numbers_and_lists_are_of_the_viewers_sites(office: FrontOffice) -> None:
    desk = desk_of(office)
    desk.set_colour(ADMIN, WHO, PassColour.RED, days=14, why="示例")
    desk.set_colour(ADMIN, "A-003", PassColour.YELLOW, days=7, why="示例")
    desk.set_colour(ADMIN, "B-001", PassColour.GREEN, days=None, why="示例")
    assert desk.numbers(ADMIN).colours == {PassColour.GREEN: 1, PassColour.YELLOW: 1, PassColour.RED: 1}
    of_a = desk.numbers(MANAGER)
    assert (of_a.colours[PassColour.GREEN], of_a.none) == (0, 3)
    assert [one.worker_id for one in desk.rows(MANAGER)] == [WHO, "A-003"]
    assert [one.worker_id for one in desk.rows(ADMIN, colour=PassColour.GREEN)] == ["B-001"]
    assert [one.worker_id for one in desk.rows(ADMIN, site_id=B)] == ["B-001"]
    assert desk.rows(MANAGER, site_id=B) == []
    (plain,) = desk.rows(MANAGER, text="a-001")
    assert plain.status.colour is None
    text = b"".join(pass_pieces(desk.rows(MANAGER, rows=None), desk.rules(), "csv")).decode("utf-8-sig")
    assert text.count("\n") == 3
    assert "人工标记" in text
    with pytest.raises(NotFound):
        desk.one(MANAGER, "B-001")
    with pytest.raises(NotFound):
        desk.set_colour(MEDIC, "B-001", PassColour.RED, days=None, why="示例")
    with pytest.raises(NotAllowed):
        desk.clear(MANAGER, WHO, why="示例")
    with pytest.raises(SettingRefused):
        desk.clear(MEDIC, WHO, why=" ")
    with pytest.raises(SettingRefused):
        desk.set_colour(MEDIC, WHO, PassColour.RED, days=0, why="示例")
    mine = desk.one(ADMIN, WHO).entries[0].entry_id
    with pytest.raises(NotFound):
        desk.take_back(ADMIN, "A-003", mine, why="示例")


def test_a_request_is_asked_once_answered_once_and_late_after_its_days(
    office: FrontOffice, clock: Clock
) -> None:
    desk = desk_of(office)
    desk.set_colour(MEDIC, WHO, PassColour.RED, days=None, why="示例")
    with office.database.write() as connection:
        status = PassStatus(PassColour.RED, "by_hand_red")
        first = pass_corrections.ask(connection, WHO, "没有去过", status, now=NOW)
        assert pass_corrections.ask(connection, WHO, "再问一次", status, now=NOW) == first
        with pytest.raises(SettingRefused):
            pass_corrections.ask(connection, WHO, " ", status, now=NOW)
    (row,) = desk.corrections(MEDIC)
    assert (row.correction.said, row.correction.colour, row.is_late) == ("没有去过", "red", False)
    clock.moves(days=3, minutes=1)
    assert desk.corrections(MEDIC)[0].is_late
    assert (desk.numbers(MEDIC).corrections_open, desk.numbers(MEDIC).corrections_late) == (1, 1)
    asked = row.correction.correction_id
    desk.answer(MEDIC, WHO, asked, Answer.STAYS, why="示例核实")
    with pytest.raises(AnsweredMeanwhile):
        desk.answer(ADMIN, WHO, asked, Answer.CHANGED, why="示例")
    assert desk.corrections(MEDIC) == []
    (old,) = desk.corrections(MEDIC, all_of_them=True)
    assert (old.correction.answer, old.correction.answered_by) == (Answer.STAYS, "medic-a")
    assert b"\xe7\xa4\xba" in b"".join(correction_pieces([old], desk.rules(), "csv"))
    with office.database.write() as connection:
        assert pass_corrections.ask(connection, WHO, "又", status, now=clock()) != first


def test_one_pass_at_two_gates_is_noticed_once_also_when_the_events_come_late(
    office: FrontOffice, clock: Clock
) -> None:
    desk, watch = desk_of(office), PassCopyWatch(office.database, now=office.now)
    grant = PassGrant(pass_id="aa" * 8, method=Method.QR, digest="0" * 64)
    with office.database.write() as connection:
        worker = registry.worker(connection, WHO)
        registry.put_worker(connection, worker.model_copy(update={"passes": (grant,)}), now=NOW)
    watch.look()  # what was before does not count
    qr = {"worker_id": WHO, "method": Method.QR}

    def at(number: int, seconds: float, gate_id: str, site_id: str = A, **changes: object) -> None:
        event = an_event(number, NOW + timedelta(seconds=seconds), gate_id=gate_id, site_id=site_id)
        add_events(office.database, [event.model_copy(update=qr | changes)])

    def seen() -> list[tuple[str, str]]:
        return [(one.first[1], one.second[1]) for one in desk.copies(ADMIN)]

    at(501, 0, "gate-1")
    at(502, 30, "gate-1")  # the same gate
    at(503, 61, "gate-9")  # a minute's way from 501, but half a one from 502
    at(504, 40, "gate-8", method=Method.FACE)
    at(505, 45, "gate-8", worker_id="A-003")
    at(506, 46, "gate-8", clock_trusted=False)
    clock.at = NOW + timedelta(seconds=62)
    assert watch.look() == 2  # the third is younger than what is settled
    clock.at = NOW + timedelta(seconds=70) + SETTLED_AFTER
    assert watch.look() == 4
    assert seen() == [("gate-1", "gate-9")]
    at(507, 500, "gate-1", B)  # another site, eight minutes later: its events come late
    at(508, 1200, "gate-1", B)
    clock.at = NOW + timedelta(hours=2)
    assert watch.look() == 2
    assert watch.look() == 0
    assert len(seen()) == 4
    with office.database.read() as connection:
        raised = connection.execute(select(alerts).where(alerts.c.rule_id == "pass_copied")).all()
    assert {(row.subject, row.site_id, row.times) for row in raised} == {
        (f"pass:{'aa' * 8}", A, 1),
        (f"pass:{'aa' * 8}", B, 3),
    }
    assert desk.copies(MANAGER)[0].pass_id == "aa" * 8
    assert desk.copies(replace(MANAGER, site_ids=frozenset({B}))) == []
    # Of two sites each is told of its own gate; where the other was is not said.
    assert {(one.first[:2], one.second[:2]) for one in desk.copies(MANAGER)} == {
        ((A, "gate-1"), (A, "gate-9")),
        ((A, "gate-1"), ("", "")),
        ((A, "gate-9"), ("", "")),
    }
    (told,) = [row.facts for row in raised if row.site_id == B]
    assert "other_gate" not in told
    with office.database.write() as connection:
        gone = a_withdrawal(worker_id=WHO, kind=WHOLE_RECORD, withdrawn_at=NOW)
        erasures.withdraw(connection, gone, now=NOW)
        left = connection.scalars(select(alerts.c.subject).where(alerts.c.rule_id == "pass_copied")).all()
    assert left == []


def test_nobody_is_left_out_of_a_search_or_an_export_by_how_many_there_are(
    office: FrontOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pass_desk, "ROWS_MAX", 2)
    desk = desk_of(office)
    desk.set_colour(MEDIC, "A-005", PassColour.RED, days=None, why="示例")
    with office.database.write() as connection:
        for worker_id in ("A-001", "A-002", "A-003"):
            pass_corrections.ask(connection, worker_id, "示例", PassStatus(None), now=NOW)
    # A-005 comes after more people with the same text than a page has.
    assert [one.worker_id for one in desk.rows(MEDIC, text="A-", rows=2)] == ["A-005", "A-001"]
    assert [one.worker_id for one in desk.rows(MEDIC, text="A-", colour=PassColour.RED)] == ["A-005"]
    assert len(desk.rows(MEDIC, text="A-", rows=None)) == 5
    assert len(desk.corrections(MEDIC, rows=2)) == 2
    assert len(desk.corrections(MEDIC, rows=None)) == 3
    noted = [line.action for line in audit.lines(office.database, ADMIN, now=NOW)]
    assert noted.count("exported_colours") == 2


@ON_ONE
def test_what_is_known_of_a_pass_goes_with_the_person(office: FrontOffice) -> None:
    desk = desk_of(office)
    desk.set_colour(MEDIC, WHO, PassColour.RED, days=None, why="示例")
    desk.clear(MEDIC, WHO, why="示例")
    with office.database.write() as connection:
        pass_corrections.ask(connection, WHO, "示例", PassStatus(None), now=NOW)
        gone = a_withdrawal(worker_id=WHO, kind=WHOLE_RECORD, withdrawn_at=NOW)
        erasures.withdraw(connection, gone, now=NOW)
        assert health.record(connection, WHO) == ([], [])
        assert pass_corrections.of_worker(connection, WHO) == []
