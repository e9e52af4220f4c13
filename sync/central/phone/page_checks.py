"""Door-to-door checks on a phone: one page for a house, saved as often as wanted, signed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from hashlib import sha256
from math import ceil
from urllib.parse import quote

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from sync.central import door_checks
from sync.central.accounts_access import Right, Viewer, no_such
from sync.central.door_checks import CheckSheet, Entry
from sync.central.lodging import LodgingProblem, LodgingRefused
from sync.central.lodging_forms import TEAM, EntryData, read_entry, read_team, read_tenant
from sync.central.phone import words_lodging as said
from sync.central.phone.page_lodging import typed_of
from sync.central.phone.settings import PHONE_PATH
from sync.central.phone.shell import SEE_OTHER, PhoneShell, SentForm
from sync.central.typed_fields import FieldsRefused, Slip

_PATH = f"{PHONE_PATH}/check"
_UNPROCESSABLE = 422
_PEOPLE_PER_PAGE = 25
"""Keeps a page below 60 KB: one person takes about 1.6 KB."""

_NEW = "new"
"""Prefix of the fields of somebody who is not on the list."""


def router(shell: PhoneShell) -> APIRouter:
    """`/m/check` and below it one house by the code on its door."""
    area = APIRouter()
    _add_sheet_pages(area, shell)
    _add_photo_pages(area, shell)
    return area


def _add_sheet_pages(area: APIRouter, shell: PhoneShell) -> None:
    database = shell.office.database

    def begin_form(
        request: Request,
        viewer: Viewer,
        token: str,
        typed: dict[str, str],
        slips: dict[str, Slip] | None = None,
        problem: LodgingProblem | None = None,
    ) -> Response:
        with database.read() as connection:
            house = door_checks.house_at_door(connection, viewer, token, now=shell.now())
        return shell.render(
            request,
            "check_begin.html",
            status=_UNPROCESSABLE if slips or problem else 200,
            house=house,
            token=token,
            typed=typed,
            slips=slips or {},
            problem=said.PROBLEMS[problem] if problem else None,
            said=said,
        )

    def sheet_form(
        request: Request,
        viewer: Viewer,
        token: str,
        check_id: str,
        typed: dict[str, str] | None = None,
        slips: dict[str, Slip] | None = None,
        problem: LodgingProblem | None = None,
        *,
        part: str = "",
        saved: bool = False,
    ) -> Response:
        with database.write() as connection:
            sheet = door_checks.sheet(connection, viewer, check_id, now=shell.now())
            door_checks.note_look(connection, viewer, sheet, now=shell.now())
        parts = max(1, ceil(len(sheet.expected) / _PEOPLE_PER_PAGE))
        number = next((one for one in range(1, parts + 1) if str(one) == part), 1)
        start = (number - 1) * _PEOPLE_PER_PAGE
        return shell.render(
            request,
            "check_sheet.html",
            status=_UNPROCESSABLE if slips or problem else 200,
            sheet=sheet,
            shown=sheet.expected[start : start + _PEOPLE_PER_PAGE],
            part=number,
            parts=parts,
            token=token,
            typed=_typed_of_sheet(sheet, sheet.house.today(shell.now())) if typed is None else typed,
            was={one.stay_id: _digest(one.entry.data if one.entry else None) for one in sheet.expected},
            names=_names(sheet),
            slips=slips or {},
            problem=said.PROBLEMS[problem] if problem else None,
            photos=shell.office.lodging.settings.photos_kept_days > 0,
            saved=saved,
            said=said,
        )

    @area.get("/check")
    def due(request: Request) -> Response:
        viewer = shell.require_staff(request, Right.CHECK_HOUSES)
        return shell.render(request, "checks.html", rows=shell.office.lodging.due(viewer), said=said)

    @area.get("/check/{token}")
    def at_door(request: Request, token: str, saved: str = "", part: str = "") -> Response:
        viewer = shell.require_staff(request, Right.CHECK_HOUSES)
        with database.read() as connection:
            house = door_checks.house_at_door(connection, viewer, token, now=shell.now())
            check_id = door_checks.open_check(connection, house, now=shell.now())
            team = door_checks.last_team(connection, viewer)
        if check_id:
            return sheet_form(request, viewer, token, check_id, part=part, saved=bool(saved))
        return begin_form(request, viewer, token, asdict(team) if team else {})

    @area.post("/check/{token}")
    def begin(request: Request, token: str, form: SentForm) -> Response:
        viewer, typed = shell.require_staff(request, Right.CHECK_HOUSES), typed_of(form)

        def work(connection: Connection) -> str:
            team = read_team(typed)
            door_checks.forget_photos(connection, shell.office.lodging.settings, now=shell.now())
            door_checks.begin(connection, viewer, token, team, now=shell.now())
            return f"{_PATH}/{token}"

        try:
            return shell.once(form, viewer.user_id, work)
        except FieldsRefused as refused:
            return begin_form(request, viewer, token, typed, refused.slips)
        except LodgingRefused as refused:
            return begin_form(request, viewer, token, typed, problem=refused.problem)

    @area.post("/check/{token}/sheet")
    def save(request: Request, token: str, form: SentForm) -> Response:
        viewer, typed = shell.require_staff(request, Right.CHECK_HOUSES), typed_of(form)
        check_id, signs = typed.get("check_id", ""), typed.get("do") == "sign"
        part = typed.get("part", "")

        def work(connection: Connection) -> str:
            _save(connection, viewer, check_id, typed, shell)
            if not signs:
                return f"{_PATH}/{token}?saved=1&part={quote(part)}"
            role, remarks = typed.get("role", ""), typed.get("remarks", "")
            door_checks.sign(connection, viewer, check_id, role, remarks, now=shell.now())
            return f"{_PATH}/{token}/done/{check_id}"

        try:
            return shell.once(form, viewer.user_id, work)
        except FieldsRefused as refused:
            return sheet_form(request, viewer, token, check_id, typed, refused.slips, part=part)
        except LodgingRefused as refused:
            if refused.problem is LodgingProblem.SIGNED:
                return RedirectResponse(f"{_PATH}/{token}/done/{check_id}", status_code=SEE_OTHER)
            return sheet_form(request, viewer, token, check_id, typed, problem=refused.problem, part=part)

    @area.get("/check/{token}/done/{check_id}")
    def done(request: Request, token: str, check_id: str) -> Response:
        viewer = shell.require_staff(request, Right.CHECK_HOUSES)
        with database.write() as connection:
            sheet = door_checks.sheet(connection, viewer, check_id, now=shell.now())
            door_checks.note_look(connection, viewer, sheet, now=shell.now())
        if sheet.signed_at is None:
            return RedirectResponse(f"{_PATH}/{token}", status_code=SEE_OTHER)
        return shell.render(
            request,
            "check_done.html",
            sheet=sheet,
            names=_names(sheet),
            met=sum(one.entry is not None and one.entry.data.met for one in sheet.expected),
            signed_at=f"{sheet.signed_at.astimezone(sheet.house.zone):%Y-%m-%d %H:%M}",
            said=said,
        )


def _add_photo_pages(area: APIRouter, shell: PhoneShell) -> None:
    database, settings = shell.office.database, shell.office.lodging.settings

    def entry_of(viewer: Viewer, token: str, entry_id: str) -> tuple[CheckSheet, Entry]:
        with database.write() as connection:
            house = door_checks.house_at_door(connection, viewer, token, now=shell.now())
            check_id = door_checks.open_check(connection, house, now=shell.now())
            if not check_id:
                raise no_such("check", "going on there")
            sheet = door_checks.sheet(connection, viewer, check_id, now=shell.now())
            door_checks.note_look(connection, viewer, sheet, now=shell.now())
        entries = [*sheet.others, *(one.entry for one in sheet.expected if one.entry is not None)]
        found = next((entry for entry in entries if entry.entry_id == entry_id), None)
        if found is None:
            raise no_such("entry", entry_id)
        return sheet, found

    def photo_form(
        request: Request,
        token: str,
        entry: Entry,
        slips: dict[str, Slip] | None = None,
        problem: LodgingProblem | None = None,
    ) -> Response:
        return shell.render(
            request,
            "check_photo.html",
            status=_UNPROCESSABLE if slips or problem else 200,
            token=token,
            entry=entry,
            slips=slips or {},
            problem=said.PROBLEMS[problem] if problem else None,
            said=said,
        )

    @area.get("/check/{token}/photo/{entry_id}.jpg")
    def picture(request: Request, token: str, entry_id: str) -> Response:
        viewer = shell.require_staff(request, Right.CHECK_HOUSES)
        with database.write() as connection:
            jpeg = door_checks.photo(connection, viewer, entry_id, settings, now=shell.now())
        return Response(jpeg, media_type="image/jpeg")

    @area.get("/check/{token}/photo/{entry_id}")
    def page(request: Request, token: str, entry_id: str) -> Response:
        viewer = shell.require_staff(request, Right.CHECK_HOUSES)
        return photo_form(request, token, entry_of(viewer, token, entry_id)[1])

    @area.post("/check/{token}/photo/{entry_id}")
    def put(request: Request, token: str, entry_id: str, form: SentForm) -> Response:
        viewer = shell.require_staff(request, Right.CHECK_HOUSES)
        sheet, entry = entry_of(viewer, token, entry_id)
        file = form.get("photo")
        content = file.file.read() if isinstance(file, UploadFile) else b""

        def work(connection: Connection) -> str:
            door_checks.put_photo(
                connection, viewer, sheet.check_id, entry_id, content, settings, now=shell.now()
            )
            return f"{_PATH}/{token}/photo/{entry_id}"

        try:
            return shell.once(form, viewer.user_id, work)
        except FieldsRefused as refused:
            return photo_form(request, token, entry, refused.slips)
        except LodgingRefused as refused:
            return photo_form(request, token, entry, problem=refused.problem)


def _save(
    connection: Connection, viewer: Viewer, check_id: str, typed: Mapping[str, str], shell: PhoneShell
) -> None:
    """Whatever differs from what the page showed: two phones at one door do not undo each other."""
    now, slips = shell.now(), {}
    sheet = door_checks.sheet(connection, viewer, check_id, now=now)
    for one in sheet.expected:
        fields = _fields_of(typed, one.stay_id)
        if not fields.get("met"):
            continue
        try:
            data = read_entry(fields)
        except FieldsRefused as refused:
            slips.update(_prefixed(one.stay_id, refused))
            continue
        if _digest(data) != fields.get("was"):
            door_checks.record(connection, viewer, check_id, one.stay_id, data, now=now)
    fields = _fields_of(typed, _NEW)
    if any(fields.get(name) for name in ("name", "worker_id", "phone", "room")):
        try:
            person = read_tenant(fields, sheet.house.today(now))
            data = read_entry(fields | {"met": "yes"})
            if not slips:
                door_checks.add_person(connection, viewer, check_id, person, data, now=now)
        except FieldsRefused as refused:
            slips.update(_prefixed(_NEW, refused))
    if slips:
        raise FieldsRefused(slips)


def _fields_of(typed: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(f"{prefix}-"): value
        for name, value in typed.items()
        if name.startswith(f"{prefix}-")
    }


def _prefixed(prefix: str, refused: FieldsRefused) -> dict[str, Slip]:
    return {f"{prefix}-{name}": slip for name, slip in refused.slips.items()}


def _typed_of_sheet(sheet: CheckSheet, today: date) -> dict[str, str]:
    """What was recorded, as it would be typed."""
    typed = {f"{_NEW}-from_day": today.isoformat(), "remarks": sheet.remarks}
    for one in sheet.expected:
        if one.entry is None:
            continue
        data, prefix = one.entry.data, one.stay_id
        typed |= {
            f"{prefix}-met": "yes" if data.met else "no",
            f"{prefix}-identity_confirmed": "1" if data.identity_confirmed else "",
            f"{prefix}-temperature_c": "" if data.temperature_c is None else str(data.temperature_c),
            f"{prefix}-symptoms": data.symptoms,
            f"{prefix}-contacts": data.contacts,
            f"{prefix}-remarks": data.remarks,
        }
    return typed


def _digest(data: EntryData | None) -> str:
    return sha256(repr(data).encode()).hexdigest()


def _names(sheet: CheckSheet) -> dict[str, str]:
    names = asdict(sheet.team)
    return {role: names[f"{role}_name"] for role in TEAM}
