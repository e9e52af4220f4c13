"""A small centre: two sites and fictional people, for tests of the console and its documented pictures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from sqlalchemy import insert

from sync.central import registry, roster_log, site_registry, tables
from sync.central.accounts_access import Role
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from sync.records import Direction, Event, Flag, FlagLevel, MatchFacts, Method, Outcome, Passage, Worker
from sync.wire.messages import Health, Presence

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 15, 30, tzinfo=SHANGHAI).astimezone(UTC)
A, B = "site-a", "site-b"
PASSWORD = "blue crane over river"
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""For tests: the real cost would make them slow, and is not what they test."""

FORMULA_NAME = '=HYPERLINK("http://x";"样")'
SQL_NAME = "Robert'); DROP TABLE events;--"

PEOPLE = (
    ("A-001", "样一安", "钢筋一班", A),
    ("A-002", "样二宁", "钢筋一班", A),
    ("A-003", "样三和", "木工二班", A),
    ("A-004", FORMULA_NAME, "木工二班", A),
    ("A-005", SQL_NAME, "钢筋一班", A),
    ("B-001", "样六顺", "电工班", B),
)
A_MATCH = MatchFacts(
    score=0.731,
    threshold=0.452,
    margin=0.388,
    model="sface",
    frames=4,
    agreeing=4,
    roster_size=6,
    threshold_source="bundled",
)
MANAGER_A, SUPERVISOR_A, MANAGER_B, ADMIN = "manager-a", "supervisor-a", "manager-b", "admin"


class Clock:
    """Stands still until it is moved."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def moves(self, **by: float) -> None:
        self.at += timedelta(**by)


def an_event(
    number: int,
    at: datetime,
    *,
    site_id: str = A,
    gate_id: str = "gate-1",
    worker_id: str | None = "A-001",
    direction: Direction = Direction.IN,
    outcome: Outcome = Outcome.ALLOW,
    reasons: tuple[str, ...] = ("ok",),
    passage: Passage | None = None,
    method: Method = Method.FACE,
    note: str = "",
) -> Event:
    return Event(
        event_id=f"{site_id}-{gate_id}-{number}",
        sequence=number,
        site_id=site_id,
        gate_id=gate_id,
        lane_id=f"lane-{direction}",
        direction=direction,
        occurred_at=at,
        method=method,
        outcome=outcome,
        reasons=reasons,
        worker_id=worker_id,
        passage=passage or (Passage.PASSED if outcome is Outcome.ALLOW else Passage.UNKNOWN),
        match=A_MATCH if worker_id else None,
        liveness="live",
        decided_in_ms=212.0,
        note=note,
    )


def event_row(event: Event, people: dict[str, tuple[str, str]], zone: ZoneInfo = SHANGHAI) -> dict[str, Any]:
    """As the ingest writes it."""
    name, team = people.get(event.worker_id or "", ("", ""))
    return {
        **event.model_dump(
            include={
                "event_id",
                "site_id",
                "gate_id",
                "lane_id",
                "sequence",
                "occurred_at",
                "clock_trusted",
                "worker_id",
            }
        ),
        "direction": event.direction.value,
        "method": event.method.value,
        "outcome": event.outcome.value,
        "passage": event.passage.value,
        "main_reason": event.reasons[0] if event.reasons else "",
        "local_day": event.occurred_at.astimezone(zone).date(),
        "received_at": event.occurred_at + timedelta(seconds=1),
        "replayed": False,
        "worker_known": event.worker_id is None or event.worker_id in people,
        "worker_name": name,
        "team": team,
        "employer": "示例建工" if name else "",
        "record": event.model_dump_json(),
    }


def at(text: str) -> datetime:
    """`03-02 07:00` at the sites, as UTC."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI).astimezone(UTC)


def add_events(database: Database, events: Iterable[Event]) -> None:
    people = {worker_id: (name, team) for worker_id, name, team, _ in PEOPLE}
    rows = [event_row(event, people) for event in events]
    with database.write() as connection:
        connection.execute(insert(tables.events), rows)


def fill(database: Database) -> None:
    """Two sites, three gates, six workers, one flag, two days of passages."""
    with database.write() as connection:
        for site_id, name, name_en in ((A, "滨江示例工地", "Riverside"), (B, "北山示例工地", "North hill")):
            site_registry.put_site(
                connection, site_id, name=name, name_en=name_en, timezone="Asia/Shanghai", now=NOW
            )
        for site_id, gate_id, name in (
            (A, "gate-1", "一号门"),
            (A, "gate-2", "二号门"),
            (B, "gate-1", "东门"),
        ):
            site_registry.add_gate(connection, site_id, gate_id, centre=bytes(32), now=NOW, name=name)
        registry.put_workers(
            connection,
            [
                (
                    Worker(
                        worker_id=worker_id, name=name, site_ids=(site_id,), team=team, employer="示例建工"
                    ),
                    None,
                )
                for worker_id, name, team, site_id in PEOPLE
            ],
            now=NOW,
        )
        registry.add_flag(
            connection,
            "A-003",
            Flag(
                flag_id="flag-1", level=FlagLevel.HOLD, category="证件", reason="证件待核", valid_until=None
            ),
            now=NOW,
        )
        digests = roster_log.Digests()
        version, digest, _ = digests.at(connection, A)
        for gate_id, presence, seen_s, outbox in (
            ("gate-1", Presence.ONLINE, 8, 0),
            ("gate-2", Presence.LOST, 1500, 37),
        ):
            health = Health(
                boot_id="boot-1",
                at=NOW,
                outbox_depth=outbox,
                roster_version=version if outbox == 0 else version - 1,
                roster_digest=digest,
                clock_offset_ms=12.5,
                camera="" if outbox == 0 else "no frame for 12 s",
                software="0.1.0",
            )
            connection.execute(
                insert(tables.gate_status).values(
                    site_id=A,
                    gate_id=gate_id,
                    presence=presence.value,
                    presence_at=NOW,
                    last_seen_at=NOW - timedelta(seconds=seen_s),
                    software="0.1.0",
                    health=health.model_dump(mode="json"),
                    health_at=NOW,
                    outbox_depth=health.outbox_depth,
                    roster_version=health.roster_version,
                    roster_digest=health.roster_digest,
                    clock_offset_ms=health.clock_offset_ms,
                )
            )
    add_events(
        database,
        [
            an_event(1, at("03-01 07:00")),
            an_event(2, at("03-01 17:30"), direction=Direction.OUT),
            an_event(3, at("03-01 07:10"), worker_id="A-002"),  # never left: the missing counterpart
            an_event(4, at("03-02 06:55")),
            an_event(5, at("03-02 07:02"), worker_id="A-004"),
            an_event(6, at("03-02 07:03"), worker_id="A-005"),
            an_event(7, at("03-02 07:05"), worker_id=None, outcome=Outcome.DENY, reasons=("not_registered",)),
            an_event(
                8,
                at("03-02 07:06"),
                worker_id="A-003",
                outcome=Outcome.HOLD,
                reasons=("flag_hold", "clearance_ends_soon", "tailgating"),
                note="temperature 36.6 °C; clearance_ends_soon medical until 2026-03-09T00:00+08:00",
            ),
            an_event(9, at("03-02 07:08"), worker_id="A-002", passage=Passage.NOT_PASSED),
            an_event(10, at("03-02 12:00"), worker_id="A-004", direction=Direction.OUT),
            an_event(1, at("03-02 07:20"), site_id=B, worker_id="B-001"),
        ],
    )


def an_office(database: Database, clock: Clock | None = None) -> FrontOffice:
    """The filled centre with one user of each kind."""
    fill(database)
    office = FrontOffice(database, now=clock or Clock(), hasher=QUICK_HASHER)
    for user_id, role, sites in (
        (MANAGER_A, Role.SITE_MANAGER, [A]),
        (SUPERVISOR_A, Role.SUPERVISOR, [A]),
        (MANAGER_B, Role.SITE_MANAGER, [B]),
        (ADMIN, Role.ADMIN, []),
    ):
        office.accounts.add_user(user_id, password=PASSWORD, role=role, site_ids=sites)
    return office
