"""Where the QR of a certificate leads: valid or not, course, date, masked name. No login, nothing else."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from sync.central.phone import words_training as said
from sync.central.phone.shell import PhoneShell

ZONE = ZoneInfo("Asia/Shanghai")
"""Certificates are read far from their site; days are told as in China."""


def router(shell: PhoneShell) -> APIRouter:
    """`/m/verify/<token>`."""
    area = APIRouter()

    @area.get("/verify/{token}")
    def verify(request: Request, token: Annotated[str, Path(max_length=64)]) -> Response:
        check = shell.office.trainings.public_check(token)
        status = HTTPStatus.NOT_FOUND if check is None else HTTPStatus.OK
        return shell.render(request, "verify.html", status=status, check=check, zone=ZONE, said=said)

    return area
