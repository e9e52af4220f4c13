"""Requests to the real-name platform: signed, encrypted, checked by the simulator over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.people import DocumentType
from sync.real_name import (
    AnswerLost,
    AppSecret,
    Attendance,
    DialectInvalid,
    NotSent,
    PlatformBusy,
    PlatformClient,
    RequestRefused,
    read_dialect,
)
from sync.real_name.client import UrlRefused, check_url
from sync.real_name.records import RealNameWorker, attendance_row, passage_key, workers_data
from sync.real_name.signing import SecretUnusable
from sync.real_name.simulator import TIMESTAMP_WITHIN, Platform, PlatformServer
from sync.records import Direction, Method
from tests.sync.central.console_samples import NOW, Clock
from tests.sync.real_name.samples import (
    APP_ID,
    NATIONAL,
    SECRET,
    SECRET_TEXT,
    TEAM,
    a_platform,
    a_worker,
    resident_number,
)

PRINTABLE = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def platform(clock: Clock) -> Platform:
    return a_platform(clock)


@pytest.fixture
def url(platform: Platform) -> Iterator[str]:
    with PlatformServer(platform) as server:
        yield server.url


@pytest.fixture
def client(url: str, clock: Clock) -> Iterator[PlatformClient]:
    with PlatformClient(url, APP_ID, SECRET, NATIONAL, now=clock) as opened:
        yield opened


def a_passage(sequence: int = 1, minutes: int = 0, **changes: object) -> Attendance:
    return Attendance.model_validate(
        {
            "document_type": DocumentType.RESIDENT_ID,
            "document_number": resident_number(sequence),
            "at": NOW + timedelta(minutes=minutes),
            "direction": Direction.IN,
            "method": Method.FACE.value,
            "channel": "一号门",
            **changes,
        }
    )


@given(PRINTABLE)
def test_what_is_encrypted_is_read_again_under_the_same_secret_only(text: str) -> None:
    assert SECRET.decrypt(SECRET.encrypt(text)) == text
    other = AppSecret(SECRET_TEXT[::-1])
    with suppress(SecretUnusable):
        assert other.decrypt(SECRET.encrypt(text)) != text


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), PRINTABLE, max_size=6), PRINTABLE)
def test_a_signature_depends_on_every_parameter_and_not_on_their_order(
    parameters: dict[str, str], added: str
) -> None:
    signature = SECRET.sign(parameters, secret_name="appsecret")
    turned = dict(reversed(list(parameters.items())))
    assert SECRET.signed_by(turned, signature.upper(), secret_name="appsecret")
    assert not SECRET.signed_by({**parameters, "zzzzzzzzz": added}, signature, secret_name="appsecret")


def test_the_recipe_of_the_signature_is_the_documented_one() -> None:
    text = f'appid=A&data={{"k":"V"}}&nonce=n&appsecret={SECRET_TEXT}'
    expected = sha256(text.lower().encode()).hexdigest()
    told = {"nonce": "n", "appid": "A", "data": '{"k":"V"}'}
    assert SECRET.sign(told, secret_name="appsecret") == expected
    assert SECRET_TEXT not in repr(SECRET)
    with pytest.raises(SecretUnusable):
        AppSecret("too short")


@given(
    st.sampled_from(list(Direction)),
    st.sampled_from(list(Method)),
    st.floats(0, 4e9),
    st.booleans(),
)
def test_a_passage_reads_back_and_a_correction_never_looks_like_a_gates_record(
    direction: Direction, method: Method, wall_s: float, is_correction: bool
) -> None:
    passage = a_passage(
        direction=direction,
        method=method.value,
        at=datetime.fromtimestamp(wall_s, UTC),
        is_correction=is_correction,
    )
    row = attendance_row(passage, NATIONAL, SECRET)
    number, moment, code = passage_key(row, NATIONAL, SECRET)
    assert number == passage.document_number not in row.values()
    assert moment == f"{passage.at.astimezone(NATIONAL.zone):%Y-%m-%d %H:%M:%S}"
    assert code == {"in": "01", "out": "02"}[direction]
    assert (row["channel"] == NATIONAL.corrected_channel) is is_correction
    assert not is_correction or row["attendType"] in ("007", "011")


def test_optional_facts_are_left_out_and_a_photo_goes_only_up_to_its_size() -> None:
    plain = workers_data(TEAM, [a_worker()], NATIONAL, SECRET)["workerList"][0]
    assert {"headImage", "birthday", "cellPhone", "address"}.isdisjoint(plain)
    assert plain["workType"] == "020" and plain["workRole"] == 20
    for size, goes in ((30_000, True), (NATIONAL.protocol.photo_bytes_max, False)):
        pictured = RealNameWorker.model_validate({**a_worker().model_dump(), "photo": bytes(size)})
        row = workers_data(TEAM, [pictured], NATIONAL, SECRET)["workerList"][0]
        assert ("headImage" in row) is goes


def test_a_team_its_worker_and_a_passage_are_taken_and_found_again(
    client: PlatformClient, platform: Platform
) -> None:
    platform.faults.pending = 1
    serial = client.add_team(TEAM)
    assert client.result(serial).state == "waiting"
    done = client.result(serial)
    assert (done.state, done.team_no) == ("done", client.team_number(TEAM))
    team = TEAM.model_copy(update={"team_no": done.team_no})
    worker = a_worker()
    assert not client.has_worker(team, worker)
    serial = client.add_workers(team, [worker])
    assert [client.result(serial).state for _ in range(2)] == ["waiting", "done"]
    assert client.has_worker(team, worker)
    passages = [a_passage(minutes=-number) for number in range(20)]
    serials = [client.add_attendance(team, passages) for _ in range(4)]
    assert len(client.passages(team, NOW.date())) == 20  # of several pages of the platform's own size
    again = [client.result(serials[1]) for _ in range(2)][1]
    assert again.state == "failed" and again.refused is not None and len(again.refused) == 20
    assert all(NATIONAL.is_there_already(reason) for reason in again.refused.values())


def test_a_refusal_names_its_row_or_stands_for_the_whole_request(
    client: PlatformClient, platform: Platform
) -> None:
    team = TEAM.model_copy(update={"team_no": client.result(client.add_team(TEAM)).team_no})
    assert client.result(client.add_workers(team, [a_worker(1), a_worker(2)])).state == "done"
    platform.faults.refused = {resident_number(2): "工人已退场"}
    rows = [a_passage(1), a_passage(2)]
    named = client.result(client.add_attendance(team, rows))
    assert (named.state, named.refused) == ("failed", {1: "工人已退场"})
    platform.faults.names_rows = False
    whole = client.result(client.add_attendance(team, rows))
    assert (whole.state, whole.refused, whole.message) == ("failed", {}, "考勤记录重复")


def test_each_fault_says_whether_the_request_may_have_been_taken(
    client: PlatformClient, platform: Platform, url: str, clock: Clock
) -> None:
    platform.faults.busy = 1
    with pytest.raises(PlatformBusy):
        client.add_team(TEAM)
    platform.faults.errors = 1
    with pytest.raises(AnswerLost):
        client.add_team(TEAM)
    assert platform.teams == {}
    platform.faults.lost = 1
    with pytest.raises(AnswerLost):
        client.add_team(TEAM)
    assert client.team_number(TEAM)
    platform.faults.silent = 1
    hasty = PlatformClient(url, APP_ID, SECRET, NATIONAL, now=clock, timeout_s=0.2)
    with hasty, pytest.raises(AnswerLost):
        hasty.add_team(TEAM.model_copy(update={"team_name": "木工二班"}))
    nowhere = PlatformClient("http://127.0.0.1:9/open.api", APP_ID, SECRET, NATIONAL, now=clock)
    with nowhere, pytest.raises(NotSent):
        nowhere.add_team(TEAM)


def test_a_forged_late_repeated_or_foreign_request_is_refused(
    platform: Platform, url: str, client: PlatformClient, clock: Clock
) -> None:
    for wrong in (
        PlatformClient(url, APP_ID, AppSecret(SECRET_TEXT[::-1]), NATIONAL, now=clock),
        PlatformClient(url, "another-app", SECRET, NATIONAL, now=clock),
        PlatformClient(url, APP_ID, SECRET, NATIONAL, now=lambda: NOW - 2 * TIMESTAMP_WITHIN),
    ):
        with wrong, pytest.raises(RequestRefused):
            wrong.add_team(TEAM)
    with pytest.raises(RequestRefused, match="-3"):
        client.add_team(TEAM.model_copy(update={"project_code": "somebody-elses"}))
    sent: list[dict[str, str]] = []
    answer = platform.answer
    platform.answer = lambda parameters: sent.append(dict(parameters)) or answer(parameters)  # type: ignore[method-assign,func-returns-value]
    client.team_number(TEAM)
    replayed = httpx.post(url, data=sent[0]).json()
    assert (replayed["code"], replayed["message"]) == ("-1", "nonce 重复使用")
    assert resident_number(1) not in str(sent)


def test_an_address_that_is_none_or_shows_everything_to_the_network_is_refused() -> None:
    for url in ("ftp://platform.example", "https://user:pw@platform.example/", "http://platform.example/"):
        with pytest.raises(UrlRefused):
            check_url(url, allow_plain=False)
    assert check_url("http://platform.example/", allow_plain=True)
    assert check_url("https://platform.example/open.api", allow_plain=False)


def test_a_provinces_dialect_is_another_file_and_a_broken_one_says_where(tmp_path: Path) -> None:
    national = Path("sync/real_name/data/national.yaml").read_text(encoding="utf-8")
    province = tmp_path / "province.yaml"
    province.write_text(
        national.replace("rows: dataList", "rows: attendances").replace('face: "001"', 'face: "1"'),
        encoding="utf-8",
    )
    dialect = read_dialect(str(province))
    assert dialect.fields_.attendances.rows == "attendances"
    assert attendance_row(a_passage(), dialect, SECRET)["attendType"] == "1"
    broken = tmp_path / "broken.yaml"
    broken.write_text(national.replace('  passport: "08"\n', ""), encoding="utf-8")
    with pytest.raises(DialectInvalid, match=r"document_types.*passport"):
        read_dialect(str(broken))
    with pytest.raises(DialectInvalid):
        read_dialect("no-such-dialect")
