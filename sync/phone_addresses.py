"""Addresses of the phone pages as other screens and paper carry them, and their QR codes."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Literal
from urllib.parse import quote, urlsplit

import segno

PHONE_PATH = "/m"
DECLARE_PATH = f"{PHONE_PATH}/declare"
TRAINING_PATH = f"{PHONE_PATH}/training"

_REMEMBERED_CODES = 16


def declare_address(web_url: str, site_id: str) -> str:
    """The form of one site; names nobody.

    web_url  of the centre, e.g. https://gates.example.org
    """
    return f"{web_url.rstrip('/')}{DECLARE_PATH}?site={quote(site_id)}"


def training_address(web_url: str) -> str:
    """The courses; names nobody."""
    return f"{web_url.rstrip('/')}{TRAINING_PATH}"


def web_address(address: str) -> str:
    """The address without a slash at its end; empty stays empty. Raises ValueError for one no phone opens."""
    parts = urlsplit(address)
    if address and (parts.scheme not in ("https", "http") or not parts.hostname):
        raise ValueError(f"{address!r} must be an address such as https://gates.example.org")
    return address.rstrip("/")


@lru_cache(_REMEMBERED_CODES)
def code_svg(address: str, *, error: Literal["m", "q"] = "q") -> str:
    """A QR code as an SVG element with a quiet zone; with `q` a quarter of it may be dirty, with `m` 15 %."""
    out = BytesIO()
    segno.make(address, error=error, micro=False).save(
        out, kind="svg", xmldecl=False, svgns=True, border=4, omitsize=True, title=None
    )
    return out.getvalue().decode()
