"""Pairs of records that may be one person: found, decided upon, merged.

Every function takes an open connection and is part of its transaction. A pair is kept once per way in which
it was found; the lesser number comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import Connection, delete, or_, select, update

from sync.central import (
    clearance_watch,
    declarations,
    health,
    list_matches,
    persons,
    registry,
    roster_log,
    tables,
    tests_due,
    tests_merged,
)
from sync.central.errors import CentralError
from sync.central.person_vault import PersonVault
from sync.central.statements import insert_or
from sync.central.tables_people import duplicates, enrolments
from sync.clearance_rules import ClearanceRules
from sync.clearances import longest_clearances
from sync.erasure import FACE
from sync.passes import merged_grants
from sync.people import DuplicateDecision
from sync.records import Clearance, Template, Worker, WorkerStatus

OPEN, SAME, DIFFERENT = "", "same", "different"


class UnknownPair(CentralError, LookupError):
    """Nobody found these two to look like one person, or it was decided already."""


class MergeRefused(CentralError, ValueError):
    """These two cannot become one."""


def in_order(worker_id: str, other_worker_id: str) -> tuple[str, str]:
    """The two numbers as a pair is kept under."""
    first, second = sorted((worker_id, other_worker_id), key=str.encode)
    return first, second


def note_found(
    connection: Connection,
    worker_id: str,
    other_worker_id: str,
    *,
    found_by: str,
    score: float | None,
    now: datetime,
) -> None:
    """A search found two records alike. What was decided about them stays; the score is the newest."""
    first, second = in_order(worker_id, other_worker_id)
    connection.execute(
        insert_or(connection, duplicates)
        .values(worker_id=first, other_worker_id=second, found_by=found_by, score=score, found_at=now)
        .on_conflict_do_update(
            index_elements=["worker_id", "other_worker_id", "found_by"], set_={"score": score}
        )
    )


def take(connection: Connection, decision: DuplicateDecision, *, now: datetime) -> None:
    """What somebody at a kiosk found and decided; a later decision stays, wherever it was made."""
    first, second = in_order(decision.worker_id, decision.other_worker_id)
    pair = {"worker_id": first, "other_worker_id": second, "found_by": decision.found_by}
    connection.execute(
        insert_or(connection, duplicates)
        .values(**pair, score=decision.score, found_at=min(decision.decided_at, now))
        .on_conflict_do_nothing(index_elements=list(pair))
    )
    if decision.same_person is None:
        return
    connection.execute(
        update(duplicates)
        .where(
            *(duplicates.c[name] == value for name, value in pair.items()),
            or_(duplicates.c.decided_at.is_(None), duplicates.c.decided_at < decision.decided_at),
        )
        .values(
            decision=SAME if decision.same_person else DIFFERENT,
            decided_by=decision.decided_by[:200],
            decided_at=min(decision.decided_at, now),
            reason=decision.reason,
        )
    )


def decide(
    connection: Connection,
    worker_id: str,
    other_worker_id: str,
    *,
    same_person: bool | None,
    reason: str,
    by: str,
    now: datetime,
) -> None:
    """Decide about a pair, however it was found; None opens it again. Raises UnknownPair."""
    first, second = in_order(worker_id, other_worker_id)
    changed = connection.execute(
        update(duplicates)
        .where(
            duplicates.c.worker_id == first,
            duplicates.c.other_worker_id == second,
            duplicates.c.merged_into.is_(None),
        )
        .values(
            decision=OPEN if same_person is None else SAME if same_person else DIFFERENT,
            decided_by="" if same_person is None else by,
            decided_at=None if same_person is None else now,
            reason=reason,
        )
    ).rowcount
    if not changed:
        raise UnknownPair(
            f"{first} and {second} are no open pair", next_step="look at the list of duplicates again"
        )


def merge(
    connection: Connection,
    keep: str,
    remove: str,
    *,
    vault: PersonVault,
    rules: ClearanceRules,
    reason: str,
    by: str,
    now: datetime,
) -> Mapping[str, int]:
    """Make one record of two: `keep` gets sites, clearances, flags and consents of `remove`, which goes.

    What follows from results, orders, declarations, entries of the pass and matches with lists is worked out
    anew from those of both, as if all of them had been under `keep` from the start.

    The face of `keep` stays, or the one of `remove` comes where there is none; where the person said no to it
    last, under whichever number, none stays. Events stay under the number
    that they were recorded with. Returns the new roster versions.

    Raises UnknownPair, UnknownWorker; MergeRefused where both have papers that differ, or results of one
    moment that do.
    """
    decide(connection, keep, remove, same_person=True, reason=reason, by=by, now=now)
    registry.hold(connection, [keep, remove])
    found = {one.worker.worker_id: one for one in roster_log.load_changes(connection, [keep, remove])}
    if len(found) != len({keep, remove}):
        raise MergeRefused(
            "one of the two is not in the registry any more", next_step="look at the list again"
        )
    stays, goes = found[keep].worker, found[remove].worker
    _require_same_papers(connection, keep, remove)
    _require_same_results(connection, rules, keep, remove)
    papers = persons.person(connection, vault, remove)
    connection.execute(
        update(tables.consents).where(tables.consents.c.worker_id == remove).values(worker_id=keep)
    )
    connection.execute(update(enrolments).where(enrolments.c.worker_id == remove).values(worker_id=keep))
    health.hand_on(connection, remove, keep)
    tests_merged.hand_on(connection, remove, keep, now=now)
    declarations.hand_on(connection, remove, keep, now=now)
    clearance_watch.hand_on(connection, remove, keep)
    list_matches.hand_on(connection, remove, keep)
    versions = dict(registry.remove_worker(connection, remove))
    if papers is not None and persons.document_hash(connection, keep) is None:
        persons.put_person(connection, vault, papers.model_copy(update={"worker_id": keep}), now=now)
    agreed_on = _agreed_on(connection, stays, goes)
    face: list[Template] | None = None
    if agreed_on is None:
        face = []
    elif not found[keep].templates:
        face = [one.model_copy(update={"worker_id": keep}) for one in found[remove].templates]
    # What either held by hand, and what the results of both leave of it.
    held = [tests_merged.with_results_of(connection, rules, keep, one.clearances) for one in (stays, goes)]
    joined = _joined(stays, goes, held).model_copy(update={"face_consent_on": agreed_on})
    versions |= registry.put_worker(connection, joined, face, now=now)
    versions |= health.settle(connection, keep, now=now)
    versions |= tests_due.settle(connection, rules, keep, now=now)
    versions |= clearance_watch.settle(connection, rules, keep, now=now)
    versions |= list_matches.put_flags(connection, [keep], now=now)
    first, second = in_order(keep, remove)
    pair = (duplicates.c.worker_id == first, duplicates.c.other_worker_id == second)
    connection.execute(update(duplicates).where(*pair).values(merged_into=keep))
    _hand_on_open_pairs(connection, keep, remove)
    return versions


def _joined(stays: Worker, goes: Worker, held: Sequence[Sequence[Clearance]]) -> Worker:
    """Whatever is stricter of the two: a block or a flag of either holds. `held`: clearances of both."""
    blocked = WorkerStatus.BLOCKED in (stays.status, goes.status)
    flags = {flag.flag_id: flag for flag in (*goes.flags, *stays.flags)}
    return stays.model_copy(
        update={
            "site_ids": tuple(sorted({*stays.site_ids, *goes.site_ids})),
            "status": WorkerStatus.BLOCKED if blocked else stays.status,
            "flags": tuple(flags.values()),
            "phone": stays.phone or goes.phone,
            "clearances": longest_clearances(*held),
            "passes": merged_grants(stays.passes, goes.passes),
        }
    )


def _agreed_on(connection: Connection, stays: Worker, goes: Worker) -> date | None:
    """Since when the one person agrees to the face; None where the newest word under either number is no.

    The answers of both are on record under the number that stays.
    """
    keep = stays.worker_id
    told = [persons.last_withdrawals(connection, one.worker_id).get(FACE) for one in (stays, goes)]
    withdrawn_at = max((at for at in told if at is not None), default=None)
    if withdrawn_at is not None:
        persons.withdraw_older(connection, keep, withdrawn_at)
    answer = persons.last_answer(connection, keep)
    if answer is not None:
        days = [one.face_consent_on for one in (stays, goes) if one.face_consent_on is not None]
        return (max(days, default=None) or answer.given_at.date()) if answer.granted else None
    # Entered at the centre without an answer on record.
    return None if withdrawn_at is not None else stays.face_consent_on or goes.face_consent_on


def _require_same_papers(connection: Connection, keep: str, remove: str) -> None:
    hashes = {persons.document_hash(connection, one) for one in (keep, remove)} - {None}
    if len(hashes) > 1:
        raise MergeRefused(
            "the two are on record with different documents",
            next_step="correct the wrong document at its kiosk, or decide that they are two people",
        )


def _require_same_results(connection: Connection, rules: ClearanceRules, keep: str, remove: str) -> None:
    kind = tests_merged.contradiction(connection, keep, remove)
    if kind is not None:
        raise MergeRefused(
            f"the two have different results of one moment: {rules.words(kind)}",
            next_step="take the wrong one back on the page of clearances, then merge",
        )


def _hand_on_open_pairs(connection: Connection, keep: str, remove: str) -> None:
    """What else the number that goes was found to resemble."""
    here = (
        or_(duplicates.c.worker_id == remove, duplicates.c.other_worker_id == remove),
        duplicates.c.decision == OPEN,
    )
    for row in connection.execute(select(duplicates).where(*here)).all():
        third = row.other_worker_id if row.worker_id == remove else row.worker_id
        if third != keep:
            note_found(connection, keep, third, found_by=row.found_by, score=row.score, now=row.found_at)
    connection.execute(delete(duplicates).where(*here))
