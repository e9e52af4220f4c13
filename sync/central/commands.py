"""Commands to gates: asked for, sent once, answered. What expires unsent is never sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from sync.central import site_registry, tables
from sync.central.errors import UnknownGate
from sync.central.reception import GateName
from sync.wire.messages import Action, Answer, Command

VALID_FOR = timedelta(seconds=30)
"""A door that opens minutes later, when the network is back, opens for somebody else."""

EXPIRED = "expired before it could be sent"
SENT_AT_ONCE = 100

QUESTIONS_KEPT = timedelta(minutes=2)
"""A question to a gate, with what it answered, after it expired: whoever asked has read it or is gone."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A command on its way to a gate."""

    gate: GateName
    command: Command


def ask(
    connection: Connection,
    gate: GateName,
    action: Action,
    *,
    issued_by: str,
    reason: str,
    now: datetime,
    lane_id: str = "",
    question: str = "",
    valid_for: timedelta = VALID_FOR,
) -> str:
    """Queue a command; the running service sends it. Returns its id.

    Raises UnknownGate, also for a terminal of another maker: nobody there would answer.
    """
    site_registry.require_gate(connection, *gate)
    if site_registry.is_terminal(connection, *gate):
        raise UnknownGate(
            f"gate {gate[1]} of site {gate[0]} is a terminal of another maker and takes no commands",
            next_step="open it at the terminal itself",
        )
    command_id = uuid4().hex
    connection.execute(
        insert(tables.commands).values(
            command_id=command_id,
            site_id=gate[0],
            gate_id=gate[1],
            lane_id=lane_id,
            action=action.value,
            issued_by=issued_by,
            reason=reason,
            question=question,
            created_at=now,
            expires_at=now + valid_for,
        )
    )
    return command_id


def take_waiting(connection: Connection, now: datetime) -> Sequence[Outgoing]:
    """Commands to be sent now, marked as sent: of several processes each command is taken by one.

    A process that dies before it publishes loses the command: late is worse than not at all.
    """
    commands = tables.commands
    connection.execute(
        update(commands)
        .where(commands.c.sent_at.is_(None), commands.c.answered_at.is_(None), commands.c.expires_at <= now)
        .values(sent_at=now, answered_at=now, done=False, detail=EXPIRED)
    )
    rows = connection.execute(
        select(commands)
        .where(commands.c.sent_at.is_(None))
        .order_by(commands.c.created_at)
        .limit(SENT_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    if rows:
        connection.execute(
            update(commands)
            .where(commands.c.command_id.in_([row.command_id for row in rows]))
            .values(sent_at=now)
        )
    return [
        Outgoing(
            (row.site_id, row.gate_id),
            Command(
                command_id=row.command_id,
                action=Action(row.action),
                lane_id=row.lane_id,
                issued_by=row.issued_by,
                reason=row.reason,
                expires_at=row.expires_at,
                question=row.question,
            ),
        )
        for row in rows
    ]


def waiting(connection: Connection) -> bool:
    """Whether `take_waiting` has anything to do."""
    found = connection.scalar(
        select(tables.commands.c.command_id).where(tables.commands.c.sent_at.is_(None)).limit(1)
    )
    return found is not None


def answered(connection: Connection, gate: GateName, answer: Answer, now: datetime) -> bool:
    """Note what became of a command; the first answer stands. False for a command that gate never got."""
    commands = tables.commands.c
    changed = connection.execute(
        update(tables.commands)
        .where(
            commands.command_id == answer.command_id,
            commands.site_id == gate[0],
            commands.gate_id == gate[1],
            commands.answered_at.is_(None),
        )
        .values(answered_at=now, done=answer.done, detail=answer.detail)
    ).rowcount
    return bool(changed)


def old_questions(connection: Connection, now: datetime) -> bool:
    """Whether `forget_questions` has anything to do."""
    found = connection.scalar(select(tables.commands.c.command_id).where(_old_question(now)).limit(1))
    return found is not None


def forget_questions(connection: Connection, now: datetime) -> int:
    """Delete questions to gates, with their answers, some minutes after they expired; how many."""
    return connection.execute(delete(tables.commands).where(_old_question(now))).rowcount


def _old_question(now: datetime) -> ColumnElement[bool]:
    row = tables.commands.c
    return and_(row.action == Action.EXPLAIN.value, row.expires_at <= now - QUESTIONS_KEPT)
