"""Tables of the centre: houses, tenants, door-to-door checks, and return transport."""

from __future__ import annotations
