"""Records of registering people for tests; the people are made up and look it."""

from __future__ import annotations

from sync.people import Consent, ConsentWithdrawal, DocumentType, Enrolment, Person
from tests.sync.samples import NOON, a_template, a_worker

A_RESIDENT_NUMBER = "11010519491231002X"
"""The example of GB 11643-1999."""


def a_person(worker_id: str = "W-1", **changes: object) -> Person:
    return Person.model_validate(
        {
            "worker_id": worker_id,
            "document_type": DocumentType.RESIDENT_ID,
            "document_number": A_RESIDENT_NUMBER,
            **changes,
        }
    )


def a_consent(worker_id: str = "W-1", **changes: object) -> Consent:
    return Consent.model_validate(
        {"worker_id": worker_id, "granted": True, "text_version": "1", "given_at": NOON, **changes}
    )


def an_enrolment(worker_id: str = "W-1", *, seed: int = 1, **changes: object) -> Enrolment:
    return Enrolment.model_validate(
        {
            "worker": a_worker(worker_id, face_consent_on=NOON.date()),
            "person": a_person(worker_id),
            "consent": a_consent(worker_id),
            "templates": (a_template(worker_id, seed=seed),),
            "enrolled_at": NOON,
            "recorded_by": "示例员",
            **changes,
        }
    )


def a_withdrawal(worker_id: str = "W-1", **changes: object) -> ConsentWithdrawal:
    return ConsentWithdrawal.model_validate({"worker_id": worker_id, "withdrawn_at": NOON, **changes})
