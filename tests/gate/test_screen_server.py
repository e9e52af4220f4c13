"""The screen's server inside the gate process."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from gate.errors import ConfigError
from gate.screen import run_screen
from gate.screen.server import ScreenFailed
from gate.settings import ScreenSettings
from tests.gate.screen_gallery import served
from tests.gate.scripted_view import LANE, ScriptedView


def test_one_lane_is_shown_at_once_and_several_are_offered() -> None:
    with served(ScriptedView(), ScreenSettings(port=0)) as url:
        assert httpx.get(url).headers["location"] == f"/lane/{LANE}"
        assert httpx.get(f"{url}/lane/{LANE}").status_code == 200
        assert httpx.get(f"{url}/lane/nowhere").status_code == 404
    with served(ScriptedView(lanes=("lane-1", "lane-2")), ScreenSettings(port=0)) as url:
        page = httpx.get(url).text
        assert "/lane/lane-1" in page
        assert "/lane/lane-2" in page


def test_the_picture_is_sent_once_and_never_kept() -> None:
    view = ScriptedView()
    with served(view, ScreenSettings(port=0)) as url:
        first = httpx.get(f"{url}/lane/{LANE}/picture")
        assert first.headers["content-type"] == "image/jpeg"
        assert first.headers["cache-control"] == "no-store"
        assert first.content == view.jpeg
        same = httpx.get(f"{url}/lane/{LANE}/picture", headers={"If-None-Match": first.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        view.jpeg = None
        assert httpx.get(f"{url}/lane/{LANE}/picture").status_code == 204
        assert httpx.get(f"{url}/lane/nowhere/picture").status_code == 404


def test_a_taken_port_names_the_setting_and_the_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"screen\.port {port}: the port is taken") as caught:
            run_screen(ScriptedView(), ScreenSettings(port=port), stop=threading.Event())
    assert "screen.port" in caught.value.next_step


def test_an_address_of_another_machine_is_refused() -> None:
    settings = ScreenSettings.model_construct(host="192.0.2.1", port=0)
    with pytest.raises(ConfigError, match=r"screen\.host 192\.0\.2\.1"):
        run_screen(ScriptedView(), settings, stop=threading.Event())


def test_a_second_screen_at_the_same_time_is_refused() -> None:
    with served(ScriptedView(), ScreenSettings(port=0)), pytest.raises(ScreenFailed, match="already running"):
        run_screen(ScriptedView(), ScreenSettings(port=0), stop=threading.Event())


def test_the_gate_keeps_its_signals() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    stop = threading.Event()
    during: list[object] = []

    def ready(_: str) -> None:
        during.extend(signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM))
        stop.set()

    run_screen(ScriptedView(), ScreenSettings(port=0), on_ready=ready, stop=stop)
    assert during == before


def test_a_gate_without_a_screen_does_not_load_nicegui() -> None:
    program = "import sys, gate.screen; print('nicegui' in sys.modules or 'uvicorn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
