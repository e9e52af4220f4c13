"""Tables of the centre: occurrences behind pass colours, requests for correction."""

from __future__ import annotations
