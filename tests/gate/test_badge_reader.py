"""A card reader on a serial port: numbers as readers send them, a cable that is pulled."""

from __future__ import annotations

import os
import queue
import time
import tty
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.badge_reader import MAX_LINE_BYTES, Lines, SerialBadgeReader, open_badge_reader
from gate.settings import BadgeReaderSettings

WAIT_S = 30.0


def eventually(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_numbers_are_found_however_a_reader_ends_its_lines() -> None:
    lines = Lines()
    assert lines.fed(b"0004771233\r\n\r\n") == ["0004771233"]
    assert lines.fed(b"\x0200047") == []
    assert lines.fed(b"71233\x03A1B2C3D4\r") == ["0004771233", "A1B2C3D4"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=40)))
def test_no_noise_makes_a_line_too_long_or_breaks_the_next_badge(noise: list[bytes]) -> None:
    lines = Lines()
    found = [line for data in noise for line in lines.fed(data)]
    assert all(len(line) <= MAX_LINE_BYTES for line in found)
    lines.fed(b"x" * 1000 + b"\r")
    assert lines.fed(b"0004771233\r") == ["0004771233"]


def test_a_reader_that_is_pulled_says_so() -> None:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    heard: queue.Queue[str] = queue.Queue()
    reader = open_badge_reader(
        BadgeReaderSettings(driver="serial", device=os.ttyname(theirs)), heard.put_nowait
    )
    assert isinstance(reader, SerialBadgeReader)
    reader.start()
    try:

        def held_and_heard() -> bool:
            os.write(ours, b"0004771233\r\n")  # what came before the port was open is dropped
            return not heard.empty()

        eventually(held_and_heard)
        assert heard.get() == "0004771233"
        assert reader.problem == ""
        os.close(theirs)
        os.close(ours)
        eventually(lambda: "does not answer" in reader.problem)
    finally:
        reader.stop()


def test_a_driver_without_its_port_is_refused_and_none_is_none() -> None:
    with pytest.raises(ValueError, match="device"):
        BadgeReaderSettings(driver="serial")
    assert open_badge_reader(BadgeReaderSettings(), lambda number: None) is None
