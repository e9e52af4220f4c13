"""Training records are signed and chained: what was changed, left out or forged shows."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.clearances import longest_clearances
from sync.records import Clearance
from sync.store import LocalStore, StoreKey
from sync.training.errors import RecordTampered
from sync.training.record import (
    FIRST_PREVIOUS,
    Result,
    SignedTraining,
    TrainingRecord,
    sign,
    verify,
    verify_chain,
)
from tests.sync.samples import NOON, a_worker


def a_record(number: int = 1, **changes: object) -> TrainingRecord:
    return TrainingRecord.model_validate(
        {
            "record_id": f"T-{number}",
            "token": f"token-{number}",
            "worker_id": "W-1",
            "worker_name": "示例工人",
            "site_id": "demo-site",
            "kiosk_id": "kiosk-1",
            "course_id": "small-course",
            "course_version": "1",
            "course_sha256": "a" * 64,
            "course_title_zh": "示例课程",
            "kind": "training",
            "started_at": NOON,
            "ended_at": NOON + timedelta(minutes=10),
            "seconds_seen": 500.0,
            "seconds_required": 300,
            "score_percent": 80,
            "pass_mark": 80,
            "result": Result.PASSED,
            "valid_from": NOON,
            "valid_until": NOON + timedelta(days=365),
            **changes,
        }
    )


@pytest.fixture
def signer() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def a_chain(key: Ed25519PrivateKey, length: int = 4) -> list[SignedTraining]:
    chain: list[SignedTraining] = []
    for number in range(1, length + 1):
        previous = chain[-1].hash if chain else FIRST_PREVIOUS
        chain.append(sign(a_record(number), key, number=number, previous=previous))
    return chain


def test_a_whole_chain_has_nothing_wrong(signer: Ed25519PrivateKey) -> None:
    assert verify_chain(a_chain(signer)) == []


def test_a_changed_score_breaks_the_signature(signer: Ed25519PrivateKey) -> None:
    signed = a_chain(signer, 1)[0]
    body = json.loads(signed.body)
    forged = signed.model_copy(update={"body": json.dumps({**body, "score_percent": 100})})
    with pytest.raises(RecordTampered):
        verify(forged)


def test_a_record_that_was_left_out_or_put_between_shows(signer: Ed25519PrivateKey) -> None:
    one, two, three, four = a_chain(signer)
    assert [found.number for found in verify_chain([one, three, four])] == [3]
    other = sign(a_record(9), signer, number=3, previous="b" * 64)
    assert [found.number for found in verify_chain([one, two, other, four])] == [3, 4]


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds_seen": 601.0},
        {"seconds_seen": 100.0},
        {"score_percent": 79},
        {"valid_until": NOON},
        {"result": Result.FAILED},
        {"ended_at": NOON - timedelta(seconds=1), "seconds_seen": 0.0, "seconds_required": 0},
    ],
)
def test_what_no_honest_kiosk_writes_is_refused_though_it_is_signed(
    signer: Ed25519PrivateKey, changes: dict[str, object]
) -> None:
    with pytest.raises(RecordTampered):
        verify(sign(a_record(**changes), signer, number=1, previous=FIRST_PREVIOUS))


def test_a_pass_never_shortens_what_holds_longer() -> None:
    long = Clearance(kind="training", valid_until=NOON + timedelta(days=800))
    new = a_record().clearance()
    assert new is not None
    assert longest_clearances((long,), (new,)) == (long,)
    old = Clearance(kind="training", valid_until=NOON)
    assert longest_clearances((old, Clearance(kind="medical")), (new,)) == (Clearance(kind="medical"), new)
    assert longest_clearances((Clearance(kind="training"),), (new,)) == (Clearance(kind="training"),)


def test_a_pass_is_kept_queued_and_granted_in_one_step(store: LocalStore, key: StoreKey) -> None:
    store.put_worker(a_worker("W-1"))
    before = store.roster_version()
    signed = store.finish_training(a_record(), store.training_key())
    (clearance,) = store.worker("W-1").clearances
    assert (clearance.kind, clearance.reference) == ("training", "T-1")
    assert store.roster_version() == before + 1
    assert store.note_state("T-1").waiting
    assert store.finish_training(a_record(), store.training_key()) == signed
    found = store.training_by_token("token-1")
    assert found is not None and found.record == a_record()


def test_a_failed_test_grants_nothing(store: LocalStore, key: StoreKey) -> None:
    store.put_worker(a_worker("W-1"))
    failed = a_record(result=Result.FAILED, valid_from=None, valid_until=None, score_percent=10)
    store.finish_training(failed, store.training_key())
    assert store.worker("W-1").clearances == ()


def test_the_chain_goes_on_after_a_restart(store: LocalStore, store_path: Path, key: StoreKey) -> None:
    store.put_worker(a_worker("W-1"))
    store.finish_training(a_record(1), store.training_key())
    with LocalStore.open(store_path, key) as again:
        again.finish_training(a_record(2), again.training_key())
        assert [signed.number for signed in again.training_chain()] == [1, 2]
        assert verify_chain(again.training_chain()) == []
