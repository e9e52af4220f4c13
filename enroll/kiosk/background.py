"""What the kiosk does beside its pages: erase what is overdue; talk to the centre if nobody else does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from enroll.kiosk.office import KioskOffice
from models.clock import SystemClock
from sync.edge.agent import EdgeAgent
from sync.edge.status import HealthTexts
from sync.errors import StoreError
from sync.wire.messages import Command

log = logging.getLogger(__name__)

ERASE_EVERY_S = 600.0


@contextmanager
def background(office: KioskOffice, *, version: str) -> Iterator[None]:
    """Runs for the length of the body. With `kiosk.sync` raises what `EdgeAgent` raises."""
    stop = threading.Event()
    eraser = threading.Thread(target=_erase_overdue, args=(office, stop), name="kiosk eraser", daemon=True)
    with ExitStack() as running:
        if office.settings.kiosk.sync and office.settings.centre.enabled:
            agent = _agent(office, version)
            agent.start()
            running.callback(agent.stop)
        # An import stops behind its last settled row, and goes on when somebody says so.
        running.callback(office.imports.close)
        eraser.start()
        running.callback(eraser.join)
        running.callback(stop.set)
        yield


def erase_overdue(office: KioskOffice) -> int:
    """Erase abandoned registrations and uploads, old questions, faces and photos that are overdue."""
    office.store.forget_asks()
    abandoned = office.drafts.erase_abandoned() + office.imports.erase_abandoned()
    abandoned += office.retention.erase_due()
    return abandoned + office.store.delete_expired_attachments(office.now())


def _erase_overdue(office: KioskOffice, stop: threading.Event) -> None:
    while True:
        try:
            if count := erase_overdue(office):
                log.info("erased %d overdue drafts, uploads, faces and pictures", count)
        except StoreError as error:
            log.error("overdue data could not be erased: %s %s", error, error.next_step)
        if stop.wait(ERASE_EVERY_S):
            return


def _agent(office: KioskOffice, version: str) -> EdgeAgent:
    settings = office.settings
    return EdgeAgent(
        settings.centre,
        office.store,
        site_id=settings.site.id,
        gate_id=settings.gate.id,
        clock=SystemClock(),
        health=HealthTexts,
        on_command=_no_command,
        on_roster_changed=lambda: None,
        version=version,
    )


def _no_command(command: Command) -> tuple[bool, str]:
    return False, "a kiosk has no door"
