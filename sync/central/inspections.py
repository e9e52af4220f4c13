"""Inspections as they are written: a checklist gone through, findings, what becomes of them, their photos.

Every function takes an open connection and is part of its transaction. Whoever inspects at one level closes
the findings of that level and of those below it; the site itself only says that it has mended something.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from sync.central import audit, checklists
from sync.central.accounts_access import NotAllowed, Right, Viewer, in_scope, no_such
from sync.central.audit import Action
from sync.central.declarations import site_zone
from sync.central.errors import CentralError, SettingRefused
from sync.central.inspection_rules import InspectionSettings, levels_of, may
from sync.central.site_registry import hold_site
from sync.central.tables_grid import finding_photos, finding_steps, findings, inspections
from sync.clearance_rules.standing import day_of, end_of_day
from sync.inspections import (
    Checklist,
    Fault,
    FindingState,
    InspectorLevel,
    Step,
    faults,
    follow,
    read_answers,
    score,
)
from sync.inspections.checklist import LONGEST_DEADLINE_D
from sync.inspections.finding import OF_INSPECTIONS, SETS_DEADLINE

NOTE_MAX = 500


class PhotosRefused(CentralError, ValueError):
    """No photo can be added: none are kept here, there are enough, or the finding is closed."""


def record(
    connection: Connection,
    viewer: Viewer,
    site_id: str,
    checklist_id: str,
    version: int,
    level: InspectorLevel,
    typed: Mapping[str, str],
    *,
    now: datetime,
) -> str:
    """A checklist gone through at a site; what is not in order becomes a finding. Returns the inspection.

    The same thing found again at the same level is no second finding: it is noted at the open one, and one
    that the site called mended is open again.

    Raises:
        NotAllowed: the account does not inspect at this level.
        NotFound: no such site or checklist for this viewer.
        AnswersRefused: with a slip for each item.
    """
    viewer.require(Right.INSPECT)
    viewer.require_site(site_id)
    if level not in levels_of(viewer):
        raise NotAllowed(
            f"the role {viewer.role} does not inspect at the level {level}",
            next_step="choose the level of your own account",
        )
    hold_site(connection, site_id)  # two who find the same thing at once make one finding
    zone = site_zone(connection, site_id)
    checklist = checklists.held(connection, checklist_id, version)
    if level not in checklist.levels:
        raise no_such("checklist", f"{checklist_id} for the level {level}")
    answers = read_answers(checklist, level, typed)
    reckoned = score(checklist, answers)
    checklists.keep(connection, checklist, by=viewer.user_id, now=now)
    inspection_id = uuid4().hex
    connection.execute(
        insert(inspections).values(
            inspection_id=inspection_id,
            site_id=site_id,
            checklist_id=checklist_id,
            checklist_version=version,
            level=level.value,
            inspected_at=now,
            inspected_by=viewer.user_id,
            answers={item_id: {"value": one.value, "note": one.note} for item_id, one in answers.items()},
            answered=reckoned.answered,
            in_order=reckoned.in_order,
        )
    )
    made = _Made(inspection_id, site_id, level, viewer.user_id, now, zone)
    known = _known(connection, checklist, site_id, level)
    for fault in faults(checklist, answers):
        _find(connection, fault, known.get(fault.item.item_id), made)
    audit.note_by(
        connection,
        viewer,
        Action.INSPECTED_SITE,
        at=now,
        site_id=site_id,
        subject=f"inspection:{inspection_id}",
        detail={
            "checklist": f"{checklist_id}/{version}",
            "level": level.value,
            "findings": reckoned.answered - reckoned.in_order,
        },
    )
    return inspection_id


def change(
    connection: Connection,
    viewer: Viewer,
    finding_id: str,
    step: Step,
    note: str,
    *,
    due_on: date | None = None,
    now: datetime,
) -> FindingState:
    """One step of a finding: the site has mended it, an inspector accepts, rejects, withdraws, moves.

    note    why, or what was done; may be empty only where an inspector accepts
    due_on  the last day in time, at the site: for the steps that set a deadline, and only for them

    Raises:
        NotFound, NotAllowed: not of this account's sites, or of a higher level.
        FindingRefused: the step does not follow on where the finding is now.
        SettingRefused: without a note or a usable day.
    """
    row = _held(connection, viewer, finding_id)
    level = InspectorLevel(row.level)
    if step in OF_INSPECTIONS or not may(viewer, level, step):
        raise NotAllowed(
            f"the role {viewer.role} does not decide that a finding of the level {level} is {step}",
            next_step="leave it to an inspector of that level, or of one above it",
        )
    state = follow(FindingState(row.state), step)
    said = note.strip()
    if len(said) > NOTE_MAX or (not said and step is not Step.ACCEPTED):
        raise SettingRefused(
            "a note is wanted", next_step=f"say what was done or why, in at most {NOTE_MAX} characters"
        )
    deadline = None
    if step in SETS_DEADLINE:
        deadline = _deadline(due_on, site_zone(connection, row.site_id), now)
    _step(connection, finding_id, step, state, by=viewer.user_id, note=said, deadline=deadline, now=now)
    audit.note_by(
        connection,
        viewer,
        Action.CHANGED_FINDING,
        at=now,
        site_id=row.site_id,
        subject=f"finding:{finding_id}",
        detail={"step": step.value},
    )
    return state


def put_photo(
    connection: Connection,
    viewer: Viewer,
    finding_id: str,
    jpeg: bytes,
    settings: InspectionSettings,
    *,
    now: datetime,
) -> str:
    """Keep a photo of a finding.

    jpeg  by `clean_jpeg`, made before the transaction: nobody waits for a large picture to be unpacked

    Returns the photo's id. Raises NotFound, NotAllowed, PhotosRefused.
    """
    row = _held(connection, viewer, finding_id)
    if FindingState(row.state) not in (FindingState.OPEN, FindingState.MENDED):
        raise PhotosRefused("the finding is closed", next_step="reopen it, if there is something to show")
    if not settings.photos_kept_days:
        raise PhotosRefused("photos are not kept here", next_step="describe what is to be seen")
    photo = finding_photos.c
    there = connection.scalar(select(func.count()).where(photo.finding_id == finding_id))
    if int(there or 0) >= settings.photos_per_finding:
        raise PhotosRefused(
            f"there are {settings.photos_per_finding} photos already", next_step="describe the rest"
        )
    photo_id = uuid4().hex
    connection.execute(
        insert(finding_photos).values(
            photo_id=photo_id,
            finding_id=finding_id,
            state=row.state,
            jpeg=jpeg,
            taken_at=now,
            taken_by=viewer.user_id,
        )
    )
    audit.note_by(
        connection,
        viewer,
        Action.CHANGED_FINDING,
        at=now,
        site_id=row.site_id,
        subject=f"finding:{finding_id}",
        detail={"photo": photo_id},
    )
    return photo_id


def photo(connection: Connection, viewer: Viewer, photo_id: str, *, now: datetime) -> bytes:
    """The JPEG, with its audit line. Raises NotAllowed, NotFound."""
    viewer.require(Right.INSPECT)
    query = (
        select(finding_photos.c.jpeg, findings.c.site_id, findings.c.finding_id)
        .join(findings, findings.c.finding_id == finding_photos.c.finding_id)
        .where(finding_photos.c.photo_id == photo_id, in_scope(viewer, findings.c.site_id))
    )
    row = connection.execute(query).first()
    if row is None:
        raise no_such("photo", photo_id)
    audit.note_by(
        connection,
        viewer,
        Action.LOOKED_AT_FINDING,
        at=now,
        site_id=row.site_id,
        subject=f"finding:{row.finding_id}",
        detail={"photo": photo_id},
    )
    return bytes(row.jpeg)


def forget_photos(connection: Connection, settings: InspectionSettings, *, now: datetime) -> int:
    """Delete those that were kept for long enough; how many that was."""
    oldest = now - timedelta(days=settings.photos_kept_days)
    return connection.execute(delete(finding_photos).where(finding_photos.c.taken_at <= oldest)).rowcount


# -- inside ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Made:
    """The inspection that findings come from."""

    inspection_id: str
    site_id: str
    level: InspectorLevel
    by: str
    at: datetime
    zone: ZoneInfo


def _known(
    connection: Connection, checklist: Checklist, site_id: str, level: InspectorLevel
) -> dict[str, Row[Any]]:
    """Findings of these items that are not settled, made at the same level."""
    of_them = (
        findings.c.site_id == site_id,
        findings.c.level == level.value,
        findings.c.state.in_([FindingState.OPEN.value, FindingState.MENDED.value]),
        inspections.c.checklist_id == checklist.checklist_id,
    )
    query = (
        select(findings)
        .join(inspections, inspections.c.inspection_id == findings.c.inspection_id)
        .where(*of_them)
        .order_by(findings.c.found_at)
        .with_for_update(of=findings)
    )
    return {row.item_id: row for row in connection.execute(query)}


def _find(connection: Connection, fault: Fault, known: Row[Any] | None, made: _Made) -> None:
    deadline = end_of_day(day_of(made.at, made.zone) + timedelta(days=fault.deadline_days), made.zone)
    note, source = fault.answer.note, made.inspection_id
    if known is None:
        finding_id = uuid4().hex
        connection.execute(
            insert(findings).values(
                finding_id=finding_id,
                inspection_id=source,
                site_id=made.site_id,
                item_id=fault.item.item_id,
                level=made.level.value,
                severity=fault.severity.value,
                state=FindingState.OPEN.value,
                deadline=deadline,
                found_at=made.at,
                changed_at=made.at,
            )
        )
        _add_step(connection, finding_id, Step.FOUND, made.by, note, deadline, made.at, source)
        return
    was_mended = FindingState(known.state) is FindingState.MENDED
    step = Step.REJECTED if was_mended else Step.SEEN_AGAIN
    _step(
        connection,
        known.finding_id,
        step,
        follow(FindingState(known.state), step),
        by=made.by,
        note=note,
        deadline=deadline if was_mended else None,
        now=made.at,
        inspection_id=source,
    )


def _held(connection: Connection, viewer: Viewer, finding_id: str) -> Row[Any]:
    viewer.require(Right.INSPECT)
    query = select(findings).where(findings.c.finding_id == finding_id, in_scope(viewer, findings.c.site_id))
    row = connection.execute(query.with_for_update()).first()
    if row is None:
        raise no_such("finding", finding_id)
    return row


def _deadline(due_on: date | None, zone: ZoneInfo, now: datetime) -> datetime:
    today = day_of(now, zone)
    if due_on is None or not today <= due_on <= today + timedelta(days=LONGEST_DEADLINE_D):
        raise SettingRefused(
            "the new deadline is no usable day",
            next_step=f"choose a day from today on, at most {LONGEST_DEADLINE_D} days ahead",
        )
    return end_of_day(due_on, zone)


def _step(
    connection: Connection,
    finding_id: str,
    step: Step,
    state: FindingState,
    *,
    by: str,
    note: str,
    deadline: datetime | None,
    now: datetime,
    inspection_id: str | None = None,
) -> None:
    values: dict[str, Any] = {"state": state.value, "changed_at": now}
    if deadline is not None:
        values |= {"deadline": deadline, "overdue_raised_at": None}
    connection.execute(update(findings).where(findings.c.finding_id == finding_id).values(values))
    _add_step(connection, finding_id, step, by, note, deadline, now, inspection_id)


def _add_step(
    connection: Connection,
    finding_id: str,
    step: Step,
    by: str,
    note: str,
    deadline: datetime | None,
    now: datetime,
    inspection_id: str | None,
) -> None:
    connection.execute(
        insert(finding_steps).values(
            finding_id=finding_id,
            step=step.value,
            at=now,
            by=by,
            note=note,
            deadline=deadline,
            inspection_id=inspection_id,
        )
    )
