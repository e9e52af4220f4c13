"""Rows and photos → enrolments in the store; every row ends up in the report.

Rows are settled in the order of the file, a few at a time: enrolments, report and progress in one
transaction, so that an import which was interrupted goes on behind the last settled row.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np

from enroll.errors import RowRefused
from enroll.photo_source import Photos
from enroll.photos import open_photo, require_one_person, template_of
from enroll.roster_file import RosterFile, RosterRow
from enroll.roster_people import FaceDecision, answers_from, birth_date_of, face_decision, person_from
from enroll.roster_values import CORRECT_ROW, listed, plain_width, worker_from
from models.duplicate_search import alike_from
from models.engine import FaceEngine
from models.gallery import Gallery
from models.quality import QualityLimits
from sync.errors import UnknownWorker
from sync.people import Consent, Enrolment, Person
from sync.records import Template, Worker
from sync.store import LocalStore
from sync.store.import_jobs import ImportedRow

ROWS_PER_TRANSACTION = 50
"""Small enough that a running gate, which waits for the lock to record, does not notice."""

SETTLE_AFTER_S = 1.0
"""Rows with photos come slowly: they do not wait for a full transaction longer than this."""

ROWS_AHEAD = 8
"""Rows whose photos may be in work at once; bounds the memory."""

NO_PHOTO = "registered without a photo: the gate cannot recognise this person"
ADD_PHOTO = "Import the row again with a photo."
COMPARE_PHOTOS = "Compare the photos of both: one person registered twice, or a photo in the wrong row."
NO_PAPERS = "birth date, sex and address are kept with the papers only"


class RowResult(StrEnum):
    """What became of a row."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


RowReport = ImportedRow
"""One line of the report; `result` is a `RowResult`, `reason` empty when there is nothing to say."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import needs to know beside the file.

    store             None: a dry run where there is no store yet
    photos            where the names in the photos column lead
    load_engine       called at most once, before the first photo
    job_id            of `LocalStore.begin_import`; rows up to its last one are passed over. None: no progress
                      is kept
    consent_required  photos become templates only with a known consent, also where the file is silent
    threads           rows whose photos are looked at at once; the engine should have one thread for each
    """

    store: LocalStore | None
    site_id: str
    zone: ZoneInfo
    training_kind: str
    photos: Photos
    load_engine: Callable[[], FaceEngine]
    limits: QualityLimits
    dry_run: bool = False
    job_id: str | None = None
    consent_required: bool = False
    recorded_by: str = ""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store has of a worker."""

    worker: Worker | None = None
    templates: tuple[Template, ...] = ()
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class _Checked:
    """A row whose words are in order; the photos are still to be looked at."""

    row: RosterRow
    known: _Known
    worker: Worker
    person: Person | None
    face: FaceDecision
    remarks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Pictures:
    """Templates of a row's photos (None: none were looked at), and why other photos were not used."""

    templates: tuple[Template, ...] | None = None
    refusals: tuple[RowRefused, ...] = ()


_InWork = tuple[RosterRow, "_Checked | RowRefused", "Future[_Pictures] | None"]
_Settled = tuple[RowReport, Enrolment | None]


def import_roster(file: RosterFile, plan: ImportPlan) -> Iterator[RowReport]:
    """Register the rows of a file; yields the report of each row once it is in the store.

    A row that fails changes nothing and stops nothing. Importing the same file again changes nothing.
    Closing the iterator stops the import behind the rows that were reported.

    Raises:
        ModelError: the weights are missing; nothing was changed.
        StoreError: the rows reported so far are kept, the others not.
    """
    last_row = plan.store.import_job(plan.job_id).last_row if plan.store and plan.job_id else 0
    importer = _Importer(plan, any(row["photos"] for row in file.rows if row.number > last_row))
    with ThreadPoolExecutor(plan.threads, thread_name_prefix="import") as pool:
        in_work: deque[_InWork] = deque()
        settled: list[_Settled] = []
        since = time.monotonic()
        try:
            for row in file.rows:
                if row.number <= last_row:
                    importer.pass_over(row)
                    continue
                in_work.append(importer.begin(row, pool))
                while len(in_work) > ROWS_AHEAD:
                    settled.append(importer.finish(*in_work.popleft()))
                if len(settled) >= ROWS_PER_TRANSACTION or (
                    settled and time.monotonic() - since > SETTLE_AFTER_S
                ):
                    yield from importer.settle(settled)
                    settled = []
                    since = time.monotonic()
            settled += [importer.finish(*one) for one in in_work]
            in_work.clear()
            yield from importer.settle(settled)
        finally:
            for _, _, future in in_work:
                if future is not None:
                    future.cancel()


class _Importer:
    """The steps of one import; `finish` and `settle` are called in the order of the rows."""

    def __init__(self, plan: ImportPlan, with_photos: bool) -> None:
        self._plan = plan
        self._engine = plan.load_engine() if with_photos else None
        self._gallery = Gallery()
        if self._engine is not None and plan.store is not None:
            model, version = self._engine.embedder_name, self._engine.embedder_version
            self._gallery.load(*plan.store.all_templates(model, version))
        self._rows_by_worker: dict[str, int] = {}
        self._rows_by_document: dict[tuple[str, str], int] = {}

    def pass_over(self, row: RosterRow) -> None:
        """A row that an earlier run has settled still takes its number."""
        self._rows_by_worker.setdefault(plain_width(row["worker_id"]), row.number)

    def begin(self, row: RosterRow, pool: ThreadPoolExecutor) -> _InWork:
        """Check the words and send the photos to be looked at."""
        try:
            checked = self._check(row)
        except RowRefused as refusal:
            return row, refusal, None
        if not row["photos"] or not checked.face.allowed:
            return row, checked, None
        return row, checked, pool.submit(self._look, checked)

    def finish(
        self, row: RosterRow, checked: _Checked | RowRefused, looking: Future[_Pictures] | None
    ) -> _Settled:
        """The report of a row, and what is to be stored of it."""
        worker_id = plain_width(row["worker_id"])
        try:
            if isinstance(checked, RowRefused):
                raise checked
            pictures = looking.result() if looking is not None else _Pictures()
        except RowRefused as refusal:
            failed = RowReport(
                row.number, worker_id, RowResult.FAILED, str(refusal), refusal.next_step or CORRECT_ROW
            )
            return failed, None
        return self._conclude(checked, pictures)

    def settle(self, settled: list[_Settled]) -> Iterator[RowReport]:
        """Store what was concluded, all or nothing."""
        plan = self._plan
        if settled and plan.store is not None and not plan.dry_run:
            if plan.job_id is not None:
                plan.store.commit_import(plan.job_id, settled)
            else:
                plan.store.enrol_many([enrolment for _, enrolment in settled if enrolment is not None])
        for report, _ in settled:
            yield report

    def _check(self, row: RosterRow) -> _Checked:
        plan, now = self._plan, self._plan.now()
        worker_id = plain_width(row["worker_id"])
        if not row.problem:
            self._take_number(worker_id, row.number)
        known = self._known(worker_id)
        worker = worker_from(
            row, known.worker, site_id=plan.site_id, zone=plan.zone, training_kind=plan.training_kind
        )
        today = now.astimezone(plan.zone).date()
        person = person_from(row, known.person, today=today)
        remarks = [(row.remark, "Nothing, if that is meant.")] if row.remark else []
        if person is not None:
            self._take_document(person, row.number)
        elif any(row[column] for column in ("birth_date", "sex", "address")):
            remarks.append((NO_PAPERS, "Fill document_number."))
        face = face_decision(
            row,
            answers_from(*self._answers(worker_id)),
            birth_date=person.birth_date if person else birth_date_of(row, today),
            zone=plan.zone,
            now=now,
            required=plan.consent_required,
            recorded_by=plan.recorded_by,
        )
        if face.consent is not None:
            worker = worker.model_copy(update={"face_consent_on": face.consent.given_at.date()})
        if row["photos"] and not face.allowed:
            remarks.append((face.reason, face.next_step))
        return _Checked(row, known, worker, person, face, tuple(remarks))

    def _look(self, checked: _Checked) -> _Pictures:
        """Templates of the photos that are good, and why the others are not; refused when none is good."""
        assert self._engine is not None  # noqa: S101 - a row has photos
        worker_id = checked.worker.worker_id
        made = {template.template_id: template for template in checked.known.templates}
        templates: dict[str, Template] = {}
        refusals: list[RowRefused] = []
        for name in listed(checked.row["photos"]):
            try:
                photo = open_photo(self._plan.photos, name, worker_id=worker_id, engine=self._engine)
                # A photo that was imported before needs no second look.
                templates[photo.template_id] = made.get(photo.template_id) or template_of(
                    photo,
                    worker_id=worker_id,
                    engine=self._engine,
                    limits=self._plan.limits,
                    now=self._plan.now(),
                )
            except RowRefused as refusal:
                refusals.append(refusal)
        if not templates:
            raise RowRefused("; ".join(map(str, refusals)), next_step=refusals[0].next_step)
        require_one_person(list(templates.values()))
        return _Pictures(tuple(templates.values()), tuple(refusals))

    def _somebody_alike(self, worker_id: str, templates: Sequence[Template]) -> str | None:
        """The other worker most like these templates, if any is like enough; the templates then join in."""
        probes = np.stack([np.frombuffer(one.vector, dtype="<f4") for one in templates])
        like_from = alike_from(templates[0].model, len(self._gallery))
        found = self._gallery.lookalikes(probes, at_least=like_from, besides=worker_id, limit=1)
        self._gallery.replace(worker_id, probes)
        return found[0].worker_id if found else None

    def _conclude(self, checked: _Checked, pictures: _Pictures) -> _Settled:
        known, worker = checked.known, checked.worker
        templates = pictures.templates
        remarks = [*checked.remarks, *((str(one), one.next_step) for one in pictures.refusals)]
        if templates and (other := self._somebody_alike(worker.worker_id, templates)):
            remarks.append((f"looks like worker {other}, the gate may not tell them apart", COMPARE_PHOTOS))
        if not (known.templates if templates is None else templates) and checked.face.allowed:
            remarks.append((NO_PHOTO, ADD_PHOTO))
        if templates is not None and _ids(templates) == _ids(known.templates):
            templates = None
        person = checked.person if checked.person != known.person else None
        consent = checked.face.consent
        changes = (templates, person, consent)
        if known.worker is None:
            result = RowResult.ADDED
        elif worker == known.worker and changes == (None, None, None):
            result = RowResult.UNCHANGED
        else:
            result = RowResult.UPDATED
        report = RowReport(
            checked.row.number,
            worker.worker_id,
            result,
            reason="; ".join(reason for reason, _ in remarks),
            next_step=remarks[0][1] if remarks else "",
        )
        if result is RowResult.UNCHANGED:
            return report, None
        return report, self._enrolment(worker, templates, person, consent)

    def _enrolment(
        self,
        worker: Worker,
        templates: tuple[Template, ...] | None,
        person: Person | None,
        consent: Consent | None,
    ) -> Enrolment:
        return Enrolment(
            worker=worker,
            person=person,
            consent=consent,
            templates=templates,
            enrolled_at=self._plan.now(),
            recorded_by=self._plan.recorded_by,
            note="roster import",
        )

    def _take_number(self, worker_id: str, row: int) -> None:
        first = self._rows_by_worker.setdefault(worker_id, row) if worker_id else row
        if first != row:
            raise RowRefused(
                f"worker number {worker_id} is already in row {first}", next_step="Keep one of the two rows."
            )

    def _take_document(self, person: Person, row: int) -> None:
        document = (person.document_type.value, person.document_number)
        first = self._rows_by_document.setdefault(document, row)
        if first != row:
            raise RowRefused(
                f"document_number: the same document is already in row {first}",
                next_step="Keep one of the two rows, or correct the number.",
            )
        store = self._plan.store
        others = store.persons_by_document(*document) if store is not None else []
        if other := next((one for one in others if one.worker_id != person.worker_id), None):
            raise RowRefused(
                f"document_number: the same document is registered for worker {other.worker_id}",
                next_step="Use that worker number, or compare the two at the kiosk.",
            )

    def _known(self, worker_id: str) -> _Known:
        store = self._plan.store
        if store is None or not worker_id:
            return _Known()
        try:
            worker = store.worker(worker_id)
        except UnknownWorker:
            # Papers without a worker are those of somebody who was removed.
            return _Known()
        return _Known(worker, tuple(store.templates(worker_id)), store.person(worker_id))

    def _answers(self, worker_id: str) -> tuple[list[tuple[Consent, datetime | None]], list[datetime]]:
        store = self._plan.store
        if store is None or not worker_id:
            return [], []
        return (
            [(one.consent, one.withdrawn_at) for one in store.consents(worker_id)],
            [one.withdrawal.withdrawn_at for one in store.withdrawals(worker_id)],
        )


def _ids(templates: tuple[Template, ...]) -> set[str]:
    return {template.template_id for template in templates}
