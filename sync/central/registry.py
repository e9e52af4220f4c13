"""The registry of people: workers, templates, consents, flags. Sites and gates: `site_registry`.

Every function takes an open connection and is part of its transaction (`Database.write`). What concerns the
roster of a site is written to the site's roster log in the same transaction; the service announces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Table, delete, insert, select, tuple_, update

from sync.central import list_queue, roster_log, tables, tables_passes
from sync.central.roster_log import Later, record_workers
from sync.central.site_registry import require_sites
from sync.central.statements import chunks, insert_unless_there, upsert
from sync.errors import RecordInvalid, UnknownFlag, UnknownWorker
from sync.records import Clearance, Flag, FlagLevel, PassGrant, Template, Worker, WorkerStatus

_WORKER_COLUMNS = (
    "worker_id",
    "name",
    "status",
    "employer",
    "team",
    "trade",
    "phone",
    "grant_from",
    "grant_until",
    "face_consent_on",
)


def put_worker(
    connection: Connection,
    worker: Worker,
    templates: Sequence[Template] | None = None,
    *,
    now: datetime,
    before: Mapping[str, Iterable[str]] | None = None,
    later: Later | None = None,
) -> dict[str, int]:
    """Add or replace one worker with flags; see `put_workers`."""
    return put_workers(connection, [(worker, templates)], now=now, before=before, later=later)


def put_workers(
    connection: Connection,
    workers: Iterable[tuple[Worker, Sequence[Template] | None]],
    *,
    now: datetime,
    before: Mapping[str, Iterable[str]] | None = None,
    later: Later | None = None,
) -> dict[str, int]:
    """Add or replace workers with their flags; templates None leaves those that are there.

    before  what `hold` said of them in this transaction; None asks
    later   takes the change instead of the roster's log

    Returns the new roster version of each site concerned; none with `later`.

    Raises:
        UnknownSite: a worker is registered for a site that is not in the registry.
        RecordInvalid: a template of somebody else.
    """
    given = {worker.worker_id: (worker, templates) for worker, templates in workers}
    ids = sorted(given)
    require_sites(connection, (site_id for one, _ in given.values() for site_id in one.site_ids))
    before = hold(connection, ids) if before is None else before
    rows = [_worker_row(given[one][0], now) for one in ids]
    replaced = ids
    if len(ids) == 1 and not before and insert_unless_there(connection, tables.workers.c.worker_id, rows[0]):
        replaced = []  # certainly new: there is nothing to take away
    else:
        before = before or hold(connection, ids)
        upsert(connection, tables.workers, rows, keep=["created_at"])
    links = [
        {"worker_id": one, "site_id": site} for one in ids for site in sorted(set(given[one][0].site_ids))
    ]
    flags = [_flag_row(one, flag, now) for one in ids for flag in given[one][0].flags]
    passes = [_pass_row(one, grant) for one in ids for grant in given[one][0].passes]
    _replace(connection, tables.worker_sites, replaced, links)
    _replace(connection, tables.flags, replaced, flags)
    _replace(connection, tables_passes.pass_grants, replaced, passes)
    templates = [_template_row(one, template) for one in ids for template in given[one][1] or ()]
    _replace(connection, tables.templates, [one for one in replaced if given[one][1] is not None], templates)
    list_queue.ask(connection, ids, now)
    urgent = any(_is_urgent(worker) for worker, _ in given.values())
    if later is None:
        return record_workers(connection, ids, left=before, urgent=urgent)
    later.add(ids, left=before, urgent=urgent)
    return {}


def put_templates(
    connection: Connection, worker_id: str, templates: Sequence[Template], *, now: datetime
) -> dict[str, int]:
    """Replace all templates of a worker. Raises UnknownWorker, RecordInvalid."""
    before = _require_worker(connection, worker_id)
    rows = [_template_row(worker_id, template) for template in templates]
    _replace(connection, tables.templates, [worker_id], rows)
    _touch(connection, worker_id, now)
    return record_workers(connection, [worker_id], left=before, urgent=False)


def set_status(
    connection: Connection, worker_id: str, status: WorkerStatus, *, now: datetime
) -> dict[str, int]:
    """Block a worker, let go, or take back. Raises UnknownWorker."""
    before = _require_worker(connection, worker_id)
    _touch(connection, worker_id, now, status=status.value)
    return record_workers(connection, [worker_id], left=before, urgent=True)


def remove_worker(connection: Connection, worker_id: str) -> dict[str, int]:
    """Delete a worker with templates, flags and consents from every site. The events stay.

    Raises UnknownWorker.
    """
    before = _require_worker(connection, worker_id)
    connection.execute(delete(tables.workers).where(tables.workers.c.worker_id == worker_id))
    return roster_log.record_removal(connection, worker_id, before[worker_id])


def add_flag(connection: Connection, worker_id: str, flag: Flag, *, now: datetime) -> dict[str, int]:
    """Add a flag, or replace the one by that id. Raises UnknownWorker."""
    before = _require_worker(connection, worker_id)
    upsert(connection, tables.flags, [_flag_row(worker_id, flag, now)], keep=["created_at"])
    return record_workers(connection, [worker_id], left=before, urgent=True)


def remove_flag(connection: Connection, worker_id: str, flag_id: str) -> dict[str, int]:
    """Raises UnknownWorker, UnknownFlag."""
    before = _require_worker(connection, worker_id)
    flags = tables.flags.c
    gone = connection.execute(
        delete(tables.flags).where(flags.worker_id == worker_id, flags.flag_id == flag_id)
    ).rowcount
    if not gone:
        raise UnknownFlag(
            f"worker {worker_id} has no flag {flag_id}",
            next_step=f"`sitegate central flag list {worker_id}` lists the flags",
        )
    return record_workers(connection, [worker_id], left=before, urgent=True)


def change_flags(
    connection: Connection,
    before: Mapping[str, Sequence[str]],
    *,
    put: Mapping[str, Sequence[Flag]],
    remove: Mapping[str, Sequence[str]],
    now: datetime,
) -> dict[str, int]:
    """Flags of several workers at once: those to add or replace, and ids of those to take away.

    before  what `hold` said of them in this transaction
    """
    flags = tables.flags.c
    for some in chunks([(worker_id, flag_id) for worker_id, ids in remove.items() for flag_id in ids]):
        connection.execute(delete(tables.flags).where(tuple_(flags.worker_id, flags.flag_id).in_(some)))
    rows = [_flag_row(worker_id, flag, now) for worker_id, some in put.items() for flag in some]
    upsert(connection, tables.flags, rows, keep=["created_at"])
    changed = sorted(put.keys() | remove.keys())
    return record_workers(connection, changed, left=before, urgent=True) if changed else {}


def put_marks(
    connection: Connection,
    worker_id: str,
    *,
    put: Sequence[Flag],
    remove: Sequence[str],
    clearances: Sequence[Clearance],
    now: datetime,
) -> dict[str, int]:
    """Flags and clearances of a worker together, in one version: `remove` are ids. Raises UnknownWorker."""
    before = _require_worker(connection, worker_id)
    flags = tables.flags.c
    connection.execute(
        delete(tables.flags).where(flags.worker_id == worker_id, flags.flag_id.in_(list(remove)))
    )
    upsert(connection, tables.flags, [_flag_row(worker_id, one, now) for one in put], keep=["created_at"])
    kept = [one.model_dump(mode="json") for one in clearances]
    _touch(connection, worker_id, now, clearances=kept)
    return record_workers(connection, [worker_id], left=before, urgent=True)


def put_consent(
    connection: Connection,
    worker_id: str,
    *,
    kind: str,
    given_at: datetime,
    document: str = "",
    recorded_by: str = "",
) -> str:
    """Record a consent; returns its id. Raises UnknownWorker."""
    _require_worker(connection, worker_id)
    consent_id = uuid4().hex
    connection.execute(
        insert(tables.consents).values(
            consent_id=consent_id,
            worker_id=worker_id,
            kind=kind,
            given_at=given_at,
            document=document,
            recorded_by=recorded_by,
        )
    )
    return consent_id


def withdraw_consent(connection: Connection, worker_id: str, *, kind: str, now: datetime) -> dict[str, int]:
    """A worker takes a consent back; with the one for faces go all templates, here and at every gate.

    Raises UnknownWorker.
    """
    before = _require_worker(connection, worker_id)
    consents = tables.consents.c
    connection.execute(
        update(tables.consents)
        .where(consents.worker_id == worker_id, consents.kind == kind, consents.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
    )
    if kind != "face":
        return {}
    _replace(connection, tables.templates, [worker_id], [])
    _touch(connection, worker_id, now, face_consent_on=None)
    return record_workers(connection, [worker_id], left=before, urgent=True)


def hold(connection: Connection, worker_ids: Sequence[str]) -> dict[str, list[str]]:
    """The sites of each worker that is there; on PostgreSQL the workers stay ours until the commit."""
    before: dict[str, list[str]] = {}
    link = tables.worker_sites.c
    for some in chunks(sorted(worker_ids)):
        ids = connection.scalars(
            select(tables.workers.c.worker_id)
            .where(tables.workers.c.worker_id.in_(some))
            .order_by("worker_id")
            .with_for_update()
        ).all()
        before.update({worker_id: [] for worker_id in ids})
        if ids:
            rows = connection.execute(select(link.worker_id, link.site_id).where(link.worker_id.in_(ids)))
            for worker_id, site_id in rows:
                before[worker_id].append(site_id)
    return before


def held(connection: Connection, worker_id: str) -> Worker | None:
    """One worker, who on PostgreSQL stays ours until the commit; None where there is none."""
    if not hold(connection, [worker_id]):
        return None
    (found,) = workers(connection, [worker_id])
    return found


def changed_at(connection: Connection, worker_id: str) -> datetime:
    """When the worker's record was last written. Raises UnknownWorker."""
    at: datetime | None = connection.scalar(
        select(tables.workers.c.updated_at).where(tables.workers.c.worker_id == worker_id)
    )
    if at is None:
        raise _unknown_worker(worker_id)
    return at


def worker(connection: Connection, worker_id: str) -> Worker:
    """One worker with sites and flags. Raises UnknownWorker."""
    found = workers(connection, [worker_id])
    if not found:
        raise _unknown_worker(worker_id)
    return found[0]


def workers(connection: Connection, worker_ids: Sequence[str]) -> list[Worker]:
    """Those of the workers that are in the registry, in order of their ids."""
    return roster_log.load_workers(connection, worker_ids)


def flags_of(connection: Connection, worker_ids: Sequence[str]) -> dict[str, list[Flag]]:
    """The flags of those workers who have one."""
    found: dict[str, list[Flag]] = {}
    for some in chunks(sorted(worker_ids)):
        query = select(tables.flags).where(tables.flags.c.worker_id.in_(some))
        for row in connection.execute(query).mappings():
            said = {name: row[name] for name in Flag.model_fields}
            found.setdefault(row["worker_id"], []).append(Flag.model_validate(said))
    return found


def _require_worker(connection: Connection, worker_id: str) -> dict[str, list[str]]:
    before = hold(connection, [worker_id])
    if worker_id not in before:
        raise _unknown_worker(worker_id)
    return before


def _replace(
    connection: Connection, table: Table, worker_ids: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    for some in chunks(worker_ids):
        connection.execute(delete(table).where(table.c.worker_id.in_(some)))
    if rows:
        connection.execute(insert(table), [dict(row) for row in rows])


def _touch(connection: Connection, worker_id: str, now: datetime, **values: object) -> None:
    connection.execute(
        update(tables.workers).where(tables.workers.c.worker_id == worker_id).values(updated_at=now, **values)
    )


def _worker_row(one: Worker, now: datetime) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _WORKER_COLUMNS} | {
        "status": one.status.value,
        "clearances": [clearance.model_dump(mode="json") for clearance in one.clearances],
        "created_at": now,
        "updated_at": now,
    }


def _flag_row(worker_id: str, flag: Flag, now: datetime) -> dict[str, Any]:
    return flag.model_dump() | {
        "worker_id": worker_id,
        "level": FlagLevel(flag.level).value,
        "created_at": now,
    }


def _is_urgent(one: Worker) -> bool:
    """Whether a gate that knows the worker as before might let somebody in who may not."""
    revoked = any(grant.revoked_at for grant in one.passes)
    return bool(one.flags) or revoked or one.status is not WorkerStatus.ACTIVE


def _pass_row(worker_id: str, grant: PassGrant) -> dict[str, Any]:
    return grant.model_dump() | {"worker_id": worker_id, "method": grant.method.value}


def _template_row(worker_id: str, template: Template) -> dict[str, Any]:
    if template.worker_id != worker_id:
        raise RecordInvalid(f"template {template.template_id} is not of worker {worker_id}")
    return template.model_dump()


def _unknown_worker(worker_id: str) -> UnknownWorker:
    return UnknownWorker(
        f"no worker {worker_id} in the registry", next_step="the console's page of workers lists them"
    )
