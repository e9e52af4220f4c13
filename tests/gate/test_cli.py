"""The frame of the command line: quick help, one clear line for a known error, exit codes."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest
import typer

from gate.cli import ENTRY_POINTS, SUMMARIES, RootGroup, main
from gate.cli.bench import BenchGroup
from gate.cli.lazy import DEBUG_VARIABLE, CommandBroken, LazyCommand, load
from models.errors import SourceError, WeightMissing
from sync.errors import StoreLocked

HERE = __name__


def no_camera() -> None:
    raise SourceError("camera 0: cannot be opened", next_step="Check the cable.")


def no_weight() -> None:
    raise WeightMissing("sface is not there", next_step="Run sitegate models fetch sface")


def locked_store() -> None:
    raise StoreLocked("the store is locked")


def interrupted() -> None:
    raise KeyboardInterrupt


def greeting(name: str, times: int = 1) -> None:
    """Greet somebody."""
    typer.echo(" ".join([f"hello {name}"] * times))


rooms = typer.Typer(help="Rooms.")


@rooms.command()
def count() -> None:
    """Count the rooms."""
    typer.echo("4")


def surprised() -> None:
    raise RuntimeError("nobody foresaw this")


FAULTS = (
    "surprised",
    "no_camera",
    "no_weight",
    "locked_store",
    "interrupted",
    "greeting",
    "rooms",
    "missing",
)


@pytest.fixture(autouse=True)
def commands(monkeypatch: pytest.MonkeyPatch) -> None:
    lazy = {name.replace("_", "-"): LazyCommand(f"{HERE}:{name}", f"About {name}.") for name in FAULTS}
    lazy["broken"] = LazyCommand("no.such.module:app", "Cannot be imported.")
    monkeypatch.setattr(RootGroup, "lazy", lazy)
    monkeypatch.setenv(DEBUG_VARIABLE, "")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["sitegate", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("command", "message", "step"),
    [
        ("no-camera", "Error: camera 0: cannot be opened", "Next: Check the cable."),
        ("no-weight", "Error: sface is not there", "Next: Run sitegate models fetch sface"),
        ("locked-store", "Error: the store is locked", ""),
        ("broken", "Error: the command broken cannot be loaded: ModuleNotFoundError", "Next: Reinstall"),
        ("missing", "Error: the command missing cannot be loaded: AttributeError", "Next: Reinstall"),
    ],
)
def test_a_known_error_is_one_line_and_a_next_step_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, message: str, step: str
) -> None:
    assert run(monkeypatch, command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0].startswith(message)
    assert lines[1:] == [] if not step else lines[1].startswith(step)
    assert "Traceback" not in err


def test_debug_shows_where_an_error_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["sitegate", "--debug", "no-camera"])
    with pytest.raises(SourceError):
        main()
    with pytest.raises(ModuleNotFoundError):
        load("broken", "no.such.module:app")


def test_an_unforeseen_error_is_not_dressed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["sitegate", "surprised"])
    with pytest.raises(RuntimeError, match="nobody foresaw"):
        main()


def test_ctrl_c_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "interrupted") == 130


def test_a_function_is_one_command_and_a_typer_is_a_group(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "greeting", "Ada", "--times", "2") == 0
    assert run(monkeypatch, "rooms", "count") == 0
    assert capsys.readouterr().out == "hello Ada hello Ada\n4\n"


def test_help_lists_every_command_without_importing_any(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--help") == 0
    shown = capsys.readouterr().out
    for name in ("no-camera", "rooms", "broken"):
        assert name in shown
    assert "Cannot be imported." in shown


def test_a_mistyped_command_is_suggested(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "greting") == 2
    assert "greeting" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"sitegate {version('sitegate')}\n"


def test_every_installed_command_has_its_line_in_the_help() -> None:
    assert {point.name for point in entry_points(group=ENTRY_POINTS)} <= SUMMARIES.keys()


def test_help_imports_neither_pictures_nor_networks_nor_the_web_server() -> None:
    heavy = {"cv2", "numpy", "onnxruntime", "nicegui", "pydantic", "matplotlib"}
    program = (
        "import sys; from gate.cli import main\n"
        "sys.argv = ['sitegate', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "doctor" in done.stdout


def test_the_installed_program_refuses_a_wrong_configuration(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("screen:\n  prot: 1\n", encoding="utf-8")
    program = Path(sys.executable).with_name("sitegate")
    done = subprocess.run([program, "config", "check", config], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"Error: {config}:2: screen.prot: unknown key; did you mean")


def test_every_benchmark_names_a_module_of_its_own() -> None:
    for name, command in BenchGroup.lazy.items():
        room, _, rest = command.target.partition(".")
        assert rest in {f"bench.{name}:{name}", f"bench.cli:{name}"}
        assert (room == "gate") is (rest == f"bench.{name}:{name}"), "others by entry points"


def test_a_benchmark_that_cannot_be_imported_leaves_the_others_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(RootGroup, "lazy", {"bench": LazyCommand("gate.cli.bench:app", "Measure.")})
    broken = {
        "gone": LazyCommand("gate.bench.gone:gone", "Gone."),
        "here": LazyCommand(f"{HERE}:greeting", ""),
    }
    monkeypatch.setattr(BenchGroup, "lazy", broken)
    assert run(monkeypatch, "bench", "gone") == 2
    assert run(monkeypatch, "bench", "here", "Ada") == 0
    assert "hello Ada" in capsys.readouterr().out


def test_a_broken_command_is_an_import_error_too() -> None:
    with pytest.raises(ImportError) as caught:
        load("broken", "no.such.module:app")
    assert isinstance(caught.value, CommandBroken)
