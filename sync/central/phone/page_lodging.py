"""A house registered by its landlord, and tenants who register by the code on its door. No account needed."""

from __future__ import annotations

import segno
from fastapi import APIRouter, Request
from markupsafe import Markup
from sqlalchemy import Connection
from starlette.responses import Response

from sync.central import lodging
from sync.central.accounts_access import Right
from sync.central.lodging import House, LodgingProblem, LodgingRefused
from sync.central.lodging_forms import read_house, read_leaving, read_tenant
from sync.central.lodging_rules import HouseState, Risk
from sync.central.phone import words_lodging as said
from sync.central.phone.settings import PHONE_PATH
from sync.central.phone.shell import PhoneShell, SentForm, sent_text
from sync.central.typed_fields import FieldsRefused, Slip, masked_name, masked_number
from sync.web_door import address_of

_UNPROCESSABLE = 422
_CODE_SCALE = 8


def router(shell: PhoneShell) -> APIRouter:
    """`/m/house` for landlords, `/m/h/<code>` for tenants."""
    area = APIRouter()
    _add_landlord_pages(area, shell)
    _add_tenant_pages(area, shell)
    return area


def _add_landlord_pages(area: APIRouter, shell: PhoneShell) -> None:
    database = shell.office.database

    def house_form(
        request: Request,
        typed: dict[str, str],
        slips: dict[str, Slip] | None = None,
        problem: LodgingProblem | None = None,
    ) -> Response:
        with database.read() as connection:
            sites = lodging.site_names(connection)
        return shell.render(
            request,
            "house_new.html",
            status=_UNPROCESSABLE if slips or problem else 200,
            sites=sites,
            typed=typed,
            slips=slips or {},
            problem=said.PROBLEMS[problem] if problem else None,
            said=said,
        )

    @area.get("/house")
    def new_house(request: Request, site: str = "") -> Response:
        return house_form(request, {"site_id": site})

    @area.post("/house")
    def register_house(request: Request, form: SentForm) -> Response:
        typed, address = typed_of(form), address_of(request)

        def work(connection: Connection) -> str:
            data = read_house(typed, lodging.site_names(connection))
            token = lodging.register_house(connection, data, address=address, now=shell.now())
            return f"{PHONE_PATH}/house/own/{token}"

        try:
            return shell.once(form, address, work)
        except FieldsRefused as refused:
            return house_form(request, typed, refused.slips)
        except LodgingRefused as refused:
            return house_form(request, typed, problem=refused.problem)

    @area.get("/house/own/{token}")
    def own_house(request: Request, token: str) -> Response:
        with database.read() as connection:
            house = lodging.of_landlord(connection, token, now=shell.now())
            people = lodging.count_tenants(connection, house.house_id)
        return shell.render(
            request,
            "house_own.html",
            house=house,
            people=people,
            landlord=masked_name(house.landlord_name),
            phone=masked_number(house.landlord_phone),
            said=said,
        )

    @area.get("/h/{token}/poster")
    def poster(request: Request, token: str) -> Response:
        code = segno.make(f"{shell.public_url(request)}{PHONE_PATH}/h/{token}", error="m", micro=False)
        picture = Markup(code.svg_inline(scale=_CODE_SCALE, omitsize=True))  # noqa: S704 - made of squares
        with database.read() as connection:
            house = lodging.at_door(connection, token, now=shell.now())
        return shell.render(request, "house_poster.html", house=house, code=picture, said=said)


def _add_tenant_pages(area: APIRouter, shell: PhoneShell) -> None:
    database = shell.office.database

    def of_code(token: str) -> House:
        with database.read() as connection:
            return lodging.at_door(connection, token, now=shell.now())

    def tenant_form(
        request: Request,
        token: str,
        typed: dict[str, str],
        *,
        leaving: bool = False,
        slips: dict[str, Slip] | None = None,
        problem: LodgingProblem | None = None,
    ) -> Response:
        house = of_code(token)
        viewer = shell.staff(request)
        if viewer is not None and not viewer.may(Right.CHECK_HOUSES):
            viewer = None
        problem = problem or _problem_of(house)
        day = house.today(shell.now()).isoformat()
        return shell.render(
            request,
            "tenant.html",
            status=_UNPROCESSABLE if slips or problem else 200,
            house=house,
            token=token,
            typed={"from_day": day, "until_day": day} | typed,
            slips=slips or {},
            problem=said.PROBLEMS[problem] if problem else None,
            closed=problem is not None,
            leaving=leaving,
            said=said,
        )

    @area.get("/h/{token}")
    def tenant(request: Request, token: str) -> Response:
        return tenant_form(request, token, {})

    @area.post("/h/{token}")
    def move_in(request: Request, token: str, form: SentForm) -> Response:
        typed, address, now = typed_of(form), address_of(request), shell.now()

        def work(connection: Connection) -> str:
            house = lodging.at_door(connection, token, now=now)
            data = read_tenant(typed, house.today(now))
            lodging.move_in(connection, token, data, address=address, now=now)
            return f"{PHONE_PATH}/h/{token}/done?what=in"

        try:
            return shell.once(form, address, work)
        except FieldsRefused as refused:
            return tenant_form(request, token, typed, slips=refused.slips)
        except LodgingRefused as refused:
            return tenant_form(request, token, typed, problem=refused.problem)

    @area.get("/h/{token}/leave")
    def leaving(request: Request, token: str) -> Response:
        return tenant_form(request, token, {}, leaving=True)

    @area.post("/h/{token}/leave")
    def move_out(request: Request, token: str, form: SentForm) -> Response:
        typed, address, now = typed_of(form), address_of(request), shell.now()

        def work(connection: Connection) -> str:
            house = lodging.at_door(connection, token, now=now)
            data = read_leaving(typed, house.today(now))
            lodging.move_out(connection, token, data, address=address, now=now)
            return f"{PHONE_PATH}/h/{token}/done?what=out"

        try:
            return shell.once(form, address, work)
        except FieldsRefused as refused:
            return tenant_form(request, token, typed, leaving=True, slips=refused.slips)
        except LodgingRefused as refused:
            return tenant_form(request, token, typed, leaving=True, problem=refused.problem)

    @area.get("/h/{token}/done")
    def done(request: Request, token: str, what: str = "in") -> Response:
        words = said.OUT_SAVED if what == "out" else said.IN_SAVED
        return shell.render(
            request, "tenant_done.html", house=of_code(token), token=token, done=words, said=said
        )


def typed_of(form: SentForm) -> dict[str, str]:
    """Every field that is text, as typed."""
    return {name: sent_text(form, name) for name in form}


def _problem_of(house: House) -> LodgingProblem | None:
    if house.state is not HouseState.OPEN:
        return LodgingProblem(house.state.value)
    return LodgingProblem.SEALED if house.risk is Risk.SEALED else None
