"""What time does to findings: an alert when a deadline has passed, photos that go when they are old."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select, update

from sync.central.alerts import raise_alert
from sync.central.database import Database
from sync.central.inspection_desk import is_late
from sync.central.inspection_rules import InspectionSettings
from sync.central.inspections import forget_photos
from sync.central.statements import CHUNK
from sync.central.tables_grid import findings, inspections

OVERDUE = "finding_overdue"
"""The alert rule."""

_PHOTOS_EVERY = timedelta(hours=1)


class FindingWatch:
    """A job of the aftercare. Each deadline raises one alert, however many processes look."""

    def __init__(
        self, database: Database, settings: InspectionSettings, *, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._settings = settings
        self._now = now
        self._forgot_at: datetime | None = None

    def look(self) -> int:
        """Raise what is due; how many alerts that was."""
        now = self._now()
        if self._forgot_at is None or now - self._forgot_at >= _PHOTOS_EVERY:
            self._forgot_at = now
            with self._database.write() as connection:
                forget_photos(connection, self._settings, now=now)
        due = (is_late(now), findings.c.overdue_raised_at.is_(None))
        finding = findings.c
        query = (
            select(findings, inspections.c.checklist_id)
            .join(inspections, inspections.c.inspection_id == finding.inspection_id)
            .where(*due)
        )
        # Read first: most looks find nothing, and need not wait for whoever writes.
        with self._database.read() as connection:
            if connection.execute(query.limit(1)).first() is None:
                return 0
        with self._database.write() as connection:
            held = query.limit(CHUNK).with_for_update(of=findings, skip_locked=True)
            rows = connection.execute(held).all()
            for row in rows:
                raise_alert(
                    connection,
                    OVERDUE,
                    site_id=row.site_id,
                    subject=f"finding:{row.finding_id}",
                    facts={
                        "checklist": row.checklist_id,
                        "item": row.item_id,
                        "severity": row.severity,
                        "level": row.level,
                    },
                    now=now,
                )
            connection.execute(
                update(findings)
                .where(finding.finding_id.in_([row.finding_id for row in rows]))
                .values(overdue_raised_at=now)
            )
        return len(rows)
