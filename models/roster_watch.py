"""Keeps the gallery and the threshold in step with the roster in the store."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.calibration import CalibrationImpossible, ImpostorTail, fit_from_templates
from models.gallery import EMBEDDING_SIZE, Gallery

log = logging.getLogger(__name__)

REFIT_AT_GROWTH = 0.05
"""The own-roster fit is made anew when the roster has changed by this share."""

COHORT_WORKERS = 5_000
"""Workers drawn for the own-roster fit: bounds its time and memory on large rosters."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A cosine threshold and where it comes from."""

    value: float
    source: str


class KeptTemplate(Protocol):
    """A template as the store keeps it; `vector` is float32, little-endian, unit length."""

    @property
    def model(self) -> str: ...

    @property
    def model_version(self) -> str: ...

    @property
    def vector(self) -> bytes: ...


class MatchRule(Protocol):
    """The settings by which the threshold is found: fixed, or from roster size and target FPIR."""

    @property
    def threshold(self) -> float | None: ...

    @property
    def target_fpir(self) -> float: ...

    @property
    def own_roster_from(self) -> int: ...


class RosterStore(Protocol):
    def roster_version(self) -> int: ...

    def roster_changes(self, since: int) -> Sequence[str] | None: ...

    def all_templates(self, model: str, model_version: str) -> tuple[Sequence[str], NDArray[np.float32]]: ...

    def count_workers(self) -> int: ...

    def templates(self, worker_id: str) -> Sequence[KeptTemplate]: ...


class RosterWatch:
    """Loads the gallery at the start and follows every change, also those of other processes."""

    def __init__(self, store: RosterStore, settings: MatchRule, *, model: str, model_version: str) -> None:
        self.gallery = Gallery()
        self._store = store
        self._settings = settings
        self._model = model
        self._model_version = model_version
        self._bundled = ImpostorTail.bundled(model)
        self._own: ImpostorTail | None = None
        self._fitted_size = 0
        self._fitting = threading.Lock()
        self.version = -1
        self.problem = ""
        """Why the gallery is empty though the roster is not; in words for the operator."""

    def refresh(self) -> bool:
        """Take over what has changed since the last look; True when something had.

        Raises StoreError; the gallery then stays as it was.
        """
        version = self._store.roster_version()
        if version == self.version:
            return False
        changed = self._store.roster_changes(self.version) if self.version >= 0 else None
        if changed is None:
            self.gallery.load(*self._store.all_templates(self._model, self._model_version))
        else:
            self.gallery.update({worker_id: self._vectors(worker_id) for worker_id in changed})
        self.version = version
        self._look_for_foreign_templates()
        return True

    def _look_for_foreign_templates(self) -> None:
        """A roster whose templates another embedder made knows nobody: say so."""
        self.problem = ""
        if not len(self.gallery) and self._store.count_workers():
            self.problem = (
                f"no worker has a template of {self._model} {self._model_version}: import the photos again"
            )
            log.error("%s", self.problem)

    def _vectors(self, worker_id: str) -> NDArray[np.float32]:
        """Templates of one worker that were made by the embedder in use, (k, 128)."""
        vectors = [
            np.frombuffer(template.vector, dtype="<f4")
            for template in self._store.templates(worker_id)
            if (template.model, template.model_version) == (self._model, self._model_version)
        ]
        return np.stack(vectors) if vectors else np.zeros((0, EMBEDDING_SIZE), np.float32)

    @property
    def tail(self) -> ImpostorTail:
        """How high strangers score: from the own roster where it is large enough, else the bundled one."""
        return self._bundled if self._own is None else self._own

    def threshold(self) -> Threshold:
        """The threshold in force for the roster as it is now."""
        if self._settings.threshold is not None:
            return Threshold(self._settings.threshold, "fixed by config")
        size = max(1, len(self.gallery))
        own = self._own
        tail = self.tail
        low, high = tail.threshold_interval(size, self._settings.target_fpir)
        made_from = "bundled calibration" if own is None else f"own roster of {own.n_people}"
        return Threshold(
            tail.threshold(size, self._settings.target_fpir), f"{made_from}, 95 % {low:.3f} to {high:.3f}"
        )

    def follow(self) -> None:
        """Take over what has changed, and fit the threshold anew where that is due. Raises StoreError."""
        self.refresh()
        if self._needs_fit():
            self._fit()

    def _needs_fit(self) -> bool:
        """Whether the roster is large enough for a fit of its own and has changed since the last one."""
        size = len(self.gallery)
        if self._settings.threshold is not None or size < self._settings.own_roster_from:
            return self._own is not None
        return abs(size - self._fitted_size) > REFIT_AT_GROWTH * self._fitted_size

    def _fit(self) -> None:
        """Fit the impostor tail to the site's own roster (seconds on a large one: off the lanes)."""
        with self._fitting:
            size = len(self.gallery)
            self._fitted_size = size
            if size < self._settings.own_roster_from:
                self._own = None
                return
            rng = np.random.default_rng(size)
            owners, vectors = self.gallery.sample(COHORT_WORKERS, rng)
            _, numbers = np.unique(np.asarray(owners), return_inverse=True)
            try:
                self._own = fit_from_templates(
                    vectors, numbers, rng=rng, embedder=self._model, embedder_version=self._model_version
                )
            except CalibrationImpossible as error:
                # Asked again only when the roster has grown: the bundled calibration is in force.
                self._own = None
                log.warning("the roster cannot calibrate the threshold: %s", error)
                return
            log.info(
                "threshold from the own roster: %.3f for %d workers",
                self._own.threshold(size, self._settings.target_fpir),
                size,
            )
