"""What the console and the public check page ask about training: records, what ends soon, what is whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, Select, func, select

from sync.central.accounts_access import Viewer, in_scope, no_such
from sync.central.audit import Action, note_look
from sync.central.database import Database
from sync.central.tables import workers
from sync.central.tables_training import training_records
from sync.records import WorkerStatus
from sync.training.record import (
    WARN_DAYS,
    ChainFinding,
    Result,
    SignedTraining,
    TrainingRecord,
    verify_chain,
)

PAGE_ROWS = 100
ENDED_SHOWN_DAYS = 30
"""Training that ended longer ago is no news any more."""

_MASK = "*"


@dataclass(frozen=True, slots=True)
class TrainingLine:
    """One record as a list shows it."""

    record_id: str
    site_id: str
    kiosk_id: str
    worker_id: str
    worker_name: str
    course: str
    version: str
    kind: str
    result: Result
    score_percent: int | None
    seconds_seen: float
    ended_at: datetime
    valid_until: datetime | None
    key_registered: bool


@dataclass(frozen=True, slots=True)
class ChainReport:
    """One key's chain as it lies at the centre; `missing` counts records that never came."""

    site_id: str
    kiosk_id: str
    records: int
    missing: int
    findings: tuple[ChainFinding, ...]


@dataclass(frozen=True, slots=True)
class PublicCheck:
    """What anybody who scans a certificate may know."""

    is_valid: bool
    course_zh: str
    course_en: str
    ended_at: datetime
    valid_until: datetime | None
    masked_name: str


class TrainingOffice:
    """Every look at people leaves its line in the audit log."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def records(
        self, viewer: Viewer, *, site_id: str = "", search: str = "", rows: int = PAGE_ROWS
    ) -> list[TrainingLine]:
        """The latest records, newest first; `search` in number, name and course. Raises NotFound."""
        self._look(viewer, site_id, {"search": search} if search else {})
        query = self._lines(viewer, site_id).order_by(training_records.c.ended_at.desc()).limit(rows)
        if search:
            table = training_records.c
            query = query.where(
                table.worker_id.contains(search, autoescape=True)
                | table.worker_name.contains(search, autoescape=True)
                | table.course_title_zh.contains(search, autoescape=True)
            )
        with self._database.read() as connection:
            return [_line(row) for row in connection.execute(query)]

    def expiring(
        self, viewer: Viewer, *, site_id: str = "", days: float = WARN_DAYS, rows: int = 1000
    ) -> list[TrainingLine]:
        """Passes that end within `days` or ended lately and were not repeated, soonest first."""
        self._look(viewer, site_id, {"expiring": True})
        now, table = self._now(), training_records.c
        later = training_records.alias()
        repeated = (
            select(later.c.record_id)
            .where(
                later.c.worker_id == table.worker_id,
                later.c.kind == table.kind,
                later.c.valid_until > table.valid_until,
            )
            .exists()
        )
        query = (
            self._lines(viewer, site_id)
            .join(workers, workers.c.worker_id == table.worker_id)
            .where(
                table.valid_until > now - timedelta(days=ENDED_SHOWN_DAYS),
                table.valid_until <= now + timedelta(days=days),
                workers.c.status != WorkerStatus.LEFT.value,
                ~repeated,
            )
            .order_by(table.valid_until)
            .limit(rows)
        )
        with self._database.read() as connection:
            return [_line(row) for row in connection.execute(query)]

    def signed(self, viewer: Viewer, record_id: str) -> SignedTraining:
        """One record with its signature. Raises NotFound."""
        table = training_records.c
        with self._database.read() as connection:
            row = connection.execute(
                select(table.signed, table.site_id).where(
                    table.record_id == record_id, in_scope(viewer, table.site_id)
                )
            ).first()
        if row is None:
            raise no_such("training record", record_id)
        self._look(viewer, row.site_id, {"record": record_id})
        return SignedTraining.model_validate_json(row.signed)

    def verify(self, viewer: Viewer, *, site_id: str = "") -> list[ChainReport]:
        """Check every signature and every chain; takes about 0.2 s for a thousand records."""
        table = training_records.c
        where = [in_scope(viewer, table.site_id)]
        if site_id:
            viewer.require_site(site_id)
            where.append(table.site_id == site_id)
        with self._database.read() as connection:
            heads = connection.execute(
                select(table.site_id, table.kiosk_id, table.public_key, func.max(table.number).label("last"))
                .where(*where)
                .group_by(table.site_id, table.kiosk_id, table.public_key)
                .order_by(table.site_id, table.kiosk_id)
            ).all()
            reports = []
            for head in heads:
                texts = connection.scalars(
                    select(table.signed).where(table.public_key == head.public_key).order_by(table.number)
                ).all()
                findings = verify_chain(SignedTraining.model_validate_json(one) for one in texts)
                reports.append(
                    ChainReport(
                        head.site_id, head.kiosk_id, len(texts), head.last - len(texts), tuple(findings)
                    )
                )
        return reports

    def public_check(self, token: str) -> PublicCheck | None:
        """What a certificate's QR leads to; None for an unknown one. No login, hence no full name."""
        with self._database.read() as connection:
            table = training_records.c
            query = select(table.signed, table.worker_name).where(table.token == token)
            found = connection.execute(query).first()
        if found is None:
            return None
        signed = SignedTraining.model_validate_json(found.signed)
        record = TrainingRecord.model_validate_json(signed.body)
        is_whole = not [one for one in verify_chain([signed]) if "missing" not in one.problem]
        holds = record.valid_until is not None and record.valid_until > self._now()
        return PublicCheck(
            is_valid=is_whole and holds and record.result is Result.PASSED,
            course_zh=record.course_title_zh,
            course_en=record.course_title_en,
            ended_at=record.ended_at,
            valid_until=record.valid_until,
            masked_name=masked(found.worker_name),  # of an erased record the number, not the signed name
        )

    def _lines(self, viewer: Viewer, site_id: str) -> Select[tuple[object, ...]]:
        query = select(training_records).where(in_scope(viewer, training_records.c.site_id))
        return query.where(training_records.c.site_id == site_id) if site_id else query

    def _look(self, viewer: Viewer, site_id: str, detail: dict[str, object]) -> None:
        if site_id:
            viewer.require_site(site_id)
        note_look(
            self._database,
            viewer,
            Action.LOOKED_AT_TRAININGS,
            at=self._now(),
            site_id=site_id,
            detail=detail,
        )


def masked(name: str) -> str:
    """The first character and as many stars as follow: enough to compare with the person who shows it."""
    return name[:1] + _MASK * max(1, len(name) - 1)


def _line(row: Row[tuple[object, ...]]) -> TrainingLine:
    return TrainingLine(
        row.record_id,
        row.site_id,
        row.kiosk_id,
        row.worker_id,
        row.worker_name,
        f"{row.course_title_zh} {row.course_title_en}".strip(),
        row.course_version,
        row.kind,
        Result(row.result),
        row.score_percent,
        row.seconds_seen,
        row.ended_at,
        row.valid_until,
        row.key_registered,
    )
