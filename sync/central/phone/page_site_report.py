"""The daily report of a site's employers, by those who run the site."""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from sync.central import audit, site_reports
from sync.central.accounts_access import Right, Viewer, no_such
from sync.central.audit import Action
from sync.central.front_office import FrontOffice
from sync.central.phone import words_site as said
from sync.central.phone.form_flow import FormFlow, Unfinished
from sync.central.phone.settings import PHONE_PATH
from sync.central.phone.shell import PhoneShell, SentForm, sent_text
from sync.central.site_reports import Reported
from sync.central.worker_desk import Site
from sync.declarations import SITE_FORM, SiteReport
from sync.forms import newest_form
from sync.forms.telling import typed

PATH = f"{PHONE_PATH}/site-report"
DAYS_SHOWN = 14
LATE_DAYS = 7
"""A forgotten day can be handed in for a week; it keeps the time at which that was done."""


def router(shell: PhoneShell) -> APIRouter:
    """`/m/site-report`: choose a site, see its employers and days, fill in one."""
    area = APIRouter()
    office, places = shell.office, _Places(shell.office)
    flow = FormFlow(office.database, newest_form(SITE_FORM))

    @area.get("/site-report")
    def overview(request: Request, site: str = "") -> Response:
        viewer = shell.require_staff(request, Right.REPORT_SITE)
        sites = office.workers.sites(viewer)
        chosen = chosen_site(sites, site)
        if chosen is None:
            return shell.render(
                request, "site_choose.html", sites=sites, title=said.REPORT, path=PATH, said=said
            )
        today = places.today(chosen)
        days = office.site_reports.days(viewer, chosen.site_id, today - timedelta(days=DAYS_SHOWN - 1), today)
        return shell.render(
            request,
            "site_report.html",
            site=chosen,
            today=today,
            oldest=today - timedelta(days=LATE_DAYS),
            employers=days,
            several_sites=len(sites) > 1,
            said=said,
        )

    @area.get("/site-report/form")
    def page(request: Request, site: str, employer: str = "", day: str = "", check: str = "") -> Response:
        viewer = shell.require_staff(request, Right.REPORT_SITE)
        chosen, wanted = places.site_and_day(viewer, site, day)
        report = places.report(viewer, chosen.site_id, employer, wanted)
        owner = _owner(viewer, chosen.site_id, employer, wanted)
        with office.database.read() as connection:
            draft = flow.draft(connection, owner)
            last = report or site_reports.latest(connection, chosen.site_id, employer, wanted)
        before = typed(flow.form, last.answers, only_carried=report is None) if last else {}
        return shell.render(
            request,
            "site_report_form.html",
            page=flow.page(draft, before, today=wanted, complains=bool(check)),
            site=chosen,
            employer=employer,
            day=wanted,
            is_late=wanted < places.today(chosen),
            report=report,
            is_carried=last is not None and report is None,
            said=said,
        )

    @area.post("/site-report/form")
    def send(request: Request, form: SentForm) -> Response:
        viewer, now = shell.require_staff(request, Right.REPORT_SITE), shell.now()
        employer = sent_text(form, "employer")
        chosen, wanted = places.site_and_day(viewer, sent_text(form, "site"), sent_text(form, "day"))
        places.report(viewer, chosen.site_id, employer, wanted)
        owner = _owner(viewer, chosen.site_id, employer, wanted)
        back = _path_of("form", chosen.site_id, employer, wanted)
        checked = flow.posted(form, today=wanted)
        if isinstance(checked, Unfinished):
            return flow.keep(checked, owner, back, now=now)

        def take(connection: Connection) -> str:
            report = SiteReport(
                form_id=flow.form.form_id,
                form_version=flow.form.version,
                site_id=chosen.site_id,
                employer=employer,
                local_day=wanted,
                declared_at=now,
                source="phone",
                recorded_by=viewer.user_id,
                answers=checked.answers,
            )
            site_reports.put(connection, report, checked, received_at=now)
            flow.forget(connection, owner)
            audit.note_by(
                connection,
                viewer,
                Action.REPORTED_SITE,
                at=now,
                site_id=chosen.site_id,
                detail={"employer": employer, "day": wanted.isoformat()},
            )
            return _path_of("receipt", chosen.site_id, employer, wanted)

        return shell.once(form, viewer.user_id, take)

    @area.get("/site-report/receipt")
    def receipt(request: Request, site: str, day: str, employer: str = "") -> Response:
        viewer = shell.require_staff(request, Right.REPORT_SITE)
        chosen, wanted = places.site_and_day(viewer, site, day)
        report = places.report(viewer, chosen.site_id, employer, wanted)
        if report is None:
            raise no_such("report", day)
        names = {row.value: row for row in flow.form.field("supplies").options}
        return shell.render(
            request,
            "site_report_receipt.html",
            report=report,
            at=report.declared_at.astimezone(ZoneInfo(chosen.timezone)),
            site=chosen,
            short=[
                (names[one.supply], one.on)
                for one in site_reports.short_supplies(report.answers, report.local_day)
                if one.supply in names
            ],
            said=said,
        )

    return area


class _Places:
    """Sites, days and employers that a viewer may report of."""

    def __init__(self, office: FrontOffice) -> None:
        self._office = office

    def today(self, site: Site) -> date:
        return self._office.now().astimezone(ZoneInfo(site.timezone)).date()

    def site_and_day(self, viewer: Viewer, site_id: str, day: str) -> tuple[Site, date]:
        """Raises NotFound, also for a day that can no longer or not yet be reported."""
        sites = self._office.workers.sites(viewer)
        chosen = next((site for site in sites if site.site_id == site_id), None)
        if chosen is None:
            raise no_such("site", site_id)
        today = self.today(chosen)
        wanted = day_of(day, today)
        if not today - timedelta(days=LATE_DAYS) <= wanted <= today:
            raise no_such("day", day)
        return chosen, wanted

    def report(self, viewer: Viewer, site_id: str, employer: str, day: date) -> Reported | None:
        """Raises NotFound for an employer who is not at the site."""
        for one in self._office.site_reports.days(viewer, site_id, day, day):
            if one.employer == employer:
                return one.days[0][1]
        raise no_such("employer", employer)


def chosen_site(sites: list[Site], site_id: str) -> Site | None:
    """The one of the address, or the only one."""
    return next((site for site in sites if site.site_id == site_id), sites[0] if len(sites) == 1 else None)


def day_of(text: str, today: date) -> date:
    """A day of an address; today where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return today


def _path_of(page: str, site_id: str, employer: str, day: date) -> str:
    return f"{PATH}/{page}?site={quote(site_id)}&employer={quote(employer, safe='')}&day={day}"


def _owner(viewer: Viewer, site_id: str, employer: str, day: date) -> str:
    """Whose draft: one per person, employer and day."""
    return sha256(f"{viewer.user_id}\n{site_id}\n{employer}\n{day}".encode()).hexdigest()
