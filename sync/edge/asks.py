"""Carries questions of this box to the centre and brings the answers back into the store."""

from __future__ import annotations

from collections.abc import Callable

from sync.store import LocalStore
from sync.wire import topics
from sync.wire.envelope import MessageRefused
from sync.wire.messages import Ask, AskReply, Message
from sync.wire.sealing import seal_text, unseal_text


class AskDesk:
    """Used by one thread alone."""

    def __init__(
        self, store: LocalStore, *, site_key: bytes, publish: Callable[[str, Message], bool]
    ) -> None:
        self._store = store
        self._site_key = site_key
        self._publish = publish

    def tick(self, *, connected: bool) -> None:
        """Send what was asked; without a connection it waits until it expires."""
        if not connected:
            return
        for question in self._store.asks_unsent():
            sealed = seal_text(question.body, site_key=self._site_key, bound_to=question.ask_id)
            ask = Ask(
                ask_id=question.ask_id, kind=question.kind, sealed=sealed, expires_at=question.expires_at
            )
            if self._publish(topics.ASK, ask):
                self._store.ask_sent(question.ask_id)

    def answered(self, reply: AskReply) -> None:
        """Raises MessageRefused: it cannot be opened, or answers nothing that was asked."""
        answer = ""
        if not reply.problem:
            answer = unseal_text(reply.sealed, site_key=self._site_key, bound_to=reply.ask_id)
        if not self._store.ask_answered(reply.ask_id, answer=answer, problem=reply.problem):
            raise MessageRefused(f"an answer to {reply.ask_id}, which nobody asked", cause="replayed")
