"""A list and its signature from the issuer's web server: small, slow and false answers ended in time."""

from __future__ import annotations

import functools
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from urllib.parse import urlsplit

import httpx

from sync.addresses import is_loopback
from sync.central.errors import CentralError, SettingRefused
from sync.screening.list_file import MAX_FILE_BYTES

SIGNATURE_BYTES = 1024
"""In base64 it has 88."""

REDIRECTS = 3
ETAG_CHARACTERS = 200
_ERROR_CHARACTERS = 160


class Why(StrEnum):
    """Why nothing was taken from a feed."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    REDIRECTED = "redirected"
    HTTP_STATUS = "http_status"
    TOO_LARGE = "too_large"
    NO_SIGNATURE = "no_signature"
    WRONG_SIGNATURE = "wrong_signature"
    OLDER = "older"
    UNUSABLE = "unusable"
    NO_KEY = "no_key"


class NotFetched(CentralError):
    """Nothing of the feed was taken, and the list is what it was."""

    def __init__(self, why: Why, message: str, *, next_step: str) -> None:
        super().__init__(message, next_step=next_step)
        self.why = why


class FetchStopped(CentralError):
    """The centre ends; the feed is fetched again when it runs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in s: until connected, between two pieces of an answer, and for list and signature together."""

    connect_s: float = 10.0
    piece_s: float = 30.0
    whole_s: float = 600.0
    list_bytes: int = MAX_FILE_BYTES


@dataclass(frozen=True, slots=True)
class Download:
    """A list as it came, not yet checked. `etag` empty, `modified_at` None: the server does not say."""

    raw: bytes
    signature: str
    etag: str
    modified_at: datetime | None


def checked_url(url: str) -> str:
    """The address, if a list may be fetched from it. Raises SettingRefused."""
    parts = urlsplit(url)
    try:
        is_address = bool(parts.hostname) and parts.port != 0 and parts.scheme in ("http", "https")
    except ValueError:
        is_address = False
    if not is_address or "@" in parts.netloc or parts.query or parts.fragment or parts.path in ("", "/"):
        # It is not repeated: it may hold a password.
        raise SettingRefused(
            "the address of a feed is https://host/path of a file, without user, password or question mark",
            next_step="its signature lies beside it, as path.sig",
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise SettingRefused("a list would cross the network in the clear", next_step="use https://")
    return url


def download(url: str, *, etag: str, limits: Limits, stopping: threading.Event) -> Download | None:
    """The list and its signature; None where the list is still the one with this `etag`.

    Raises:
        NotFetched: there is no usable answer.
        FetchStopped: `stopping` was set meanwhile.
    """
    until = _Until(time.monotonic() + limits.whole_s, stopping)
    timeout = httpx.Timeout(limits.piece_s, connect=limits.connect_s)
    # The signature is of the bytes as they lie there.
    headers = {"Accept-Encoding": "identity"}
    with (
        _named_errors(urlsplit(url).hostname or ""),
        httpx.Client(timeout=timeout, headers=headers, verify=_certificates()) as client,
    ):
        response, raw = _get(client, url, {"If-None-Match": etag} if etag else {}, limits.list_bytes, until)
        if response.status_code == httpx.codes.NOT_MODIFIED and etag:
            return None
        _require_ok(response, Why.HTTP_STATUS)
        signed, signature = _get(client, f"{url}.sig", {}, SIGNATURE_BYTES, until)
        _require_ok(signed, Why.NO_SIGNATURE)
    told = response.headers.get("ETag", "")
    return Download(
        raw,
        signature.decode("ascii", "replace"),
        told if len(told) <= ETAG_CHARACTERS else "",
        _moment(response.headers.get("Last-Modified", "")),
    )


@dataclass(frozen=True, slots=True)
class _Until:
    """When to give up, by the monotonic clock, or because the centre ends."""

    deadline: float
    stopping: threading.Event

    def check(self) -> None:
        if self.stopping.is_set():
            raise FetchStopped("stopped")
        if time.monotonic() >= self.deadline:
            raise NotFetched(
                Why.TIMED_OUT, "the list did not come in time", next_step="ask its issuer; see the network"
            )


def _get(
    client: httpx.Client, url: str, headers: dict[str, str], most_bytes: int, until: _Until
) -> tuple[httpx.Response, bytes]:
    """The last answer of at most `REDIRECTS` further ones of the same host, and its body."""
    request = client.build_request("GET", url, headers=headers)
    for _ in range(REDIRECTS + 1):
        until.check()
        response = client.send(request, stream=True)
        try:
            if not response.is_redirect:
                return response, _body(response, most_bytes, until)
            request = _followed(request, response.next_request)
        finally:
            response.close()
    raise _redirected("it goes in a circle")


def _body(response: httpx.Response, most_bytes: int, until: _Until) -> bytes:
    pieces, size = [], 0
    for piece in response.iter_bytes():
        until.check()
        size += len(piece)
        if size > most_bytes:
            raise NotFetched(
                Why.TOO_LARGE,
                f"the answer is larger than {most_bytes:,} bytes",
                next_step="ask its issuer to split the list",
            )
        pieces.append(piece)
    return b"".join(pieces)


def _followed(before: httpx.Request, after: httpx.Request | None) -> httpx.Request:
    if after is None or _origin(after.url) != _origin(before.url):
        raise _redirected(f"to {after.url.host}" if after is not None else "to nowhere")
    return after


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port  # None for the scheme's own


def _redirected(how: str) -> NotFetched:
    return NotFetched(
        Why.REDIRECTED,
        f"the address leads elsewhere: {how}",
        next_step="ask the issuer, then set the new address: sitegate central list feed",
    )


def _require_ok(response: httpx.Response, why: Why) -> None:
    if response.status_code != httpx.codes.OK:
        raise NotFetched(
            why,
            f"{response.url.path} is answered with HTTP {response.status_code}",
            next_step="ask the list's issuer, or correct the address: sitegate central list feed",
        )


@contextmanager
def _named_errors(host: str) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        raise NotFetched(
            Why.TIMED_OUT, f"{host} does not answer in time", next_step="ask its issuer; see the network"
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        what = f"{type(error).__name__}: {error}"[:_ERROR_CHARACTERS]
        raise NotFetched(
            Why.UNREACHABLE, f"{host}: {what}", next_step="see network, certificate and address"
        ) from error


def _moment(text: str) -> datetime | None:
    """Of a header; None where it is none."""
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Read once: a client is made for every look."""
    return ssl.create_default_context()
