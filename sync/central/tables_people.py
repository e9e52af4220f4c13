"""Tables of the centre: people behind workers, what kiosks sent, duplicates, erasures."""

from __future__ import annotations
