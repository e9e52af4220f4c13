"""Key-monitoring lists into the database: previewed, loaded as keyed hashes, replaced whole, removed.

A version is loaded in short transactions, so that gates go on delivering events meanwhile, and becomes the
current one in the last of them. Whom it concerns is found by `list_matching`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, tzinfo
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, func, insert, select, update

from sync.central.database import Database
from sync.central.errors import CentralError, SettingRefused
from sync.central.list_keys import ListKeys
from sync.central.statements import insert_or
from sync.central.tables_lists import (
    watch_list_entries,
    watch_list_feeds,
    watch_list_versions,
    watch_lists,
)
from sync.records import FlagLevel
from sync.screening.entries import CATEGORY_CHARACTERS, ListEntry, RowProblem, entry_of
from sync.screening.list_file import ListUnusable, read_list

LOADING, CURRENT, REPLACED, REMOVED = "loading", "current", "replaced", "removed"
ROWS_AT_ONCE = 5000
"""One transaction, some 100 ms: what gates send waits no longer."""

PROBLEMS_KEPT = 1000
ID_CHARACTERS = 64
NAME_CHARACTERS = 200
CHINA = ZoneInfo("Asia/Shanghai")
"""Days of validity in a list are days of China, whatever zone the machine has."""


OnRows = Callable[[int], None]
"""Told from time to time how many rows were read; what it raises ends the import, and nothing changed."""

ROWS_TOLD = 1000


class UnknownList(CentralError, LookupError):
    """No list by that id."""


@dataclass(frozen=True, slots=True)
class ListTerms:
    """What is said about a list as a whole; a row may say otherwise for itself."""

    list_id: str
    name: str
    source: str
    level: FlagLevel
    category: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def checked(self, now: datetime) -> ListTerms:
        """The same without spaces around name and source. Raises SettingRefused."""
        bad_id = not self.list_id.isprintable() or any(one in "/+#" or one.isspace() for one in self.list_id)
        if bad_id or not 0 < len(self.list_id) <= ID_CHARACTERS:
            raise SettingRefused(
                "this cannot be the id of a list", next_step="up to 64 letters, digits and dashes, no space"
            )
        if not self.name.strip() or not self.source.strip():
            raise SettingRefused("a list has a name and a source", next_step="say who issued it")
        if (
            max(len(self.name), len(self.source)) > NAME_CHARACTERS
            or len(self.category) > CATEGORY_CHARACTERS
        ):
            raise SettingRefused("name, source or category is too long", next_step="shorten it")
        if self.valid_until and self.valid_until <= max(now, self.valid_from or now):
            raise SettingRefused(
                "the list ends before it begins, or has ended", next_step="correct the dates"
            )
        return replace(self, name=self.name.strip(), source=self.source.strip())


@dataclass(slots=True)
class Report:
    """What became of the rows of a file. `problems` and `remarks`: row and why, without what it says."""

    rows: int = 0
    entries: int = 0
    duplicates: int = 0
    broken: int = 0
    numbers: int = 0
    phones: int = 0
    names: int = 0
    slips: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    encodings: dict[str, int] = field(default_factory=dict)

    def note(self, row: int, problem: str) -> None:
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append((row, problem))


@dataclass(frozen=True, slots=True)
class Imported:
    """A version that became the current one."""

    list_id: str
    number: int
    version_no: int
    report: Report


def imported_before(connection: Connection, terms: ListTerms, sha256: str) -> Imported | None:
    """The current version, where it was made of the same file on the same (checked) terms."""
    versions, lists = watch_list_versions.c, watch_lists.c
    row = connection.execute(
        select(watch_list_versions, lists.name)
        .join_from(watch_list_versions, watch_lists, lists.list_id == versions.list_id)
        .where(versions.list_id == terms.list_id, versions.state == CURRENT, versions.sha256 == sha256)
    ).first()
    if row is None or terms != ListTerms(
        row.list_id, row.name, row.source, FlagLevel(row.level), row.category, row.valid_from, row.valid_until
    ):
        return None
    report = Report(**row.report)
    report.problems = [(int(number), str(why)) for number, why in report.problems]
    return Imported(row.list_id, row.number, row.version_no, report)


def preview(
    name: str, raw: bytes, *, now: datetime, zone: tzinfo = CHINA, on_rows: OnRows | None = None
) -> Report:
    """Go through a file without keeping anything. Raises ListUnusable."""
    report = Report()
    for _ in _entries(name, raw, report, now, zone, on_rows):
        pass
    _require_entries(name, report)
    return report


def import_list(
    database: Database,
    keys: ListKeys,
    terms: ListTerms,
    name: str,
    raw: bytes,
    *,
    by: str,
    now: datetime,
    signed_by: str = "",
    zone: tzinfo = CHINA,
    on_rows: OnRows | None = None,
) -> Imported:
    """Load a file as the new version of its list; the version before counts until all of it is there.

    Raises:
        ListUnusable: no row of it can be used; nothing changed.
        SettingRefused: `terms` cannot be used.
    """
    terms = terms.checked(now)
    sha256 = hashlib.sha256(raw).hexdigest()
    version_no = _begin(database, terms, name, sha256, by=by, now=now, signed_by=signed_by)
    report = Report()
    try:
        entries = _entries(name, raw, report, now, zone, on_rows)
        while some := list(islice(entries, ROWS_AT_ONCE)):
            near = keys.near(one.near_form for one in some)
            rows = [_row(version_no, terms, keys, one, near.get(one.near_form)) for one in some]
            with database.write() as connection:
                connection.execute(insert(watch_list_entries), rows)
        _require_entries(name, report)
        with database.write() as connection:
            number = _make_current(connection, terms, version_no, report)
    except BaseException:
        _drop(database, version_no)
        raise
    clean_up(database)
    return Imported(terms.list_id, number, version_no, report)


def remove_list(connection: Connection, list_id: str, *, now: datetime) -> None:
    """No entry of it counts any more, and it is fetched no more; `list_matching` takes its flags back.

    Raises UnknownList.
    """
    lists = watch_lists.c
    removed = connection.execute(
        update(watch_lists).where(lists.list_id == list_id, lists.removed_at.is_(None)).values(removed_at=now)
    ).rowcount
    if not removed:
        raise UnknownList(f"no list {list_id}", next_step="`sitegate central list show` names the lists")
    versions = watch_list_versions.c
    connection.execute(
        update(watch_list_versions)
        .where(versions.list_id == list_id, versions.state == CURRENT)
        .values(state=REMOVED)
    )
    connection.execute(delete(watch_list_feeds).where(watch_list_feeds.c.list_id == list_id))


@dataclass(frozen=True, slots=True)
class ListSummary:
    """A list that counts, with its current version. `matched_through`: the worker reached so far."""

    list_id: str
    name: str
    version_no: int
    number: int
    source: str
    level: str
    category: str
    valid_until: datetime | None
    rows: int
    entries: int
    imported_at: datetime
    imported_by: str
    signed_by: str
    matched_through: str
    matched_at: datetime | None


def list_summaries(connection: Connection) -> list[ListSummary]:
    """The lists that count, in order of their ids."""
    both = {
        **dict(watch_list_versions.c.items()),
        "list_id": watch_lists.c.list_id,
        "name": watch_lists.c.name,
    }
    query = (
        select(*(both[name] for name in ListSummary.__dataclass_fields__))
        .join_from(watch_lists, watch_list_versions, watch_list_versions.c.list_id == watch_lists.c.list_id)
        .where(watch_list_versions.c.state == CURRENT)
        .order_by(watch_lists.c.list_id)
    )
    return [ListSummary(*row) for row in connection.execute(query)]


def clean_up(database: Database, *, loading_before: datetime | None = None) -> int:
    """Delete the entries of versions that no longer count; how many versions that were.

    loading_before  versions that began to load before then were given up by a process that ended
    """
    versions, entries = watch_list_versions.c, watch_list_entries.c
    gone = versions.state.in_([REPLACED, REMOVED]) & (versions.entries > 0)
    if loading_before is not None:
        gone |= (versions.state == LOADING) & (versions.imported_at < loading_before)
    with database.read() as connection:
        has_entries = select(entries.version_no).where(entries.version_no == versions.version_no).exists()
        old = list(connection.scalars(select(versions.version_no).where(gone, has_entries)))
    for version_no in old:
        _drop_entries(database, version_no)
    return len(old)


def _entries(
    name: str, raw: bytes, report: Report, now: datetime, zone: tzinfo, on_rows: OnRows | None
) -> Iterator[ListEntry]:
    """Entries, each once; what is wrong with the others goes into `report`."""
    opened = read_list(name, raw)
    today = now.astimezone(zone).date()
    seen: set[int] = set()
    report.ignored = [one[:40] for one in opened.ignored]
    for row in opened.rows:
        report.rows += 1
        if on_rows is not None and report.rows % ROWS_TOLD == 0:
            on_rows(report.rows)
        entry = entry_of(row, today=today, zone=zone)
        if isinstance(entry, RowProblem):
            report.broken += 1
            report.note(entry.row, entry.problem)
            continue
        identity = hash(entry.identity)
        if identity in seen:
            report.duplicates += 1
            report.note(entry.row, "the same person stands in the list before: left out")
            continue
        seen.add(identity)
        report.entries += 1
        report.numbers += bool(entry.number)
        report.phones += bool(entry.phone)
        report.names += bool(entry.name and entry.birth_date)
        report.slips += bool(entry.near_form and not entry.number)
        if entry.remark:
            report.note(entry.row, entry.remark)
        yield entry
    report.encodings = dict(Counter(opened.encodings))


def _require_entries(name: str, report: Report) -> None:
    if not report.entries:
        why = f": row {report.problems[0][0]}: {report.problems[0][1]}" if report.problems else ""
        raise ListUnusable(
            f"no row of {name} names anybody{why}", next_step="see docs/screening.md for the columns"
        )


def _row(
    version_no: int, terms: ListTerms, keys: ListKeys, entry: ListEntry, near_key: int | None
) -> dict[str, Any]:
    return {
        "version_no": version_no,
        "row": entry.row,
        "identity": keys.identity(entry),
        "number_key": keys.number(entry.number),
        "phone_key": keys.phone(entry.phone),
        "name_key": keys.name(entry.name, entry.birth_date),
        "near_key": near_key,
        "near_length": None if near_key is None else len(entry.near_form),
        "is_checked": entry.is_checked,
        "category": entry.category or terms.category,
        "level": (entry.level or terms.level).value,
        "valid_from": entry.valid_from or terms.valid_from,
        "valid_until": entry.valid_until or terms.valid_until,
    }


def _begin(
    database: Database, terms: ListTerms, name: str, sha256: str, *, by: str, now: datetime, signed_by: str
) -> int:
    with database.write() as connection:
        row = {"list_id": terms.list_id, "name": terms.name, "created_at": now}
        connection.execute(insert_or(connection, watch_lists).values(row).on_conflict_do_nothing())
        made = connection.execute(
            insert(watch_list_versions)
            .values(
                list_id=terms.list_id,
                number=0,
                state=LOADING,
                source=terms.source,
                category=terms.category,
                level=terms.level.value,
                valid_from=terms.valid_from,
                valid_until=terms.valid_until,
                file_name=name[-NAME_CHARACTERS:],
                sha256=sha256,
                report={},
                imported_at=now,
                imported_by=by,
                signed_by=signed_by,
            )
            .returning(watch_list_versions.c.version_no)
        )
        return int(made.scalar_one())


def _make_current(connection: Connection, terms: ListTerms, version_no: int, report: Report) -> int:
    versions, list_id = watch_list_versions.c, terms.list_id
    # The row of the list is locked first: two imports of one list take turns.
    connection.execute(
        update(watch_lists).where(watch_lists.c.list_id == list_id).values(name=terms.name, removed_at=None)
    )
    newest = connection.scalar(select(func.max(versions.number)).where(versions.list_id == list_id)) or 0
    connection.execute(
        update(watch_list_versions)
        .where(versions.list_id == list_id, versions.state == CURRENT)
        .values(state=REPLACED)
    )
    connection.execute(
        update(watch_list_versions)
        .where(versions.version_no == version_no)
        .values(
            state=CURRENT,
            number=newest + 1,
            rows=report.rows,
            entries=report.entries,
            report=asdict(report),
        )
    )
    return newest + 1


def _drop(database: Database, version_no: int) -> None:
    """A version that did not become one; a list that never had another goes with it."""
    _drop_entries(database, version_no)
    versions = watch_list_versions.c
    with database.write() as connection:
        list_id = connection.scalar(select(versions.list_id).where(versions.version_no == version_no))
        connection.execute(delete(watch_list_versions).where(versions.version_no == version_no))
        others = connection.scalar(select(versions.version_no).where(versions.list_id == list_id).limit(1))
        if others is None:
            connection.execute(delete(watch_lists).where(watch_lists.c.list_id == list_id))


def _drop_entries(database: Database, version_no: int) -> None:
    entries = watch_list_entries.c
    while True:
        with database.write() as connection:
            of_it = entries.version_no == version_no
            first = connection.scalar(select(func.min(entries.row)).where(of_it))
            if first is None:
                return
            connection.execute(delete(watch_list_entries).where(of_it, entries.row < first + ROWS_AT_ONCE))
