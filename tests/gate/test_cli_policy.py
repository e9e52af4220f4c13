"""`sitegate policy try`: the answer and the way to it, without opening or recording anything."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gate.cli.policy import app
from sync.errors import UnknownWorker
from sync.health_pass import flags_of
from sync.records import Clearance, Worker
from sync.screening.pass_rules import shipped_pass_rules
from sync.store import LocalStore, StoreKey

CONFIG = """
store: {path: gate.db, key_file: store.key}
lanes: [{id: north, thermometer: {driver: simulated}}, {id: way-out, direction: out}]
policy:
  rules: [registered, flags, pass_colour, training, clearances, temperature]
  clearances: [{kind: medical, name: 体检, where: 医务室}]
"""
TRANSITIONS = {one.cause: one.transition for one in shipped_pass_rules().causes}
TRIP = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)  # noon in Shanghai


@pytest.fixture
def config(tmp_path: Path) -> Path:
    key = StoreKey.load(tmp_path / "store.key", "", create=True)
    held = (Clearance(kind="training"), Clearance(kind="medical", valid_until=TRIP + timedelta(days=60)))
    with LocalStore.open(tmp_path / "gate.db", key) as store:
        store.put_worker(
            Worker(
                worker_id="W-1",
                name="示例甲",
                site_ids=("demo-site",),
                clearances=held,
                flags=flags_of("affected_area", TRIP, entry_id="t", transitions=TRANSITIONS),
            ),
            (),
        )
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def tried(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["try", "--config", str(config), "--worker", "W-1", *arguments])


def test_the_answer_is_explained_rule_by_rule_without_the_name(config: Path) -> None:
    result = tried(config, "--at", "2026-05-08T11:59", "--temperature", "38.1")
    assert result.exit_code == 0, result.output
    assert "W-1 at north (in), 2026-05-08 11:59 CST" in result.output
    assert "pass: yellow until 2026-05-08 12:00" in result.output
    assert "ok      training" in result.output
    assert "hold    pass_colour: pass_yellow" in result.output
    assert "deny    temperature: temperature_high" in result.output
    assert "answer: deny (temperature_high, pass_yellow)" in result.output
    assert "示例" not in result.output


def test_a_minute_later_and_well_the_same_worker_passes(config: Path) -> None:
    result = tried(config, "--at", "2026-05-08T12:00", "--temperature", "36.6", "--json")
    told = json.loads(result.output)
    assert (told["outcome"], told["reasons"], told["pass"]) == ("allow", ["ok"], "")
    assert [one["rule"] for one in told["rules"]][-1] == "temperature"
    out = json.loads(tried(config, "--at", "2026-05-08T11:00", "--lane", "way-out", "--json").output)
    assert (out["outcome"], out["reasons"]) == ("allow", ["ok", "flag_hold"])
    by_pass = json.loads(tried(config, "--at", "2026-05-08T12:00", "--pass", "--json").output)
    assert by_pass["reasons"] == ["temperature_missing", "pass_alone"]
    late = json.loads(tried(config, "--at", "2026-07-02T12:00", "--temperature", "36.6", "--json").output)
    assert late["reasons"] == ["clearance_expired"]


def test_the_daily_clearance_says_which_of_its_parts_is_missing(config: Path) -> None:
    rules = CONFIG.partition("policy:")[0] + "policy: {rules: [registered, daily_clearance]}\n"
    config.write_text(rules, encoding="utf-8")
    lines = tried(config, "--at", "2026-05-08T12:00", "--temperature", "36.6").output.splitlines()
    assert lines[-3].split(maxsplit=1) == [
        "deny",
        "daily_clearance: daily_declaration_missing - 今日未登记 Not declared today",
    ]
    assert lines[-1] == "answer: deny (daily_declaration_missing)"


def test_an_unknown_lane_time_and_worker_are_refused_by_name(config: Path) -> None:
    assert "no lane south; there are: north, way-out" in " ".join(
        tried(config, "--lane", "south").output.replace("│", " ").split()
    )
    assert "is no time" in tried(config, "--at", "noon").output
    result = CliRunner().invoke(app, ["try", "--config", str(config), "--worker", "W-9"])
    assert isinstance(result.exception, UnknownWorker)
