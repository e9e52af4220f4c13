"""The receipt of an erasure: what went here, and what the centre says of itself and of the gates."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from enroll.errors import EnrollError
from sync.erasure import RECEIPTS, ErasureReceipt, ReceiptQuestion
from sync.store import LocalStore
from sync.store.asks import Reply
from sync.store.notes import NoteState
from sync.store.people import Withdrawn


class UnknownReceipt(EnrollError, LookupError):
    """Nothing was erased here under that number."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is known at this moment.

    withdrawn     what was asked for here
    record        items of the kiosk; with the centre's answer those of centre and gates too
    has_answer    the centre answered just now
    problem       why it did not
    note          whether the centre has the request yet
    """

    withdrawn: Withdrawn
    record: ErasureReceipt
    has_answer: bool
    problem: str
    note: NoteState

    @property
    def complete(self) -> bool:
        """Nothing is outstanding, as far as the centre knows."""
        return self.has_answer and self.record.complete


def local_receipt(store: LocalStore, withdrawal_id: str) -> Receipt:
    """What the kiosk itself can say. Raises UnknownReceipt."""
    withdrawn = next(
        (one for one in store.withdrawals() if one.withdrawal.withdrawal_id == withdrawal_id), None
    )
    if withdrawn is None:
        raise UnknownReceipt(f"no receipt {withdrawal_id}", next_step="Look for the worker by the number.")
    withdrawal = withdrawn.withdrawal
    record = withdrawn.erased.receipt(withdrawal, withdrawal.withdrawn_at)
    return Receipt(withdrawn, record, False, "", store.note_state(withdrawal_id))


def ask_centre(store: LocalStore, withdrawal_id: str) -> str:
    """Ask what became of it; returns the id for `LocalStore.reply`."""
    return store.ask(RECEIPTS, ReceiptQuestion(withdrawal_id=withdrawal_id).model_dump_json())


def with_answer(receipt: Receipt, reply: Reply) -> Receipt:
    """The receipt with what the centre said; its word about this kiosk is the kiosk's own."""
    if reply.problem:
        return Receipt(receipt.withdrawn, receipt.record, False, reply.problem, receipt.note)
    try:
        answer = ErasureReceipt.model_validate_json(reply.answer)
    except ValidationError:
        return Receipt(
            receipt.withdrawn, receipt.record, False, "the centre's answer cannot be read", receipt.note
        )
    # The centre lists kiosks that reported; what went here is known better here.
    others = tuple(item for item in answer.items if item.place != "kiosk")
    record = receipt.record.model_copy(update={"items": receipt.record.items + others})
    return Receipt(receipt.withdrawn, record, True, "", receipt.note)
