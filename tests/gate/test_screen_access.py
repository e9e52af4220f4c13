"""Who may look at the gate screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from gate.errors import ConfigError
from gate.screen.access import ScreenAccess, read_token
from gate.settings import ScreenSettings

TOKEN = "only-for-this-test-0123456789"


async def page(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands for the whole screen behind the door."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"a face"})


def asked(settings: ScreenSettings, ask: Callable[[httpx.AsyncClient], Awaitable[Any]], base: str) -> Any:
    async def run() -> Any:
        transport = httpx.ASGITransport(ScreenAccess(page, settings))
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            return await ask(client)

    return asyncio.run(run())


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "screen.token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])
def test_the_gates_own_browser_sees_the_screen(base: str) -> None:
    answer = asked(ScreenSettings(), lambda client: client.get("/"), base)
    assert answer.text == "a face"
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_a_name_of_somebody_elses_that_leads_to_this_machine_does_not_help() -> None:
    answer = asked(ScreenSettings(), lambda client: client.get("/"), "http://rebound.example")
    assert answer.status_code == 421
    assert "face" not in answer.text


def test_another_web_page_may_not_use_the_screen() -> None:
    answer = asked(
        ScreenSettings(),
        lambda client: client.get("/", headers={"Origin": "http://other.example"}),
        "http://127.0.0.1:8080",
    )
    assert answer.status_code == 403


def test_an_address_that_others_reach_needs_a_token_file() -> None:
    with pytest.raises(ValidationError, match="token_file"):
        ScreenSettings(host="0.0.0.0")


def test_a_stranger_on_the_network_sees_only_the_question_for_the_token(token_file: Path) -> None:
    settings = ScreenSettings(host="0.0.0.0", token_file=token_file)

    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        picture = await client.get("/lane/lane-1/picture")
        return [picture, await client.get("/login"), await client.post("/login", data={"token": "wrong"})]

    answers = asked(settings, ask, "http://192.0.2.7:8080")
    assert [answer.status_code for answer in answers] == [303, 401, 403]
    assert not any("a face" in answer.text for answer in answers)


def test_the_token_once_entered_lets_the_browser_in_and_stands_in_no_url(token_file: Path) -> None:
    settings = ScreenSettings(host="0.0.0.0", token_file=token_file)

    async def ask(client: httpx.AsyncClient) -> tuple[httpx.Response, httpx.Response]:
        login = await client.post("/login", data={"token": TOKEN})
        return login, await client.get("/lane/lane-1/picture")

    login, picture = asked(settings, ask, "http://192.0.2.7:8080")
    assert login.headers["location"] == "/"
    assert "HttpOnly" in login.headers["set-cookie"]
    assert "SameSite=strict" in login.headers["set-cookie"]
    assert TOKEN not in login.headers["set-cookie"]
    assert picture.text == "a face"


def test_a_web_socket_without_the_token_is_closed(token_file: Path) -> None:
    settings = ScreenSettings(host="0.0.0.0", token_file=token_file)
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    scope = {"type": "websocket", "path": "/_nicegui_ws/", "headers": [(b"host", b"192.0.2.7:8080")]}
    asyncio.run(ScreenAccess(page, settings)(scope, receive, send))
    assert sent == ["websocket.close"]


def test_a_token_that_others_can_read_is_refused_with_the_cure(token_file: Path) -> None:
    token_file.chmod(0o644)
    with pytest.raises(ConfigError, match="open to other users") as caught:
        read_token(token_file)
    assert caught.value.next_step == f"chmod 600 {token_file}"


def test_a_short_or_missing_token_is_refused(token_file: Path, tmp_path: Path) -> None:
    token_file.write_text("short")
    with pytest.raises(ConfigError, match="fewer than 16"):
        read_token(token_file)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_token(tmp_path / "nowhere")
