"""Finding people by name, pinyin, number, team or phone among tens of thousands, in memory."""

from __future__ import annotations

import functools
import itertools
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from pypinyin import Style, pinyin

from sync.records import Worker, WorkerStatus

MAX_READINGS = 16
"""Ways to read one name: a few characters of several readings each make enough of them."""

_MARK = "|"


@dataclass(frozen=True, slots=True)
class _Entry:
    worker_id: str
    status: WorkerStatus
    text: str
    sounds: str


class NameIndex:
    """Texts and sounds of the roster's workers. Not safe for threads: its owner locks.

    Example:
        >>> index = NameIndex()
        >>> index.put(Worker(worker_id="W-1", name="张三", site_ids=("s",)))
        >>> index.find("zs")
        ['W-1']
    """

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._order: list[str] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, worker: Worker) -> None:
        """Add a worker or replace what was known of one."""
        words = (worker.worker_id, worker.name, worker.employer, worker.team, worker.trade, worker.phone)
        if worker.worker_id not in self._entries:
            self._order = None
        self._entries[worker.worker_id] = _Entry(
            worker.worker_id, worker.status, _plain("\n".join(words)), sounds_of(worker.name)
        )

    def remove(self, worker_id: str) -> None:
        """Somebody who is not there is no error."""
        if self._entries.pop(worker_id, None) is not None:
            self._order = None

    def find(self, query: str, *, status: WorkerStatus | None = None, also: Iterable[str] = ()) -> list[str]:
        """Numbers of the workers who fit every word of the query, in order; `also` fit in any case.

        A word fits somewhere in number, name, employer, team, trade or phone, or as the beginning of the
        name's pinyin, its initials, or those from a later character on.
        """
        words = _plain(query).split()
        others = set(also)
        if self._order is None:
            self._order = sorted(self._entries)
        return [
            worker_id
            for worker_id in self._order
            if _fits(self._entries[worker_id], words, status, worker_id in others)
        ]


def _fits(entry: _Entry, words: list[str], status: WorkerStatus | None, is_other: bool) -> bool:
    if status is not None and entry.status is not status:
        return False
    return is_other or all(word in entry.text or f"{_MARK}{word}" in entry.sounds for word in words)


@functools.lru_cache(maxsize=4096)
def sounds_of(name: str) -> str:
    """Every beginning by which a name is looked for: pinyin and initials from each character on."""
    readings = [_readings(character) for character in name if _readings(character)]
    if not readings:
        return ""
    found: dict[str, None] = {}
    # The first character in all its readings before the second: surnames are read in ways of their own.
    for backwards in itertools.islice(itertools.product(*reversed(readings)), MAX_READINGS):
        reading = backwards[::-1]
        initials = "".join(syllable[0] for syllable in reading)
        for start in range(len(reading)):
            found["".join(reading[start:])] = None
            found[initials[start:]] = None
    return _MARK + _MARK.join(found)


@functools.lru_cache(maxsize=30_000)
def _readings(character: str) -> tuple[str, ...]:
    """All syllables of one character, the commonest first; nothing for what is no Chinese character."""
    if not "\u3400" <= character <= "\U0003ffff":
        return ()
    found = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
    return tuple(dict.fromkeys(syllable for syllables in found for syllable in syllables))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
