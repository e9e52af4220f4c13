"""The own pass on a phone: colour and cause, a QR pass that gates believe, a request for correction."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.central import health, pass_corrections
from sync.central.accounts_access import Role, Viewer
from sync.central.front_office import FrontOffice
from sync.central.pass_corrections import Answer
from sync.central.pass_issue import PassIssuer
from sync.central.tables_health import pass_corrections as corrections
from sync.passes import issuers, verify
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, A, Clock
from tests.sync.central.phone_samples import ANN, VISITOR, Phone, count, token_of, with_documents

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
MEDIC = Viewer("medic-a", "", Role.MEDIC, frozenset({A}))
PAGE_BYTES_MAX = 60_000


def occurred(office: FrontOffice, cause: str) -> None:
    with office.database.write() as connection:
        health.occurred(connection, ANN, cause, NOW, entry_id=cause, now=NOW)


def test_somebody_sees_the_own_colour_asks_once_and_sees_the_answer(office: FrontOffice) -> None:
    with_documents(office)
    phone = Phone(office)
    assert "/m/sign-in" in str(phone.get("/m/pass").url)
    phone.sign_in()
    assert "目前没有颜色" in phone.get("/m/pass").text
    occurred(office, "affected_area")
    page = phone.get("/m/pass")
    assert all(one in page.text for one in ("黄码", "到过或途经疫情地区", "2026-03-09 15:30", "做一次检测"))
    assert "二维码" not in page.text  # this centre issues none
    assert phone.get("/m/pass/code?site=site-a").status_code == 503
    token = token_of(page.text)
    for _ in range(2):  # sent twice
        page = phone.post("/m/pass", form_token=token, said="示例：没有去过")
        assert "处理中" in page.text
    assert count(office.database, corrections) == 1
    assert "form_token" not in page.text  # one request at a time
    with office.database.read() as connection:
        (asked,) = pass_corrections.of_worker(connection, ANN)
    assert (asked.colour, asked.cause) == ("yellow", "affected_area")
    office.passes.take_back(MEDIC, ANN, "affected_area", why="示例核实")
    office.passes.answer(MEDIC, asked.worker_id, asked.correction_id, Answer.CHANGED, why="示例核实")
    page = phone.get("/m/pass")
    assert all(one in page.text for one in ("已更正", "示例核实", "目前没有颜色", "form_token"))
    assert len(page.content) < PAGE_BYTES_MAX
    assert phone.post("/m/pass", form_token=token_of(page.text), said=" ").status_code == 422


@ON_ONE
def test_a_phone_shows_a_pass_that_gates_believe_for_minutes_and_none_while_it_is_red(
    office: FrontOffice, clock: Clock
) -> None:
    key = Ed25519PrivateKey.generate()
    with_documents(office).pass_issuer = PassIssuer(key, minutes=5)
    issued = PassIssuer(key, minutes=5).issue(ANN, A, now=NOW)
    trusted = issuers([key.public_key()])
    for moment in (NOW - timedelta(seconds=30), NOW, NOW + timedelta(minutes=5, seconds=-1)):
        assert verify(issued.text, trusted, site_id=A, now=moment).worker_id == ANN
    phone = Phone(office)
    phone.sign_in()
    link = re.search(r'href="(/m/pass/code[^"]+)"', phone.get("/m/pass").text)
    assert link is not None
    page = phone.get(unescape(link[1]))
    assert "<svg" in page.text
    assert "15:35:00" in page.text
    assert len(page.content) < PAGE_BYTES_MAX
    assert phone.get("/m/pass/code?site=site-b").status_code == 404  # not a site of this worker
    occurred(office, "fever")
    assert "/m/pass/code" not in phone.get("/m/pass").text
    assert phone.get("/m/pass/code?site=site-a").status_code == 409


@ON_ONE
def test_a_visitor_has_no_pass(office: FrontOffice) -> None:
    with_documents(office)
    phone = Phone(office)
    phone.post("/m/visitor", next="/m/pass", **VISITOR)
    answer = phone.get("/m/pass")
    assert answer.status_code == 404
    assert "访客没有健康码" in answer.text
