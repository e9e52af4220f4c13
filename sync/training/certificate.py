"""The certificate of a pass: one page with a QR code that leads to its check at the centre."""

from __future__ import annotations

import io
from zoneinfo import ZoneInfo

import segno
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from sync.training.errors import TrainingError
from sync.training.record import Result, SignedTraining, verify

FONT = "STSong-Light"
"""One of the CJK fonts that PDF readers bring with them: no font file travels with the program."""

VERIFY_PATH = "/m/verify/"
_INK, _SOFT, _BLUE = (0.09, 0.13, 0.17), (0.3, 0.35, 0.4), (0.04, 0.33, 0.58)
_QR_SIDE = 42 * mm


class NotPassed(TrainingError, ValueError):
    """There is a certificate for a pass only."""


def verify_url(token: str, centre_url: str) -> str:
    """What the QR says; without the centre's address the bare token, to be typed in there."""
    return f"{centre_url.rstrip('/')}{VERIFY_PATH}{token}" if centre_url else token


def certificate_pdf(signed: SignedTraining, *, site_name: str, zone: ZoneInfo, centre_url: str = "") -> bytes:
    """One landscape A4 page. Raises RecordTampered, NotPassed."""
    record = verify(signed)
    if record.result is not Result.PASSED or record.valid_until is None:
        raise NotPassed(f"training record {record.record_id} is no pass", next_step="take the course again")
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=landscape(A4))
    canvas.setTitle(f"{record.course_title_zh} {record.course_title_en}".strip())
    width, height = landscape(A4)
    canvas.setStrokeColorRGB(*_BLUE)
    canvas.setLineWidth(2)
    canvas.rect(12 * mm, 12 * mm, width - 24 * mm, height - 24 * mm)
    canvas.setFillColorRGB(*_BLUE)
    canvas.setFont(FONT, 34)
    canvas.drawCentredString(width / 2, height - 40 * mm, "培训合格证书")
    canvas.setFont(FONT, 15)
    canvas.drawCentredString(width / 2, height - 49 * mm, "Certificate of training")
    canvas.setFillColorRGB(*_INK)
    canvas.setFont(FONT, 26)
    canvas.drawCentredString(width / 2, height - 70 * mm, record.worker_name)
    ended = record.ended_at.astimezone(zone)
    score = "" if record.score_percent is None else f"{record.score_percent} %"
    rows = [
        ("课程 Course", f"{record.course_title_zh} {record.course_title_en}  ({record.course_version})"),
        ("工地 Site", site_name),
        ("日期 Date", f"{ended:%Y-%m-%d %H:%M}"),
        ("得分 Score", score or "–"),
        ("有效期至 Valid until", f"{record.valid_until.astimezone(zone):%Y-%m-%d}"),
        ("记录编号 Record", record.record_id),
    ]
    for number, (name, value) in enumerate(rows):
        y = height - (88 + 11 * number) * mm
        canvas.setFillColorRGB(*_SOFT)
        canvas.setFont(FONT, 12)
        canvas.drawString(32 * mm, y, name)
        canvas.setFillColorRGB(*_INK)
        canvas.setFont(FONT, 14)
        canvas.drawString(80 * mm, y, value)
    _qr(canvas, verify_url(record.token, centre_url), width - 32 * mm - _QR_SIDE, 28 * mm)
    canvas.setFillColorRGB(*_SOFT)
    canvas.setFont(FONT, 10)
    canvas.drawString(32 * mm, 24 * mm, f"扫码核验 Scan to verify: {verify_url(record.token, centre_url)}")
    canvas.drawString(32 * mm, 18 * mm, f"签名 Signature: {signed.signature[:48]}…")
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _qr(canvas: Canvas, text: str, x: float, y: float) -> None:
    """Drawn as squares: sharp at any size."""
    matrix = segno.make(text, error="m").matrix
    cell = _QR_SIDE / len(matrix)
    canvas.setFillColorRGB(0, 0, 0)
    for row, line in enumerate(matrix):
        bottom = y + (len(matrix) - 1 - row) * cell
        for column, dark in enumerate(line):
            if dark:
                canvas.rect(x + column * cell, bottom, cell, cell, stroke=0, fill=1)
