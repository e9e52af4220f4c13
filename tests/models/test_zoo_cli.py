from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import models.zoo
from models.cli import app
from models.manifest import Download
from tests.models.small_zoo import RED, SmallZoo, entry


@pytest.fixture
def cache(small_zoo: SmallZoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The commands work on the small zoo, with one more entry whose server is out of reach."""
    far = entry("far", Download(("https://unreachable.invalid/far.onnx",)), RED)
    monkeypatch.setattr(models.zoo, "bundled_manifest", lambda: (*small_zoo.entries, far))
    monkeypatch.setenv("SITEGATE_WEIGHTS_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SITEGATE_WHEELHOUSE", str(small_zoo.wheelhouse))
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path / "cache"


def _run(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == exit_code, result.output
    return result.output


@pytest.mark.usefixtures("cache")
def test_list_says_licence_use_size_and_state() -> None:
    _run("fetch", "red")
    lines = {line.split()[0]: line for line in _run("list").splitlines() if line.strip()}
    assert "MIT" in lines["red"] and "ok" in lines["red"] and "not free" not in lines["red"]
    assert "LicenseRef-research-only" in lines["research"] and "not free" in lines["research"]
    assert "missing" in lines["blue"]


@pytest.mark.usefixtures("cache")
def test_all_free_leaves_out_what_is_not_free_and_only_warns_of_a_server_out_of_reach() -> None:
    output = _run("fetch", "--all-free")
    assert "Warning: far could not be downloaded: " in output
    assert "2 of 3 files are in" in output
    assert "research: missing" in _run("verify")


@pytest.mark.usefixtures("cache")
def test_a_file_asked_for_by_name_that_cannot_be_reached_is_an_error() -> None:
    assert "--wheelhouse" in _run("fetch", "far", exit_code=1)


@pytest.mark.usefixtures("cache")
def test_a_refused_licence_says_which_option_accepts_it() -> None:
    assert "--accept-licence" in _run("fetch", "research", exit_code=1)
    assert "1 of 1 files" in _run("fetch", "research", "--accept-licence")


def test_verify_fails_on_a_damaged_file_and_says_how_to_mend_it(cache: Path) -> None:
    _run("fetch", "red")
    damaged = next(cache.glob("red-*.onnx"))
    damaged.write_bytes(b"damaged")
    output = _run("verify", exit_code=1)
    assert f"red: corrupt: red: {damaged} has sha256" in output
    assert "Run `sitegate models fetch red`" in output


@pytest.mark.usefixtures("cache")
def test_verify_of_a_named_file_that_is_missing_fails() -> None:
    assert "blue: missing" in _run("verify", "blue", exit_code=1)
