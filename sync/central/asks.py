"""Questions of kiosks to the centre: opened, answered by the function of their kind, sealed again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError

from sync.central import reception, tables
from sync.central.database import Database
from sync.central.desk import Publish
from sync.central.errors import CentralError
from sync.central.reception import Arrival, GateName, Refusal
from sync.central.signer import Signer
from sync.wire import topics
from sync.wire.envelope import Envelope, MessageRefused
from sync.wire.messages import Ask, AskReply
from sync.wire.sealing import seal_text, unseal_text

log = logging.getLogger(__name__)


class AskRefused(CentralError, ValueError):
    """The question has no answer; the text goes to the person at the kiosk."""


@dataclass(frozen=True, slots=True)
class AskContext:
    """Which kiosk asks, and when."""

    site_id: str
    gate_id: str
    now: datetime


AskHandler = Callable[[Database, AskContext, str], str]
"""JSON of the question → JSON of the answer. Raises AskRefused."""


class AskDesk:
    """Serves one question after the other, in a thread of its own: a long search holds nothing else up."""

    def __init__(
        self,
        database: Database,
        signer: Signer,
        publish: Publish,
        now: Callable[[], datetime],
        handlers: Mapping[str, AskHandler],
    ) -> None:
        self._database = database
        self._signer = signer
        self._publish = publish
        self._now = now
        self._handlers = handlers

    def serve(self, arrivals: Sequence[Arrival]) -> None:
        """Raises sqlalchemy.exc.OperationalError where the database is away; serving again is harmless."""
        with self._database.read() as connection:
            received = reception.receive(connection, arrivals)
        refusals = list(received.refusals)
        for arrival, envelope in received.opened:
            gate = (envelope.address.site_id, envelope.address.gate_id)
            cause = self._one(gate, envelope)
            if cause:
                refusals.append(Refusal(gate, cause, arrival.received_at))
        if refusals:
            with self._database.write() as connection:
                reception.note(connection, refusals, [])

    def _one(self, gate: GateName, envelope: Envelope) -> str:
        """The cause of a refusal that is only counted, or nothing."""
        try:
            ask = Ask.model_validate_json(envelope.body)
        except ValidationError:
            return "malformed"
        if ask.expires_at <= self._now():
            return "expired"
        key = self._key(gate)
        if key is None:
            self._reply(gate, AskReply(ask_id=ask.ask_id, problem="this box is not registered as a kiosk"))
            return "not_a_kiosk"
        try:
            body = unseal_text(ask.sealed, site_key=key, bound_to=ask.ask_id)
        except MessageRefused as error:
            return error.cause
        self._reply(gate, self._answer(gate, ask, body, key))
        return ""

    def _answer(self, gate: GateName, ask: Ask, body: str, key: bytes) -> AskReply:
        handler = self._handlers.get(ask.kind)
        if handler is None:
            return AskReply(ask_id=ask.ask_id, problem="this centre does not know such questions")
        try:
            answer = handler(self._database, AskContext(*gate, self._now()), body)
        except AskRefused as error:
            return AskReply(ask_id=ask.ask_id, problem=str(error))
        except ValidationError:
            return AskReply(ask_id=ask.ask_id, problem="the question is malformed")
        except OperationalError:
            raise
        except DBAPIError as error:
            # PostgreSQL's own text repeats the row, which names somebody.
            fault = type(error.orig).__name__
            log.error("a question of kind %s of kiosk %s/%s was not answered: %s", ask.kind, *gate, fault)
            return AskReply(ask_id=ask.ask_id, problem="the centre could not answer; its log says why")
        except Exception:
            log.exception("a question of kind %s of kiosk %s/%s was not answered", ask.kind, *gate)
            return AskReply(ask_id=ask.ask_id, problem="the centre could not answer; its log says why")
        return AskReply(ask_id=ask.ask_id, sealed=seal_text(answer, site_key=key, bound_to=ask.ask_id))

    def _reply(self, gate: GateName, reply: AskReply) -> None:
        self._publish(*self._signer.down(gate[0], topics.REPLY, reply, gate_id=gate[1]))

    def _key(self, gate: GateName) -> bytes | None:
        """The site's sealing key; None for a gate that is no kiosk."""
        gates, sites = tables.gates.c, tables.sites.c
        query = (
            select(sites.sealing_key)
            .join_from(tables.gates, tables.sites, gates.site_id == sites.site_id)
            .where(gates.site_id == gate[0], gates.gate_id == gate[1], gates.is_kiosk)
        )
        with self._database.read() as connection:
            key = connection.scalar(query)
        return None if key is None else bytes(key)
