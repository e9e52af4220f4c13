"""Manifests of buses over a real database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from sync.central import audit, transport
from sync.central.accounts_access import NotAllowed, NotFound, Role, Viewer
from sync.central.front_office import FrontOffice
from sync.central.rider_lines import LinesRefused
from sync.central.tables import workers
from sync.central.tables_lodging import bus_riders
from sync.central.transport import Bus
from sync.central.transport_steps import Outcome, Step, StepRefused
from sync.central.typed_fields import Slip
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, B
from tests.sync.central.lodging_samples import BUS, FOREIGNER, MANAGER, SUPERVISOR, VAULT

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

RESIDENT = "11010519491231002X"
FEVER_C = 37.3


def a_bus(office: FrontOffice, text: str = "") -> str:
    with office.database.write() as connection:
        bus_id = transport.add_bus(connection, MANAGER, BUS, now=NOW)
        transport.board_lines(connection, MANAGER, bus_id, text, VAULT, now=NOW)
    return bus_id


def look(office: FrontOffice, bus_id: str) -> Bus:
    with office.database.write() as connection:
        return transport.look(connection, MANAGER, bus_id, now=NOW)


def take(office: FrontOffice, bus_id: str, step: Step) -> Bus:
    with office.database.write() as connection:
        return transport.take(connection, MANAGER, bus_id, step, fever_c=FEVER_C, now=NOW)


def measure(office: FrontOffice, bus_id: str, **by_name: float) -> None:
    ids = {facts.rider.name: facts.rider.rider_id for facts in look(office, bus_id).riders}
    with office.database.write() as connection:
        readings = {ids[name]: value for name, value in by_name.items()}
        transport.measure(connection, MANAGER, bus_id, readings, now=NOW)


def seats(bus: Bus) -> dict[str, int]:
    return {facts.rider.name: facts.rider.seat for facts in bus.riders}


def test_a_pasted_list_fills_the_seats_and_knows_workers(office: FrontOffice) -> None:
    with office.database.write() as connection:
        named = workers.c.worker_id == "A-002"
        connection.execute(update(workers).where(named).values(phone="13800000002"))
    bus = look(office, a_bus(office, f"A-001\n样二宁 13800000002 1\n示例客,{RESIDENT},4"))
    assert seats(bus) == {"样二宁": 1, "样一安": 2, "示例客": 4}
    assert [facts.worker_id for facts in bus.riders] == ["A-002", "A-001", ""]
    with office.database.read() as connection:
        kept = connection.execute(select(bus_riders).where(bus_riders.c.seat == 4)).one()
    assert RESIDENT not in str(tuple(kept))
    assert VAULT.unseal(kept.document_sealed, bound_to=kept.rider_id) == RESIDENT


def test_a_list_with_a_wrong_line_is_not_taken_at_all(office: FrontOffice) -> None:
    bus_id = a_bus(office, "A-001 1")
    with pytest.raises(LinesRefused) as refused, office.database.write() as connection:
        text = "A-002 1\nA-003 9\n别人 A-004\nA-001\n样五 13800000005"
        transport.board_lines(connection, MANAGER, bus_id, text, VAULT, now=NOW)
    assert refused.value.slips == {
        1: Slip.SEAT_TAKEN,
        2: Slip.OUT_OF_RANGE,
        3: Slip.UNKNOWN_WORKER,
        4: Slip.SAME_PERSON,
    }
    assert seats(look(office, bus_id)) == {"样一安": 1}


def test_a_bus_that_is_full_takes_nobody_more(office: FrontOffice) -> None:
    lines = [f"示例{letter} 1380000001{number}" for number, letter in enumerate("甲乙丙丁戊己庚")]
    with pytest.raises(LinesRefused) as refused:
        a_bus(office, "\n".join(lines))
    assert refused.value.slips == {7: Slip.BUS_FULL}


def test_workers_are_picked_by_team_and_not_twice(office: FrontOffice) -> None:
    bus_id = a_bus(office, "A-001")
    with office.database.write() as connection:
        found = transport.to_pick(connection, MANAGER, bus_id, "钢筋", now=NOW)
        assert [one.worker_id for one in found] == ["A-002", "A-005"]
        picked = ["A-001", "A-002", "B-001"]  # on it already, of this site, of another site
        assert transport.board_workers(connection, MANAGER, bus_id, picked, VAULT, now=NOW) == 1


def test_a_bus_enters_after_three_steps_and_the_feverish_are_held(office: FrontOffice) -> None:
    bus_id = a_bus(office, "A-001\nA-002\nA-003")
    with pytest.raises(StepRefused, match="not_disinfected"):
        take(office, bus_id, Step.ENTERED)
    take(office, bus_id, Step.DISINFECTED)
    measure(office, bus_id, 样一安=36.5, 样二宁=38.2)
    with pytest.raises(StepRefused) as refused:
        take(office, bus_id, Step.MEASURED)
    assert refused.value.riders == ("样三和",)
    absent = look(office, bus_id).riders[2].rider.rider_id
    with office.database.write() as connection:
        transport.mark_absent(connection, MANAGER, bus_id, absent, True, now=NOW)
    measure(office, bus_id, 样二宁=36.9)  # the second reading does not undo the first
    bus = look(office, bus_id)
    assert (bus.next_step, bus.manifest.marks[Step.MEASURED].by) == (Step.CHECKED, MANAGER.user_id)
    take(office, bus_id, Step.CHECKED)
    bus = take(office, bus_id, Step.ENTERED)
    assert [facts.outcome for facts in bus.riders] == [Outcome.ENTERED, Outcome.HELD, Outcome.ABSENT]
    with pytest.raises(StepRefused, match="done_already"):
        take(office, bus_id, Step.ENTERED)
    with office.database.write() as connection:
        transport.take_back(connection, MANAGER, bus_id, Step.ENTERED, now=NOW)
    assert [facts.outcome for facts in look(office, bus_id).riders] == [None, None, None]


def test_riders_change_seats_and_leave_the_list_until_the_check(office: FrontOffice) -> None:
    bus_id = a_bus(office, "A-001\nA-002")
    first, second = (facts.rider.rider_id for facts in look(office, bus_id).riders)
    with office.database.write() as connection:
        transport.reseat(connection, MANAGER, bus_id, first, 6, now=NOW)
        with pytest.raises(StepRefused, match="seat_taken"):
            transport.reseat(connection, MANAGER, bus_id, second, 6, now=NOW)
        transport.remove(connection, MANAGER, bus_id, second, now=NOW)
    assert seats(look(office, bus_id)) == {"样一安": 6}
    take(office, bus_id, Step.DISINFECTED)
    measure(office, bus_id, 样一安=36.5)
    take(office, bus_id, Step.CHECKED)
    with office.database.write() as connection:
        with pytest.raises(StepRefused, match="checked_already"):
            transport.reseat(connection, MANAGER, bus_id, first, 1, now=NOW)
        with pytest.raises(StepRefused, match="checked_already"):
            transport.mark_absent(connection, MANAGER, bus_id, first, True, now=NOW)


def test_a_bus_belongs_to_its_site(office: FrontOffice) -> None:
    bus_id = a_bus(office, "A-001")
    with office.database.write() as connection:
        with pytest.raises(NotFound):
            transport.look(connection, FOREIGNER, bus_id, now=NOW)
        with pytest.raises(NotAllowed):
            transport.look(connection, SUPERVISOR, bus_id, now=NOW)
        with pytest.raises(NotFound):
            transport.add_bus(connection, MANAGER, replace(BUS, site_id=B), now=NOW)
        assert transport.recent(connection, FOREIGNER, now=NOW) == []
        (mine,) = transport.recent(connection, MANAGER, now=NOW)
        transport.cancel(connection, MANAGER, bus_id, now=NOW)
    assert mine.bus_id == bus_id
    with pytest.raises(StepRefused, match="cancelled"):
        take(office, bus_id, Step.DISINFECTED)
    actions = {
        line.action for line in audit.lines(office.database, Viewer("admin", "", Role.ADMIN, None), now=NOW)
    }
    assert {"wrote_bus", "looked_at_buses"} <= actions


def test_a_file_holds_more_buses_than_the_list(office: FrontOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LIST_ROWS", 1)
    a_bus(office, "A-001")
    a_bus(office, "A-002")
    with office.database.write() as connection:
        assert len(transport.recent(connection, MANAGER, now=NOW)) == 1
        told = transport.export(connection, MANAGER, now=NOW)
    assert sorted(bus.riders[0].worker_id for bus in told) == ["A-001", "A-002"]
