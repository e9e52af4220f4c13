"""API of papers, duplicates and erasures; part of `sync.central.api`."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import Field

from sync.central.api_access import Asking, Office, Short
from sync.central.api_models import TEXT_MAX, Body, Made
from sync.central.erasure_desk import ErasureRow, Receipt
from sync.central.people_desk import Pair, PersonFacts
from sync.records import Identifier

router = APIRouter()


class PairDecision(Body):
    """Whether two records are one person; null opens the question again."""

    worker_id: Identifier
    other_worker_id: Identifier
    same_person: bool | None
    reason: str = Field(min_length=1, max_length=TEXT_MAX)


class Merge(Body):
    """Which of a pair stays and which goes; it cannot be undone."""

    keep: Identifier
    remove: Identifier
    reason: str = Field(min_length=1, max_length=TEXT_MAX)


class Withdrawal(Body):
    """`face` takes the templates, `record` everything but the number."""

    kind: Literal["face", "record"] = "face"
    reason: str = Field(min_length=1, max_length=TEXT_MAX)


class Confirmation(Body):
    """An item of a receipt that no machine confirms, as the receipt names it."""

    place: str = Field(max_length=TEXT_MAX)
    site_id: str = Field("", max_length=TEXT_MAX)
    gate_id: str = Field("", max_length=TEXT_MAX)
    what: str = Field(max_length=TEXT_MAX)
    reason: str = Field(min_length=1, max_length=TEXT_MAX)


@router.get("/workers/{worker_id}/person", tags=["people"])
def person(office: Office, viewer: Asking, worker_id: str, reveal: bool = False) -> PersonFacts:
    """Papers, consents and where the record came from. Numbers are masked; `reveal` goes on the record."""
    return office.people.facts(viewer, worker_id, reveal=reveal)


@router.post("/workers/{worker_id}/withdrawals", tags=["people"], status_code=201)
def withdraw(office: Office, viewer: Asking, worker_id: str, withdrawal: Withdrawal) -> Made:
    """The worker takes the consent back; answers with the receipt's id."""
    return Made(
        id=office.erasures.withdraw(viewer, worker_id, reason=withdrawal.reason, kind=withdrawal.kind)
    )


@router.get("/erasures", tags=["people"])
def erasures(
    office: Office, viewer: Asking, worker_id: Short = "", only_open: bool = False
) -> list[ErasureRow]:
    """Withdrawn consents, the newest first, and how much of each is outstanding."""
    return office.erasures.rows(viewer, only_open=only_open, worker_id=worker_id)


@router.get("/erasures/{erasure_id}", tags=["people"])
def receipt(office: Office, viewer: Asking, erasure_id: str) -> Receipt:
    """The receipt: who had to forget what, and when each confirmed."""
    return office.erasures.one(viewer, erasure_id)


@router.post(
    "/erasures/{erasure_id}/confirmations", tags=["people"], status_code=204, response_class=Response
)
def confirm(office: Office, viewer: Asking, erasure_id: str, item: Confirmation) -> None:
    """Somebody deleted a backup or wiped a revoked gate."""
    office.erasures.confirm(
        viewer,
        erasure_id,
        place=item.place,
        site_id=item.site_id,
        gate_id=item.gate_id,
        what=item.what,
        reason=item.reason,
    )


@router.get("/duplicates", tags=["people"])
def duplicates(office: Office, viewer: Asking, only_open: bool = True) -> list[Pair]:
    """Pairs of records that may be one person."""
    return office.people.pairs(viewer, only_open=only_open)


@router.post("/duplicates/decisions", tags=["people"], status_code=204, response_class=Response)
def decide(office: Office, viewer: Asking, decision: PairDecision) -> None:
    """Say whether the two are one person."""
    office.people.decide(
        viewer,
        decision.worker_id,
        decision.other_worker_id,
        same_person=decision.same_person,
        reason=decision.reason,
    )


@router.post("/duplicates/merges", tags=["people"], status_code=204, response_class=Response)
def merge(office: Office, viewer: Asking, merge: Merge) -> None:
    """Make one record of the two."""
    office.people.merge(viewer, merge.keep, merge.remove, reason=merge.reason)
