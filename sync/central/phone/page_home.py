"""The first page: where to go. Every area that people should find from here adds its link."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from sync.central.phone.shell import PhoneShell
from sync.central.phone.words_declare import DECLARE
from sync.words import Words


@dataclass(frozen=True, slots=True)
class HomeLink:
    """`for_staff`: shown only to somebody signed in with an account."""

    path: str
    words: Words
    for_staff: bool = False


LINKS: tuple[HomeLink, ...] = (HomeLink("/m/declare", DECLARE),)


def router(shell: PhoneShell) -> APIRouter:
    """The page at `/m/`."""
    area = APIRouter()

    @area.get("/")
    def home(request: Request) -> Response:
        viewer = shell.staff(request)
        shell.person(request)
        links = [link for link in LINKS if viewer is not None or not link.for_staff]
        return shell.render(request, "home.html", links=links)

    return area
