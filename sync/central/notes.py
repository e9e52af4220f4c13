"""Records of kiosks on their way into the database: opened, taken once, each by the handler of its kind.

Part of the transaction of their batch (`ingest.py`). What a handler refuses is refused for ever; the kiosk
shows why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import Connection, select, tuple_
from sqlalchemy.exc import DBAPIError, OperationalError

from sync.central import tables, tables_people
from sync.central.errors import CentralError
from sync.central.event_rows import Work
from sync.central.reception import GateName
from sync.central.roster_log import Later
from sync.central.statements import insert_unless_there
from sync.wire.envelope import MessageRefused
from sync.wire.messages import BatchItem
from sync.wire.sealing import unseal_text

log = logging.getLogger(__name__)

REFUSED = "note_refused"
NOT_A_KIOSK = "not registered as a kiosk (sitegate central gate add … --kiosk)"
REASON_CHARACTERS = 200
FAULT = "the centre could not take it; its log says why"


class NoteRefused(CentralError, ValueError):
    """A handler will never take this record; the text is the reason that the kiosk shows."""


@dataclass(frozen=True, slots=True)
class NoteContext:
    """Which kiosk sent the record, and when it came.

    roster  collects changes of workers, whose log is written once for all records of a transaction; without
            one a handler writes it itself
    """

    site_id: str
    gate_id: str
    record_id: str
    received_at: datetime
    roster: Later | None = None


Handler = Callable[[Connection, NoteContext, str], Mapping[str, int]]
"""Takes the JSON of one record in the open transaction; the new roster version of each site that changed."""


@dataclass(frozen=True, slots=True)
class _Kiosk:
    sealing_key: bytes
    is_kiosk: bool


def take(connection: Connection, work: Sequence[Work], handlers: Mapping[str, Handler]) -> set[str]:
    """Take the notes of these batches, refusing in `work` what cannot be taken.

    Returns the sites whose roster changed.
    """
    with_notes = [one for one in work if one.notes]
    if not with_notes:
        return set()
    kiosks = _kiosks(connection, {one.gate for one in with_notes})
    changed: set[str] = set()
    roster = Later()
    for one in with_notes:
        kiosk = kiosks[one.gate]
        for item in one.notes:
            reason = _take(connection, one, item, kiosk, handlers, changed, roster)
            if reason:
                one.refuse(item.item_id, REFUSED, item.payload, reason=reason)
    changed.update(roster.write(connection))
    for one in with_notes:
        one.roster_version = _roster_version(connection, one.gate[0])
    return changed


def _take(
    connection: Connection,
    work: Work,
    item: BatchItem,
    kiosk: _Kiosk,
    handlers: Mapping[str, Handler],
    changed: set[str],
    roster: Later,
) -> str:
    """Why it is refused, or nothing."""
    try:
        text = _opened(item, kiosk)
        concerned = Later()
        context = NoteContext(*work.gate, str(item.record_id), work.received_at, concerned)
        # A savepoint: one record that cannot be stored takes no event of the batch with it.
        with connection.begin_nested():
            if _is_new(connection, context, item.kind):
                changed.update(handlers[item.kind](connection, context, text))
        roster.take_over(concerned)  # only now: what a savepoint took back changed nobody
        return ""
    except NoteRefused as error:
        return str(error)
    except ValidationError as error:
        fields = sorted({".".join(map(str, one["loc"])) for one in error.errors()})
        return f"malformed: {', '.join(fields)}"[:REASON_CHARACTERS]
    except OperationalError:
        raise  # the database is away, or two processes were in each other's way: the batch comes again
    except DBAPIError as error:
        # PostgreSQL's own text repeats the row, which names somebody.
        kind = type(error.orig).__name__
        log.error("a record of kind %s of kiosk %s/%s was not stored: %s", item.kind, *work.gate, kind)
        return FAULT
    except Exception:
        # A fault of ours must not stop the kiosk's queue; the record stays there, parked with this reason.
        log.exception("a record of kind %s of kiosk %s/%s was not taken", item.kind, *work.gate)
        return FAULT


def _opened(item: BatchItem, kiosk: _Kiosk) -> str:
    record_id = item.record_id
    if not kiosk.is_kiosk:
        raise NoteRefused(NOT_A_KIOSK)
    if not record_id or len(record_id) > tables.ID_LENGTH:
        raise NoteRefused("malformed: record_id")
    try:
        text = unseal_text(item.payload, site_key=kiosk.sealing_key, bound_to=record_id)
    except MessageRefused as error:
        raise NoteRefused(error.cause) from error
    if any("\x00" in one for one in (record_id, text)) or "\\u0000" in text:  # PostgreSQL keeps no NUL
        raise NoteRefused("malformed: NUL")
    return text


def _is_new(connection: Connection, context: NoteContext, kind: str) -> bool:
    taken = tables_people.notes_taken
    row = {
        "record_id": context.record_id,
        "kind": kind,
        "site_id": context.site_id,
        "gate_id": context.gate_id,
        "received_at": context.received_at,
    }
    return insert_unless_there(connection, taken.c.record_id, row)


def _kiosks(connection: Connection, names: set[GateName]) -> dict[GateName, _Kiosk]:
    gates, sites = tables.gates.c, tables.sites.c
    rows = connection.execute(
        select(gates.site_id, gates.gate_id, gates.is_kiosk, sites.sealing_key)
        .join_from(tables.gates, tables.sites, gates.site_id == sites.site_id)
        .where(tuple_(gates.site_id, gates.gate_id).in_(sorted(names)))
    )
    return {(row.site_id, row.gate_id): _Kiosk(bytes(row.sealing_key), row.is_kiosk) for row in rows}


def _roster_version(connection: Connection, site_id: str) -> int:
    sites = tables.sites.c
    return int(connection.execute(select(sites.roster_version).where(sites.site_id == site_id)).scalar_one())
