"""Runs an agent in a process of its own, to be killed by a test: folder, port."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from sync.edge.agent import EdgeAgent, HealthTexts
from sync.edge.settings import CentreSettings
from sync.store import LocalStore, StoreKey
from tests.sync.edge.conftest import GATE, SITE, SystemClock

folder, port = Path(sys.argv[1]), int(sys.argv[2])
agent = EdgeAgent(
    CentreSettings(
        enabled=True,
        broker=f"mqtt://127.0.0.1:{port}",
        gate_key_file=folder / "gate.key",
        site_key_file=folder / "site.key",
        centre_public_key_file=folder / "centre.pub",
    ),
    LocalStore.open(folder / "sitegate.db", StoreKey.load(folder / "store.key", "")),
    site_id=SITE,
    gate_id=GATE,
    clock=SystemClock(),
    health=HealthTexts,
    on_command=lambda _: (True, ""),
    on_roster_changed=lambda: None,
    version="1.2.3",
)
agent.start()
threading.Event().wait()
