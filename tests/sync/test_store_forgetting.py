"""A face that the centre takes away is gone from the store's file and from its write-ahead log.

The store is opened without its seal here, so that the test can read what lies in the files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from sync.records import Template
from sync.store import LocalStore, StoreKey
from sync.store.connections import Connections
from sync.store.replica import ReplicaEntry
from sync.wire.sealing import entry_digest
from tests.sync.people_samples import an_enrolment
from tests.sync.samples import NOON, a_template, a_worker


class _NoSeal:
    """Instead of a key: SQLCipher without one writes plain SQLite."""

    def pragma(self) -> str:
        return "PRAGMA user_version"


class _Clock:
    def now(self) -> object:
        return NOON


@pytest.fixture
def plain_store(tmp_path: Path) -> Iterator[LocalStore]:
    connections = Connections(tmp_path / "plain.db", cast(StoreKey, _NoSeal()), busy_timeout_s=5)
    connections.create_or_migrate()
    store = LocalStore(connections, min_free_mb=0, clock=_Clock())  # type: ignore[arg-type]
    try:
        yield store
    finally:
        store.close()


def entry(version: int, *templates: Template) -> ReplicaEntry:
    worker = a_worker(face_consent_on=NOON.date() if templates else None)
    return ReplicaEntry("W-1", version, worker, templates, entry_digest(worker, templates))


def is_on_disk(store: LocalStore, template: Template) -> bool:
    return any(template.vector in file.read_bytes() for file in store.path.parent.iterdir())


def test_an_entry_without_templates_leaves_no_trace_of_the_face(plain_store: LocalStore) -> None:
    face = a_template(seed=3)
    plain_store.replica_apply([entry(1, face)], version=1)
    assert is_on_disk(plain_store, face)
    plain_store.replica_apply([entry(2)], version=2)
    assert plain_store.templates("W-1") == []
    assert not is_on_disk(plain_store, face)


def test_a_removed_worker_leaves_no_trace_of_the_face(plain_store: LocalStore) -> None:
    face = a_template(seed=3)
    plain_store.replica_apply([entry(1, face)], version=1)
    plain_store.replica_apply([ReplicaEntry("W-1", 2, None)], version=2)
    assert not is_on_disk(plain_store, face)


def test_a_snapshot_that_is_on_its_way_forgets_the_face_too(plain_store: LocalStore) -> None:
    face = a_template(seed=3)
    plain_store.replica_apply([entry(1, face)], version=1)
    plain_store.replica_stage([entry(1, face)], version=1, after="W-1")
    plain_store.replica_apply([entry(2)], version=2)
    assert not is_on_disk(plain_store, face)


def test_a_snapshot_without_the_face_leaves_no_trace_of_it(plain_store: LocalStore) -> None:
    face = a_template(seed=3)
    plain_store.replica_apply([entry(1, face)], version=1)
    plain_store.replica_stage([entry(2)], version=2, after="W-1")
    assert plain_store.replica_swap() == ["W-1"]
    assert not is_on_disk(plain_store, face)


def test_a_face_taken_away_while_a_change_of_this_kiosk_waited_leaves_no_trace(
    plain_store: LocalStore,
) -> None:
    face = a_template(seed=3)
    plain_store.replica_apply([entry(1, face)], version=1)
    plain_store.enrol(an_enrolment(person=None, consent=None, templates=None))
    plain_store.replica_apply([entry(2)], version=2)
    assert plain_store.templates("W-1") == [face], "the centre's word waits for its answer"
    assert plain_store.outbox_acknowledge([1], roster_version=2) == ["W-1"]
    assert plain_store.templates("W-1") == []
    assert not is_on_disk(plain_store, face)
