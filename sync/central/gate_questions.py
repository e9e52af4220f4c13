"""How would a gate answer a worker at a moment? The gate is asked: the centre does not know its rules.

The question goes down as a command that opens and records nothing. It is kept, with its answer, only until
whoever asked has read it, or for minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row, Select, and_, delete, exists, select

from sync.central import audit, commands, tables
from sync.central.accounts_access import Right, Viewer, in_scope, no_such
from sync.central.database import Database
from sync.central.errors import CentralError, SettingRefused
from sync.central.gate_board import GateState, state_of
from sync.central.reception import GateName
from sync.wire.explanation import CELSIUS_MAX, CELSIUS_MIN, UNKNOWN_WORKER, Explanation, GateQuestion
from sync.wire.messages import Action

GRACE = timedelta(seconds=5)
"""After a question expired, its answer may still be on its way."""

EXPIRED_AT_THE_GATE = "expired"
DETAIL_SHOWN = 200

REACHABLE = frozenset({GateState.ONLINE, GateState.SILENT})


class GateAway(CentralError, ConnectionError):
    """The gate cannot be asked now."""


class Failure(StrEnum):
    """Why there is no explanation."""

    AWAY = "away"
    NO_ANSWER = "no_answer"
    UNKNOWN_WORKER = "unknown_worker"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class AskedGate:
    """A gate that may be asked; `lanes` as it said when it was last heard."""

    site_id: str
    site_name: str
    gate_id: str
    name: str
    lanes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a question: an explanation, or why there is none. `software`: what the gate runs."""

    explanation: Explanation | None = None
    failure: Failure | None = None
    detail: str = ""
    software: str = ""


class GateQuestions:
    """Asks gates, and reads what they answered."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def gates(self, viewer: Viewer, worker_id: str) -> list[AskedGate]:
        """Gates of the worker's sites, as far as the viewer sees them. Raises NotAllowed."""
        viewer.require(Right.USE_CONSOLE)
        viewer.require(Right.SEE_PASSES)
        with self._database.read() as connection:
            rows = connection.execute(_gates_of(viewer, worker_id)).all()
        return [
            AskedGate(
                row.site_id, row.site_name, row.gate_id, row.name or row.gate_id, tuple(row.lanes or ())
            )
            for row in rows
        ]

    def ask(
        self,
        viewer: Viewer,
        gate: GateName,
        worker_id: str,
        at: datetime,
        *,
        lane_id: str = "",
        celsius: float | None = None,
        by_pass: bool = False,
    ) -> str:
        """Send the question; its id, for `reply`. `lane_id` empty: the gate's first.

        Raises NotAllowed, NotFound (worker or gate not there, or not the viewer's), GateAway, SettingRefused.
        """
        viewer.require(Right.USE_CONSOLE)
        viewer.require(Right.SEE_PASSES)
        now = self._now()
        audit.note_look(
            self._database,
            viewer,
            audit.Action.ASKED_GATE,
            at=now,
            site_id=gate[0][:64],
            subject=f"worker:{worker_id[:64]}",
            detail={"gate": gate[1][:64], "about": at.isoformat(timespec="minutes")},
        )
        question = _question(worker_id, at, celsius, by_pass)
        with self._database.write() as connection:
            rows = connection.execute(_gates_of(viewer, worker_id)).all()
            found = next((row for row in rows if (row.site_id, row.gate_id) == tuple(gate)), None)
            if found is None:
                raise no_such("gate of that worker", gate[1])
            _require_lane(found, lane_id)
            state = state_of(found.presence or "", found.last_seen_at, is_revoked=False, now=now)
            if state not in REACHABLE:
                raise GateAway(
                    f"gate {gate[1]} is not connected ({state.replace('_', ' ')}) and cannot be asked",
                    next_step="ask another gate of the site, or at the box itself: sitegate policy try",
                )
            return commands.ask(
                connection,
                gate,
                Action.EXPLAIN,
                issued_by=viewer.user_id,
                reason="",
                now=now,
                lane_id=lane_id,
                question=question.model_dump_json(),
            )

    def reply(self, viewer: Viewer, question_id: str) -> Reply | None:
        """What the gate answered, once: then question and answer are deleted. None: not yet.

        Raises NotFound for somebody else's question, or one that was read or has been forgotten.
        """
        row = tables.commands.c
        own = and_(
            row.command_id == question_id,
            row.action == Action.EXPLAIN.value,
            row.issued_by == viewer.user_id,
        )
        query = (
            select(row.answered_at, row.expires_at, row.done, row.detail, tables.gate_status.c.software)
            .join_from(
                tables.commands,
                tables.gate_status,
                and_(
                    tables.gate_status.c.site_id == row.site_id,
                    tables.gate_status.c.gate_id == row.gate_id,
                ),
                isouter=True,
            )
            .where(own)
        )
        with self._database.read() as connection:
            found = connection.execute(query).one_or_none()
        if found is None:
            raise no_such("question", question_id)
        if found.answered_at is None and self._now() < found.expires_at + GRACE:
            return None
        with self._database.write() as connection:
            connection.execute(delete(tables.commands).where(own))
        return _reply(found)


def forget(database: Database, now: datetime) -> int:
    """Delete what was asked some minutes ago and nobody read; how many."""
    with database.read() as connection:
        if not commands.old_questions(connection, now):
            return 0
    with database.write() as connection:
        return commands.forget_questions(connection, now)


def _gates_of(viewer: Viewer, worker_id: str) -> Select[Any]:
    """Gates with keys, of the worker's sites that the viewer sees."""
    gates, sites, status, link = tables.gates, tables.sites, tables.gate_status, tables.worker_sites
    terminals = tables.terminals
    is_terminal = exists().where(
        terminals.c.site_id == gates.c.site_id, terminals.c.terminal_id == gates.c.gate_id
    )
    return (
        select(
            gates.c.site_id,
            gates.c.gate_id,
            gates.c.name,
            sites.c.name.label("site_name"),
            status.c.lanes,
            status.c.presence,
            status.c.last_seen_at,
        )
        .join_from(gates, sites, sites.c.site_id == gates.c.site_id)
        .join(link, and_(link.c.site_id == gates.c.site_id, link.c.worker_id == worker_id))
        .join(
            status,
            and_(status.c.site_id == gates.c.site_id, status.c.gate_id == gates.c.gate_id),
            isouter=True,
        )
        .where(in_scope(viewer, gates.c.site_id), gates.c.revoked_at.is_(None), ~is_terminal)
        .order_by(gates.c.site_id, gates.c.gate_id)
    )


def _question(worker_id: str, at: datetime, celsius: float | None, by_pass: bool) -> GateQuestion:
    try:
        return GateQuestion(worker_id=worker_id, at=at, celsius=celsius, by_pass=by_pass)
    except ValidationError as error:
        raise SettingRefused(
            "that question cannot be asked",
            next_step=f"choose a time; temperature: {CELSIUS_MIN:.0f} to {CELSIUS_MAX:.0f} °C, or none",
        ) from error


def _require_lane(row: Row[*tuple[Any, ...]], lane_id: str) -> None:
    lanes = row.lanes or ()
    if lane_id and lane_id not in lanes:
        raise SettingRefused(
            f"gate {row.gate_id} has no lane {lane_id[:64]}",
            next_step=f"leave it empty for the first one, or choose one of: {', '.join(lanes)}",
        )


def _reply(row: Row[*tuple[Any, ...]]) -> Reply:
    """Of an answered or expired question; what cannot be read is said, and never shown."""
    software = row.software or ""
    if row.answered_at is None or row.detail in (commands.EXPIRED, EXPIRED_AT_THE_GATE):
        return Reply(failure=Failure.NO_ANSWER, software=software)
    if not row.done:
        failure = Failure.UNKNOWN_WORKER if row.detail == UNKNOWN_WORKER else Failure.REFUSED
        return Reply(failure=failure, detail=row.detail[:DETAIL_SHOWN], software=software)
    try:
        return Reply(Explanation.model_validate_json(row.detail), software=software)
    except ValidationError:
        return Reply(failure=Failure.UNREADABLE, software=software)
