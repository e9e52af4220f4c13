"""A field to sign in with finger, pen or mouse: strokes become an SVG path, in whole pixels of the field."""

from __future__ import annotations

from nicegui import ui

from enroll.kiosk import words_enrol as w
from sync.pages import action

READ_TIMEOUT_S = 10.0
_MARKUP = '<svg class="sg-pad" role="img" aria-labelledby="sg-sign"><path d=""/></svg>'
_SCRIPT = """
(() => {
  const pad = document.querySelector(".sg-pad"), path = pad.querySelector("path");
  let strokes = "", last = null;
  const at = (event) => { const box = pad.getBoundingClientRect();
    return [Math.round(event.clientX - box.left), Math.round(event.clientY - box.top)]; };
  const add = (letter, point) => {
    if (strokes.length > 19900) return;
    strokes += letter + point[0] + " " + point[1] + " "; last = point; path.setAttribute("d", strokes); };
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId); add("M", at(event)); event.preventDefault(); });
  pad.addEventListener("pointermove", (event) => {
    if (!event.buttons || last === null) return;
    const point = at(event);
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) >= 3) add("L", point); });
  window.sgSignature = { read: () => strokes,
    clear: () => { strokes = ""; last = null; path.setAttribute("d", ""); } };
})();
"""
"""Points closer than 3 px add nothing to a signature; so one of a name takes a few thousand characters."""


def signature_pad() -> None:
    """The field and a button that empties it; one per page."""
    ui.label(str(w.SIGN_HERE)).props("id=sg-sign")
    ui.html(_MARKUP, sanitize=False).classes("sg-pad-box")
    ui.run_javascript(_SCRIPT)
    action(w.CLEAR, lambda: ui.run_javascript("window.sgSignature.clear()"), icon="undo")


async def read_signature() -> str:
    """The SVG path so far; empty before the first stroke."""
    return str(await ui.run_javascript("return window.sgSignature.read()", timeout=READ_TIMEOUT_S))
