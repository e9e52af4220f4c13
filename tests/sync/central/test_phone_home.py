"""The first page of the phone pages: found by a typed address, and names what this centre has."""

from __future__ import annotations

import asyncio
from typing import cast

import httpx
import pytest
from fastapi import FastAPI

from sync.central.api import api_app
from sync.central.console import ConsoleSettings
from sync.central.console.app import side_by_side
from sync.central.front_office import FrontOffice
from sync.central.phone.app import phone_app
from sync.central.phone_training import PhoneTraining
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.phone_samples import Phone

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

pytestmark = pytest.mark.parametrize("office", ["sqlite"], indirect=True)


def test_the_address_without_its_last_slash_leads_to_the_phones_not_to_the_console(
    office: FrontOffice,
) -> None:
    # The console itself would be NiceGUI's one application per process.
    settings = ConsoleSettings(port=0)
    served = side_by_side(FastAPI(), api_app(office), phone_app(office, settings))

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="http://centre") as client:
            return await client.get("/m", follow_redirects=True)

    answer = asyncio.run(asked())
    assert answer.url.path == "/m/" and "健康申报" in answer.text


def test_training_is_offered_where_the_centre_has_courses(office: FrontOffice) -> None:
    assert "/m/training" not in Phone(office).get("/m/").text
    office.phone_training = cast(PhoneTraining, object())
    assert 'href="/m/training"' in Phone(office).get("/m/").text
