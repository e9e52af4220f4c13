"""`sitegate config check` and `sitegate config show`."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gate.cli.config import app
from gate.config_file import load_as, load_settings
from gate.config_sections import whole_file
from gate.errors import ConfigError


def test_check_says_ok_and_which_file(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("gate: {id: north}\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["check", str(config)])
    assert (done.exit_code, done.output) == (0, f"{config}: ok\n")


def test_check_without_any_file_says_that_the_defaults_apply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "defaults apply" in CliRunner().invoke(app, ["check"]).output


def test_check_refuses_a_wrong_file(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("gate: 3\n", encoding="utf-8")
    assert isinstance(CliRunner().invoke(app, ["check", str(config)]).exception, ConfigError)


def test_what_show_prints_is_a_configuration_with_the_same_meaning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["show"]).output
    assert "示例工地" in shown
    again = tmp_path / "again.yaml"
    again.write_text(shown, encoding="utf-8")
    whole = whole_file()
    plain = load_as(whole, again).model_dump_json(by_alias=True).replace(f"{tmp_path}/", "")
    assert whole.model_validate_json(plain) == whole()


def test_check_looks_at_the_section_of_another_room_which_the_gate_takes_as_it_is(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "kiosk:\n  prot: 8085\n  idle_min: 5 min\n  id_reader:\n    driver: serial\n", encoding="utf-8"
    )
    done = CliRunner().invoke(app, ["check", str(config)])
    assert isinstance(done.exception, ConfigError)
    said = str(done.exception).replace(str(config), "config.yaml")
    assert 'config.yaml:2: kiosk.prot: unknown key; did you mean "port"?' in said
    assert "config.yaml:3: kiosk.idle_min:" in said
    assert "config.yaml:4: kiosk.id_reader: driver serial needs `device`" in said
    assert load_settings(config).kiosk["prot"] == 8085
