"""Everything about passes at one lane: the readers, and the desk that says when a pass counts."""

from __future__ import annotations

from gate.badge_reader import BadgeReader, open_badge_reader
from gate.lane import Standing, Verdict
from gate.pass_book import PassBook
from gate.pass_desk import PassCall, PassDesk
from gate.qr_reader import QrReader
from gate.settings import LaneSettings, RecognitionSettings
from models.sources.frame import Frame


class LanePasses:
    """Used by the lane's thread; the readers bring their finds from threads of their own."""

    def __init__(self, lane: LaneSettings, recognition: RecognitionSettings, book: PassBook) -> None:
        self._book = book
        self._desk = PassDesk(
            face_wait_s=recognition.deadline_s, repeat_interval_s=recognition.repeat_interval_s
        )
        left, _, right, _ = lane.zone
        every_frame = lane.source.kind in ("video", "folder") and lane.source.pace == "fast"
        self._codes = (
            QrReader(self._code, name=lane.id, left=left, right=right, inline=every_frame)
            if lane.pass_reader.qr
            else None
        )
        self.badges: BadgeReader | None = open_badge_reader(lane.pass_reader.badge, self._badge)

    @property
    def problem(self) -> str:
        """What is wrong with the badge reader; empty where it works or there is none."""
        return "" if self.badges is None else self.badges.problem

    def start(self) -> None:
        for reader in (self._codes, self.badges):
            if reader is not None:
                reader.start()

    def stop(self) -> None:
        for reader in (self._codes, self.badges):
            if reader is not None:
                reader.stop()

    def look(self, frame: Frame) -> None:
        """Let the code reader have this picture if it is free."""
        if self._codes is not None:
            self._codes.offer(frame)

    def due(self, standing: Standing | None, verdict: Verdict | None, at_s: float) -> PassCall | None:
        """See `PassDesk.due`."""
        return self._desk.due(standing, verdict, at_s)

    def forget(self, worker_id: str) -> None:
        """The holder did not pass: the same pass counts again at once."""
        self._desk.forget(worker_id)

    def _code(self, text: str) -> None:
        reading = self._book.code(text)
        if reading is not None:
            self._desk.present(reading)

    def _badge(self, number: str) -> None:
        self._desk.present(self._book.badge(number))
