"""Workers, flags and templates in the store, and the numbered log of their changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from sync.errors import RecordInvalid, StoreFull, UnknownFlag, UnknownWorker
from sync.records import Flag, Template, Worker
from sync.store import faults
from sync.store.connections import Connections

EMBEDDING_SIZE = 128
"""Numbers in one template; every selectable embedder gives as many."""

VECTOR_BYTES = EMBEDDING_SIZE * 4

UNIT_LENGTH_TOLERANCE = 1e-3
"""Scores are dot products: a vector that is not of unit length would shift every threshold."""

REMEMBERED_REMOVALS = 10_000
"""Removed workers whose numbers stay in the change log, so that a gallery can catch up step by step."""

_NESTED = ("site_ids", "clearances")

Entry = tuple[Worker, Sequence[Template] | None]
"""A worker and the templates that replace the stored ones; None keeps those."""


class Roster:
    """The roster side of `LocalStore`; every call is one transaction."""

    _connections: Connections
    _min_free_mb: int

    def put_worker(self, worker: Worker, templates: Sequence[Template] | None = None) -> None:
        """Add or replace a worker with all flags; `templates` None keeps the stored templates.

        Raises:
            RecordInvalid: a template of another worker, or one that is no unit vector of 128 float32.
        """
        self.put_many([(worker, templates)])

    def put_many(self, entries: Iterable[Entry]) -> None:
        """Add or replace several workers, all or none of them, as one roster version."""
        prepared = list(entries)
        for worker, templates in prepared:
            check_templates(worker.worker_id, templates or ())
        if not prepared:
            return
        self._leave_room_for_events()
        with self._connections.write() as db:
            for worker, templates in prepared:
                write_worker(db, worker)
                if templates is not None:
                    replace_templates(db, worker.worker_id, templates)
            log_change(db, [worker.worker_id for worker, _ in prepared])

    def remove_worker(self, worker_id: str) -> None:
        """Remove a worker with flags, templates, papers, consents and pictures; events stay.

        Raises:
            UnknownWorker: no such worker.
        """
        with self._connections.write() as db:
            _require_worker(db, worker_id)
            for table in ("workers", "people", "consents", "attachments"):
                db.execute(f"DELETE FROM {table} WHERE worker_id = ?", [worker_id])  # noqa: S608 (fixed names)
            log_change(db, [worker_id])
        self._connections.empty_log()

    def put_flag(self, worker_id: str, flag: Flag) -> None:
        """Add a flag to a worker, or replace the one with the same id.

        Raises:
            UnknownWorker: no such worker.
        """
        with self._connections.write() as db:
            _require_worker(db, worker_id)
            _write_flag(db, worker_id, flag)
            log_change(db, [worker_id])

    def remove_flag(self, worker_id: str, flag_id: str) -> None:
        """Take one flag off a worker.

        Raises:
            UnknownFlag: the worker has no such flag.
        """
        with self._connections.write() as db:
            removed = db.execute(
                "DELETE FROM flags WHERE worker_id = ? AND flag_id = ?", [worker_id, flag_id]
            ).rowcount
            if not removed:
                raise UnknownFlag(
                    f"worker {worker_id} has no flag {flag_id}",
                    next_step=f"`sitegate roster show {worker_id}` lists the flags",
                )
            log_change(db, [worker_id])

    def put_templates(self, worker_id: str, templates: Sequence[Template]) -> None:
        """Replace all templates of a worker.

        Raises:
            UnknownWorker: no such worker.
            RecordInvalid: see `put_worker`.
        """
        check_templates(worker_id, templates)
        with self._connections.write() as db:
            _require_worker(db, worker_id)
            replace_templates(db, worker_id, templates)
            log_change(db, [worker_id])

    def worker(self, worker_id: str) -> Worker:
        """The worker with all flags.

        Raises:
            UnknownWorker: no such worker.
        """
        with self._connections.read() as db:
            found = read_workers(db, "WHERE worker_id = ?", [worker_id])
        if not found:
            raise _unknown(worker_id)
        return found[0]

    def pass_holders(self, digest: str) -> list[Worker]:
        """Who was handed the pass or badge with this digest (`sync.passes`); normally one, or nobody."""
        with self._connections.read() as db:
            return read_workers(
                db,
                "WHERE worker_id IN (SELECT worker_id FROM pass_grants WHERE digest = ?) ORDER BY worker_id",
                [digest],
            )

    def workers(self, *, search: str = "", limit: int | None = 100, offset: int = 0) -> list[Worker]:
        """Workers in order of their number; `search` is looked for in number, name, employer, team, phone.

        `limit` None gives all.
        """
        where, arguments = _search(search)
        with self._connections.read() as db:
            return read_workers(
                db,
                f"{where} ORDER BY worker_id LIMIT ? OFFSET ?",
                [*arguments, -1 if limit is None else limit, offset],
            )

    def workers_by_id(self, worker_ids: Sequence[str]) -> list[Worker]:
        """Those of the workers who are here, in order of their number."""
        with self._connections.read() as db:
            return read_workers(
                db,
                "WHERE worker_id IN (SELECT value FROM json_each(?)) ORDER BY worker_id",
                [json.dumps(list(worker_ids))],
            )

    def with_templates(self, worker_ids: Sequence[str]) -> list[str]:
        """Those of the workers who have a face registered."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT DISTINCT worker_id FROM templates "
                "WHERE worker_id IN (SELECT value FROM json_each(?))",
                [json.dumps(list(worker_ids))],
            ).fetchall()
        return [str(worker_id) for (worker_id,) in rows]

    def count_workers(self, *, search: str = "") -> int:
        where, arguments = _search(search)
        with self._connections.read() as db:
            (count,) = db.execute(f"SELECT count(*) FROM workers {where}", arguments).fetchone()  # noqa: S608
        return int(count)

    def templates(self, worker_id: str) -> list[Template]:
        """All templates of a worker, of every model, oldest first; empty for an unknown worker."""
        with self._connections.read() as db:
            rows = list(db["templates"].rows_where("worker_id = ?", [worker_id], order_by="rowid"))
        return [Template.model_validate(row) for row in rows]

    def all_templates(self, model: str, model_version: str) -> tuple[list[str], NDArray[np.float32]]:
        """Every template of one model: worker ids, and as many rows of float32 (n, 128), read-only."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT worker_id, vector FROM templates WHERE model = ? AND model_version = ?",
                [model, model_version],
            ).fetchall()
        joined = np.frombuffer(b"".join(vector for _, vector in rows), dtype="<f4")
        vectors = joined.reshape(-1, EMBEDDING_SIZE).astype(np.float32, copy=False)
        return [worker_id for worker_id, _ in rows], vectors

    def roster_version(self) -> int:
        """Counts up with every change of the roster, by whichever process."""
        with self._connections.read() as db:
            return _counter(db, "roster_version")

    def roster_changes(self, since: int) -> list[str] | None:
        """Ids of workers changed or removed after version `since`; None: take the whole roster again."""
        with self._connections.read() as db:
            if not _counter(db, "roster_forgotten_until") <= since <= _counter(db, "roster_version"):
                return None
            rows = db.execute(
                "SELECT worker_id FROM roster_changes WHERE version > ? ORDER BY version, worker_id", [since]
            ).fetchall()
        return [worker_id for (worker_id,) in rows]

    def _leave_room_for_events(self) -> None:
        """A roster that grows may not take the last space: events need it."""
        free_mb = faults.free_bytes(self._connections.path) // 2**20
        if free_mb < self._min_free_mb:
            raise StoreFull(
                f"only {free_mb} MB free beside {self._connections.path}; "
                f"the last {self._min_free_mb} MB are kept for events",
                next_step="free space on that disk, or lower `store.min_free_mb`",
            )


def write_worker(db: Database, worker: Worker) -> None:
    """Add or replace a worker with all flags, inside a write transaction."""
    row = worker.model_dump(mode="json", exclude={"flags", "passes"})
    row.update({name: json.dumps(row[name], ensure_ascii=False) for name in _NESTED})
    columns = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    updates = ", ".join(f"{name} = excluded.{name}" for name in row if name != "worker_id")
    db.execute(
        f"INSERT INTO workers ({columns}) VALUES ({values}) "  # noqa: S608 (field names of the record)
        f"ON CONFLICT (worker_id) DO UPDATE SET {updates}",
        row,
    )
    write_flags(db, worker)
    db.execute("DELETE FROM pass_grants WHERE worker_id = ?", [worker.worker_id])
    for grant in worker.passes:
        db.execute(
            "INSERT INTO pass_grants "
            "(worker_id, pass_id, method, digest, valid_from, valid_until, revoked_at) VALUES "
            "(:worker_id, :pass_id, :method, :digest, :valid_from, :valid_until, :revoked_at)",
            {"worker_id": worker.worker_id, **grant.model_dump(mode="json")},
        )


def write_flags(db: Database, worker: Worker) -> None:
    """Replace the flags of a worker who is there, inside a write transaction."""
    db.execute("DELETE FROM flags WHERE worker_id = ?", [worker.worker_id])
    for flag in worker.flags:
        _write_flag(db, worker.worker_id, flag)


def _write_flag(db: Database, worker_id: str, flag: Flag) -> None:
    db.execute(
        "INSERT OR REPLACE INTO flags (worker_id, flag_id, level, category, reason, valid_from, valid_until) "
        "VALUES (:worker_id, :flag_id, :level, :category, :reason, :valid_from, :valid_until)",
        {"worker_id": worker_id, **flag.model_dump(mode="json")},
    )


def replace_templates(
    db: Database, worker_id: str, templates: Sequence[Template], *, table: str = "templates"
) -> None:
    """Inside a write transaction; `table` is one of ours."""
    db.execute(f"DELETE FROM {table} WHERE worker_id = ?", [worker_id])  # noqa: S608 (fixed names)
    for template in templates:
        db.execute(
            f"INSERT INTO {table} "  # noqa: S608 (fixed names)
            "(template_id, worker_id, model, model_version, vector, quality, source, created_at) VALUES "
            "(:template_id, :worker_id, :model, :model_version, :vector, :quality, :source, :created_at)",
            {**template.model_dump(), "created_at": template.created_at.isoformat()},
        )


def check_templates(worker_id: str, templates: Sequence[Template]) -> None:
    """Raises RecordInvalid for a template of another worker, or one that is no unit vector."""
    for template in templates:
        if template.worker_id != worker_id:
            raise RecordInvalid(f"template {template.template_id} is not of worker {worker_id}")
        if len(template.vector) != VECTOR_BYTES:
            raise RecordInvalid(
                f"template {template.template_id} has {len(template.vector)} bytes instead of {VECTOR_BYTES}"
            )
        length = float(np.linalg.norm(np.frombuffer(template.vector, dtype="<f4")))
        # Written so that NaN fails too.
        if not abs(length - 1) <= UNIT_LENGTH_TOLERANCE:
            raise RecordInvalid(f"template {template.template_id} is no unit vector (length {length:.3f})")


def read_workers(db: Database, clause: str, arguments: list[Any]) -> list[Worker]:
    """The workers of a fixed SQL clause, with their flags and passes."""
    rows = list(db.query(f"SELECT * FROM workers {clause}", arguments))  # noqa: S608 (fixed clauses)
    ids = json.dumps([row["worker_id"] for row in rows])
    flags, passes = (_of_workers(db, table, ids) for table in ("flags", "pass_grants"))
    for row in rows:
        row.update({name: json.loads(row[name]) for name in _NESTED})
        row["flags"] = flags.get(row["worker_id"], [])
        row["passes"] = passes.get(row["worker_id"], [])
    return [Worker.model_validate(row) for row in rows]


def _of_workers(db: Database, table: str, ids: str) -> dict[str, list[dict[str, Any]]]:
    """Rows of one of our tables by worker, in the order of writing; `ids` is a JSON list."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in db.query(
        f"SELECT * FROM {table} "  # noqa: S608 (fixed names)
        "WHERE worker_id IN (SELECT value FROM json_each(?)) ORDER BY rowid",
        [ids],
    ):
        found.setdefault(row.pop("worker_id"), []).append(row)
    return found


def _search(text: str) -> tuple[str, list[str]]:
    if not text.strip():
        return "", []
    escaped = text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    columns = ("worker_id", "name", "employer", "team", "phone")
    return (
        "WHERE " + " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns),
        [f"%{escaped}%"] * len(columns),
    )


def log_change(db: Database, worker_ids: Sequence[str]) -> None:
    """Count one roster version up for these workers, inside a write transaction."""
    db.execute("UPDATE counters SET value = value + 1 WHERE name = 'roster_version'")
    version = _counter(db, "roster_version")
    for worker_id in worker_ids:
        db.execute("INSERT OR REPLACE INTO roster_changes VALUES (?, ?)", [worker_id, version])
    _forget_old_removals(db)


def _forget_old_removals(db: Database) -> None:
    """Keep the log bounded: beyond `REMEMBERED_REMOVALS` a reader far behind takes the whole roster."""
    changed, present = (
        db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 (two fixed names)
        for table in ("roster_changes", "workers")
    )
    excess = changed - present - REMEMBERED_REMOVALS
    if excess <= 0:
        return
    rows = db.execute(
        "SELECT worker_id, version FROM roster_changes "
        "WHERE worker_id NOT IN (SELECT worker_id FROM workers) ORDER BY version LIMIT ?",
        [excess],
    ).fetchall()
    for worker_id, _ in rows:
        db.execute("DELETE FROM roster_changes WHERE worker_id = ?", [worker_id])
    db.execute(
        "UPDATE counters SET value = max(value, ?) WHERE name = 'roster_forgotten_until'",
        [max(version for _, version in rows)],
    )


def _require_worker(db: Database, worker_id: str) -> None:
    if not db.execute("SELECT 1 FROM workers WHERE worker_id = ?", [worker_id]).fetchone():
        raise _unknown(worker_id)


def _unknown(worker_id: str) -> UnknownWorker:
    return UnknownWorker(
        f"no worker {worker_id} in the roster", next_step="`sitegate roster list` shows who is registered"
    )


def _counter(db: Database, name: str) -> int:
    (value,) = db.execute("SELECT value FROM counters WHERE name = ?", [name]).fetchone()
    return int(value)
