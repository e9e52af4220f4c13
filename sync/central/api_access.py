"""Who asks the API: the bearer token of a request, and the office that answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sync.central.accounts_access import Right, Viewer
from sync.central.api_models import TEXT_MAX
from sync.central.api_problems import NotSignedIn
from sync.central.errors import SettingRefused
from sync.central.front_office import FrontOffice

_bearer = HTTPBearer(auto_error=False, description="a token from `sitegate central token add`")
Short = Annotated[str, Query(max_length=TEXT_MAX)]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def _office(request: Request) -> FrontOffice:
    office: FrontOffice = request.app.state.office
    return office


Office = Annotated[FrontOffice, Depends(_office)]


def _viewer(request: Request, office: Office, credentials: Credentials) -> Viewer:
    asked = (value for _, value in request.query_params.multi_items())
    if any("\0" in one for one in (request.scope["path"], *asked)):
        raise SettingRefused("the address holds a zero (%00)", next_step="leave it out: no id has one")
    address = request.client.host if request.client else ""
    viewer = (
        office.accounts.viewer_of_token(credentials.credentials, address=address) if credentials else None
    )
    if viewer is None:
        raise NotSignedIn(
            "no valid token", next_step="send `Authorization: Bearer TOKEN` with a token of this centre"
        )
    viewer.require(Right.USE_CONSOLE)
    return viewer


Asking = Annotated[Viewer, Depends(_viewer)]
