"""The registry: sites, gates, lanes, workers, templates, consents, flags.

Every function takes an open connection and is part of its transaction (`Database.write`). What concerns the
roster of a site is written to the site's roster log in the same transaction; the service announces it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, Table, delete, insert, select, update

from sync.central import list_queue, roster_log, tables, tables_passes
from sync.central.errors import AlreadyThere, SettingRefused, UnknownGate, UnknownSite
from sync.central.keys import GateCredentials
from sync.central.roster_log import Later, record_workers
from sync.central.statements import chunks, insert_or, insert_unless_there, upsert
from sync.errors import RecordInvalid, UnknownFlag, UnknownWorker
from sync.records import Clearance, Flag, FlagLevel, PassGrant, Template, Worker, WorkerStatus
from sync.wire.sealing import KEY_BYTES
from sync.wire.topics import ALL_GATES, PROBE

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
_NOT_IN_A_TOPIC = frozenset("/+#")
_RESERVED = (ALL_GATES, PROBE)


@dataclass(frozen=True, slots=True)
class SitePlace:
    """Where a site belongs in the organisation; empty: not told."""

    district: str
    sub_district: str


def put_site(
    connection: Connection, site_id: str, *, name: str, timezone: str, now: datetime, name_en: str = ""
) -> None:
    """Add a site, or change its name and time zone; its sealing key and roster stay.

    Raises:
        SettingRefused: an id that cannot be part of a topic, or no IANA time zone.
    """
    _check_id(site_id)
    try:
        ZoneInfo(timezone)
    except Exception as error:
        raise SettingRefused(
            f"{timezone!r} is no IANA time zone", next_step="give one like Asia/Shanghai"
        ) from error
    values = {"name": name, "name_en": name_en, "timezone": timezone}
    connection.execute(
        insert_or(connection, tables.sites)
        .values(site_id=site_id, sealing_key=secrets.token_bytes(KEY_BYTES), created_at=now, **values)
        .on_conflict_do_update(index_elements=["site_id"], set_=values)
    )


def set_site_place(
    connection: Connection, site_id: str, *, district: str | None = None, sub_district: str | None = None
) -> SitePlace:
    """Say where a site belongs, None: as it was. Returns what holds now. Raises UnknownSite."""
    _sealing_key(connection, site_id)
    told = {"district": district, "sub_district": sub_district}
    values = {column: text.strip() for column, text in told.items() if text is not None}
    if values:
        connection.execute(update(tables.sites).where(tables.sites.c.site_id == site_id).values(values))
    return site_places(connection)[site_id]


def site_places(connection: Connection) -> dict[str, SitePlace]:
    """District and sub-district of every site."""
    sites = tables.sites.c
    return {
        site_id: SitePlace(district, sub_district)
        for site_id, district, sub_district in connection.execute(
            select(sites.site_id, sites.district, sites.sub_district)
        )
    }


def add_gate(
    connection: Connection,
    site_id: str,
    gate_id: str,
    *,
    centre: Ed25519PublicKey,
    now: datetime,
    name: str = "",
    name_en: str = "",
) -> GateCredentials:
    """Register a gate and issue its key pair; the private half is only in what is returned.

    centre  the centre's public key, which goes with the credentials

    Raises:
        UnknownSite: no such site.
        AlreadyThere: the site has a gate by that id; `issue_gate_key` gives it a new key.
    """
    _check_id(gate_id)
    sealing_key = _sealing_key(connection, site_id)
    if connection.scalar(select(tables.gates.c.gate_id).where(*_is_gate(tables.gates, site_id, gate_id))):
        raise AlreadyThere(
            f"site {site_id} has a gate {gate_id} already",
            next_step="choose another id, or issue a new key: sitegate central gate add --reissue",
        )
    key = Ed25519PrivateKey.generate()
    connection.execute(
        insert(tables.gates).values(
            site_id=site_id,
            gate_id=gate_id,
            name=name,
            name_en=name_en,
            public_key=key.public_key().public_bytes_raw(),
            issued_at=now,
        )
    )
    return GateCredentials(site_id, gate_id, key, sealing_key, centre)


def put_gate_without_key(
    connection: Connection, site_id: str, gate_id: str, *, name: str, now: datetime
) -> None:
    """Register a gate of another maker, or take a revoked one back: it is shown and named, and signs nothing.

    Raises:
        UnknownSite: no such site.
        AlreadyThere: the site has a gate of ours by that id.
    """
    _check_id(gate_id)
    _sealing_key(connection, site_id)
    gates = tables.gates
    if connection.scalar(select(gates.c.public_key).where(*_is_gate(gates, site_id, gate_id))):
        raise AlreadyThere(
            f"site {site_id} has a gate {gate_id} with a key already",
            next_step="`sitegate central gate list` shows the gates; a terminal needs an id of its own",
        )
    values = {"name": name, "issued_at": now, "revoked_at": None}
    connection.execute(
        insert_or(connection, tables.gates)
        .values(site_id=site_id, gate_id=gate_id, public_key=b"", **values)
        .on_conflict_do_update(index_elements=["site_id", "gate_id"], set_=values)
    )


def issue_gate_key(
    connection: Connection, site_id: str, gate_id: str, *, centre: Ed25519PublicKey, now: datetime
) -> GateCredentials:
    """Give a gate a new key pair; the old key is worth nothing from now on, a revoked gate is back.

    Raises:
        UnknownSite, UnknownGate: no such gate.
        AlreadyThere: it is a terminal of another maker.
    """
    sealing_key = _sealing_key(connection, site_id)
    if is_terminal(connection, site_id, gate_id):
        raise AlreadyThere(
            f"gate {gate_id} of site {site_id} is a terminal of another maker, which has no key",
            next_step=f"first: sitegate central terminal remove {gate_id}",
        )
    key = Ed25519PrivateKey.generate()
    _update_gate(
        connection,
        site_id,
        gate_id,
        public_key=key.public_key().public_bytes_raw(),
        issued_at=now,
        revoked_at=None,
    )
    # A box with a new key may be a new box, which counts its messages from the start.
    connection.execute(
        update(tables.gate_status)
        .where(*_is_gate(tables.gate_status, site_id, gate_id))
        .values(hello_counter=-1, health_counter=-1)
    )
    return GateCredentials(site_id, gate_id, key, sealing_key, centre)


def revoke_gate(connection: Connection, site_id: str, gate_id: str, *, now: datetime) -> None:
    """Believe nothing that this gate says any more, and send it nothing. Raises UnknownGate."""
    _update_gate(connection, site_id, gate_id, revoked_at=now)


def set_kiosk(connection: Connection, site_id: str, gate_id: str, *, is_kiosk: bool) -> None:
    """Whether the centre takes workers, consents and declarations from that box. Raises UnknownGate."""
    _update_gate(connection, site_id, gate_id, is_kiosk=is_kiosk)


def rename_gate(connection: Connection, site_id: str, gate_id: str, *, name: str, name_en: str) -> None:
    """Raises UnknownGate."""
    _update_gate(connection, site_id, gate_id, name=name, name_en=name_en)


def put_lane(
    connection: Connection, site_id: str, gate_id: str, lane_id: str, *, name: str = "", direction: str = ""
) -> None:
    """Add or change a lane of a gate. Raises UnknownGate."""
    require_gate(connection, site_id, gate_id)
    upsert(
        connection,
        tables.lanes,
        [
            {
                "site_id": site_id,
                "gate_id": gate_id,
                "lane_id": lane_id,
                "name": name,
                "direction": direction,
            }
        ],
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
    _require_sites(connection, {site_id for one, _ in given.values() for site_id in one.site_ids})
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


def gate_labels(
    connection: Connection, site_id: str, gate_id: str
) -> tuple[dict[str, str], dict[str, str], bool]:
    """What the site is called and its time zone, what the gate is called, and whether it is a kiosk.

    Raises UnknownGate.
    """
    sites, gates = tables.sites.c, tables.gates.c
    row = connection.execute(
        select(sites.name, sites.name_en, sites.timezone, gates.name.label("gate"), gates.is_kiosk)
        .add_columns(gates.name_en.label("gate_en"))
        .join_from(tables.gates, tables.sites, gates.site_id == sites.site_id)
        .where(*_is_gate(tables.gates, site_id, gate_id))
    ).one_or_none()
    if row is None:
        raise _unknown_gate(site_id, gate_id)
    site = {"name": row.name, "name_en": row.name_en or row.name, "timezone": row.timezone}
    return site, {"name": row.gate, "name_en": row.gate_en or row.gate}, row.is_kiosk


def require_gate(connection: Connection, site_id: str, gate_id: str) -> None:
    """Raises UnknownGate."""
    if not connection.scalar(select(tables.gates.c.gate_id).where(*_is_gate(tables.gates, site_id, gate_id))):
        raise _unknown_gate(site_id, gate_id)


def is_terminal(connection: Connection, site_id: str, gate_id: str) -> bool:
    """Whether that gate is a terminal of another maker."""
    terminals = tables.terminals.c
    here = select(terminals.terminal_id).where(terminals.site_id == site_id, terminals.terminal_id == gate_id)
    return connection.scalar(here) is not None


def _require_sites(connection: Connection, site_ids: set[str]) -> None:
    for site_id in sorted(site_ids):
        _sealing_key(connection, site_id)


def _sealing_key(connection: Connection, site_id: str) -> bytes:
    key = connection.scalar(select(tables.sites.c.sealing_key).where(tables.sites.c.site_id == site_id))
    if key is None:
        raise UnknownSite(
            f"no site {site_id} in the registry", next_step=f"sitegate central site add {site_id}"
        )
    return bytes(key)


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


def _is_gate(table: Table, site_id: str, gate_id: str) -> tuple[Any, Any]:
    return table.c.site_id == site_id, table.c.gate_id == gate_id


def _update_gate(connection: Connection, site_id: str, gate_id: str, **values: object) -> None:
    changed = connection.execute(
        update(tables.gates).where(*_is_gate(tables.gates, site_id, gate_id)).values(**values)
    ).rowcount
    if not changed:
        raise _unknown_gate(site_id, gate_id)


def _check_id(text: str) -> None:
    bad = not text or len(text) > tables.ID_LENGTH or text in _RESERVED
    if bad or any(sign in _NOT_IN_A_TOPIC or sign.isspace() or not sign.isprintable() for sign in text):
        raise SettingRefused(
            f"{text!r} cannot be an id",
            next_step=f"up to {tables.ID_LENGTH} characters without space, slash, plus and hash, "
            f"and neither {ALL_GATES!r} nor {PROBE!r}",
        )


def _unknown_gate(site_id: str, gate_id: str) -> UnknownGate:
    return UnknownGate(
        f"no gate {gate_id} at site {site_id}", next_step="`sitegate central gate list` shows them"
    )


def _unknown_worker(worker_id: str) -> UnknownWorker:
    return UnknownWorker(
        f"no worker {worker_id} in the registry", next_step="the console's page of workers lists them"
    )
