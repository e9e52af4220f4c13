"""Everything that the kiosk's pages are made of, over one store."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher

from enroll.accounts import KioskAccounts
from enroll.consent_text import ConsentTexts
from enroll.drafts import Drafts
from enroll.id_reader import open_reader
from enroll.registration import Registration
from enroll.roster_config import RosterConfig
from sync.store import LocalStore

if TYPE_CHECKING:
    from enroll.training_desk import TrainingDesk
    from models.engine import FaceEngine


class Camera(Protocol):
    """The kiosk's camera; what it shows is the business of the capture."""

    def close(self) -> None: ...


class KioskOffice:
    """One of each; they share the store and the clock.

    now          the clock
    camera       None where none is plugged in
    load_engine  opens the face engine at its first use, which takes a moment; None: the configured one
    """

    def __init__(
        self,
        store: LocalStore,
        settings: RosterConfig,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        load_engine: Callable[[], FaceEngine] | None = None,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self.store = store
        self.settings = settings
        self.now = now
        self.zone = ZoneInfo(settings.site.timezone)
        idle = timedelta(minutes=settings.kiosk.idle_min)
        self.accounts = KioskAccounts(store, now=now, idle=idle, hasher=hasher)
        self.drafts = Drafts(store, now=now)
        self.registration = Registration(store, self.drafts, settings, now=now)
        self.consent_texts = ConsentTexts.load(settings.kiosk, settings.site)
        self.id_reader = open_reader(settings.kiosk.id_reader)
        self.camera: Camera | None = None
        self._load_engine = load_engine or self._configured_engine
        self._loading = threading.Lock()
        self._engine: FaceEngine | None = None

    @property
    def engine(self) -> FaceEngine:
        """Loaded at the first use; blocks for a moment then. Raises WeightMissing and the like."""
        with self._loading:
            if self._engine is None:
                self._engine = self._load_engine()
            return self._engine

    @functools.cached_property
    def training(self) -> TrainingDesk:
        """Courses and lessons."""
        from enroll.training_desk import TrainingDesk  # noqa: PLC0415 - its libraries take a moment

        return TrainingDesk(self.store, self.settings, now=self.now, load_engine=lambda: self.engine)

    def today(self) -> date:
        """The date at the site."""
        return self.now().astimezone(self.zone).date()

    def _configured_engine(self) -> FaceEngine:
        from models.engine import FaceEngine  # noqa: PLC0415 - its libraries take a moment
        from models.zoo import Zoo  # noqa: PLC0415

        recognition = self.settings.recognition
        return FaceEngine.load(
            embedder=recognition.embedder,
            threads=recognition.threads,
            zoo=Zoo.default(recognition.weights_dir),
        )
