"""What the centre refused, for whoever runs the site: why, and what to do."""

from __future__ import annotations

from nicegui import ui

from enroll.accounts import Right
from enroll.kiosk.frame import KioskPage, KioskVisitor
from enroll.kiosk.page_workers import WORKER_PATH
from enroll.kiosk.tables import cell, roster_style, table
from enroll.refused_notes import refused_notes
from sync.pages import bilingual, heading
from sync.words import Words

SHOWN = 300

REFUSED = Words("未接收", "Refused")
NONE = Words("中心已接收全部记录，没有被拒绝的。", "Nothing was refused: the centre took every record.")
_COLUMNS = (
    Words("记录", "Record"),
    Words("工号", "Number"),
    Words("原因", "Reason"),
    Words("如何处理", "What to do"),
)


async def build_refused_page(visitor: KioskVisitor) -> None:
    """The newest first; the number leads to the worker."""
    roster_style()
    heading(REFUSED)
    rows = await visitor.ask(lambda: visitor.office.store.notes_refused(SHOWN))
    if rows is None:
        return
    if not rows:
        bilingual(NONE)
        return
    with table(_COLUMNS):
        for one in refused_notes(rows):
            with ui.element("tr"):
                cell(str(one.kind))
                with ui.element("td"):
                    if one.worker_id:
                        path = WORKER_PATH.format(worker_id=one.worker_id)
                        ui.link(one.worker_id, path).classes("sg-row-link")
                cell(str(one.reason).strip())
                cell(str(one.step))


REFUSED_PAGE = KioskPage("/refused", REFUSED, build_refused_page, Right.ENROL, icon="report_problem")
