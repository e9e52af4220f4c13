"""Who did or looked at what at this kiosk."""

from __future__ import annotations

import json

from nicegui import ui

from enroll.accounts import Right
from enroll.kiosk import words
from enroll.kiosk.frame import KioskPage, KioskVisitor
from sync.pages import heading, text_field
from sync.store.people import AuditLine
from sync.words import Words

SHOWN = 300

AUDIT = Words("操作记录", "Audit")
SUBJECT = Words("对象，例如 worker:工号", "Subject, e.g. worker:NUMBER")
_COLUMNS = (
    ("at", Words("时间", "Time")),
    ("actor", Words("操作人", "Who")),
    ("action", Words("操作", "Action")),
    ("subject", Words("对象", "Subject")),
    ("detail", Words("内容", "Detail")),
)


async def build_audit_page(visitor: KioskVisitor) -> None:
    """The newest lines; of one subject, when it is named."""
    heading(AUDIT)
    subject = text_field(SUBJECT).props("debounce=400 clearable")
    columns = [
        {"name": name, "label": str(title), "field": name, "align": "left"} for name, title in _COLUMNS
    ]
    table = ui.table(columns=columns, rows=[], row_key="no")
    table.props(f'flat wrap-cells no-data-label="{words.NOTHING}"').classes("sg-table")

    async def show() -> None:
        wanted = str(subject.value or "").strip() or None
        lines = await visitor.ask(lambda: visitor.office.store.audit(SHOWN, subject=wanted))
        if lines is not None:
            table.rows = [{"no": number, **_row(visitor, line)} for number, line in enumerate(lines)]

    subject.on_value_change(show)
    await show()


def _row(visitor: KioskVisitor, line: AuditLine) -> dict[str, str]:
    return {
        "at": line.at.astimezone(visitor.office.zone).strftime("%Y-%m-%d %H:%M:%S"),
        "actor": line.actor,
        "action": line.action,
        "subject": line.subject,
        "detail": json.dumps(line.detail, ensure_ascii=False) if line.detail else "",
    }


AUDIT_PAGE = KioskPage("/audit", AUDIT, build_audit_page, Right.READ_AUDIT, icon="fact_check")
