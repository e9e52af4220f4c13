"""Consents that are taken back: what goes here, who else has to forget, and the receipt of who said so.

Every function takes an open connection and is part of its transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, or_, select, update

from sync.central import (
    alert_sources,
    erasure_rows,
    merged_numbers,
    persons,
    real_name,
    registry,
    tables,
)
from sync.central.errors import CentralError
from sync.central.reception import GateName
from sync.central.statements import insert_unless_there, upsert
from sync.central.tables_people import duplicates, enrolments, erasure_items, erasures
from sync.central.tables_phone import phone_drafts, phone_sessions
from sync.erasure import FACE, RETENTION, WHOLE_RECORD, ErasureItem, ErasureReceipt, Place, nameless
from sync.people import ConsentWithdrawal

CENTRE, GATE, TERMINAL, KIOSK = "centre", "gate", "terminal", "kiosk"
DELETED_ROWS = "deleted rows"
"""The centre's item that `erasure_cleanup` confirms: nothing that was deleted is left in the file."""

BACKUPS = "backups made before {day:%Y-%m-%d}"
"""They hold it until they are deleted, which a person has to do and to confirm."""

_BACKUPS = BACKUPS.partition("{")[0]
_NAMES = {CENTRE: "中心 centre", TERMINAL: "终端 terminal", KIOSK: "登记机 kiosk", GATE: "闸机 gate"}
_PLACES: Mapping[str, Place] = {CENTRE: "centre", KIOSK: "kiosk", GATE: "gate", TERMINAL: "gate"}


class UnknownErasure(CentralError, LookupError):
    """No withdrawal by that id, or no such item of it."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What a withdrawal did: the new roster version of each site concerned, and whether anything went.

    is_outdated  the worker agreed anew after it: nothing was taken away
    """

    versions: Mapping[str, int]
    is_outdated: bool = False


@dataclass(frozen=True, slots=True)
class AtTerminal:
    """A terminal of another maker that has yet to forget somebody."""

    erasure_id: str
    site_id: str
    terminal_id: str
    worker_id: str
    roster_version: int


def withdraw(
    connection: Connection,
    withdrawal: ConsentWithdrawal,
    *,
    now: datetime,
    kiosk: GateName | None = None,
) -> Erased:
    """Take a consent back, here at once and at every gate of the worker's sites; the same one counts once.

    Kind `face` takes templates and findings of the search for duplicates; kind `record` takes name, papers
    and consents too, and leaves the number alone with the status `left`. Any other kind is only noted.
    A worker who is not in the registry gets a receipt without items.
    """
    site_id, gate_id = kiosk or ("", "")
    worker_id, kind = withdrawal.worker_id, withdrawal.kind
    worker = registry.held(connection, worker_id)
    row = {
        "erasure_id": withdrawal.withdrawal_id,
        "worker_id": worker_id,
        "kind": kind,
        "withdrawn_at": min(withdrawal.withdrawn_at, now),
        "received_at": now,
        "site_id": site_id,
        "gate_id": gate_id,
        "recorded_by": withdrawal.recorded_by,
        "reason": withdrawal.reason,
        "sites": [] if worker is None else sorted(worker.site_ids),
    }
    is_new = insert_unless_there(connection, erasures.c.erasure_id, row)
    if not is_new or worker is None:
        return Erased({})
    if kind not in (FACE, WHOLE_RECORD):
        registry.withdraw_consent(connection, worker_id, kind=kind, now=now)
        return Erased({})
    if _agreed_again(connection, withdrawal):
        persons.withdraw_older(connection, worker_id, withdrawal.withdrawn_at)
        return Erased({}, is_outdated=True)
    gone = _erase_face(connection, worker_id, now)
    versions = registry.withdraw_consent(connection, worker_id, kind=FACE, now=now)
    if kind == WHOLE_RECORD:
        numbers = [worker_id, *merged_numbers.earlier_numbers(connection, worker_id)]
        gone += ["person", *_erase_record(connection, numbers)]
        bare = nameless(worker_id, worker.site_ids)
        versions = {**versions, **registry.put_worker(connection, bare, now=now)}
    # What goes by itself, day by day, needs no hand on every backup: those are let go by their age.
    with_backups = withdrawal.recorded_by != RETENTION
    _list_items(connection, withdrawal.withdrawal_id, worker_id, gone, now, with_backups=with_backups)
    return Erased(versions)


def _agreed_again(connection: Connection, withdrawal: ConsentWithdrawal) -> bool:
    given_at = persons.face_consent(connection, withdrawal.worker_id)
    return given_at is not None and given_at > withdrawal.withdrawn_at


def _erase_face(connection: Connection, worker_id: str, now: datetime) -> list[str]:
    """What `registry.withdraw_consent` does not know of; what goes altogether, in words."""
    here = tables.templates.c.worker_id == worker_id
    templates = connection.scalar(select(func.count()).select_from(tables.templates).where(here)) or 0
    pair = (
        or_(duplicates.c.worker_id == worker_id, duplicates.c.other_worker_id == worker_id),
        duplicates.c.found_by == FACE,
    )
    findings = connection.execute(delete(duplicates).where(*pair, duplicates.c.decision == "")).rowcount
    connection.execute(update(duplicates).where(*pair).values(score=None))
    connection.execute(
        update(enrolments)
        .where(enrolments.c.worker_id == worker_id, enrolments.c.checked_at.is_(None))
        .values(checked_at=now)
    )
    gone = [f"templates: {templates}", "roster entry"]
    return [*gone, f"similar faces: {findings}"] if findings else gone


def _erase_record(connection: Connection, numbers: Sequence[str]) -> list[str]:
    """Nothing stays but the numbers; their events lose the name. In words, what went and what stays."""
    for number in numbers:  # first: by what goes next it knows whose they are
        alert_sources.forget_worker(connection, number)
    said = erasure_rows.forget(connection, numbers)
    for number in numbers:
        persons.forget(connection, number)
        real_name.forget(connection, number)
    of_worker = phone_sessions.c.worker_id.in_(numbers)
    owned = select(phone_sessions.c.session_hash).where(of_worker)
    connection.execute(delete(phone_drafts).where(phone_drafts.c.owner.in_(owned)))
    connection.execute(delete(phone_sessions).where(of_worker))
    connection.execute(
        update(tables.events)
        .where(tables.events.c.worker_id.in_(numbers))
        .values(worker_name="", team="", employer="")
    )
    connection.execute(
        delete(duplicates).where(
            or_(duplicates.c.worker_id.in_(numbers), duplicates.c.other_worker_id.in_(numbers)),
            duplicates.c.decision == "",
        )
    )
    return said


# -- who has to forget -------------------------------------------------------------------------------------


def _list_items(
    connection: Connection,
    erasure_id: str,
    worker_id: str,
    gone: list[str],
    now: datetime,
    *,
    with_backups: bool,
) -> None:
    what = "person" if "person" in gone else "templates"
    rows = [_item(erasure_id, CENTRE, one, confirmed_at=now) for one in gone]
    rows.append(_item(erasure_id, CENTRE, DELETED_ROWS))
    if with_backups:
        rows.append(_item(erasure_id, CENTRE, BACKUPS.format(day=now)))
    log, gates, status = tables.roster_log.c, tables.gates.c, tables.gate_status.c
    terminals = tables.terminals.c
    created = select(tables.workers.c.created_at).where(tables.workers.c.worker_id == worker_id)
    # Every site whose roster ever named the worker: a gate that was away may still hold an older one.
    holders = connection.execute(
        select(
            gates.site_id,
            gates.gate_id,
            gates.revoked_at,
            log.version,
            status.roster_version,
            status.health_at,
            terminals.terminal_id,
        )
        .join_from(tables.roster_log, tables.gates, gates.site_id == log.site_id)
        .outerjoin(tables.gate_status, (status.site_id == gates.site_id) & (status.gate_id == gates.gate_id))
        .outerjoin(
            tables.terminals,
            (terminals.site_id == gates.site_id) & (terminals.terminal_id == gates.gate_id),
        )
        .where(
            log.worker_id == worker_id,
            or_(gates.revoked_at.is_(None), gates.revoked_at > created.scalar_subquery()),
        )
        .order_by(gates.site_id, gates.gate_id)
    )
    for one in holders:
        has_it = one.roster_version is not None and one.roster_version >= one.version
        rows.append(
            _item(
                erasure_id,
                TERMINAL if one.terminal_id is not None else GATE,
                f"{what} (revoked gate: erase it there)" if one.revoked_at else what,
                site_id=one.site_id,
                gate_id=one.gate_id,
                roster_version=None if one.revoked_at else one.version,
                confirmed_at=one.health_at if has_it and not one.revoked_at else None,
            )
        )
    upsert(connection, erasure_items, rows, keep=["confirmed_at"])


def _item(erasure_id: str, place: str, what: str, **values: object) -> dict[str, object]:
    row: dict[str, object] = {
        "erasure_id": erasure_id,
        "place": place,
        "site_id": "",
        "gate_id": "",
        "what": what,
        "roster_version": None,
        "confirmed_at": None,
    }
    return row | values


def gate_holds(connection: Connection, gate: GateName, roster_version: int, at: datetime) -> None:
    """A gate of ours says which roster it has taken over: what older versions held is gone there."""
    item = erasure_items.c
    connection.execute(
        update(erasure_items)
        .where(
            item.site_id == gate[0],
            item.gate_id == gate[1],
            item.place == GATE,
            item.confirmed_at.is_(None),
            item.roster_version <= roster_version,
        )
        .values(confirmed_at=at)
    )


def waiting_at_terminals(connection: Connection) -> list[AtTerminal]:
    """What terminals of other makers have yet to forget."""
    item = erasure_items.c
    rows = connection.execute(
        select(item.erasure_id, item.site_id, item.gate_id, erasures.c.worker_id, item.roster_version)
        .join_from(erasure_items, erasures, erasures.c.erasure_id == item.erasure_id)
        .where(item.place == TERMINAL, item.confirmed_at.is_(None), item.roster_version.is_not(None))
    )
    return [AtTerminal(*row) for row in rows]


def terminal_forgot(connection: Connection, waiting: AtTerminal, at: datetime) -> None:
    """The terminal's list no longer names the worker."""
    item = erasure_items.c
    connection.execute(
        update(erasure_items)
        .where(
            item.erasure_id == waiting.erasure_id,
            item.place == TERMINAL,
            item.site_id == waiting.site_id,
            item.gate_id == waiting.terminal_id,
            item.confirmed_at.is_(None),
        )
        .values(confirmed_at=at)
    )


def centre_forgot(connection: Connection, what: str, erasure_ids: Sequence[str], at: datetime) -> None:
    """Confirm one kind of the centre's own items."""
    item = erasure_items.c
    connection.execute(
        update(erasure_items)
        .where(
            item.place == CENTRE,
            item.what == what,
            item.confirmed_at.is_(None),
            item.erasure_id.in_(erasure_ids),
        )
        .values(confirmed_at=at)
    )


def add_centre_item(connection: Connection, erasure_id: str, what: str, at: datetime) -> None:
    """Something more that went at the centre."""
    upsert(connection, erasure_items, [_item(erasure_id, CENTRE, what, confirmed_at=at)])


def kiosk_forgot(connection: Connection, kiosk: GateName, receipt: ErasureReceipt) -> None:
    """Take a kiosk's own items over. Raises UnknownErasure."""
    _require(connection, receipt.receipt_id)
    rows = [
        _item(
            receipt.receipt_id,
            KIOSK,
            one.what,
            site_id=kiosk[0],
            gate_id=kiosk[1],
            confirmed_at=one.confirmed_at,
        )
        for one in receipt.items
        if one.place == KIOSK
    ]
    upsert(connection, erasure_items, rows)


def confirm_by_hand(
    connection: Connection,
    erasure_id: str,
    *,
    place: str,
    site_id: str,
    gate_id: str,
    what: str,
    now: datetime,
) -> None:
    """Somebody saw to it: a backup was deleted, a revoked gate was wiped. Raises UnknownErasure."""
    item = erasure_items.c
    done = connection.execute(
        update(erasure_items)
        .where(
            item.erasure_id == erasure_id,
            item.place == place,
            item.site_id == site_id,
            item.gate_id == gate_id,
            item.what == what,
            item.confirmed_at.is_(None),
        )
        .values(confirmed_at=now)
    ).rowcount
    if not done:
        raise UnknownErasure("no such item is outstanding", next_step="look at the receipt again")


def needs_a_person(place: str, what: str, roster_version: int | None) -> bool:
    """Whether nobody but a person can confirm this item: a backup, a revoked gate."""
    if place == CENTRE:
        return what.startswith(_BACKUPS)
    return place in (GATE, TERMINAL) and roster_version is None


# -- receipts ----------------------------------------------------------------------------------------------


def receipt(connection: Connection, erasure_id: str) -> ErasureReceipt:
    """Raises UnknownErasure."""
    row = _require(connection, erasure_id)
    item = erasure_items.c
    gates = tables.gates.c
    found = connection.execute(
        select(erasure_items, gates.name)
        .outerjoin(tables.gates, (gates.site_id == item.site_id) & (gates.gate_id == item.gate_id))
        .where(item.erasure_id == erasure_id)
        .order_by(item.place, item.site_id, item.gate_id, item.what)
    )
    return ErasureReceipt(
        receipt_id=erasure_id,
        worker_id=row.worker_id,
        requested_at=row.withdrawn_at,
        items=tuple(
            ErasureItem(
                place=_PLACES[one.place],
                name=place_name(one.place, one.site_id, one.gate_id, one.name or ""),
                what=one.what,
                confirmed_at=one.confirmed_at,
            )
            for one in found
        ),
    )


def place_name(place: str, site_id: str, gate_id: str, name: str) -> str:
    """What people call it."""
    if place == CENTRE:
        return _NAMES[CENTRE]
    return f"{_NAMES[place]} {site_id}/{gate_id} {'' if name == gate_id else name}".strip()[:200]


def _require(connection: Connection, erasure_id: str) -> Row[*tuple[Any, ...]]:
    row = connection.execute(select(erasures).where(erasures.c.erasure_id == erasure_id)).first()
    if row is None:
        raise UnknownErasure(
            f"no withdrawal {erasure_id}", next_step="the kiosk sends it when it is connected"
        )
    return row
