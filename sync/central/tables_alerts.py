"""Tables of the centre: alerts and what was done about them."""

from __future__ import annotations
