"""API of key-monitoring lists and their matches; part of `sync.central.api`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from sync.central.accounts_access import Right
from sync.central.api_access import Asking, Office, Short
from sync.central.api_files import attachment
from sync.central.api_models import TEXT_MAX, Body, FileFormat, Reason
from sync.central.exports_lists import match_pieces
from sync.central.list_desk import ROWS_MAX, ListRow, MatchFacts, MatchRow
from sync.central.list_import import CHINA, ListTerms, Report
from sync.central.list_matches import MatchState
from sync.records import FlagLevel, Identifier
from sync.screening.entries import end_of
from sync.screening.list_file import MAX_FILE_BYTES, ListUnusable

SIGNATURE_HEADER = "X-List-Signature"
_FILE = {
    "requestBody": {
        "required": True,
        "description": "the list itself, CSV or XLSX",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

router = APIRouter(tags=["lists"])


class ListImported(BaseModel):
    """What became of a file. `version` is 0 after a dry run; the same file again has the same version."""

    list_id: str
    version: int
    dry_run: bool
    report: Report


class MatchSearch(Body):
    """Which matches; without a state all but those that are over."""

    list_id: str = Field("", max_length=TEXT_MAX)
    state: MatchState | None = None
    rows: int = Field(ROWS_MAX, ge=1, le=ROWS_MAX)


class MatchExport(Body):
    """All of them as a file."""

    list_id: str = Field("", max_length=TEXT_MAX)
    state: MatchState | None = None
    format: FileFormat = FileFormat.CSV


class MatchDecision(Body):
    """`confirm` null takes a decision back. `seen`: refused where the match is something else by now."""

    confirm: bool | None
    reason: str = Field(min_length=1, max_length=TEXT_MAX)
    seen: MatchState | None = None


class MatchDecided(BaseModel):
    """What the match is now."""

    match_id: str
    state: MatchState


@router.get("/lists")
def lists(office: Office, viewer: Asking) -> list[ListRow]:
    """The lists that count, what was found by them, and how far they are matched."""
    return office.lists.lists(viewer)


@router.put("/lists/{list_id}", openapi_extra=_FILE)
async def put_list(
    request: Request,
    office: Office,
    viewer: Asking,
    list_id: Identifier,
    source: Short,
    level: FlagLevel,
    name: Short = "",
    category: Short = "",
    until: date | None = None,
    dry_run: bool = False,
    file_name: Short = "list",
    signature: Annotated[str, Header(alias=SIGNATURE_HEADER, max_length=TEXT_MAX)] = "",
) -> ListImported:
    """Load the body as the new version of a list. Sending the same again changes nothing.

    `until` is the last day, in China. A signed feed has the base64 of its Ed25519 signature in the header.
    Matching follows by itself. A million rows take about a minute.
    """
    viewer.require(Right.MANAGE_LISTS)
    raw = await _body(request)
    if dry_run:
        report = await run_in_threadpool(office.lists.preview, viewer, file_name, raw)
        return ListImported(list_id=list_id, version=0, dry_run=True, report=report)
    terms = ListTerms(list_id, name or list_id, source, level, category, valid_until=end_of(until, CHINA))
    done = await run_in_threadpool(office.lists.import_, viewer, terms, file_name, raw, signature=signature)
    return ListImported(list_id=list_id, version=done.number, dry_run=False, report=done.report)


@router.post("/lists/{list_id}/removal", status_code=204, response_class=Response)
def remove_list(office: Office, viewer: Asking, list_id: str, why: Reason) -> None:
    """No entry of it counts any more; its flags are taken back."""
    office.lists.remove(viewer, list_id, reason=why.reason)


@router.post("/list-matches/search")
def search_matches(office: Office, viewer: Asking, search: MatchSearch) -> list[MatchRow]:
    """Who is on a list, those to confirm first."""
    return office.lists.matches(viewer, list_id=search.list_id, state=search.state, rows=search.rows)


@router.post("/list-matches/export", response_class=StreamingResponse)
def export_matches(office: Office, viewer: Asking, export: MatchExport) -> StreamingResponse:
    """The same as CSV or XLSX."""
    rows = office.lists.export(viewer, list_id=export.list_id, state=export.state)
    return attachment(match_pieces(rows, export.format), "list-matches", export.format)


@router.get("/list-matches/{match_id}")
def match(office: Office, viewer: Asking, match_id: str) -> MatchFacts:
    """Both sides of a match, field by field; the number is masked."""
    return office.lists.one(viewer, match_id)


@router.post("/list-matches/{match_id}/decision")
def decide_match(office: Office, viewer: Asking, match_id: str, decision: MatchDecision) -> MatchDecided:
    """Confirm a match, clear it, or take that back; the gates know within seconds."""
    state = office.lists.decide(
        viewer, match_id, confirm=decision.confirm, reason=decision.reason, seen=decision.seen
    )
    return MatchDecided(match_id=match_id, state=state)


async def _body(request: Request) -> bytes:
    """Raises ListUnusable for more than a list may have, before all of it is here."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > MAX_FILE_BYTES:
            raise ListUnusable(
                f"the file is larger than {MAX_FILE_BYTES // 10**6} MB", next_step="split the list"
            )
        pieces.append(piece)
    return b"".join(pieces)
