"""Addresses of the phone pages as other screens and paper carry them."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

PHONE_PATH = "/m"
DECLARE_PATH = f"{PHONE_PATH}/declare"
TRAINING_PATH = f"{PHONE_PATH}/training"


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
