"""Everything a gate needs, looked at once: each part ok, or what to do about it. Opens no door."""

from __future__ import annotations

import errno
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from zoneinfo import ZoneInfo

from gate.badge_reader import port_problem
from gate.clock import Clock, ClockGuard, SystemClock, system_is_synchronised
from gate.config_file import read_secret
from gate.errors import GateError
from gate.relays import open_input, open_relay
from gate.settings import LaneSettings, Settings
from gate.store_access import NoStoreYet, open_existing_store
from gate.thermometer import read_once
from gate.thermometer.base import body_temperature, fault_of
from models.embedder import embedder_spec
from models.engine import DETECTOR_WEIGHT
from models.errors import ModelError
from models.liveness import V1SE_WEIGHT, V2_WEIGHT
from models.sources.opening import CAMERA_PATIENCE_S, open_source, try_source
from models.zoo import State, Zoo
from sync.backoff import Backoff
from sync.edge.acl_probe import examine_acl, mosquitto_acl
from sync.errors import SyncError
from sync.store import LocalStore, StoreKey

_COMMAND_TIMEOUT_S = 5.0
_MEBIBYTE = 2**20
_TOPICS_NAMED = 3


class Condition(StrEnum):
    """How a part is doing."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report; `next_step` is empty only where nothing needs doing."""

    part: str
    condition: Condition
    detail: str
    next_step: str = ""


Checks = Iterator[Check]


def examine(
    settings: Settings, *, clock: Clock | None = None, camera_patience_s: float = CAMERA_PATIENCE_S
) -> list[Check]:
    """Look at every part and report all of them; a part that breaks the look itself is a failed check."""
    clock = clock or SystemClock()
    parts: list[tuple[str, Callable[[], Checks]]] = [
        ("time zone", partial(_time_zone, settings, clock)),
        ("clock", partial(_clock, settings, clock)),
        ("weights", partial(_weights, settings)),
        ("liveness", partial(_liveness, settings)),
        ("store key", partial(_store_key, settings)),
        ("store", partial(_store, settings)),
        ("disk", partial(_disk, settings)),
        ("screen token", partial(_screen_token, settings)),
        ("override PIN", partial(_override_pin, settings)),
        ("centre", partial(_centre, settings)),
    ]
    ports = list(_guarded("ports", partial(_ports, settings)))
    gate_runs = any(check.condition is Condition.WARN for check in ports)
    if gate_runs:
        parts.append(("lanes", _left_alone))
    for lane in () if gate_runs else settings.lanes:
        parts += [
            (f"{lane.id} camera", partial(_camera, lane, clock, camera_patience_s)),
            (f"{lane.id} relay", partial(_relay, lane)),
            (f"{lane.id} inputs", partial(_inputs, lane)),
            (f"{lane.id} badge reader", partial(_badge_reader, lane)),
            (f"{lane.id} thermometer", partial(_thermometer, lane)),
        ]
    return [*ports, *(check for part, look in parts for check in _guarded(part, look))]


def _guarded(part: str, look: Callable[[], Checks]) -> Checks:
    try:
        yield from look()
    except (GateError, ModelError, SyncError) as error:
        yield Check(part, Condition.FAIL, str(error), error.next_step or "See docs/operations.md.")
    except Exception as error:  # noqa: BLE001 - the report must go on with the other parts
        yield Check(
            part,
            Condition.FAIL,
            f"{type(error).__name__}: {error}",
            "Run sitegate --debug doctor and report what it shows.",
        )


def _left_alone() -> Checks:
    """Opening a board releases it: under a running gate that would shut a door on a person, or in a fire."""
    yield Check(
        "lanes",
        Condition.WARN,
        "cameras, relays and inputs were not looked at: a gate seems to be running (its port is taken)",
        "Stop the gate and run sitegate doctor again.",
    )


def _time_zone(settings: Settings, clock: Clock) -> Checks:
    local = clock.now().astimezone(ZoneInfo(settings.site.timezone))
    yield Check("time zone", Condition.OK, f"{settings.site.timezone}, there it is {local:%Y-%m-%d %H:%M}")


def _clock(settings: Settings, clock: Clock) -> Checks:
    guard = ClockGuard(last_known=_last_recorded(settings), synchronised=lambda: False)
    if not guard.check(clock.now(), clock.monotonic()):
        yield Check(
            "clock", Condition.FAIL, guard.problem, "Set the clock: timedatectl set-time, or enable NTP."
        )
    elif _synchronised():
        yield Check("clock", Condition.OK, "synchronised with a time server")
    else:
        yield Check(
            "clock",
            Condition.WARN,
            f"{clock.now():%Y-%m-%d %H:%M} UTC, plausible, but no time server confirms it",
            "Enable NTP: timedatectl set-ntp true; without a network fit a battery-backed clock.",
        )


def _synchronised() -> bool:
    """What timesyncd's mark or `timedatectl` says; False where neither can tell."""
    if system_is_synchronised():
        return True
    try:
        said = subprocess.run(
            ["timedatectl", "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.stdout.strip() == "yes"


def _last_recorded(settings: Settings) -> datetime | None:
    """When the newest event happened; None where the store cannot tell, which its own check reports."""
    try:
        with open_existing_store(settings.store) as store:
            newest = store.events(limit=1)
    except (NoStoreYet, SyncError):
        return None
    return newest[0].occurred_at if newest and newest[0].clock_trusted else None


def _weights(settings: Settings) -> Checks:
    zoo = Zoo.default(settings.recognition.weights_dir)
    for found in zoo.verify((DETECTOR_WEIGHT, embedder_spec(settings.recognition.embedder).weight)):
        name = found.entry.name
        if found.state is State.OK:
            yield Check(f"weights {name}", Condition.OK, str(found.path))
        else:
            step = f"Run sitegate models fetch {name}"
            yield Check(f"weights {name}", Condition.FAIL, found.detail, step)


def _liveness(settings: Settings) -> Checks:
    wanted = settings.liveness
    if wanted.mode == "off":
        yield Check("liveness", Condition.OK, "switched off")
        return
    absent = [
        found
        for found in Zoo.default(settings.recognition.weights_dir).verify((V2_WEIGHT, V1SE_WEIGHT))
        if found.state is not State.OK
    ]
    if not absent:
        yield Check("liveness", Condition.OK, f"{wanted.mode}, weights present")
        return
    consequence = f"everybody is answered with {wanted.when_missing}"
    blocking = wanted.mode == "required" and wanted.when_missing != "allow"
    yield Check(
        "liveness",
        Condition.FAIL if blocking else Condition.WARN,
        f"{absent[0].detail}; {consequence if wanted.mode == 'required' else 'faces are not checked'}",
        f"Run sitegate models fetch {' '.join(found.entry.name for found in absent)}",
    )


def _store(settings: Settings) -> Checks:
    try:
        store = open_existing_store(settings.store)
    except NoStoreYet as error:
        yield Check("store", Condition.WARN, str(error), error.next_step)
        return
    with store:
        yield from _look_into(store)


def _look_into(store: LocalStore) -> Checks:
    report = store.check()
    if not report.sound:
        yield Check(
            "store",
            Condition.FAIL,
            "; ".join(report.problems),
            "Stop the gate, keep a copy of the store and its key, and restore a backup.",
        )
        return
    waiting = store.outbox_depth()
    yield Check(
        "store",
        Condition.OK,
        f"sound, {report.size_mb:.1f} MB, {store.count_workers()} workers, {waiting} records to be sent",
    )


def _disk(settings: Settings) -> Checks:
    folder = settings.store.path.resolve().parent
    while not folder.exists():
        folder = folder.parent
    free_mb = shutil.disk_usage(folder).free // _MEBIBYTE
    if free_mb < settings.store.min_free_mb:
        yield Check(
            "disk",
            Condition.FAIL,
            f"{free_mb} MB free in {folder}, wanted are {settings.store.min_free_mb} MB (store.min_free_mb)",
            "Free space; a gate that cannot record stays shut.",
        )
    else:
        yield Check("disk", Condition.OK, f"{free_mb} MB free in {folder}")


def _store_key(settings: Settings) -> Checks:
    if settings.store.path.exists():  # before that there is none
        key = StoreKey.load(settings.store.key_file, settings.store.key_env)
        yield Check("store key", Condition.OK, f"from {key.source}")


def _screen_token(settings: Settings) -> Checks:
    if settings.screen.token_file is not None:
        read_secret(settings.screen.token_file, "")
        yield Check("screen token", Condition.OK, str(settings.screen.token_file))


def _override_pin(settings: Settings) -> Checks:
    file = settings.screen.override_pin_file
    if file is None:
        yield Check("override PIN", Condition.OK, "switched off")
    elif not file.exists():
        detail = f"{file} is not there: guards cannot open by hand"
        yield Check("override PIN", Condition.WARN, detail, "Run sitegate gate set-pin")
    else:
        read_secret(file, "")
        yield Check("override PIN", Condition.OK, str(file))


def _centre(settings: Settings) -> Checks:
    if not settings.centre.enabled:
        return
    site_id, gate_id, broker = settings.site.id, settings.gate.id, settings.centre.broker
    found = examine_acl(settings.centre, site_id=site_id, gate_id=gate_id)
    if found.is_tight:
        version = "" if found.is_mqtt_5 else ", as far as MQTT 3.1.1 tells"
        yield Check("centre", Condition.OK, f"{broker} answers and holds this gate to its topics{version}")
        return
    faults = []
    if found.may_write:
        faults.append(f"speak for others ({', '.join(found.may_write)})")
    if found.may_read:
        faults.append(f"read what is not for it ({', '.join(found.may_read[:_TOPICS_NAMED])})")
    lines = mosquitto_acl(site_id, gate_id, settings.centre.username)
    yield Check(
        "centre",
        Condition.WARN,
        f"{broker} answers, and lets this gate {' and '.join(faults)}; everything is signed, but restrict it",
        f"In mosquitto's acl_file (see docs/protocol.md): {' | '.join(lines)}",
    )


def _ports(settings: Settings) -> Checks:
    for part, wanted in (("screen", settings.screen), ("metrics", settings.metrics)):
        if wanted.enabled and wanted.port:
            yield _port(part, wanted.host, wanted.port)


def _port(part: str, host: str, port: int) -> Check:
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            step = f"Nothing to do if a gate is running; else change {part}.port."
            return Check(f"{part} port", Condition.WARN, f"{host}:{port} is taken", step)
        step = f"Change {part}.host or {part}.port."
        return Check(f"{part} port", Condition.FAIL, f"{host}:{port}: {error.strerror}", step)
    return Check(f"{part} port", Condition.OK, f"{host}:{port} is free")


def _camera(lane: LaneSettings, clock: Clock, patience_s: float) -> Checks:
    source = open_source(lane.source, clock=clock, waits=Backoff)
    try:
        frame = try_source(source, lane.source.kind, clock=clock, patience_s=patience_s)
    except ModelError as error:
        yield Check(f"{lane.id} camera", Condition.FAIL, str(error), error.next_step)
        return
    height, width = frame.image.shape[:2]
    yield Check(f"{lane.id} camera", Condition.OK, f"{lane.source.kind}, {width}x{height}")


def _relay(lane: LaneSettings) -> Checks:
    part = f"{lane.id} relay"
    relay = open_relay(lane.relay, guarded=False)
    try:
        energised = relay.is_energised()
        name = relay.name
    finally:
        relay.close()
    if lane.relay.driver == "simulated":
        yield Check(part, Condition.WARN, "simulated: no door moves", "Set relay.driver to the board in use.")
    elif energised:
        step = "Check relay.active and the wiring: the door is open."
        yield Check(part, Condition.WARN, f"{name} answers and is energised", step)
    else:
        yield Check(part, Condition.OK, f"{name} answers, released")


def _inputs(lane: LaneSettings) -> Checks:
    for name in ("fire_alarm", "door_contact", "exit_button"):
        part = f"{lane.id} {name}"
        wired = open_input(getattr(lane.inputs, name))
        if wired is None:
            if name == "fire_alarm":
                step = (
                    f"Wire the fire panel and set inputs.{name}, unless the lock itself drops out in a fire."
                )
                yield Check(part, Condition.WARN, "not wired: a fire does not open this door", step)
            continue
        try:
            active = wired.is_active()
        finally:
            wired.close()
        if active and name == "fire_alarm":
            step = f"If there is no fire, check inputs.{name}.active and the wiring."
            yield Check(part, Condition.WARN, f"{wired.name} is active: the door stays open", step)
        else:
            yield Check(part, Condition.OK, f"{wired.name} answers, {'active' if active else 'idle'}")


def _badge_reader(lane: LaneSettings) -> Checks:
    part, settings = f"{lane.id} badge reader", lane.pass_reader.badge
    if settings.driver == "none":
        return
    if settings.driver == "simulated":
        yield Check(
            part, Condition.WARN, "simulated: reads no badge", "Set badge.driver to the reader in use."
        )
        return
    if problem := port_problem(settings):
        step = "Check plug, pass_reader.badge.device and the group dialout; docs/wiring.md has more."
        yield Check(part, Condition.FAIL, problem, step)
    else:
        yield Check(part, Condition.OK, f"{settings.device} is there; only a badge held to it shows more")


def _thermometer(lane: LaneSettings) -> Checks:
    part, settings = f"{lane.id} thermometer", lane.thermometer
    if settings.driver == "none":
        return
    if settings.driver == "simulated":
        step = "Set thermometer.driver to the module in use."
        yield Check(part, Condition.WARN, "simulated: measures nobody", step)
        return
    raw = read_once(settings)
    if raw is None:
        step = "Stand before it and look again; check baud and that it sends text (docs/wiring.md)."
        yield Check(part, Condition.WARN, "the port opens, and nothing is said", step)
    elif fault := fault_of(raw):
        step = "Check its wiring, and `address`, `scale` and `registers`; else replace it."
        yield Check(part, Condition.FAIL, f"the module {fault}", step)
    else:
        around = "" if raw.ambient_c is None else f", {raw.ambient_c:.1f} °C around it"
        counted = f"counted as {body_temperature(raw, settings):.1f} °C"
        yield Check(part, Condition.OK, f"answers: {raw.object_c:.1f} °C{around}, {counted}")
