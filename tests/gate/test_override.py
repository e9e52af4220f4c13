"""The guard's PIN: hashed, locked out, never readable by others."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.errors import OverrideRefused
from gate.override import PinCheck, write_pin
from gate.settings import ScreenSettings
from tests.gate.manual_clock import ManualClock


def check_for(path: Path | None, clock: ManualClock | None = None) -> PinCheck:
    settings = ScreenSettings(override_pin_file=path, override_attempts=3, override_lockout_s=60)
    return PinCheck(settings, clock or ManualClock())


def test_the_right_pin_passes_and_the_file_does_not_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "pin"
    write_pin(path, "739155")
    check_for(path).check("739155")
    assert "739155" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("pin", ["", "12", "abcd", "1234567890123"])
def test_only_digits_of_a_sensible_length_make_a_pin(tmp_path: Path, pin: str) -> None:
    with pytest.raises(ValueError, match="4 to 12 digits"):
        write_pin(tmp_path / "pin", pin)


def test_too_many_wrong_tries_lock_even_the_right_pin_out_for_a_while(tmp_path: Path) -> None:
    clock = ManualClock()
    write_pin(tmp_path / "pin", "1357")
    check = check_for(tmp_path / "pin", clock)
    for _ in range(3):
        with pytest.raises(OverrideRefused, match="Wrong PIN"):
            check.check("0000")
    with pytest.raises(OverrideRefused, match="wait 60 s"):
        check.check("1357")
    clock.advance(61)
    check.check("1357")


def test_a_missing_or_open_or_damaged_pin_file_refuses_and_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OverrideRefused) as missing:
        check_for(tmp_path / "none").check("1357")
    assert "set-pin" in missing.value.next_step
    write_pin(tmp_path / "pin", "1357")
    (tmp_path / "pin").chmod(0o644)
    with pytest.raises(OverrideRefused, match="readable by others"):
        check_for(tmp_path / "pin").check("1357")
    (tmp_path / "pin").chmod(0o600)
    (tmp_path / "pin").write_text("1357\n")
    with pytest.raises(OverrideRefused, match="holds no PIN"):
        check_for(tmp_path / "pin").check("1357")
    with pytest.raises(OverrideRefused, match="switched off"):
        check_for(None).check("1357")
