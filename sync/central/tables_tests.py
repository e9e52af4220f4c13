"""Tables of the centre: tests and examinations due and done."""

from __future__ import annotations
