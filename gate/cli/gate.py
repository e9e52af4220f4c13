"""`sitegate gate …`: run the gate, set the guard's PIN."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from gate.config_file import load_settings
from gate.errors import ConfigError
from gate.override import write_pin
from gate.settings import Settings
from models.sources.settings import SourceSettings

if TYPE_CHECKING:
    from gate.service import GateService, Recorded

app = typer.Typer(help="Run the gate.", no_args_is_help=True)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file; ./config.yaml where it exists.")
]


class Pace(StrEnum):
    """How fast a file is played."""

    REALTIME = "realtime"
    FAST = "fast"


def source_from(text: str, *, pace: Pace) -> SourceSettings:
    """What `--source` means: a camera index, a stream URL, a video file or a folder of pictures."""
    if text.isdecimal():
        return SourceSettings(kind="camera", index=int(text))
    if "://" in text:
        try:
            return SourceSettings(kind="rtsp", url=text)
        except ValidationError as error:
            # The URL is not repeated: it may hold a password.
            problem = str(error.errors(include_input=False, include_url=False)[0]["msg"])
            raise ConfigError(
                f"--source: {problem.removeprefix('Value error, ')}",
                next_step="name the environment variable as `url_env` of the source in config.yaml",
            ) from None
    path = Path(text)
    if not path.exists():
        raise ConfigError(
            f"--source {text}: no such file or folder",
            next_step="give a camera index, an rtsp:// URL, a video file or a folder of pictures",
        )
    return SourceSettings(kind="folder" if path.is_dir() else "video", path=path, pace=pace.value)


def _with_source(settings: Settings, text: str, pace: Pace) -> Settings:
    first, *others = settings.lanes
    lane = first.model_copy(update={"source": source_from(text, pace=pace)})
    return settings.model_copy(update={"lanes": (lane, *others)})


def _without_loops(settings: Settings) -> Settings:
    """A file that is played again and again never ends."""
    lanes = tuple(
        lane.model_copy(update={"source": lane.source.model_copy(update={"loop": False})})
        for lane in settings.lanes
    )
    return settings.model_copy(update={"lanes": lanes})


@contextmanager
def only_gate_on(store: Path) -> Iterator[None]:
    """Hold the lock of this store: two gates on one store would move the same doors. Raises ConfigError."""
    store.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with store.with_name(f"{store.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"another gate runs on {store}", next_step="stop it, or give this one a store of its own"
            ) from None
        yield


def _print_event(recorded: Recorded) -> None:
    line = json.dumps(recorded.event.model_dump(mode="json"), ensure_ascii=False)
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the events has gone; the gate goes on. Python would complain again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.command()
def run(
    config: ConfigOption = None,
    source: Annotated[
        str | None, typer.Option(help="Camera index, stream URL, video file or folder; for the first lane.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when the source has ended.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Events as JSON lines on stdout.")] = False,
    pace: Annotated[
        Pace | None, typer.Option(help="Files: realtime, or fast (the default with --once).")
    ] = None,
    screen: Annotated[bool, typer.Option(help="Serve the gate screen.")] = True,
) -> None:
    """Run the gate until it is stopped (Ctrl-C, SIGTERM) or, with --once, until the source has ended."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    settings = load_settings(config)
    if source is not None:
        settings = _with_source(settings, source, pace or (Pace.FAST if once else Pace.REALTIME))

    if once:
        settings = _without_loops(settings)

    from gate.startup import build_service  # noqa: PLC0415 - weights and OpenCV only when a gate really runs

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with only_gate_on(settings.store.path):
        service = build_service(settings)
        if as_json:
            service.listeners.append(_print_event)
        try:
            service.start()
            _serve(service, settings, stop, once=once, screen=screen and not once)
        finally:
            service.stop()


def _serve(
    service: GateService, settings: Settings, stop: threading.Event, *, once: bool, screen: bool
) -> None:
    """Until stopped or ended; the screen and the metrics come up beside the lanes, never before them."""
    if settings.metrics.enabled and not once:
        service.serve_metrics()
    if screen and settings.screen.enabled:
        from gate.cli.screen_thread import start_screen  # noqa: PLC0415 - the web server is heavy and may be switched off

        start_screen(service, settings.screen, stop)
    if once:
        threading.Thread(target=_stop_when_ended, args=(service, stop), daemon=True).start()
    while not stop.wait(1.0):
        pass


def _stop_when_ended(service: GateService, stop: threading.Event) -> None:
    service.wait_ended()
    stop.set()


@app.command("set-pin")
def set_pin(config: ConfigOption = None) -> None:
    """Set the PIN with which a guard opens by hand (asked for twice, never shown, kept as a hash)."""
    path = load_settings(config).screen.override_pin_file
    if path is None:
        raise ConfigError(
            "screen.override_pin_file is empty: opening by hand is switched off",
            next_step="name a file in config.yaml",
        )
    pin = typer.prompt("PIN (4 to 12 digits)", hide_input=True, confirmation_prompt=True)
    try:
        write_pin(path, pin)
    except ValueError as error:
        raise ConfigError(str(error), next_step="try again with digits only") from error
    typer.echo(f"PIN kept in {path}")


@app.command("trust-clock")
def trust_clock(config: ConfigOption = None) -> None:
    """Say that this machine's clock is right now: forget a wrong time that the gate once believed."""
    from gate.store_access import open_existing_store  # noqa: PLC0415
    from gate.upkeep import LAST_GOOD_TIME  # noqa: PLC0415

    now = datetime.now(UTC)
    with open_existing_store(load_settings(config).store) as store:
        store.put_state(LAST_GOOD_TIME, now.isoformat())
    typer.echo(f"{now:%Y-%m-%d %H:%M} UTC is right; restart the gate")
