"""Which function answers which kind of question that a kiosk asks."""

from __future__ import annotations

from sync.central.asks import AskHandler

HANDLERS: dict[str, AskHandler] = {}
