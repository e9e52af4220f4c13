"""The demo's second half: somebody comes by the kiosk alone, passes the gate, and takes the consent back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from ruamel.yaml import YAML

from gate.clock import SystemClock
from gate.demo.people import A
from gate.demo.visit import KioskVisit
from gate.errors import GateError
from gate.settings import Settings
from sync.edge.agent import EdgeAgent
from sync.edge.status import HealthTexts
from sync.store import LocalStore
from sync.wire.messages import Command

COURSE = "safety-induction"
QUICK_PAGE_S, QUICK_COURSE_S = 5, 30
"""Waiting times of the demo's copy of the course; the shipped one takes two minutes."""
POLL_S = 0.05
PATIENCE_S = 60.0


class QuickCourse:
    """A copy of the shipped course with short waiting times, and the right answers to its questions."""

    def __init__(self, shipped: Path, folder: Path) -> None:
        yaml = YAML(typ="safe")
        manifest: dict[str, Any] = yaml.load((shipped / "manifest.yaml").read_text(encoding="utf-8"))
        manifest["min_seconds"] = QUICK_COURSE_S
        for page in manifest["pages"]:
            page["min_seconds"] = QUICK_PAGE_S
        target = folder / COURSE
        target.mkdir(parents=True, exist_ok=True)
        for file in shipped.iterdir():
            if file.name != "manifest.yaml":
                (target / file.name).write_bytes(file.read_bytes())
        with (target / "manifest.yaml").open("w", encoding="utf-8") as out:
            yaml.dump(manifest, out)
        self.folder = folder
        self.title: str = manifest["title"]["zh"]
        self.answers = {
            question["text"]["zh"]: tuple(question["options"][place]["zh"] for place in question["right"])
            for question in manifest["questions"]
        }


def register_and_train(
    visit: KioskVisit, course: QuickCourse, settings: Settings, store: LocalStore, console: Console
) -> bool:
    """Through the pages of the kiosk, until the gate knows the newcomer and the training."""
    with gate_follows(settings, store):
        console.print(f"    a browser registers {A.name} at the kiosk: identity, consent, capture")
        confirmed_s = visit.register(A)
        until(lambda: bool(store.templates(A.worker_id)), "the newcomer reaches the gate")
        delay_s = time.monotonic() - confirmed_s
        console.print(f"    confirmed at the kiosk → templates at the gate: {delay_s:.2f} s")
        visit.see_registered()
        passed = visit.learn(course.title, course.answers)
        console.print(f"    course {course.title}: {'passed' if passed else '[red]NOT passed[/]'}")
        if passed:
            until(lambda: bool(store.worker(A.worker_id).clearances), "the training reaches the gate")
        return passed


def lock_out(visit: KioskVisit, store: LocalStore, console: Console) -> None:
    """The consent is withdrawn at the kiosk, until the gate has no template any more. Raises GateError."""
    receipt = visit.withdraw_face(A.worker_id)
    console.print(f"consent of {A.name} withdrawn at the kiosk; the receipt says:")
    for line in receipt:
        console.print(f"    {line}")
    until(lambda: not store.templates(A.worker_id), "the face is gone from the gate")


@contextmanager
def gate_follows(settings: Settings, store: LocalStore) -> Iterator[None]:
    """The gate's end of the sync, before its lanes run."""
    agent = EdgeAgent(
        settings.centre,
        store,
        site_id=settings.site.id,
        gate_id=settings.gate.id,
        clock=SystemClock(),
        health=HealthTexts,
        on_command=_no_command,
        on_roster_changed=lambda: None,
        version="demo",
    )
    agent.start()
    try:
        yield
    finally:
        agent.stop()


def _no_command(_: Command) -> tuple[bool, str]:
    return False, "the gate is not running yet"


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition. Raises GateError."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise GateError(f"in vain: {what}", next_step="see central.log and kiosk.log under var/demo")
        time.sleep(POLL_S)
