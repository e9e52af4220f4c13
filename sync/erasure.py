"""What became of an erasure: who was to forget what, and who said that it did.

A kiosk asks the centre with `store.ask("receipts", ReceiptQuestion(...).model_dump_json())`; the answer is
the JSON of an `ErasureReceipt` whose items name the centre and each gate. The kiosk adds its own items.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from sync.people import ConsentWithdrawal
from sync.records import Identifier, Record, Worker, WorkerStatus

RECEIPTS = "receipts"
"""The kind of question that a `ReceiptQuestion` is."""

FACE = "face"
"""`ConsentWithdrawal.kind`: templates and everything else derived from the face go."""

WHOLE_RECORD = "record"
"""`ConsentWithdrawal.kind`: name, papers, contact, consents and the face go; the attendance stays under the
number alone, and the number's status is `left`."""

RETENTION = "retention"
"""`ConsentWithdrawal.recorded_by` of a face that went by itself, long enough after its person had left."""

Place = Literal["kiosk", "centre", "gate"]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class ErasureItem(Record):
    """One thing at one place.

    name          of the kiosk, the centre or the gate
    what          is gone or is to go, with a count where it is known: "templates: 4", "person"
    confirmed_at  when that place said that it is gone; None: still outstanding
    """

    place: Place
    name: Words
    what: Words
    confirmed_at: AwareDatetime | None = None


class ErasureReceipt(Record):
    """All places that had to forget; `receipt_id` is the withdrawal's id."""

    receipt_id: Identifier
    worker_id: Identifier
    requested_at: AwareDatetime
    items: tuple[ErasureItem, ...] = Field(default=())

    @property
    def outstanding(self) -> tuple[ErasureItem, ...]:
        """What nobody confirmed yet."""
        return tuple(item for item in self.items if item.confirmed_at is None)

    @property
    def complete(self) -> bool:
        """Everything was confirmed, and there was something to confirm."""
        return bool(self.items) and not self.outstanding


def nameless(worker_id: str, site_ids: tuple[str, ...]) -> Worker:
    """What stays in a roster of somebody who was erased altogether."""
    return Worker(worker_id=worker_id, name=worker_id, site_ids=site_ids, status=WorkerStatus.LEFT)


def retention_withdrawal(worker_id: str, kept_days: int, now: datetime) -> ConsentWithdrawal:
    """Of a face that goes by itself, with the reason for receipts."""
    return ConsentWithdrawal(
        worker_id=worker_id,
        kind=FACE,
        withdrawn_at=now,
        reason=f"离场已满 {kept_days} 天，自动删除 · {kept_days} days after leaving, by itself",
        recorded_by=RETENTION,
    )


class ReceiptQuestion(Record):
    """What has become of this withdrawal so far?"""

    withdrawal_id: Identifier
