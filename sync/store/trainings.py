"""Training in the local store: sessions that go on after a power cut, and the chain of signed records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field
from sqlite_utils import Database

from sync.clearances import longest_clearances
from sync.records import Record, Worker
from sync.store.local_changes import SUBJECT
from sync.store.notes import Notes
from sync.store.roster import Roster, log_change, read_workers, write_worker
from sync.training.record import FIRST_PREVIOUS, SignedTraining, TrainingRecord, sign
from sync.training.session import SessionState

_KEY = "training.key"


@dataclass(frozen=True, slots=True)
class KeptTraining:
    """A record with its signature, as it lies in the store."""

    record: TrainingRecord
    signed: SignedTraining


class _KeptKey(Record):
    seed: str = Field(repr=False, pattern=r"^[0-9a-f]{64}$")


class Trainings(Roster, Notes):
    """The training side of `LocalStore`; every call is one transaction."""

    def put_training_session(self, state: SessionState) -> None:
        """Keep a session as it is now, in the place of what was kept of it."""
        with self._connections.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO training_sessions VALUES (?, ?, ?, ?, ?)",
                [
                    state.session_id,
                    state.worker_id,
                    state.course_id,
                    state.last_at.isoformat(),
                    state.model_dump_json(),
                ],
            )

    def training_sessions(self, worker_id: str | None = None) -> list[SessionState]:
        """Sessions that are not over, newest first; of one worker or of all."""
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT record FROM training_sessions WHERE worker_id = coalesce(?, worker_id) "
                "ORDER BY changed_at DESC",
                [worker_id],
            ).fetchall()
        return [SessionState.model_validate_json(row) for (row,) in rows]

    def drop_training_session(self, session_id: str) -> None:
        """Forget a session; an unknown one is no error."""
        with self._connections.write() as db:
            db.execute("DELETE FROM training_sessions WHERE session_id = ?", [session_id])

    def finish_training(self, record: TrainingRecord, key: Ed25519PrivateKey) -> SignedTraining:
        """Sign a record at the end of the key's chain, keep and queue it, and grant what it grants.

        The session is over with it, and the gate beside works by the clearance at once. A record that is
        kept already is not kept twice.
        """
        with self._connections.write() as db:
            kept = _kept(db, "record_id = ?", [record.record_id])
            if kept:
                return kept[0].signed
            signed = _append(db, record, key)
            self._queue_note(
                db, "training", signed, record_id=record.record_id, subject=f"{SUBJECT}{record.worker_id}"
            )
            db.execute("DELETE FROM training_sessions WHERE session_id = ?", [record.record_id])
            _grant(db, record)
        return signed

    def trainings(self, worker_id: str | None = None, *, limit: int = 200) -> list[KeptTraining]:
        """Signed records, newest first; of one worker or of all."""
        with self._connections.read() as db:
            return _kept(
                db,
                "worker_id = coalesce(?, worker_id) ORDER BY ended_at DESC, training_no DESC LIMIT ?",
                [worker_id, limit],
            )

    def training(self, record_id: str) -> KeptTraining | None:
        """One record by its id."""
        with self._connections.read() as db:
            found = _kept(db, "record_id = ?", [record_id])
        return found[0] if found else None

    def training_by_token(self, token: str) -> KeptTraining | None:
        """The record a certificate names."""
        with self._connections.read() as db:
            found = _kept(db, "token = ?", [token])
        return found[0] if found else None

    def training_chain(self) -> list[SignedTraining]:
        """Every record of this kiosk in the order of signing, key by key: for `verify_chain`."""
        with self._connections.read() as db:
            return [one.signed for one in _kept(db, "1 ORDER BY public_key, number", [])]

    def workers_with_clearances(self) -> list[Worker]:
        """Everybody who has at least one clearance: who is asked when a training ends."""
        with self._connections.read() as db:
            return read_workers(db, "WHERE clearances != '[]' ORDER BY worker_id", [])

    def training_key(self) -> Ed25519PrivateKey:
        """The kiosk's own signing key, made at the first call; for a kiosk without a centre."""
        with self._connections.write() as db:
            row = db.execute("SELECT value FROM state WHERE key = ?", [_KEY]).fetchone()
            if row is not None:
                seed = _KeptKey.model_validate_json(row[0]).seed
                return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
            key = Ed25519PrivateKey.generate()
            kept = _KeptKey(seed=key.private_bytes_raw().hex())
            db.execute("INSERT INTO state VALUES (?, ?)", [_KEY, kept.model_dump_json()])
        return key


def _append(db: Database, record: TrainingRecord, key: Ed25519PrivateKey) -> SignedTraining:
    """Inside a write transaction: nobody else can take the same number."""
    public_key = key.public_key().public_bytes_raw().hex()
    row = db.execute(
        "SELECT number, hash FROM training_records WHERE public_key = ? ORDER BY number DESC LIMIT 1",
        [public_key],
    ).fetchone()
    number, previous = (1, FIRST_PREVIOUS) if row is None else (row[0] + 1, row[1])
    signed = sign(record, key, number=number, previous=previous)
    db.execute(
        "INSERT INTO training_records "
        "(record_id, public_key, number, hash, token, worker_id, ended_at, record) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            record.record_id,
            public_key,
            number,
            signed.hash,
            record.token,
            record.worker_id,
            record.ended_at.isoformat(),
            signed.model_dump_json(),
        ],
    )
    return signed


def _grant(db: Database, record: TrainingRecord) -> None:
    clearance = record.clearance()
    found: Sequence[Worker] = read_workers(db, "WHERE worker_id = ?", [record.worker_id])
    if clearance is None or not found:
        return
    (worker,) = found
    clearances = longest_clearances(worker.clearances, (clearance,))
    write_worker(db, worker.model_copy(update={"clearances": clearances}))
    log_change(db, [worker.worker_id])


def _kept(db: Database, clause: str, arguments: list[object]) -> list[KeptTraining]:
    rows = db.execute(
        f"SELECT record FROM training_records WHERE {clause}",  # noqa: S608 (fixed clauses)
        arguments,
    ).fetchall()
    signed = [SignedTraining.model_validate_json(row) for (row,) in rows]
    return [KeptTraining(TrainingRecord.model_validate_json(one.body), one) for one in signed]
