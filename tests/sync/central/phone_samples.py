"""The fictional centre with documents of two workers, and a client for its phone pages."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
from sqlalchemy import Table, func, select

from sync.central.console import ConsoleSettings
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from sync.central.person_vault import PersonVault
from sync.central.persons import put_person
from sync.central.phone.app import phone_app
from sync.central.phone.settings import PhoneSettings
from sync.people import DocumentType, Person
from tests.sync.central.console_samples import NOW

ANN, BEN = "A-001", "A-002"
DOCUMENTS = {ANN: "SAMPLE123456", BEN: "SAMPLE65432X"}
VAULT = PersonVault(bytes(range(32)))
VISITOR = {
    "name": "示例访客",
    "phone": "138 0000 0000",
    "document_type": "passport",
    "document_number": "x1234567",
}
HEALTHY = {
    "do": "send",
    "site": "site-a",
    "health": "well",
    "affected": "no",
    "contact": "no",
    "travelled": "no",
    "lodging": "dormitory",
    "lodging_place": "示例楼 3 号",
    "truthful": "yes",
}


def with_documents(office: FrontOffice) -> FrontOffice:
    """Documents on record for `DOCUMENTS`; the office can open them."""
    with office.database.write() as connection:
        for worker_id, number in DOCUMENTS.items():
            person = Person(worker_id=worker_id, document_type=DocumentType.OTHER, document_number=number)
            put_person(connection, VAULT, person, now=NOW)
    office.vault = VAULT
    return office


class Phone:
    """A browser without script that keeps its cookies and follows where it is sent."""

    def __init__(self, office: FrontOffice, settings: PhoneSettings | None = None) -> None:
        self._app = phone_app(office, ConsoleSettings(phone=settings or PhoneSettings()))
        self.cookies = httpx.Cookies()

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def post(self, path: str, **fields: object) -> httpx.Response:
        return self.ask("POST", path, data=fields, headers={"origin": "http://centre"})

    def ask(self, way: str, path: str, **more: Any) -> httpx.Response:
        """One request, answered by the application itself."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False, client=("192.0.2.7", 1))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://centre", cookies=self.cookies, follow_redirects=True
            ) as client:
                answer = await client.request(way, path, **more)
                self.cookies = client.cookies
                return answer

        return asyncio.run(asked())

    def sign_in(self, worker_id: str = ANN, tail: str = "") -> httpx.Response:
        tail = tail or DOCUMENTS[worker_id][-6:]
        return self.post("/m/sign-in", number=worker_id, tail=tail, next="/m/declare")

    def sign_in_staff(self, user_id: str, password: str) -> httpx.Response:
        return self.post("/m/staff/sign-in", user=user_id, password=password, next="/m/")

    def token(self, path: str) -> str:
        """Of the form on that page."""
        return token_of(self.get(path).text)

    def declare(self, **changed: object) -> httpx.Response:
        token = self.token("/m/declare?site=site-a")
        return self.post("/m/declare", **{**HEALTHY, "form_token": token, **changed})


def token_of(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


def count(database: Database, table: Table) -> int:
    with database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)
