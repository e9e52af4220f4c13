"""Bringing one terminal's list to the target: one command at a time, every person's result kept.

Pure but for the photos: the time is passed in, commands come out, answers go in. People are removed before
others are added. A terminal takes one batch at a time and is busy (410) meanwhile.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from sync.records import Worker
from sync.vendor.commands import (
    ADD_MANY,
    DELETE_MANY,
    EDIT_MANY,
    EDIT_ONE,
    MAX_ADDED,
    MAX_DELETED,
    MAX_NAME,
    QUERY,
    Command,
    Person,
    batches,
    data_uri,
    delete_people,
    edit_people,
    edit_person,
    query_people,
)
from sync.vendor.errors import CommandInvalid
from sync.vendor.messages import Answer
from sync.vendor.roster import NO_PHOTO, Outstanding, PhotoSource, Wanted
from sync.vendor.terminals import Terminal

REASONS = {
    410: "terminal_busy",
    460: "command_too_large",
    461: "id_refused",
    463: "photo_unreadable",
    464: "no_face_in_photo",
    465: "terminal_database",
    467: "terminal_full",
    468: "photo_too_small",
    469: "photo_too_large",
    470: "photo_address_unknown",
    471: "photo_not_reachable",
    472: "photo_missing",
    474: "terminal_full",
    478: "looks_like_somebody_else",
}
"""Error codes of the vendor's table that say something to a person."""

PERMANENT = frozenset({461, 463, 464, 468, 469, 472, 478})
"""The same photo will fail again: tried anew only when the worker's entry changes."""

UNANSWERED, NOT_CONFIRMED, STILL_THERE = "unanswered", "not_confirmed", "not_deleted"

FIRST_RETRY_S = 10.0
LAST_RETRY_S = 3600.0
ANSWER_LIMIT_S = {EDIT_MANY: 600.0, ADD_MANY: 600.0, EDIT_ONE: 30.0, DELETE_MANY: 60.0, QUERY: 30.0}
"""How long to wait for an answer: a batch fetches up to 1,000 photos; 200 deletions take about 7 s."""
MAX_UNANSWERED_QUERIES = 2
"""Some firmware has no QueryPerson; then our own ledger has to do."""


@dataclass(slots=True)
class _Trouble:
    """Somebody who failed: `digest` is what was tried, "" a deletion."""

    digest: str
    reason: str
    attempts: int
    again_at: float
    permanent: bool


@dataclass(slots=True)
class _Flight:
    command: Command
    digests: Mapping[str, str]
    until: float


@dataclass(slots=True)
class RosterPush:
    """The state of one terminal's list. `held` is what it confirmed: worker id → digest."""

    terminal: Terminal
    photos: PhotoSource
    held: dict[str, str] = field(default_factory=dict)
    wanted: Wanted = field(default_factory=Wanted)
    strays: tuple[str, ...] = ()
    batches_sent: int = 0
    late_answers: int = 0
    _trouble: dict[str, _Trouble] = field(default_factory=dict)
    _flight: _Flight | None = None
    _query_due: bool = True
    _queries_unanswered: int = 0
    _pause_until: float = 0.0
    _idle: bool = False
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _run: str = field(default_factory=lambda: secrets.token_hex(4))

    def aim(self, target: Wanted) -> None:
        """The terminal should hold this from now on."""
        self.wanted = target
        self._pause_until, self._idle = 0.0, False
        for worker_id in [one for one in self._trouble if not self._concerned(one)]:
            del self._trouble[worker_id]

    def reconnected(self) -> None:
        """The terminal may have been reset or replaced: ask what it holds; no answer is awaited any more."""
        self._flight = None
        self._query_due = True
        self._queries_unanswered = 0
        self._pause_until, self._idle = 0.0, False

    @property
    def in_flight(self) -> bool:
        return self._flight is not None

    def is_free_of(self, worker_id: str) -> bool:
        """Whether the terminal said what it holds, and neither holds this worker nor is to get him."""
        on_its_way = self._flight is not None and worker_id in self._flight.digests
        is_known = not self._query_due and not on_its_way
        return is_known and not any(
            worker_id in some for some in (self.held, self.strays, self.wanted.digests)
        )

    def outstanding(self) -> tuple[Outstanding, ...]:
        """Everybody who is not as they should be, and why; in the order of their numbers."""
        rows = {one.worker_id: one for one in self.wanted.impossible}
        for worker_id in self._missing() + self._surplus():
            trouble = self._trouble.get(worker_id)
            rows[worker_id] = (
                Outstanding(worker_id, trouble.reason, trouble.attempts)
                if trouble
                else Outstanding(worker_id, "waiting")
            )
        return tuple(rows[worker_id] for worker_id in sorted(rows))

    def next(self, now: float) -> Command | None:
        """The next command to send, if it is time for one; sent until an answer, or time, says otherwise."""
        if self._flight is not None:
            if now < self._flight.until:
                return None
            self._give_up(now)
        if self._idle or now < self._pause_until:
            return None
        command, digests = self._choose(now)
        if command is None:
            self._rest()
            return None
        self._flight = _Flight(command, digests, now + ANSWER_LIMIT_S[command.operator])
        self.batches_sent += command.operator in (EDIT_MANY, ADD_MANY, DELETE_MANY)
        return command

    def not_sent(self, now: float, *, pause_s: float = 1.0) -> None:
        """The command did not leave: nothing happened, try again after a pause."""
        self._flight, self._idle = None, False
        self._pause_until = now + pause_s

    def answer(self, answer: Answer, now: float) -> bool:
        """Takes in an answer; False when it belongs to nothing that is awaited."""
        flight = self._flight
        if flight is None or not _belongs(answer, flight.command):
            self.late_answers += 1
            return False
        self._flight, self._idle = None, False
        if answer.code == 410:
            self._pause_until = now + FIRST_RETRY_S
        elif flight.command.operator == QUERY:
            self._take_list(answer)
        else:
            self._take_results(answer, flight, now)
        return True

    def _rest(self) -> None:
        """Nothing to do before the next retry: with 30,000 people, looking is not free."""
        again_at = [one.again_at for one in self._trouble.values() if not one.permanent]
        self._idle, self._pause_until = not again_at, min(again_at, default=0.0)

    def _choose(self, now: float) -> tuple[Command | None, Mapping[str, str]]:
        if self._query_due:
            return query_people(message_id=self._message_id(QUERY)), {}
        surplus = [one for one in self._surplus() if self._ready(one, "", now)][:MAX_DELETED]
        if surplus:
            return delete_people(surplus, message_id=self._message_id(DELETE_MANY)), dict.fromkeys(
                surplus, ""
            )
        for worker_id in self._missing():
            if self._ready(worker_id, self.wanted.digests[worker_id], now):
                return self._add(now)
        return None, {}

    def _add(self, now: float) -> tuple[Command | None, Mapping[str, str]]:
        """A batch of those whose photo has a URL, else one with the photo inside."""
        people: list[Person] = []
        for worker_id in self._missing():
            if not self._ready(worker_id, self.wanted.digests[worker_id], now):
                continue
            person = self._person(self.wanted.workers[worker_id], now)
            if person is None:
                continue
            if person.photo is not None:
                if people:
                    break
                try:
                    command = edit_person(person, message_id=self._message_id(EDIT_ONE))
                except CommandInvalid:
                    self._failed(worker_id, self.wanted.digests[worker_id], 469, now)
                    continue
                return command, {worker_id: self.wanted.digests[worker_id]}
            people.append(person)
            if len(people) == MAX_ADDED:
                break
        if not people:
            return None, {}
        batch = next(batches(people))
        operator = self.terminal.batch_operator
        command = edit_people(batch, message_id=self._message_id(operator), operator=operator)
        return command, {one.custom_id: self.wanted.digests[one.custom_id] for one in batch}

    def _person(self, worker: Worker, now: float) -> Person | None:
        photo = self.photos.photo(worker)
        digest = self.wanted.digests[worker.worker_id]
        if photo is None or not (photo.url or photo.jpeg):
            self._failed(worker.worker_id, digest, NO_PHOTO, now)
            return None
        name = worker.name[:MAX_NAME]
        if photo.url and not self.terminal.picture_in_command:
            return Person(custom_id=worker.worker_id, name=name, photo_url=photo.url)
        try:
            return Person(custom_id=worker.worker_id, name=name, photo=data_uri(photo.jpeg))
        except CommandInvalid:
            self._failed(worker.worker_id, digest, 469, now)
            return None

    def _take_list(self, answer: Answer) -> None:
        """Who is really there: whoever is not will be sent again, whoever is there unasked is a stray."""
        self._query_due = False
        if answer.refused:
            return
        there = set(answer.listed_ids)
        self.held = {worker_id: digest for worker_id, digest in self.held.items() if worker_id in there}
        strays = sorted(there - self.held.keys())
        ours = [one for one in strays if one in self.wanted.digests]
        for worker_id in ours:  # there, but with which photo? An empty digest is sent again
            self.held[worker_id] = ""
        self.strays = tuple(one for one in strays if one not in ours)
        if self.terminal.remove_strays:
            self.held |= dict.fromkeys(self.strays, "")
            self.strays = ()

    def _take_results(self, answer: Answer, flight: _Flight, now: float) -> None:
        told = {one.custom_id: one.error_code for one in answer.results}
        if not told and flight.command.operator == EDIT_ONE:
            code = answer.code if answer.refused else None
            told = {flight.command.concerns[0]: (code or 0) if answer.refused else None}
        elif answer.counts_only and answer.ok_count == len(flight.digests) and not answer.failed_count:
            told = dict.fromkeys(flight.digests)
        for worker_id, digest in flight.digests.items():
            if worker_id in told and told[worker_id] is None:
                self._succeeded(worker_id, digest)
            elif worker_id in told or answer.refused:
                self._failed(worker_id, digest, told.get(worker_id) or answer.code or 0, now)
            else:
                self._failed(worker_id, digest, NOT_CONFIRMED, now)
        if flight.command.operator == DELETE_MANY and any(
            told.get(one) is not None for one in flight.digests
        ):
            self._query_due = True  # "not there" is reported as a failure too: see who is really left

    def _give_up(self, now: float) -> None:
        flight, self._flight = self._flight, None
        self._idle = False
        if flight is None:
            return
        if flight.command.operator == QUERY:
            self._queries_unanswered += 1
            self._query_due = self._queries_unanswered < MAX_UNANSWERED_QUERIES
        for worker_id, digest in flight.digests.items():
            self._failed(worker_id, digest, UNANSWERED, now)

    def _succeeded(self, worker_id: str, digest: str) -> None:
        self._trouble.pop(worker_id, None)
        if digest:
            self.held[worker_id] = digest
        else:
            self.held.pop(worker_id, None)

    def _failed(self, worker_id: str, digest: str, why: int | str, now: float) -> None:
        before = self._trouble.get(worker_id)
        attempts = 1 + (before.attempts if before and before.digest == digest else 0)
        default = f"error_{why}" if digest else STILL_THERE
        reason = why if isinstance(why, str) else REASONS.get(why, default)
        wait_s = min(FIRST_RETRY_S * 2 ** min(attempts - 1, 20), LAST_RETRY_S)
        permanent = bool(digest) and why in PERMANENT
        self._trouble[worker_id] = _Trouble(digest, reason, attempts, now + wait_s, permanent)

    def _ready(self, worker_id: str, digest: str, now: float) -> bool:
        trouble = self._trouble.get(worker_id)
        return (
            trouble is None or trouble.digest != digest or (not trouble.permanent and now >= trouble.again_at)
        )

    def _missing(self) -> list[str]:
        digests = self.wanted.digests
        return [worker_id for worker_id in sorted(digests) if self.held.get(worker_id) != digests[worker_id]]

    def _surplus(self) -> list[str]:
        return sorted(self.held.keys() - self.wanted.digests.keys())

    def _concerned(self, worker_id: str) -> bool:
        return worker_id in self.wanted.digests or worker_id in self.held

    def _message_id(self, operator: str) -> str:
        return f"{operator}-{self._run}-{next(self._numbers)}"


def _belongs(answer: Answer, command: Command) -> bool:
    """By message id, to which some firmware appends the operator; some repeats none: one is in flight."""
    if answer.answers.casefold() != command.operator.casefold():
        return False
    return not answer.message_id or answer.message_id.split(" ")[0] == command.message_id
