"""The shape of the house: rooms, directions, sizes, and a page for every command and dependency."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup

from gate.cli import RootGroup
from gate.cli.lazy import load

ROOT = Path(__file__).parents[1]
ROOMS = ("gate", "enroll", "sync", "models")
TOP_LEVEL = {*ROOMS, "tests", "docs", "config.yaml", "pyproject.toml", "README.md", "Makefile", "LICENSE"}
MADE_BY_RUNNING = {"var", "out", "build", "dist", "node_modules"}
LONGEST_FILE_LINES = 600


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (ROOT / folder).rglob("*.py")


def test_the_rooms_import_only_in_the_allowed_direction() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_top_level_holds_the_rooms_and_nothing_else() -> None:
    found = {
        path.name for path in ROOT.iterdir() if not path.name.startswith(".") and path.suffix != ".egg-info"
    }
    assert found - MADE_BY_RUNNING == TOP_LEVEL


def test_no_file_is_too_long_to_read() -> None:
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in python_files(*ROOMS, "tests")
    }
    assert [path for path, lines in lengths.items() if lines > LONGEST_FILE_LINES] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path
        for path in python_files(*ROOMS)
        if (content := path.read_text(encoding="utf-8")).strip() and not content.lstrip().startswith('"""')
    ]
    assert silent == []


def commands() -> Iterator[str]:
    for name, lazy in RootGroup.lazy.items():
        command = load(name, lazy.target)
        if isinstance(command, TyperGroup):
            yield from (f"sitegate {name} {below}" for below in command.commands)
        else:
            yield f"sitegate {name}"


def test_every_command_is_documented() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    assert [command for command in commands() if command not in text] == []


def dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    names = {re.split(r"[\[<>=!~; ]", requirement)[0] for requirement in wanted}
    return sorted(names - {"sitegate"})


@pytest.mark.parametrize("name", dependencies())
def test_every_dependency_says_why_it_is_here(name: str) -> None:
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    assert f"| {name} |" in page
