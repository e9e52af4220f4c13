"""What the centre wants the guards of the site to know now; kept, so that it outlives a cut and a restart."""

from __future__ import annotations

import logging

from pydantic import ValidationError

from sync.store import LocalStore
from sync.wire.messages import Notice, NoticeBoard

log = logging.getLogger(__name__)

_STATE = "notices"


class NoticeKeeper:
    """Written by one thread, read by any."""

    def __init__(self, store: LocalStore) -> None:
        """Raises StoreError."""
        self._store = store
        self._board: NoticeBoard | None = _kept(store)

    @property
    def notices(self) -> tuple[Notice, ...]:
        board = self._board
        return () if board is None else board.notices

    def receive(self, board: NoticeBoard) -> None:
        """The whole board takes the place of the last one; an older one, of a slow broker, does not."""
        if self._board is not None and board.at <= self._board.at:
            return
        self._store.put_state(_STATE, board.model_dump(mode="json"))
        self._board = board


def _kept(store: LocalStore) -> NoticeBoard | None:
    kept = store.state(_STATE)
    if kept is None:
        return None
    try:
        return NoticeBoard.model_validate(kept)
    except ValidationError:
        log.warning("the notices kept here cannot be read; the centre sends them again")
        return None
