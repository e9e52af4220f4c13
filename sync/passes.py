"""QR passes and badges: what a code carries, and whether to believe it. Pure. Why: docs/decisions/passes.md.

A fixed pass carries nothing but a secret; the roster holds its sha256 (`PassGrant.digest`). So it is
checked without a key, ends with its grant, and cannot be made from a copied roster. A signed pass says itself
whose it is, where and how long, under the Ed25519 key of its issuer: for passes that live for minutes and
change no roster. Both are written in the characters of the alphanumeric QR mode.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import AwareDatetime, ValidationError, model_validator

from sync.errors import SyncError
from sync.records import PASS_ID_BYTES, Identifier, PassGrant, Record

FIXED, SIGNED = "SG1", "SG2"
"""What the codes begin with; every other code in a picture is none of the gate's business."""

SECRET_BYTES = 16
SIGNATURE_BYTES = 64
ISSUER_BYTES = 4
"""A hint at the key, so that a gate need not try all of them."""

ISSUERS_STATE = "pass.issuers"
"""Key in the local store's state: hex of the public keys whose passes count at the gates of this store."""

TAKEN_BACK_KEPT = 16
"""Far more than a kiosk keeps: one that was away for long may still offer an old pass."""

MAX_TOKEN_CHARACTERS = 600
MAX_ID_BYTES = 255
_BADGE_LENGTH = range(4, 65)
_SEPARATORS = frozenset(" -:.\t")
_KINDS: tuple[Literal["fixed", "short_lived"], ...] = ("fixed", "short_lived")
_HEAD = struct.Struct(f">B3I{PASS_ID_BYTES}s{ISSUER_BYTES}s")


class PassCause(StrEnum):
    """Why a pass does not count."""

    MALFORMED = "malformed"
    FORGED = "forged"
    WRONG_SITE = "wrong_site"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    REVOKED = "revoked"


class PassRefused(SyncError, ValueError):
    """A pass that does not count; `entry_pass` is what it says, where its signature is right."""

    def __init__(self, message: str, *, cause: PassCause, entry_pass: EntryPass | None = None) -> None:
        super().__init__(message, next_step="issue a new pass: sitegate roster pass")
        self.cause = cause
        self.entry_pass = entry_pass


class EntryPass(Record):
    """What a signed pass says; times are whole seconds, `valid_until` is exclusive."""

    pass_id: Identifier
    worker_id: Identifier
    site_id: Identifier
    kind: Literal["fixed", "short_lived"] = "short_lived"
    issued_at: AwareDatetime
    valid_from: AwareDatetime
    valid_until: AwareDatetime

    @model_validator(mode="after")
    def _fits_into_a_code(self) -> EntryPass:
        if len(self.pass_id) != 2 * PASS_ID_BYTES or not set(self.pass_id) <= set("0123456789abcdef"):
            raise ValueError(f"pass_id is {2 * PASS_ID_BYTES} hexadecimal digits")
        if len(self.worker_id.encode()) > MAX_ID_BYTES:
            raise ValueError("worker_id is too long for a code")
        if self.valid_until <= self.valid_from:
            raise ValueError("valid_until lies before valid_from")
        return self


@dataclass(frozen=True, slots=True)
class FixedPass:
    """The text of a code, to be printed and not kept, and the digest for the roster."""

    text: str = field(repr=False)
    digest: str


def fixed_pass(key: Ed25519PrivateKey, pass_id: str) -> FixedPass:
    """The pass of that id by the holder of `key`, always the same: who made it can show it again.

    The secret is HMAC-SHA256 of the id under the private key, cut to 128 bits; nobody else can make it.
    """
    secret = hmac.digest(key.private_bytes_raw(), f"sitegate-fixed-pass-1\n{pass_id}".encode(), "sha256")
    secret = secret[:SECRET_BYTES]
    return FixedPass(FIXED + _base32(secret), _digest("pass", secret))


def fixed_digest(text: str) -> str:
    """The digest under which the roster has this pass. Raises PassRefused (malformed)."""
    secret = _bytes_of(text, FIXED)
    if len(secret) != SECRET_BYTES:
        raise PassRefused("a fixed pass of another length", cause=PassCause.MALFORMED)
    return _digest("pass", secret)


def badge_number(written: str) -> str:
    """A badge's number as every reader and keyboard shall write it: no separators, upper case.

    Raises PassRefused (malformed) for what is no number of letters and digits.
    """
    plain = unicodedata.normalize("NFKC", written).strip().upper()
    number = "".join(sign for sign in plain if sign not in _SEPARATORS)
    if len(number) not in _BADGE_LENGTH or not (number.isascii() and number.isalnum()):
        raise PassRefused(
            f"a badge has {_BADGE_LENGTH.start} to {_BADGE_LENGTH.stop - 1} letters and digits",
            cause=PassCause.MALFORMED,
        )
    return number


def badge_digest(written: str) -> str:
    """The digest under which the roster has this badge. Raises PassRefused (malformed)."""
    return _digest("badge", badge_number(written).encode())


def merged_grants(held: Sequence[PassGrant], offered: Sequence[PassGrant]) -> tuple[PassGrant, ...]:
    """Grants of one worker from two sources: none is lost, and what one of them took back stays so.

    So a record that left before a pass was taken back does not make it valid again. Of those taken back the
    latest `TAKEN_BACK_KEPT` are remembered.
    """
    grants = {one.pass_id: one for one in held}
    for one in offered:
        if one.pass_id not in grants or grants[one.pass_id].revoked_at is None:
            grants[one.pass_id] = one
    gone = sorted((one.revoked_at, one.pass_id) for one in grants.values() if one.revoked_at is not None)
    forgotten = {pass_id for _, pass_id in gone[:-TAKEN_BACK_KEPT]}
    return tuple(one for one in grants.values() if one.pass_id not in forgotten)


def is_pass(text: str) -> bool:
    """Whether a code is meant for a gate at all."""
    return text[: len(FIXED)].upper() in (FIXED, SIGNED)


def is_signed(text: str) -> bool:
    return text[: len(SIGNED)].upper() == SIGNED


def issuer_id(key: Ed25519PublicKey) -> str:
    """Short name of an issuer's key, in hex."""
    return hashlib.sha256(key.public_bytes_raw()).digest()[:ISSUER_BYTES].hex()


def issuers(keys: Collection[Ed25519PublicKey]) -> dict[str, Ed25519PublicKey]:
    """The keys by their short names, as `verify` wants them."""
    return {issuer_id(key): key for key in keys}


def sign(entry_pass: EntryPass, key: Ed25519PrivateKey) -> str:
    """The text of the code: `SG2` and base32 of the packed pass and its signature."""
    packed = _packed(entry_pass, issuer_id(key.public_key()))
    return SIGNED + _base32(packed + key.sign(_signed_bytes(packed)))


def verify(
    text: str,
    trusted: Mapping[str, Ed25519PublicKey],
    *,
    site_id: str,
    now: datetime,
    revoked: Collection[str] = (),
) -> EntryPass:
    """The pass of a signed code, if it holds at `site_id` at the instant `now`.

    trusted  short name → key of everybody who may issue passes (`issuers`)
    revoked  ids of passes that were taken back

    Raises:
        PassRefused: its `cause` says why; a wrong signature is found before anything else is believed.
    """
    found = opened(text, trusted)
    if found.site_id != site_id:
        raise PassRefused(f"a pass for {found.site_id}", cause=PassCause.WRONG_SITE, entry_pass=found)
    if found.pass_id in revoked:
        raise PassRefused("a pass that was taken back", cause=PassCause.REVOKED, entry_pass=found)
    if now < found.valid_from:
        raise PassRefused("a pass that is not valid yet", cause=PassCause.NOT_YET, entry_pass=found)
    if now >= found.valid_until:
        raise PassRefused("a pass that has expired", cause=PassCause.EXPIRED, entry_pass=found)
    return found


def opened(text: str, trusted: Mapping[str, Ed25519PublicKey]) -> EntryPass:
    """What a signed code says, whether or not it holds now. Raises PassRefused (malformed, forged)."""
    data = _bytes_of(text, SIGNED)
    packed, signature = data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]
    if len(packed) <= _HEAD.size:
        raise PassRefused("a signed pass that is too short", cause=PassCause.MALFORMED)
    issuer: bytes = _HEAD.unpack_from(packed)[-1]
    key = trusted.get(issuer.hex())
    if key is None:
        raise PassRefused("a pass by nobody this gate trusts", cause=PassCause.FORGED)
    try:
        key.verify(signature, _signed_bytes(packed))
    except InvalidSignature as error:
        raise PassRefused("a pass with a wrong signature", cause=PassCause.FORGED) from error
    return _unpacked(packed)


def _packed(one: EntryPass, issuer: str) -> bytes:
    times = (int(at.timestamp()) for at in (one.issued_at, one.valid_from, one.valid_until))
    head = _HEAD.pack(_KINDS.index(one.kind), *times, bytes.fromhex(one.pass_id), bytes.fromhex(issuer))
    worker = one.worker_id.encode()
    return head + bytes([len(worker)]) + worker + one.site_id.encode()


def _unpacked(packed: bytes) -> EntryPass:
    kind, issued, start, end, pass_id, _ = _HEAD.unpack_from(packed)
    rest = packed[_HEAD.size :]
    worker, site = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
    try:
        return EntryPass(
            pass_id=pass_id.hex(),
            worker_id=worker.decode(),
            site_id=site.decode(),
            kind=_KINDS[kind],
            issued_at=datetime.fromtimestamp(issued, UTC),
            valid_from=datetime.fromtimestamp(start, UTC),
            valid_until=datetime.fromtimestamp(end, UTC),
        )
    except (ValidationError, IndexError, UnicodeDecodeError) as error:
        raise PassRefused("a signed pass that says nothing", cause=PassCause.MALFORMED) from error


def _signed_bytes(packed: bytes) -> bytes:
    return b"sitegate-entry-pass-2\n" + packed


def _digest(kind: str, content: bytes) -> str:
    return hashlib.sha256(f"sitegate-{kind}-1\n".encode() + content).hexdigest()


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=")


def _bytes_of(text: str, prefix: str) -> bytes:
    """Raises PassRefused (malformed), also for another spelling of the same bytes: one pass, one code."""
    text = text.strip().upper()
    body = text.removeprefix(prefix)
    try:
        if body == text or len(text) > MAX_TOKEN_CHARACTERS:
            raise ValueError("no code of ours")
        data = base64.b32decode(body + "=" * (-len(body) % 8))
    except (ValueError, binascii.Error) as error:
        raise PassRefused("a code that cannot be read", cause=PassCause.MALFORMED) from error
    if _base32(data) != body:
        raise PassRefused("a code that cannot be read", cause=PassCause.MALFORMED)
    return data
