"""Cases over a real database: who is found, what confirming does, and what taking back takes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from sync.central import audit, registry
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.audit import Action
from sync.central.case_desk import CaseDesk, CaseFacts, ContactRow
from sync.central.case_forms import case_data, trip_lines, trip_text
from sync.central.case_watch import AFTER_NEW_TRIPS, IN_ANY_CASE, CaseWatch
from sync.central.cases import CaseClosed, CaseKind, ContactState, DecidedMeanwhile
from sync.central.errors import AlreadyThere, SettingRefused
from sync.central.exports_cases import contact_pieces
from sync.central.front_office import FrontOffice
from sync.central.tables import roster_log
from sync.records import Flag, FlagLevel
from sync.tracing import Stay, Trip, shipped_rules
from tests.sync.central.case_samples import CASE_WORKER, DATA, FLIGHT, around_the_case, declare, named
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import A, B, Clock, add_events, an_event, at
from tests.sync.central.lodging_samples import CHECKER, FOREIGNER, MANAGER, SUPERVISOR, TODAY

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ADMIN = Viewer("admin", "", Role.ADMIN, None)
ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
"""For what is the same on both databases: the other tests run on both."""


def desk_of(office: FrontOffice, told: list[Mapping[str, int]] | None = None) -> CaseDesk:
    heard = told if told is not None else []
    return CaseDesk(office.database, now=office.now, on_roster_change=heard.append)


def rules_by_person(facts: CaseFacts) -> dict[str, list[str]]:
    return {
        one.worker_id or one.name or "hidden": sorted(
            reason.rule_id for reason in one.reasons if reason.holds
        )
        for one in facts.contacts
    }


def contact(facts: CaseFacts, worker_id: str) -> ContactRow:
    return next(one for one in facts.contacts if one.worker_id == worker_id)


def flags(office: FrontOffice, worker_id: str) -> tuple[Flag, ...]:
    with office.database.read() as connection:
        return registry.worker(connection, worker_id).flags


def confirm(desk: CaseDesk, case_id: str, *workers: str, viewer: Viewer = MANAGER) -> str:
    facts = desk.one(viewer, case_id)
    ids = [contact(facts, one).contact_id for one in workers]
    return desk.confirm(viewer, case_id, ids, level=FlagLevel.HOLD, days=14, why="示例核查").action_id


def test_each_rule_finds_its_contacts_across_sites_lists_and_visitors(office: FrontOffice) -> None:
    around_the_case(office)
    desk = desk_of(office)
    case_id = desk.open(MANAGER, DATA)
    facts = desk.one(ADMIN, case_id)
    assert rules_by_person(facts) == {
        "A-002": ["flight-rows", "team-day"],
        "A-003": ["lodging"],
        "A-004": ["gate-minutes"],
        "A-005": ["team-day"],
        "B-001": ["bus"],
        "示例访客": ["train-carriage"],
        "示例乘客": ["bus"],
    }
    assert all(one.state is ContactState.PROPOSED for one in facts.contacts)
    assert contact(facts, "A-004").reasons[0].meetings[0]["apart_s"] == 40
    assert contact(facts, "A-003").last_day == TODAY  # lives there still, but tomorrow has not come
    assert facts.row.counts == {ContactState.PROPOSED: 7}
    assert flags(office, "A-002") == ()


def test_contacts_of_other_sites_are_counted_and_not_named(office: FrontOffice) -> None:
    around_the_case(office)
    desk = desk_of(office)
    case_id = desk.open(MANAGER, DATA)
    hidden = [one for one in desk.one(MANAGER, case_id).contacts if one.is_hidden]
    assert [(one.worker_id, one.name, one.phone) for one in hidden] == [("", "", "")]
    assert [reason.rule_id for reason in hidden[0].reasons] == ["bus"]
    with pytest.raises(NotAllowed):
        desk.dismiss(MANAGER, case_id, [hidden[0].contact_id], why="示例")
    assert desk.dismiss(ADMIN, case_id, [hidden[0].contact_id], why="示例") == 1


def test_a_trip_declared_later_is_found_whoever_declares_it(office: FrontOffice, clock: Clock) -> None:
    desk = desk_of(office)
    watch = CaseWatch(office.database, desk.rules, now=office.now)
    case_id = desk.open(MANAGER, DATA)
    assert watch.look() == 0
    declare(office, "A-003", [{**FLIGHT, "seat": "13B"}])
    declare(office, CASE_WORKER, [{**FLIGHT, "seat": "12A"}])
    assert watch.look() == 0  # not at every single trip
    clock.moves(seconds=AFTER_NEW_TRIPS.total_seconds())
    assert watch.look() == 1
    assert "A-003" in rules_by_person(desk.one(MANAGER, case_id))
    declare(office, "A-004", [FLIGHT])
    clock.moves(seconds=AFTER_NEW_TRIPS.total_seconds())
    assert watch.look() == 1
    found = contact(desk.one(MANAGER, case_id), "A-004")
    assert [(reason.rule_id, reason.certain) for reason in found.reasons] == [("flight-rows", False)]
    assert watch.look() == 0
    add_events(office.database, [an_event(91, at("03-02 06:56"), worker_id="A-004")])
    clock.moves(seconds=IN_ANY_CASE.total_seconds())
    assert watch.look() == 1
    assert rules_by_person(desk.one(MANAGER, case_id))["A-004"] == ["flight-rows", "gate-minutes"]


def test_a_confirmation_flags_urgently_and_its_undo_takes_exactly_those_flags(office: FrontOffice) -> None:
    around_the_case(office)
    told: list[Mapping[str, int]] = []
    desk = desk_of(office, told)
    case_id, other_id = desk.open(MANAGER, DATA), desk.open(MANAGER, named("示例路人"))
    told.clear()  # the case's own pass
    action_id = confirm(desk, case_id, "A-002", "A-003")
    assert len(told) == 1
    assert set(told[0]) == {A}
    with office.database.read() as connection:
        log = roster_log.c
        urgent = select(log.urgent).where(log.site_id == A, log.worker_id == "A-002")
        assert connection.scalar(urgent) is True
    (flag,) = flags(office, "A-002")
    assert (flag.level, flag.category, flag.reason) == (FlagLevel.HOLD, "pass-yellow", "contact")
    assert flag.valid_until == at("03-01 00:00") + timedelta(days=15)  # last met on 1 March
    assert len(flags(office, "A-003")) == 2  # one was there before
    kept = Flag(level=FlagLevel.NOTIFY, reason="示例", category="contact")
    with office.database.write() as connection:
        registry.add_flag(connection, "A-002", kept, now=office.now())
    undone = desk.undo_action(MANAGER, case_id, action_id, why="误判")
    assert (undone.contacts, undone.flags, undone.gone) == (2, 2, 0)
    assert [one.flag_id for one in flags(office, "A-002")] == [kept.flag_id]
    assert [one.flag_id for one in flags(office, "A-003")] == ["flag-1"]
    facts = desk.one(MANAGER, case_id)
    assert contact(facts, "A-002").state is ContactState.UNDONE
    assert facts.actions[0].undone_by == MANAGER.user_id
    assert len(told) == 2
    confirm(desk, case_id, "A-002")
    assert len(flags(office, "A-002")) == 2
    assert desk.one(MANAGER, other_id).contacts == ()


def test_of_two_officers_the_second_is_told_and_nothing_happens_twice(office: FrontOffice) -> None:
    around_the_case(office)
    desk = desk_of(office)
    case_id = desk.open(MANAGER, DATA)
    confirm(desk, case_id, "A-002")
    with pytest.raises(DecidedMeanwhile):
        confirm(desk, case_id, "A-002", "A-003", viewer=SUPERVISOR)
    assert len(flags(office, "A-002")) == 1
    assert [one.flag_id for one in flags(office, "A-003")] == ["flag-1"]
    with pytest.raises(DecidedMeanwhile):
        desk.dismiss(MANAGER, case_id, [contact(desk.one(MANAGER, case_id), "A-002").contact_id], why="示例")


@ON_ONE
def test_a_flag_that_was_removed_or_moved_to_another_record_is_undone_all_the_same(
    office: FrontOffice,
) -> None:
    around_the_case(office)
    desk = desk_of(office)
    case_id = desk.open(MANAGER, DATA)
    action_id = confirm(desk, case_id, "A-002", "A-004")
    (removed,), (moved,) = flags(office, "A-002"), flags(office, "A-004")
    with office.database.write() as connection:
        registry.remove_flag(connection, "A-002", removed.flag_id)
        registry.remove_worker(connection, "A-004")  # its record was merged into A-005
        registry.add_flag(connection, "A-005", moved, now=office.now())
    undone = desk.undo_action(MANAGER, case_id, action_id, why="误判")
    assert (undone.flags, undone.gone) == (1, 1)
    assert flags(office, "A-005") == ()


@ON_ONE
def test_whoever_has_no_flag_is_confirmed_all_the_same(office: FrontOffice, clock: Clock) -> None:
    around_the_case(office)
    desk = desk_of(office)
    case_id = desk.open(MANAGER, DATA)
    ids = [one.contact_id for one in desk.one(ADMIN, case_id).contacts if one.name in {"示例访客", "样三和"}]
    clock.moves(days=60)  # too late for a flag
    done = desk.confirm(ADMIN, case_id, ids, level=FlagLevel.BLOCK, days=7, why="示例")
    assert (done.flags, done.without_flag) == (0, 2)
    assert desk.undo_action(ADMIN, case_id, done.action_id, why="示例").contacts == 2


def test_a_corrected_trip_leaves_the_contact_and_says_so(office: FrontOffice) -> None:
    around_the_case(office)
    desk = desk_of(office)
    case_id = desk.open(MANAGER, DATA)
    declare(office, "A-002", [], declared_at=office.now() + timedelta(minutes=1))
    desk.trace(MANAGER, case_id)
    reasons = {
        reason.rule_id: reason.holds for reason in contact(desk.one(MANAGER, case_id), "A-002").reasons
    }
    assert reasons == {"flight-rows": False, "team-day": True}


@ON_ONE
def test_somebody_dismissed_is_proposed_again_only_by_another_rule(office: FrontOffice) -> None:
    around_the_case(office)
    desk = desk_of(office)
    case_id = desk.open(MANAGER, DATA)
    desk.dismiss(MANAGER, case_id, [contact(desk.one(MANAGER, case_id), "A-004").contact_id], why="不同时")
    desk.trace(MANAGER, case_id)
    assert contact(desk.one(MANAGER, case_id), "A-004").state is ContactState.DISMISSED
    declare(office, "A-004", [{**FLIGHT, "seat": "11A"}], declared_at=office.now() + timedelta(minutes=1))
    desk.trace(MANAGER, case_id)
    assert contact(desk.one(MANAGER, case_id), "A-004").state is ContactState.PROPOSED


def test_a_named_person_is_traced_by_what_was_told(office: FrontOffice) -> None:
    around_the_case(office)
    desk = desk_of(office)
    told = replace(
        named("示例路人"),
        trips=(Trip("", "flight", "ZZ9001", date(2026, 2, 28), "", "12C"),),
        stays=(Stay("", "", "示例路 1 号", TODAY, TODAY, ""),),
    )
    case_id = desk.open(MANAGER, told)
    found = rules_by_person(desk.one(MANAGER, case_id))
    assert found == {
        CASE_WORKER: ["flight-rows", "lodging"],
        "A-002": ["flight-rows"],
        "A-003": ["lodging"],
    }
    desk.change(MANAGER, case_id, replace(told, trips=(), kind=CaseKind.SUSPECTED))
    facts = desk.one(MANAGER, case_id)
    assert rules_by_person(facts)["A-002"] == []
    assert facts.row.case.data.kind is CaseKind.SUSPECTED
    assert facts.row.case.data.stays[0].label == "示例路 1 号"


@ON_ONE
def test_a_closed_case_rests_and_can_still_be_undone(office: FrontOffice, clock: Clock) -> None:
    around_the_case(office)
    desk = desk_of(office)
    case_id = desk.open(MANAGER, DATA)
    action_id = confirm(desk, case_id, "A-002")
    desk.close(MANAGER, case_id)
    clock.moves(days=1)
    assert CaseWatch(office.database, desk.rules, now=office.now).look() == 0
    with pytest.raises(CaseClosed):
        confirm(desk, case_id, "A-004")
    with pytest.raises(CaseClosed):
        desk.close(MANAGER, case_id)
    assert desk.rows(MANAGER) == []
    assert len(desk.rows(MANAGER, closed_too=True)) == 1
    assert desk.undo_action(MANAGER, case_id, action_id, why="误判").flags == 1
    desk.reopen(MANAGER, case_id)
    assert desk.rows(MANAGER)[0].case.is_open


@ON_ONE
def test_cases_are_for_those_with_the_right_at_that_site(office: FrontOffice) -> None:
    desk = desk_of(office)
    case_id = desk.open(SUPERVISOR, DATA)
    with pytest.raises(NotAllowed):
        desk.rows(CHECKER)
    with pytest.raises(NotAllowed):
        desk.open(CHECKER, DATA)
    with pytest.raises(NotFound):
        desk.one(FOREIGNER, case_id)
    with pytest.raises(NotFound):
        desk.undo(FOREIGNER, case_id, ["x"], why="示例")
    with pytest.raises(NotFound):
        desk.open(FOREIGNER, DATA)
    with pytest.raises(NotFound):
        desk.open(FOREIGNER, replace(DATA, site_id=B))
    with pytest.raises(AlreadyThere):
        desk.open(MANAGER, DATA)
    with pytest.raises(SettingRefused, match="future"):
        desk.open(MANAGER, replace(DATA, from_day=date(2026, 3, 10)))
    assert desk.rows(FOREIGNER) == []


@ON_ONE
def test_every_look_and_decision_leaves_a_line(office: FrontOffice) -> None:
    around_the_case(office)
    desk = desk_of(office)
    case_id = desk.open(MANAGER, DATA)
    action_id = confirm(desk, case_id, "A-002")
    desk.undo_action(MANAGER, case_id, action_id, why="误判")
    facts = desk.export(MANAGER, case_id)
    text = b"".join(contact_pieces(facts, desk.rules, "csv")).decode("utf-8-sig")
    assert "同航班前后三排" in text
    assert "ZZ9001" in text
    assert "B-001" not in text
    lines = audit.lines(office.database, ADMIN, now=office.now())
    actions = [line.action for line in lines if line.subject == f"case:{case_id}"]
    assert actions == [
        Action.EXPORTED_CASE, Action.UNDID_CONTACTS, Action.CONFIRMED_CONTACTS, Action.LOOKED_AT_CASE,
        Action.OPENED_CASE,
    ]  # fmt: skip
    about_worker = [line.action for line in lines if line.subject == "worker:A-002"]
    assert about_worker == [Action.UNFLAGGED_WORKER, Action.FLAGGED_WORKER]


FIELDS = {
    "site_id": A,
    "kind": "suspected",
    "worker_id": " A-001 ",
    "name": "",
    "onset_on": "2026-03-01",
    "from_day": "",
    "until_day": "",
    "trips": "航班 zz-9001 2026-02-28 12a\n\n火车，G9977，2026-02-28，03，1A",
    "place": "",
    "room": "",
    "remarks": "",
}


def test_a_form_takes_the_window_from_the_onset_and_trips_from_lines() -> None:
    data = case_data(shipped_rules(), **FIELDS)
    assert (data.worker_id, data.kind) == (CASE_WORKER, CaseKind.SUSPECTED)
    assert (data.from_day, data.until_day) == (date(2026, 2, 27), date(2026, 3, 15))
    assert data.trips == (
        Trip("", "flight", "ZZ9001", date(2026, 2, 28), "", "12A"),
        Trip("", "train", "G9977", date(2026, 2, 28), "03", "1A"),
    )
    assert trip_lines(trip_text(data.trips)) == data.trips


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"worker_id": ""}, "one worker or one named person"),
        ({"name": "示例"}, "one worker or one named person"),
        ({"onset_on": ""}, "infectious days"),
        ({"onset_on": "昨天"}, "onset"),
        ({"from_day": "2026-03-20"}, "ends before"),
        ({"until_day": "2026-12-20"}, "longer than 60"),
        ({"trips": "航班 示1 2026-02-28\n骑马 示2 2026-02-28"}, "trip 2"),
        ({"trips": "航班 示1 2026-02-31"}, "trip 1"),
        ({"trips": "客车 示1 2026-02-28 3 4"}, "no train"),
        ({"remarks": "长" * 2001}, "too long"),
    ],
)
def test_a_form_that_cannot_be_right_is_refused_by_its_field(changes: dict[str, str], told: str) -> None:
    with pytest.raises(SettingRefused, match=told):
        case_data(shipped_rules(), **{**FIELDS, **changes})
