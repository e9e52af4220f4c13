"""`sitegate events`: what was recorded, in the site's time, for people, spreadsheets and programs."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import typer
from typer.testing import CliRunner, Result

from gate.cli.events import COLUMNS, events, instant
from gate.store_access import NoStoreYet
from sync.records import Direction, Event, MatchFacts, Method, Outcome
from sync.store import LocalStore, StoreKey

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST = datetime(2026, 5, 4, 22, 0, tzinfo=UTC)  # six in the morning of the fifth in Shanghai

app = typer.Typer()
app.command()(events)


def recorded(number: int, *, outcome: Outcome, worker_id: str | None = None, note: str = "") -> Event:
    match = MatchFacts(
        score=0.71, threshold=0.44, margin=0.2, model="sface", frames=3, agreeing=3, roster_size=2
    )
    return Event(
        event_id=f"e{number}",
        sequence=0,
        site_id="demo-site",
        gate_id="gate-1",
        lane_id=f"lane-{1 + number % 2}",
        direction=Direction.IN,
        occurred_at=FIRST + timedelta(hours=number),
        method=Method.FACE,
        outcome=outcome,
        reasons=("ok",) if outcome is Outcome.ALLOW else ("flag_block", "grant_expired"),
        worker_id=worker_id,
        match=match if worker_id else None,
        note=note,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    key = StoreKey.load(tmp_path / "store.key", "", create=True)
    with LocalStore.open(tmp_path / "gate.db", key) as store:
        store.record(recorded(0, outcome=Outcome.ALLOW, worker_id="W-1"))
        store.record(recorded(1, outcome=Outcome.DENY, worker_id="W-2"))
        store.record(recorded(2, outcome=Outcome.DENY, note='=HYPERLINK("x")'))
    path = tmp_path / "config.yaml"
    path.write_text("store: {path: gate.db, key_file: store.key}\n", encoding="utf-8")
    return path


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(config), *arguments], env={"COLUMNS": "140"})


def ids(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [json.loads(line)["event_id"] for line in result.output.splitlines()]


def test_json_lines_are_whole_records_newest_first(config: Path) -> None:
    result = run(config, "--json")
    assert ids(result) == ["e2", "e1", "e0"]
    assert Event.model_validate_json(result.output.splitlines()[2]).worker_id == "W-1"


def test_events_are_chosen_by_limit_lane_worker_outcome_and_time(config: Path) -> None:
    assert ids(run(config, "--json", "--limit", "1")) == ["e2"]
    assert ids(run(config, "--json", "--lane", "lane-2")) == ["e1"]
    assert ids(run(config, "--json", "--worker", "W-1")) == ["e0"]
    assert ids(run(config, "--json", "--outcome", "deny")) == ["e2", "e1"]
    assert ids(run(config, "--json", "--since", "2026-05-05T07:00")) == ["e2", "e1"]
    assert ids(run(config, "--json", "--since", "2026-05-06")) == []


def test_the_table_shows_local_time_and_reasons(config: Path) -> None:
    shown = run(config).output
    assert "3 events, times in Asia/Shanghai" in shown
    assert "2026-05-05 06:00:00" in shown
    assert "flag_block, grant_expired" in shown
    assert "0.710" in shown


def test_the_csv_is_local_time_and_runs_no_formula(config: Path) -> None:
    newest, middle, oldest = csv.DictReader(io.StringIO(run(config, "--csv").output))
    assert tuple(newest) == COLUMNS
    assert newest["note"] == '\'=HYPERLINK("x")'
    assert middle["reasons"] == "flag_block grant_expired"
    assert oldest["occurred_at"] == "2026-05-05T06:00:00.000+08:00"
    assert oldest["score"] == "0.71"
    assert newest["worker"] == ""


def test_a_time_that_is_none_and_two_formats_are_refused(config: Path) -> None:
    for arguments in (("--since", "yesterdayish"), ("--json", "--csv"), ("--limit", "0")):
        assert run(config, *arguments).exit_code == 2


def test_since_is_a_span_or_local_time() -> None:
    assert instant("8h", SHANGHAI, FIRST) == FIRST - timedelta(hours=8)
    assert instant("30m", SHANGHAI, FIRST) == FIRST - timedelta(minutes=30)
    assert instant("2d", SHANGHAI, FIRST) == FIRST - timedelta(days=2)
    assert instant("2026-05-05T06:00", SHANGHAI, FIRST) == FIRST
    assert instant("2026-05-04T22:00Z", SHANGHAI, FIRST) == FIRST


def test_without_a_store_nothing_is_made_and_the_error_says_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("store: {path: gate.db, key_file: store.key}\n", encoding="utf-8")
    assert isinstance(run(config).exception, NoStoreYet)
    assert list(tmp_path.iterdir()) == [config]
