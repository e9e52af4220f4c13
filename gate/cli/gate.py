"""`sitegate gate …`: run the gate, set the guard's PIN."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate.config_file import load_settings
from gate.errors import ConfigError
from gate.override import write_pin
from gate.settings import Settings, SourceSettings

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
        return SourceSettings(kind="rtsp", url=text)
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


def _print_event(recorded: Recorded) -> None:
    sys.stdout.write(json.dumps(recorded.event.model_dump(mode="json"), ensure_ascii=False) + "\n")
    sys.stdout.flush()


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

    from gate.startup import build_service  # noqa: PLC0415 - weights and OpenCV only when a gate really runs

    service = build_service(settings)
    if as_json:
        service.listeners.append(_print_event)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    service.start()
    try:
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
