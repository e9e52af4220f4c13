"""Screenshots of the demo's pages, small enough for a repository."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

_COLOURS = (256, 128, 64, 32)
_MAX_BYTES = 200_000
_HEIGHT_MAX_PX = 1600
_COARSE_PX = 24
_NOTHING_MOVES = """() => document.getAnimations().every((one) => one.playState !== "running"
  || one.effect?.getComputedTiming().iterations === Infinity)"""
"""A dialog comes in over a quarter of a second; what turns for ever is not waited for."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


class Pictures:
    """A folder of PNG files with few colours."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.names: list[str] = []

    def take(self, page: Page, name: str, *, whole: bool = False) -> None:
        """What the window shows; with `whole` the window is made as high as the page, within reason."""
        page.wait_for_function(_NOTHING_MOVES)
        seen = page.viewport_size
        height_px = page.evaluate("document.documentElement.scrollHeight") if whole else 0
        if seen is None or height_px <= seen["height"]:
            self.keep(page.screenshot(), name)
            return
        page.set_viewport_size({"width": seen["width"], "height": min(height_px, _HEIGHT_MAX_PX)})
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_function(_NOTHING_MOVES)
        self.keep(page.screenshot(), name)
        page.set_viewport_size(seen)

    def keep(self, png: bytes, name: str, *, blurred: Box | None = None) -> None:
        """Write it with as many colours as fit; a face before the camera is not to be recognised in it."""
        picture = Image.open(BytesIO(png)).convert("RGB")
        if blurred is not None:
            part = picture.crop(blurred)
            coarse = part.resize((_COARSE_PX, _COARSE_PX), Image.Resampling.BOX)
            picture.paste(coarse.resize(part.size, Image.Resampling.NEAREST), blurred[:2])
        for colours in _COLOURS:
            out = BytesIO()
            picture.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
            if out.tell() <= _MAX_BYTES:
                break
        (self._folder / f"{name}.png").write_bytes(out.getvalue())
        self.names.append(name)
