"""Terminals, workers and photos for the tests; all invented."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sync.records import Direction, Worker
from sync.vendor.roster import Photo
from sync.vendor.terminals import Terminal

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def terminal(terminal_id: str = "1306612", **changes: Any) -> Terminal:
    return Terminal.model_validate(
        {
            "terminal_id": terminal_id,
            "site_id": "site-1",
            "gate_id": f"vendor-{terminal_id}",
            "direction": Direction.IN,
            **changes,
        }
    )


def worker(number: int | str, **changes: Any) -> Worker:
    return Worker.model_validate(
        {
            "worker_id": f"w-{number}",
            "name": f"样例{number}",
            "site_ids": ("site-1",),
            "face_consent_on": date(2026, 1, 5),
            **changes,
        }
    )


def record(**changes: Any) -> dict[str, Any]:
    info = {
        "facesluiceId": "1306612",
        "customId": "w-1",
        "personId": "22",
        "RecordID": "389",
        "VerifyStatus": "1",
        "time": "2026-03-02 08:59:33",
    }
    return {"operator": "RecPush", "info": {**info, **changes}, "SanpPic": "data:image/jpeg;base64,AAAA"}


class Album:
    """Photos by URL, or as JPEG where `jpeg` is given; nobody in `without` has one."""

    def __init__(self, *, jpeg: bytes = b"", without: frozenset[str] = frozenset()) -> None:
        self.jpeg = jpeg
        self.without = without
        self.edition = "1"

    def fingerprint(self, worker: Worker) -> str | None:
        return None if worker.worker_id in self.without else self.edition

    def photo(self, worker: Worker) -> Photo | None:
        if self.jpeg:
            return Photo(jpeg=self.jpeg)
        return Photo(url=f"http://192.0.2.10/photos/{worker.worker_id}.jpg")
