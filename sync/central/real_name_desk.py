"""What the console shows of the upload to the real-name platform, and what people do about it there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, or_, select

from sync.central import audit, real_name, tables
from sync.central.accounts_access import Right, Viewer, in_scope, no_such
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.errors import SettingRefused
from sync.central.exports_real_name import What, file_pieces
from sync.central.person_vault import PersonVault
from sync.central.real_name import OPEN, Hold, Kind, RequestState, SiteLink, State, site_link, team_id
from sync.central.real_name_papers import app_secret
from sync.central.tables_real_name import (
    RECORD_WORKER,
    real_name_people,
    real_name_records,
    real_name_requests,
    real_name_sites,
    real_name_teams,
)
from sync.real_name import read_dialect

DAYS_MAX = 62
TROUBLES_MAX = 500
REQUESTS_SHOWN = 30
_TROUBLE = (State.REJECTED.value, State.HELD.value, State.OVERTAKEN.value)


@dataclass(frozen=True, slots=True)
class SiteState:
    """How the upload of a site is.

    passages       by state; `for_worker` of those that wait do so for their worker
    open_requests  results that are outstanding; `lost` of them are without any answer
    """

    link: SiteLink
    site_name: str
    teams: Mapping[str, int]
    people: Mapping[str, int]
    passages: Mapping[str, int]
    for_worker: int
    oldest_waiting: datetime | None
    open_requests: int
    lost: int
    problem: str
    looked_at: datetime | None
    next_look_at: datetime | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the platform rejected, what is held back, what it has too much. `item_id`: for `retry`."""

    item_id: str
    kind: Kind
    state: State
    reason: str
    worker_id: str
    name: str
    team: str
    at: datetime | None
    is_correction: bool
    changed_at: datetime

    @property
    def can_go_again(self) -> bool:
        return self.state is State.REJECTED or self.reason == Hold.CLOCK


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request as it was sent."""

    sent_at: datetime
    kind: Kind
    rows: int
    serial: str
    state: RequestState
    message: str
    next_ask_at: datetime | None
    asked: int


class RealNameDesk:
    """Over one database. `vault` and `keys` open papers and secrets; without them there is no export."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        vault: PersonVault | None = None,
        keys: Path | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._vault = vault
        self._keys = keys

    def states(self, viewer: Viewer) -> list[SiteState]:
        """Every site of the viewer that is uploaded. Raises NotAllowed."""
        viewer.require(Right.UPLOAD_REAL_NAME)
        with self._database.read() as connection:
            return [
                site_state(connection, link)
                for link in real_name.site_links(connection)
                if viewer.sees(link.site_id)
            ]

    def troubles(self, viewer: Viewer, site_id: str) -> list[Trouble]:
        """What needs a person, newest first, at most `TROUBLES_MAX` of each kind. Raises NotFound."""
        self._require(viewer, site_id)
        audit.note_look(self._database, viewer, Action.LOOKED_AT_REAL_NAME, at=self._now(), site_id=site_id)
        with self._database.read() as connection:
            found = [
                *_teams(connection, site_id),
                *_people(connection, site_id),
                *_passages(connection, site_id),
            ]
        return sorted(found, key=lambda one: one.changed_at, reverse=True)

    def requests(self, viewer: Viewer, site_id: str) -> list[RequestRow]:
        """The latest requests. Raises NotFound."""
        self._require(viewer, site_id)
        row = real_name_requests.c
        with self._database.read() as connection:
            rows = connection.execute(
                select(real_name_requests)
                .where(row.site_id == site_id)
                .order_by(row.sent_at.desc(), row.request_id)
                .limit(REQUESTS_SHOWN)
            ).all()
        return [
            RequestRow(
                one.sent_at,
                Kind(one.kind),
                len(one.items),
                one.serial,
                RequestState(one.state),
                one.message,
                one.next_ask_at,
                one.asked,
            )
            for one in rows
        ]

    def retry(self, viewer: Viewer, site_id: str, ids: Collection[str] | None = None) -> int:
        """Send what was rejected again: these, or all; how many. Raises NotFound."""
        self._require(viewer, site_id)
        with self._database.write() as connection:
            count = real_name.retry(connection, site_id, ids, now=self._now())
            self._note(connection, viewer, Action.RETRIED_REAL_NAME, site_id, rows=count)
        return count

    def ask_again(self, viewer: Viewer, site_id: str) -> int:
        """Ask for outstanding results now; how many there are. Raises NotFound."""
        self._require(viewer, site_id)
        with self._database.write() as connection:
            count = real_name.ask_again(connection, site_id, now=self._now())
            self._note(connection, viewer, Action.ASKED_REAL_NAME, site_id, requests=count)
        return count

    def export(
        self, viewer: Viewer, site_id: str, what: What, first: date, last: date, file_format: str
    ) -> Callable[[], Iterator[bytes]]:
        """The file, to be made when it is fetched. Raises NotFound, SettingRefused, SecretUnsafe."""
        self._require(viewer, site_id)
        viewer.require(Right.READ_PAPERS)
        if not 0 <= (last - first).days < DAYS_MAX:
            raise SettingRefused(
                f"{first} to {last} are no days for one file", next_step=f"at most {DAYS_MAX}, in their order"
            )
        if self._vault is None or self._keys is None:
            raise SettingRefused(
                "the keys are not on this machine", next_step="export where the centre runs, with --keys"
            )
        with self._database.write() as connection:
            link = site_link(connection, site_id)
            days = {"first": first.isoformat(), "last": last.isoformat()}
            detail = {"what": what.value, "format": file_format, **days}
            self._note(connection, viewer, Action.EXPORTED_REAL_NAME, site_id, **detail)
        secret, dialect = app_secret(self._keys, site_id), read_dialect(link.dialect)
        rows = (self._database, self._vault, link, secret, dialect, what, first, last)
        return partial(file_pieces, *rows, file_format)

    def _require(self, viewer: Viewer, site_id: str) -> None:
        viewer.require(Right.UPLOAD_REAL_NAME)
        with self._database.read() as connection:
            known = connection.scalar(
                select(real_name_sites.c.site_id).where(
                    real_name_sites.c.site_id == site_id, in_scope(viewer, real_name_sites.c.site_id)
                )
            )
        if known is None:
            raise no_such("uploaded site", site_id)

    def _note(
        self, connection: Connection, viewer: Viewer, action: Action, site_id: str, **detail: str | int
    ) -> None:
        audit.note_by(connection, viewer, action, at=self._now(), site_id=site_id, detail=detail)


def site_state(connection: Connection, link: SiteLink) -> SiteState:
    """How the upload of a site is."""
    site, record, people = real_name_sites.c, real_name_records.c, real_name_people.c
    asked = real_name_requests.c
    row = connection.execute(
        select(site.problem, site.looked_at, site.next_look_at, tables.sites.c.name.label("site_name"))
        .join_from(real_name_sites, tables.sites, tables.sites.c.site_id == site.site_id)
        .where(site.site_id == link.site_id)
    ).one()
    waits = (record.site_id == link.site_id, record.state == State.WAITING.value)
    for_worker = connection.scalar(
        select(func.count())
        .select_from(real_name_records)
        .outerjoin(real_name_people, RECORD_WORKER)
        .where(
            *waits,
            or_(people.worker_id.is_(None), ~people.is_known, people.state == State.HELD.value),
        )
    )
    by_state = connection.execute(
        select(asked.state, func.count())
        .where(asked.site_id == link.site_id, asked.state.in_(OPEN))
        .group_by(asked.state)
    )
    open_requests = {str(one.state): int(one[1]) for one in by_state}
    return SiteState(
        link,
        row.site_name,
        _counts(connection, real_name_teams, link.site_id),
        _counts(connection, real_name_people, link.site_id),
        _counts(connection, real_name_records, link.site_id),
        for_worker or 0,
        connection.scalar(select(func.min(record.occurred_at)).where(*waits)),
        sum(open_requests.values()),
        open_requests.get(RequestState.LOST.value, 0),
        row.problem,
        row.looked_at,
        row.next_look_at,
    )


def _counts(connection: Connection, table: Any, site_id: str) -> dict[str, int]:
    rows = connection.execute(
        select(table.c.state, func.count()).where(table.c.site_id == site_id).group_by(table.c.state)
    )
    return {str(one.state): int(one[1]) for one in rows}


def _teams(connection: Connection, site_id: str) -> list[Trouble]:
    team = real_name_teams.c
    rows = connection.execute(
        select(real_name_teams).where(team.site_id == site_id, team.state.in_(_TROUBLE)).limit(TROUBLES_MAX)
    )
    return [
        Trouble(
            team_id(row.employer, row.team), Kind.TEAM, State(row.state), row.reason, "", row.employer,
            row.team, None, False, row.changed_at,
        )
        for row in rows
    ]  # fmt: skip


def _people(connection: Connection, site_id: str) -> list[Trouble]:
    people, worker = real_name_people.c, tables.workers.c
    rows = connection.execute(
        select(real_name_people, worker.name)
        .join_from(real_name_people, tables.workers, worker.worker_id == people.worker_id)
        .where(people.site_id == site_id, people.state.in_(_TROUBLE))
        .order_by(people.changed_at.desc())
        .limit(TROUBLES_MAX)
    )
    return [
        Trouble(
            row.worker_id, Kind.WORKER, State(row.state), row.reason, row.worker_id, row.name, row.team,
            None, False, row.changed_at,
        )
        for row in rows
    ]  # fmt: skip


def _passages(connection: Connection, site_id: str) -> list[Trouble]:
    record, worker = real_name_records.c, tables.workers.c
    rows = connection.execute(
        select(real_name_records, worker.name, worker.team)
        .join_from(real_name_records, tables.workers, worker.worker_id == record.worker_id)
        .where(record.site_id == site_id, record.state.in_(_TROUBLE))
        .order_by(record.occurred_at.desc())
        .limit(TROUBLES_MAX)
    )
    return [
        Trouble(
            row.record_id, Kind.ATTENDANCE, State(row.state), row.reason, row.worker_id, row.name, row.team,
            row.occurred_at, row.is_correction, row.changed_at,
        )
        for row in rows
    ]  # fmt: skip
