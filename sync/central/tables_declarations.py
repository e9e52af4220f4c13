"""Tables of the centre: declarations of workers and sites, and their trips."""

from __future__ import annotations
