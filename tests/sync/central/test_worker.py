"""The workers of the centre: patient with the database, bounded, and not stopped by one message."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import Event

import pytest
from sqlalchemy.exc import OperationalError

from sync.central import worker as worker_module
from sync.central.reception import Arrival
from sync.central.worker import QueueWorker
from tests.sync.central.gate_client import until
from tests.sync.samples import NOON

BATCH = b'signature\n{"v": 1}\n{"batch_id":"b","boot_id":"b","replay":%s,"items":[]}'
AWAY = OperationalError("INSERT ...", {"name": "示例"}, Exception("connection refused"))


def arrival(number: int) -> Arrival:
    return Arrival(f"topic/{number}", b"", NOON)


def test_what_could_not_be_written_is_tried_again_until_the_database_is_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_module, "RETRY_S", (0.001, 0.002))
    failures = [AWAY] * 3
    done: list[str] = []

    def work(group: Sequence[Arrival]) -> None:
        if failures:
            raise failures.pop()
        done.extend(one.topic for one in group)

    worker = QueueWorker("ingest", work, capacity=10, group=10)
    worker.put(arrival(1))
    with caplog.at_level(logging.INFO):
        worker.start()
        until(lambda: done, what="the group")
        until(lambda: not worker.problem, what="the end of the problem")
        worker.stop()
    assert done == ["topic/1"]
    assert "connection refused" in caplog.text
    assert "示例" not in caplog.text, "what was to be written is nobody's business in a log"


def test_a_database_that_stays_away_does_not_keep_the_service_from_stopping() -> None:
    tried = Event()

    def work(_: Sequence[Arrival]) -> None:
        tried.set()
        raise AWAY

    worker = QueueWorker("ingest", work, capacity=10, group=10)
    worker.start()
    worker.put(arrival(1))
    assert tried.wait(30)
    worker.stop()
    assert "connection refused" in worker.problem


def test_a_message_that_breaks_the_work_is_logged_and_the_next_is_taken(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[str] = []

    def work(group: Sequence[Arrival]) -> None:
        if group[0].topic == "topic/1":
            raise ZeroDivisionError
        done.extend(one.topic for one in group)

    worker = QueueWorker("desk", work, capacity=10, group=1)
    for number in (1, 2):
        worker.put(arrival(number))
    worker.start()
    until(lambda: done, what="the second message")
    worker.stop()
    assert done == ["topic/2"]
    assert "ZeroDivisionError" in caplog.text


def test_what_waits_is_taken_in_one_group_and_what_does_not_fit_is_not_taken() -> None:
    groups: list[int] = []
    worker = QueueWorker("ingest", lambda group: groups.append(len(group)), capacity=5, group=4)
    assert [worker.put(arrival(number)) for number in range(6)] == [True] * 5 + [False]
    worker.start()
    until(lambda: sum(groups) == 5, what="both groups")
    worker.stop()
    assert groups == [4, 1]


def test_live_batches_go_before_backlog_and_have_room_when_backlog_has_none() -> None:
    taken: list[str] = []
    worker = QueueWorker(
        "ingest", lambda group: taken.extend(one.topic for one in group), capacity=2, group=1
    )
    backlog = [Arrival(f"backlog/{number}", BATCH % b"true", NOON) for number in range(3)]
    live = [Arrival(f"live/{number}", BATCH % b"false", NOON) for number in range(2)]
    assert [worker.put(one) for one in (*backlog, *live)] == [True, True, False, True, True]
    worker.start()
    until(lambda: len(taken) == 4, what="all that was taken")
    worker.stop()
    assert taken == ["live/0", "live/1", "backlog/0", "backlog/1"]


def test_a_group_is_bounded_in_bytes_but_a_large_message_is_taken_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "GROUP_BYTES", 100)
    groups: list[list[int]] = []
    worker = QueueWorker(
        "ingest", lambda group: groups.append([len(one.payload) for one in group]), capacity=9, group=9
    )
    for size in (40, 50, 20, 500, 1):
        worker.put(Arrival("topic", b"x" * size, NOON))
    worker.start()
    until(lambda: sum(map(len, groups)) == 5, what="all messages")
    worker.stop()
    assert groups == [[40, 50], [20], [500], [1]]
