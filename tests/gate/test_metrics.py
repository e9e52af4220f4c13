"""The metrics page says what happened and never who."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator

import httpx
import pytest

from gate.metrics import GateMetrics


@pytest.fixture
def metrics() -> Iterator[GateMetrics]:
    metrics = GateMetrics()
    yield metrics
    metrics.close()


def page(port: int | None) -> str:
    return httpx.get(f"http://127.0.0.1:{port}/metrics").raise_for_status().text


def test_the_page_counts_decisions_by_lane_outcome_and_main_reason(metrics: GateMetrics) -> None:
    metrics.decision("lane-1", "allow", "ok", 0.2)
    metrics.decision("lane-1", "deny", "grant_expired", 0.4)
    metrics.decision("lane-1", "allow", "guard_override", None)
    shown = page(metrics.serve("127.0.0.1", 0))
    assert 'sitegate_decisions_total{lane="lane-1",outcome="deny",reason="grant_expired"} 1.0' in shown
    assert 'sitegate_decision_latency_seconds_count{lane="lane-1"} 2.0' in shown
    assert 'sitegate_decision_latency_seconds_bucket{lane="lane-1",le="0.25"} 1.0' in shown
    assert 'sitegate_build_info{version="' in shown
    assert "process_resident_memory_bytes" in shown


def test_the_page_tells_cameras_boards_store_and_roster(metrics: GateMetrics) -> None:
    metrics.frame_seen("lane-1")
    metrics.frame_bad("lane-1")
    metrics.frames_dropped("lane-1", 3)
    metrics.source("lane-1", up=True, reconnects=2)
    metrics.source("lane-1", up=False, reconnects=3)
    metrics.relay_fault("lane-1")
    metrics.fire("lane-1", True)
    metrics.store_fault()
    metrics.liveness_available(False)
    metrics.upkeep(
        outbox=7,
        waiting=1,
        workers=30,
        templates=90,
        roster_version=4,
        clock_trusted=True,
        threshold=0.44,
    )
    shown = page(metrics.serve("127.0.0.1", 0)).splitlines()
    for line in (
        'sitegate_frames_total{lane="lane-1"} 1.0',
        'sitegate_frames_bad_total{lane="lane-1"} 1.0',
        'sitegate_frames_dropped_total{lane="lane-1"} 3.0',
        'sitegate_source_reconnects_total{lane="lane-1"} 3.0',
        'sitegate_source_up{lane="lane-1"} 0.0',
        'sitegate_relay_faults_total{lane="lane-1"} 1.0',
        'sitegate_fire_alarm{lane="lane-1"} 1.0',
        "sitegate_store_faults_total 1.0",
        "sitegate_liveness_available 0.0",
        "sitegate_outbox_depth 7.0",
        "sitegate_records_waiting 1.0",
        "sitegate_roster_workers 30.0",
        "sitegate_gallery_templates 90.0",
        "sitegate_roster_version 4.0",
        "sitegate_clock_trusted 1.0",
        "sitegate_match_threshold 0.44",
    ):
        assert line in shown


def test_two_gates_in_one_process_do_not_share_a_registry(metrics: GateMetrics) -> None:
    other = GateMetrics()
    other.store_fault()
    assert metrics.registry.get_sample_value("sitegate_store_faults_total") == 0


def test_a_taken_port_is_a_warning_and_no_crash(
    metrics: GateMetrics, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, caplog.at_level(logging.WARNING):
        assert metrics.serve("127.0.0.1", taken.getsockname()[1]) is None
    assert "change metrics.port" in caplog.text


def test_the_page_is_gone_after_closing(metrics: GateMetrics) -> None:
    port = metrics.serve("127.0.0.1", 0)
    metrics.close()
    with pytest.raises(httpx.ConnectError):
        page(port)


def test_no_label_can_hold_a_person(metrics: GateMetrics) -> None:
    metrics.decision("lane-1", "allow", "ok", 0.1)
    labels = {
        label
        for family in metrics.registry.collect()
        if family.name.startswith("sitegate")
        for sample in family.samples
        for label in sample.labels
    }
    assert labels <= {"lane", "outcome", "reason", "le", "version"}
