"""The gate as a process: `sitegate gate run`, ended politely and not."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gate.cli.gate import only_gate_on
from gate.demo.footage import Scene, write_footage
from gate.startup import open_store
from models.zoo import Zoo
from sync.records import Event
from tests.gate.conftest import WORKER, World

pytestmark = pytest.mark.slow


def write_config(world: World, *, source: str, relay: str = "{driver: simulated}") -> Path:
    path = world.folder / "config.yaml"
    path.write_text(
        f"lanes:\n- source: {source}\n  relay: {relay}\n"
        "recognition: {repeat_interval_s: 0.5}\n"
        "store: {path: gate.db, key_file: gate.key}\n"
        "screen: {enabled: false}\nmetrics: {enabled: false}\n"
    )
    return path


def command(config: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "gate.cli", "gate", "run", "--config", str(config), *options]


def test_once_and_json_print_every_event_of_a_video_and_end(world: World, weights: Zoo) -> None:
    world.enrol()
    config = write_config(world, source="{kind: camera}")
    video = world.footage / "worker.avi"
    done = subprocess.run(
        command(config, "--source", str(video), "--once", "--json"),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    event = Event.model_validate(json.loads(line))
    assert (event.outcome.value, event.worker_id) == ("allow", WORKER)
    assert "示例乙" not in done.stderr, "no name in the log"


def test_a_folder_of_pictures_is_a_source_too(world: World, weights: Zoo) -> None:
    world.enrol()
    folder = world.folder / "pictures"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.jpg").write_bytes(weights.path("obama2").read_bytes())
    config = write_config(world, source="{kind: camera}")
    done = subprocess.run(
        command(config, "--source", str(folder), "--once", "--json"),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["outcome"] for line in done.stdout.splitlines()] == ["allow"]


def test_a_source_that_does_not_exist_and_missing_weights_are_clear_errors(world: World) -> None:
    config = write_config(world, source="{kind: camera}")
    done = subprocess.run(
        command(config, "--source", "nowhere.mp4"), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "nowhere.mp4" in done.stderr
    assert "Traceback" not in done.stderr
    environment = {**os.environ, "SITEGATE_WEIGHTS_DIR": str(world.folder / "empty")}
    done = subprocess.run(
        command(config, "--source", str(world.footage / "worker.avi")),
        capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 2
    assert "sitegate models fetch" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_gate_ended_mid_decision_loses_and_doubles_no_event(
    world: World, weights: Zoo, ending: signal.Signals
) -> None:
    """Whatever the moment: an event printed is stored once, with its outbox row, and no gaps."""
    world.enrol()
    video = world.folder / "short.avi"
    write_footage(weights, (Scene("obama2", seconds=0.4),) * 3, video)
    config = write_config(world, source=f"{{kind: video, path: {video}, loop: true, pace: fast}}")
    printed: list[str] = []
    rng = random.Random(4)
    for _ in range(3):
        with subprocess.Popen(
            command(config, "--json"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            printed.append(json.loads(process.stdout.readline())["event_id"])
            time.sleep(rng.uniform(0.0, 0.7))
            process.send_signal(ending)
            rest, _ = process.communicate(timeout=30)
            # a line cut off by the kill is no promise
            printed += [json.loads(line)["event_id"] for line in rest.splitlines() if line.endswith("}")]
            assert process.returncode == (0 if ending is signal.SIGTERM else -ending)
    with open_store(world.settings("worker.avi")) as store:
        events = store.events(limit=100_000)
        assert store.outbox_depth() == len(events)
    ids = [event.event_id for event in events]
    assert len(set(ids)) == len(ids)
    assert set(printed) <= set(ids)
    sequences = sorted(event.sequence for event in events)
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


def test_a_password_in_the_source_is_refused_and_not_repeated(world: World) -> None:
    config = write_config(world, source="{kind: camera}")
    done = subprocess.run(
        command(config, "--source", "rtsp://admin:geheim99@127.0.0.1:1/x", "--once"),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "url_env" in done.stderr
    assert "geheim99" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_second_gate_on_the_same_store_is_refused_and_once_ends_although_the_config_loops(
    world: World,
) -> None:
    video = world.footage / "stranger.avi"
    config = write_config(world, source=f"{{kind: video, path: {video}, loop: true}}")
    with only_gate_on(world.folder / "gate.db"):
        done = subprocess.run(
            command(config, "--once"), capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert "another gate runs" in done.stderr
    done = subprocess.run(
        command(config, "--once", "--json"), capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_a_gate_whose_reader_has_gone_goes_on(world: World) -> None:
    world.enrol()
    video = world.footage / "worker.avi"
    config = write_config(world, source=f"{{kind: video, path: {video}}}")
    with subprocess.Popen(
        command(config, "--once", "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(90) == 0
    with open_store(world.settings("worker.avi")) as store:
        assert [event.outcome.value for event in store.events()] == ["allow"]
