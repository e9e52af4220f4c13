"""Which function takes which kind of record that a kiosk sends."""

from __future__ import annotations

from sync.central.notes import Handler
from sync.central.site_reports import take_site_report
from sync.central.trainings import take_training

HANDLERS: dict[str, Handler] = {"training": take_training, "site_report": take_site_report}
