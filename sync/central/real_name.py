"""Upload to the real-name platform over an open connection: which sites, and what people do about it.

What waits is in `real_name_queue`; it is read when it is sent, so that a record holds no name and no number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from sync.central import tables
from sync.central.declarations import site_zone
from sync.central.errors import CentralError, SettingRefused
from sync.central.statements import chunks, insert_or
from sync.central.tables_real_name import (
    real_name_people,
    real_name_records,
    real_name_requests,
    real_name_sites,
    real_name_teams,
)
from sync.real_name.client import check_url
from sync.real_name.dialect import read_dialect

UPLOAD = "real_name"
"""`ConsentWithdrawal.kind`: this worker is not sent to the platform any more."""


class State(StrEnum):
    """Where a team, a worker or a passage is on its way.

    HELD       not sent, for a reason of ours; `reason` is one of `Hold`
    DROPPED    cancelled by a manager before it was sent
    OVERTAKEN  cancelled after the platform took it, which knows no way to take it back
    """

    WAITING = "waiting"
    SENT = "sent"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    HELD = "held"
    DROPPED = "dropped"
    OVERTAKEN = "overtaken"


class Hold(StrEnum):
    """Why something is not sent."""

    NO_PAPERS = "no_papers"
    PAPERS_UNREADABLE = "papers_unreadable"
    NO_CORP_CODE = "no_corp_code"
    WITHDRAWN = "withdrawn"
    CLOCK = "clock_untrusted"


class Kind(StrEnum):
    """What a request is about. CHANGE: a worker whom the platform knows."""

    TEAM = "team"
    WORKER = "worker"
    CHANGE = "change"
    ATTENDANCE = "attendance"


class RequestState(StrEnum):
    """SENDING and LOST: the platform may have it; TAKEN: it gave a serial; NOT_TAKEN: it has nothing."""

    SENDING = "sending"
    LOST = "lost"
    TAKEN = "taken"
    DONE = "done"
    FAILED = "failed"
    NOT_TAKEN = "not_taken"


OPEN = (RequestState.SENDING.value, RequestState.LOST.value, RequestState.TAKEN.value)


class NotUploaded(CentralError, LookupError):
    """The site is not set up for the real-name platform."""


@dataclass(frozen=True, slots=True)
class SiteLink:
    """A site and its project at the platform. `corp_codes`: further employers, name → code."""

    site_id: str
    url: str
    app_id: str
    project_code: str
    corp_code: str
    corp_name: str
    corp_codes: Mapping[str, str]
    from_day: date
    dialect: str = "national"
    allow_plain: bool = False
    photos: str = ""
    is_on: bool = True

    def corp_of(self, employer: str) -> tuple[str, str]:
        """Code and name of a worker's enterprise; the code "" where nobody told it."""
        name = employer.strip()
        if not name or name == self.corp_name:
            return self.corp_code, self.corp_name
        return self.corp_codes.get(name, ""), name


def put_site(connection: Connection, link: SiteLink, *, now: datetime) -> None:
    """Set a site up, or change how. An earlier first day queues what was left out; nothing is sent twice.

    Raises UnknownSite, UrlRefused, DialectInvalid, SettingRefused.
    """
    check_url(link.url, allow_plain=link.allow_plain)
    read_dialect(link.dialect)
    missing = [
        name
        for name in ("app_id", "project_code", "corp_code", "corp_name")
        if not getattr(link, name).strip()
    ]
    if missing:
        raise SettingRefused(
            f"{missing[0]} is missing", next_step="it is in the platform's letter to the site"
        )
    zone = site_zone(connection, link.site_id)
    values = {name: getattr(link, name) for name in SiteLink.__dataclass_fields__}
    values |= {
        "corp_codes": dict(link.corp_codes),
        "updated_at": now,
        "people_at": None,
        "next_look_at": None,
    }
    known = connection.execute(
        select(real_name_sites.c.from_day, real_name_sites.c.seen_event).where(
            real_name_sites.c.site_id == link.site_id
        )
    ).first()
    if known is None:
        seen = _before(connection, link, zone)
        connection.execute(insert(real_name_sites).values(**values, seen_event=seen))
        return
    if link.from_day < known.from_day:
        values["seen_event"] = min(known.seen_event, _before(connection, link, zone))
        values["seen_correction"] = None
    row = real_name_sites.c
    connection.execute(update(real_name_sites).where(row.site_id == link.site_id).values(**values))


def site_link(connection: Connection, site_id: str, *, hold: bool = False) -> SiteLink:
    """`hold`: on PostgreSQL nobody else changes how it is set up until the commit. Raises NotUploaded."""
    found = site_links(connection, site_id, hold=hold)
    if not found:
        raise NotUploaded(
            f"site {site_id} is not set up for the real-name platform",
            next_step=f"sitegate central real-name set {site_id} …",
        )
    return found[0]


def site_links(connection: Connection, site_id: str = "", *, hold: bool = False) -> list[SiteLink]:
    """Every site that is set up, or the one."""
    names = tuple(SiteLink.__dataclass_fields__)
    query = select(*(real_name_sites.c[name] for name in names)).order_by(real_name_sites.c.site_id)
    if site_id:
        query = query.where(real_name_sites.c.site_id == site_id)
    if hold:
        query = query.with_for_update()
    return [SiteLink(**row._mapping) for row in connection.execute(query)]


def put_team_number(
    connection: Connection, site_id: str, employer: str, team: str, team_no: str, *, now: datetime
) -> None:
    """The platform has this team already, under that number."""
    statement = insert_or(connection, real_name_teams).values(
        site_id=site_id,
        employer=employer,
        team=team,
        team_no=team_no,
        state=State.ACCEPTED.value,
        changed_at=now,
    )
    told = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["site_id", "employer", "team"],
            set_={"team_no": told.team_no, "state": told.state, "reason": "", "changed_at": now},
        )
    )


# -- what people do about it -------------------------------------------------------------------------------


def retry(connection: Connection, site_id: str, ids: Collection[str] | None = None, *, now: datetime) -> int:
    """Send rejected rows again, and passages held for their clock: those by these ids, or all of the site.

    An id is that of a record, a worker's number, or `team:` with employer and team; returns how many go.
    """
    count = 0
    again = {"state": State.WAITING.value, "reason": "", "request_id": None, "changed_at": now}
    for table, column in ((real_name_records, "record_id"), (real_name_people, "worker_id")):
        waits = [table.c.state == State.REJECTED.value]
        if table is real_name_records:
            waits.append((table.c.state == State.HELD.value) & (table.c.reason == Hold.CLOCK.value))
        query = update(table).where(table.c.site_id == site_id, or_(*waits)).values(again)
        if ids is None:
            count += connection.execute(query).rowcount
        else:
            for some in chunks(sorted(ids)):
                count += connection.execute(query.where(table.c[column].in_(some))).rowcount
    team = real_name_teams.c
    for row in connection.execute(
        select(team.employer, team.team).where(team.site_id == site_id, team.state == State.REJECTED.value)
    ).all():
        if ids is None or team_id(row.employer, row.team) in ids:
            count += connection.execute(
                update(real_name_teams)
                .where(team.site_id == site_id, team.employer == row.employer, team.team == row.team)
                .values(again)
            ).rowcount
    wake(connection, site_id)
    return count


def ask_again(connection: Connection, site_id: str, *, now: datetime) -> int:
    """Ask for every outstanding result now; how many there are."""
    row = real_name_requests.c
    done = connection.execute(
        update(real_name_requests)
        .where(row.site_id == site_id, row.state.in_(OPEN))
        .values(next_ask_at=now, asked=0)
    )
    wake(connection, site_id)
    return done.rowcount


def wake(connection: Connection, site_id: str) -> None:
    """Look at the site at once, whatever went wrong before."""
    connection.execute(
        update(real_name_sites)
        .where(real_name_sites.c.site_id == site_id)
        .values(next_look_at=None, failures=0)
    )


def team_id(employer: str, team: str) -> str:
    """As `retry` takes it."""
    return f"team:{employer}/{team}"


def forget(connection: Connection, worker_id: str) -> None:
    """A whole record is erased: nothing of the worker waits here any more."""
    for table in (real_name_records, real_name_people):
        connection.execute(delete(table).where(table.c.worker_id == worker_id))


def set_counts(connection: Connection, record_id: str, *, counts: bool, now: datetime) -> None:
    """A passage counts, or no longer: stopped before it is sent, or marked where the platform has it."""
    row = real_name_records.c
    moves = (
        [([State.DROPPED], State.WAITING), ([State.OVERTAKEN], State.ACCEPTED)]
        if counts
        else [
            ([State.WAITING, State.HELD, State.REJECTED], State.DROPPED),
            ([State.ACCEPTED], State.OVERTAKEN),
        ]
    )
    for before, after in moves:
        connection.execute(
            update(real_name_records)
            .where(row.record_id == record_id, row.state.in_([one.value for one in before]))
            .values(state=after.value, changed_at=now)
        )


def begins(link: SiteLink, zone: ZoneInfo) -> datetime:
    """The first moment whose passages are sent."""
    return datetime.combine(link.from_day, time(), zone)


def _before(connection: Connection, link: SiteLink, zone: ZoneInfo) -> int:
    """The number before the first event of the first day; before the next one to come if there is none."""
    event = tables.events.c
    first = connection.scalar(
        select(func.min(event.event_no)).where(
            event.site_id == link.site_id, event.occurred_at >= begins(link, zone)
        )
    )
    if first is not None:
        return int(first) - 1
    return connection.scalar(select(func.max(event.event_no))) or 0
