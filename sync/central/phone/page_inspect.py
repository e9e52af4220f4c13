"""Inspections on a phone: a site's checklists, findings mended and looked at again, visits of the grid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from sync.central import checklists, grid, inspections
from sync.central.accounts_access import Right, Viewer, no_such
from sync.central.door_checks import clean_jpeg
from sync.central.grid import SiteGrid
from sync.central.inspection_desk import FindingFacts, FindingFilter
from sync.central.inspection_forms import read_step
from sync.central.inspection_rules import levels_of
from sync.central.inspections import PhotosRefused
from sync.central.phone import words_inspect as said
from sync.central.phone.page_lodging import typed_of
from sync.central.phone.settings import PHONE_PATH
from sync.central.phone.shell import SEE_OTHER, PhoneShell, SentForm, sent_text
from sync.central.typed_fields import FieldsRefused, Slip
from sync.clearance_rules.standing import day_of
from sync.inspections import AnswerSlip, AnswersRefused, FindingRefused, InspectorLevel, Step
from sync.inspections.finding import SETS_DEADLINE
from sync.words import Words

_PATH = f"{PHONE_PATH}/inspect"
_UNPROCESSABLE = 422
_SITES_SHOWN = 60
_FINDINGS_SHOWN = 40
_VISITS_SHOWN = 10
"""Each keeps a page below 60 KB."""

_ITEM = "i-"
"""Prefix of the fields of a checklist's items."""

WITH_PHOTO = frozenset({Step.MENDED, Step.REJECTED})
"""Steps that are best told with a picture."""


def router(shell: PhoneShell) -> APIRouter:
    """`/m/inspect` and below it sites, checklists, findings and visits."""
    area = APIRouter()
    _add_site_pages(area, shell)
    _add_checklist_pages(area, shell)
    _add_finding_pages(area, shell)
    _add_visit_pages(area, shell)
    return area


def _add_site_pages(area: APIRouter, shell: PhoneShell) -> None:
    office = shell.office

    @area.get("/inspect")
    def sites(request: Request, q: str = "") -> Response:
        viewer = shell.require_staff(request, Right.INSPECT)
        rows = office.grid.sites(viewer)
        if len(rows) == 1:
            return RedirectResponse(_site_path(rows[0].site_id), status_code=SEE_OTHER)
        wanted = q.strip().lower()
        fitting = sorted((row for row in rows if wanted in _text_of(row)), key=_urgency)
        return shell.render(
            request,
            "inspect_sites.html",
            rows=fitting[:_SITES_SHOWN],
            more=len(fitting) > _SITES_SHOWN,
            wanted=q.strip()[:100],
            said=said,
        )

    @area.get("/inspect/site/{site_id}")
    def site(request: Request, site_id: str) -> Response:
        viewer = shell.require_staff(request, Right.INSPECT)
        facts = office.grid.site(viewer, site_id)
        found = office.inspections.findings(viewer, FindingFilter(site_id=site_id))
        return shell.render(
            request,
            "inspect_site.html",
            facts=facts,
            offers=office.inspections.offers(viewer, site_id),
            found=found[:_FINDINGS_SHOWN],
            more=len(found) > _FINDINGS_SHOWN,
            visits=_visits_to_show(facts),
            visiting=viewer.may(Right.MANAGE_GRID),
            # Answers that were typed and not sent come back on a reload, not at the next inspection.
            part=f"{shell.now():%m%d%H%M%S}",
            said=said,
        )


def _add_checklist_pages(area: APIRouter, shell: PhoneShell) -> None:
    office, database = shell.office, shell.office.database

    def form_page(
        request: Request,
        viewer: Viewer,
        site_id: str,
        checklist_id: str,
        version: int | None,
        level: InspectorLevel,
        typed: Mapping[str, str],
        slips: dict[str, AnswerSlip] | None = None,
    ) -> Response:
        facts = office.grid.site(viewer, site_id)
        with database.read() as connection:
            if version is None:
                checklist = checklists.offered(connection).get(checklist_id)
            else:
                checklist = checklists.held(connection, checklist_id, version)
        if checklist is None or level not in checklist.levels or level not in levels_of(viewer):
            raise no_such("checklist", checklist_id)
        return shell.render(
            request,
            "inspect_form.html",
            status=_UNPROCESSABLE if slips else 200,
            site=facts.row,
            checklist=checklist,
            items=checklist.items_for(level),
            level=level,
            typed=typed,
            slips=slips or {},
            said=said,
        )

    @area.get("/inspect/site/{site_id}/check/{checklist_id}")
    def start(request: Request, site_id: str, checklist_id: str, level: InspectorLevel) -> Response:
        viewer = shell.require_staff(request, Right.INSPECT)
        return form_page(request, viewer, site_id, checklist_id, None, level, {})

    @area.post("/inspect/site/{site_id}/check/{checklist_id}")
    def send(
        request: Request,
        site_id: str,
        checklist_id: str,
        level: InspectorLevel,
        version: int,
        form: SentForm,
    ) -> Response:
        viewer = shell.require_staff(request, Right.INSPECT)
        typed = {
            name.removeprefix(_ITEM): value
            for name, value in typed_of(form).items()
            if name.startswith(_ITEM)
        }

        def work(connection: Connection) -> str:
            inspection_id = inspections.record(
                connection, viewer, site_id, checklist_id, version, level, typed, now=shell.now()
            )
            return f"{_PATH}/done/{inspection_id}"

        try:
            return shell.once(form, viewer.user_id, work)
        except AnswersRefused as refused:
            return form_page(request, viewer, site_id, checklist_id, version, level, typed, refused.slips)

    @area.get("/inspect/done/{inspection_id}")
    def done(request: Request, inspection_id: str) -> Response:
        viewer = shell.require_staff(request, Right.INSPECT)
        facts = office.inspections.inspection(viewer, inspection_id)
        return shell.render(request, "inspect_done.html", facts=facts, said=said)


def _add_finding_pages(area: APIRouter, shell: PhoneShell) -> None:
    desk = shell.office.inspections

    def page(
        request: Request,
        viewer: Viewer,
        finding_id: str,
        typed: Mapping[str, str] | None = None,
        slips: dict[str, Slip] | None = None,
        problem: Words | None = None,
        *,
        saved: bool = False,
    ) -> Response:
        facts = desk.finding(viewer, finding_id)
        return shell.render(
            request,
            "inspect_finding.html",
            status=_UNPROCESSABLE if slips or problem else 200,
            facts=facts,
            row=facts.row,
            steps=facts.may,
            with_photo=WITH_PHOTO if facts.takes_photos else frozenset(),
            sets_deadline=SETS_DEADLINE,
            typed=_typed_of(facts, shell) if typed is None else typed,
            slips=slips or {},
            problem=problem,
            saved=saved,
            said=said,
        )

    @area.get("/inspect/finding/{finding_id}")
    def finding(request: Request, finding_id: str, saved: str = "") -> Response:
        viewer = shell.require_staff(request, Right.INSPECT)
        return page(request, viewer, finding_id, saved=bool(saved))

    @area.post("/inspect/finding/{finding_id}/step/{step}")
    def take(request: Request, finding_id: str, step: Step, form: SentForm) -> Response:
        viewer, typed = shell.require_staff(request, Right.INSPECT), typed_of(form)
        zone = desk.finding(viewer, finding_id).row.zone
        picture = _photo_of(form, f"{step}-photo")

        def work(connection: Connection) -> str:
            now = shell.now()
            data = read_step(step, _of_step(step, typed), day_of(now, zone))
            inspections.change(connection, viewer, finding_id, step, data.note, due_on=data.due_on, now=now)
            if jpeg:
                inspections.put_photo(connection, viewer, finding_id, jpeg, desk.settings, now=now)
            return f"{_PATH}/finding/{finding_id}?saved=1"

        try:
            jpeg = clean_jpeg(picture, desk.settings.photo_max_px) if picture else b""
            return shell.once(form, viewer.user_id, work)
        except FieldsRefused as refused:
            slips = {f"{step}-{name}": slip for name, slip in refused.slips.items()}
            return page(request, viewer, finding_id, typed, slips)
        except FindingRefused:
            return page(request, viewer, finding_id, problem=said.CHANGED_MEANWHILE)
        except PhotosRefused:
            return page(request, viewer, finding_id, typed, problem=said.NO_MORE_PHOTOS)

    @area.post("/inspect/finding/{finding_id}/photo")
    def add_photo(request: Request, finding_id: str, form: SentForm) -> Response:
        viewer = shell.require_staff(request, Right.INSPECT)

        def work(connection: Connection) -> str:
            inspections.put_photo(connection, viewer, finding_id, jpeg, desk.settings, now=shell.now())
            return f"{_PATH}/finding/{finding_id}?saved=1"

        try:
            jpeg = clean_jpeg(_photo_of(form, "photo"), desk.settings.photo_max_px)
            return shell.once(form, viewer.user_id, work)
        except FieldsRefused as refused:
            return page(request, viewer, finding_id, slips=refused.slips)
        except PhotosRefused:
            return page(request, viewer, finding_id, problem=said.NO_MORE_PHOTOS)

    @area.get("/inspect/photo/{photo_id}.jpg")
    def photo(request: Request, photo_id: str) -> Response:
        viewer = shell.require_staff(request, Right.INSPECT)
        return Response(desk.photo(viewer, photo_id), media_type="image/jpeg")


def _add_visit_pages(area: APIRouter, shell: PhoneShell) -> None:
    office = shell.office

    def form_page(
        request: Request, viewer: Viewer, site_id: str, typed: Mapping[str, str], slips: dict[str, Slip]
    ) -> Response:
        row = office.grid.site(viewer, site_id).row
        return shell.render(
            request,
            "inspect_visit.html",
            status=_UNPROCESSABLE if slips else 200,
            site=row,
            typed=typed,
            slips=slips,
            said=said,
        )

    @area.get("/inspect/site/{site_id}/visit")
    def new_visit(request: Request, site_id: str) -> Response:
        viewer = shell.require_staff(request, Right.MANAGE_GRID)
        return form_page(request, viewer, site_id, {}, {})

    @area.post("/inspect/site/{site_id}/visit")
    def add_visit(request: Request, site_id: str, form: SentForm) -> Response:
        viewer, typed = shell.require_staff(request, Right.MANAGE_GRID), typed_of(form)
        zone = office.grid.site(viewer, site_id).row.zone

        def work(connection: Connection) -> str:
            data = grid.read_visit(typed, day_of(shell.now(), zone))
            grid.record_visit(connection, viewer, site_id, data, now=shell.now())
            return _site_path(site_id)

        try:
            return shell.once(form, viewer.user_id, work)
        except FieldsRefused as refused:
            return form_page(request, viewer, site_id, typed, refused.slips)

    @area.post("/inspect/site/{site_id}/settle/{visit_id}")
    def settle(request: Request, site_id: str, visit_id: str, form: SentForm) -> Response:
        viewer = shell.require_staff(request, Right.MANAGE_GRID)

        def work(connection: Connection) -> str:
            grid.settle(connection, viewer, visit_id, sent_text(form, "note"), now=shell.now())
            return _site_path(site_id)

        return shell.once(form, viewer.user_id, work)


def _site_path(site_id: str) -> str:
    return f"{_PATH}/site/{quote(site_id, safe='')}"


def _text_of(row: SiteGrid) -> str:
    return f"{row.site_id} {row.site_name} {row.place.district} {row.place.sub_district}".lower()


def _urgency(row: SiteGrid) -> tuple[int, int, str]:
    return (-row.counts.overdue - row.late, -row.counts.open, row.site_id)


def _visits_to_show(facts: grid.SiteGridFacts) -> list[grid.Visit]:
    """What is to be followed up, and the latest ones."""
    owed = [one for one in facts.visits if one.data.follow_up_on is not None and one.settled_at is None]
    others = [one for one in facts.visits if one not in owed]
    return (owed + others)[:_VISITS_SHOWN]


def _typed_of(facts: FindingFacts, shell: PhoneShell) -> dict[str, str]:
    """Deadlines as the checklist would set them today."""
    row = facts.row
    days = timedelta(days=row.checklist.deadline_days_of(row.item))
    due_on = day_of(shell.now(), row.zone) + days
    return {f"{step}-due_on": due_on.isoformat() for step in SETS_DEADLINE}


def _of_step(step: Step, typed: Mapping[str, str]) -> dict[str, str]:
    prefix = f"{step}-"
    return {name.removeprefix(prefix): value for name, value in typed.items() if name.startswith(prefix)}


def _photo_of(form: FormData, name: str) -> bytes:
    file = form.get(name)
    return file.file.read() if isinstance(file, UploadFile) else b""
