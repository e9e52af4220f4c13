"""`sitegate demo`: the whole flow on real faces, with embedded defaults and a played camera."""

from __future__ import annotations

import logging
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from gate.cli.screen_thread import START_S, start_screen, wait_screen_ended
from gate.clock import SystemClock
from gate.demo.centre import DEMO_PASSWORD, DEMO_USER, DemoCentre
from gate.demo.day import Day
from gate.demo.footage import SAMPLES, enrolment_photos, write_footage, write_kiosk_footage
from gate.demo.kiosk import KIOSK_ID, KIOSK_PASSWORD, KIOSK_USER, DemoKiosk
from gate.demo.kiosk_act import COURSE, QuickCourse, gate_follows, lock_out, register_and_train, until
from gate.demo.people import WITHOUT_FACE, A, B, write_roster
from gate.demo.scenario import AFTERWARDS, ROUND, Director, Step, is_right
from gate.demo.visit import KioskVisit, kiosk_visit, open_browser, what_is_missing
from gate.errors import GateError
from gate.override import write_pin
from gate.relays.simulated import SimulatedRelay
from gate.service import GateService, Recorded
from gate.settings import (
    LaneSettings,
    MetricsSettings,
    RecognitionSettings,
    ScreenSettings,
    Settings,
)
from gate.startup import build_service, open_store
from models.sources.settings import SourceSettings
from models.zoo import Zoo
from sync.store_settings import StoreSettings

DEMO_PIN = "246810"
FOLDER = Path("var/demo")
FOOTAGE, FOOTAGE_AFTERWARDS, FOOTAGE_KIOSK = "footage.avi", "afterwards.avi", "kiosk.avi"
MILLISECONDS = 1000.0
DRAIN_TIMEOUT_S = 60.0
TABLE_WIDTH = 120


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="One round, then exit 0 if every decision was right.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port of the gate screen; a free one where it is taken.")] = 8080,
    console_port: Annotated[
        int, typer.Option(help="Port of the centre's console; 0 takes a free one.")
    ] = 8090,
    kiosk_port: Annotated[int, typer.Option(help="Port of the kiosk; 0 takes a free one.")] = 8085,
    shots: Annotated[
        Path, typer.Option(file_okay=False, help="With --once: where the pictures of the pages go.")
    ] = FOLDER / "shots",
) -> None:
    """Register a few people, play footage as the cameras and show what the gate decides."""
    console = Console()
    if not console.is_terminal:
        console.width = TABLE_WIDTH  # a log has no window to fit
    zoo = Zoo.default()
    console.print("[bold]1/5[/] weights and sample footage")
    zoo.fetch(["yunet", "sface", *SAMPLES])
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    # The broker is killed on purpose: what the parts say about it would only stand between the lines.
    logging.basicConfig(filename=FOLDER / "gate.log", format="%(asctime)s %(levelname)s %(message)s")
    settings = _settings(once=once, port=0 if once else port)
    write_footage(zoo, tuple(step.scene for step in ROUND), FOLDER / FOOTAGE)
    write_footage(zoo, (AFTERWARDS.scene,), FOLDER / FOOTAGE_AFTERWARDS)
    write_kiosk_footage(zoo, FOLDER / FOOTAGE_KIOSK)
    missing = what_is_missing() if once else ""
    by_kiosk = once and not missing
    if missing:
        console.print(f"    [yellow]without {missing}: nobody is registered through the kiosk's pages[/]")
    console.print("[bold]2/5[/] registering sample people from a roster")
    _register(settings, enrolment_photos(zoo, FOLDER / "photos"), by_kiosk=by_kiosk)
    console.print("[bold]3/5[/] starting broker, centre and console")
    ports = (0, 0) if once else (console_port, kiosk_port)
    with ExitStack() as running:
        centre = DemoCentre(
            FOLDER / "centre", site_id=settings.site.id, gate_id=settings.gate.id, console_port=ports[0]
        )
        running.callback(centre.close)
        settings = settings.model_copy(update={"centre": centre.settings})
        with open_store(settings, create=False) as store, gate_follows(settings, store):
            until(lambda: store.outbox_depth() == 0, "the roster reaches the centre")
        course = QuickCourse(_shipped_courses() / COURSE, FOLDER / "courses") if once else None
        kiosk = DemoKiosk(
            FOLDER / "kiosk",
            FOLDER / FOOTAGE_KIOSK,
            site=settings.site,
            centre=centre.add_box(KIOSK_ID, "登记机", kiosk=True),
            courses=course.folder if course else None,
            port=ports[1],
        )
        running.callback(kiosk.close)
        console.print("[bold]4/5[/] starting the kiosk")
        kiosk.start()
        console.print(f"    kiosk        [link]{kiosk.url}[/]   {KIOSK_USER} / {KIOSK_PASSWORD}")
        good = True
        browser = running.enter_context(open_browser()) if by_kiosk else None
        visit = kiosk_visit(browser, kiosk.url) if browser is not None else None
        if visit is not None and course is not None:
            with open_store(settings, create=False) as store:
                good = register_and_train(visit, course, settings, store, console)
        console.print("[bold]5/5[/] opening the gate")
        good = _play(settings, centre, console, once=once) and good
        if good and browser is not None and visit is not None:
            day = Day(browser, settings, centre, console, shots=shots, folder=FOLDER)
            good = _play_day(day, settings, zoo, visit, console)
        elif once and good:
            console.print("    [yellow]without a browser the day at the site is skipped[/]")
        if not good:
            raise typer.Exit(1)


def _shipped_courses() -> Path:
    """The kiosk's package is a room of its own; only its data is taken, for a quicker copy."""
    return Path(str(resources.files("enroll") / "courses"))


def _settings(*, once: bool, port: int) -> Settings:
    footage = SourceSettings(
        kind="video", path=FOLDER / FOOTAGE, pace="realtime", loop=not once, mirror_screen=False
    )
    return Settings(
        lanes=(LaneSettings(source=footage),),
        recognition=RecognitionSettings(repeat_interval_s=1.5),
        store=StoreSettings(path=FOLDER / "sitegate.db", key_file=FOLDER / "store.key"),
        screen=ScreenSettings(port=port, name_display="full", override_pin_file=FOLDER / "override.pin"),
        metrics=MetricsSettings(port=0),
    )


def _register(settings: Settings, photos: dict[str, list[str]], *, by_kiosk: bool) -> None:
    """Write a roster file and import it by the command that a site would use."""
    roster = FOLDER / "people.csv"
    # Who is registered at the kiosk is in no roster; who only declares on a phone is wanted for the day.
    others = WITHOUT_FACE if by_kiosk else (A,)
    write_roster(roster, (B, *others), {A.worker_id: photos["a"], B.worker_id: photos["b"]})
    open_store(settings).close()
    command = [
        sys.executable, "-m", "gate.cli", "roster", "import", str(roster),
        "--photos", str(FOLDER / "photos"),
        "--store", str(settings.store.path), "--key-file", str(settings.store.key_file),
    ]  # fmt: skip
    if subprocess.run(command, check=False).returncode != 0:
        raise GateError("the sample people could not be registered", next_step="see the lines above")


def _play(settings: Settings, centre: DemoCentre, console: Console, *, once: bool) -> bool:
    write_pin(FOLDER / "override.pin", DEMO_PIN)
    service = build_service(settings, clock=SystemClock())
    director = Director(centre, break_broker=once)
    service.listeners.append(director)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        # A gate starts its lanes first; here the audience comes first, so that nobody misses the first scene.
        url = start_screen(service, settings.screen, stop).result(START_S)
        service.start()
        console.print(f"    gate screen  [link]{url}[/]   guard PIN {DEMO_PIN}")
        console.print(f"    console      [link]{centre.console_url}[/]   {DEMO_USER} / {DEMO_PASSWORD}")
        console.print(f"    broker       {centre.broker_url}")
        console.print(f"    metrics      {service.serve_metrics()}")
        if once:
            return _judge_round(console, service, centre, director, url)
        console.print("    playing round after round; flag somebody at the console and watch; Ctrl-C ends")
        while not stop.is_set():
            if director.round_over.wait(0.5):
                director.round_over.clear()
                _report(console, service, director.seen)
        return True
    finally:
        stop.set()
        service.stop()
        wait_screen_ended()


def _play_day(day: Day, settings: Settings, zoo: Zoo, visit: KioskVisit, console: Console) -> bool:
    """The day, then the consent is taken back and the same man comes once more."""
    console.print("A day at the site: a browser goes through the centre's pages")
    good = day.play(zoo)
    # While the gate talks to the centre: it has to confirm that it forgot.
    with open_store(settings, create=False) as store, gate_follows(settings, store):
        lock_out(visit, store, console)
    return _play_afterwards(settings, console) and good


def _play_afterwards(settings: Settings, console: Console) -> bool:
    """The same man once more, after his consent was withdrawn."""
    lane = settings.lanes[0]
    # Nobody watches: every picture is looked at, so that a busy machine sees as much of him as a quick one.
    source = lane.source.model_copy(update={"path": FOLDER / FOOTAGE_AFTERWARDS, "pace": "fast"})
    again = settings.model_copy(update={"lanes": (lane.model_copy(update={"source": source}),)})
    service = build_service(again, clock=SystemClock())
    seen: list[Recorded] = []
    service.listeners.append(seen.append)
    service.start()
    try:
        service.wait_ended()
    finally:
        service.stop()
    return _report(console, service, seen, (AFTERWARDS,), "After the consent was withdrawn")


def _judge_round(
    console: Console, service: GateService, centre: DemoCentre, director: Director, url: str
) -> bool:
    service.wait_ended()
    screen_ok = httpx.get(url, follow_redirects=True).is_success
    right = _report(console, service, director.seen) and not director.extra and screen_ok
    console.print("every decision was right" if right else "[red]NOT as expected[/]")
    complete = _nothing_is_lost(console, service, centre, director)
    return right and complete


def _nothing_is_lost(console: Console, service: GateService, centre: DemoCentre, director: Director) -> bool:
    """The broker was killed before the last person came; it comes back, and the centre must have it all."""
    link = service.centre
    assert link is not None  # noqa: S101 - the demo's settings name a centre
    waiting = link.status().outbox_depth
    console.print(f"broker killed before the last person came: {waiting} record(s) wait at the gate")
    centre.bring_back()
    deadline_s = time.monotonic() + DRAIN_TIMEOUT_S
    while link.status().outbox_depth and time.monotonic() < deadline_s:
        time.sleep(0.1)
    at_gate = sorted(recorded.event.event_id for recorded in director.seen)
    complete = waiting > 0 and sorted(centre.event_ids()) == at_gate
    console.print(
        f"broker back: {len(centre.event_ids())} of {len(at_gate)} events at the centre, "
        + ("each once" if complete else "[red]NOT the same as at the gate[/]")
    )
    return complete


def _report(
    console: Console,
    service: GateService,
    seen: Collection[Recorded],
    steps: Sequence[Step] = ROUND,
    title: str = "Decisions",
) -> bool:
    table = Table(title=title, title_justify="left")
    for heading in (
        "before the camera",
        "decision",
        "reason",
        "score",
        "threshold",
        "frames",
        "ms to answer",
        "",
    ):
        table.add_column(heading, overflow="fold")
    right = len(seen) == len(steps)
    for step, recorded in zip(steps, seen, strict=False):
        event, match = recorded.event, recorded.event.match
        good = is_right(step, recorded)
        right = right and good
        table.add_row(
            step.who,
            event.outcome.value,
            event.reasons[0],
            f"{match.score:.3f}" if match else "",
            f"{match.threshold:.3f}" if match else "",
            str(match.frames) if match else "",
            _milliseconds(recorded),
            "✓" if good else f"✗ expected {step.outcome.value} {step.reason.value}",
        )
    console.print(table)
    if len(seen) != len(steps):
        console.print(f"[red]{len(seen)} decisions, {len(steps)} expected[/]")
    _print_relay(console, service)
    return right


def _milliseconds(recorded: Recorded) -> str:
    if recorded.usable_at_s is not None and recorded.opened_at_s is not None:
        return f"{(recorded.opened_at_s - recorded.usable_at_s) * MILLISECONDS:.0f}"
    decided_ms = recorded.event.decided_in_ms
    return "" if decided_ms is None else f"{decided_ms:.0f}"


def _print_relay(console: Console, service: GateService) -> None:
    for lane_id, door in service.doors.items():
        relay = door.relay
        if isinstance(relay, SimulatedRelay):
            start_s = relay.history[0][0]
            edges = [f"{'open' if on else 'shut'} at {at_s - start_s:.2f} s" for at_s, on in relay.history]
            console.print(f"relay of {lane_id}: " + ", ".join(edges))
