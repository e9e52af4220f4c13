"""One person, one file: everything on record about a worker on one page that prints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.alerting import State as AlertState
from sync.alerting.telling import STATES as ALERT_STATES
from sync.central.accounts_access import Viewer
from sync.central.attendance import Day
from sync.central.cases import CaseKind, ContactState
from sync.central.console import (
    words,
    words_cases,
    words_clearances,
    words_declarations,
    words_passes,
    words_people,
    words_training,
)
from sync.central.console import words_person as said
from sync.central.console.frame import Visitor, table
from sync.central.console.page_clearances import last_day_text, result_cells, until_text
from sync.central.console.words import Words
from sync.central.exports_clearances import STATES
from sync.central.person_file import PersonFile, SiteName
from sync.clearance_rules import ClearanceRules
from sync.health_pass import PassStatus
from sync.pages import action, facts, heading, subheading
from sync.records import PassGrant
from sync.training.record import Result

_MINUTE = "%Y-%m-%d %H:%M"
Columns = Sequence[tuple[str, Words]]


async def build_person_page(visitor: Visitor, viewer: Viewer) -> None:
    worker_id = visitor.asked.get("worker_id", "")
    found = await visitor.ask(lambda one: visitor.office.person_files.one(one, worker_id))
    if found is None:
        ui.label(str(said.NOBODY)).classes("sg-note")
        return
    with ui.element("div").classes("sg-file"):
        _Page(found, visitor.office.clearances.rules).build()


class _Page:
    """The sections, in the order in which somebody asks."""

    def __init__(self, found: PersonFile, rules: ClearanceRules) -> None:
        self._found = found
        self._rules = rules
        self._zone = found.zone
        self._hidden: list[Words] = []

    def build(self) -> None:
        self._identity()
        self._clearances()
        self._pass()
        self._results()
        self._trainings()
        self._attendance()
        self._declared()
        self._lodging()
        self._rides()
        self._cases()
        self._alerts()
        self._grants()
        self._consents()
        if self._hidden:
            ui.label(f"{said.NOT_YOURS}{'、'.join(str(one) for one in self._hidden)}").classes("sg-note")

    def _identity(self) -> None:
        found, worker = self._found, self._found.worker
        with ui.element("div").classes("sg-bar"):
            heading(words.Words(worker.name, worker.worker_id))
            printing = action(words_people.PRINT, lambda: ui.run_javascript("window.print()"), icon="print")
            printing.classes("sg-screen-only")
        papers = found.papers
        document = (
            f"{words_people.DOCUMENTS[papers.document_type]} {papers.document_number}" if papers else ""
        )
        facts(
            [
                (words.STATUS, str(words.STATUSES[worker.status])),
                (words.SITE, "、".join(site.name for site in found.sites)),
                (words.TEAM, worker.team),
                (words.EMPLOYER, worker.employer),
                (words.TRADE, worker.trade),
                (words_people.DOCUMENT, document),
                (words.CONSENT, str(worker.face_consent_on or "")),
                (words.TEMPLATES, str(found.templates)),
            ]
        )
        subheading(words.FLAGS)
        rows = []
        for flag in worker.flags:
            category, reason = words_passes.flag_words(flag, found.pass_rules)
            rows.append(
                {
                    "level": str(words.LEVELS[flag.level]),
                    "category": category,
                    "reason": reason,
                    "until": self._wall(flag.valid_until),
                    "state": str(_in_force(flag.valid_from, flag.valid_until, found.now)),
                }
            )
        self._table(
            (
                ("level", words.LEVEL),
                ("category", words.CATEGORY),
                ("reason", words.REASON),
                ("until", words.UNTIL),
                ("state", words.STATUS),
            ),
            rows,
            words.NO_FLAGS,
        )

    def _clearances(self) -> None:
        subheading(words_clearances.CLEARANCES)
        columns = (
            ("kind", words_clearances.KIND),
            ("site", words.SITE),
            ("state", words.STATUS),
            ("until", words_clearances.HOLDS_UNTIL),
            ("reason", words_clearances.ORDERED),
        )
        self._table(
            columns,
            [
                {
                    "kind": str(self._rules.words(one.standing.kind)),
                    "site": self._site_name(one.site_id),
                    "state": str(STATES[one.standing.state]),
                    "until": until_text(one.standing.until, one.zone)
                    if one.standing.state.is_held
                    else last_day_text(one.standing.until, one.zone),
                    "reason": f"{last_day_text(one.order.due_by, one.zone)} · {one.order.why}"
                    if one.order
                    else "",
                }
                for one in self._found.lines
            ],
        )

    def _pass(self) -> None:
        passes = self._found.passes
        if passes is None:
            self._hidden.append(said.PASS)
            return
        subheading(said.PASS)
        history = (
            ("colour", words_passes.COLOUR),
            ("reason", words_passes.CAUSE),
            ("since", words_passes.SINCE),
            ("until", words_passes.UNTIL),
        )
        now = self._span(passes.status)
        ui.label(" · ".join(part for part in (now["colour"], now["reason"], now["until"]) if part))
        ui.label(str(said.PASS_HISTORY)).classes("sg-note")
        self._table(history, [self._span(one) for one in passes.history], words_passes.NO_HISTORY)

    def _span(self, status: PassStatus) -> dict[str, str]:
        if status.colour is None:
            return {
                "colour": str(words_passes.NO_COLOUR),
                "reason": "",
                "since": self._wall(status.since),
                "until": "",
            }
        return {
            "colour": str(words_passes.COLOURS[status.colour]),
            "reason": str(self._found.pass_rules.words(status.cause)) if status.cause else "",
            "since": self._wall(status.since) or str(words_passes.ALWAYS),
            "until": self._wall(status.until) or str(words_passes.NO_END),
        }

    def _results(self) -> None:
        results = self._found.results
        if results is None:
            self._hidden.append(said.RESULTS)
            return
        subheading(said.RESULTS)
        columns = (
            ("kind", words_clearances.KIND),
            ("result", words_clearances.RESULT),
            ("time", words_clearances.DONE_ON),
            ("until", words_clearances.HOLDS_UNTIL),
            ("detail", words_clearances.DONE_BY),
        )
        self._table(columns, [result_cells(one, self._rules, self._zone) for one in results])

    def _trainings(self) -> None:
        subheading(said.TRAININGS)
        columns = (
            ("name", words_training.COURSE),
            ("site", words.SITE),
            ("time", words_training.ENDED),
            ("result", words_training.RESULT),
            ("until", words_training.UNTIL),
        )
        self._table(
            columns,
            [
                {
                    "name": one.course,
                    "site": self._site_name(one.site_id),
                    "time": self._wall(one.ended_at),
                    "result": str(words_training.RESULTS[Result(one.result)]),
                    "until": last_day_text(one.valid_until, self._zone),
                }
                for one in self._found.trainings
            ],
        )

    def _attendance(self) -> None:
        subheading(said.ATTENDANCE)
        columns = (
            ("day", words.DAY),
            ("site", words.SITE),
            ("came", words.CAME),
            ("left", words.LEFT),
            ("hours", words.HOURS),
            ("issues", words.ISSUES),
        )
        rows = [
            row
            for site, days in self._found.attendance
            for day in reversed(days.days)
            for row in _day_rows(site, day)
        ]
        worked = sum((days.worked for _, days in self._found.attendance), timedelta())
        ui.label(f"{words.HOURS} {_hours(worked)}").classes("sg-note")
        self._table(columns, rows)

    def _declared(self) -> None:
        declared = self._found.declared
        if declared is None:
            self._hidden.append(said.DECLARED)
            return
        subheading(said.DECLARED)
        columns = (
            ("day", words.DAY),
            ("time", said.DECLARED_AT),
            ("site", words.SITE),
            ("detail", words_declarations.MARKS_HEADING),
        )
        self._table(
            columns,
            [
                {
                    "day": f"{one.local_day}",
                    "time": self._wall(one.declared_at),
                    "site": self._site_name(one.site_id),
                    "detail": "，".join(str(words_declarations.MARKS.get(mark, mark)) for mark in one.marks)
                    or str(said.WELL),
                }
                for one in declared
            ],
        )

    def _lodging(self) -> None:
        lodging = self._found.lodging
        if lodging is None:
            self._hidden.append(said.LODGING)
            return
        subheading(said.LODGING)
        columns = (
            ("detail", words_people.ADDRESS),
            ("room", said.ROOM),
            ("since", words.SINCE),
            ("until", words.UNTIL),
        )
        self._table(
            columns,
            [
                {
                    "detail": one.address,
                    "room": one.room,
                    "since": f"{one.from_day}",
                    "until": f"{one.until_day or said.LIVES_THERE}",
                }
                for one in lodging
            ],
        )

    def _rides(self) -> None:
        rides = self._found.rides
        if rides is None:
            self._hidden.append(said.RIDES)
            return
        subheading(said.RIDES)
        columns = (
            ("day", words.DAY),
            ("vehicle", said.VEHICLE),
            ("detail", said.WAY),
            ("seat", said.SEAT),
        )
        self._table(
            columns,
            [
                {
                    "day": f"{one.travelled_on}",
                    "vehicle": one.number,
                    "detail": f"{one.origin} → {one.destination}",
                    "seat": str(one.seat),
                }
                for one in rides
            ],
        )

    def _cases(self) -> None:
        found = self._found.cases
        if found is None:
            self._hidden.append(said.CASES)
            return
        subheading(said.CASES)
        columns = (
            ("time", words_cases.OPENED),
            ("kind", words_cases.KIND),
            ("case", said.CASE),
            ("state", words.STATUS),
        )
        self._table(
            columns,
            [
                {
                    "time": self._wall(one.opened_at),
                    "kind": str(words_cases.KINDS[CaseKind(one.kind)]),
                    "case": str(words_cases.IS_OPEN if one.is_open else words_cases.IS_CLOSED),
                    "state": str(words_cases.STATES[ContactState(one.state)]),
                }
                for one in found
            ],
        )

    def _alerts(self) -> None:
        found = self._found.alerts
        if found is None:
            self._hidden.append(said.ALERTS)
            return
        subheading(said.ALERTS)
        columns = (
            ("time", words.TIME),
            ("name", said.ALERTS),
            ("site", words.SITE),
            ("state", words.STATUS),
        )
        self._table(
            columns,
            [
                {
                    "time": self._wall(one.raised_at),
                    "name": str(self._found.alert_rules.words(one.rule_id)),
                    "site": self._site_name(one.site_id),
                    "state": str(ALERT_STATES[AlertState(one.state)]),
                }
                for one in found
            ],
        )

    def _grants(self) -> None:
        subheading(said.PASSES)
        columns = (
            ("number", said.PASS_ID),
            ("kind", words.METHOD),
            ("since", words.SINCE),
            ("until", words.UNTIL),
            ("state", words.STATUS),
        )
        self._table(columns, [self._grant_cells(one) for one in self._found.worker.passes])

    def _grant_cells(self, one: PassGrant) -> dict[str, str]:
        state = _in_force(one.valid_from, one.valid_until, self._found.now)
        return {
            "number": one.pass_id,
            "kind": words.method(one.method.value),
            "since": self._wall(one.valid_from),
            "until": self._wall(one.valid_until),
            "state": str(said.REVOKED if one.revoked_at else state),
        }

    def _consents(self) -> None:
        subheading(words_people.CONSENTS)
        columns = (
            ("time", words.TIME),
            ("kind", words_people.KIND),
            ("answer", words.STATUS),
            ("withdrawn", words_people.WITHDRAWN_ON),
            ("who", words.WHO),
        )
        self._table(
            columns,
            [
                {
                    "time": self._wall(one.given_at),
                    "kind": str(words_people.KINDS.get(one.kind, one.kind)),
                    "answer": str(words_people.GRANTED if one.granted else words_people.REFUSED),
                    "withdrawn": self._wall(one.withdrawn_at),
                    "who": one.recorded_by,
                }
                for one in self._found.consents
            ],
        )

    def _table(self, columns: Columns, rows: list[dict[str, str]], empty: Words = said.NOTHING) -> None:
        if not rows:
            ui.label(str(empty)).classes("sg-note")
            return
        made = table(columns, key="key")
        made.rows = [{"key": str(number), **row} for number, row in enumerate(rows)]

    def _site_name(self, site_id: str) -> str:
        return next((site.name for site in self._found.sites if site.site_id == site_id), site_id)

    def _wall(self, at: datetime | None) -> str:
        return "" if at is None else f"{at.astimezone(self._zone):{_MINUTE}}"


def _in_force(since: datetime | None, until: datetime | None, now: datetime) -> Words:
    if since is not None and now < since:
        return said.TO_COME
    return said.OVER if until is not None and until <= now else said.IN_FORCE


def _day_rows(site: SiteName, day: Day) -> list[dict[str, str]]:
    def end(at: datetime | None) -> str:
        return "?" if at is None else _hour(at, site.zone)

    return [
        {
            "day": f"{day.day}",
            "site": site.name,
            "came": end(period.began.at if period.began else None),
            "left": str(words.STILL_THERE)
            if period.is_open
            else end(period.ended.at if period.ended else None),
            "hours": _hours(period.duration),
            "issues": ", ".join(str(words.ISSUE_WORDS[issue]) for issue in period.issues),
        }
        for period in day.periods
    ]


def _hour(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"


def _hours(duration: timedelta) -> str:
    return f"{duration / timedelta(hours=1):.2f}"
