"""API of passes: colours, where they come from, decisions, requests; part of `sync.central.api`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from sync.central.api_access import Asking, Office, Short
from sync.central.api_files import attachment
from sync.central.api_models import TEXT_MAX, Body, FileFormat, Made
from sync.central.exports_passes import correction_pieces, pass_pieces
from sync.central.pass_corrections import SAID_MAX, Answer
from sync.central.pass_desk import ROWS_MAX, CopyRow, CorrectionRow, PassFacts, PassNumbers, PassRow
from sync.health_pass import PassColour
from sync.screening.pass_rules import LONGEST_DAYS

router = APIRouter(tags=["passes"])


class PassQuery(Body):
    """Whose passes; what is left out is any. With a `text` people without a colour are found too."""

    site_id: str = Field("", max_length=TEXT_MAX)
    colour: PassColour | None = None
    text: str = Field("", max_length=TEXT_MAX, description="part of a name or number")


class PassSearch(PassQuery):
    """At most `rows`."""

    rows: int = Field(ROWS_MAX, ge=1, le=ROWS_MAX)


class PassExport(PassQuery):
    """All of them as a file."""

    format: FileFormat = FileFormat.CSV


class CorrectionQuery(Body):
    """Which requests; without `all_of_them` those that are open."""

    site_id: str = Field("", max_length=TEXT_MAX)
    all_of_them: bool = False


class CorrectionSearch(CorrectionQuery):
    """At most `rows`."""

    rows: int = Field(ROWS_MAX, ge=1, le=ROWS_MAX)


class CorrectionExport(CorrectionQuery):
    """All of them as a file."""

    format: FileFormat = FileFormat.CSV


class Decision(Body):
    """Why; it goes on the record."""

    reason: str = Field(min_length=1, max_length=SAID_MAX)


class ColourWrite(Decision):
    """Red or yellow for `days`, null: until it is cleared; green, null: for as long as the rules say."""

    colour: PassColour
    days: float | None = Field(None, gt=0, le=LONGEST_DAYS)


class CorrectionAnswer(Decision):
    """`changed`: the colour was changed before; this changes none by itself."""

    answer: Literal[Answer.CHANGED, Answer.STAYS]


class PassUse(BaseModel):
    """One use; without site and gate where they are not this account's."""

    site_id: str
    gate_id: str
    at: datetime


class CopyOut(BaseModel):
    """One pass at two gates at once."""

    worker_id: str
    name: str
    pass_id: str
    first: PassUse
    second: PassUse

    @classmethod
    def of(cls, row: CopyRow) -> CopyOut:
        first, second = (
            PassUse(site_id=site_id, gate_id=gate_id, at=at)
            for site_id, gate_id, at in (row.first, row.second)
        )
        return cls(worker_id=row.worker_id, name=row.name, pass_id=row.pass_id, first=first, second=second)


@router.post("/passes/search")
def search_passes(office: Office, viewer: Asking, search: PassSearch) -> list[PassRow]:
    """People with a colour, the worst first."""
    return office.passes.rows(
        viewer, site_id=search.site_id, colour=search.colour, text=search.text, rows=search.rows
    )


@router.post("/passes/export", response_class=StreamingResponse)
def export_passes(office: Office, viewer: Asking, export: PassExport) -> StreamingResponse:
    """All of them as CSV or XLSX."""
    desk = office.passes
    found = desk.rows(viewer, site_id=export.site_id, colour=export.colour, text=export.text, rows=None)
    return attachment(pass_pieces(found, desk.rules(), export.format), "passes", export.format)


@router.get("/passes/numbers")
def numbers(office: Office, viewer: Asking, site_id: Short = "") -> PassNumbers:
    """How many people have which colour, and how many requests are open and late."""
    return office.passes.numbers(viewer, site_id=site_id)


@router.get("/passes/copies")
def copies(office: Office, viewer: Asking, site_id: Short = "") -> list[CopyOut]:
    """Passes that were used at two gates at once, the newest first."""
    return [CopyOut.of(one) for one in office.passes.copies(viewer, site_id=site_id)]


@router.post("/passes/corrections/search")
def search_corrections(office: Office, viewer: Asking, search: CorrectionSearch) -> list[CorrectionRow]:
    """Requests to correct a colour, the one that is due first."""
    return office.passes.corrections(
        viewer, site_id=search.site_id, all_of_them=search.all_of_them, rows=search.rows
    )


@router.post("/passes/corrections/export", response_class=StreamingResponse)
def export_corrections(office: Office, viewer: Asking, export: CorrectionExport) -> StreamingResponse:
    """The same as CSV or XLSX."""
    desk = office.passes
    found = desk.corrections(viewer, site_id=export.site_id, all_of_them=export.all_of_them, rows=None)
    return attachment(correction_pieces(found, desk.rules(), export.format), "corrections", export.format)


@router.get("/workers/{worker_id}/pass")
def pass_of(office: Office, viewer: Asking, worker_id: str) -> PassFacts:
    """One worker's colour now, its past and future, what it comes from, and requests."""
    return office.passes.one(viewer, worker_id)


@router.post("/workers/{worker_id}/pass/colours", status_code=201)
def set_colour(office: Office, viewer: Asking, worker_id: str, colour: ColourWrite) -> Made:
    """Set a colour; the gates know within seconds. Answers with the id of the entry."""
    made = office.passes.set_colour(viewer, worker_id, colour.colour, days=colour.days, why=colour.reason)
    return Made(id=made)


@router.post("/workers/{worker_id}/pass/clearings", status_code=201)
def clear(office: Office, viewer: Asking, worker_id: str, why: Decision) -> Made:
    """A medic's word: what it may end, ends now. Answers with the id of the entry."""
    return Made(id=office.passes.clear(viewer, worker_id, why=why.reason))


@router.post("/workers/{worker_id}/pass/entries/{entry_id}/removal", status_code=204, response_class=Response)
def take_back(office: Office, viewer: Asking, worker_id: str, entry_id: str, why: Decision) -> None:
    """An entry was wrong: as if it had never been."""
    office.passes.take_back(viewer, worker_id, entry_id, why=why.reason)


@router.post("/workers/{worker_id}/pass/entries/{entry_id}/return", status_code=204, response_class=Response)
def put_back(office: Office, viewer: Asking, worker_id: str, entry_id: str, why: Decision) -> None:
    """It was right after all."""
    office.passes.put_back(viewer, worker_id, entry_id, why=why.reason)


@router.post(
    "/workers/{worker_id}/pass/corrections/{correction_id}/answer", status_code=204, response_class=Response
)
def answer(
    office: Office, viewer: Asking, worker_id: str, correction_id: str, answer: CorrectionAnswer
) -> None:
    """Answer a request; what the worker asked for is done before, with a colour or a clearing."""
    office.passes.answer(viewer, worker_id, correction_id, answer.answer, why=answer.reason)
