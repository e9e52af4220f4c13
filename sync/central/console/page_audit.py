"""The audit log, for administrators."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.central import audit
from sync.central.accounts_access import Viewer
from sync.central.audit import PAGE_ROWS, AuditLine
from sync.central.console import words
from sync.central.console.frame import Visitor, table, text_field
from sync.central.console.listing import Paging, search_bar
from sync.central.console.words_audit import action_text
from sync.pages import action

_COLUMNS = (
    ("at", words.TIME),
    ("actor", words.WHO),
    ("action", words.ACTION),
    ("site", words.SITE),
    ("subject", words.SUBJECT),
    ("detail", words.DETAIL),
)


async def build_audit_page(visitor: Visitor, viewer: Viewer) -> None:
    zone = ZoneInfo(visitor.settings.timezone)

    async def show(start: str) -> str | None:
        who, what = str(actor.value).strip(), str(subject.value).strip()
        found = await visitor.ask(
            lambda viewer: audit.lines(
                visitor.office.database,
                viewer,
                now=visitor.office.now(),
                before=int(start) if start else None,
                actor=who,
                subject=what,
            )
        )
        if found is None:
            return None
        lines.rows = [_cells(line, zone) for line in found]
        return str(found[-1].audit_id) if len(found) == PAGE_ROWS else ""

    paging = Paging(show)

    with search_bar():
        actor = text_field(words.WHO).on("keydown.enter", paging.first)
        subject = text_field(words.SUBJECT).on("keydown.enter", paging.first)
        action(words.SEARCH, paging.first, main=True, icon="search")
    lines = table(_COLUMNS, key="audit_id")
    with ui.element("div").classes("sg-bar"):
        paging.actions(words.OLDER)
    await paging.first()


def _cells(line: AuditLine, zone: ZoneInfo) -> dict[str, str | int]:
    return {
        "audit_id": line.audit_id,
        "at": f"{line.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        "actor": line.actor,
        "action": action_text(line.action),
        "site": line.site_id,
        "subject": line.subject,
        "detail": json.dumps(line.detail, ensure_ascii=False),
    }
