"""Short-lived passes that the centre signs for a worker's phone: a way in without a face.

Gates trust the centre's key for passes already (docs/decisions/passes.md). Nothing is kept: a pass says
itself whose it is and how long. The colour is not in it; the gate knows that from its roster.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex

import segno
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.passes import EntryPass, sign
from sync.records import PASS_ID_BYTES

CLOCK_SLACK = timedelta(minutes=1)
"""A gate's clock may be behind the centre's."""

_QUIET_MODULES = 4


@dataclass(frozen=True, slots=True)
class IssuedPass:
    """What a phone shows; `valid_until` is exclusive."""

    pass_id: str
    text: str = field(repr=False)
    valid_until: datetime

    def svg(self) -> str:
        """The code as an SVG element that takes the width of its place."""
        # Little redundancy, as it is shown on a screen: larger modules read from further away.
        code = segno.make(self.text, error="l", boost_error=True, micro=False, mode="alphanumeric")
        return str(code.svg_inline(border=_QUIET_MODULES, dark="#000", light="#fff", omitsize=True))


class PassIssuer:
    """`key` is the centre's own; `minutes`: how long a pass counts."""

    def __init__(self, key: Ed25519PrivateKey, *, minutes: int) -> None:
        self._key = key
        self._lasts = timedelta(minutes=minutes)

    def issue(self, worker_id: str, site_id: str, *, now: datetime) -> IssuedPass:
        """A pass for one site, from now on."""
        at = now.replace(microsecond=0)
        entry = EntryPass(
            pass_id=token_hex(PASS_ID_BYTES),
            worker_id=worker_id,
            site_id=site_id,
            issued_at=at,
            valid_from=at - CLOCK_SLACK,
            valid_until=at + self._lasts,
        )
        return IssuedPass(entry.pass_id, sign(entry, self._key), entry.valid_until)
