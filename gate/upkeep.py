"""What a gate looks after beside its lanes: late records, the roster, the clock, old records, the figures."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from gate.clock import Clock, ClockGuard
from gate.metrics import GateMetrics
from gate.recorder import Recorder
from gate.settings import Settings
from models.roster_watch import RosterWatch
from sync.errors import StoreError
from sync.store import LocalStore

log = logging.getLogger(__name__)

UPKEEP_EVERY_S = 0.5
KEEP_TIME_EVERY_S = 60.0
PRUNE_EVERY_S = 6 * 3600.0
STOP_S = 5.0
LONGEST_QUIET = timedelta(days=60)
"""A gate without an event for longer than this has more likely a wrong clock than a holiday."""

LAST_GOOD_TIME = "clock.last_good"


class Upkeep:
    """Works in a thread of its own, every half second and when it is woken.

    tell_metrics  puts the gate's figures where they are collected; may raise StoreError
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: LocalStore,
        clock: Clock,
        recorder: Recorder,
        roster: RosterWatch,
        metrics: GateMetrics,
        tell_metrics: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._recorder = recorder
        self._roster = roster
        self._metrics = metrics
        self._tell_metrics = tell_metrics
        self._clock_guard = ClockGuard(last_known=self._last_good_time())
        self._clock_guard.check(clock.now(), clock.monotonic())
        self._next_prune_s = clock.monotonic() + UPKEEP_EVERY_S
        self._next_time_kept_s = clock.monotonic()
        self.store_problem = ""
        """What the store refused last, in words for the operator; empty once a whole round went well."""
        self._stop = threading.Event()
        self._awake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._awake.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def wake(self) -> None:
        """Look now instead of at the next turn."""
        self._awake.set()

    @property
    def clock_problem(self) -> str:
        """Why the wall clock is not believed; empty while it is."""
        return self._clock_guard.problem

    def store_failed(self, error: StoreError) -> None:
        """Somebody could not read or write the store; from any thread."""
        self.store_problem = str(error)
        self._metrics.store_fault()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._awake.wait(UPKEEP_EVERY_S)
            self._awake.clear()
            try:
                self._look_after_everything()
                self.store_problem = ""
            except StoreError as error:
                self.store_failed(error)
            except Exception:
                # Upkeep that dies would leave an old roster in force without a word.
                log.exception("upkeep")

    def _look_after_everything(self) -> None:
        now, mono = self._clock.now(), self._clock.monotonic()
        trusted = self._clock_guard.check(now, mono)
        self._recorder.retry()
        self._roster.follow()
        if trusted and mono >= self._next_time_kept_s:
            self._store.put_state(LAST_GOOD_TIME, now.isoformat())
            self._next_time_kept_s = mono + KEEP_TIME_EVERY_S
        if trusted and mono >= self._next_prune_s:
            self._prune(now)
            self._next_prune_s = mono + PRUNE_EVERY_S
        self._tell_metrics()

    def _prune(self, now: datetime) -> None:
        """Forget what is older than the site keeps. A clock far ahead of the newest event deletes nothing."""
        newest = self._store.events(limit=1)
        if newest:
            reference = min(now, newest[0].occurred_at + LONGEST_QUIET)
            keep = timedelta(days=self._settings.store.keep_events_days)
            self._store.prune(reference - keep, unsent=not self._settings.centre.enabled)

    def _last_good_time(self) -> datetime | None:
        kept = self._store.state(LAST_GOOD_TIME)
        return datetime.fromisoformat(kept) if isinstance(kept, str) else None
