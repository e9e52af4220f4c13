"""The job that keeps the real-name platform up to date: teams, then workers, then passages in their order.

One site at a look. What goes over the network goes outside of every transaction, and what a request was about
is written down before it is sent: whatever ends between, the next look asks the platform what it has.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, func, insert, or_, select, update

from sync.backoff import Backoff
from sync.central import real_name_results as results
from sync.central.database import Database
from sync.central.person_vault import PersonVault
from sync.central.real_name import OPEN, Kind, RequestState, SiteLink, State, site_link
from sync.central.real_name_papers import app_secret, passages_of, team_of, workers_of
from sync.central.real_name_queue import queue_corrections, queue_events, queue_people
from sync.central.tables_real_name import (
    RECORD_WORKER,
    WORKER_TEAM,
    real_name_people,
    real_name_records,
    real_name_requests,
    real_name_sites,
    real_name_teams,
)
from sync.errors import SyncError
from sync.real_name import (
    AccessRefused,
    AnswerLost,
    Dialect,
    NotSent,
    PlatformBusy,
    PlatformClient,
    RequestRefused,
    read_dialect,
)
from sync.real_name.client import TIMEOUT_S

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=15)
PEOPLE_EVERY = timedelta(minutes=1)
CLAIMED_FOR = timedelta(minutes=10)
"""A process that ended in the middle of a look is waited for so long."""

LOST_AFTER = timedelta(minutes=2)
"""Before the platform is asked what it has of a request whose answer was lost: it may still be at it."""

ASK_FIRST = timedelta(seconds=5)
ASK_SLOWEST = timedelta(minutes=30)
KEPT_FOR = timedelta(days=90)
"""Requests that ended; what they were about stays as it is."""

CALLS_MAX = 30
BACKOFF_S = (15.0, 900.0)
ASK_AFTER_TROUBLE = timedelta(seconds=2 * BACKOFF_S[0])
"""Later than the next look at the site, which then begins with something else."""


@dataclass(slots=True)
class _Look:
    """One site, once."""

    link: SiteLink
    dialect: Dialect
    client: PlatformClient
    calls: int = 0

    @property
    def is_spent(self) -> bool:
        return self.calls >= CALLS_MAX


class RealNameUpload:
    """`look` is a job of an `Aftercare` of its own. Not thread-safe: one thread calls it."""

    def __init__(
        self,
        database: Database,
        vault: PersonVault,
        keys: Path,
        *,
        now: Callable[[], datetime],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._database = database
        self._vault = vault
        self._keys = keys
        self._now = now
        self._timeout_s = timeout_s

    def look(self) -> int:
        """Do some of what is due at one site; 0 where nothing is."""
        site_id = self._claim()
        if site_id is None:
            return 0
        more = False
        try:
            more = self._look_at(site_id)
        except SyncError as error:  # of the platform; or the secret's file, the dialect
            self._failed(site_id, error)
        else:
            self._worked(site_id, is_more=more)
        return 1

    # -- whose turn it is ------------------------------------------------------------------------------------

    def _claim(self) -> str | None:
        """The site that waited longest; nobody else takes it meanwhile."""
        now, row = self._now(), real_name_sites.c
        far = now + 2 * CLAIMED_FOR  # the clock was set back
        due = or_(row.next_look_at.is_(None), row.next_look_at <= now, row.next_look_at > far)
        free = or_(row.claimed_until.is_(None), row.claimed_until <= now, row.claimed_until > far)
        with self._database.write() as connection:
            site_id: str | None = connection.scalar(
                select(row.site_id)
                .where(row.is_on, due, free)
                .order_by(row.next_look_at.is_not(None), row.next_look_at)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if site_id is not None:
                connection.execute(
                    update(real_name_sites)
                    .where(row.site_id == site_id)
                    .values(claimed_until=now + CLAIMED_FOR)
                )
        return site_id

    def _worked(self, site_id: str, *, is_more: bool) -> None:
        now, row = self._now(), real_name_requests.c
        with self._database.read() as connection:
            due = connection.scalar(
                select(func.min(row.next_ask_at)).where(row.site_id == site_id, row.state.in_(OPEN))
            )
        next_look_at = now if is_more else min(now + LOOK_EVERY, max(now, due or now + LOOK_EVERY))
        self._put(site_id, next_look_at=next_look_at, failures=0, problem="", looked_at=now)

    def _failed(self, site_id: str, error: SyncError) -> None:
        now, row = self._now(), real_name_sites.c
        with self._database.read() as connection:
            failures = (connection.scalar(select(row.failures).where(row.site_id == site_id)) or 0) + 1
        backoff = Backoff(*BACKOFF_S)
        for _ in range(min(failures, 10) - 1):
            backoff.next_s()
        wait = timedelta(seconds=backoff.next_s())
        problem = f"{error} {error.next_step}".strip()
        if failures == 1:
            log.warning("real-name platform, site %s: %s", site_id, problem)
        self._put(site_id, next_look_at=now + wait, failures=failures, problem=problem)

    def _put(self, site_id: str, **values: Any) -> None:
        with self._database.write() as connection:
            connection.execute(
                update(real_name_sites)
                .where(real_name_sites.c.site_id == site_id)
                .values(claimed_until=None, **values)
            )

    # -- a look ----------------------------------------------------------------------------------------------

    def _look_at(self, site_id: str) -> bool:
        """Whether more waits than one look does. Raises what `PlatformClient` raises."""
        with self._database.write() as connection:
            link = site_link(connection, site_id, hold=True)
            moved = queue_events(connection, link, now=self._now())
        with self._database.read() as connection:
            row = real_name_sites.c
            people_at = connection.scalar(select(row.people_at).where(row.site_id == site_id))
        now = self._now()
        if people_at is None or not timedelta() <= now - people_at < PEOPLE_EVERY:
            with self._database.write() as connection:
                link = site_link(connection, site_id, hold=True)
                queue_corrections(connection, link, now=now)
                queue_people(connection, link, now=now)
                results.forget_ended(connection, site_id, before=now - KEPT_FOR)
        dialect = read_dialect(link.dialect)
        secret = app_secret(self._keys, site_id)
        with PlatformClient(
            link.url, link.app_id, secret, dialect, now=self._now, timeout_s=self._timeout_s
        ) as client:
            look = _Look(link, dialect, client)
            self._ask(look)
            self._send_teams(look)
            self._send_people(look)
            self._send_passages(look)
        return look.is_spent or moved > 0

    # -- results ---------------------------------------------------------------------------------------------

    def _ask(self, look: _Look) -> None:
        """Ask for the results that are due, and what became of requests without an answer."""
        row = real_name_requests.c
        with self._database.read() as connection:
            due = connection.execute(
                select(real_name_requests)
                .where(
                    row.site_id == look.link.site_id,
                    row.state.in_(OPEN),
                    or_(row.next_ask_at <= self._now(), row.next_ask_at > self._now() + 2 * ASK_SLOWEST),
                )
                .order_by(row.asked, row.sent_at)
            ).all()
        for request in due:
            if look.is_spent:
                return
            look.calls += 1
            if request.state == RequestState.TAKEN:
                self._ask_result(look, request)
            else:
                self._try_to_find_out(look, request)

    def _ask_result(self, look: _Look, request: Any) -> None:
        try:
            result = look.client.result(request.serial)
        except (PlatformBusy, AccessRefused):
            raise
        except AnswerLost:
            self._put_off(request, first=ASK_AFTER_TROUBLE)
            raise
        except RequestRefused:  # it does not know the serial any more: see what it has
            self._try_to_find_out(look, request)
            return
        team_no = result.team_no
        is_there = result.state == "done" or look.dialect.is_there_already(result.message)
        if request.kind == Kind.TEAM and not team_no and is_there:
            team_no = self._ask_team_number(look, request)
        if result.state == "waiting":
            self._put_off(request)
            return
        with self._database.write() as connection:
            results.settle(
                connection, self._vault, look.dialect, request, result, team_no=team_no, now=self._now()
            )

    def _put_off(self, request: Any, *, first: timedelta = ASK_FIRST) -> None:
        with self._database.write() as connection:
            results.put_off(connection, request, now=self._now(), first=first, slowest=ASK_SLOWEST)

    def _ask_team_number(self, look: _Look, request: Any) -> str:
        employer, team = request.items[0]
        return look.client.team_number(team_of(look.link, employer, team, "", look.dialect))

    def _try_to_find_out(self, look: _Look, request: Any) -> None:
        """A request of which the platform does not tell waits, and holds nothing else of the site up."""
        try:
            self._find_out(look, request)
        except (PlatformBusy, AccessRefused):
            raise
        except AnswerLost:
            self._put_off(request, first=ASK_AFTER_TROUBLE)
            raise
        except RequestRefused as error:
            if not request.asked:  # its own words may name somebody
                log.warning(
                    "real-name platform, site %s: it does not tell what became of a request (%s, code %s)",
                    look.link.site_id,
                    request.kind,
                    error.code,
                )
            self._put_off(request)

    def _find_out(self, look: _Look, request: Any) -> None:
        """What the platform has of a request whose answer never came."""
        there: set[Any] = set()
        team_no = ""
        if request.kind == Kind.TEAM:
            team_no = self._ask_team_number(look, request)
        elif request.kind == Kind.WORKER:
            with self._database.read() as connection:
                people, _ = workers_of(connection, self._vault, look.link, request.items)
            team = team_of(look.link, "", "", request.team_no, look.dialect)
            there = {one for one, worker in people.items() if look.client.has_worker(team, worker)}
        elif request.kind == Kind.ATTENDANCE:
            there = self._passages_there(look, request)
        with self._database.write() as connection:
            results.found_out(connection, request, there, team_no=team_no, now=self._now())

    def _passages_there(self, look: _Look, request: Any) -> set[str]:
        dialect = look.dialect
        with self._database.read() as connection:
            opened = passages_of(connection, self._vault, look.link, request.items, with_cancelled=True)
        team = team_of(look.link, "", "", request.team_no, dialect)
        days = {one.at.astimezone(dialect.zone).date() for one in opened.passages.values()}
        known = {key for day in sorted(days) for key in look.client.passages(team, day)}
        found = set()
        for record_id, one in opened.passages.items():
            moment = one.at.astimezone(dialect.zone).strftime(dialect.moment)
            if (one.document_number, moment, dialect.directions[one.direction]) in known:
                found.add(record_id)
        return found

    # -- sending ---------------------------------------------------------------------------------------------

    def _send_teams(self, look: _Look) -> None:
        row = real_name_teams.c
        with self._database.read() as connection:
            waiting = connection.execute(
                select(row.employer, row.team)
                .where(row.site_id == look.link.site_id, row.state == State.WAITING.value)
                .order_by(row.changed_at)
                .limit(CALLS_MAX)
            ).all()
        for employer, team in waiting:
            if look.is_spent:
                return
            with self._database.write() as connection:
                request = self._note(connection, look, Kind.TEAM, "", [[employer, team]])
            wanted = team_of(look.link, employer, team, "", look.dialect)
            self._send(look, request, partial(look.client.add_team, wanted))

    def _send_people(self, look: _Look) -> None:
        for known in (False, True):
            for employer, team, team_no in self._teams_with(look, known=known):
                more = True
                while more and not look.is_spent:
                    more = self._send_some_people(look, employer, team, team_no, known=known)

    def _teams_with(self, look: _Look, *, known: bool) -> Sequence[Any]:
        """Teams that the platform has, with workers who wait."""
        people, team = real_name_people.c, real_name_teams.c
        with self._database.read() as connection:
            return connection.execute(
                select(team.employer, team.team, team.team_no)
                .distinct()
                .join_from(real_name_people, real_name_teams, WORKER_TEAM)
                .where(
                    people.site_id == look.link.site_id,
                    people.state == State.WAITING.value,
                    team.team_no != "",
                    people.is_known.is_(known),
                )
            ).all()

    def _send_some_people(self, look: _Look, employer: str, team: str, team_no: str, *, known: bool) -> bool:
        """One request; whether there was anybody to send."""
        column = real_name_people.c
        here = (column.site_id == look.link.site_id, column.employer == employer, column.team == team)
        now = self._now()
        with self._database.write() as connection:
            waiting = connection.execute(
                select(column.worker_id, column.alone)
                .where(*here, column.state == State.WAITING.value, column.is_known.is_(known))
                .order_by(column.changed_at, column.worker_id)
                .limit(look.dialect.protocol.rows_max)
            ).all()
            chosen = _together(waiting, "worker_id")
            people, held = workers_of(connection, self._vault, look.link, chosen)
            results.hold(connection, held, site_id=look.link.site_id, now=now)
            if not people:
                return bool(held)
            kind = Kind.CHANGE if known else Kind.WORKER
            request = self._note(connection, look, kind, team_no, list(people))
        wanted = team_of(look.link, employer, team, team_no, look.dialect)
        rows = list(people.values())
        self._send(look, request, lambda: look.client.add_workers(wanted, rows, are_known=known))
        return True

    def _send_passages(self, look: _Look) -> None:
        """At most one request of a team is on its way, so that its passages arrive in their order."""
        record, people, team = real_name_records.c, real_name_people.c, real_name_teams.c
        asked = real_name_requests.c
        busy = select(asked.team_no).where(
            asked.site_id == look.link.site_id,
            asked.kind == Kind.ATTENDANCE.value,
            asked.state.in_(OPEN),
        )
        with self._database.read() as connection:
            teams = connection.execute(
                select(team.employer, team.team, team.team_no, func.min(record.occurred_at))
                .join_from(real_name_records, real_name_people, RECORD_WORKER)
                .join(real_name_teams, WORKER_TEAM)
                .where(
                    record.site_id == look.link.site_id,
                    record.state == State.WAITING.value,
                    people.is_known,
                    people.state != State.HELD.value,
                    team.team_no != "",
                    team.team_no.not_in(busy),
                )
                .group_by(team.employer, team.team, team.team_no)
                .order_by(func.min(record.occurred_at))
                .limit(CALLS_MAX)
            ).all()
        for employer, name, team_no, _ in teams:
            if look.is_spent:
                return
            self._send_some_passages(look, employer, name, team_no)

    def _send_some_passages(self, look: _Look, employer: str, team: str, team_no: str) -> None:
        record, people = real_name_records.c, real_name_people.c
        now = self._now()
        with self._database.write() as connection:
            waiting = connection.execute(
                select(record.record_id, record.alone)
                .join_from(real_name_records, real_name_people, RECORD_WORKER)
                .where(
                    record.site_id == look.link.site_id,
                    record.state == State.WAITING.value,
                    people.is_known,
                    people.state != State.HELD.value,
                    people.employer == employer,
                    people.team == team,
                )
                .order_by(record.occurred_at, record.record_id)
                .limit(look.dialect.protocol.rows_max)
            ).all()
            chosen = _together(waiting, "record_id")
            opened = passages_of(connection, self._vault, look.link, chosen)
            results.hold(connection, opened.held, site_id=look.link.site_id, now=now)
            results.drop(connection, opened.cancelled, now=now)
            ids = [one for one in chosen if one in opened.passages]
            if not ids:
                return
            request = self._note(connection, look, Kind.ATTENDANCE, team_no, ids)
        wanted = team_of(look.link, employer, team, team_no, look.dialect)
        rows = [opened.passages[one] for one in ids]
        self._send(look, request, lambda: look.client.add_attendance(wanted, rows))

    def _note(
        self, connection: Connection, look: _Look, kind: Kind, team_no: str, items: Sequence[Any]
    ) -> str:
        """Write down what is about to be sent."""
        request_id, now = uuid4().hex, self._now()
        connection.execute(
            insert(real_name_requests).values(
                request_id=request_id,
                site_id=look.link.site_id,
                kind=kind.value,
                team_no=team_no,
                items=list(items),
                state=RequestState.SENDING.value,
                sent_at=now,
                next_ask_at=now + LOST_AFTER,
            )
        )
        results.mark(
            connection, kind, look.link.site_id, items, state=State.SENT, request_id=request_id, now=now
        )
        return request_id

    def _send(self, look: _Look, request_id: str, send: Callable[[], str]) -> None:
        """Send, and write down what came of it. What concerns the whole site is raised again."""
        look.calls += 1
        row = real_name_requests.c
        try:
            serial = send()
        except AnswerLost:
            self._lost(request_id)
            raise
        except (NotSent, PlatformBusy, AccessRefused) as error:
            with self._database.write() as connection:
                results.not_taken(connection, _noted(connection, request_id), str(error), now=self._now())
            raise
        except RequestRefused as error:
            with self._database.write() as connection:
                request = _noted(connection, request_id)
                results.refused(connection, self._vault, look.dialect, request, str(error), now=self._now())
            return
        with self._database.write() as connection:
            connection.execute(
                update(real_name_requests)
                .where(row.request_id == request_id)
                .values(state=RequestState.TAKEN.value, serial=serial, next_ask_at=self._now() + ASK_FIRST)
            )

    def _lost(self, request_id: str) -> None:
        with self._database.write() as connection:
            connection.execute(
                update(real_name_requests)
                .where(real_name_requests.c.request_id == request_id)
                .values(state=RequestState.LOST.value, next_ask_at=self._now() + LOST_AFTER)
            )


def _noted(connection: Connection, request_id: str) -> Any:
    row = real_name_requests.c
    return connection.execute(select(real_name_requests).where(row.request_id == request_id)).one()


def _together(waiting: Sequence[Any], column: str) -> list[str]:
    """What goes in one request: the first one alone where it must, else all up to one that must."""
    chosen: list[str] = []
    for row in waiting:
        if row.alone:
            return chosen or [row._mapping[column]]
        chosen.append(row._mapping[column])
    return chosen
