"""Keeps the replica of the site's roster at the centre's newest version, and proves it by the digest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from sync.edge.centre_time import Clock
from sync.edge.settings import CentreSettings
from sync.errors import RecordInvalid
from sync.store import LocalStore
from sync.store.replica import ReplicaEntry
from sync.wire import topics
from sync.wire.envelope import MessageRefused
from sync.wire.messages import Message, RosterEntry, RosterHead, RosterPart, RosterWant
from sync.wire.sealing import entry_digest, roster_digest, unseal, unseal_passes

log = logging.getLogger(__name__)

LONGEST_WANT_TIMEOUT_S = 60.0
CONFIRM_EVERY_S = 300.0
"""Without news the gate asks so often whether its roster is still the newest."""
HEAL_PAUSE_S = 600.0
"""After two snapshots that did not fit, the next attempt waits so long."""
SNAPSHOTS_THAT_MAY_DIFFER = 2

Publish = Callable[[str, Message], bool]


class RosterReplica:
    """Used by one thread alone, but for the plain figures that anybody may read."""

    def __init__(
        self,
        settings: CentreSettings,
        store: LocalStore,
        *,
        site_key: bytes,
        clock: Clock,
        publish: Publish,
        on_changed: Callable[[], None],
    ) -> None:
        self.problem = ""
        self._settings = settings
        self._store = store
        self._site_key = site_key
        self._clock = clock
        self._publish = publish
        self._on_changed = on_changed
        self._digests = store.replica_digests()
        self.digest = roster_digest(self._digests)
        self.state = store.replica_state()
        self._wanted_s: float | None = None
        self._want_timeout_s = settings.ack_timeout_s
        self._heard_s = clock.monotonic()
        self._healing = False
        self._snapshots_differed = 0
        self._heal_not_before_s: float | None = None
        self._newest = 0

    @property
    def workers(self) -> int:
        return len(self._digests)

    def connected(self) -> None:
        """A connection came up: say what is here and ask for what is missing."""
        self._want_timeout_s = self._settings.ack_timeout_s
        self._ask("start")

    def tick(self, *, connected: bool) -> None:
        """Ask again what was not answered, and whether the roster is still the newest."""
        if not connected:
            return
        now_s = self._clock.monotonic()
        if self._wanted_s is not None and now_s - self._wanted_s >= self._want_timeout_s:
            self._want_timeout_s = min(2 * self._want_timeout_s, LONGEST_WANT_TIMEOUT_S)
            self._ask("no answer")
        elif self._wanted_s is None and now_s - self._heard_s >= CONFIRM_EVERY_S:
            self._ask("confirm")

    def head(self, head: RosterHead) -> None:
        """The centre's newest version. Raises MessageRefused (cause `replayed`) when it went back."""
        if head.version < self.state.version:
            raise MessageRefused(
                f"the centre says roster version {head.version}, here is {self.state.version}",
                cause="replayed",
            )
        self._newest = max(self._newest, head.version)
        if head.version > self.state.version:
            if self._wanted_s is None:
                self._ask("head")
        else:
            self._compare(head.digest, head.at)

    def part(self, part: RosterPart, issued_at: datetime) -> None:
        """A difference or a page of a snapshot.

        Raises:
            MessageRefused: not what was asked for, not to be unsealed, or out of order.
        """
        if part.to_version < self.state.version:
            raise MessageRefused(
                f"a roster part of version {part.to_version}, here is {self.state.version}", cause="replayed"
            )
        if any(entry.version > part.to_version for entry in part.entries) and not part.snapshot:
            raise MessageRefused("a roster entry newer than its part", cause="malformed")
        entries = [self._opened(entry) for entry in part.entries]
        try:
            if part.snapshot:
                self._page(part, entries, issued_at)
            else:
                self._difference(part, entries, issued_at)
        except RecordInvalid as error:
            self.problem = f"roster version {part.to_version} cannot be taken over: {error}"
            raise MessageRefused(self.problem, cause="malformed") from error

    # -- asking ----------------------------------------------------------------------------------------

    def _ask(self, reason: str) -> None:
        staging = self._store.replica_staging()
        if staging is not None:
            want = RosterWant(
                have_version=self.state.version,
                snapshot_version=staging.version,
                after=staging.after,
                reason=reason,
            )
        elif self._healing:
            want = RosterWant(have_version=0, reason="digest mismatch")
        else:
            want = RosterWant(have_version=self.state.version, reason=reason)
        self._wanted_s = self._clock.monotonic()
        self._publish(topics.WANT, want)

    def _answered(self) -> None:
        self._wanted_s = None
        self._want_timeout_s = self._settings.ack_timeout_s
        self._heard_s = self._clock.monotonic()

    # -- taking over -----------------------------------------------------------------------------------

    def _opened(self, entry: RosterEntry) -> ReplicaEntry:
        if entry.worker is None:
            return ReplicaEntry(entry.worker_id, entry.version, None)
        if entry.worker.worker_id != entry.worker_id:
            raise MessageRefused("a roster entry with another worker inside", cause="malformed")
        try:
            templates = unseal(entry.sealed, site_key=self._site_key, worker_id=entry.worker_id)
            passes = unseal_passes(entry.sealed_passes, site_key=self._site_key, worker_id=entry.worker_id)
        except MessageRefused as error:
            self.problem = str(error)
            raise
        worker = entry.worker.model_copy(update={"passes": passes})
        return ReplicaEntry(
            entry.worker_id, entry.version, worker, templates, entry_digest(worker, templates)
        )

    def _difference(self, part: RosterPart, entries: Sequence[ReplicaEntry], issued_at: datetime) -> None:
        if self._healing and part.from_version == 0 and part.last:
            # All there is, in one part: as good as a snapshot of one page.
            self._store.replica_forget_staging()
            self._stage(entries, part.to_version, "")
            self._finish(part.digest, issued_at)
            return
        if part.from_version > self.state.version:
            raise MessageRefused("a difference from a version that is not here", cause="replayed")
        if part.to_version > self.state.version:
            changed = self._store.replica_apply(entries, version=part.to_version)
            for entry in entries:
                if entry.worker is None:
                    self._digests.pop(entry.worker_id, None)
                else:
                    self._digests[entry.worker_id] = entry.digest
            self._took_over(changed)
        elif entries:
            return  # said before: the broker or the centre repeats itself
        self._answered()
        if self._store.replica_staging() is not None or self._healing:
            self._ask("snapshot")
        elif part.last:
            self._compare(part.digest, issued_at)
        else:
            self._ask("next part")

    def _page(self, part: RosterPart, entries: Sequence[ReplicaEntry], issued_at: datetime) -> None:
        staging = self._store.replica_staging()
        begins = part.after == "" and (staging is None or staging.version != part.to_version)
        continues = staging is not None and staging.version == part.to_version and staging.after == part.after
        if self._wanted_s is None or not (begins or continues):
            raise MessageRefused("a page of a snapshot that was not asked for", cause="replayed")
        ids = [part.after, *(entry.worker_id for entry in entries)]
        if ids != sorted(set(ids)):
            raise MessageRefused("a page that is not in the order of worker ids", cause="malformed")
        if begins and staging is not None:
            log.info("the centre begins the snapshot again")
            self._store.replica_forget_staging()
        self._stage(entries, part.to_version, ids[-1])
        if part.last:
            self._finish(part.digest, issued_at)
        else:
            self._ask("next page")

    def _stage(self, entries: Sequence[ReplicaEntry], version: int, after: str) -> None:
        self._store.replica_stage(entries, version=version, after=after)
        self._answered()

    def _finish(self, digest: str, issued_at: datetime) -> None:
        staged = self._store.replica_staged_digests()
        if digest and roster_digest(staged) != digest:
            self._snapshots_differed += 1
            self._report_difference("a snapshot")
            if self._snapshots_differed < SNAPSHOTS_THAT_MAY_DIFFER:
                self._healing = True
                self._store.replica_forget_staging()
                self._ask("digest mismatch")
                return
            self._heal_not_before_s = self._clock.monotonic() + HEAL_PAUSE_S
        changed = self._store.replica_swap()
        self._digests = staged
        self._healing = False
        self._snapshots_differed = 0
        self._took_over(changed)
        log.info("roster snapshot taken over: version %d, %d workers", self.state.version, self.workers)
        if digest:
            self._compare(digest, issued_at)
        else:
            self._ask("after snapshot")

    def _took_over(self, changed: Sequence[str]) -> None:
        self.state = self._store.replica_state()
        self.digest = roster_digest(self._digests)
        if changed:
            self._on_changed()

    def _compare(self, digest: str, at: datetime) -> None:
        """The centre's digest of the version that is here."""
        if digest == self.digest:
            self.problem = ""
            self._heal_not_before_s = None
            self._store.replica_confirm(at)
            self.state = self._store.replica_state()
            self._heard_s = self._clock.monotonic()
            if self.state.version < self._newest and self._wanted_s is None:
                self._ask("head")
            return
        self._report_difference("the roster here")
        paused = self._heal_not_before_s is not None and self._clock.monotonic() < self._heal_not_before_s
        if not self._healing and not paused:
            self._healing = True
            self._ask("digest mismatch")

    def _report_difference(self, what: str) -> None:
        self.problem = f"{what} differs from the centre's (version {self.state.version})"
        log.error("%s", self.problem)
