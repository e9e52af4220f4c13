"""Which function takes which kind of record that a kiosk sends."""

from __future__ import annotations

from sync.central.notes import Handler

HANDLERS: dict[str, Handler] = {}
