"""Papers, consents, look-alikes and what kiosks sent, for the fictional centre of `console_samples`."""

from __future__ import annotations

from datetime import timedelta

from sync.central import duplicate_pairs, persons, registry
from sync.central.database import Database
from sync.central.enrolments import take_enrolment
from sync.central.notes import NoteContext
from sync.central.person_vault import PersonVault
from sync.people import Enrolment
from tests.sync.central.console_samples import NOW, A, B
from tests.sync.people_samples import A_RESIDENT_NUMBER, a_consent, a_person
from tests.sync.samples import a_template

VAULT = PersonVault(bytes(range(32)))


def add_people(database: Database) -> None:
    """A-001 and A-002 with the same document, A-005 and B-001 with much the same face."""
    with database.write() as connection:
        for seed, worker_id in enumerate(("A-001", "A-005", "B-001")):
            (worker,) = registry.workers(connection, [worker_id])
            site_id = worker.site_ids[0]
            sent = Enrolment(
                enrolment_id=f"enrolment-{worker_id}",
                worker=worker,
                person=a_person(
                    worker_id,
                    document_number=A_RESIDENT_NUMBER if seed == 0 else f"11010519491231{seed:03d}0",
                    birth_date="1949-12-31",
                    sex="female",
                    address="示例路 1 号",
                ),
                consent=a_consent(worker_id, given_at=NOW, text_version="2026-1", recorded_by="登记员甲"),
                templates=(a_template(worker_id, seed=seed, template_id=f"t-{worker_id}"),),
                enrolled_at=NOW,
                recorded_by="登记员甲",
            )
            context = NoteContext(site_id, "gate-1", sent.enrolment_id, NOW)
            take_enrolment(connection, context, sent.model_dump_json(), VAULT)
        persons.put_person(connection, VAULT, a_person("A-002"), now=NOW)
        for one, other, found_by, score, hours in (
            ("A-001", "A-002", "document", None, 1),
            ("A-005", "B-001", "face", 0.712, 2),
        ):
            duplicate_pairs.note_found(
                connection, one, other, found_by=found_by, score=score, now=NOW - timedelta(hours=hours)
            )


__all__ = ["VAULT", "A", "B", "add_people"]
