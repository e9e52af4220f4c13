"""What stands in the exported files of houses and buses: the columns, zh and en."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sync.central.exports import Cell, wall
from sync.central.exports_tables import pieces_of
from sync.central.lodging_desk import HouseRow
from sync.central.transport import Bus
from sync.central.transport_steps import Step

HOUSE_HEADING = (
    "工地 Site", "区 District", "街道 Sub-district", "地址 Address", "房东 Landlord", "电话 Phone",
    "房间 Rooms", "已用房间 Rooms used", "可住 Capacity", "现住 People", "超员 Too full",
    "多处居住 In two houses", "状态 State", "风险 Risk",
    "风险原因 Reason", "风险截止 Risk until", "上次排查 Last check", "下次排查 Next check due",
)  # fmt: skip
BUS_HEADING = (
    "工地 Site", "日期 Date", "车牌 Plate", "出发 From", "到达 To", "驾驶员 Driver", "座位 Seat", "姓名 Name",
    "工号 Worker", "电话 Phone", "体温 °C", "最高体温 Highest °C", "未上车 Absent", "结果 Outcome",
    "消毒 Disinfected", "测温 Measured", "核查 Checked", "入场 Entered",
)  # fmt: skip


def house_pieces(rows: Iterable[HouseRow], file_format: str) -> Iterator[bytes]:
    """Houses as `csv` or `xlsx`."""
    return pieces_of(HOUSE_HEADING, _house_cells(rows), file_format, "houses")


def bus_pieces(buses: Iterable[Bus], file_format: str) -> Iterator[bytes]:
    """Buses as `csv` or `xlsx`: one row per rider."""
    return pieces_of(BUS_HEADING, _bus_cells(buses), file_format, "buses")


def _house_cells(rows: Iterable[HouseRow]) -> Iterator[tuple[Cell, ...]]:
    for row in rows:
        house = row.house
        yield (
            house.site_name,
            house.district,
            house.sub_district,
            house.address,
            house.landlord_name,
            house.landlord_phone,
            house.rooms,
            row.rooms_used,
            house.capacity,
            row.people,
            row.is_over,
            " ".join(row.twice),
            house.state.value,
            house.risk.value,
            house.risk_reason,
            wall(house.risk_until, house.zone),
            wall(house.last_check_at, house.zone),
            wall(row.due_at, house.zone),
        )


def _bus_cells(buses: Iterable[Bus]) -> Iterator[tuple[Cell, ...]]:
    for bus in buses:
        marks = bus.manifest.marks
        steps = [wall(marks[step].at if step in marks else None, bus.zone) for step in Step]
        for facts in bus.riders:
            rider = facts.rider
            yield (
                bus.site_name,
                bus.travelled_on,
                bus.number,
                bus.origin,
                bus.destination,
                bus.driver_name,
                rider.seat,
                rider.name,
                facts.worker_id,
                facts.phone,
                rider.temperature_c,
                rider.highest_c,
                rider.absent,
                facts.outcome.value if facts.outcome else "",
                *steps,
            )
