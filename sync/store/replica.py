"""The part of the roster that came from the centre: what it is, and how it is brought up to date.

Locally registered workers are never touched, unless the centre sends an entry with their number.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from sync.records import Template, Worker
from sync.store import local_changes
from sync.store.attendance import WallClock
from sync.store.erasing import follow_the_centre
from sync.store.roster import Roster, check_templates, log_change, replace_templates, write_worker

_STATE = "replica"
_STAGING = "replica.staging"
CLEAR_CHUNK = 500
"""Staged workers deleted per transaction, so that an event never waits long behind the clearing away."""


@dataclass(frozen=True, slots=True)
class ReplicaEntry:
    """One worker as the centre has it at `version`; `worker` None: removed. `digest`: entry_digest."""

    worker_id: str
    version: int
    worker: Worker | None
    templates: Sequence[Template] = ()
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """Version of the centre's roster that is in force here, and when the centre last confirmed it."""

    version: int = 0
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Staging:
    """A snapshot that is on its way: its version and the last worker id that is here."""

    version: int
    after: str


class Replica(Roster):
    """The replica side of `LocalStore`; every call is one transaction unless it says otherwise."""

    _clock: WallClock

    def replica_state(self) -> ReplicaState:
        with self._connections.read() as db:
            return _state(db)

    def replica_confirm(self, at: datetime) -> None:
        """Note that the centre confirmed the version in force at its time `at`; never goes back."""
        with self._connections.write() as db:
            state = _state(db)
            if state.confirmed_at is None or at > state.confirmed_at:
                _put_state(db, ReplicaState(state.version, at))

    def replica_digests(self) -> dict[str, bytes]:
        """Worker id → digest of every worker that came from the centre."""
        with self._connections.read() as db:
            return dict(db.execute("SELECT worker_id, digest FROM replica").fetchall())

    def replica_apply(self, entries: Sequence[ReplicaEntry], *, version: int) -> list[str]:
        """Take over a difference up to `version`, whole or not at all; ids of workers that changed.

        A face that went is gone from the write-ahead log too when this returns.

        Raises:
            RecordInvalid: a template is not what it should be; nothing was taken over.
        """
        for entry in entries:
            check_templates(entry.worker_id, entry.templates)
        with self._connections.write() as db:
            held = dict(db.execute("SELECT worker_id, digest FROM replica").fetchall())
            changed = [entry for entry in entries if held.get(entry.worker_id, b"") != entry.digest]
            # Templates first: one may have moved from one worker of this difference to another.
            kept = local_changes.changed_here(db)
            _delete_templates(
                db, [one.worker_id for one in changed if one.worker is not None and one.worker_id not in kept]
            )
            for entry in changed:
                if entry.worker is None:
                    db.execute("DELETE FROM workers WHERE worker_id = ?", [entry.worker_id])
                    db.execute("DELETE FROM replica WHERE worker_id = ?", [entry.worker_id])
                    local_changes.forget(db, [entry.worker_id])
                elif not local_changes.hold(db, entry.worker, entry.templates):
                    write_worker(db, entry.worker)
                    replace_templates(db, entry.worker_id, entry.templates)
            for entry in entries:
                if entry.worker is not None:
                    db.execute(
                        "INSERT OR REPLACE INTO replica VALUES (?, ?, ?)",
                        [entry.worker_id, entry.version, entry.digest],
                    )
            ids = [entry.worker_id for entry in changed]
            if ids:
                log_change(db, ids)
            _put_state(db, ReplicaState(version, _state(db).confirmed_at))
            ids += local_changes.settle(db, version)
            faceless = [one.worker_id for one in entries if not one.templates]
            erased = _forget_staged_faces(db, faceless) or bool(faceless and ids)
            erased |= follow_the_centre(db, ids, self._clock.now())
        if erased:
            self._connections.empty_log()
        return ids

    def replica_staging(self) -> Staging | None:
        """The snapshot that is on its way; None where there is none."""
        with self._connections.read() as db:
            return _staging(db)

    def replica_stage(self, entries: Sequence[ReplicaEntry], *, version: int, after: str) -> None:
        """Put one page of the snapshot `version` aside; `after` is its last worker id.

        Raises:
            RecordInvalid: see `replica_apply`.
            StoreFull: the space that is left is kept for events.
        """
        self._leave_room_for_events()
        for entry in entries:
            check_templates(entry.worker_id, entry.templates)
        with self._connections.write() as db:
            for entry in entries:
                if entry.worker is None:
                    continue
                db.execute("DELETE FROM staged_workers WHERE worker_id = ?", [entry.worker_id])
                db.execute(
                    "INSERT INTO staged_workers VALUES (?, ?, ?, ?)",
                    [entry.worker_id, entry.version, entry.digest, entry.worker.model_dump_json()],
                )
                replace_templates(db, entry.worker_id, entry.templates, table="staged_templates")
            _write_state(db, _STAGING, {"version": version, "after": after})

    def replica_staged_digests(self) -> dict[str, bytes]:
        """Worker id → digest of what was put aside."""
        with self._connections.read() as db:
            return dict(db.execute("SELECT worker_id, digest FROM staged_workers").fetchall())

    def replica_swap(self) -> list[str]:
        """Take over the snapshot that was put aside; ids of workers that changed.

        One transaction that writes only what differs from what is in force: on a gate that had an older
        roster it is short.
        """
        with self._connections.write() as db:
            staging = _staging(db)
            if staging is None:
                return []
            gone = _ids(
                db,
                "SELECT worker_id FROM replica WHERE worker_id NOT IN (SELECT worker_id FROM staged_workers)",
            )
            changed = _ids(
                db,
                "SELECT worker_id FROM staged_workers AS new LEFT JOIN replica AS old USING (worker_id) "
                "WHERE old.digest IS NOT new.digest",
            )
            db.execute(
                "DELETE FROM workers WHERE worker_id IN (SELECT value FROM json_each(?))", [json.dumps(gone)]
            )
            local_changes.forget(db, gone)
            held = local_changes.changed_here(db).intersection(changed)
            for worker_id in held:
                local_changes.hold(db, *_staged(db, worker_id))
            changed = [worker_id for worker_id in changed if worker_id not in held]
            _delete_templates(db, changed)
            for (record,) in db.execute(
                "SELECT record FROM staged_workers WHERE worker_id IN (SELECT value FROM json_each(?))",
                [json.dumps(changed)],
            ).fetchall():
                write_worker(db, Worker.model_validate_json(record))
            db.execute(
                "INSERT INTO templates SELECT * FROM staged_templates "
                "WHERE worker_id IN (SELECT value FROM json_each(?)) ORDER BY rowid",
                [json.dumps(changed)],
            )
            db.execute("DELETE FROM replica")
            db.execute("INSERT INTO replica SELECT worker_id, version, digest FROM staged_workers")
            if ids := [*gone, *changed, *held]:
                log_change(db, ids)
            _put_state(db, ReplicaState(staging.version, _state(db).confirmed_at))
            ids += local_changes.settle(db, staging.version)
            follow_the_centre(db, ids, self._clock.now())
            db.execute("DELETE FROM state WHERE key = ?", [_STAGING])
        self._clear_staged()
        if ids:
            self._connections.empty_log()
        return ids

    def replica_forget_staging(self) -> None:
        """Throw the pages away that were put aside; several transactions."""
        with self._connections.write() as db:
            db.execute("DELETE FROM state WHERE key = ?", [_STAGING])
        self._clear_staged()
        self._connections.empty_log()

    def _clear_staged(self) -> None:
        removed = CLEAR_CHUNK
        while removed == CLEAR_CHUNK:
            with self._connections.write() as db:
                removed = db.execute(
                    "DELETE FROM staged_workers "
                    "WHERE worker_id IN (SELECT worker_id FROM staged_workers LIMIT ?)",
                    [CLEAR_CHUNK],
                ).rowcount


def replica_version(db: Database) -> int:
    """Version of the centre's roster that is in force here, inside a transaction."""
    return _state(db).version


def _staged(db: Database, worker_id: str) -> tuple[Worker, list[Template]]:
    (record,) = db.execute("SELECT record FROM staged_workers WHERE worker_id = ?", [worker_id]).fetchone()
    rows = db["staged_templates"].rows_where("worker_id = ?", [worker_id], order_by="rowid")
    return Worker.model_validate_json(record), [Template.model_validate(row) for row in rows]


def _ids(db: Database, query: str) -> list[str]:
    return [worker_id for (worker_id,) in db.execute(query).fetchall()]


def _delete_templates(db: Database, worker_ids: Sequence[str]) -> None:
    db.execute(
        "DELETE FROM templates WHERE worker_id IN (SELECT value FROM json_each(?))", [json.dumps(worker_ids)]
    )


def _forget_staged_faces(db: Database, worker_ids: Sequence[str]) -> bool:
    """A snapshot on its way may still hold the face of somebody who has none any more."""
    gone = db.execute(
        "DELETE FROM staged_templates WHERE worker_id IN (SELECT value FROM json_each(?))",
        [json.dumps(worker_ids)],
    ).rowcount
    return bool(gone)


def _state(db: Database) -> ReplicaState:
    row = db.execute("SELECT value FROM state WHERE key = ?", [_STATE]).fetchone()
    if row is None:
        return ReplicaState()
    fields = json.loads(row[0])
    at = fields["confirmed_at"]
    return ReplicaState(int(fields["version"]), at and datetime.fromisoformat(at))


def _put_state(db: Database, state: ReplicaState) -> None:
    at = state.confirmed_at
    _write_state(db, _STATE, {"version": state.version, "confirmed_at": at and at.isoformat()})


def _staging(db: Database) -> Staging | None:
    row = db.execute("SELECT value FROM state WHERE key = ?", [_STAGING]).fetchone()
    return None if row is None else Staging(**json.loads(row[0]))


def _write_state(db: Database, key: str, value: dict[str, object]) -> None:
    db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", [key, json.dumps(value)])
