"""The console's parts that need no browser: settings, words, downloads, the server."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from gate.policy import RULES
from gate.reasons import Reason
from sync.central import site_registry
from sync.central.access_log import BoundedCount
from sync.central.accounts_access import Role
from sync.central.audit import Action
from sync.central.console import (
    ConsoleSettings,
    run_console,
    words,
    words_audit,
    words_errors,
    words_explaining,
    words_passes,
)
from sync.central.console.access import COOKIE, ConsoleAccess
from sync.central.console.downloads import VALID_S, Download, Downloads
from sync.central.database import Database
from sync.central.errors import FieldRefused, SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.lodging import LodgingProblem, LodgingRefused
from sync.central.rider_lines import LinesRefused
from sync.central.transport_steps import Hindrance, StepRefused
from sync.central.typed_fields import FieldsRefused, Slip
from sync.health_pass import RED_CATEGORY
from sync.inspections import FindingRefused, FindingState, Step
from sync.pages import one_at_a_time
from sync.records import Flag, FlagLevel
from sync.screening.pass_rules import shipped_pass_rules
from tests.sync.central.console_samples import NOW, PASSWORD, QUICK_HASHER, A


def test_every_reason_of_a_gate_is_explained_to_the_office() -> None:
    assert {reason.value for reason in Reason} <= set(words.REASONS)
    assert words.reason("a_reason_of_next_year") == "a_reason_of_next_year"
    assert set(RULES) == set(words_explaining.RULES)


def test_every_action_of_the_audit_log_is_said_in_chinese() -> None:
    assert set(words_audit.ACTIONS) == set(Action)
    assert len(set(words_audit.ACTIONS.values())) == len(Action)
    assert words_audit.action_text("issued_qr") == "出示通行码 issued_qr"
    assert words_audit.action_text("of_next_year") == "of_next_year"


def test_flags_that_the_program_set_by_code_are_shown_in_words() -> None:
    rules = shipped_pass_rules()
    red = Flag(level=FlagLevel.BLOCK, category=RED_CATEGORY, reason="contact")
    assert words_passes.flag_words(red, rules) == ("红码 Red", str(rules.words("contact")))
    assert str(rules.words("contact")) != "contact "
    typed = Flag(level=FlagLevel.HOLD, category="证件", reason="contact")
    assert words_passes.flag_words(typed, rules) == ("证件", "contact")


def test_errors_say_in_chinese_what_exactly_is_wrong_where_there_is_a_text() -> None:
    central = Path(words_errors.__file__).parents[1]
    sources = [path.read_text(encoding="utf-8") for path in central.rglob("*.py")]
    named = {field for text in sources for field in re.findall(r"(?:FieldRefused|Unfit)\(\s*\"(\w+)", text)}
    assert {"reason", "done_at", "window"} <= named <= set(words_errors.FIELDS)
    assert words_errors.in_chinese(FieldRefused("days", "0 is no number of days")) == "天数不对"
    assert words_errors.in_chinese(LinesRefused({3: Slip.SEAT_TAKEN})) == "第 3 行：座位已有人"
    assert words_errors.in_chinese(FieldsRefused(dict.fromkeys("ab", Slip.REQUIRED))) == "必填"
    assert words_errors.in_chinese(LodgingRefused(LodgingProblem.CLOSED)) == "此房屋已注销。"
    assert words_errors.in_chinese(StepRefused(Hindrance.NOT_MEASURED)) == "尚未完成测温"
    assert "已销号" in words_errors.in_chinese(FindingRefused(FindingState.CLOSED, Step.MENDED))
    assert words_errors.in_chinese(SettingRefused("something else")) == ""


def test_a_count_that_stopped_says_so() -> None:
    assert words.count(BoundedCount(11, True)) == "11 条 records"
    assert "more than 10,000" in words.count(BoundedCount(10_000, False))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "centre.example"])
def test_passwords_do_not_cross_a_network_in_the_clear_unless_somebody_says_so(host: str) -> None:
    with pytest.raises(ValidationError, match="without encryption"):
        ConsoleSettings(host=host)
    assert ConsoleSettings(host=host, behind_tls=True).is_encrypted
    assert ConsoleSettings(host=host, allow_plain=True).allow_plain
    assert ConsoleSettings(host=host, tls_certificate=Path("c.pem"), tls_key=Path("k.pem")).is_encrypted


@pytest.mark.parametrize(
    "wrong", [{"tls_key": "k.pem"}, {"timezone": "Mars/Base"}, {"port": -1}, {"hots": "127.0.0.1"}]
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ConsoleSettings.model_validate(wrong)


def test_a_download_is_for_one_session_once_and_soon() -> None:
    now_s = 0.0
    downloads = Downloads(monotonic=lambda: now_s)
    file = Download("events", "csv", lambda: iter([b"x"]))
    ticket = downloads.offer("session", file)
    assert downloads.take("another session", ticket) is None
    assert downloads.take("session", ticket) is file
    assert downloads.take("session", ticket) is None
    late = downloads.offer("session", file)
    now_s = VALID_S
    assert downloads.take("session", late) is None


def test_offers_that_nobody_fetches_do_not_pile_up() -> None:
    downloads = Downloads(monotonic=lambda: 0.0)
    file = Download("events", "csv", lambda: iter([b"x"]))
    first = downloads.offer("session", file)
    tickets = [downloads.offer("session", file) for _ in range(100)]
    assert downloads.take("session", first) is None
    assert downloads.take("session", tickets[-1]) is file


def test_a_second_click_does_nothing_while_the_first_is_at_work() -> None:
    done: list[str] = []

    async def clicks() -> None:
        go_on = asyncio.Event()

        async def save() -> None:
            await go_on.wait()
            done.append("saved")

        click = one_at_a_time(save)
        first = click()
        assert first is not None
        assert click() is None
        go_on.set()
        await first
        again = click()  # a later click is meant
        assert again is not None
        await again

    asyncio.run(clicks())
    assert done == ["saved", "saved"]


def test_whoever_has_no_page_at_the_console_is_led_to_the_phone_pages(centre_database: Database) -> None:
    with centre_database.write() as connection:
        site_registry.put_site(connection, A, name="示例", name_en="", timezone="Asia/Shanghai", now=NOW)
    office = FrontOffice(centre_database, hasher=QUICK_HASHER)
    office.accounts.add_user("checker", password=PASSWORD, role=Role.CHECKER, site_ids=(A,))
    secret = office.accounts.login("checker", PASSWORD, address="").secret
    door = ConsoleAccess(FastAPI(), office, ConsoleSettings(port=0))

    async def look() -> httpx.Response:
        transport = httpx.ASGITransport(app=door)
        cookies = {COOKIE: secret}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://centre", cookies=cookies
        ) as client:
            return await client.get("/")

    answer = asyncio.run(look())
    assert answer.status_code == HTTPStatus.FORBIDDEN
    for part in ("您的角色不能查看此页", 'href="/m/"', 'href="/login"'):
        assert part in answer.text


def test_a_taken_port_is_named(centre_database: Database) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingRefused, match=f"port {port}: the port is taken"):
            run_console(centre_database, ConsoleSettings(port=port), stop=threading.Event())
