"""A fictional house, team and bus for tests of lodging and return transport."""

from __future__ import annotations

from datetime import date

from sync.central import lodging
from sync.central.accounts_access import Role, Viewer
from sync.central.front_office import FrontOffice
from sync.central.lodging import House
from sync.central.lodging_forms import BusData, HouseData, TeamData, TenantData
from sync.central.person_vault import PersonVault
from tests.sync.central.console_samples import NOW, A, B

TODAY = date(2026, 3, 2)
"""At the sites, at `NOW`."""

VAULT = PersonVault(bytes(32))
MANAGER = Viewer("manager-a", "", Role.SITE_MANAGER, frozenset({A}))
CHECKER = Viewer("checker-a", "", Role.CHECKER, frozenset({A}))
FOREIGNER = Viewer("manager-b", "", Role.SITE_MANAGER, frozenset({B}))
SUPERVISOR = Viewer("supervisor-a", "", Role.SUPERVISOR, frozenset({A}))
PHONE = "192.0.2.7"
"""The network address of somebody's phone."""

HOUSE = HouseData(A, "示例区", "示例街道", "示例路 1 号", "示例房东", "13800000001", 4, 3)
TEAM = TeamData("示例警", "示例医", "示例干")
BUS = BusData(A, "示A12345", TODAY, "示例县", "滨江示例工地", "示例司机", "13800000009", 6)


def a_house(office: FrontOffice, data: HouseData = HOUSE, *, confirmed: bool = True) -> House:
    """Registered by its landlord and, unless said otherwise, confirmed."""
    with office.database.write() as connection:
        token = lodging.register_house(connection, data, address=PHONE, now=NOW)
        house = lodging.of_landlord(connection, token, now=NOW)
        if confirmed:
            boss = Viewer("admin", "", Role.ADMIN, None)
            lodging.confirm(connection, boss, house.house_id, now=NOW)
        return lodging.of_landlord(connection, token, now=NOW)


def a_tenant(
    office: FrontOffice, house: House, name: str, worker_id: str = "", *, phone: str = "", room: str = "101"
) -> str:
    """Somebody who registers by the code on the door; the stay's id."""
    data = TenantData(name, worker_id, phone, room, TODAY)
    with office.database.write() as connection:
        return lodging.move_in(connection, house.door_token, data, address=PHONE, now=NOW)
