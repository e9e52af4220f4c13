"""Executes what the centre orders: signed, in time, once, written down and answered."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from sync.edge.centre_time import CentreTime, Clock
from sync.edge.status import Refusals
from sync.errors import StoreError
from sync.store import LocalStore
from sync.wire import topics
from sync.wire.messages import Action, Answer, Command, Message

log = logging.getLogger(__name__)

REMEMBERED_ANSWERS = 64
MAX_DETAIL_CHARS = 16_000
TIME_PATIENCE_S = 5.0
"""The first command of a connection may overtake the answer that says what time it is at the centre."""

Execute = Callable[[Command], tuple[bool, str]]
"""Does what a command says; whether it was done, and words for the person who ordered it."""


class CommandDesk:
    """Used by one thread alone, so that a repeated command waits for the first one's end."""

    def __init__(
        self,
        store: LocalStore,
        *,
        clock: Clock,
        centre_time: CentreTime,
        refusals: Refusals,
        execute: Execute,
        publish: Callable[[str, Message], bool],
    ) -> None:
        self._store = store
        self._clock = clock
        self._centre_time = centre_time
        self._refusals = refusals
        self._execute = execute
        self._publish = publish
        self._unsent: deque[Answer] = deque(maxlen=REMEMBERED_ANSWERS)

    def receive(self, command: Command) -> None:
        """Execute a command unless it is late or was executed before, and answer it.

        A question changes nothing and is about a person: it is not written down, and answered anew.
        """
        if command.action is Action.EXPLAIN:
            self._answer(command, *self._done(command))
            return
        try:
            new = self._store.command_begin(
                command.command_id,
                action=command.action.value,
                lane_id=command.lane_id,
                issued_by=command.issued_by,
                reason=command.reason,
            )
        except StoreError:
            self._answer(command, False, "not executed: it could not be written down")
            raise
        if not new:
            self._refusals.count("replayed")
            kept = self._store.command(command.command_id)
            if kept is None or kept.done is None:
                self._answer(command, False, "interrupted: it is not known whether it was done")
            else:
                self._answer(command, kept.done, kept.detail)
            return
        done, detail = self._done(command)
        self._store.command_finish(command.command_id, done=done, detail=detail)
        self._answer(command, done, detail)

    def flush(self) -> None:
        """Send answers that could not be sent before."""
        while self._unsent and self._publish(topics.ANSWER, self._unsent[0]):
            self._unsent.popleft()

    def _done(self, command: Command) -> tuple[bool, str]:
        if not self._centre_time.wait_known(TIME_PATIENCE_S):
            log.warning("command %s is judged by this gate's own clock", command.command_id)
        if command.expires_at <= self._centre_time.now():
            self._refusals.count("expired")
            log.warning("command %s came too late", command.command_id)
            return False, "expired"
        log.info("command %s: %s", command.command_id, command.action.value)
        try:
            done, detail = self._execute(command)
        except Exception as error:
            # Whatever the gate's part failed of, the person who waits must hear of it.
            log.exception("command %s", command.command_id)
            return False, f"failed: {type(error).__name__}"
        return done, detail[:MAX_DETAIL_CHARS]

    def _answer(self, command: Command, done: bool, detail: str) -> None:
        answer = Answer(command_id=command.command_id, done=done, detail=detail, at=self._clock.now())
        self._unsent.append(answer)
        self.flush()
