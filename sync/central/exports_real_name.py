"""The real-name platform's rows as files: CSV and XLSX with where each row stands, JSON as it would be sent.

Document numbers stay encrypted under the application's secret, as in a request.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import select

from sync.central import tables
from sync.central.database import Database
from sync.central.declarations import site_zone
from sync.central.exports import Cell
from sync.central.exports_tables import pieces_of
from sync.central.person_vault import PersonVault
from sync.central.real_name import SiteLink
from sync.central.real_name_papers import passages_of, team_of, workers_of
from sync.central.statements import CHUNK
from sync.central.tables_real_name import (
    RECORD_WORKER,
    WORKER_TEAM,
    real_name_people,
    real_name_records,
    real_name_requests,
    real_name_teams,
)
from sync.real_name import AppSecret, Dialect
from sync.real_name.records import attendance_data, workers_data

JSON = "json"
DEVICE, MANAGER = "闸机 device", "人工补录 correction"
_MORE = (
    "来源 Source", "补录人 Corrected by", "补录原因 Why", "状态 State", "说明 Reason", "流水号 Serial",
    "记录编号 Record",
)  # fmt: skip
_WORKER_MORE = ("工号 Worker", "状态 State", "说明 Reason", "流水号 Serial")


class What(StrEnum):
    """What is exported."""

    ATTENDANCE = "attendance"
    WORKERS = "workers"


@dataclass(frozen=True, slots=True)
class _Row:
    """One row: what is around it in a request, itself in the platform's words, and what we know beside."""

    outer: dict[str, Any]
    row: dict[str, Any]
    more: tuple[str, ...]


def file_pieces(
    database: Database,
    vault: PersonVault,
    link: SiteLink,
    secret: AppSecret,
    dialect: Dialect,
    what: What,
    first: date,
    last: date,
    file_format: str,
) -> Iterator[bytes]:
    """Rows of a site as `csv`, `xlsx` or `json`; of attendance those of these days, both included."""
    rows = (
        _attendance_rows(database, vault, link, secret, dialect, first, last)
        if what is What.ATTENDANCE
        else _worker_rows(database, vault, link, secret, dialect)
    )
    return _row_pieces(rows, what, dialect, file_format)


def _attendance_rows(
    database: Database,
    vault: PersonVault,
    link: SiteLink,
    secret: AppSecret,
    dialect: Dialect,
    first: date,
    last: date,
) -> Iterator[_Row]:
    """The queued passages of these days (both included) in their order; those without papers are left out."""
    record, asked, note = real_name_records.c, real_name_requests.c, tables.attendance_corrections.c
    people, team = real_name_people.c, real_name_teams.c
    with database.read() as connection:
        zone = site_zone(connection, link.site_id)
    begin = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    query = (
        select(
            record.record_id, record.occurred_at, record.state, record.reason, asked.serial, people.employer,
            people.team, team.team_no, note.made_by, note.reason.label("why"),
        )
        .select_from(real_name_records)
        .outerjoin(real_name_requests, asked.request_id == record.request_id)
        .outerjoin(tables.attendance_corrections, note.correction_id == record.record_id)
        .outerjoin(real_name_people, RECORD_WORKER)
        .outerjoin(real_name_teams, WORKER_TEAM)
        .where(record.site_id == link.site_id, record.occurred_at >= begin, record.occurred_at < end)
        .order_by(record.occurred_at, record.record_id)
    )  # fmt: skip
    after: tuple[datetime, str] | None = None
    while True:
        part = query.limit(CHUNK)
        if after is not None:
            at, record_id = after
            later = (record.occurred_at > at) | ((record.occurred_at == at) & (record.record_id > record_id))
            part = part.where(later)
        with database.read() as connection:
            rows = connection.execute(part).all()
            ids = [row.record_id for row in rows]
            opened = passages_of(connection, vault, link, ids, with_cancelled=True)
        for row in rows:
            passage = opened.passages.get(row.record_id)
            if passage is None:
                continue
            named = team_of(link, row.employer or "", row.team or "", row.team_no or "", dialect)
            data = attendance_data(named, [passage], dialect, secret)
            (inner,) = data.pop(dialect.fields_.attendances.rows)
            source = MANAGER if passage.is_correction else DEVICE
            facts = (row.made_by, row.why, row.state, row.reason, row.serial, row.record_id)
            yield _Row(data, inner, (source, *(fact or "" for fact in facts)))
        if len(rows) < CHUNK:
            return
        after = (rows[-1].occurred_at, rows[-1].record_id)


def _worker_rows(
    database: Database, vault: PersonVault, link: SiteLink, secret: AppSecret, dialect: Dialect
) -> Iterator[_Row]:
    """The site's workers that have papers, by number."""
    people, team, asked = real_name_people.c, real_name_teams.c, real_name_requests.c
    query = (
        select(
            people.worker_id, people.employer, people.team, people.state, people.reason, team.team_no,
            asked.serial,
        )
        .select_from(real_name_people)
        .outerjoin(real_name_teams, WORKER_TEAM)
        .outerjoin(real_name_requests, asked.request_id == people.request_id)
        .where(people.site_id == link.site_id)
        .order_by(people.worker_id)
        .limit(CHUNK)
    )  # fmt: skip
    after = ""
    while True:
        with database.read() as connection:
            rows = connection.execute(query.where(people.worker_id > after)).all()
            known, _ = workers_of(connection, vault, link, [row.worker_id for row in rows])
        for row in rows:
            if row.worker_id in known:
                named = team_of(link, row.employer, row.team, row.team_no or "", dialect)
                data = workers_data(named, [known[row.worker_id]], dialect, secret)
                (inner,) = data.pop(dialect.fields_.workers.rows)
                yield _Row(data, inner, (row.worker_id, row.state, row.reason, row.serial or ""))
        if len(rows) < CHUNK:
            return
        after = rows[-1].worker_id


def _row_pieces(rows: Iterable[_Row], what: What, dialect: Dialect, file_format: str) -> Iterator[bytes]:
    if file_format == JSON:
        return _json_pieces(rows, what, dialect)
    fields = dialect.fields_
    if what is What.ATTENDANCE:
        outer, inner = fields.attendances.model_dump(), fields.attendance.model_dump()
    else:
        outer, inner = fields.workers.model_dump(), fields.worker.model_dump()
    outer_names = [name for key, name in outer.items() if key != "rows"]
    inner_names = [name for key, name in inner.items() if key != "photo"] + (
        list(dialect.worker_always) if what is What.WORKERS else []
    )

    def cells() -> Iterator[tuple[Cell, ...]]:
        for one in rows:
            values = [one.outer.get(name, "") for name in outer_names]
            values += [one.row.get(name, "") for name in inner_names]
            yield (*values, *one.more)

    more = _MORE if what is What.ATTENDANCE else _WORKER_MORE
    heading = (*outer_names, *inner_names, *more)
    return pieces_of(heading, cells(), file_format, what.value)


def _json_pieces(rows: Iterable[_Row], what: What, dialect: Dialect) -> Iterator[bytes]:
    """One object a request, each with as many rows of one team as the platform takes."""
    methods, fields = dialect.methods, dialect.fields_
    is_attendance = what is What.ATTENDANCE
    method = methods.attendance_add if is_attendance else methods.worker_add
    name = fields.attendances.rows if is_attendance else fields.workers.rows
    yield f'{{"{dialect.parameters.method}":"{method}","{dialect.parameters.data}":['.encode()
    separator = ""
    for _, group in groupby(rows, key=lambda one: sorted(one.outer.items())):
        part: list[_Row] = []
        for one in group:
            part.append(one)
            if len(part) == dialect.protocol.rows_max:
                yield _request(part, name, separator)
                part, separator = [], ","
        if part:
            yield _request(part, name, separator)
            separator = ","
    yield b"]}\n"


def _request(part: list[_Row], name: str, separator: str) -> bytes:
    data = {**part[0].outer, name: [one.row for one in part]}
    return (separator + "\n" + json.dumps(data, ensure_ascii=False)).encode()
