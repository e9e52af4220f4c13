"""What workers do on their phones and the officer at the centre's console, done by a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from gate.demo.centre import DEMO_PASSWORD, DEMO_USER
from gate.demo.people import DemoPerson
from gate.demo.pictures import Pictures
from gate.demo.visit import HEIGHT_PX, PATIENCE_MS, WIDTH_PX

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PHONE_PX = (390, 844)
_CLICKS = 4
_FIGURES = ("declared", "entries", "refused", "unwell_declared", "red", "alerts")


@dataclass(frozen=True, slots=True)
class BusTrip:
    """A ride that several people shared. The number is none that a plate could have."""

    number: str
    day: date
    seat: str

    def line(self) -> str:
        """As the form of a case takes it."""
        return f"客车 {self.number} {self.day} {self.seat}"


class PhoneVisit:
    """One worker with a phone at the pages of the centre."""

    def __init__(self, page: Page, url: str, pictures: Pictures) -> None:
        self._page = page
        self._url = url
        self._pictures = pictures

    def declare(
        self,
        person: DemoPerson,
        site_id: str,
        *,
        fever: bool = False,
        trip: BusTrip | None = None,
        picture: str = "",
    ) -> None:
        """Sign in and send today's declaration, to its receipt; `picture` names two: sheet and receipt."""
        page = self._page
        self._sign_in(person, f"/m/declare?site={site_id}")
        page.locator(f"[name=health][value={'fever' if fever else 'well'}]").check()
        for name in ("affected", "contact"):
            page.locator(f"[name={name}][value=no]").check()
        page.locator(f"[name=travelled][value={'yes' if trip else 'no'}]").check()
        if trip is not None:
            page.get_by_label("交通方式").select_option("bus")
            for label, text in (
                ("航班、车次", trip.number),
                ("乘坐日期", f"{trip.day}"),
                ("出发地", "示例市"),
                ("到达地", "样例县"),
                ("座位号", trip.seat),
            ):
                page.get_by_label(label).fill(text)
        page.locator("[name=lodging][value=home]").check()
        page.get_by_label("住址或楼号").fill(f"示例路 {person.worker_id} 号")
        page.get_by_label("以上内容真实").check()
        if picture:
            page.get_by_label("交通方式").scroll_into_view_if_needed()
            self._pictures.take(page, picture)
        page.get_by_role("button", name=re.compile("提交申报")).click()
        page.get_by_text("申报成功").first.wait_for()
        if picture:
            self._pictures.take(page, f"{picture}-receipt")

    def look_at_pass(self, person: DemoPerson, picture: str) -> None:
        """The own pass, with what to do next."""
        self._sign_in(person, "/m/pass")
        self._page.locator(".colour").wait_for()
        self._pictures.take(self._page, picture)

    def _sign_in(self, person: DemoPerson, path: str) -> None:
        page = self._page
        page.goto(f"{self._url}{path}")
        page.get_by_label("工号或手机号").fill(person.worker_id)
        page.get_by_label("证件号码后六位").fill(person.document_tail)
        page.get_by_role("button", name=re.compile("登录")).click()


@contextmanager
def phone_visit(browser: Browser, url: str, pictures: Pictures) -> Iterator[PhoneVisit]:
    """A phone of somebody's own."""
    width_px, height_px = PHONE_PX
    with browser.new_context(viewport={"width": width_px, "height": height_px}, locale="zh-CN") as context:
        context.set_default_timeout(PATIENCE_MS)
        yield PhoneVisit(context.new_page(), url, pictures)


class ConsoleVisit:
    """The officer, signed in at the console."""

    def __init__(self, page: Page, url: str, pictures: Pictures) -> None:
        self._page = page
        self._url = url
        self._pictures = pictures

    def look(self, path: str, shown: str, picture: str) -> None:
        """Open a page and take its picture once `shown`, a selector, is there."""
        self._page.goto(f"{self._url}{path}")
        self._page.locator(shown).first.wait_for()
        self._picture(picture)

    def see_match(self, person: DemoPerson) -> None:
        """The list with its matches, then the person beside the entry."""
        page = self._page
        line = page.locator("tr", has_text=person.worker_id)
        self.look("/lists", f"tr:has-text('{person.worker_id}')", "lists")
        self._press(line.locator(".sg-open"), page.locator(".sg-dialog"))
        self._picture("match")

    def open_case(self, person: DemoPerson, onset: date, trip: BusTrip) -> None:
        """Open a case of a worker with a trip, until the contacts that were found are shown."""
        page = self._page
        page.goto(f"{self._url}/cases")
        typed = page.locator("[data-field=worker]")
        self._press(page.locator(".sg-action", has_text="Open a case"), typed)
        typed.fill(person.worker_id)
        page.locator("[data-field=onset_on]").fill(f"{onset}")
        page.get_by_label("Trips").fill(trip.line())
        self._picture("case-form")
        page.locator(".sg-dialog .sg-action", has_text="Save").click()
        page.locator(".sg-case tbody tr").first.wait_for()
        page.wait_for_selector(".sg-graph canvas")

    def confirm_contacts(self, people: Sequence[DemoPerson]) -> None:
        """Everybody named becomes a contact by one confirmed action."""
        page = self._page
        for one in people:
            page.locator(".sg-case tr", has_text=one.worker_id).locator(".q-checkbox").click()
        page.locator("[data-field=why]").fill("同车，示例核查")
        sure = page.locator(".sg-dialog .sg-action", has_text="Confirm")
        self._press(page.locator(".sg-action", has_text="Confirm and flag"), sure)
        sure.click()
        for one in people:
            page.locator(".sg-case tr", has_text=one.worker_id).filter(has_text="⚑").wait_for()
        self._picture("case")

    def deal_with_alert(self, words: str, measures: Sequence[str], remarks: str) -> None:
        """Acknowledge the alert with these words, note the measures, close it."""
        page = self._page
        page.goto(f"{self._url}/alerts")
        line = page.locator("tr", has_text=words)
        acknowledge = page.locator("button", has_text="Acknowledge")
        self._press(line.locator("button"), acknowledge)
        self._picture("alerts")
        page.locator("[data-field=remarks]").fill(remarks)
        acknowledge.click()
        for number, measure in enumerate(measures):
            note = page.locator("button", has_text="Note the measure")
            page.locator("button", has_text="Close the alert").wait_for()
            self._press(
                page.locator("label.q-select", has=page.locator("[data-field=measure]")),
                page.locator(".q-menu .q-item", has_text=measure),
            )
            page.locator(".q-menu .q-item", has_text=measure).click()
            note.click()
            page.locator("td", has_text=measure).first.wait_for()
            if number == 0:
                self._picture("alert-measures")
        page.locator("button:enabled", has_text="Close the alert").click()
        page.locator("button", has_text="Take closing back").wait_for()
        self._picture("alert-closed")

    def figures(self) -> str:
        """The dashboard's figures of the day, as one line."""
        page = self._page
        self.look("/dashboard", "[data-figure=red] .sg-big", "dashboard")
        told = []
        for figure in _FIGURES:
            number, _, *english = page.locator(f"[data-figure={figure}]").inner_text().split("\n")
            told.append(f"{' '.join(english)} {number}")
        return " · ".join(told)

    def _press(self, button: Locator, shown: Locator) -> None:
        """A page that connects anew on a busy machine has no answer to a click: then it is clicked again."""
        from playwright.sync_api import TimeoutError as TooLate  # noqa: PLC0415 - an extra

        for _ in range(_CLICKS - 1):
            button.first.click()
            with suppress(TooLate):
                shown.first.wait_for(timeout=PATIENCE_MS / _CLICKS)
                return
        button.first.click()
        shown.first.wait_for()

    def _picture(self, name: str) -> None:
        """Without what passes by: a message of before, a wheel that still turns."""
        page = self._page
        page.mouse.move(0, 0)
        page.locator(".q-notification").first.wait_for(state="detached")
        self._pictures.take(page, name, whole=True)


@contextmanager
def console_visit(browser: Browser, url: str, pictures: Pictures) -> Iterator[ConsoleVisit]:
    """Sign in at the console."""
    with browser.new_context(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}, locale="zh-CN") as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(url)
        page.locator("[name=user]").fill(DEMO_USER)
        page.locator("[name=password]").fill(DEMO_PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector(".sg-nav")
        yield ConsoleVisit(page, url, pictures)
