"""Below the courses: whose training ends soon, the latest records, and whether all of them are whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from nicegui import ui

from enroll.kiosk import words_training as words
from enroll.kiosk.frame import KioskVisitor, tell
from enroll.training_desk import Expiring
from sync.pages import action, subheading
from sync.store.notes import NoteState
from sync.store.trainings import KeptTraining
from sync.training.record import Result, TrainingRecord
from sync.words import Words

CERTIFICATE_PATH = "/training/certificate/{record_id}"


async def build_records(visitor: KioskVisitor) -> None:
    """Looks everything up anew; leaves a line in the kiosk's audit log."""
    desk = visitor.office.training

    def work() -> tuple[list[Expiring], list[tuple[KeptTraining, NoteState]]]:
        visitor.audit("looked_at_trainings")
        records = [(one, visitor.office.store.note_state(one.record.record_id)) for one in desk.recent()]
        return desk.expiring(), records

    found = await visitor.ask(work)
    if found is None:
        return
    expiring, records = found
    subheading(words.EXPIRING)
    if expiring:
        _expiring_table(visitor, expiring)
    else:
        ui.label(str(words.NOBODY_EXPIRES)).classes("sg-note")
    subheading(words.RECORDS)
    if not records:
        ui.label(str(words.NO_RECORDS)).classes("sg-note")
        return
    _records_table(visitor, records)

    async def verify() -> None:
        findings = await visitor.ask(desk.verify_all)
        if findings is not None:
            problems = "; ".join(f"{one.number}: {one.problem}" for one in findings)
            verdict = words.CHAIN_BAD if findings else words.CHAIN_GOOD
            tell(Words(verdict.zh, f"{verdict.en} {problems}".strip()), bad=bool(findings))

    with ui.element("div").classes("sg-bar"):
        action(words.VERIFY, verify)


def _expiring_table(visitor: KioskVisitor, expiring: list[Expiring]) -> None:
    zone, now = visitor.office.zone, visitor.office.now()
    rows = [
        {
            "id": f"{one.worker.worker_id} {one.kind}",
            "name": one.worker.name,
            "number": one.worker.worker_id,
            "kind": one.kind,
            "until": f"{one.valid_until.astimezone(zone):%Y-%m-%d}",
            "state": str(words.HAS_ENDED if one.has_ended(now) else words.EXPIRING),
        }
        for one in expiring
    ]
    columns = [
        ("name", words.NAME),
        ("number", words.NUMBER),
        ("kind", words.KIND),
        ("until", words.VALID_UNTIL),
        ("state", words.STATE),
    ]
    _table(columns, rows)


def _records_table(visitor: KioskVisitor, records: list[tuple[KeptTraining, NoteState]]) -> None:
    zone = visitor.office.zone
    rows = [
        {
            "id": record.record_id,
            "name": f"{record.worker_name} · {record.worker_id}",
            "course": f"{record.course_title_zh} {record.course_version}",
            "ended": f"{record.ended_at.astimezone(zone):%m-%d %H:%M}",
            "result": _result(record),
            "checks": f"{sum(one.passed for one in record.checks)} / {len(record.checks)}",
            "pauses": len(record.interruptions),
            "centre": _centre(visitor, state),
            "certificate": certificate_path(record) if record.result is Result.PASSED else "",
        }
        for record, state in ((kept.record, state) for kept, state in records)
    ]
    table = _table(
        [
            ("name", words.NAME),
            ("course", words.COURSE),
            ("ended", words.ENDED),
            ("result", words.RESULT),
            ("checks", words.CHECKS),
            ("pauses", words.INTERRUPTIONS),
            ("centre", words.SYNCED),
            ("certificate", words.CERTIFICATE),
        ],
        rows,
    )
    # A link, which a browser opens in a new tab without asking; not a page of ours that opens one.
    table.add_slot(
        "body-cell-certificate",
        f"""<q-td :props="props"><a v-if="props.row.certificate" class="sg-button" target="_blank"
        :href="props.row.certificate">{words.OPEN}</a></q-td>""",
    )


def _table(columns: list[tuple[str, Words]], rows: Sequence[Mapping[str, object]]) -> ui.table:
    described = [
        {"name": name, "label": f"{label.zh}\n{label.en}", "field": name, "align": "left"}
        for name, label in columns
    ]
    return (
        ui.table(columns=described, rows=[dict(row) for row in rows], row_key="id")
        .props("flat")
        .classes("sg-table")
    )


def certificate_path(record: TrainingRecord) -> str:
    """Where the PDF of a record is."""
    return CERTIFICATE_PATH.format(record_id=quote(record.record_id))


def _result(record: TrainingRecord) -> str:
    score = "" if record.score_percent is None else f" {record.score_percent} %"
    return f"{words.RESULTS[record.result].zh}{score}"


def _centre(visitor: KioskVisitor, state: NoteState) -> str:
    if not visitor.office.settings.centre.enabled:
        return "–"
    if state.parked_reason:
        return f"{words.REFUSED_THERE.zh}: {state.parked_reason}"
    return str(words.WAITS_HERE if state.waiting else words.THERE)
