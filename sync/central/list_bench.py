"""How long a list of a million rows takes to load and to be held against everybody registered."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, insert, select, text

from sync.central import persons, registry, site_registry, tables
from sync.central.database import POSTGRESQL, Database
from sync.central.list_import import ListTerms, import_list
from sync.central.list_keys import ListKeys
from sync.central.list_matching import ListMatcher
from sync.central.person_vault import PersonVault
from sync.central.tables_lists import watch_list_entries, watch_matches
from sync.central.tables_people import persons as person_rows
from sync.people import DocumentType, Person
from sync.records import FlagLevel, Worker
from sync.resident_number import check_character

ENTRIES, PEOPLE, NEWCOMERS = 1_000_000, 336_000, 200
BROKEN = 3
LIST_ID, SITES = "bench-list", 40

_VAULT = PersonVault(bytes(range(32)))
_FIRST_DAY, _DAYS = date(1950, 1, 1), 20_000
_SEQUENCES = 1_000
_FILL_ROWS = 10_000
_LISTED_EVERY = 1_000
"""One of so many people is on the list, half of them with a slip."""

_PASSPORT_EVERY, _SLIP_EVERY, _SHORT_EVERY, _PHONE_EVERY = 50, 40, 60, 25
_REGIONS = ("110105", "310101", "440106", "510104", "610102", "330106", "420102", "370202")
_LISTED_REGION = "500103"
"""Of those on the list whom nobody knows: they share a number with nobody."""


@dataclass(frozen=True, slots=True)
class MatchingFigures:
    """Times in s; `cpu`: of the processor, in all threads of this process, without the database's."""

    entries: int
    broken: int
    people: int
    list_bytes: int
    import_s: float
    import_cpu_s: float
    matching_s: float
    matching_cpu_s: float
    slices_s: tuple[float, ...]
    flagged: int
    to_confirm: int


@dataclass(frozen=True, slots=True)
class IncrementalFigures:
    """Of one new worker each, from the look into the queue to the flag committed, in s; `cpu_s`: the mean."""

    newcomers: int
    flagged: int
    times_s: tuple[float, ...]
    cpu_s: float


def fill_registry(database: Database, people: int) -> None:
    """Made-up workers with papers and telephones at 40 sites of an empty database."""
    now = datetime.now(UTC)
    with database.write() as connection:
        for number in range(SITES):
            site_registry.put_site(
                connection, _site(number), name=f"示例工地 {number}", timezone="Asia/Shanghai", now=now
            )
    for start in range(0, people, _FILL_ROWS):
        numbers = range(start, min(people, start + _FILL_ROWS))
        with database.write() as connection:
            fixed = {"status": "active", "clearances": [], "created_at": now, "updated_at": now}
            connection.execute(
                insert(tables.workers),
                [{"worker_id": _worker(n), "name": _name(n), "phone": _phone(n), **fixed} for n in numbers],
            )
            connection.execute(
                insert(tables.worker_sites),
                [{"worker_id": _worker(n), "site_id": _site(n % SITES)} for n in numbers],
            )
            connection.execute(insert(person_rows), [_person_row(n, now) for n in numbers])
    if database.dialect == POSTGRESQL:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def a_list(entries: int, people: int) -> bytes:
    """A CSV of that many rows, three of them broken; some people of the registry are on it."""
    chosen = random.Random(1)  # noqa: S311 - places, not secrets
    listed = chosen.sample(range(people), max(2, people // _LISTED_EVERY))
    rows = list(_strangers(entries - len(listed)))
    for number in listed:
        own = _document(number)
        rows.insert(chosen.randrange(len(rows)), f"示例在册,{own if number % 2 else _slipped(own)},")
    for at in range(min(BROKEN, entries // 10)):
        rows[at * (entries // 10)] = "示例,123,"
    return "\n".join(("姓名,证件号码,电话", *rows)).encode()


def measure_matching(database: Database, *, entries: int, people: int) -> MatchingFigures:
    """Import a list over what `fill_registry` made and match it to the end, as the running centre does."""
    raw = a_list(entries, people)
    now = datetime.now(UTC)
    terms = ListTerms(LIST_ID, "示例名单", "示例单位", FlagLevel.BLOCK)
    began, cpu_began = time.perf_counter(), time.process_time()
    report = import_list(
        database, ListKeys(_VAULT.list_key), terms, "bench.csv", raw, by="bench", now=now
    ).report
    import_s, import_cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    matcher = _matcher(database)
    slices_s = []
    cpu_began = time.process_time()
    while True:
        began = time.perf_counter()
        is_done = not matcher.look()
        slices_s.append(time.perf_counter() - began)
        if is_done:
            break
    matching_cpu_s = time.process_time() - cpu_began
    with database.read() as connection:
        exact = connection.scalar(select(func.count()).where(watch_matches.c.is_exact)) or 0
        every = connection.scalar(select(func.count()).select_from(watch_matches)) or 0
        kept = connection.scalar(select(func.count()).select_from(watch_list_entries)) or 0
    return MatchingFigures(
        kept,
        report.broken,
        people,
        len(raw),
        import_s,
        import_cpu_s,
        sum(slices_s),
        matching_cpu_s,
        tuple(slices_s),
        exact,
        every - exact,
    )


def measure_incremental(database: Database, *, people: int, newcomers: int = NEWCOMERS) -> IncrementalFigures:
    """Register one after the other; every second one is on the list that `measure_matching` imported."""
    matcher, now = _matcher(database), datetime.now(UTC)
    matcher.match_now([_worker(0)])
    listed = _listed_strangers(newcomers)
    times_s, flagged, cpu_s = [], 0, 0.0
    for count in range(newcomers):
        number = people + count
        document = next(listed) if count % 2 else _document(number)
        worker = Worker(worker_id=_worker(number), name=_name(number), site_ids=(_site(number % SITES),))
        person = Person(
            worker_id=worker.worker_id,
            document_type=DocumentType.RESIDENT_ID,
            document_number=document,
        )
        with database.write() as connection:
            registry.put_worker(connection, worker, now=now)
            persons.put_person(connection, _VAULT, person, now=now)
        began, cpu_began = time.perf_counter(), time.process_time()
        matcher.look()
        times_s.append(time.perf_counter() - began)
        cpu_s += time.process_time() - cpu_began
        with database.read() as connection:
            flagged += bool(registry.worker(connection, worker.worker_id).flags)
    return IncrementalFigures(newcomers, flagged, tuple(times_s), cpu_s / newcomers)


def _matcher(database: Database) -> ListMatcher:
    return ListMatcher(database, _VAULT, now=lambda: datetime.now(UTC))


def _strangers(count: int) -> Iterator[str]:
    """As lists have them: most by number, some with a slip, 15 digits, a passport or a telephone alone."""
    for number in range(count):
        document = _resident(_LISTED_REGION, number)
        if number % _SLIP_EVERY == 1:
            document = _slipped(document)
        elif number % _SHORT_EVERY == 1:
            document = document[:6] + document[8:17]
        elif number % _PASSPORT_EVERY == 1:
            document = f"EX{number:07d}"
        elif number % _PHONE_EVERY == 1:
            yield f"示例名单,,19{number:09d}"
            continue
        yield f"示例名单,{document},"


def _listed_strangers(count: int) -> Iterator[str]:
    """Numbers that stand in every such list, as they are."""
    return (_resident(_LISTED_REGION, number * 100 + 2) for number in range(1, count + 1))


def _person_row(number: int, now: datetime) -> dict[str, object]:
    worker_id, document = _worker(number), _document(number)
    kind = DocumentType.RESIDENT_ID if document[0].isdigit() else DocumentType.PASSPORT
    return {
        "worker_id": worker_id,
        "document_type": kind.value,
        "number_sealed": _VAULT.seal(document, bound_to=worker_id),
        "number_hash": _VAULT.hash(kind, document),
        "birth_date": None,
        "sex": "",
        "address": "",
        "guardian_name": "",
        "guardian_phone": "",
        "updated_at": now,
    }


def _document(number: int) -> str:
    if number % _PASSPORT_EVERY == _PASSPORT_EVERY - 1:
        return f"P{number:08d}"
    return _resident(_REGIONS[number % len(_REGIONS)], number)


def _resident(region: str, number: int) -> str:
    born = _FIRST_DAY + timedelta(days=number * 7919 % _DAYS)
    body = f"{region}{born:%Y%m%d}{number // _DAYS % _SEQUENCES:03d}"
    return body + check_character(body)


def _slipped(document: str) -> str:
    """With one digit wrong; a passport stays."""
    if not document[0].isdigit():
        return document
    wrong = str((int(document[15]) + 1) % 10)
    return document[:15] + wrong + document[16:]


def _worker(number: int) -> str:
    return f"B-{number:07d}"


def _site(number: int) -> str:
    return f"bench-{number:02d}"


def _name(number: int) -> str:
    return f"示例{number % 5000}"


def _phone(number: int) -> str:
    return f"13{number:09d}"
