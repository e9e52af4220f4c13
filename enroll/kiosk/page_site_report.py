"""The daily report of the site at the kiosk. `enroll/declaration_desk.py` decides."""

from __future__ import annotations

from functools import partial

from nicegui import ui

from enroll.accounts import Right
from enroll.declaration_desk import ReportDays, runs_short
from enroll.kiosk import words_declare as w
from enroll.kiosk.form_page import FormPage
from enroll.kiosk.frame import KioskPage, KioskVisitor
from sync.declarations import SiteReport
from sync.forms import Checked, newest_form
from sync.pages import action, subheading


async def build_site_report_page(visitor: KioskVisitor) -> None:
    await _Page(visitor).show()


class _Page(FormPage):
    """Employers with their days, then the form of one, then its receipt."""

    async def show(self) -> None:
        desk = self.desk
        days = await self.visitor.ask(lambda: [desk.report_days(employer) for employer in desk.employers()])
        with self.anew(w.REPORT):
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
        desk, by = self.desk, self.visitor.user.user_id
        to_fill = await self.visitor.ask(lambda: desk.report(employer))
        if to_fill is not None:
            self.show_form(
                w.REPORT,
                employer or str(w.SITE_ITSELF),
                to_fill,
                send=lambda entered: desk.send_report(employer, entered, by=by),
                on_sent=self._receipt,
                on_back=self.show,
            )

    def _receipt(self, _: Checked, report: SiteReport) -> None:
        supplies = newest_form(report.form_id).field("supplies").options
        names = {option.value: f"{option.zh} {option.en}" for option in supplies}
        short = runs_short(report)
        with self.anew(w.REPORTED):
            self.show_sent(report.employer or str(w.SITE_ITSELF), report.declared_at)
            subheading(w.SHORT if short else w.ENOUGH)
            for supply, on in short:
                ui.label(f"{names.get(supply, supply)}: {on}").classes("sg-bad")
            action(w.BACK, self.show, main=True, icon="arrow_back")


SITE_REPORT_PAGE = KioskPage(
    "/site-report", w.REPORT, build_site_report_page, right=Right.DECLARE, icon="assignment"
)
