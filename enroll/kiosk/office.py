"""Everything that the kiosk's pages are made of, over one store."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher

from enroll.accounts import KioskAccounts
from enroll.consent_text import ConsentTexts
from enroll.drafts import Drafts
from enroll.face_retention import FaceRetention
from enroll.id_reader import open_reader
from enroll.import_desk import ImportDesk
from enroll.registration import Registration
from enroll.roster_config import RosterConfig
from enroll.worker_book import WorkerBook
from sync.store import LocalStore

if TYPE_CHECKING:
    from enroll.capture_desk import CaptureTools
    from enroll.kiosk_camera import KioskCamera
    from enroll.training_desk import TrainingDesk
    from models.engine import FaceEngine


class KioskOffice:
    """One of each; they share the store and the clock.

    now          the clock
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
        self.imports = ImportDesk(store, settings, now=now)
        self.retention = FaceRetention(store, settings, now=now)
        self.book = WorkerBook(store, self.drafts, settings, now=now)
        self.consent_texts = ConsentTexts.load(settings.kiosk, settings.site)
        self.id_reader = open_reader(settings.kiosk.id_reader)
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
    def camera(self) -> KioskCamera:
        """The camera of `kiosk.source`; it runs while a page looks."""
        from enroll.kiosk_camera import KioskCamera  # noqa: PLC0415 - its libraries take a moment

        with self._loading:  # two threads may ask first; two cameras would take the device from each other
            made: KioskCamera = self.__dict__.setdefault(
                "camera", KioskCamera(self.settings.kiosk.source, engine=lambda: self.engine)
            )
            return made

    @functools.cached_property
    def capture(self) -> CaptureTools:
        """What captures share; blocks for a moment at the first use. Raises WeightMissing and the like."""
        from enroll.capture_desk import capture_tools  # noqa: PLC0415 - its libraries take a moment

        return capture_tools(self.store, self.settings, self.engine, now=self.now, monotonic=time.monotonic)

    @functools.cached_property
    def training(self) -> TrainingDesk:
        """Courses and lessons."""
        from enroll.training_desk import TrainingDesk  # noqa: PLC0415 - its libraries take a moment

        return TrainingDesk(self.store, self.settings, now=self.now, load_engine=lambda: self.engine)

    def close(self) -> None:
        """Give the camera back."""
        camera: KioskCamera | None = self.__dict__.get("camera")
        if camera is not None:
            camera.close()

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
