"""The first page: where to go. Every area that people should find from here adds its link."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from sync.central.accounts_access import Right
from sync.central.phone import words_inspect, words_lodging, words_pass, words_site, words_training
from sync.central.phone.settings import PHONE_PATH
from sync.central.phone.shell import SEE_OTHER, PhoneShell
from sync.central.phone.words_declare import DECLARE
from sync.phone_addresses import TRAINING_PATH
from sync.words import Words


@dataclass(frozen=True, slots=True)
class HomeLink:
    """`right` not None: shown only to somebody signed in with an account that includes it."""

    path: str
    words: Words
    right: Right | None = None


LINKS: tuple[HomeLink, ...] = (
    HomeLink("/m/declare", DECLARE),
    HomeLink("/m/pass", words_pass.PASS),
    HomeLink("/m/site-report", words_site.REPORT, right=Right.REPORT_SITE),
    HomeLink("/m/missing", words_site.MISSING, right=Right.READ_DECLARATIONS),
    HomeLink("/m/poster", words_site.POSTER, right=Right.READ_DECLARATIONS),
    HomeLink("/m/house", words_lodging.REGISTER_HOUSE),
    HomeLink("/m/check", words_lodging.CHECKS, right=Right.CHECK_HOUSES),
    HomeLink("/m/inspect", words_inspect.INSPECTIONS, right=Right.INSPECT),
    HomeLink("/m/bus", words_lodging.BUSES, right=Right.MANAGE_BUSES),
)

TRAINING = HomeLink(TRAINING_PATH, words_training.TRAINING)
"""Only where the centre was started with courses."""


def router(shell: PhoneShell) -> APIRouter:
    """The page at `/m/`."""
    area = APIRouter()

    @area.get("")
    def without_slash() -> Response:
        return RedirectResponse(f"{PHONE_PATH}/", status_code=SEE_OTHER)

    @area.get("/")
    def home(request: Request) -> Response:
        viewer = shell.staff(request)
        shell.person(request)
        links = [
            link for link in LINKS if link.right is None or (viewer is not None and viewer.may(link.right))
        ]
        if shell.office.phone_training is not None:
            links.insert(1, TRAINING)
        return shell.render(request, "home.html", links=links)

    return area
