"""What the door contact says about the people the door was opened for. Pure: times are passed in."""

from __future__ import annotations

from dataclasses import dataclass

from sync.records import Passage


@dataclass(slots=True)
class _Opening:
    event_id: str
    at_s: float
    door_was_open: bool
    """The contact was open at some time since, whoever went through."""


class PassageWatch:
    """Attributes the openings of the contact to the events the door was opened for, oldest first.

    passed      the door opened and shut again
    not passed  it did not open within `passage_timeout_s`
    held open   it opened and was still open after `held_open_s`
    unknown     it opened once for two people: one contact cannot tell who of them went through
    """

    def __init__(self, passage_timeout_s: float, held_open_s: float) -> None:
        self._passage_timeout_s = passage_timeout_s
        self._held_open_s = held_open_s
        self._openings: list[_Opening] = []
        self._settled: list[tuple[str, Passage]] = []
        self._open_since_s: float | None = None
        self._held_open = False

    @property
    def held_open(self) -> bool:
        """The door is open for longer than `held_open_s` and nobody holds it open on purpose."""
        return self._held_open

    def opened_for(self, event_id: str, at_s: float) -> None:
        """The relay let somebody through."""
        self._openings.append(_Opening(event_id, at_s, self._open_since_s is not None))

    def contact(self, is_open: bool, at_s: float) -> None:
        """The contact changed."""
        if is_open:
            self._open_since_s = at_s
            for opening in self._openings:
                opening.door_was_open = True
            return
        self._open_since_s = None
        self._held_open = False
        self._settle_oldest(Passage.PASSED)

    def due(self, now_s: float, *, expected_open: bool) -> list[tuple[str, Passage]]:
        """(event id, passage) of all that is settled by now, each once.

        expected_open: a fire alarm or a guard holds the door open; then nobody is blamed for that.
        """
        self._watch_open_door(now_s, expected_open=expected_open)
        still_waiting = []
        for opening in self._openings:
            if now_s - opening.at_s < self._passage_timeout_s:
                still_waiting.append(opening)
            elif not opening.door_was_open:
                self._settled.append((opening.event_id, Passage.NOT_PASSED))
            elif self._open_since_s is None:
                self._settled.append((opening.event_id, Passage.UNKNOWN))
            elif self._held_open:
                self._settled.append((opening.event_id, Passage.HELD_OPEN))
            else:
                still_waiting.append(opening)
        self._openings = still_waiting
        settled, self._settled = self._settled, []
        return settled

    def _watch_open_door(self, now_s: float, *, expected_open: bool) -> None:
        if self._open_since_s is None:
            return
        if expected_open:
            self._open_since_s = now_s
            self._held_open = False
        elif not self._held_open and now_s - self._open_since_s >= self._held_open_s:
            self._held_open = True
            self._settle_oldest(Passage.HELD_OPEN)

    def _settle_oldest(self, passage: Passage) -> None:
        for index, opening in enumerate(self._openings):
            if opening.door_was_open:
                self._settled.append((opening.event_id, passage))
                del self._openings[index]
                return
