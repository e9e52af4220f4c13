"""All faces of the registry in memory, following its changes whichever process makes them."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from models.calibration import ImpostorTail
from models.duplicate_search import MOST_SHOWN, duplicate_threshold
from models.errors import UnknownWeight
from models.mean_template import mean_templates
from sync.central import tables
from sync.central.database import Database
from sync.central.face_index import FaceIndex, best_scores
from sync.central.statements import chunks
from sync.records import Template
from sync.store.roster import EMBEDDING_SIZE, VECTOR_BYTES

ROWS_AT_ONCE = 10_000

NEVER = 2.0
"""Above any cosine: for an embedder without a calibration nobody can say who is alike."""

Embedder = tuple[str, str]
"""Name and version."""

_Row = tuple[str, str, str, bytes]


@dataclass(frozen=True, slots=True)
class FoundFace:
    """Somebody of the registry and the best cosine of the two faces."""

    worker_id: str
    score: float


class RegistryFaces:
    """All faces of the registry by embedder; safe between threads, which wait for each other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.RLock()
        self._indexes: dict[Embedder, FaceIndex] = {}
        self._versions: dict[str, int] | None = None

    @property
    def nbytes(self) -> int:
        """Memory that the faces take."""
        return sum(one.nbytes for one in self._indexes.values())

    def follow(self) -> None:
        """Take over what changed in the registry since the last time; everything, the first time.

        Somebody who is on no site's roster is found once he is.
        """
        with self._lock, self._database.read() as connection:
            sites = connection.execute(select(tables.sites.c.site_id, tables.sites.c.roster_version))
            now = {row.site_id: row.roster_version for row in sites}
            known = self._versions
            if known is None or any(now.get(one, -1) < version for one, version in known.items()):
                self._load(connection)  # the first time, or a backup was restored
            else:
                self._catch_up(connection, known, now)
            self._versions = now

    def search(
        self, templates: Sequence[Template], *, without: str, limit: int = MOST_SHOWN
    ) -> tuple[list[FoundFace], int]:
        """Who is like enough to be shown to a person, best first; and how many were compared."""
        found: dict[str, float] = {}
        compared = 0
        with self._lock:
            self.follow()
            for embedder, looks in _looks(templates).items():
                index = self._indexes.get(embedder)
                if index is None:
                    continue
                compared = max(compared, len(index))
                at_least = threshold(embedder[0], len(index))
                candidates = [one for one in index.candidates(looks, at_least=at_least) if one != without]
                scores = self._scores(candidates, embedder, looks)
                found |= {one: score for one, score in scores.items() if score >= at_least}
        ranked = sorted(found.items(), key=lambda one: (-one[1], one[0]))[:limit]
        return [FoundFace(worker_id, score) for worker_id, score in ranked], compared

    def scores(self, templates: Sequence[Template], worker_ids: Sequence[str]) -> dict[str, float]:
        """The best cosine with each of these workers who have a face of the same embedder."""
        best: dict[str, float] = {}
        for embedder, looks in _looks(templates).items():
            best |= self._scores(worker_ids, embedder, looks)
        return best

    def _scores(
        self, worker_ids: Sequence[str], embedder: Embedder, looks: NDArray[np.float32]
    ) -> dict[str, float]:
        """Exact, from the templates as the registry has them now."""
        best: dict[str, float] = {}
        column = tables.templates.c
        with self._database.read() as connection:
            for some in chunks(worker_ids):
                rows = connection.execute(
                    select(column.worker_id, column.vector).where(
                        column.worker_id.in_(some),
                        column.model == embedder[0],
                        column.model_version == embedder[1],
                    )
                ).all()
                whole = [row for row in rows if len(row.vector) == VECTOR_BYTES]
                vectors = _vectors(row.vector for row in whole)
                best |= best_scores(looks, [row.worker_id for row in whole], vectors)
        return best

    def _load(self, connection: Connection) -> None:
        self._indexes = {}
        column = tables.templates.c
        rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(
            select(column.worker_id, column.model, column.model_version, column.vector).order_by(
                column.worker_id
            )
        )
        waiting: list[_Row] = []
        for part in rows.partitions():
            waiting.extend((row[0], row[1], row[2], row[3]) for row in part)
            # The last worker of a part may go on in the next.
            last = waiting[-1][0]
            whole = [row for row in waiting if row[0] != last]
            waiting = [row for row in waiting if row[0] == last]
            self._replace(whole, ())
        self._replace(waiting, ())

    def _catch_up(self, connection: Connection, known: Mapping[str, int], now: Mapping[str, int]) -> None:
        changed: set[str] = set()
        rows = tables.roster_log.c
        for site_id, version in now.items():
            if version != known.get(site_id, 0):
                changed.update(
                    connection.scalars(
                        select(rows.worker_id).where(
                            rows.site_id == site_id, rows.version > known.get(site_id, 0)
                        )
                    )
                )
        column = tables.templates.c
        for some in chunks(sorted(changed)):
            found = connection.execute(
                select(column.worker_id, column.model, column.model_version, column.vector).where(
                    column.worker_id.in_(some)
                )
            )
            self._replace([(row[0], row[1], row[2], row[3]) for row in found], some)

    def _replace(self, rows: Sequence[_Row], gone: Sequence[str]) -> None:
        """`gone`: workers whose faces are gone, but for what is in the rows."""
        by_embedder: dict[Embedder, dict[str, list[bytes]]] = defaultdict(lambda: defaultdict(list))
        for worker_id, model, version, vector in rows:
            by_embedder[(model, version)][worker_id].append(vector)
        for embedder in {*by_embedder, *self._indexes}:
            index = self._indexes.setdefault(embedder, FaceIndex())
            changes = {one: _vectors(()) for one in gone}
            changes |= {one: _vectors(vectors) for one, vectors in by_embedder[embedder].items()}
            index.replace(changes)


def threshold(embedder: str, people: int) -> float:
    """Cosine from which somebody is shown: the kiosks' rule at the size of the whole registry."""
    try:
        tail = ImpostorTail.bundled(embedder)
    except UnknownWeight:
        return NEVER
    return duplicate_threshold(tail, people)


def _looks(templates: Sequence[Template]) -> dict[Embedder, NDArray[np.float32]]:
    """The templates of each embedder and their mean, as the kiosk compares them."""
    by_embedder: dict[Embedder, list[bytes]] = defaultdict(list)
    for one in templates:
        by_embedder[(one.model, one.model_version)].append(one.vector)
    looks = {}
    for embedder, vectors in by_embedder.items():
        probes = _vectors(vectors)
        means, _ = mean_templates(probes, np.zeros(len(probes), np.intp))
        looks[embedder] = np.concatenate([probes, means])
    return looks


def _vectors(vectors: Iterable[bytes]) -> NDArray[np.float32]:
    """(n, 128); none of another length."""
    whole = [one for one in vectors if len(one) == VECTOR_BYTES]
    joined = np.frombuffer(b"".join(whole), dtype="<f4")
    return joined.reshape(-1, EMBEDDING_SIZE).astype(np.float32, copy=False)
