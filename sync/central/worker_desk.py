"""Workers as the console and the API see and change them: within the viewer's sites, with an audit line.

The one place from which they call the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, exists, func, or_, select

from sync.central import audit, face_retention, health, list_matches, registry, tables
from sync.central.access_log import require_plain, workers_in_scope
from sync.central.accounts_access import NotAllowed, Right, Viewer, in_scope, no_such
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.errors import SettingRefused
from sync.central.worker_standing import Fact, facts_at
from sync.records import Flag, FlagLevel, Worker, WorkerStatus
from sync.screening.pass_record import FLAG_PREFIX

PAGE_ROWS = 50
PAGE_ROWS_MAX = 500

RosterChanged = Callable[[Mapping[str, int]], None]
"""Called after the commit with the new roster version of each site concerned."""


@dataclass(frozen=True, slots=True)
class Site:
    """A site that the viewer may see."""

    site_id: str
    name: str
    name_en: str
    timezone: str


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One line of the list. `flags` are the levels, the worst first."""

    worker_id: str
    name: str
    team: str
    employer: str
    trade: str
    status: WorkerStatus
    flags: tuple[FlagLevel, ...]


@dataclass(frozen=True, slots=True)
class WorkerPage:
    """`next_after` is the last number of the page; empty at the end."""

    rows: tuple[WorkerRow, ...]
    next_after: str


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """One worker. Sites that the viewer may not see are left out of the record.

    gone_since  on no site since then, with a face that goes by itself when nobody comes back
    """

    worker: Worker
    templates: int
    updated_at: datetime
    gone_since: datetime | None = None


class WorkerDesk:
    """Looking at and changing workers."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        on_roster_change: RosterChanged | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._on_roster_change = on_roster_change

    def sites(self, viewer: Viewer) -> list[Site]:
        """The viewer's sites."""
        table = tables.sites
        query = select(table).where(in_scope(viewer, table.c.site_id)).order_by(table.c.site_id)
        with self._database.read() as connection:
            return [
                Site(row.site_id, row.name, row.name_en, row.timezone) for row in connection.execute(query)
            ]

    def page(
        self,
        viewer: Viewer,
        *,
        text: str = "",
        site_id: str = "",
        team: str = "",
        after: str = "",
        only_flagged: bool = False,
        rows: int = PAGE_ROWS,
    ) -> WorkerPage:
        """Workers in order of their numbers; `text` is a part of a name or number."""
        for one in (text, site_id, team, after):
            require_plain(one)
        rows = max(1, min(rows, PAGE_ROWS_MAX))
        asked = {"text": text, "team": team, "only_flagged": "yes" if only_flagged else ""}
        audit.note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_WORKERS,
            at=self._now(),
            site_id=site_id[:64],
            detail={"filter": {name: value for name, value in asked.items() if value}},
        )
        workers, link, flags = tables.workers, tables.worker_sites, tables.flags
        query: Select[Any] = select(workers).where(workers_in_scope(viewer), workers.c.worker_id > after)
        if text.strip():
            part = text.strip()
            query = query.where(
                or_(
                    workers.c.name.icontains(part, autoescape=True),
                    workers.c.worker_id.icontains(part, autoescape=True),
                )
            )
        if team:
            query = query.where(workers.c.team == team)
        if site_id:
            query = query.where(
                exists().where(link.c.worker_id == workers.c.worker_id, link.c.site_id == site_id)
            )
        if only_flagged:
            query = query.where(exists().where(flags.c.worker_id == workers.c.worker_id))
        with self._database.read() as connection:
            found = connection.execute(query.order_by(workers.c.worker_id).limit(rows + 1)).all()
            levels = _levels(connection, [row.worker_id for row in found])
        lines = tuple(
            WorkerRow(
                row.worker_id,
                row.name,
                row.team,
                row.employer,
                row.trade,
                WorkerStatus(row.status),
                levels.get(row.worker_id, ()),
            )
            for row in found[:rows]
        )
        return WorkerPage(lines, lines[-1].worker_id if len(found) > rows else "")

    def one(self, viewer: Viewer, worker_id: str) -> WorkerFacts:
        """Raises NotFound."""
        audit.note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_WORKER,
            at=self._now(),
            subject=f"worker:{worker_id[:64]}",
        )
        with self._database.read() as connection:
            worker = self._visible(connection, viewer, worker_id)
            count = select(func.count()).where(tables.templates.c.worker_id == worker_id)
            changed = select(tables.workers.c.updated_at).where(tables.workers.c.worker_id == worker_id)
            seen = tuple(site_id for site_id in worker.site_ids if viewer.sees(site_id))
            return WorkerFacts(
                worker.model_copy(update={"site_ids": seen}),
                connection.scalar(count) or 0,
                connection.execute(changed).scalar_one(),
                face_retention.gone_since(connection, worker_id, self._now()),
            )

    def standing(self, viewer: Viewer, worker_id: str, at: datetime) -> tuple[Fact, ...]:
        """What speaks for and against a worker at the moment `at` (aware). Raises NotFound."""
        audit.note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_WORKER,
            at=self._now(),
            subject=f"worker:{worker_id[:64]}",
            detail={"standing_at": at.isoformat(timespec="minutes")},
        )
        with self._database.read() as connection:
            worker = self._visible(connection, viewer, worker_id)
        seen = tuple(site_id for site_id in worker.site_ids if viewer.sees(site_id))
        return facts_at(
            worker.model_copy(update={"site_ids": seen}), at, with_pass=viewer.may(Right.SEE_PASSES)
        )

    def put(self, viewer: Viewer, worker: Worker) -> None:
        """Add or replace a worker; templates stay. Flags are kept apart: those that stand stay.

        Raises NotAllowed (also where the worker works at a site that the viewer does not see), NotFound.
        """
        viewer.require(Right.WRITE_WORKERS)
        for site_id in worker.site_ids:
            viewer.require_site(site_id)
        if not worker.site_ids:
            raise SettingRefused("a worker needs at least one site", next_step="name it in site_ids")
        with self._database.write() as connection:
            known = registry.workers(connection, [worker.worker_id])
            foreign = [site for one in known for site in one.site_ids if not viewer.sees(site)]
            if foreign:
                raise NotAllowed(
                    f"worker {worker.worker_id} is registered outside your sites",
                    next_step="ask an administrator who sees all sites of this worker",
                )
            flags = known[0].flags if known else ()
            versions = registry.put_worker(
                connection, worker.model_copy(update={"flags": flags}), now=self._now()
            )
            self._note(connection, viewer, Action.WROTE_WORKER, worker.worker_id)
        self._announce(versions)

    def flag(
        self,
        viewer: Viewer,
        worker_id: str,
        *,
        level: FlagLevel,
        reason: str,
        category: str = "",
        valid_until: datetime | None = None,
    ) -> Flag:
        """Put a worker on the key-monitoring list; every gate of the worker's sites gets it first.

        Raises NotAllowed, NotFound, SettingRefused without a reason.
        """
        viewer.require(Right.FLAG)
        _require_reason(reason)
        flag = Flag(level=level, category=category.strip(), reason=reason.strip(), valid_until=valid_until)
        with self._database.write() as connection:
            self._visible(connection, viewer, worker_id)
            versions = registry.add_flag(connection, worker_id, flag, now=self._now())
            self._note(
                connection,
                viewer,
                Action.FLAGGED_WORKER,
                worker_id,
                flag=flag.flag_id,
                level=level.value,
                reason=flag.reason,
            )
        self._announce(versions)
        return flag

    def unflag(self, viewer: Viewer, worker_id: str, flag_id: str, *, reason: str) -> None:
        """Take a flag away. Raises NotAllowed, NotFound, UnknownFlag, SettingRefused without a reason."""
        viewer.require(Right.FLAG)
        if flag_id.startswith(FLAG_PREFIX):  # a colour of the pass
            viewer.require(Right.DECIDE_PASSES)
        _require_reason(reason)
        with self._database.write() as connection:
            self._visible(connection, viewer, worker_id)
            versions = registry.remove_flag(connection, worker_id, flag_id)
            health.flag_was_removed(
                connection, worker_id, flag_id, reason=reason.strip(), by=viewer.user_id, now=self._now()
            )
            list_matches.flag_was_removed(
                connection, flag_id, reason=reason.strip(), by=viewer.user_id, now=self._now()
            )
            self._note(
                connection,
                viewer,
                Action.UNFLAGGED_WORKER,
                worker_id,
                flag=flag_id,
                reason=reason.strip(),
            )
        self._announce(versions)

    # -- inside ------------------------------------------------------------------------------------------

    def _visible(self, connection: Connection, viewer: Viewer, worker_id: str) -> Worker:
        found = registry.workers(connection, [worker_id])
        is_visible = viewer.site_ids is None or any(
            viewer.sees(site_id) for one in found for site_id in one.site_ids
        )
        if not found or not is_visible:
            raise no_such("worker", worker_id)
        return found[0]

    def _note(
        self, connection: Connection, viewer: Viewer, action: Action, worker_id: str, **detail: str
    ) -> None:
        audit.note_by(
            connection, viewer, action, at=self._now(), subject=f"worker:{worker_id}", detail=detail
        )

    def _announce(self, versions: Mapping[str, int]) -> None:
        if self._on_roster_change is not None and versions:
            self._on_roster_change(versions)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise SettingRefused("a flag needs a reason", next_step="say why, for those who read it later")


def _levels(connection: Connection, worker_ids: list[str]) -> dict[str, tuple[FlagLevel, ...]]:
    flags = tables.flags.c
    found: dict[str, set[FlagLevel]] = {}
    for row in connection.execute(
        select(flags.worker_id, flags.level).where(flags.worker_id.in_(worker_ids))
    ):
        found.setdefault(row.worker_id, set()).add(FlagLevel(row.level))
    return {
        worker_id: tuple(level for level in FlagLevel if level in levels)
        for worker_id, levels in found.items()
    }
