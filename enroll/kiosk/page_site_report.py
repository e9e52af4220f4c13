"""The daily report of the site at the kiosk. `enroll/declaration_desk.py` decides."""

from __future__ import annotations

from functools import partial

from nicegui import ui

from enroll.accounts import Right
from enroll.declaration_desk import DeclarationDesk, ReportDays, runs_short
from enroll.kiosk import words_declare as w
from enroll.kiosk.form_view import FormView
from enroll.kiosk.frame import KioskPage, KioskVisitor
from enroll.kiosk.page_declare import about, receipt
from sync.declarations import SiteReport
from sync.forms import newest_form
from sync.pages import action, heading, subheading


async def build_site_report_page(visitor: KioskVisitor) -> None:
    page = _Page(visitor)
    await page.show()


class _Page:
    """Employers with their days, then the form of one, then its receipt."""

    def __init__(self, visitor: KioskVisitor) -> None:
        self._visitor = visitor
        office = visitor.office
        self._desk = DeclarationDesk(
            office.store, site_id=office.settings.site.id, zone=office.zone, now=office.now
        )
        self._room = ui.element("div")

    async def show(self) -> None:
        days = await self._visitor.ask(
            lambda: [self._desk.report_days(employer) for employer in self._desk.employers()]
        )
        self._room.clear()
        with self._room:
            heading(w.REPORT)
            for one in days or []:
                self._employer(one)

    def _employer(self, one: ReportDays) -> None:
        name = one.employer or str(w.SITE_ITSELF)
        with ui.element("section").classes("sg-card").props(f'aria-label="{name}"'):
            subheading(name)
            ui.label(str(w.LAST_DAYS)).classes("sg-note")
            with ui.element("div").classes("sg-days").props("role=list"):
                for day, is_there in one.days:
                    state = w.IS_THERE if is_there else w.IS_MISSING
                    label = ui.label(f"{day:%m-%d} {'✓' if is_there else '✕'}")
                    label.classes("sg-good" if is_there else "sg-bad")
                    label.props(f'role=listitem aria-label="{day} {state}"')
            action(w.OPEN, partial(self._open, one.employer), main=not one.days[-1][1], icon="edit_note")

    async def _open(self, employer: str) -> None:
        to_fill = await self._visitor.ask(lambda: self._desk.report(employer))
        if to_fill is None:
            return
        self._room.clear()
        with self._room:
            heading(w.REPORT)
            ui.label(f"{employer or w.SITE_ITSELF} · {to_fill.day}").classes("sg-subtitle")
            about(to_fill)
            view = FormView(to_fill.form, to_fill.entered)

            async def send() -> None:
                await self._send(employer, view)

            with ui.element("div").classes("sg-bar"):
                action(w.BACK, self.show, icon="arrow_back")
                action(w.SEND, send, main=True, icon="send")

    async def _send(self, employer: str, view: FormView) -> None:
        by = self._visitor.user.user_id
        sent = await self._visitor.ask(lambda: self._desk.send_report(employer, view.entered, by=by))
        if sent is None:
            return
        checked, report = sent
        if report is None:
            view.complain(checked)
            return
        self._receipt(report)

    def _receipt(self, report: SiteReport) -> None:
        names = {
            option.value: f"{option.zh} {option.en}"
            for option in newest_form(report.form_id).field("supplies").options
        }
        short = runs_short(report)
        self._room.clear()
        with self._room:
            heading(w.REPORTED)
            receipt(
                report.employer or str(w.SITE_ITSELF),
                report.declared_at.astimezone(self._visitor.office.zone),
            )
            subheading(w.SHORT if short else w.ENOUGH)
            for supply, on in short:
                ui.label(f"{names.get(supply, supply)}: {on}").classes("sg-bad")
            action(w.BACK, self.show, main=True, icon="arrow_back")


SITE_REPORT_PAGE = KioskPage(
    "/site-report", w.REPORT, build_site_report_page, right=Right.DECLARE, icon="assignment"
)
