"""An address as a QR code; apart from the addresses, which processes name that draw nothing."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Literal

import segno

_REMEMBERED_CODES = 16


@lru_cache(_REMEMBERED_CODES)
def code_svg(address: str, *, error: Literal["m", "q"] = "q") -> str:
    """A QR code as an SVG element with a quiet zone; with `q` a quarter of it may be dirty, with `m` 15 %."""
    out = BytesIO()
    segno.make(address, error=error, micro=False).save(
        out, kind="svg", xmldecl=False, svgns=True, border=4, omitsize=True, title=None
    )
    return out.getvalue().decode()
