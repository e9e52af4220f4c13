"""A QR pass as a picture: the code alone, and a card of the size of a bank card to print."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

import segno

from enroll.errors import EnrollError
from enroll.passes import ShownPass
from sync.words import Words

ERROR_LEVEL = {"SG1": "q", "SG2": "l"}
"""Fixed passes are short: a quarter of the code may be dirty. Signed ones need the room for the signature."""

QUIET_MODULES = 4
"""The white border that ISO/IEC 18004 asks for."""

CARD_MM = (85.6, 54.0)
"""ISO/IEC 7810 ID-1."""

PNG_MODULE_PX = 16
CODE_LABEL = Words("通行码", "QR pass")


def code(text: str) -> segno.QRCode:
    """The code of a pass, as large in its modules as its text allows."""
    return segno.make(text, error=ERROR_LEVEL[text[:3]], boost_error=True, micro=False, mode="alphanumeric")


def code_svg(text: str, *, label: Words = CODE_LABEL) -> str:
    """An inline SVG that takes the width of its place; its label does not say what the code carries."""
    drawn = code(text).svg_inline(border=QUIET_MODULES, dark="#000", light="#fff", omitsize=True)
    named = f'<svg role="img" aria-label="{escape(str(label))}" shape-rendering="crispEdges" '
    return drawn.replace("<svg ", named, 1)


def write_code(shown: ShownPass, path: Path) -> None:
    """Write the code as PNG or SVG, by the file's ending. Raises EnrollError."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise EnrollError(f"{path}: a code is written as .png or .svg", next_step="Give such a name.")
    scale = PNG_MODULE_PX if kind == "png" else 1
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        code(shown.text).save(str(path), kind=kind, scale=scale, border=QUIET_MODULES)
    except OSError as error:
        raise EnrollError(f"{path}: {error.strerror}", next_step="Choose another place.") from error


def card_html(shown: ShownPass, *, site: str, until: str, photo: bytes | None = None) -> str:
    """A page of one card (`CARD_MM`) that opens the browser's print dialogue by itself.

    until  in words of the site's calendar; empty: as long as the permission
    photo  JPEG; only where the worker agreed to it
    """
    width, height = CARD_MM
    worker = shown.worker
    picture = (
        f'<img alt="照片 Photo" src="data:image/jpeg;base64,{base64.b64encode(photo).decode()}">'
        if photo
        else ""
    )
    valid = f"有效期至 Valid until {escape(until)}" if until else ""
    return _CARD.format(
        width=width,
        height=height,
        site=escape(site),
        name=escape(worker.name),
        number=escape(worker.worker_id),
        employer=escape(" · ".join(part for part in (worker.employer, worker.team) if part)),
        valid=valid,
        picture=picture,
        code=code_svg(shown.text),
    )


_CARD = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>通行卡 Pass card</title><style>
@page {{ size: {width}mm {height}mm; margin: 0; }}
body {{ margin: 0; font-family: system-ui, "Noto Sans CJK SC", sans-serif; color: #000; }}
.card {{ width: {width}mm; height: {height}mm; box-sizing: border-box; padding: 3mm; display: flex; gap: 3mm;
  overflow: hidden; }}
.text {{ flex: 1; min-width: 0; display: flex; flex-direction: column; gap: 1mm; font-size: 2.9mm; }}
.site {{ font-size: 2.7mm; border-bottom: 0.3mm solid #000; padding-bottom: 1mm; }}
.name {{ font-size: 5.2mm; font-weight: 700; line-height: 1.15; overflow-wrap: anywhere; }}
.number {{ font-size: 3.8mm; overflow-wrap: anywhere; }}
.text img {{ height: 17mm; max-width: 100%; object-fit: contain; align-self: flex-start; margin-top: auto; }}
.valid {{ margin-top: auto; font-size: 2.4mm; }}
.code {{ width: 46mm; align-self: center; }}
.code svg {{ display: block; width: 100%; height: auto; }}
@media screen {{ body {{ background: #eef1f4; padding: 8mm; }} .card {{ background: #fff;
  outline: 0.3mm solid #889; }} }}
</style></head><body><div class="card"><div class="text"><div class="site">{site}</div>
<div class="name">{name}</div><div class="number">{number}</div><div>{employer}</div>{picture}
<div class="valid">{valid}</div></div><div class="code">{code}</div></div>
<script>window.addEventListener("load", () => window.print());</script></body></html>
"""
