"""The versioned roster log of every site: what changed, in what order, ready to send.

Each site counts its own versions. A change of a worker writes one row per site concerned, in the transaction
of the change itself; a row replaces the earlier row of the same worker, so the log never outgrows the roster
and its removals. The row holds the finished `RosterEntry` with the templates sealed for that site: they are
sealed once, however many gates ask.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, Table, func, select, update

from sync.central import tables, tables_passes
from sync.central.errors import UnknownSite
from sync.central.statements import chunks, upsert
from sync.records import Template, Worker
from sync.wire.messages import RosterEntry, RosterPart, RosterWant
from sync.wire.sealing import entry_digest, roster_digest, seal, seal_passes

DIFFERENCE_ENTRIES = 5000
"""A gate that lacks more than so many entries gets a snapshot."""

PART_ENTRIES = 250
PART_BYTES = 3_000_000
"""Below the wire's limit of a message, with room for its frame."""

VERSION_ENTRIES = 100
"""A change of many workers at once takes one version per so many, so that a version fits into a part."""


@dataclass(frozen=True, slots=True)
class Change:
    """A worker as it is after the change; on the roster of exactly `worker.site_ids`."""

    worker: Worker
    templates: Sequence[Template]


class Later:
    """Workers changed in one transaction whose log is written once, at its end: see `write`."""

    def __init__(self) -> None:
        self._left: dict[str, set[str]] = {}
        self._urgent: set[str] = set()

    def add(self, worker_ids: Iterable[str], *, left: Mapping[str, Iterable[str]], urgent: bool) -> None:
        """As for `record_workers`."""
        for worker_id in worker_ids:
            self._left.setdefault(worker_id, set()).update(left.get(worker_id, ()))
            if urgent:
                self._urgent.add(worker_id)

    def take_over(self, other: Later) -> None:
        """What another one holds, too."""
        for worker_id, sites in other._left.items():
            self.add([worker_id], left={worker_id: sites}, urgent=worker_id in other._urgent)

    def write(self, connection: Connection) -> dict[str, int]:
        """The log as of now, what is urgent first; the new version of each site concerned."""
        return record(
            connection, load_changes(connection, list(self._left)), left=self._left, urgent=self._urgent
        )


def record_workers(
    connection: Connection, worker_ids: Sequence[str], *, left: Mapping[str, Iterable[str]], urgent: bool
) -> dict[str, int]:
    """`record` for workers as they are now: the log holds what the database holds."""
    changes = load_changes(connection, worker_ids)
    return record(connection, changes, left=left, urgent=frozenset(worker_ids) if urgent else ())


def record(
    connection: Connection,
    changes: Sequence[Change],
    *,
    left: Mapping[str, Iterable[str]],
    urgent: Collection[str],
) -> dict[str, int]:
    """Write the log for workers that changed; returns the new version of each site concerned.

    left    worker id → sites the worker was on before (those not in `site_ids` any more get a removal)
    urgent  ids of those with a flag or a block: they go before everything else that waits

    Raises:
        UnknownSite: a worker is registered for a site that is not in the registry.
    """
    by_site: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        for site_id in {*change.worker.site_ids, *left.get(change.worker.worker_id, ())}:
            by_site[site_id].append(change)
    versions = {}
    for site_id in sorted(by_site):  # always in this order, so that two writers cannot wait for each other
        for is_urgent in (True, False):
            concerned = [one for one in by_site[site_id] if (one.worker.worker_id in urgent) is is_urgent]
            for start in range(0, len(concerned), VERSION_ENTRIES):
                versions[site_id], sealing_key = _next_version(connection, site_id)
                rows = [
                    _row(site_id, versions[site_id], sealing_key, change, urgent=is_urgent)
                    for change in concerned[start : start + VERSION_ENTRIES]
                ]
                upsert(connection, tables.roster_log, rows)
    return versions


def record_removal(connection: Connection, worker_id: str, site_ids: Iterable[str]) -> dict[str, int]:
    """Write the log for a worker who is deleted everywhere."""
    versions = {}
    for site_id in sorted(site_ids):
        version, _ = _next_version(connection, site_id)
        upsert(connection, tables.roster_log, [_removal(site_id, version, worker_id, urgent=True)])
        versions[site_id] = version
    return versions


def _next_version(connection: Connection, site_id: str) -> tuple[int, bytes]:
    # The row lock that this takes makes versions commit in their order.
    row = connection.execute(
        update(tables.sites)
        .where(tables.sites.c.site_id == site_id)
        .values(roster_version=tables.sites.c.roster_version + 1)
        .returning(tables.sites.c.roster_version, tables.sites.c.sealing_key)
    ).one_or_none()
    if row is None:
        raise UnknownSite(
            f"no site {site_id} in the registry", next_step=f"sitegate central site add {site_id}"
        )
    return row.roster_version, row.sealing_key


def _row(
    site_id: str, version: int, sealing_key: bytes, change: Change, *, urgent: bool
) -> dict[str, object]:
    worker = change.worker
    if site_id not in worker.site_ids:
        return _removal(site_id, version, worker.worker_id, urgent=urgent)
    entry = RosterEntry(
        worker_id=worker.worker_id,
        version=version,
        worker=worker.model_copy(update={"passes": ()}),
        sealed=seal(change.templates, site_key=sealing_key, worker_id=worker.worker_id),
        sealed_passes=seal_passes(worker.passes, site_key=sealing_key, worker_id=worker.worker_id),
    )
    return {
        "site_id": site_id,
        "worker_id": worker.worker_id,
        "version": version,
        "urgent": urgent,
        "digest": entry_digest(worker, change.templates),
        "entry": entry.model_dump_json(),
    }


def _removal(site_id: str, version: int, worker_id: str, *, urgent: bool) -> dict[str, object]:
    return {
        "site_id": site_id,
        "worker_id": worker_id,
        "version": version,
        "urgent": urgent,
        "digest": None,
        "entry": RosterEntry(worker_id=worker_id, version=version, worker=None).model_dump_json(),
    }


class Digests:
    """The digest of each site's roster, kept up with the log instead of read anew. Not thread-safe."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, bytes]] = defaultdict(dict)
        self._at: dict[str, tuple[int, str]] = {}

    def at(self, connection: Connection, site_id: str) -> tuple[int, str, int]:
        """Version, digest and number of workers of the roster as this transaction sees it.

        Raises:
            UnknownSite: no such site.
        """
        version = current_version(connection, site_id)
        known, digest = self._at.get(site_id, (-1, ""))
        if version < known:  # another transaction's look was later than ours, or a backup was restored
            self._entries.pop(site_id)
            known = -1
        if version != known:
            self._catch_up(connection, site_id, known)
            digest = roster_digest(self._entries[site_id])
            self._at[site_id] = (version, digest)
        return version, digest, len(self._entries[site_id])

    def _catch_up(self, connection: Connection, site_id: str, known: int) -> None:
        log = tables.roster_log.c
        entries = self._entries[site_id]
        for worker_id, digest in connection.execute(
            select(log.worker_id, log.digest).where(log.site_id == site_id, log.version > known)
        ):
            if digest is None:
                entries.pop(worker_id, None)
            else:
                entries[worker_id] = digest


def current_version(connection: Connection, site_id: str) -> int:
    """Raises UnknownSite."""
    version = connection.scalar(
        select(tables.sites.c.roster_version).where(tables.sites.c.site_id == site_id)
    )
    if version is None:
        raise UnknownSite(f"no site {site_id} in the registry")
    return int(version)


def answer(connection: Connection, digests: Digests, site_id: str, want: RosterWant) -> RosterPart:
    """The one part that answers a want: a difference while the gate is close, else a page of a snapshot.

    Nothing is kept per gate; docs/protocol.md says what follows what. Call it inside one consistent read.

    Raises:
        UnknownSite: no such site.
    """
    version, digest, _ = digests.at(connection, site_id)
    if want.snapshot_version is not None and want.snapshot_version <= version:
        return _page(connection, site_id, want.snapshot_version, want.after, version, digest)
    close = 0 < want.have_version <= version and want.snapshot_version is None and not _doubts(want)
    difference = _difference(connection, site_id, want.have_version, version, digest) if close else None
    return difference or _page(connection, site_id, version, "", version, digest)


def _doubts(want: RosterWant) -> bool:
    return "digest" in want.reason


def _difference(
    connection: Connection, site_id: str, have_version: int, version: int, digest: str
) -> RosterPart | None:
    """None where a snapshot is shorter."""
    log = tables.roster_log.c
    behind = (log.site_id == site_id, log.version > have_version)
    if connection.execute(select(func.count()).where(*behind)).scalar_one() > DIFFERENCE_ENTRIES:
        return None
    rows = connection.execute(
        select(log.version, log.urgent, log.entry)
        .where(*behind)
        .order_by(log.version, log.worker_id)
        .limit(PART_ENTRIES + 1)
    ).all()
    fitting = _fitting([len(row.entry) for row in rows])
    to_version, last = version, fitting == len(rows)
    if not last:  # a part ends between two versions: cut before the one that does not fit
        to_version = rows[fitting].version - 1
        rows = [row for row in rows if row.version <= to_version]
        if not rows:
            return None
    return RosterPart(
        snapshot=False,
        from_version=have_version,
        to_version=to_version,
        entries=tuple(
            RosterEntry.model_validate_json(row.entry) for row in sorted(rows, key=lambda row: not row.urgent)
        ),
        last=last,
        digest=digest if last else "",
    )


def _page(
    connection: Connection, site_id: str, snapshot_version: int, after: str, version: int, digest: str
) -> RosterPart:
    log = tables.roster_log.c
    texts = connection.scalars(
        select(log.entry)
        .where(log.site_id == site_id, log.worker_id > after, log.digest.is_not(None))
        .order_by(log.worker_id)
        .limit(PART_ENTRIES + 1)
    ).all()
    fitting = _fitting([len(text) for text in texts])
    last = fitting == len(texts)
    return RosterPart(
        snapshot=True,
        from_version=0,
        to_version=snapshot_version,
        after=after,
        entries=tuple(RosterEntry.model_validate_json(text) for text in texts[:fitting]),
        last=last,
        # Rows that changed since the snapshot began come as they are now: no digest belongs to that mix.
        digest=digest if last and snapshot_version == version else "",
    )


def _fitting(sizes: Sequence[int]) -> int:
    """How many entries go into one part; at least one, so that it always goes on."""
    total = 0
    for number, size in enumerate(sizes):
        total += size
        if number == PART_ENTRIES or (number and total > PART_BYTES):
            return number
    return len(sizes)


def load_changes(connection: Connection, worker_ids: Sequence[str]) -> list[Change]:
    """Workers with sites, flags, passes and templates as they are now, in order of their ids."""
    found: list[Change] = []
    for some in chunks(load_workers(connection, worker_ids)):
        templates = _grouped(connection, tables.templates, [one.worker_id for one in some], ["template_id"])
        for worker in some:
            rows = templates[worker.worker_id]
            found.append(Change(worker, [Template.model_validate(dict(row)) for row in rows]))
    return found


def load_workers(connection: Connection, worker_ids: Sequence[str]) -> list[Worker]:
    """The same without the templates."""
    found: list[Worker] = []
    for some in chunks(sorted(set(worker_ids))):
        rows = (
            connection.execute(
                select(tables.workers).where(tables.workers.c.worker_id.in_(some)).order_by("worker_id")
            )
            .mappings()
            .all()
        )
        if not rows:
            continue
        site_ids, flags, passes = (
            _grouped(connection, table, some, order)
            for table, order in (
                (tables.worker_sites, ["site_id"]),
                (tables.flags, ["created_at", "flag_id"]),
                (tables_passes.pass_grants, ["pass_id"]),
            )
        )
        for row in rows:
            worker_id = row["worker_id"]
            worker = Worker.model_validate(
                {name: row[name] for name in Worker.model_fields if name in row}
                | {
                    "site_ids": tuple(one["site_id"] for one in site_ids[worker_id]),
                    "flags": tuple(
                        {name: one[name] for name in one if name not in ("worker_id", "created_at")}
                        for one in flags[worker_id]
                    ),
                    "passes": tuple(
                        {name: one[name] for name in one if name != "worker_id"} for one in passes[worker_id]
                    ),
                }
            )
            found.append(worker)
    return found


def _grouped(
    connection: Connection, table: Table, worker_ids: Sequence[str], order: Sequence[str]
) -> defaultdict[str, list[RowMapping]]:
    groups: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(
        select(table).where(table.c.worker_id.in_(worker_ids)).order_by(*order)
    ).mappings():
        groups[row["worker_id"]].append(row)
    return groups
