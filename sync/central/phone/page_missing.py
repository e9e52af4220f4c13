"""Who of a site has not declared today, and the poster that leads them to the form."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from sync.central.accounts_access import Right, no_such
from sync.central.declaration_desk import PAGE_ROWS
from sync.central.phone import words_site as said
from sync.central.phone.page_site_report import chosen_site
from sync.central.phone.settings import PHONE_PATH
from sync.central.phone.shell import PhoneShell
from sync.phone_addresses import declare_address
from sync.qr_codes import code_svg

MISSING_PATH, POSTER_PATH = f"{PHONE_PATH}/missing", f"{PHONE_PATH}/poster"


def router(shell: PhoneShell) -> APIRouter:
    """`/m/missing` and `/m/poster`."""
    area = APIRouter()
    office = shell.office

    @area.get("/missing")
    def missing(request: Request, site: str = "", team: str | None = None, after: str = "") -> Response:
        viewer = shell.require_staff(request, Right.READ_DECLARATIONS)
        sites = office.workers.sites(viewer)
        chosen = chosen_site(sites, site)
        if chosen is None:
            return shell.render(
                request, "site_choose.html", sites=sites, title=said.MISSING, path=MISSING_PATH, said=said
            )
        today = office.declarations.today(chosen.site_id)
        people = office.declarations.missing(
            viewer, chosen.site_id, today, team=team, after=after, rows=PAGE_ROWS
        )
        return shell.render(
            request,
            "missing.html",
            site=chosen,
            today=today,
            overview=office.declarations.overview(viewer, chosen.site_id, today),
            team=team,
            people=people,
            next_after=people[-1].worker_id if len(people) == PAGE_ROWS else "",
            path=MISSING_PATH,
            said=said,
        )

    @area.get("/poster")
    def posters(request: Request) -> Response:
        viewer = shell.require_staff(request, Right.READ_DECLARATIONS)
        return shell.render(
            request,
            "site_choose.html",
            sites=office.workers.sites(viewer),
            title=said.POSTER,
            path=POSTER_PATH,
            said=said,
        )

    @area.get("/poster/{site_id}")
    def poster(request: Request, site_id: str) -> Response:
        viewer = shell.require_staff(request, Right.READ_DECLARATIONS)
        site = next((one for one in office.workers.sites(viewer) if one.site_id == site_id), None)
        if site is None:
            raise no_such("site", site_id)
        address = declare_address(shell.public_url(request), site_id)
        return shell.render(
            request, "poster.html", site=site, address=address, code=code_svg(address), said=said
        )

    return area
