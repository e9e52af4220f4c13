"""Rows and photos → workers and templates in the store; every row ends up in the report."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from enroll.errors import EnrollError, RowRefused
from enroll.lookalikes import Lookalikes
from enroll.photos import open_photo, require_one_person, template_of
from enroll.roster_file import RosterFile, RosterRow
from enroll.roster_values import listed, worker_from
from models.engine import FaceEngine
from models.quality import QualityLimits
from sync.errors import UnknownWorker
from sync.records import Template, Worker
from sync.store import EMBEDDING_SIZE, LocalStore

ROWS_PER_TRANSACTION = 50
"""Small enough that a running gate, which waits for the lock to record, does not notice."""

NO_PHOTO = "registered without a photo: the gate cannot recognise this person"
ADD_PHOTO = "Import the row again with a photo."
COMPARE_PHOTOS = "Compare the photos of both: one person registered twice, or a photo in the wrong row."


class RowResult(StrEnum):
    """What became of a row."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RowReport:
    """One line of the report; `reason` is empty when there is nothing to say."""

    row: int
    worker_id: str
    result: RowResult
    reason: str = ""
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import needs to know beside the file.

    store          None: a dry run where there is no store yet
    photo_folder   what paths in the photos column are relative to
    load_engine    called at most once, before the first photo
    """

    store: LocalStore | None
    site_id: str
    zone: ZoneInfo
    training_kind: str
    photo_folder: Path
    load_engine: Callable[[], FaceEngine]
    limits: QualityLimits
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Faces:
    engine: FaceEngine
    lookalikes: Lookalikes


@dataclass(frozen=True, slots=True)
class _Prepared:
    worker: Worker
    templates: list[Template] | None
    report: RowReport


def import_roster(file: RosterFile, plan: ImportPlan) -> Iterator[RowReport]:
    """Register the rows of a file; yields the report of each row once it is in the store.

    A row that fails changes nothing and stops nothing. Importing the same file again changes nothing.

    Raises:
        ModelError: the weights are missing; nothing was changed.
        StoreError: the rows reported so far are kept, the others not.
    """
    faces = _faces(plan) if any(row["photos"] for row in file.rows) else None
    first_rows: dict[str, int] = {}
    waiting: list[_Prepared] = []
    for row in file.rows:
        try:
            prepared = _prepare(row, plan, faces, first_rows)
        except RowRefused as refusal:
            yield RowReport(row.number, row["worker_id"], RowResult.FAILED, str(refusal), refusal.next_step)
            continue
        waiting.append(prepared)
        if len(waiting) == ROWS_PER_TRANSACTION:
            yield from _store(waiting, plan)
            waiting.clear()
    yield from _store(waiting, plan)


def write_report(path: Path, reports: list[RowReport]) -> None:
    """Write the report as CSV that Excel opens with its characters intact.

    Raises:
        EnrollError: the file cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            rows = csv.writer(file)
            rows.writerow(["row", "worker_id", "result", "reason", "next_step"])
            for report in reports:
                rows.writerow([report.row, report.worker_id, report.result, report.reason, report.next_step])
    except OSError as error:
        raise EnrollError(
            f"the report {path} cannot be written: {error.strerror}",
            next_step="Choose another --report file.",
        ) from error


def _store(prepared: list[_Prepared], plan: ImportPlan) -> Iterator[RowReport]:
    changed = [one for one in prepared if one.report.result is not RowResult.UNCHANGED]
    if plan.store is not None and not plan.dry_run:
        plan.store.put_many((one.worker, one.templates) for one in changed)
    for one in prepared:
        yield one.report


def _faces(plan: ImportPlan) -> _Faces:
    engine = plan.load_engine()
    if plan.store is None:
        return _Faces(engine, Lookalikes((), np.zeros((0, EMBEDDING_SIZE), np.float32)))
    stored = plan.store.all_templates(engine.embedder_name, engine.embedder_version)
    return _Faces(engine, Lookalikes(*stored))


def _prepare(row: RosterRow, plan: ImportPlan, faces: _Faces | None, first_rows: dict[str, int]) -> _Prepared:
    worker_id = row["worker_id"]
    if worker_id in first_rows:
        raise RowRefused(
            f"worker number {worker_id} is already in row {first_rows[worker_id]}",
            next_step="Keep one of the two rows.",
        )
    if worker_id:
        first_rows[worker_id] = row.number
    known, known_templates = _known(plan.store, worker_id)
    worker = worker_from(row, known, site_id=plan.site_id, zone=plan.zone, training_kind=plan.training_kind)
    templates: list[Template] | None = None
    remarks: list[tuple[str, str]] = []
    if faces is not None and row["photos"]:
        templates, refusals = _templates(row, known_templates, plan, faces.engine)
        remarks += [(str(refusal), refusal.next_step) for refusal in refusals]
        if other := faces.lookalikes.find(worker_id, templates):
            remarks.append((f"looks like worker {other}, the gate may not tell them apart", COMPARE_PHOTOS))
    if not (known_templates if templates is None else templates):
        remarks.append((NO_PHOTO, ADD_PHOTO))
    same_templates = templates is None or _ids(templates) == _ids(known_templates)
    if known is None:
        result = RowResult.ADDED
    elif worker == known and same_templates:
        result = RowResult.UNCHANGED
    else:
        result = RowResult.UPDATED
    report = RowReport(
        row.number,
        worker_id,
        result,
        reason="; ".join(reason for reason, _ in remarks),
        next_step=remarks[0][1] if remarks else "",
    )
    return _Prepared(worker, None if same_templates else templates, report)


def _known(store: LocalStore | None, worker_id: str) -> tuple[Worker | None, list[Template]]:
    if store is None or not worker_id:
        return None, []
    try:
        return store.worker(worker_id), store.templates(worker_id)
    except UnknownWorker:
        return None, []


def _templates(
    row: RosterRow, known: list[Template], plan: ImportPlan, engine: FaceEngine
) -> tuple[list[Template], list[RowRefused]]:
    """Templates of the photos that are good, and why the others are not; refused when none is good."""
    worker_id = row["worker_id"]
    made = {template.template_id: template for template in known}
    templates: dict[str, Template] = {}
    refusals: list[RowRefused] = []
    for name in listed(row["photos"]):
        try:
            photo = open_photo(plan.photo_folder, name, worker_id=worker_id, engine=engine)
            # A photo that was imported before needs no second look.
            templates[photo.template_id] = made.get(photo.template_id) or template_of(
                photo, worker_id=worker_id, engine=engine, limits=plan.limits, now=datetime.now(UTC)
            )
        except RowRefused as refusal:
            refusals.append(refusal)
    if not templates:
        raise RowRefused("; ".join(map(str, refusals)), next_step=refusals[0].next_step)
    require_one_person(list(templates.values()))
    return list(templates.values()), refusals


def _ids(templates: list[Template]) -> set[str]:
    return {template.template_id for template in templates}
