"""Key-monitoring lists as the console and the API see and change them, with an audit line for each look.

Lists hold for all sites, so only somebody who sees all of them imports or removes one. Matches are shown and
decided within the viewer's sites: those of a worker, or where a visitor declared.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, func, literal, select

from sync.central import audit, list_feed, list_import, list_matches, list_visitors, tables
from sync.central.access_log import require_plain, workers_in_scope
from sync.central.accounts_access import NotAllowed, Right, Viewer, in_scope, no_such
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.errors import CentralError, SettingRefused
from sync.central.list_comparison import Comparison, compare
from sync.central.list_fetch import Feed, feeds
from sync.central.list_import import Imported, ListSummary, ListTerms, OnRows, Report
from sync.central.list_keys import ListKeys
from sync.central.list_matches import MatchState, state_clause, state_of
from sync.central.list_subjects import Subjects
from sync.central.person_vault import PersonVault, masked
from sync.central.statements import chunks
from sync.central.tables_declarations import declarations
from sync.central.tables_lists import (
    watch_list_entries,
    watch_list_versions,
    watch_lists,
    watch_matches,
    watch_visitor_matches,
)
from sync.central.tables_phone import visitors
from sync.central.worker_desk import RosterChanged
from sync.records import FlagLevel

ROWS_MAX = 200
EXPORT_ROWS_MAX = 100_000
REASON_MAX = 500


class DecidedMeanwhile(CentralError, ValueError):
    """Somebody else decided about the match while the page was open."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """A list, what was found by it within the viewer's sites, and how much of the registry has seen it.

    feed  how it is fetched; None: it is not
    """

    summary: ListSummary
    counts: Mapping[MatchState, int]
    matched_share: float
    feed: Feed | None = None


@dataclass(frozen=True, slots=True)
class MatchRow:
    """Somebody and an entry. Of a visitor `worker_id` is empty. `number`: version of the list, `row` of its
    file; `seen_sites`: where the person works or declared, as far as the viewer sees it.
    """

    match_id: str
    list_id: str
    list_name: str
    number: int
    row: int
    worker_id: str
    is_visitor: bool
    name: str
    team: str
    phone: str
    seen_sites: tuple[str, ...]
    found_by: str
    documents_differ: bool
    state: MatchState
    level: FlagLevel
    category: str
    valid_until: datetime | None
    found_at: datetime
    decision: str
    decided_by: str
    decided_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class MatchFacts:
    """A match with what is known of the person beside what the list says.

    document    masked
    comparison  None where the entry is gone, or the centre's keys are not at hand
    """

    row: MatchRow
    document: str
    birth_date: date | None
    comparison: Comparison | None


class ListDesk:
    """Looking at lists and matches, deciding about them, importing."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        vault: PersonVault | None = None,
        on_roster_change: RosterChanged | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._vault = vault
        self._on_roster_change = on_roster_change

    def lists(self, viewer: Viewer) -> list[ListRow]:
        """The lists that count. Raises NotAllowed."""
        viewer.require(Right.MANAGE_LISTS)
        audit.note_look(self._database, viewer, Action.LOOKED_AT_LISTS, at=self._now())
        with self._database.read() as connection:
            summaries = list_import.list_summaries(connection)
            counts = _counts(connection, viewer)
            fetched = feeds(connection)
            return [
                ListRow(
                    one,
                    counts.get(one.list_id, {}),
                    _matched_share(connection, one),
                    fetched.get(one.list_id),
                )
                for one in summaries
            ]

    def matches(
        self, viewer: Viewer, *, list_id: str = "", state: MatchState | None = None, rows: int = ROWS_MAX
    ) -> list[MatchRow]:
        """Those to confirm first, then the newest; at most `ROWS_MAX`. Raises NotAllowed."""
        return self._matches(viewer, Action.LOOKED_AT_MATCHES, list_id, state, min(rows, ROWS_MAX))

    def export(self, viewer: Viewer, *, list_id: str = "", state: MatchState | None = None) -> list[MatchRow]:
        """As `matches`, for a file: at most `EXPORT_ROWS_MAX`."""
        return self._matches(viewer, Action.EXPORTED_MATCHES, list_id, state, EXPORT_ROWS_MAX)

    def one(self, viewer: Viewer, match_id: str) -> MatchFacts:
        """Both sides of a match. Raises NotAllowed, NotFound, PersonDataUnreadable."""
        viewer.require(Right.MANAGE_LISTS)
        require_plain(match_id)
        subject = f"match:{match_id[:64]}"
        audit.note_look(self._database, viewer, Action.LOOKED_AT_MATCH, at=self._now(), subject=subject)
        with self._database.read() as connection:
            row = _one(connection, viewer, match_id)
            return self._facts(connection, row)

    def decide(
        self,
        viewer: Viewer,
        match_id: str,
        *,
        confirm: bool | None,
        reason: str,
        seen: MatchState | None = None,
    ) -> MatchState:
        """Confirm, clear, or with None take the decision back; what the match is then.

        seen  what it was when the viewer looked: if it is not so any more, nothing is done

        Raises NotAllowed, NotFound, DecidedMeanwhile, SettingRefused without a reason.
        """
        viewer.require(Right.MANAGE_LISTS)
        for text in (match_id, " ".join(reason.split())):  # lines are no harm
            require_plain(text)
        if len(reason) > REASON_MAX:
            raise SettingRefused("the reason is too long", next_step=f"at most {REASON_MAX} characters")
        now = self._now()
        said: dict[str, Any] = {"confirm": confirm, "reason": reason, "by": viewer.user_id, "now": now}
        versions: Mapping[str, int] = {}
        with self._database.write() as connection:
            row = _one(connection, viewer, match_id, lock=True)
            if seen is not None and row.state is not seen:
                raise DecidedMeanwhile(
                    f"{row.decided_by or 'the matching'} changed this match meanwhile: it is {row.state}",
                    next_step="look at it again",
                )
            if row.is_visitor:
                list_visitors.decide(connection, match_id, **said)
            else:
                versions = list_matches.decide(connection, match_id, **said)
            detail = {"confirmed": confirm, "reason": reason.strip(), "list": row.list_id}
            detail |= {"worker": row.worker_id} if row.worker_id else {}
            audit.note_by(
                connection,
                viewer,
                Action.DECIDED_MATCH,
                at=now,
                subject=f"match:{match_id}",
                detail=detail,
            )
            state = _one(connection, viewer, match_id).state
        if versions and self._on_roster_change is not None:
            self._on_roster_change(versions)
        return state

    def preview(self, viewer: Viewer, name: str, raw: bytes, *, on_rows: OnRows | None = None) -> Report:
        """What would become of a file. Raises NotAllowed, ListUnusable."""
        self.require_all_sites(viewer)
        return list_import.preview(name, raw, now=self._now(), on_rows=on_rows)

    def import_(
        self,
        viewer: Viewer,
        terms: ListTerms,
        name: str,
        raw: bytes,
        *,
        signature: str = "",
        on_rows: OnRows | None = None,
    ) -> Imported:
        """Load a file as the new version of a list; the same file on the same terms changes nothing.

        signature  base64, of a signed feed

        Raises NotAllowed, ListUnusable, SettingRefused, FeedRefused.
        """
        self.require_all_sites(viewer)
        keys = self._keys()
        if keys is None:
            raise SettingRefused(
                "the keys of the centre are not at hand here, so no list can be kept",
                next_step="start the console with --keys, beside the service",
            )
        now = self._now()
        terms = terms.checked(now)
        with self._database.read() as connection:
            signed_by = list_feed.signer_of_push(connection, terms.list_id, raw, signature)
            known = list_import.imported_before(connection, terms, hashlib.sha256(raw).hexdigest())
        if known is not None:
            return known
        imported = list_import.import_list(
            self._database,
            keys,
            terms,
            name,
            raw,
            by=viewer.user_id,
            now=now,
            signed_by=signed_by,
            on_rows=on_rows,
        )
        detail = {"version": imported.number, "entries": imported.report.entries, "source": terms.source}
        with self._database.write() as connection:
            audit.note_by(
                connection,
                viewer,
                Action.IMPORTED_LIST,
                at=now,
                subject=f"list:{terms.list_id}",
                detail=detail,
            )
        return imported

    def remove(self, viewer: Viewer, list_id: str, *, reason: str) -> None:
        """No entry of it counts any more. Raises NotAllowed, UnknownList, SettingRefused."""
        self.require_all_sites(viewer)
        for text in (list_id, " ".join(reason.split())):
            require_plain(text)
        if not reason.strip() or len(reason) > REASON_MAX:
            raise SettingRefused("a removal needs a reason", next_step=f"at most {REASON_MAX} characters")
        now = self._now()
        with self._database.write() as connection:
            list_import.remove_list(connection, list_id, now=now)
            audit.note_by(
                connection,
                viewer,
                Action.REMOVED_LIST,
                at=now,
                subject=f"list:{list_id}",
                detail={"reason": reason.strip()},
            )

    def require_all_sites(self, viewer: Viewer) -> None:
        """Raises NotAllowed for whoever may not import or remove a list."""
        viewer.require(Right.MANAGE_LISTS)
        sites = tables.sites.c.site_id
        with self._database.read() as connection:
            hidden = connection.scalar(select(sites).where(~in_scope(viewer, sites)).limit(1))
        if hidden is not None:
            raise NotAllowed(
                "a list holds for all sites, and your account does not see all of them",
                next_step="leave it to somebody who does",
            )

    # -- inside ------------------------------------------------------------------------------------------

    def _matches(
        self, viewer: Viewer, action: Action, list_id: str, state: MatchState | None, rows: int
    ) -> list[MatchRow]:
        viewer.require(Right.MANAGE_LISTS)
        require_plain(list_id)
        detail = {"filter": {"list": list_id[:64], "state": state.value if state else ""}}
        audit.note_look(self._database, viewer, action, at=self._now(), detail=detail)
        with self._database.read() as connection:
            found = [
                row
                for query, matches in (
                    (_workers_query(viewer), watch_matches),
                    (_visitors_query(viewer), watch_visitor_matches),
                )
                for row in connection.execute(
                    _narrowed(query, matches, list_id, state)
                    # In the statement too: what is to confirm must not fall behind what was found since.
                    .order_by(
                        ~state_clause(matches, MatchState.TO_CONFIRM),
                        matches.c.found_at.desc(),
                        matches.c.match_id,
                    )
                    .limit(rows)
                )
            ]
            shown = _match_rows(connection, viewer, found)
        shown.sort(key=lambda one: one.found_at, reverse=True)
        return sorted(shown, key=lambda one: one.state is not MatchState.TO_CONFIRM)[:rows]

    def _keys(self) -> ListKeys | None:
        return None if self._vault is None else ListKeys(self._vault.list_key)

    def _facts(self, connection: Connection, row: MatchRow) -> MatchFacts:
        keys = self._keys()
        if self._vault is None or keys is None:
            return MatchFacts(row, "", None, None)
        subjects = Subjects(self._vault)
        if row.is_visitor:
            of_match = select(watch_visitor_matches.c.visitor_id).where(
                watch_visitor_matches.c.match_id == row.match_id
            )
            (subject,) = subjects.visitors(connection, visitors.c.visitor_id.in_(of_match))
        else:
            (subject,) = subjects.workers(connection, tables.workers.c.worker_id == row.worker_id)
        matches, entries = (watch_visitor_matches if row.is_visitor else watch_matches), watch_list_entries.c
        entry = connection.execute(
            select(watch_list_entries)
            .join(matches, (matches.c.version_no == entries.version_no) & (matches.c.row == entries.row))
            .where(matches.c.match_id == row.match_id)
        ).first()
        comparison = None if entry is None else compare(subject, entry, keys)
        return MatchFacts(row, masked(subject.number), subject.birth_date, comparison)


def _workers_query(viewer: Viewer) -> Select[Any]:
    worker = tables.workers.c
    return (
        _with_list(
            watch_matches,
            worker.worker_id.label("person_id"),
            worker.name,
            worker.phone,
            worker.team,
            literal(False).label("is_visitor"),
        )
        .join(tables.workers, worker.worker_id == watch_matches.c.worker_id)
        .where(workers_in_scope(viewer))
    )


def _visitors_query(viewer: Viewer) -> Select[Any]:
    visitor = visitors.c
    declared_here = exists().where(
        declarations.c.visitor_id == visitor.visitor_id, in_scope(viewer, declarations.c.site_id)
    )
    return (
        _with_list(
            watch_visitor_matches,
            visitor.visitor_id.label("person_id"),
            visitor.name,
            visitor.phone,
            literal("").label("team"),
            literal(True).label("is_visitor"),
        )
        .join(visitors, visitor.visitor_id == watch_visitor_matches.c.visitor_id)
        .where(declared_here)
    )


def _with_list(matches: Any, *person: ColumnElement[Any]) -> Select[Any]:
    said = [column for column in matches.c if column.name not in ("worker_id", "visitor_id")]
    return (
        select(*said, *person, watch_lists.c.name.label("list_name"), watch_list_versions.c.number)
        .select_from(matches)
        .join(watch_lists, watch_lists.c.list_id == matches.c.list_id)
        .outerjoin(watch_list_versions, watch_list_versions.c.version_no == matches.c.version_no)
    )


def _narrowed(query: Select[Any], matches: Any, list_id: str, state: MatchState | None) -> Select[Any]:
    if list_id:
        query = query.where(matches.c.list_id == list_id)
    # What is over is shown only to who asks for it.
    return query.where(state_clause(matches, state) if state else ~state_clause(matches, MatchState.GONE))


def _one(connection: Connection, viewer: Viewer, match_id: str, *, lock: bool = False) -> MatchRow:
    for query, matches in (
        (_workers_query(viewer), watch_matches),
        (_visitors_query(viewer), watch_visitor_matches),
    ):
        found = query.where(matches.c.match_id == match_id)
        if row := connection.execute(found.with_for_update(of=matches) if lock else found).first():
            return _match_rows(connection, viewer, [row])[0]
    raise no_such("match", match_id)


def _match_rows(connection: Connection, viewer: Viewer, found: Sequence[Row[Any]]) -> list[MatchRow]:
    sites = _sites(connection, viewer, found)
    return [
        MatchRow(
            row.match_id,
            row.list_id,
            row.list_name,
            row.number or 0,
            row.row,
            "" if row.is_visitor else row.person_id,
            bool(row.is_visitor),
            row.name,
            row.team,
            row.phone,
            tuple(sorted(sites.get(row.person_id, ()))),
            row.found_by,
            row.documents_differ,
            state_of(row._mapping),
            FlagLevel(row.level),
            row.category,
            row.valid_until,
            row.found_at,
            row.decision,
            row.decided_by,
            row.decided_at,
            row.reason,
        )
        for row in found
    ]


def _sites(connection: Connection, viewer: Viewer, found: Sequence[Row[Any]]) -> dict[str, set[str]]:
    link = tables.worker_sites.c
    places = (
        (False, link.worker_id, link.site_id),
        (True, declarations.c.visitor_id, declarations.c.site_id),
    )
    sites: dict[str, set[str]] = {}
    for is_visitor, person, site in places:
        people = sorted({row.person_id for row in found if bool(row.is_visitor) is is_visitor})
        for some in chunks(people):
            query = select(person, site).where(person.in_(some), in_scope(viewer, site)).distinct()
            for person_id, site_id in connection.execute(query):
                sites.setdefault(person_id, set()).add(site_id)
    return sites


def _counts(connection: Connection, viewer: Viewer) -> dict[str, Counter[MatchState]]:
    counts: dict[str, Counter[MatchState]] = {}
    for query, matches in (
        (_workers_query(viewer), watch_matches),
        (_visitors_query(viewer), watch_visitor_matches),
    ):
        column = matches.c
        facts = (column.list_id, column.decision, column.is_current, column.is_exact)
        grouped = query.with_only_columns(*facts, func.count().label("people")).group_by(*facts)
        for row in connection.execute(grouped):
            counts.setdefault(row.list_id, Counter())[state_of(row._mapping)] += row.people
    return counts


def _matched_share(connection: Connection, one: ListSummary) -> float:
    """How much of the registry was held against the list; 1 when all of it was."""
    if one.matched_at is not None:
        return 1.0
    worker_id = tables.workers.c.worker_id
    total = connection.scalar(select(func.count()).select_from(tables.workers)) or 0
    done = connection.scalar(select(func.count()).where(worker_id <= one.matched_through)) or 0
    return done / total if total else 0.0
