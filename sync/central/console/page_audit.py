"""The audit log, for administrators."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.central import audit
from sync.central.accounts_access import Right, Viewer
from sync.central.audit import PAGE_ROWS, AuditLine
from sync.central.console import words
from sync.central.console.frame import Visitor, action, heading, table, text_field

_COLUMNS = (
    ("at", words.TIME),
    ("actor", words.WHO),
    ("action", words.ACTION),
    ("site", words.SITE),
    ("subject", words.SUBJECT),
    ("detail", words.DETAIL),
)


async def build_audit_page(visitor: Visitor, viewer: Viewer) -> None:
    heading(words.AUDIT)
    if not viewer.may(Right.READ_AUDIT):
        ui.label(str(words.MAY_NOT)).classes("sg-note")
        return
    zone = ZoneInfo(visitor.settings.timezone)
    oldest: int | None = None

    async def show(before: int | None = None) -> None:
        nonlocal oldest
        who, what = str(actor.value).strip(), str(subject.value).strip()
        found = await visitor.ask(
            lambda viewer: audit.lines(
                visitor.office.database,
                viewer,
                now=visitor.office.now(),
                before=before,
                actor=who,
                subject=what,
            )
        )
        if found is not None:
            oldest = found[-1].audit_id if len(found) == PAGE_ROWS else None
            lines.rows = [_cells(line, zone) for line in found]
            older.set_enabled(oldest is not None)

    async def search() -> None:
        await show()

    async def go_older() -> None:
        await show(oldest)

    with ui.element("div").classes("sg-bar").props("role=search"):
        actor = text_field(words.WHO).on("keydown.enter", search)
        subject = text_field(words.SUBJECT).on("keydown.enter", search)
        action(words.SEARCH, search, main=True, icon="search")
    lines = table(_COLUMNS, key="audit_id")
    with ui.element("div").classes("sg-bar"):
        action(words.FIRST, search, icon="first_page")
        older = action(words.OLDER, go_older, icon="chevron_right")
    await show()


def _cells(line: AuditLine, zone: ZoneInfo) -> dict[str, str | int]:
    return {
        "audit_id": line.audit_id,
        "at": f"{line.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        "actor": line.actor,
        "action": line.action,
        "site": line.site_id,
        "subject": line.subject,
        "detail": json.dumps(line.detail, ensure_ascii=False),
    }
