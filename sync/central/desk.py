"""What gates ask and say beside their events: signs of life, roster wants, answers to commands."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy.exc import DataError

from sync.central import commands, gate_signs, reception, roster_log
from sync.central.database import Database
from sync.central.reception import Arrival, GateName, Refusal
from sync.central.roster_log import Digests
from sync.central.signer import Signer
from sync.wire import topics
from sync.wire.envelope import Envelope
from sync.wire.messages import Answer, Health, Hello, RosterWant

log = logging.getLogger(__name__)

Publish = Callable[[str, bytes], bool]


class Desk:
    """Serves one message after the other; used by one thread."""

    def __init__(
        self, database: Database, signer: Signer, publish: Publish, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._signer = signer
        self._publish = publish
        self._now = now
        self._digests = Digests()

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
        if refusals or received.suspects:
            with self._database.write() as connection:
                reception.note(connection, refusals, received.suspects)

    def _one(self, gate: GateName, envelope: Envelope) -> str:
        """The cause of a refusal, or nothing."""
        if b"\\u0000" in envelope.body:  # no text of ours holds it, and PostgreSQL does not take it
            return "malformed"
        try:
            if envelope.address.kind == topics.WANT:
                self._answer(gate, RosterWant.model_validate_json(envelope.body))
                return ""
            return self._note(gate, envelope)
        except ValidationError:
            return "malformed"
        except DataError:
            return "unstorable"

    def _note(self, gate: GateName, envelope: Envelope) -> str:
        now = self._now()
        with self._database.write() as connection:
            if envelope.address.kind == topics.HELLO:
                gate_signs.hello(
                    connection, gate, envelope.counter, Hello.model_validate_json(envelope.body), now
                )
            elif envelope.address.kind == topics.HEALTH:
                gate_signs.health(
                    connection, gate, envelope.counter, Health.model_validate_json(envelope.body), now
                )
            elif not commands.answered(connection, gate, Answer.model_validate_json(envelope.body), now):
                log.info("gate %s/%s answers a command that is answered already, or not its own", *gate)
        return ""

    def _answer(self, gate: GateName, want: RosterWant) -> None:
        with self._database.read() as connection:
            part = roster_log.answer(connection, self._digests, gate[0], want)
        self._publish(*self._signer.down(gate[0], topics.ROSTER, part, gate_id=gate[1]))
