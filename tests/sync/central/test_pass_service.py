"""A fever declared at a kiosk, through a real broker and the whole centre, to the roster of a gate."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from sync.central import registry, site_registry, tables
from sync.central.keys import signing_key
from sync.central.service import CentralService
from sync.central.settings import BrokerSettings, CentreSettings
from sync.declarations import WORKER_FORM, Declaration
from sync.health_pass import PassColour, pass_at
from sync.wire import topics
from sync.wire.messages import Ack, Batch, BatchItem, RosterHead, RosterPart, RosterWant
from sync.wire.sealing import seal_text
from tests.sync.central.gate_box import SITE, a_gate, a_site
from tests.sync.central.gate_client import PATIENCE_S, GateClient
from tests.sync.samples import a_worker


def test_a_declared_fever_is_red_in_the_roster_of_the_gate(
    migrated_sqlite: Path, mosquitto: str, tmp_path: Path
) -> None:
    settings = CentreSettings(
        database=f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path)}",
        keys=tmp_path / "keys",
        broker=BrokerSettings(url=mosquitto),
        poll=timedelta(hours=1),  # what is announced is what was poked, not what was found by looking
    )
    now = datetime.now(UTC)
    declaration = Declaration(
        form_id=WORKER_FORM,
        form_version=1,
        site_id=SITE,
        worker_id="W-1",
        local_day=now.date(),
        declared_at=now,
        source="kiosk",
        answers={
            "health": ["fever"],
            "affected": False,
            "contact": False,
            "travelled": False,
            "lodging": "dormitory",
            "lodging_place": "示例楼",
            "truthful": True,
        },
    )
    with CentralService(settings) as service:
        a_site(service.database)
        box = a_gate(service.database)
        with service.database.write() as connection:
            site_registry.put_site(connection, SITE, name="示例", timezone="UTC", now=now)
            site_registry.set_kiosk(connection, SITE, box.gate_id, is_kiosk=True)
            before = registry.put_worker(connection, a_worker("W-1", site_ids=(SITE,)), now=now)[SITE]
            key = bytes(connection.scalar(select(tables.sites.c.sealing_key)) or b"")
        assert service.wait_connected(PATIENCE_S)
        with GateClient(box, service.broker_url, signing_key(settings.keys).public_key()) as gate:
            item = BatchItem(
                item_id=1,
                kind="declaration",
                payload=seal_text(declaration.model_dump_json(), site_key=key, bound_to="decl-1"),
                record_id="decl-1",
            )
            gate.say(topics.BATCH, Batch(batch_id="b-1", boot_id="boot", replay=False, items=(item,)))
            assert gate.hear(topics.ACK, Ack).accepted == (1,)
            head = gate.hear(topics.HEAD, RosterHead, lambda one: one.version > before)
            gate.say(topics.WANT, RosterWant(have_version=before, reason="head"))
            part = gate.hear(topics.ROSTER, RosterPart)
    assert part.to_version == head.version
    (entry,) = part.entries
    assert entry.worker is not None
    status = pass_at(entry.worker.flags, entry.worker.clearances, now)
    assert (status.colour, status.cause, status.until) == (PassColour.RED, "fever", None)
