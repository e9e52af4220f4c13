"""Tables of the centre: upload to the real-name platform."""

from __future__ import annotations
