"""The checklists of this centre: the samples that come with the program, and those that were added to it.

Every function takes an open connection and is part of its transaction. A version that was added or used is
kept as it was, so an old inspection is read by what was asked then.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from sync.central import audit
from sync.central.accounts_access import no_such
from sync.central.audit import Action
from sync.central.errors import AlreadyThere
from sync.central.statements import insert_or
from sync.central.tables_grid import checklists
from sync.inspections import Checklist, shipped_checklists

Key = tuple[str, int]
"""Id and version."""


def offered(connection: Connection) -> dict[str, Checklist]:
    """The newest version of each checklist that inspectors can choose, by id."""
    found = {
        checklist_id: one
        for checklist_id, one in shipped_checklists().items()
        if not _is_kept(connection, (checklist_id, one.version))
    }
    query = select(checklists.c.content).where(checklists.c.is_offered).order_by(checklists.c.version)
    for content in connection.scalars(query):
        one = Checklist.model_validate(content)
        if one.checklist_id not in found or found[one.checklist_id].version < one.version:
            found[one.checklist_id] = one
    return dict(sorted(found.items()))


def held(connection: Connection, checklist_id: str, version: int) -> Checklist:
    """One version, offered or not. Raises NotFound."""
    of_this = (checklists.c.checklist_id == checklist_id, checklists.c.version == version)
    content = connection.scalar(select(checklists.c.content).where(*of_this))
    if content is not None:
        return Checklist.model_validate(content)
    shipped = shipped_checklists().get(checklist_id)
    if shipped is None or shipped.version != version:
        raise no_such("checklist", f"{checklist_id}/{version}")
    return shipped


class Shelf:
    """Checklists by id and version, each read once: for a list of inspections."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._read: dict[Key, Checklist] = {}

    def checklist(self, checklist_id: str, version: int) -> Checklist:
        """Raises NotFound."""
        key = (checklist_id, version)
        if key not in self._read:
            self._read[key] = held(self._connection, *key)
        return self._read[key]


def keep(connection: Connection, one: Checklist, *, by: str, now: datetime) -> None:
    """Keep a version that is about to be used."""
    connection.execute(insert_or(connection, checklists).values(_row(one, by, now)).on_conflict_do_nothing())


def add(connection: Connection, one: Checklist, *, by: str, now: datetime) -> None:
    """Offer a checklist from now on; one that was removed is offered again.

    Raises:
        AlreadyThere: the centre has other content under this id and version.
    """
    key = (one.checklist_id, one.version)
    shipped = shipped_checklists().get(one.checklist_id)
    known = [shipped] if shipped is not None and shipped.version == one.version else []
    known += [held(connection, *key)] if _is_kept(connection, key) else []
    if any(other != one for other in known):
        raise AlreadyThere(
            f"the checklist {one.checklist_id} has a version {one.version} with other content",
            next_step=f"give the file the version {one.version + 1}, and add it again",
        )
    keep(connection, one, by=by, now=now)
    connection.execute(
        update(checklists)
        .where(checklists.c.checklist_id == one.checklist_id, checklists.c.version == one.version)
        .values(is_offered=True)
    )
    _note(connection, Action.ADDED_CHECKLIST, one.checklist_id, by, now, version=one.version)


def remove(connection: Connection, checklist_id: str, *, by: str, now: datetime) -> None:
    """Offer a checklist no longer, in no version; what was inspected by it stays. Raises NotFound."""
    if checklist_id not in offered(connection):
        raise no_such("checklist", checklist_id)
    shipped = shipped_checklists().get(checklist_id)
    if shipped is not None and not _is_kept(connection, (checklist_id, shipped.version)):
        connection.execute(insert(checklists).values(_row(shipped, by, now)))
    connection.execute(
        update(checklists).where(checklists.c.checklist_id == checklist_id).values(is_offered=False)
    )
    _note(connection, Action.REMOVED_CHECKLIST, checklist_id, by, now)


def _is_kept(connection: Connection, key: Key) -> bool:
    of_this = (checklists.c.checklist_id == key[0], checklists.c.version == key[1])
    return connection.scalar(select(checklists.c.version).where(*of_this)) is not None


def _row(one: Checklist, by: str, now: datetime) -> dict[str, Any]:
    return {
        "checklist_id": one.checklist_id,
        "version": one.version,
        # Without the defaults: the checks of a checklist ask what was said in its file.
        "content": one.model_dump(mode="json", exclude_unset=True),
        "added_at": now,
        "added_by": by,
    }


def _note(
    connection: Connection, action: Action, checklist_id: str, by: str, now: datetime, **detail: int
) -> None:
    audit.note(
        connection, at=now, actor=by, action=action, subject=f"checklist:{checklist_id}", detail=detail
    )
