"""Training pages of the centre: what anybody sees who scans a certificate."""

from __future__ import annotations

from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.central import registry
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from tests.sync.central.gate_box import a_site
from tests.sync.central.phone_samples import Phone
from tests.sync.central.test_trainings import HERE, chain, send
from tests.sync.samples import NOON, a_worker
from tests.sync.training.test_record import a_record


def an_office(database: Database, *, days: float) -> FrontOffice:
    a_site(database, HERE)
    with database.write() as connection:
        registry.put_worker(connection, a_worker("W-1"), now=NOON)
        send(connection, *chain(Ed25519PrivateKey.generate(), a_record()))
    return FrontOffice(database, now=lambda: NOON + timedelta(days=days))


def test_a_scanned_certificate_shows_course_date_and_a_masked_name_only(centre_database: Database) -> None:
    phone = Phone(an_office(centre_database, days=1))
    page = phone.get("/m/verify/token-1")
    assert page.status_code == 200
    assert "证书有效" in page.text
    assert "示例课程" in page.text
    assert "示***" in page.text
    assert "示例工人" not in page.text
    assert "W-1" not in page.text
    assert len(page.content) < 60_000
    assert phone.get("/m/verify/unknown").status_code == 404


def test_an_expired_certificate_says_so(centre_database: Database) -> None:
    page = Phone(an_office(centre_database, days=400)).get("/m/verify/token-1")
    assert "证书无效或已过期" in page.text
