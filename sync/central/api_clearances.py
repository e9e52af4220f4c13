"""API of clearances, tests that are ordered and their results; part of `sync.central.api`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, model_validator

from sync.central.api_access import Asking, Office, Short
from sync.central.api_files import attachment
from sync.central.api_models import TEXT_MAX, Body, FileFormat, Made
from sync.central.clearance_desk import WHY_MAX, BatchRow, ResultRow, Show, Wanted
from sync.central.clearance_state import DueCount, Line
from sync.central.errors import FieldRefused
from sync.central.exports_clearances import clearance_pieces
from sync.central.tests_due import AtGate, NewResult
from sync.clearance_rules import YEARS, State
from sync.records import Identifier


def _within_years(moment: datetime) -> datetime:
    if moment.year not in YEARS:
        raise ValueError(f"the year is not within {YEARS.start} and {YEARS.stop - 1}")
    return moment


Moment = Annotated[
    AwareDatetime, AfterValidator(_within_years), Field(description="with its offset from UTC")
]
AT_ONCE = 10_000
"""Workers in one order; for more there are team, trade and the whole site."""

router = APIRouter(tags=["clearances"])


class ClearanceQuery(Body):
    """Which lines; what is left out is any. `show`: which of them; `days`: what *ends soon* means here."""

    site_id: str = Field("", max_length=TEXT_MAX)
    kind: str = Field("", max_length=TEXT_MAX)
    team: str = Field("", max_length=TEXT_MAX)
    show: Show = Show.NOT_DONE
    days: float | None = Field(None, ge=0, description="null: as the rules say for each kind")


class ClearanceExport(ClearanceQuery):
    """All of them as a file."""

    format: FileFormat = FileFormat.CSV


class OrderOut(BaseModel):
    """What was ordered for this worker."""

    order_id: str
    due_by: datetime
    why: str
    done_at: datetime | None


class ClearanceOut(BaseModel):
    """One kind of one worker at one site. `is_needed`: the rules ask for it; `order`: somebody did."""

    worker_id: str
    name: str
    team: str
    trade: str
    employer: str
    site_id: str
    kind: str
    state: State
    until: datetime | None
    is_needed: bool
    is_done: bool
    is_overdue: bool
    order: OrderOut | None

    @classmethod
    def of(cls, line: Line) -> ClearanceOut:
        own = {name: getattr(line, name) for name in cls.model_fields if hasattr(line, name)}
        held, order = line.standing, line.order
        made = order and OrderOut(
            order_id=order.batch_id, due_by=order.due_by, why=order.why, done_at=order.done_at
        )
        return cls(**own | {"kind": held.kind, "state": held.state, "until": held.until, "order": made})


class ClearancesFound(BaseModel):
    """`lines`: the first of `total`, an export has all. `counts`: of everybody that was asked for."""

    now: datetime
    counts: list[DueCount]
    lines: list[ClearanceOut]
    total: int


class TestsOrdered(Body):
    """Who has to be tested until the end of a day at the site: workers, a team, a trade, or everybody."""

    site_id: Identifier
    kind: str = Field(min_length=1, max_length=TEXT_MAX)
    due_on: date
    reason: str = Field(min_length=1, max_length=WHY_MAX)
    at_gate: AtGate = AtGate.NOTHING
    worker_ids: tuple[Identifier, ...] = Field((), max_length=AT_ONCE)
    team: str = Field("", max_length=TEXT_MAX)
    trade: str = Field("", max_length=TEXT_MAX)
    whole_site: bool = False

    @model_validator(mode="after")
    def names_somebody(self) -> TestsOrdered:
        named = [bool(self.worker_ids), bool(self.team.strip() or self.trade.strip()), self.whole_site]
        if sum(named) != 1:
            raise ValueError("one of `worker_ids`, `team` and `trade`, or `whole_site` says who is meant")
        return self


class OrderMade(BaseModel):
    """`already`: who had an open order of this kind, which stays as it is."""

    order_id: str
    people: int
    already: int


class OrderRow(BaseModel):
    """What was ordered at once. `people` as ordered; `there`: who is registered still, of these `done`."""

    order_id: str
    site_id: str
    kind: str
    due_by: datetime
    why: str
    at_gate: AtGate
    ordered_at: datetime
    ordered_by: str
    people: int
    there: int
    done: int
    undone_at: datetime | None
    undone_by: str

    @classmethod
    def of(cls, row: BatchRow) -> OrderRow:
        own = {name: getattr(row, name) for name in cls.model_fields if name != "order_id"}
        return cls(order_id=row.batch_id, **own)


class OrderCancelled(BaseModel):
    """How many orders were open; `done`: people who had their test already, which stays."""

    people: int
    done: int


class ResultWrite(Body):
    """A result of a worker of the site. Without `valid_until` it holds as long as the rules say."""

    site_id: Identifier
    worker_id: Identifier
    kind: str = Field(min_length=1, max_length=TEXT_MAX)
    result: str = Field(min_length=1, max_length=TEXT_MAX)
    done_at: Moment
    valid_until: Moment | None = None
    done_by: str = Field("", max_length=TEXT_MAX)
    reference: str = Field("", max_length=TEXT_MAX)


class Why(Body):
    """Why something is taken back."""

    reason: str = Field(min_length=1, max_length=WHY_MAX)


@router.post("/clearances/search")
def search_clearances(office: Office, viewer: Asking, query: ClearanceQuery) -> ClearancesFound:
    """Who needs what and has it not, or has it, and how many at each site. An export has more than 500."""
    found = office.clearances.page(viewer, _wanted(office, query))
    lines = [ClearanceOut.of(one) for one in found.lines]
    return ClearancesFound(now=found.now, counts=list(found.counts), lines=lines, total=found.total)


@router.post("/clearances/export", response_class=StreamingResponse)
def export_clearances(office: Office, viewer: Asking, export: ClearanceExport) -> StreamingResponse:
    """All of them as CSV or XLSX; times are those of the site."""
    desk = office.clearances
    found = desk.export(viewer, _wanted(office, export))
    return attachment(clearance_pieces(found, desk.rules, export.format), "clearances", export.format)


@router.get("/workers/{worker_id}/clearances")
def clearances_of(office: Office, viewer: Asking, worker_id: str) -> list[ClearanceOut]:
    """Everything that one active worker needs or holds, at each of the sites that this account sees."""
    found = office.clearances.page(viewer, Wanted(worker_id=worker_id, show=Show.ALL))
    return [ClearanceOut.of(one) for one in found.lines]


@router.get("/tests/orders")
def orders(office: Office, viewer: Asking, site_id: Short = "") -> list[OrderRow]:
    """What was ordered lately, the newest first, and how much of it is done."""
    return [OrderRow.of(one) for one in office.clearances.batches(viewer, site_id)]


@router.post("/tests/orders", status_code=201)
def order(office: Office, viewer: Asking, order: TestsOrdered) -> OrderMade:
    """Order a test or examination, due at the end of a day at the site."""
    done = office.clearances.order(
        viewer,
        site_id=order.site_id,
        kind=order.kind,
        due_on=order.due_on,
        why=order.reason,
        at_gate=order.at_gate,
        worker_ids=order.worker_ids,
        team=order.team,
        trade=order.trade,
    )
    return OrderMade(order_id=done.batch_id, people=done.people, already=done.already)


@router.post("/tests/orders/{order_id}/cancellation")
def cancel_order(office: Office, viewer: Asking, order_id: str) -> OrderCancelled:
    """Take back what is open of an order; results stay."""
    done = office.clearances.take_back(viewer, order_id)
    return OrderCancelled(people=done.people, done=done.done)


@router.get("/tests/results")
def results(office: Office, viewer: Asking, site_id: Short) -> list[ResultRow]:
    """The results of a site's workers that were entered last."""
    return office.clearances.results(viewer, site_id)


@router.post("/tests/results", status_code=201)
def enter_result(office: Office, viewer: Asking, result: ResultWrite) -> Made:
    """Enter a result; clearance, order and pass follow from it. The same one again answers 409."""
    own = {name: getattr(result, name) for name in ResultWrite.model_fields if name != "site_id"}
    return Made(id=office.clearances.enter(viewer, result.site_id, NewResult(**own)))


@router.post("/tests/results/{result_id}/removal", status_code=204, response_class=Response)
def remove_result(office: Office, viewer: Asking, result_id: str, why: Why) -> None:
    """A result that was entered by mistake: as if it had never been."""
    office.clearances.drop_result(viewer, result_id, why=why.reason)


def _wanted(office: Office, query: ClearanceQuery) -> Wanted:
    """Raises FieldRefused for a kind that nobody knows: an empty answer would look like nothing to do."""
    kinds = [one.kind for one in office.clearances.rules.kinds]
    if query.kind and query.kind not in kinds:
        raise FieldRefused("kind", "there is no such kind", next_step=f"one of {', '.join(kinds)}")
    return Wanted(query.site_id, query.kind, query.team, query.show, query.days)
