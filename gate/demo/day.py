"""The demo's day at the site: declarations, a list, a case, refusals at the gate, an alert, the figures."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.console import Console

from gate.demo import people
from gate.demo.centre import DemoCentre
from gate.demo.day_gate import watch_refusals
from gate.demo.day_pages import BusTrip, ConsoleVisit, console_visit, phone_visit
from gate.demo.footage import Scene, write_footage
from gate.demo.kiosk_act import gate_follows, until
from gate.demo.people import DemoPerson
from gate.demo.pictures import Pictures
from gate.reasons import Reason
from gate.settings import Settings
from gate.startup import open_store
from models.zoo import Zoo
from sync.health_pass import PassColour, pass_at
from sync.records import Outcome
from sync.store import LocalStore

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCENES = (Scene("carphone", 80, 115), Scene("obama3", seconds=2.0))
"""A, then B, who are both known to the gate by face."""

REFUSED_FOR = {people.A: Reason.FLAG_BLOCK, people.B: Reason.PASS_RED}
_SCREENS = {people.A: "gate-list", people.B: "gate-pass"}
_MEASURES = ("Disinfected", "Isolated", "Sent to test")
_BUS_NUMBER, _SEATS = "示例001", ("12", "11", "13")
_LIST, _LIST_CATEGORY = "example-list", "示例"


class Day:
    """The acts in their order; each says one line."""

    def __init__(
        self,
        browser: Browser,
        settings: Settings,
        centre: DemoCentre,
        console: Console,
        *,
        shots: Path,
        folder: Path,
    ) -> None:
        self._browser = browser
        self._settings = settings
        self._centre = centre
        self._console = console
        self._pictures = Pictures(shots)
        self._shots = shots
        self._folder = folder
        self._today = datetime.now(ZoneInfo(settings.site.timezone)).date()
        own, other, case = (BusTrip(_BUS_NUMBER, self._today - timedelta(days=1), seat) for seat in _SEATS)
        self._rides = {people.B: own, people.RIDER: other, people.CASE: case}

    def play(self, zoo: Zoo) -> bool:
        """Whether the gate refused for the right reasons. Raises GateError, or what the browser raises."""
        footage = self._folder / "day.avi"
        write_footage(zoo, SCENES, footage)
        with ExitStack() as open_pages:
            with open_store(self._settings, create=False) as store, gate_follows(self._settings, store):
                self._declare()
                office = open_pages.enter_context(
                    console_visit(self._browser, self._centre.console_url, self._pictures)
                )
                self._import_list(store, office)
                self._trace(store, office)
            good = self._watch_gate(footage)
            self._look_at_own_pass()
            office.deal_with_alert("Contacts of a case", _MEASURES, "示例：同车两人已隔离，班车已消毒")
            self._say(f"alert closed after {len(_MEASURES)} measures: {', '.join(_MEASURES).lower()}")
            for path, shown, picture in (
                ("/passes", f"tr:has-text('{people.B.name}')", "passes"),
                ("/clearances?show=all", f"tr:has-text('{people.B.name}')", "clearances"),
                ("/grid", "main table tbody tr", "grid"),
                (f"/person/{people.B.worker_id}", f"main >> text={people.B.name}", "person"),
            ):
                office.look(path, shown, picture)
            self._say(f"the dashboard shows the figures: {office.figures()}")
            self._say(f"{len(self._pictures.names)} pictures in {self._shots}")
        return good

    # -- the acts ----------------------------------------------------------------------------------------

    def _declare(self) -> None:
        site_id, url = self._settings.site.id, self._centre.console_url
        for one, fever, picture in (
            (people.B, False, "declare"),
            (people.RIDER, False, ""),
            (people.FEVERISH, True, ""),
        ):
            with phone_visit(self._browser, url, self._pictures) as phone:
                phone.declare(one, site_id, fever=fever, trip=self._rides.get(one), picture=picture)
        self._say("three workers declared on a phone: two of one bus, one with a fever")

    def _import_list(self, store: LocalStore, office: ConsoleVisit) -> None:
        file = self._folder / "list.csv"
        with file.open("w", newline="", encoding="utf-8-sig") as out:
            rows = csv.writer(out)
            rows.writerow(["姓名", "证件号码", "电话"])
            rows.writerow([people.A.name, people.A.document_number, ""])
        self._centre.import_list(
            _LIST,
            file,
            "--source",
            "示例单位",
            "--level",
            "block",
            "--name",
            "示例名单",
            "--category",
            _LIST_CATEGORY,
        )
        until(lambda: _is_on_list(store, people.A), "the flag of the list reaches the gate")
        office.see_match(people.A)
        self._say(f"`sitegate central list import`: {people.A.name} is on it, and flagged at the gate")

    def _trace(self, store: LocalStore, office: ConsoleVisit) -> None:
        met = (people.B, people.RIDER)
        office.open_case(people.CASE, self._today, self._rides[people.CASE])
        office.confirm_contacts(met)
        until(
            lambda: all(_colour(store, one) is PassColour.RED for one in met), "the red passes reach the gate"
        )
        self._say(
            f"a case of {people.CASE.name} whose bus {people.B.name} and {people.RIDER.name} shared: "
            "contacts confirmed, both passes red at the gate"
        )

    def _watch_gate(self, footage: Path) -> bool:
        lane = self._settings.lanes[0]
        source = lane.source.model_copy(update={"path": footage, "loop": True})
        settings = self._settings.model_copy(update={"lanes": (lane.model_copy(update={"source": source}),)})
        seen = watch_refusals(self._browser, settings, _SCREENS, self._pictures)
        good = True
        for one, reason in REFUSED_FOR.items():
            recorded, words = seen[one.worker_id]
            event = recorded.event
            right = (
                event.outcome is Outcome.DENY
                and event.reasons[0] == reason.value
                and recorded.opened_at_s is None
            )
            good = good and right
            told = "" if right else f" [red]NOT as expected: {reason.value}[/]"
            self._say(f"the gate: {one.name} {event.outcome.value} {event.reasons[0]}: “{words}”{told}")
        return good

    def _look_at_own_pass(self) -> None:
        with phone_visit(self._browser, self._centre.console_url, self._pictures) as phone:
            phone.look_at_pass(people.B, "phone-pass")

    def _say(self, text: str) -> None:
        self._console.print(f"    {text}", highlight=False, soft_wrap=True)


def _is_on_list(store: LocalStore, person: DemoPerson) -> bool:
    return any(flag.category == _LIST_CATEGORY for flag in store.worker(person.worker_id).flags)


def _colour(store: LocalStore, person: DemoPerson) -> PassColour | None:
    worker = store.worker(person.worker_id)
    return pass_at(worker.flags, worker.clearances, datetime.now(UTC)).colour
