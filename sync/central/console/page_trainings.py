"""Training: whose ends soon, the records of the kiosks, and whether all of them are whole."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from nicegui import ui

from sync.central.accounts_access import Viewer
from sync.central.console import words
from sync.central.console import words_training as said
from sync.central.console.frame import Visitor, choice, own_sites, table, text_field
from sync.central.console.listing import search_bar
from sync.central.training_office import ChainReport, TrainingLine
from sync.pages import action, facts, heading, subheading
from sync.training.record import Check, SignedTraining, TrainingRecord

_COLUMNS = (
    ("name", words.NAME),
    ("course", said.COURSE),
    ("site", words.SITE),
    ("ended", said.ENDED),
    ("result", said.RESULT),
    ("until", said.UNTIL),
    ("key", said.KEY),
)
_EXPIRING = (
    ("name", words.NAME),
    ("course", said.COURSE),
    ("site", words.SITE),
    ("until", said.UNTIL),
)


async def build_trainings_page(visitor: Visitor, viewer: Viewer) -> None:
    office, zone = visitor.office.trainings, ZoneInfo(visitor.settings.timezone)
    sites = await own_sites(visitor)

    async def show() -> None:
        site_id, text = str(site.value), str(search.value).strip()
        records = await visitor.ask(lambda one: office.records(one, site_id=site_id, search=text))
        ending = await visitor.ask(lambda one: office.expiring(one, site_id=site_id))
        if records is not None:
            lines.rows = [_cells(one, zone) for one in records]
        if ending is not None:
            expiring.rows = [_cells(one, zone) for one in ending]
            expiring.set_visibility(bool(ending))
            nobody.set_visibility(not ending)

    async def open_record(row: dict[str, Any]) -> None:
        signed = await visitor.ask(lambda one: office.signed(one, str(row["record_id"])))
        if signed is not None:
            _record_dialog(signed, zone)

    async def verify() -> None:
        site_id = str(site.value)
        reports = await visitor.ask(lambda one: office.verify(one, site_id=site_id))
        if reports is not None:
            report.set_text(_report(reports))

    with search_bar():
        site = choice(words.SITE, sites)
        search = text_field(words.WORKER).on("keydown.enter", show)
        action(words.SEARCH, show, main=True, icon="search")
    subheading(said.EXPIRING)
    nobody = ui.label(str(said.NOBODY_EXPIRES)).classes("sg-note")
    expiring = table(_EXPIRING, key="record_id")
    subheading(said.RECORDS)
    lines = table(_COLUMNS, key="record_id", on_open=open_record)
    with ui.element("div").classes("sg-bar"):
        action(said.VERIFY, verify, icon="verified")
        report = ui.label().props("role=status")
    await show()


def _cells(one: TrainingLine, zone: ZoneInfo) -> dict[str, str]:
    score = "" if one.score_percent is None else f" {one.score_percent} %"
    return {
        "record_id": one.record_id,
        "name": f"{one.worker_name} · {one.worker_id}",
        "course": f"{one.course} {one.version}",
        "site": f"{one.site_id} · {one.kiosk_id}",
        "ended": f"{one.ended_at.astimezone(zone):%Y-%m-%d %H:%M}",
        "result": f"{said.RESULTS[one.result]}{score}",
        "until": "–" if one.valid_until is None else f"{one.valid_until.astimezone(zone):%Y-%m-%d}",
        "key": str(said.KEY_REGISTERED if one.key_registered else said.KEY_OWN),
    }


def _report(reports: list[ChainReport]) -> str:
    """One line; what is wrong names its kiosk and number."""
    problems = [
        f"{one.site_id}/{one.kiosk_id}: {found.number}: {found.problem}"
        for one in reports
        for found in one.findings
    ]
    missing = sum(one.missing for one in reports)
    if missing:
        problems.insert(0, f"{missing} {said.MISSING}")
    count = sum(one.records for one in reports)
    return "; ".join(problems) if problems else f"{said.ALL_WHOLE} ({count})"


def _check(one: Check) -> str:
    score = "–" if one.score is None else f"{one.score:.2f}"
    told = f"{said.CHECK_KINDS[one.kind]} {score}"
    return told if one.passed else f"{told} ✗ {_reason(one.saw)}"


def _reason(code: str) -> str:
    """What paused a lesson; that of a newer kiosk stands for itself."""
    return str(said.PAUSES.get(code, code))


def _record_dialog(signed: SignedTraining, zone: ZoneInfo) -> None:
    record = TrainingRecord.model_validate_json(signed.body)
    interruptions = "; ".join(
        f"{one.at.astimezone(zone):%H:%M:%S} {_reason(one.reason)}" for one in record.interruptions
    )
    checks = ", ".join(_check(one) for one in record.checks)
    answers = ", ".join(f"{one.question_id} {'✓' if one.right else '✗'}" for one in record.answers)
    with ui.dialog(value=True) as dialog, ui.card().classes("sg-dialog"):
        heading(said.RECORD)
        facts(
            [
                (words.NAME, f"{record.worker_name} · {record.worker_id}"),
                (said.COURSE, f"{record.course_title_zh} {record.course_title_en} {record.course_version}"),
                (said.COURSE_SHA256, record.course_sha256),
                (said.KIOSK, f"{record.site_id} · {record.kiosk_id} · {record.place}"),
                (words.SINCE, f"{record.started_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"),
                (said.ENDED, f"{record.ended_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"),
                (said.SEEN, f"{record.seconds_seen:.0f} / {record.seconds_required}"),
                (said.RESULT, f"{said.RESULTS[record.result]} {record.score_percent or 0} %"),
                (said.CHECKS, checks),
                (said.INTERRUPTIONS, interruptions),
                (said.ANSWERS, answers),
                (said.SIGNATURE, f"{signed.number} · {signed.signature[:32]}…"),
            ]
        )
        action(words.CLOSE, dialog.close, main=True).props("autofocus")
    dialog.on("hide", dialog.delete)
