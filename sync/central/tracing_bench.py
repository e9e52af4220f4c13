"""How long one case takes among a million trips and ten million passages of attendance."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text

from sync.central import site_registry
from sync.central.cases import CaseData, CaseKind, case_of, keep_found, open_case
from sync.central.database import POSTGRESQL, Database
from sync.central.errors import SettingRefused
from sync.central.tables import events
from sync.central.tables_cases import cases
from sync.central.tables_declarations import trips as trips_table
from sync.central.tracing import trace
from sync.tracing import shipped_rules

TRIPS = 1_000_000
PASSAGES = 10_000_000
RUNS = 5
WORKERS = 100_000
WANTED_S = 5.0

_DAY = date(2026, 1, 31)
"""The onset of every case."""

_SITES, _GATES, _TEAM = 40, 4, 40
_TRIP_DAYS = 60
_PASSAGES_A_DAY = 4
_STRIDE = 7919
"""From one case to the next: a prime, as in the seats."""

_SEATS = 180
"""People in one vehicle."""


_STATEMENTS = (
    """INSERT INTO workers (worker_id, name, status, team, employer, clearances, created_at, updated_at)
       SELECT 'B-' || lpad(n::text, 6, '0'), '示例', 'active', '班组 ' || n / :team, '示例建工', '[]',
              now(), now() FROM generate_series(0, :workers - 1) n""",
    """INSERT INTO worker_sites (worker_id, site_id)
       SELECT 'B-' || lpad(n::text, 6, '0'), 'bench-' || lpad((n / :team % :sites)::text, 2, '0')
       FROM generate_series(0, :workers - 1) n""",
    # One declaration per trip, of the day after it.
    """INSERT INTO declarations (declaration_id, form_id, form_version, site_id, worker_id, local_day,
              declared_at, received_at, source, answers)
       SELECT 'D-' || n, 'worker-declaration', 1, 'bench-00', 'B-' || lpad((n % :workers)::text, 6, '0'),
              cast(:first_trip AS date) + (n / :workers)::int, now(), now(), 'phone', '{}'
       FROM generate_series(0, :trips - 1) n""",
    """INSERT INTO trips (declaration_id, worker_id, kind, number, travelled_on, carriage, seat, seat_row)
       SELECT 'D-' || n, 'B-' || lpad((n % :workers)::text, 6, '0'),
              (ARRAY['flight', 'train', 'bus', 'ship'])[1 + vehicle % 4], 'ZZ' || vehicle,
              cast(:first_trip AS date) + (n / :workers * 5 + vehicle % 5)::int,
              CASE WHEN vehicle % 4 = 1 THEN (place / 60)::text ELSE '' END,
              place / 6 % 30 + 1 || substr('ABCDEF', (place % 6 + 1)::int, 1), place / 6 % 30 + 1
       FROM (SELECT n, n * 7919 % :workers / :seats AS vehicle, n * 7919 % :workers % :seats AS place
             FROM generate_series(cast(0 AS bigint), :trips - 1) n) made""",
    """INSERT INTO declared_stays (declaration_id, worker_id, local_day, kind, place, room)
       SELECT declaration_id, worker_id, local_day, 'rented', '示例路 ' || substr(worker_id, 3, 4), '101'
       FROM declarations""",
    """INSERT INTO events (event_id, site_id, gate_id, lane_id, sequence, direction, occurred_at, local_day,
              clock_trusted, received_at, replayed, method, outcome, main_reason, worker_id, worker_known,
              worker_name, team, employer, passage, record)
       SELECT 'E-' || n, 'bench-' || lpad((person / :team % :sites)::text, 2, '0'),
              'gate-' || person % :gates, 'lane-1', n, CASE WHEN part % 2 = 0 THEN 'in' ELSE 'out' END, at,
              (at AT TIME ZONE 'Asia/Shanghai')::date, true, at, false, 'face', 'allow', 'ok',
              'B-' || lpad(person::text, 6, '0'), true, '示例', '班组 ' || person / :team, '示例建工',
              'passed', '{}'
       FROM (SELECT n, person, part,
                    (cast(:first_day AS date) + day::int)::timestamp AT TIME ZONE 'UTC' + (ARRAY[
                        interval '22 hours', interval '28 hours', interval '29 hours', interval '34 hours'
                    ])[1 + part] + interval '1 second' * (person * 6007 % 3600) AS at
             FROM (SELECT n, n % :workers AS person, (n / :workers % :a_day)::int AS part,
                          n / :workers / :a_day AS day
                   FROM generate_series(cast(0 AS bigint), :passages - 1) n) numbered) made""",
)
"""Rows made by the server: a million a minute through the driver would be an hour."""


@dataclass(frozen=True, slots=True)
class TracingFigures:
    """Times of tracing and keeping one case, in s; contacts and candidates of the largest case."""

    trips: int
    passages: int
    runs: int
    median_s: float
    max_s: float
    contacts: int
    candidates: int


def measure_tracing(database: Database, *, runs: int = RUNS) -> TracingFigures:
    """Trace one new case after the other over what `fill_for_tracing` made; each of another worker."""
    rules = shipped_rules()
    window = rules.window.around(_DAY)
    times_s, people, candidates = [], 0, 0
    with database.read() as connection:
        workers = connection.execute(text("SELECT count(*) FROM workers")).scalar_one()
    for run in range(runs):
        worker_id = _worker_id(run * _STRIDE % workers)
        now = datetime.now(UTC)
        with database.write() as connection:
            site_id = connection.execute(
                text("SELECT site_id FROM worker_sites WHERE worker_id = :id"), {"id": worker_id}
            ).scalar_one()
            data = CaseData(site_id, CaseKind.CONFIRMED, *window, worker_id, onset_on=_DAY)
            case_id = open_case(connection, data, by="bench", now=now)
        started = time.perf_counter()
        with database.read() as connection:
            case = case_of(connection.execute(cases.select().where(cases.c.case_id == case_id)).one())
            found = trace(connection, case.subject, rules)
        with database.write() as connection:
            keep_found(connection, case, found, seen_trip=0, now=now)
        times_s.append(time.perf_counter() - started)
        people = max(people, len({reason.person for reason in found.reasons}))
        candidates = max(candidates, found.candidates)
    with database.read() as connection:
        trips = connection.execute(text("SELECT count(*) FROM trips")).scalar_one()
        passages = connection.execute(text("SELECT count(*) FROM events")).scalar_one()
    times_s.sort()
    return TracingFigures(trips, passages, runs, times_s[len(times_s) // 2], times_s[-1], people, candidates)


def fill_for_tracing(
    database: Database, *, trips: int = TRIPS, passages: int = PASSAGES, workers: int = WORKERS
) -> None:
    """Made-up people, trips and passages in an empty PostgreSQL; minutes for the full size.

    Workers at 40 sites, teams of 40, four passages a day in two rush hours; trips of 60 days, 180
    people in each vehicle, one kind after the other. Raises SettingRefused for SQLite.
    """
    if database.dialect != POSTGRESQL:
        raise SettingRefused("tracing is measured on PostgreSQL", next_step="give --database postgresql://…")
    now = datetime.now(UTC)
    with database.write() as connection:
        for number in range(_SITES):
            site_registry.put_site(
                connection, _site_id(number), name=f"示例工地 {number}", timezone="Asia/Shanghai", now=now
            )
        sizes = {
            "workers": workers,
            "sites": _SITES,
            "gates": _GATES,
            "team": _TEAM,
            "trips": trips,
            "seats": _SEATS,
            "passages": passages,
            "a_day": _PASSAGES_A_DAY,
            "first_day": _DAY - timedelta(days=max(1, passages // (workers * _PASSAGES_A_DAY) // 2)),
            "first_trip": _DAY - timedelta(days=_TRIP_DAYS // 2),
        }
        # Indexes are made afterwards: row by row they would take most of an hour.
        indexes = [*events.indexes, *trips_table.indexes]
        for index in indexes:
            index.drop(connection)
        for statement in _STATEMENTS:
            connection.execute(text(statement), sizes)
        for index in indexes:
            index.create(connection)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _worker_id(number: int) -> str:
    return f"B-{number:06d}"


def _site_id(number: int) -> str:
    return f"bench-{number:02d}"
