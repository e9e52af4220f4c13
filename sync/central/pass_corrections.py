"""Workers who say that the colour of their pass is wrong: asked, tracked, answered.

Every function is part of the caller's transaction. An answer changes no colour by itself: whoever answers
`changed` has changed it on the page before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, select, update

from sync.central import health
from sync.central.errors import CentralError, FieldRefused
from sync.central.statements import insert_or
from sync.central.tables_health import IS_OPEN, pass_corrections
from sync.health_pass import PassStatus

SAID_MAX = 500
_IN_A_CAUSE = 64


class Answer(StrEnum):
    """What became of a request; OPEN: nothing yet."""

    OPEN = ""
    CHANGED = "changed"
    STAYS = "stays"


class AnsweredMeanwhile(CentralError, ValueError):
    """Somebody else answered since the page was loaded."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A request as it is kept; `colour` and `cause` as they were when it was made."""

    correction_id: str
    worker_id: str
    asked_at: datetime
    due_at: datetime
    said: str
    colour: str
    cause: str
    answer: Answer
    answered_at: datetime | None
    answered_by: str
    reason: str


def ask(connection: Connection, worker_id: str, said: str, status: PassStatus, *, now: datetime) -> str:
    """Keep a request; returns its id, or the id of the one that is open already.

    Raises SettingRefused where nothing is said, or too much.
    """
    plain = said.strip()
    if not plain or len(plain) > SAID_MAX:
        raise FieldRefused(
            "reason", "a request for correction says why", next_step=f"in at most {SAID_MAX} characters"
        )
    new_id = uuid4().hex
    row = pass_corrections.c
    statement = (
        insert_or(connection, pass_corrections)
        .values(
            correction_id=new_id,
            worker_id=worker_id,
            asked_at=now,
            due_at=now + timedelta(days=health.rules(connection).correction_days),
            said=plain,
            colour="" if status.colour is None else status.colour.value,
            cause=status.cause[:_IN_A_CAUSE],
        )
        .on_conflict_do_nothing(index_elements=[row.worker_id], index_where=IS_OPEN)
        .returning(row.correction_id)
    )
    made = connection.scalar(statement)
    if made is None:
        made = connection.scalar(
            select(row.correction_id).where(row.worker_id == worker_id, row.answer == "")
        )
    return str(made)


def answer(
    connection: Connection, correction_id: str, what: Answer, *, reason: str, by: str, now: datetime
) -> str:
    """Answer an open request; returns whose it is. Raises AnsweredMeanwhile, SettingRefused."""
    if what is Answer.OPEN or not reason.strip() or len(reason) > SAID_MAX:
        raise FieldRefused(
            "reason", "an answer needs a reason", next_step=f"say why, in at most {SAID_MAX} characters"
        )
    row = pass_corrections.c
    worker_id = connection.scalar(
        update(pass_corrections)
        .where(row.correction_id == correction_id, row.answer == "")
        .values(answer=what.value, answered_at=now, answered_by=by, reason=reason.strip())
        .returning(row.worker_id)
    )
    if worker_id is None:
        raise AnsweredMeanwhile("this request is answered already", next_step="load the page anew")
    return str(worker_id)


def of_worker(connection: Connection, worker_id: str) -> list[Correction]:
    """The newest first."""
    query = (
        select(pass_corrections)
        .where(pass_corrections.c.worker_id == worker_id)
        .order_by(pass_corrections.c.asked_at.desc(), pass_corrections.c.correction_id)
    )
    return [correction_of(row) for row in connection.execute(query)]


def correction_of(row: Any) -> Correction:
    """A row of the table as a record."""
    return Correction(
        row.correction_id,
        row.worker_id,
        row.asked_at,
        row.due_at,
        row.said,
        row.colour,
        row.cause,
        Answer(row.answer),
        row.answered_at,
        row.answered_by,
        row.reason,
    )
