"""What terminals say, as public clients recorded it, and as nobody should."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.vendor.adapter import acknowledgement, event_of
from sync.vendor.errors import PayloadUnreadable
from sync.vendor.messages import (
    MAX_PAYLOAD_BYTES,
    Answer,
    Heartbeat,
    Online,
    PersonResult,
    Recognition,
    Stranger,
    Unknown,
    local_time,
    parse,
    understand,
)
from tests.sync.vendor.samples import NOW, record, terminal

SHANGHAI = ZoneInfo("Asia/Shanghai")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
known_keys = st.sampled_from(
    [
        "operator",
        "info",
        "messageId",
        "code",
        "facesluiceId",
        "facesluiceld",
        "customId",
        "personId",
        "persionName",
        "personName",
        "RecordID",
        "SnapID",
        "VerifyStatus",
        "time",
        "CreateTime",
        "similarity1",
        "temperature",
        "isNoMask",
        "AddSucInfo",
        "AddErrInfo",
        "DelErrInfo",
        "AddSucNum",
        "AddErrNum",
        "result",
        "detail",
        "SanpPic",
        "results",
        "record_id",
        "listed_ids",
        "operator",
    ]
)
operators = st.sampled_from(
    [
        "RecPush",
        "StrSnapPush",
        "Online",
        "Offline",
        "HeartBeat",
        "EditPersonsNew-Ack",
        "QueryPerson-Ack",
        "Dance",
    ]
)
fields = st.dictionaries(known_keys | st.text(max_size=5), json_values, max_size=10)


def test_numbers_may_be_text_and_names_may_be_misspelt() -> None:
    message = parse(
        json.dumps(record(persionName="样例甲", VerifyStatus="1", similarity1="94.000000")).encode()
    )
    assert isinstance(message, Recognition)
    assert (message.verify_status, message.similarity, message.person_name) == (1, 94.0, "样例甲")
    right = parse(json.dumps(record(personName="样例甲", VerifyStatus=1, similarity1=94)).encode())
    assert isinstance(right, Recognition)
    assert (right.verify_status, right.similarity, right.person_name) == (1, 94.0, "样例甲")


@pytest.mark.parametrize("key", ["facesluiceId", "facesluiceld", "DeviceID", "deviceId"])
@pytest.mark.parametrize("nested", [True, False])
def test_a_heartbeat_may_be_nested_or_flat(key: str, nested: bool) -> None:
    inner = {key: 1306612, "time": "2026-03-02 07:00:00"}
    body = {"operator": "HeartBeat", "info": inner} if nested else {"operator": "HeartBeat", **inner}
    message = parse(json.dumps(body).encode())
    assert isinstance(message, Heartbeat)
    assert message.claimed_id == "1306612"


def test_a_name_in_gb18030_is_read() -> None:
    body = json.dumps(record(personName="样例甲"), ensure_ascii=False).encode("gb18030")
    message = parse(body)
    assert isinstance(message, Recognition)
    assert message.person_name == "样例甲"


def test_an_answer_tells_every_person() -> None:
    body = {
        "messageId": "m-1",
        "operator": "AddPersons-Ack",
        "code": "200",
        "info": {
            "AddErrNum": "1",
            "AddSucNum": "1",
            "AddErrInfo": [{"customId": "w-2", "errcode": "464"}],
            "AddSucInfo": [{"customId": "w-1"}],
            "result": "ok",
        },
    }
    message = parse(json.dumps(body).encode())
    assert isinstance(message, Answer)
    assert set(message.results) == {
        PersonResult(custom_id="w-1", error_code=None),
        PersonResult(custom_id="w-2", error_code=464),
    }
    assert not message.refused


def test_an_answer_may_carry_its_results_beside_info_or_only_count() -> None:
    beside = understand(
        {"operator": "EditPersonsNew-Ack", "AddSucInfo": [{"customId": "w-1"}], "AddErrInfo": []}
    )
    assert isinstance(beside, Answer)
    assert [one.custom_id for one in beside.results] == ["w-1"]
    counting = understand({"operator": "EditPersonsNew-Ack", "info": {"AddErrNum": 0, "AddSucNum": 3}})
    assert isinstance(counting, Answer)
    assert counting.counts_only
    assert counting.ok_count == 3


def test_who_is_on_the_terminal_comes_as_one_text_with_commas() -> None:
    message = understand({"operator": "QueryPerson-Ack", "info": {"customId": "w-1,w-2, w-3"}})
    assert isinstance(message, Answer)
    assert message.listed_ids == ("w-1", "w-2", "w-3")


def test_the_listed_people_are_not_cut_like_a_text() -> None:
    ids = [f"worker-{number:05}" for number in range(30_000)]
    message = understand({"operator": "QueryPerson-Ack", "info": {"customId": ",".join(ids)}})
    assert isinstance(message, Answer)
    assert list(message.listed_ids) == ids


def test_an_operator_nobody_knows_is_kept() -> None:
    message = parse(b'{"operator": "ParabolicSnapPush", "info": {"deviceId": "t-1"}}')
    assert isinstance(message, Unknown)
    assert (message.operator, message.claimed_id) == ("ParabolicSnapPush", "t-1")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"hello",
        b"[1]",
        b"3",
        b'"x"',
        b"\xff\xfe",
        b'{"a": 1,}',
        b"[" * 100_000,
        b'{"n": ' + b"9" * 5000 + b"}",
    ],
    ids=["empty", "text", "list", "number", "string", "bytes", "comma", "deep", "digits"],
)
def test_what_is_no_json_object_is_refused_by_name(payload: bytes) -> None:
    with pytest.raises(PayloadUnreadable):
        parse(payload)


def test_a_payload_larger_than_any_picture_is_refused_unread() -> None:
    with pytest.raises(PayloadUnreadable, match="more than any terminal sends"):
        parse(b" " * (MAX_PAYLOAD_BYTES + 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02 07:00:00", datetime(2026, 3, 1, 23, tzinfo=UTC)),
        ("2026-03-02T07:00:00", datetime(2026, 3, 1, 23, tzinfo=UTC)),
        ("2026/03/02 07:00:00", datetime(2026, 3, 1, 23, tzinfo=UTC)),
        ("2026-03-02T07:00:00+01:00", datetime(2026, 3, 2, 6, tzinfo=UTC)),
        ("0000-00-00 00:00:00", None),
        ("0001-01-01 00:00:00", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_time_without_zone_is_the_sites_wall_clock(text: str, expected: datetime | None) -> None:
    assert local_time(text, SHANGHAI) == expected


@settings(deadline=None)
@given(fields, fields, operators | json_values)
def test_no_object_breaks_the_parser_or_the_translation(
    outer: dict[str, object], info: dict[str, object], operator: object
) -> None:
    message = understand({**outer, "operator": operator, "info": info})
    if isinstance(message, Recognition | Stranger):
        event = event_of(message, terminal(), received_at=NOW)
        assert event == event_of(message, terminal(), received_at=NOW)
        assert event.model_validate_json(event.model_dump_json()) == event
        command = acknowledgement(message, terminal(), event.event_id)
        if command is not None:
            assert json.loads(command.payload)["info"]["SnapOrRecordID"] == message.record_id


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=8), json_values, max_size=6))
def test_no_json_object_crashes_parse(body: dict[str, object]) -> None:
    assert isinstance(
        parse(json.dumps(body).encode()), Unknown | Online | Answer | Recognition | Stranger | Heartbeat
    )
