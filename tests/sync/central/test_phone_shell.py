"""The door and the shell of the phone pages: sign-in, guessing, forms sent twice, foreign pages, floods."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from sync.central import tables
from sync.central.front_office import FrontOffice
from sync.central.phone.settings import PhoneSettings
from sync.central.phone.shell import own_path
from sync.central.phone.throttle import RateLimit
from sync.central.tables_declarations import declarations
from sync.central.tables_phone import visitors
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import MANAGER_A, PASSWORD, Clock
from tests.sync.central.phone_samples import ANN, BEN, VISITOR, Phone, count, with_documents

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]


ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
"""For what is the same on both databases: the other tests run on both."""


@pytest.fixture
def phone(office: FrontOffice) -> Phone:
    return Phone(with_documents(office))


def test_a_worker_signs_in_with_the_number_and_the_end_of_the_document(phone: Phone) -> None:
    answer = phone.sign_in()
    assert answer.status_code == 200 and answer.url.path == "/m/declare" and "样一安" in answer.text


@ON_ONE
def test_small_letters_and_full_width_digits_are_taken(phone: Phone) -> None:
    assert phone.sign_in(BEN, "６５432x").url.path == "/m/declare"


def test_a_wrong_end_lets_nobody_in_and_guessing_locks_the_number(
    office: FrontOffice, phone: Phone, clock: Clock
) -> None:
    for spelling in (ANN, ANN, "ａ-００１", "a-001", "Ａ-001"):
        assert phone.sign_in(spelling, "000000").status_code == 403
    assert phone.sign_in(ANN).status_code == 403  # right, but locked
    assert phone.sign_in(BEN).status_code == 200  # somebody else at the same router
    clock.moves(minutes=16)
    assert phone.sign_in(ANN).status_code == 200
    with office.database.read() as connection:
        lines = connection.execute(select(tables.audit).where(tables.audit.c.action == "login_failed")).all()
    assert len(lines) == 6 and all("000000" not in str(line) and ANN not in str(line) for line in lines)


@ON_ONE
def test_one_address_that_guesses_many_numbers_is_locked(office: FrontOffice) -> None:
    phone = Phone(with_documents(office), PhoneSettings(failures_per_address=3))
    for number in ("X-1", "X-2", "X-3"):
        phone.sign_in(number, "000000")
    assert phone.sign_in(ANN).status_code == 403


@ON_ONE
def test_a_session_ends_by_itself_and_by_signing_out(phone: Phone, clock: Clock) -> None:
    phone.sign_in()
    phone.post("/m/sign-out")
    assert phone.get("/m/declare").url.path == "/m/sign-in"
    phone.sign_in()
    clock.moves(minutes=121)
    assert phone.get("/m/declare").url.path == "/m/sign-in"


@ON_ONE
def test_the_cookie_is_for_the_phone_pages_only_and_out_of_reach_of_scripts(phone: Phone) -> None:
    answer = phone.sign_in()
    cookie = answer.history[0].headers["set-cookie"].lower()
    assert "path=/m" in cookie and "httponly" in cookie and "samesite=lax" in cookie


def test_a_visitor_signs_in_with_papers_and_is_the_same_visitor_the_next_day(
    office: FrontOffice, phone: Phone, clock: Clock
) -> None:
    for _ in range(2):
        assert phone.post("/m/visitor", **VISITOR, next="/m/declare?site=site-a").url.path == "/m/declare"
        clock.moves(days=1)
    assert count(office.database, visitors) == 1


@ON_ONE
def test_papers_that_cannot_be_are_refused_at_their_field(phone: Phone) -> None:
    wrong = {**VISITOR, "document_type": "resident_id", "document_number": "110105194912310021"}
    answer = phone.post("/m/visitor", **wrong)
    assert answer.status_code == 422 and 'id="p-document_number"' in answer.text


def test_a_form_sent_twice_counts_once_and_shows_the_first_result(office: FrontOffice, phone: Phone) -> None:
    phone.sign_in()
    token = phone.token("/m/declare?site=site-a")
    first, second = phone.declare(form_token=token), phone.declare(form_token=token)
    assert first.url == second.url and "/receipt/" in first.url.path
    assert count(office.database, declarations) == 1


@ON_ONE
def test_a_form_without_its_token_is_not_taken(phone: Phone) -> None:
    phone.sign_in()
    assert phone.declare(form_token="").status_code == 422


@ON_ONE
def test_another_page_cannot_send_a_form(phone: Phone) -> None:
    phone.sign_in()
    for headers in ({"origin": "http://elsewhere"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        answer = phone.ask("POST", "/m/declare", data={"do": "send"}, headers=headers)
        assert answer.status_code == 403


@ON_ONE
def test_staff_pages_ask_for_an_account_and_come_back(phone: Phone) -> None:
    assert phone.get("/m/missing").url.path == "/m/staff/sign-in"
    assert phone.sign_in_staff(MANAGER_A, "wrong").status_code == 403
    assert phone.sign_in_staff(MANAGER_A, PASSWORD).status_code == 200
    assert phone.get("/m/missing").status_code == 200
    phone.post("/m/staff/sign-out")
    assert phone.get("/m/missing").url.path == "/m/staff/sign-in"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/m/declare?site=a", True),
        ("//evil.example/m/", False),
        ("https://evil.example/m/", False),
        ("/m/\\evil.example", False),
        ("/console", False),
    ],
)
def test_a_sign_in_leads_back_to_phone_pages_only(path: str, kept: bool) -> None:
    assert own_path(path) == (path if kept else "/m/")


@ON_ONE
def test_too_large_a_form_is_refused(phone: Phone) -> None:
    answer = phone.post("/m/sign-in", number="x" * 300_000, tail="1")
    assert answer.status_code == 413


def test_a_flood_from_one_address_is_slowed_down() -> None:
    clock_s = [0.0]
    rate = RateLimit(per_s=2, burst=3, monotonic=lambda: clock_s[0])
    assert [rate.admits("a") for _ in range(4)] == [True, True, True, False]
    assert rate.admits("b")
    clock_s[0] = 0.5
    assert rate.admits("a") and not rate.admits("a")


@ON_ONE
def test_every_page_forbids_scripts_of_others_frames_and_caches(phone: Phone) -> None:
    for path in ("/m/", "/m/nothing", "/m/sign-in"):
        headers = phone.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


@ON_ONE
def test_an_unknown_page_says_so_in_both_languages(phone: Phone) -> None:
    answer = phone.get("/m/nothing")
    assert answer.status_code == 404 and "没有此页面" in answer.text and "no such page" in answer.text


@ON_ONE
def test_without_the_key_of_document_numbers_nobody_signs_in_and_the_page_says_so(
    office: FrontOffice,
) -> None:
    answer = Phone(office).sign_in(ANN, "123456")
    assert answer.status_code == 503 and "登记台" in answer.text
