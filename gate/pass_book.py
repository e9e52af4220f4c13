"""Looks a pass up: from the text of a code or a badge number to its holder, or why it does not count."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gate.clock import Clock
from gate.pass_desk import PassReading
from gate.reasons import Reason
from sync.errors import SecretUnsafe, StoreError, UnknownWorker
from sync.passes import (
    ISSUERS_STATE,
    PassCause,
    PassRefused,
    badge_digest,
    fixed_digest,
    is_pass,
    is_signed,
    issuers,
    verify,
)
from sync.records import Method, PassGrant, PassMethod, Worker
from sync.store import LocalStore
from sync.wire.keys import read_public_key

log = logging.getLogger(__name__)

COPY_WINDOW_S = 60.0
"""The same pass at two lanes within so long may be a copy."""

_PROBLEMS = {
    PassCause.MALFORMED: Reason.PASS_UNKNOWN,
    PassCause.FORGED: Reason.PASS_FORGED,
    PassCause.WRONG_SITE: Reason.PASS_OTHER_SITE,
    PassCause.NOT_YET: Reason.PASS_NOT_YET,
    PassCause.EXPIRED: Reason.PASS_EXPIRED,
    PassCause.REVOKED: Reason.PASS_REVOKED,
}


_Look = Callable[[str], PassReading]
_FileMark = tuple[int, int, int]
"""What changes with the content of a file: time of change in ns, size, inode."""


class PassBook:
    """Shared by the lanes of a gate; every call may come from any thread.

    centre_key_file  of the centre's public key: it may issue passes; None where the gate works on its own
    """

    def __init__(
        self, store: LocalStore, *, site_id: str, clock: Clock, centre_key_file: Path | None = None
    ) -> None:
        self._store = store
        self._site_id = site_id
        self._clock = clock
        self._centre_key = None if centre_key_file is None else _KeyFile(centre_key_file)
        self._lock = threading.Lock()
        self._used: dict[str, tuple[str, float]] = {}

    def code(self, text: str) -> PassReading | None:
        """What a QR code means here; None for a code that is none of ours."""
        if not is_pass(text):
            return None
        if is_signed(text):
            return self._looked_up(Method.QR, text, self._signed)
        return self._looked_up(Method.QR, text, self._fixed)

    def badge(self, number: str) -> PassReading:
        """What the number of a badge means here."""
        return self._looked_up(Method.BADGE, number, self._badge)

    def opened(self, reading: PassReading, lane_id: str) -> None:
        """This pass has just opened that lane."""
        with self._lock:
            now_s = self._clock.monotonic()
            self._used = {key: one for key, one in self._used.items() if now_s - one[1] <= COPY_WINDOW_S}
            self._used[reading.key] = (lane_id, now_s)

    def used_elsewhere(self, reading: PassReading, lane_id: str) -> bool:
        """Whether it opened another lane of this gate less than `COPY_WINDOW_S` ago."""
        with self._lock:
            other, at_s = self._used.get(reading.key, (lane_id, 0.0))
        return other != lane_id and self._clock.monotonic() - at_s <= COPY_WINDOW_S

    def _looked_up(self, method: PassMethod, text: str, look: _Look) -> PassReading:
        try:
            return look(text)
        except PassRefused as refused:
            says = refused.entry_pass
            return PassReading(
                method,
                says.pass_id if says else _key(text),
                says.worker_id if says else None,
                _PROBLEMS[refused.cause],
            )
        except StoreError as error:
            log.warning("a pass could not be looked up: %s", error)
            return PassReading(method, _key(text), None, Reason.STORE_FAULT)

    def _fixed(self, text: str) -> PassReading:
        return self._granted(Method.QR, fixed_digest(text))

    def _badge(self, number: str) -> PassReading:
        return self._granted(Method.BADGE, badge_digest(number))

    def _granted(self, method: PassMethod, digest: str) -> PassReading:
        holders = [
            (worker, grant)
            for worker in self._store.pass_holders(digest)
            for grant in worker.passes
            if grant.digest == digest and grant.method is method
        ]
        # A badge may have gone from one worker to another: only who has it now counts.
        holding = [one for one in holders if one[1].revoked_at is None] or holders[-1:]
        if not holding:
            return PassReading(method, digest, None, Reason.PASS_UNKNOWN)
        if len({worker.worker_id for worker, _ in holding}) > 1:
            return PassReading(method, digest, None, Reason.PASS_AMBIGUOUS)
        worker, grant = holding[-1]
        return PassReading(method, grant.pass_id, worker.worker_id, self._problem(grant))

    def _problem(self, grant: PassGrant) -> Reason | None:
        now = self._clock.now()
        if grant.revoked_at is not None:
            return Reason.PASS_REVOKED
        if grant.valid_from is not None and now < grant.valid_from:
            return Reason.PASS_NOT_YET
        if grant.valid_until is not None and now >= grant.valid_until:
            return Reason.PASS_EXPIRED
        return None

    def _signed(self, text: str) -> PassReading:
        trusted = self._trusted()
        found = verify(text, trusted, site_id=self._site_id, now=self._clock.now())
        holder = self._holder(found.worker_id)
        revoked = set() if holder is None else {one.pass_id for one in holder.passes if one.revoked_at}
        problem = Reason.PASS_REVOKED if found.pass_id in revoked else None
        return PassReading(Method.QR, found.pass_id, found.worker_id, problem)

    def _holder(self, worker_id: str) -> Worker | None:
        try:
            return self._store.worker(worker_id)
        except UnknownWorker:
            return None

    def _trusted(self) -> Mapping[str, Ed25519PublicKey]:
        """The kiosk on this store, and the centre; either may be set up while the gate runs."""
        known = self._store.state(ISSUERS_STATE)
        raw = [str(one) for one in known] if isinstance(known, list) else []
        keys = [Ed25519PublicKey.from_public_bytes(bytes.fromhex(one)) for one in raw]
        centre = None if self._centre_key is None else self._centre_key.read()
        return issuers(keys if centre is None else [*keys, centre])


class _KeyFile:
    """A public key in a file: read once, and again when the file is another one; from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: tuple[_FileMark | None, Ed25519PublicKey | None] | None = None

    def read(self) -> Ed25519PublicKey | None:
        """None, and a line in the log at every change, while the file holds no key."""
        mark = self._mark()
        if self._last is None or self._last[0] != mark:
            try:
                self._last = (mark, read_public_key(self._path))
            except SecretUnsafe as error:
                log.warning("passes by the centre do not count: %s", error)
                self._last = (mark, None)
        return self._last[1]

    def _mark(self) -> _FileMark | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def _key(text: str) -> str:
    """For a pass that nobody knows: the same as long as it is the same, and it does not give it away."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
