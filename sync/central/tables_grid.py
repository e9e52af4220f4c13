"""Tables of the centre: districts, grid officers, visits, inspections."""

from __future__ import annotations
