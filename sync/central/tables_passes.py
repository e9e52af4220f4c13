"""Tables of the centre: qR passes and badges."""

from __future__ import annotations
