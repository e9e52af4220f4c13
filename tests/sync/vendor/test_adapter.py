"""A terminal's record becomes our event, the same one every time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from sync.records import Direction, Event, Method, Outcome
from sync.vendor.adapter import acknowledgement, event_of
from sync.vendor.messages import Recognition, Stranger, understand
from tests.sync.vendor.samples import NOW, record, terminal


def recognition(**changes: object) -> Recognition:
    message = understand(record(**changes))
    assert isinstance(message, Recognition)
    return message


def event(**changes: object) -> Event:
    return event_of(recognition(**changes), terminal(), received_at=NOW)


def test_an_allowed_record_is_an_event_of_that_worker_at_that_gate() -> None:
    made = event()
    assert (made.site_id, made.gate_id, made.direction) == ("site-1", "vendor-1306612", Direction.IN)
    assert (made.method, made.outcome, made.reasons) == (Method.FACE, Outcome.ALLOW, ("ok",))
    assert made.worker_id == "w-1"
    assert made.occurred_at == datetime(2026, 3, 2, 0, 59, 33, tzinfo=UTC)
    assert made.clock_trusted


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        ("1", Outcome.ALLOW, "ok"),
        (2, Outcome.DENY, "terminal_refused"),
        ("3", Outcome.DENY, "not_registered"),
        ("0", Outcome.HOLD, "terminal_undecided"),
        (22, Outcome.HOLD, "terminal_undecided"),
        ("maybe", Outcome.HOLD, "terminal_undecided"),
    ],
)
def test_the_verify_status_decides_the_outcome_and_an_unknown_one_allows_nobody(
    status: object, outcome: Outcome, reason: str
) -> None:
    made = event(VerifyStatus=status)
    assert (made.outcome, made.reasons[0]) == (outcome, reason)


def test_firmware_without_a_status_can_be_told_to_mean_allowed() -> None:
    body = record()
    del body["info"]["VerifyStatus"]
    message = understand(body)
    assert isinstance(message, Recognition)
    assert event_of(message, terminal(), received_at=NOW).outcome is Outcome.HOLD
    says = terminal(outcome_without_status="allow")
    assert event_of(message, says, received_at=NOW).outcome is Outcome.ALLOW


def test_repetitions_fold_into_one_event_however_they_are_written() -> None:
    again = event(
        RecordID=389, VerifyStatus=1, similarity1="94.0", Sendintime=0, pic="data:image/jpeg;base64,BB"
    )
    assert event().event_id == again.event_id


def test_other_records_terminals_and_times_are_other_events() -> None:
    other = event_of(recognition(), terminal("1306613"), received_at=NOW)
    made = [event(), event(RecordID="390"), event(time="2026-03-03 08:59:33"), other]
    assert len({one.event_id for one in made}) == 4


def test_the_terminals_own_row_number_is_no_worker_unless_it_is_mapped() -> None:
    unknown = event(customId=" ")
    assert unknown.worker_id is None
    assert unknown.reasons == ("ok", "terminal_person_unknown")
    assert "row 22" in unknown.note
    mapped = terminal(workers_by_person_id={"22": "w-9"})
    assert event_of(recognition(customId=""), mapped, received_at=NOW).worker_id == "w-9"


def test_an_id_that_could_be_no_worker_number_is_not_taken_for_one() -> None:
    made = event(customId="a b/c")
    assert made.worker_id is None
    assert "no worker number" in made.note


@pytest.mark.parametrize("time", ["", "0000-00-00 00:00:00", "2000-01-01 00:00:00", "2031-01-01 00:00:00"])
def test_a_clock_that_cannot_be_right_is_said_in_the_event(time: str) -> None:
    made = event(time=time)
    assert not made.clock_trusted
    assert made.outcome is Outcome.ALLOW


def test_a_clock_that_was_off_at_the_last_heartbeat_is_not_trusted() -> None:
    made = event_of(recognition(), terminal(), received_at=NOW, clock_off_s=-3600)
    assert not made.clock_trusted


def test_temperature_and_a_missing_mask_are_noted_and_no_picture_or_name_is() -> None:
    made = event(temperature="37.42", isNoMask="1", persionName="样例甲", pic="data:image/jpeg;base64,AAAA")
    assert "37.4 °C" in made.note
    assert "no mask" in made.note
    assert "样例甲" not in made.model_dump_json()
    assert "base64" not in made.model_dump_json()


def test_the_acknowledgement_repeats_the_number_as_the_terminal_wrote_it() -> None:
    for number in ("389", 389):
        message = recognition(RecordID=number)
        command = acknowledgement(message, terminal(), "v1")
        assert command is not None
        info = json.loads(command.payload)["info"]
        assert (info["PushAckType"], info["SnapOrRecordID"]) == (2, number)


def test_a_record_without_a_number_becomes_an_event_that_cannot_be_acknowledged() -> None:
    message = recognition(RecordID="")
    assert event_of(message, terminal(), received_at=NOW).worker_id == "w-1"
    assert acknowledgement(message, terminal(), "v1") is None


def test_a_stranger_is_a_refused_event_of_nobody() -> None:
    message = understand(
        {"operator": "StrSnapPush", "info": {"SnapID": "946", "time": "2026-03-02 08:00:30"}}
    )
    assert isinstance(message, Stranger)
    made = event_of(message, terminal(), received_at=NOW + timedelta(seconds=1))
    assert (made.outcome, made.reasons, made.worker_id) == (Outcome.DENY, ("not_registered",), None)
    command = acknowledgement(message, terminal(), made.event_id)
    assert command is not None
    assert json.loads(command.payload)["info"]["PushAckType"] == 1


def test_a_terminal_cannot_take_the_name_of_a_shared_topic() -> None:
    with pytest.raises(ValueError, match="share"):
        terminal("heartbeat")
