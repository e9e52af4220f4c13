"""Buses that bring workers back: a manifest each and the steps before it may enter, on a manager's phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from sync.central import transport, transport_steps
from sync.central.accounts_access import Right, Viewer
from sync.central.lodging_forms import read_bus, read_temperatures
from sync.central.phone import words_lodging as said
from sync.central.phone.page_lodging import typed_of
from sync.central.phone.settings import PHONE_PATH
from sync.central.phone.shell import SEE_OTHER, PhoneShell, SentForm, sent_text
from sync.central.rider_lines import LinesRefused
from sync.central.transport import Bus, PickedWorker
from sync.central.transport_steps import Step, StepRefused
from sync.central.typed_fields import FieldsRefused, Slip
from sync.words import Words

_PATH = f"{PHONE_PATH}/bus"
_UNPROCESSABLE = 422
_SHOWN_FOR = timedelta(days=30)


class _Pages:
    """The page of one bus, and changes that lead back to it."""

    def __init__(self, shell: PhoneShell) -> None:
        self._shell = shell
        self._fever_c = shell.office.lodging.settings.fever_c

    def show(
        self,
        request: Request,
        viewer: Viewer,
        bus_id: str,
        *,
        typed: dict[str, str] | None = None,
        slips: dict[str, Slip] | None = None,
        lines: dict[int, Slip] | None = None,
        refused: StepRefused | None = None,
        found: list[PickedWorker] | None = None,
    ) -> Response:
        with self._shell.office.database.write() as connection:
            bus = transport.look(connection, viewer, bus_id, now=self._shell.now())
        problem: Words | None = said.HINDRANCES[refused.hindrance] if refused else None
        if lines and not problem:
            problem = said.NOT_SAVED
        is_checked = Step.CHECKED in bus.manifest.marks
        return self._shell.render(
            request,
            "bus.html",
            status=_UNPROCESSABLE if slips or problem else 200,
            bus=bus,
            marks=_marks(bus),
            last=_last(bus),
            against={step: transport_steps.hindrances(bus.manifest, step) for step in Step},
            changeable=not is_checked and not bus.manifest.cancelled,
            held=bus.manifest.held(self._fever_c),
            by_seat={facts.rider.seat: facts for facts in bus.riders},
            typed=typed or {},
            slips=slips or {},
            lines=lines or {},
            problem=problem,
            named=refused.riders if refused else (),
            found=found,
            said=said,
        )

    def change(
        self,
        request: Request,
        form: SentForm,
        bus_id: str,
        change: Callable[[Connection, Viewer, dict[str, str]], object],
    ) -> Response:
        """Do it once and show the bus; what cannot be done is told there, with what was typed."""
        viewer, typed = self._shell.require_staff(request, Right.MANAGE_BUSES), typed_of(form)

        def work(connection: Connection) -> str:
            change(connection, viewer, typed)
            return f"{_PATH}/{bus_id}"

        try:
            return self._shell.once(form, viewer.user_id, work)
        except StepRefused as refused:
            return self.show(request, viewer, bus_id, typed=typed, refused=refused)
        except FieldsRefused as refused:
            return self.show(request, viewer, bus_id, typed=typed, slips=refused.slips)
        except LinesRefused as refused:
            return self.show(request, viewer, bus_id, typed=typed, lines=refused.slips)


def router(shell: PhoneShell) -> APIRouter:
    """`/m/bus` and below it one bus."""
    area = APIRouter()
    _add_lists(area, shell)
    _add_bus_pages(area, shell, _Pages(shell))
    return area


def _add_lists(area: APIRouter, shell: PhoneShell) -> None:
    database, workers = shell.office.database, shell.office.workers

    def new_form(
        request: Request, viewer: Viewer, typed: dict[str, str], slips: dict[str, Slip] | None = None
    ) -> Response:
        sites = {site.site_id: (site.name, site.name_en) for site in workers.sites(viewer)}
        return shell.render(
            request,
            "bus_new.html",
            status=_UNPROCESSABLE if slips else 200,
            sites=sites,
            typed=typed,
            slips=slips or {},
            said=said,
        )

    @area.get("/bus")
    def buses(request: Request) -> Response:
        viewer = shell.require_staff(request, Right.MANAGE_BUSES)
        now = shell.now()
        with database.write() as connection:
            found = transport.recent(connection, viewer, since=(now - _SHOWN_FOR).date(), now=now)
        return shell.render(request, "buses.html", buses=found, said=said)

    @area.get("/bus/new")
    def new(request: Request) -> Response:
        viewer = shell.require_staff(request, Right.MANAGE_BUSES)
        return new_form(request, viewer, {"travelled_on": _today(shell, viewer).isoformat()})

    @area.post("/bus/new")
    def add(request: Request, form: SentForm) -> Response:
        viewer, typed = shell.require_staff(request, Right.MANAGE_BUSES), typed_of(form)
        now = shell.now()
        sites = {site.site_id for site in workers.sites(viewer)}

        def work(connection: Connection) -> str:
            data = read_bus(typed, sites, _today(shell, viewer))
            return f"{_PATH}/{transport.add_bus(connection, viewer, data, now=now)}"

        try:
            return shell.once(form, viewer.user_id, work)
        except FieldsRefused as refused:
            return new_form(request, viewer, typed, refused.slips)


def _add_bus_pages(area: APIRouter, shell: PhoneShell, pages: _Pages) -> None:
    office, fever_c = shell.office, shell.office.lodging.settings.fever_c

    @area.get("/bus/{bus_id}")
    def page(request: Request, bus_id: str) -> Response:
        viewer = shell.require_staff(request, Right.MANAGE_BUSES)
        return pages.show(request, viewer, bus_id)

    @area.post("/bus/{bus_id}/riders")
    def riders(request: Request, bus_id: str, form: SentForm) -> Response:
        # Not by `sent_text`: lines and tabs between the parts matter.
        lines = str(form.get("lines", ""))
        return pages.change(
            request,
            form,
            bus_id,
            lambda connection, viewer, typed: transport.board_lines(
                connection, viewer, bus_id, lines, office.vault, now=shell.now()
            ),
        )

    @area.post("/bus/{bus_id}/find")
    def find(request: Request, bus_id: str, form: SentForm) -> Response:
        viewer, text = shell.require_staff(request, Right.MANAGE_BUSES), sent_text(form, "text")
        with office.database.write() as connection:
            found = transport.to_pick(connection, viewer, bus_id, text, now=shell.now())
        return pages.show(request, viewer, bus_id, typed={"text": text}, found=found)

    @area.post("/bus/{bus_id}/picked")
    def picked(request: Request, bus_id: str, form: SentForm) -> Response:
        worker_ids = [one for one in form.getlist("worker") if isinstance(one, str)]
        return pages.change(
            request,
            form,
            bus_id,
            lambda connection, viewer, typed: transport.board_workers(
                connection, viewer, bus_id, worker_ids, office.vault, now=shell.now()
            ),
        )

    @area.post("/bus/{bus_id}/temperatures")
    def temperatures(request: Request, bus_id: str, form: SentForm) -> Response:
        def change(connection: Connection, viewer: Viewer, typed: dict[str, str]) -> None:
            rider_ids = [name.removeprefix("t_") for name in typed if name.startswith("t_")]
            readings = read_temperatures(typed, rider_ids)
            transport.measure(connection, viewer, bus_id, readings, now=shell.now())

        return pages.change(request, form, bus_id, change)

    @area.post("/bus/{bus_id}/rider")
    def rider(request: Request, bus_id: str, form: SentForm) -> Response:
        return pages.change(
            request,
            form,
            bus_id,
            lambda connection, viewer, typed: _change_rider(connection, viewer, bus_id, typed, shell),
        )

    @area.post("/bus/{bus_id}/step")
    def step(request: Request, bus_id: str, form: SentForm) -> Response:
        return pages.change(
            request,
            form,
            bus_id,
            lambda connection, viewer, typed: transport.take(
                connection, viewer, bus_id, _step(typed), fever_c=fever_c, now=shell.now()
            ),
        )

    @area.post("/bus/{bus_id}/back")
    def back(request: Request, bus_id: str, form: SentForm) -> Response:
        return pages.change(
            request,
            form,
            bus_id,
            lambda connection, viewer, typed: transport.take_back(
                connection, viewer, bus_id, _step(typed), now=shell.now()
            ),
        )

    @area.post("/bus/{bus_id}/cancel")
    def cancel(request: Request, bus_id: str, form: SentForm) -> Response:
        return pages.change(
            request,
            form,
            bus_id,
            lambda connection, viewer, typed: transport.cancel(connection, viewer, bus_id, now=shell.now()),
        )

    @area.get("/bus/{bus_id}/{action}")
    def reloaded(bus_id: str, action: str) -> Response:
        # The address of a form that was refused, opened again.
        return RedirectResponse(f"{_PATH}/{bus_id}", status_code=SEE_OTHER)


def _today(shell: PhoneShell, viewer: Viewer) -> date:
    """The day at the viewer's sites; those of one account lie in one zone, or a day is no matter."""
    zones = [ZoneInfo(site.timezone) for site in shell.office.workers.sites(viewer)]
    return shell.now().astimezone(zones[0] if zones else None).date()


def _change_rider(
    connection: Connection, viewer: Viewer, bus_id: str, typed: dict[str, str], shell: PhoneShell
) -> None:
    rider_id, what, now = typed.get("rider", ""), typed.get("what", ""), shell.now()
    if what == "reseat":
        seat = typed.get("seat", "")
        if not (seat.isascii() and seat.isdecimal()):
            raise FieldsRefused({"seat": Slip.NO_NUMBER})
        transport.reseat(connection, viewer, bus_id, rider_id, int(seat), now=now)
    elif what == "remove":
        transport.remove(connection, viewer, bus_id, rider_id, now=now)
    elif what in ("absent", "present"):
        transport.mark_absent(connection, viewer, bus_id, rider_id, what == "absent", now=now)
    else:
        raise FieldsRefused({"what": Slip.NOT_OFFERED})


def _step(typed: dict[str, str]) -> Step:
    try:
        return Step(typed.get("step", ""))
    except ValueError as error:
        raise FieldsRefused({"step": Slip.NOT_OFFERED}) from error


def _marks(bus: Bus) -> dict[str, str]:
    """Who and when, by step."""
    return {
        step.value: f"{mark.by} · {mark.at.astimezone(bus.zone):%Y-%m-%d %H:%M}"
        for step, mark in bus.manifest.marks.items()
    }


def _last(bus: Bus) -> Step | None:
    """The step that could be taken back."""
    taken = [step for step in Step if step in bus.manifest.marks]
    return taken[-1] if taken and not bus.manifest.cancelled else None
