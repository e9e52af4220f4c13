"""From the registry and the events to what the platform is sent: read at that moment, papers opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, exists, select

from sync.central import tables
from sync.central.attendance import CorrectionKind
from sync.central.person_vault import PersonDataUnreadable, PersonVault, masked
from sync.central.persons import person
from sync.central.real_name import Hold, SiteLink
from sync.central.statements import chunks
from sync.central.tables_real_name import real_name_records
from sync.people import Person
from sync.private_file import read_private
from sync.real_name import AppSecret, Attendance, Dialect, RealNameWorker, Team
from sync.records import Direction, Passage

HIDDEN = "•"


@dataclass(frozen=True, slots=True)
class Opened:
    """What can be sent, by id; which workers' cannot, and why. `cancelled` no longer counts here."""

    passages: Mapping[str, Attendance]
    held: Mapping[str, Hold]
    cancelled: frozenset[str]


def secret_file(keys: Path, site_id: str) -> Path:
    """Where a site's application secret is kept."""
    return keys / f"real-name-{site_id}.key"


def app_secret(keys: Path, site_id: str) -> AppSecret:
    """Raises SecretUnsafe, SecretUnusable."""
    path = secret_file(keys, site_id)
    text = read_private(path, when_missing=f"sitegate central real-name set {site_id} asks for it")
    return AppSecret(text)


def team_of(link: SiteLink, employer: str, team: str, team_no: str, dialect: Dialect) -> Team:
    """A team as the platform names it."""
    code, name = link.corp_of(employer)
    return Team(
        project_code=link.project_code,
        corp_code=code,
        corp_name=name,
        team_name=team.strip() or dialect.no_team,
        team_no=team_no,
    )


def workers_of(
    connection: Connection, vault: PersonVault, link: SiteLink, worker_ids: Sequence[str]
) -> tuple[dict[str, RealNameWorker], dict[str, Hold]]:
    """Workers as they are now, and why the rest cannot be sent."""
    column = tables.workers.c
    found: dict[str, RealNameWorker] = {}
    held: dict[str, Hold] = {}
    for row in connection.execute(
        select(column.worker_id, column.name, column.trade, column.phone, column.face_consent_on).where(
            column.worker_id.in_(worker_ids)
        )
    ).all():
        papers = _papers(connection, vault, row.worker_id)
        if isinstance(papers, Hold):
            held[row.worker_id] = papers
            continue
        found[row.worker_id] = RealNameWorker(
            name=row.name,
            document_type=papers.document_type,
            document_number=papers.document_number,
            trade=row.trade,
            sex=papers.sex,
            birth_date=papers.birth_date,
            address=papers.address,
            phone=row.phone,
            photo=_photo(link, row.worker_id) if row.face_consent_on is not None else None,
        )
    return found, held


def passages_of(
    connection: Connection,
    vault: PersonVault,
    link: SiteLink,
    record_ids: Sequence[str],
    *,
    with_cancelled: bool = False,
) -> Opened:
    """Passages as they are now. `with_cancelled`: those too that no longer count."""
    passages: dict[str, Attendance] = {}
    held: dict[str, Hold] = {}
    cancelled: set[str] = set()
    papers: dict[str, Person | Hold] = {}
    for row in _facts(connection, link.site_id, record_ids):
        if row.worker_id not in papers:
            papers[row.worker_id] = _papers(connection, vault, row.worker_id)
        known = papers[row.worker_id]
        counts = not row.is_cancelled and row.passage != Passage.NOT_PASSED.value
        if not counts:
            cancelled.add(row.record_id)
        if not counts and not with_cancelled:
            continue
        if isinstance(known, Hold):
            held[row.worker_id] = known
        else:
            passages[row.record_id] = Attendance(
                document_type=known.document_type,
                document_number=known.document_number,
                at=row.occurred_at,
                direction=Direction(row.direction or row.told_direction),
                method=row.method or "",
                channel=row.gate_name or row.gate_id or "",
                is_correction=row.is_correction,
            )
    return Opened(passages, held, frozenset(cancelled))


def plain_reason(connection: Connection, vault: PersonVault, worker_id: str, reason: str) -> str:
    """What the platform said about a row, without the name and the number that it may repeat."""
    name = connection.scalar(select(tables.workers.c.name).where(tables.workers.c.worker_id == worker_id))
    papers = _papers(connection, vault, worker_id)
    if isinstance(papers, Person):
        reason = reason.replace(papers.document_number, masked(papers.document_number))
    return reason.replace(name, HIDDEN) if name else reason


def _facts(connection: Connection, site_id: str, record_ids: Sequence[str]) -> list[Any]:
    record, event, note = real_name_records.c, tables.events.c, tables.attendance_corrections.c
    cancel = tables.attendance_corrections.alias("cancel")
    query = (
        select(
            record.record_id,
            record.worker_id,
            record.occurred_at,
            record.is_correction,
            event.direction,
            event.method,
            event.passage,
            event.gate_id,
            tables.gates.c.name.label("gate_name"),
            note.direction.label("told_direction"),
            (
                exists().where(
                    cancel.c.event_id == record.record_id,
                    cancel.c.site_id == record.site_id,
                    cancel.c.kind == CorrectionKind.CANCEL.value,
                    cancel.c.withdrawn_at.is_(None),
                )
                | note.withdrawn_at.is_not(None)
            ).label("is_cancelled"),
        )
        .select_from(real_name_records)
        .outerjoin(tables.events, event.event_id == record.record_id)
        .outerjoin(tables.attendance_corrections, note.correction_id == record.record_id)
        .outerjoin(
            tables.gates,
            (tables.gates.c.site_id == event.site_id) & (tables.gates.c.gate_id == event.gate_id),
        )
    )
    return [
        row
        for some in chunks(list(record_ids))
        for row in connection.execute(query.where(record.site_id == site_id, record.record_id.in_(some)))
    ]


def _papers(connection: Connection, vault: PersonVault, worker_id: str) -> Person | Hold:
    try:
        return person(connection, vault, worker_id) or Hold.NO_PAPERS
    except PersonDataUnreadable:
        return Hold.PAPERS_UNREADABLE


def _photo(link: SiteLink, worker_id: str) -> bytes | None:
    if not link.photos:
        return None
    path = Path(link.photos) / f"{worker_id}.jpg"
    try:
        return path.read_bytes()
    except OSError:  # most have none, and a row without one is taken too
        return None
