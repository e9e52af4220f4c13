"""Faces of people who are on no site any more: kept for a return, then erased.

Where there is a centre, it counts the days and erases everywhere: this kiosk may not have heard of a return.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from enroll.roster_config import RosterConfig
from sync.erasure import RETENTION, retention_withdrawal
from sync.store import LocalStore


class FaceRetention:
    """Goes by `kiosk.faces_kept_days`.

    now  the clock
    """

    def __init__(self, store: LocalStore, settings: RosterConfig, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._kept = timedelta(days=settings.kiosk.faces_kept_days)
        self._has_centre = settings.centre.enabled
        self._now = now

    def erase_due(self) -> int:
        """Withdraw the consent of everybody whose time is over, with receipt and audit line; how many."""
        if self._has_centre:
            return 0
        now = self._now()
        gone = self._store.faces_of_the_gone(now)
        due = sorted(worker_id for worker_id, since in gone.items() if since + self._kept <= now)
        for worker_id in due:
            withdrawal = retention_withdrawal(worker_id, self._kept.days, now)
            self._store.withdraw_consent(withdrawal)
            self._store.put_audit(
                RETENTION,
                "erased_face",
                subject=f"worker:{worker_id}",
                detail={"receipt": withdrawal.withdrawal_id, "kept_days": self._kept.days},
            )
        return len(due)

    def goes_at(self, worker_id: str) -> datetime | None:
        """When the face of somebody on no site goes; None: it stays, there is none, or a centre counts."""
        if self._has_centre:
            return None
        since = self._store.faces_of_the_gone(self._now(), worker_id=worker_id).get(worker_id)
        return None if since is None else since + self._kept
