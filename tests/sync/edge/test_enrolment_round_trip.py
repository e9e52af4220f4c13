"""From the kiosk to the centre's receipt, between the real ends: registered, found again, forgotten."""

from __future__ import annotations

import pytest

from sync.central import roster_log
from sync.central.service import CentralService
from sync.duplicate_check import DUPLICATES, DuplicateAnswer, DuplicateQuestion
from sync.erasure import RECEIPTS, ErasureReceipt, ReceiptQuestion
from tests.sync.edge.brokers import Mosquitto
from tests.sync.edge.conftest import SITE, Rig
from tests.sync.edge.scripted_centre import eventually
from tests.sync.edge.test_notes import answer_to, be_a_kiosk
from tests.sync.edge.test_with_the_centre import service as service  # noqa: PLC0414 - a fixture
from tests.sync.people_samples import a_withdrawal, an_enrolment
from tests.sync.samples import NOON, a_template, a_worker

pytestmark = pytest.mark.slow  # a real broker: seconds


def test_a_worker_is_registered_found_by_others_and_forgotten_with_a_receipt(
    rig: Rig, broker: Mosquitto, service: CentralService
) -> None:
    be_a_kiosk(service)
    worker = a_worker(site_ids=(SITE,), face_consent_on=NOON.date())
    rig.store.enrol(an_enrolment(worker=worker))
    rig.run(broker.port)

    def at_centre() -> list[roster_log.Change]:
        with service.database.read() as connection:
            return roster_log.load_changes(connection, ["W-1"])

    eventually(lambda: bool(at_centre()), "the centre has the worker")
    assert at_centre()[0].worker == worker
    eventually(lambda: "W-1" in rig.store.replica_digests(), "the worker came back by the roster")

    question = DuplicateQuestion(worker_id="new", templates=(a_template("new", seed=1),))
    answer = DuplicateAnswer.model_validate_json(
        answer_to(rig, DUPLICATES, question.model_dump_json()).answer
    )
    assert [(one.worker_id, round(one.score or 0, 3)) for one in answer.matches] == [("W-1", 1.0)]

    gone = a_withdrawal(withdrawal_id="gone-1")
    rig.store.withdraw_consent(gone)
    eventually(lambda: not at_centre()[0].templates, "the centre forgot the face")
    asked = ReceiptQuestion(withdrawal_id="gone-1").model_dump_json()

    def receipt() -> ErasureReceipt:
        return ErasureReceipt.model_validate_json(answer_to(rig, RECEIPTS, asked).answer)

    def only_backups_are_left() -> bool:
        return [one.what.split()[0] for one in receipt().outstanding] == ["backups"]

    eventually(only_backups_are_left, "gate and centre confirmed")
