"""The parts of `bench sync` that load the centre: ingest, the console's query, a thousand gates."""

from __future__ import annotations

import random
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
from sqlalchemy import Connection, func, select, text

from gate.bench.sync_figures import Figure, Part
from gate.bench.sync_gate import LIVE_LIMIT_S, bench_worker
from gate.bench.sync_load import (
    SAMPLE_WORKERS,
    GateIdentity,
    LoadProcess,
    Plan,
    rate,
    sample_event,
)
from gate.bench.sync_rig import MEGABYTE, TIMEZONE, Centre, Meter, Use
from models.bench_report import percentiles
from sync.central import registry, site_registry, tables
from sync.central.access_log import AccessLog, EventFilter
from sync.central.accounts_access import Role, Viewer
from sync.central.database import Database
from sync.records import Event

SITE = "bench-site"
INGEST_PROCESSES = 2
INGEST_GATES = 20
INGEST_EVENTS_IN_FLIGHT = 100
BACKLOG_BATCHES_IN_FLIGHT, BACKLOG_BATCH_EVENTS = 3, 200
"""What a gate keeps on its way by default."""
INGEST_LIMIT_PER_S = 2_000.0
QUERY_LIMIT_S = 0.3
"""The project's targets."""
WARM_UP_S = 2.0
QUERY_SITES = 20
EVENTS_PER_DAY = 60_000
"""A district of 30,000 workers who come and go once."""
FILL_PIECE = 250_000
GATES_PER_SITE = 20
HEARTBEAT_S = 30.0
"""The gate's default."""
EVENT_EVERY_S = 5.0
_SEED = 20260302


def ingest(folder: Path, database_url: str, *, seconds: float, batch_events: int) -> Part:
    """As many events as two ingest processes take, everything on this machine."""
    in_flight = max(1, INGEST_EVENTS_IN_FLIGHT // batch_events)
    with Centre(folder, database_url, ingest_processes=INGEST_PROCESSES) as centre:
        gates = centre.add_gates(SITE, [f"gate-{number}" for number in range(INGEST_GATES)])
        _register(centre.database)
        plan = Plan(
            centre.port,
            tuple(GateIdentity.of(one) for one in gates),
            centre.public_key.public_bytes_raw(),
            seconds + WARM_UP_S,
            batch_events=batch_events,
            in_flight=in_flight,
        )
        with LoadProcess(plan) as load:
            meters = {
                "ingest processes": Meter(*centre.processes),
                "broker": Meter(centre.broker_pid),
                "load": Meter(load.pid),
            }
            report = load.measure()
            uses = {name: meter.read() for name, meter in meters.items()}
        with centre.database.read() as connection:
            arrived = connection.scalar(select(func.count()).select_from(tables.events)) or 0
        dialect = centre.database.dialect
    per_s = rate(report.acked, after_s=WARM_UP_S, until_s=WARM_UP_S + seconds)
    postgresql = dialect == "postgresql"
    waited = percentiles(report.latencies_s)
    return Part(
        f"ingest {'PostgreSQL' if postgresql else 'SQLite'}",
        f"{INGEST_PROCESSES} ingest processes, {INGEST_GATES} gates with {in_flight} batches "
        f"of {batch_events} on their way each; {seconds:g} s counted after {WARM_UP_S:g} s; broker, database "
        "and load on the same cores; an event counts when its acknowledgement is back at the gate",
        [
            Figure(
                "ingest, sustained", per_s, "events/s", at_least=INGEST_LIMIT_PER_S if postgresql else None
            ),
            Figure("batch to acknowledgement, p50", waited["p50"], "s"),
            Figure("batch to acknowledgement, p99", waited["p99"], "s"),
            Figure(
                "sent and not stored, or stored twice",
                float(abs(report.sent_events - arrived)),
                "events",
                at_most=0.0,
            ),
            Figure("bytes per event on the wire", report.sent_bytes / max(1, report.sent_events), "bytes"),
            *_use_figures(uses),
        ],
        {"acked_at_s": [at_s for at_s, _ in report.acked], "acked": [float(one) for _, one in report.acked]},
    )


def outage(folder: Path, database_url: str, *, queued: int, limit_s: float) -> Part:
    """The centre was away and every gate has backlog, while people go on passing everywhere."""
    with Centre(folder, database_url) as centre:
        gates = centre.add_gates(SITE, [f"gate-{number}" for number in range(INGEST_GATES)])
        _register(centre.database)
        plan = Plan(
            centre.port,
            tuple(GateIdentity.of(one) for one in gates),
            centre.public_key.public_bytes_raw(),
            limit_s,
            batch_events=BACKLOG_BATCH_EVENTS,
            in_flight=BACKLOG_BATCHES_IN_FLIGHT,
            total_events=queued,
            backlog=True,
            event_every_s=1.0,
        )
        with LoadProcess(plan) as load:
            report = load.measure()
        with centre.database.read() as connection:
            arrived = connection.scalar(select(func.count()).select_from(tables.events)) or 0
    seconds = max((at_s for at_s, _ in report.acked), default=float("nan"))
    waited = percentiles(report.live_latencies_s)
    return Part(
        "outage",
        f"{queued} events of backlog from {INGEST_GATES} gates at once, {BACKLOG_BATCHES_IN_FLIGHT} batches "
        f"of {BACKLOG_BATCH_EVENTS} on their way each, and a live event per gate and second; one process of "
        "the centre, PostgreSQL; live events count until their acknowledgement is back",
        [
            Figure("backlog drained in", seconds, "s"),
            Figure("backlog per second", queued / seconds, "events/s"),
            Figure(
                "sent and not stored, or stored twice",
                float(abs(report.sent_events - arrived)),
                "events",
                at_most=0.0,
            ),
            Figure("live events meanwhile", float(len(report.live_latencies_s)), "events"),
            Figure("live event, p50", waited["p50"], "s"),
            Figure("live event, p99", waited["p99"], "s", at_most=LIVE_LIMIT_S),
            Figure("live event, slowest", max(report.live_latencies_s, default=float("nan")), "s"),
        ],
        {"outage_live_s": report.live_latencies_s},
    )


def crowd(folder: Path, database_url: str, *, gates: int, seconds: float) -> Part:
    """Many gates on one broker, each with heartbeat and events."""
    with Centre(folder, database_url) as centre:
        credentials = []
        for start in range(0, gates, GATES_PER_SITE):
            names = [f"gate-{number}" for number in range(start, min(start + GATES_PER_SITE, gates))]
            credentials += centre.add_gates(f"site-{start // GATES_PER_SITE}", names)
        _register(centre.database)
        plan = Plan(
            centre.port,
            tuple(GateIdentity.of(one) for one in credentials),
            centre.public_key.public_bytes_raw(),
            seconds,
            event_every_s=EVENT_EVERY_S,
            heartbeat_every_s=HEARTBEAT_S,
        )
        idle_mb = psutil.Process(centre.broker_pid).memory_info().rss / MEGABYTE
        with LoadProcess(plan) as load:
            meters = {
                "broker": Meter(centre.broker_pid),
                "centre": Meter(*centre.processes),
                "load": Meter(load.pid),
            }
            report = load.measure()
            uses = {name: meter.read() for name, meter in meters.items()}
        with centre.database.read() as connection:
            arrived = connection.scalar(select(func.count()).select_from(tables.events)) or 0
    waited = percentiles(report.live_latencies_s)
    return Part(
        "crowd",
        f"{gates} simulated gates on one mosquitto, a heartbeat every {HEARTBEAT_S:g} s and an event "
        f"every {EVENT_EVERY_S:g} s each, every event in a batch of its own, for {seconds:g} s; one process "
        "of the centre, PostgreSQL",
        [
            Figure("gates connected", float(gates), ""),
            Figure("all connected within", report.connected_in_s, "s"),
            Figure("messages up", report.sent_messages / seconds, "1/s"),
            Figure("events", report.sent_events / seconds, "events/s"),
            Figure("event to acknowledgement, p50", waited["p50"], "s"),
            Figure("event to acknowledgement, p99", waited["p99"], "s"),
            Figure(
                "sent and not stored, or stored twice",
                float(abs(report.sent_events - arrived)),
                "events",
                at_most=0.0,
            ),
            Figure("broker memory before", idle_mb, "MB"),
            *_use_figures(uses),
        ],
    )


def console(database_url: str, *, events: int, queries: int) -> Part:
    """The access log of one site and one day, in a log of many sites and months."""
    with Database.open(database_url) as database:
        start_s = time.perf_counter()
        days = _fill(database, events)
        fill_s = time.perf_counter() - start_s
        bytes_per_event = _size(database) / max(1, events)
        viewer = Viewer("bench", "bench", Role.ADMIN, None)
        log = AccessLog(database, now=lambda: datetime.now(UTC))
        rng = random.Random(_SEED)  # noqa: S311 - which day is looked at, no secret
        pages_s, counts_s, seconds_s = [], [], []
        for _ in range(queries):
            wanted = _one_day(f"site-{rng.randrange(QUERY_SITES)}", rng.choice(days))
            began_s = time.perf_counter()
            page = log.page(viewer, wanted)
            paged_s = time.perf_counter()
            log.count(viewer, wanted)
            counted_s = time.perf_counter()
            pages_s.append(paged_s - began_s)
            counts_s.append(counted_s - paged_s)
            if page.next_cursor:
                log.page(viewer, wanted, cursor=page.next_cursor)
                seconds_s.append(time.perf_counter() - counted_s)
    whole_s = [page + count for page, count in zip(pages_s, counts_s, strict=True)]
    return Part(
        "console",
        f"{events} events of {QUERY_SITES} sites and {len(days)} days in PostgreSQL; {queries} times a "
        "random site and day: the page of 50 lines with its line in the audit, and the number of all",
        [
            Figure("events in the log", float(events), "events"),
            Figure("page and count, p50", percentiles(whole_s)["p50"], "s"),
            Figure("page and count, p95", percentiles(whole_s)["p95"], "s", at_most=QUERY_LIMIT_S),
            Figure("page alone, p95", percentiles(pages_s)["p95"], "s"),
            Figure("count alone, p95", percentiles(counts_s)["p95"], "s"),
            Figure("second page, p95", percentiles(seconds_s)["p95"], "s"),
            Figure("table and indexes per event", bytes_per_event, "bytes"),
            Figure("filling the log", fill_s, "s"),
        ],
        {"console_s": whole_s},
    )


def _register(database: Database) -> None:
    """Workers whose names the events get; without templates, which no gate here asks for."""
    with database.write() as connection:
        site_id = connection.execute(select(tables.sites.c.site_id).order_by("site_id").limit(1)).scalar_one()
        crowd_of = (bench_worker(number, site_ids=(site_id,)) for number in range(SAMPLE_WORKERS))
        registry.put_workers(connection, ((one, []) for one in crowd_of), now=datetime.now(UTC))


def _use_figures(uses: dict[str, Use]) -> list[Figure]:
    figures = []
    for name, use in uses.items():
        figures.append(Figure(f"{name}, processor", use.cpu, "cores"))
        figures.append(Figure(f"{name}, memory", use.memory_mb, "MB"))
    return figures


def _one_day(site_id: str, day: date) -> EventFilter:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(TIMEZONE))
    return EventFilter(site_id=site_id, since=midnight, until=midnight + timedelta(days=1))


def _fill(database: Database, events: int) -> list[date]:
    """Put events into the log by the database alone; returns the days at the site that have a whole day's."""
    days = max(1, events // EVENTS_PER_DAY)
    first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    sample = sample_event("site-0", "gate-0", 1, worker=0, at=first)
    with database.write() as connection:
        for number in range(QUERY_SITES):
            site_registry.put_site(
                connection, f"site-{number}", name=f"site {number}", timezone=TIMEZONE, now=first
            )
        # Built at the end, as after a restore: the log is filled here, not measured.
        for index in tables.events.indexes:
            index.drop(connection)
    for start in range(0, events, FILL_PIECE):
        with database.write() as connection:
            _fill_piece(connection, sample, start, min(start + FILL_PIECE, events) - 1, first, days, events)
    with database.write() as connection:
        for index in tables.events.indexes:
            index.create(connection)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE events"))
    zone = ZoneInfo(TIMEZONE)
    return [(first + timedelta(days=day)).astimezone(zone).date() for day in range(1, days)] or [
        first.astimezone(zone).date()
    ]


def _fill_piece(
    connection: Connection, sample: Event, first: int, last: int, began: datetime, days: int, events: int
) -> None:
    connection.execute(
        text(
            "INSERT INTO events (event_id, site_id, gate_id, lane_id, sequence, direction, occurred_at, "
            "local_day, clock_trusted, received_at, replayed, method, outcome, main_reason, worker_id, "
            "worker_known, worker_name, team, employer, passage, record) "
            "SELECT md5(n::text), 'site-' || n % :sites, 'gate-' || n % (:sites * 4), 'lane-' || n % 2, n, "
            "CASE WHEN n % 2 = 0 THEN 'in' ELSE 'out' END, at, (at AT TIME ZONE :timezone)::date, true, at, "
            "false, 'face', CASE WHEN n % 50 = 0 THEN 'deny' ELSE 'allow' END, "
            "CASE WHEN n % 50 = 0 THEN 'not_registered' ELSE 'ok' END, "
            "'W-' || lpad((n % 30000)::text, 6, '0'), true, "
            "'W-' || n % 30000, 'team ' || n % 400, 'employer ' || n % 60, 'unknown', :record "
            "FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n, "
            "LATERAL (SELECT CAST(:began AS timestamptz) + n * CAST(:step AS interval) AS at) AS moment"
        ),
        {
            "sites": QUERY_SITES,
            "timezone": TIMEZONE,
            "record": sample.model_dump_json(),
            "first": first,
            "last": last,
            "began": began,
            "step": timedelta(days=days) / events,
        },
    )


def _size(database: Database) -> int:
    with database.read() as connection:
        return int(connection.scalar(text("SELECT pg_total_relation_size('events')")) or 0)
