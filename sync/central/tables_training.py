"""Tables of the centre: training records, and sessions on phones."""

from __future__ import annotations
