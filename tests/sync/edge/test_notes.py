"""Records and questions of a kiosk between the real ends: sealed, taken once, answered."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from sqlalchemy import Connection, func, select

from sync.central import site_registry, tables_people
from sync.central.ask_handlers import HANDLERS as ANSWERS
from sync.central.asks import AskContext, AskRefused
from sync.central.database import Database
from sync.central.note_handlers import HANDLERS
from sync.central.notes import NOT_A_KIOSK, NoteContext, NoteRefused
from sync.central.service import CentralService
from sync.records import Record
from sync.store.asks import Reply
from tests.sync.edge.brokers import Mosquitto
from tests.sync.edge.conftest import GATE, SITE, Rig
from tests.sync.edge.scripted_centre import eventually
from tests.sync.edge.test_with_the_centre import service as service  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.slow  # a real broker: seconds each


class Paper(Record):
    """Any record: what travels is not looked at on the way."""

    text: str


def be_a_kiosk(service: CentralService) -> None:
    with service.database.write() as connection:
        site_registry.set_kiosk(connection, SITE, GATE, is_kiosk=True)


def taken(service: CentralService) -> int:
    with service.database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(tables_people.notes_taken)) or 0)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[NoteContext, str]]:
    """What the handler of declarations took. To be asked for before the service, which copies the table."""
    taken: list[tuple[NoteContext, str]] = []

    def handler(connection: Connection, context: NoteContext, text: str) -> Mapping[str, int]:
        if "refuse" in text:
            raise NoteRefused("not today")
        if "fault" in text:
            raise KeyError(text)
        taken.append((context, json.loads(text)["text"]))
        return {}

    monkeypatch.setitem(HANDLERS, "declaration", handler)
    return taken


@pytest.fixture
def echoing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The centre answers questions of the kind `echo`. To be asked for before the service."""

    def echo(_: Database, context: AskContext, body: str) -> str:
        if body == "refuse":
            raise AskRefused("no such worker")
        return f"{context.gate_id}: {body}"

    monkeypatch.setitem(ANSWERS, "echo", echo)


def test_a_record_of_a_kiosk_is_taken_once_and_one_that_is_refused_is_shown(
    seen: list[tuple[NoteContext, str]], rig: Rig, broker: Mosquitto, service: CentralService
) -> None:
    be_a_kiosk(service)
    for name in ("good", "refuse", "fault"):
        rig.store.put_note("declaration", Paper(text=name), record_id=f"R-{name}", subject="worker:W-1")
    rig.store.put_note("declaration", Paper(text="again"), record_id="R-good", subject="worker:W-1")
    rig.run(broker.port)
    eventually(lambda: rig.store.outbox_depth() == 0, "everything was answered")
    assert [(context.record_id, text) for context, text in seen] == [("R-good", "good")]
    assert taken(service) == 1, "what was refused is not remembered as taken"
    refused = {record_id: reason for _, record_id, _, reason in rig.store.notes_refused()}
    assert refused["R-refuse"] == "not today"
    assert "log" in refused["R-fault"]
    assert rig.store.note_state("R-good").taken


def test_a_box_that_is_no_kiosk_can_send_no_record_and_ask_nothing(
    rig: Rig, broker: Mosquitto, service: CentralService
) -> None:
    rig.store.put_note("declaration", Paper(text="x"), record_id="R-1", subject="worker:W-1")
    rig.run(broker.port)
    eventually(lambda: rig.store.outbox_depth() == 0, "the record was answered")
    assert rig.store.note_state("R-1").parked_reason == NOT_A_KIOSK
    assert taken(service) == 0
    assert "kiosk" in answer_to(rig, "echo", "{}").problem


def test_a_question_is_answered_by_the_centre(
    echoing: None, rig: Rig, broker: Mosquitto, service: CentralService
) -> None:
    be_a_kiosk(service)
    rig.run(broker.port)
    assert answer_to(rig, "echo", "谁") == Reply(f"{GATE}: 谁")
    assert answer_to(rig, "echo", "refuse") == Reply("", "no such worker")
    assert "does not know" in answer_to(rig, "other", "").problem


def answer_to(rig: Rig, kind: str, body: str) -> Reply:
    ask_id = rig.store.ask(kind, body)
    eventually(lambda: rig.store.reply(ask_id) is not None, "an answer")
    reply = rig.store.reply(ask_id)
    assert reply is not None
    return reply
