"""The fictional centre with documents of two workers, and a client for its phone pages."""

from __future__ import annotations

import re

import httpx
from fastapi.testclient import TestClient

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
    """A browser without script that keeps cookies; `base` has to be the host of the form's origin."""

    def __init__(self, office: FrontOffice, settings: PhoneSettings | None = None) -> None:
        app = phone_app(office, ConsoleSettings(phone=settings or PhoneSettings()))
        self.client = TestClient(app, raise_server_exceptions=False)

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def post(self, path: str, **fields: object) -> httpx.Response:
        return self.client.post(path, data=fields, headers={"origin": "http://testserver"})

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


def count(database: Database, table: object) -> int:
    from sqlalchemy import func, select  # noqa: PLC0415

    with database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)  # type: ignore[arg-type]
