"""Results from a laboratory's list, by document numbers: previewed, taken row by row, taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select, update

from sync.central import tables, tests_due
from sync.central.database import Database
from sync.central.errors import SettingRefused
from sync.central.person_vault import PersonVault
from sync.central.statements import chunks
from sync.central.tables_people import persons
from sync.central.tables_tests import test_imports, test_results
from sync.central.tests_due import Kept, NewResult
from sync.clearance_rules import ClearanceRules
from sync.screening.entries import RowProblem, plain_name
from sync.screening.list_file import ListUnusable, read_list
from sync.screening.result_file import RESULT_COLUMNS, ResultRow, result_of

ROWS_AT_ONCE = 100
"""One transaction, well under a second: what gates send waits no longer."""

ROWS_MAX = 20_000
PROBLEMS_KEPT = 1000
NAME_CHARACTERS = 200


@dataclass(slots=True)
class ImportReport:
    """What became of the rows. `problems`: row and why, without what it says; at most `PROBLEMS_KEPT`."""

    import_id: str = ""
    rows: int = 0
    taken: int = 0
    already: int = 0
    broken: int = 0
    results: dict[str, int] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)
    ignored: tuple[str, ...] = ()
    versions: dict[str, int] = field(default_factory=dict)

    def refuse(self, row: int, problem: str) -> None:
        self.broken += 1
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append((row, problem))


@dataclass(frozen=True, slots=True)
class ImportTerms:
    """Whose results: of people of this site, all of one kind. `zone` of the site."""

    site_id: str
    kind: str
    file_name: str
    zone: ZoneInfo


def preview_results(
    connection: Connection,
    rules: ClearanceRules,
    vault: PersonVault,
    terms: ImportTerms,
    raw: bytes,
    *,
    now: datetime,
) -> ImportReport:
    """Go through a file without keeping anything; `taken` is what would be. Raises as `import_results`."""
    report = ImportReport()
    matched = _matched(connection, vault, terms, _rows(rules, terms, raw, report, now), report)
    results = [one for _, one in matched]
    there = {one.worker_id for one in results}
    _note(report, matched, tests_due.look_through(connection, rules, results, there, now=now))
    report.problems.sort()
    return report


def import_results(
    database: Database,
    rules: ClearanceRules,
    vault: PersonVault,
    terms: ImportTerms,
    raw: bytes,
    *,
    by: str,
    now: datetime,
) -> ImportReport:
    """Take the results of a file, some rows in one transaction; what is there already is left out.

    Raises:
        ListUnusable: no row can be read, or there are too many.
        SettingRefused: a kind without results.
    """
    report = ImportReport(import_id=uuid4().hex)
    rows = _rows(rules, terms, raw, report, now)
    with database.write() as connection:
        connection.execute(
            insert(test_imports).values(
                import_id=report.import_id,
                site_id=terms.site_id,
                kind=terms.kind,
                file_name=terms.file_name[-NAME_CHARACTERS:],
                rows=report.rows,
                taken=0,
                problems=[],
                imported_at=now,
                imported_by=by,
            )
        )
    for start in range(0, len(rows), ROWS_AT_ONCE):
        with database.write() as connection:
            matched = _matched(connection, vault, terms, rows[start : start + ROWS_AT_ONCE], report)
            kept = tests_due.put_results(
                connection,
                rules,
                [one for _, one in matched],
                terms.zone,
                by=by,
                now=now,
                import_id=report.import_id,
            )
        _note(report, matched, kept)
    report.problems.sort()
    with database.write() as connection:
        connection.execute(
            update(test_imports)
            .where(test_imports.c.import_id == report.import_id)
            .values(taken=report.taken, problems=report.problems)
        )
    return report


def drop_import(
    connection: Connection, rules: ClearanceRules, import_id: str, *, by: str, now: datetime
) -> tuple[int, dict[str, int]]:
    """Take back every result of an import; how many, and the new roster versions. Raises SettingRefused."""
    row = test_imports.c
    undone = connection.execute(
        update(test_imports)
        .where(row.import_id == import_id, row.undone_at.is_(None))
        .values(undone_at=now, undone_by=by)
    ).rowcount
    if not undone:
        raise SettingRefused("this import is taken back already", next_step="load the page anew")
    ids = connection.scalars(select(test_results.c.result_id).where(test_results.c.import_id == import_id))
    return tests_due.drop_results(connection, rules, list(ids), now=now)


def _rows(
    rules: ClearanceRules, terms: ImportTerms, raw: bytes, report: ImportReport, now: datetime
) -> list[ResultRow]:
    """The rows that can be read; the others go into `report`."""
    kind = tests_due.require_kind(rules, terms.kind)
    opened = read_list(terms.file_name, raw, RESULT_COLUMNS)
    report.ignored = tuple(column[:40] for column in opened.ignored)
    found: list[ResultRow] = []
    for row in opened.rows:
        report.rows += 1
        if report.rows > ROWS_MAX:
            raise ListUnusable(
                f"{terms.file_name} has more than {ROWS_MAX:,} rows", next_step="split the list"
            )
        one = result_of(row, kind, zone=terms.zone, now=now)
        if isinstance(one, RowProblem):
            report.refuse(one.row, one.problem)
        else:
            found.append(one)
    if not found:
        why = f": row {report.problems[0][0]}: {report.problems[0][1]}" if report.problems else ""
        raise ListUnusable(
            f"no row of {terms.file_name} can be used{why}",
            next_step="see docs/clearances.md for the columns",
        )
    return found


def _matched(
    connection: Connection,
    vault: PersonVault,
    terms: ImportTerms,
    rows: Sequence[ResultRow],
    report: ImportReport,
) -> list[tuple[int, NewResult]]:
    """Rows of people of the site, with their line in the file."""
    hashes = {one.row: vault.hash(one.document_type, one.document_number) for one in rows}
    link, worker = tables.worker_sites.c, tables.workers.c
    people: dict[str, list[tuple[str, str]]] = {}
    for some in chunks(sorted(set(hashes.values()))):
        query = (
            select(persons.c.number_hash, worker.worker_id, worker.name)
            .join_from(persons, tables.workers, worker.worker_id == persons.c.worker_id)
            .join(tables.worker_sites, link.worker_id == worker.worker_id)
            .where(persons.c.number_hash.in_(some), link.site_id == terms.site_id)
        )
        for number_hash, worker_id, name in connection.execute(query):
            people.setdefault(number_hash, []).append((worker_id, plain_name(name)))
    found: list[tuple[int, NewResult]] = []
    for one in rows:
        holders = people.get(hashes[one.row], [])
        if not holders:
            report.refuse(one.row, "nobody of this site is on record with this document")
        elif len(holders) > 1:
            report.refuse(one.row, "several records have this document: merge them first (duplicates)")
        elif one.name and one.name != holders[0][1]:
            report.refuse(one.row, "the person with this document has another name")
        else:
            new = NewResult(
                holders[0][0],
                terms.kind,
                one.result,
                one.done_at,
                one.valid_until,
                one.done_by,
                one.reference,
            )
            found.append((one.row, new))
    return found


def _note(report: ImportReport, matched: Sequence[tuple[int, NewResult]], kept: Kept) -> None:
    """Put down what became of these rows."""
    report.taken += len(kept.ids)
    report.already += len(kept.already)
    report.versions.update(kept.versions)
    taken = Counter(matched[at][1].result for at in kept.ids)
    report.results = dict(Counter(report.results) + taken)
    for at, problem in kept.refused.items():
        report.refuse(matched[at][0], problem.why)
