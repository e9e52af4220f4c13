"""A wrong configuration is refused with file, line, key and what is allowed; all of it at once."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from ruamel.yaml import YAML

from gate.config_file import load_as, load_settings, read_secret
from gate.config_sections import whole_file
from gate.errors import ConfigError
from gate.settings import Settings

WHOLE = whole_file()
"""Loaded here: the first complaint about a file would otherwise wait for it."""

SHIPPED = Path(__file__).parents[2] / "config.yaml"


def refusal(tmp_path: Path, content: str | bytes) -> str:
    path = tmp_path / "config.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert "sitegate config check" in caught.value.next_step or "UTF-8" in caught.value.next_step
    return str(caught.value).replace(str(path), "config.yaml")


def accepted(tmp_path: Path, content: str) -> Settings:
    path = tmp_path / "config.yaml"
    path.write_text(content, encoding="utf-8")
    return load_settings(path)


def keys_of(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def written_and_possible(data: Any, value: Any) -> list[tuple[set[str], set[str]]]:
    """For every section of the file: the keys it has and the keys the settings have."""
    if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        return [
            pair
            for item, inner in zip(data, value, strict=True)
            for pair in written_and_possible(item, inner)
        ]
    if not isinstance(value, BaseModel):
        return []
    below = [
        written_and_possible(data[field.alias or name], getattr(value, name))
        for name, field in type(value).model_fields.items()
    ]
    return [(set(data), keys_of(type(value))), *(pair for pairs in below for pair in pairs)]


def test_the_shipped_file_has_every_setting_and_says_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    data = YAML(typ="safe", pure=True).load(SHIPPED)
    for written, possible in written_and_possible(data, WHOLE()):
        assert written == possible
    monkeypatch.chdir(SHIPPED.parent)
    shipped = load_as(WHOLE, SHIPPED)
    plain = shipped.model_dump_json().replace(f"{SHIPPED.parent}/", "")
    assert WHOLE.model_validate_json(plain) == WHOLE()
    assert shipped.store.path == SHIPPED.parent / "var/sitegate.db"


def test_without_a_file_the_defaults_apply_and_a_file_in_the_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(None) == Settings()
    (tmp_path / "config.yaml").write_text("gate: {id: north}\n", encoding="utf-8")
    assert load_settings(None).gate.id == "north"


@pytest.mark.parametrize(
    "content", ["", "# nothing but a comment\n", "site:\ngate:\n  # id: x\n", "\ufeffgate: {}\n"]
)
def test_an_empty_file_or_section_keeps_the_defaults(tmp_path: Path, content: str) -> None:
    assert accepted(tmp_path, content).gate == Settings().gate


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = accepted(
        tmp_path,
        "store: {path: data/gate.db, key_file: /etc/sitegate/store.key}\n"
        "lanes: [{source: {kind: video, path: clips/a.mp4}}]\n",
    )
    assert settings.store.path == tmp_path / "data/gate.db"
    assert settings.store.key_file == Path("/etc/sitegate/store.key")
    assert settings.lanes[0].source.path == tmp_path / "clips/a.mp4"


def test_all_problems_are_reported_together_in_the_order_of_the_lines(tmp_path: Path) -> None:
    said = refusal(
        tmp_path,
        "site:\n  id: a b\nlanes:\n  - source:\n      fps: 25fps\n      stall_s: 500ms\n"
        "screen:\n  port: 99999\n",
    ).splitlines()
    assert said == [
        'config.yaml:2: site.id: is no id (got "a b"; '
        "allowed: up to 64 characters without space, /, + and #)",
        'config.yaml:5: lanes.0.source.fps: input should be a valid number (got "25fps"; '
        "allowed: number above 0, up to 120, frames per second) - write 25",
        'config.yaml:6: lanes.0.source.stall_s: input should be a valid number (got "500ms"; '
        "allowed: number above 0, up to 86400, seconds) - write 0.5",
        "config.yaml:8: screen.port: input should be less than or equal to 65535 (got 99999; "
        "allowed: whole number 0..65535)",
    ]


@pytest.mark.parametrize(
    ("content", "line", "expected"),
    [
        ("screen:\n  prot: 1\n", 2, 'screen.prot: unknown key; did you mean "port"? (allowed: enabled, host'),
        ("lanes:\n- relay:\n    pulse_ms: 1\n", 3, 'did you mean "pulse_s" (seconds)?'),
        ("screen:\n  deadline_s: 1\n", 2, "did you mean recognition.deadline_s?"),
        ("colour: red\n", 1, "colour: unknown key; (allowed: site, gate, lanes"),
        ("gate:\n  id: a\n  id: b\n", 3, "gate.id: is written twice, first in line 2"),
        ("gate:\n  id: a\ngate:\n  id: b\n", 3, "gate: is written twice, first in line 1"),
        ("gate:\n\tid: a\n", 2, "a tab: YAML is indented with spaces only"),
        ("lanes: [\n  {id: a}\nsite: {}\n", 3, "expected ',' or ']'"),
        ("- a\n", 1, "must hold sections: site, gate"),
        ("gate: {}\n---\ngate: {}\n", 2, "another document"),
        ("gate: &a\n  id: *a\n", 2, "gate.id: an alias that contains itself"),
        ("gate:\n  id: !!python/name:os.system x\n", 2, "the tag !!python/name:os.system is not supported"),
        ("gate:\n  id: \x07\n", 1, "unacceptable character"),
        (
            "screen:\n  voice: yes\n",
            2,
            'screen.voice: input should be a valid boolean (got "yes"; allowed: true or',
        ),
        ("screen:\n  voice: 1\n", 2, "input should be a valid boolean"),
        ("gate:\n  name: 5\n", 2, "gate.name: input should be a valid string (got 5; allowed: text)"),
        ('screen:\n  port: "8080"\n', 2, "input should be a valid integer"),
        ("metrics:\n  port:\n", 2, "metrics.port: input should be a valid integer (got nothing;"),
        ("lanes:\n- source:\n    fps: .nan\n", 3, "lanes.0.source.fps: input should be"),
        ("lanes:\n- source:\n    fps: .inf\n", 3, "lanes.0.source.fps: input should be"),
        ("lanes: []\n", 1, "lanes: tuple should have at least 1 item"),
        ("lanes:\n- {id: a}\n- {id: a}\n", 1, "lanes: two lanes have the same id"),
        ("lanes:\n- zone: [0.5, 0, 0.2, 1]\n", 2, "left < right"),
        ("lanes:\n- relay: {driver: gpio}\n", 2, "driver gpio needs `pin`"),
        ("recognition:\n  votes_needed: 9\n", 1, "votes_needed may not be larger"),
        (
            "policy:\n  rules: [registered, wether]\n",
            2,
            'is none of the allowed words (got "wether"; allowed: regis',
        ),
        ("policy:\n  schedule: [{from: 25:00}]\n", 2, "policy.schedule.0.from: input should be"),
        ("site:\n  timezone: Mars/Base\n", 2, "no IANA time zone"),
    ],
)
def test_a_problem_names_line_key_and_what_is_allowed(
    tmp_path: Path, content: str, line: int, expected: str
) -> None:
    said = refusal(tmp_path, content)
    assert said.startswith(f"config.yaml:{line}: "), said
    assert expected in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "secret", "place"),
    [
        ("screen:\n  override_pin: 4711\n", "4711", "override_pin_file"),
        ("store:\n  key: 00ff00ff\n", "00ff00ff", "key_file or key_env"),
        ("store:\n  key_env: 00ff-00ff\n", "00ff-00ff", "name of an environment variable"),
        ("lanes:\n- source: {kind: rtsp, url: 'rtsp://me:hush@10.0.0.9/1'}\n", "hush", "url_env"),
        ("lanes:\n- source: {kind: rtsp, url: 'rtsp://10.0.0.9/user=a&password=hush'}\n", "hush", "url_env"),
        ("lanes:\n- source: {kind: rtsp, password: hush}\n", "hush", "url_env"),
        ("brokerPassword: hush\n", "hush", "mode 0600"),
    ],
)
def test_a_secret_in_the_file_is_refused_without_repeating_it(
    tmp_path: Path, content: str, secret: str, place: str
) -> None:
    said = refusal(tmp_path, content)
    assert place in said
    assert secret not in said


def test_a_gpio_pin_is_no_secret(tmp_path: Path) -> None:
    settings = accepted(tmp_path, "lanes:\n- relay: {driver: gpio, pin: 17}\n")
    assert settings.lanes[0].relay.pin == 17


def test_a_file_in_another_encoding_names_the_line(tmp_path: Path) -> None:
    said = refusal(tmp_path, "gate:\n  name: 一号门\n".encode("gb18030"))
    assert said == "config.yaml:2: is not UTF-8"


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path, expected in ((tmp_path / "none.yaml", "No such file"), (tmp_path, "directory")):
        with pytest.raises(ConfigError, match=expected):
            load_settings(path)


def test_times_lists_and_aliases_read_as_written(tmp_path: Path) -> None:
    settings = accepted(
        tmp_path,
        "policy:\n  schedule:\n  - {from: 05:30, until: 22:00, days: [mon], direction: }\n"
        "lanes:\n- id: a\n  relay: &board {driver: simulated, pulse_s: 7}\n- id: b\n  relay: *board\n",
    )
    assert settings.policy.schedule[0].start.isoformat() == "05:30:00"
    assert settings.policy.schedule[0].direction is None
    assert settings.lanes[0].relay == settings.lanes[1].relay


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_give_settings_or_a_clear_refusal(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_bytes(content)
        try:
            assert isinstance(load_settings(path), Settings)
        except ConfigError as error:
            assert str(error).startswith(str(path))


def test_a_secret_is_read_from_a_private_file_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pin"
    file.write_text("4711\n", encoding="utf-8")
    for mode in (0o600, 0o400):
        file.chmod(mode)
        assert read_secret(file, "SITEGATE_TEST_SECRET") == "4711"
    monkeypatch.setenv("SITEGATE_TEST_SECRET", "from the environment")
    assert read_secret(file, "SITEGATE_TEST_SECRET") == "from the environment"


def test_a_secret_that_others_can_read_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    file = tmp_path / "pin"
    file.write_text("4711", encoding="utf-8")
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="open to others") as caught:
        read_secret(file, "")
    assert caught.value.next_step == f"Run: chmod 600 {file}"
    assert "4711" not in str(caught.value)


def test_a_missing_or_empty_secret_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "pin"
    empty.touch(mode=0o600)
    for file, expected in ((empty, "is empty"), (tmp_path / "none", "No such file"), (None, "no file")):
        with pytest.raises(ConfigError, match=expected):
            read_secret(file, "SITEGATE_UNSET")


def test_two_lanes_that_move_the_same_relay_are_refused(tmp_path: Path) -> None:
    relay = "{driver: modbus, host: 10.0.0.5, unit: 1, coil: 3}"
    path = tmp_path / "config.yaml"
    path.write_text(f"lanes:\n- {{id: a, relay: {relay}}}\n- {{id: b, relay: {relay}}}\n")
    with pytest.raises(ConfigError, match="same relay"):
        load_settings(path)
