"""A terminal's list is brought to the target, person by person, with a clock that the test holds."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from sync.records import Flag, FlagLevel, Worker, WorkerStatus
from sync.vendor.commands import MAX_COMMAND_BYTES, Command, Person, batches, delete_people, edit_people
from sync.vendor.errors import CommandInvalid
from sync.vendor.ledger import Ledger, LedgerUnreadable
from sync.vendor.messages import Answer, understand
from sync.vendor.push import ANSWER_LIMIT_S, FIRST_RETRY_S, LAST_RETRY_S, RosterPush
from sync.vendor.roster import wanted
from tests.sync.vendor.samples import NOW, Album, terminal, worker


def push_for(workers: list[Worker], *, album: Album | None = None, **settings: object) -> RosterPush:
    """A push that aims at `workers`, the terminal already asked and empty."""
    album = album or Album()
    push = RosterPush(terminal(**settings), album)
    push.aim(wanted(workers, push.terminal.site_id, album, now=NOW))
    query = push.next(0)
    assert query is not None
    assert query.operator == "QueryPerson"
    push.answer(reply(query, customId=""), 0)
    return push


def reply(
    command: Command, *, code: int = 200, failed: dict[str, int] | None = None, **info: object
) -> Answer:
    """The terminal's answer to `command`; `failed` maps people to error codes, the others succeed."""
    failed = failed or {}
    rows: dict[str, object] = {}
    if code == 200 and command.operator != "QueryPerson":
        prefix = "Del" if command.operator == "DeletePersons" else "Add"
        rows[f"{prefix}SucInfo"] = [{"customId": one} for one in command.concerns if one not in failed]
        rows[f"{prefix}ErrInfo"] = [{"customId": one, "errcode": str(why)} for one, why in failed.items()]
    body = {
        "messageId": command.message_id,
        "operator": f"{command.operator}-Ack",
        "code": str(code),
        "info": {**rows, **info},
    }
    answer = understand(body)
    assert isinstance(answer, Answer)
    return answer


def due(push: RosterPush, now: float) -> Command:
    command = push.next(now)
    assert command is not None
    return command


def test_2500_people_go_in_three_batches_one_at_a_time() -> None:
    push = push_for([worker(number) for number in range(2500)])
    sizes = []
    while (command := push.next(1)) is not None:
        assert push.next(1) is None
        sizes.append(len(command.concerns))
        assert json.loads(command.payload)["PersonNum"] == str(len(command.concerns))
        push.answer(reply(command), 1)
    assert sizes == [1000, 1000, 500]
    assert len(push.held) == 2500
    assert push.outstanding() == ()


def test_who_left_is_removed_before_others_are_added_200_at_a_time() -> None:
    push = push_for([worker(number) for number in range(450)])
    push.answer(reply(due(push, 1)), 1)
    push.aim(wanted([worker("new")], push.terminal.site_id, Album(), now=NOW))
    operators = []
    while (command := push.next(2)) is not None:
        operators.append((command.operator, len(command.concerns)))
        push.answer(reply(command), 2)
    assert operators == [
        ("DeletePersons", 200),
        ("DeletePersons", 200),
        ("DeletePersons", 50),
        ("EditPersonsNew", 1),
    ]
    assert push.held.keys() == {"w-new"}


def test_a_bad_photo_is_reported_and_only_tried_again_when_it_changes() -> None:
    album = Album()
    push = push_for([worker(1), worker(2)], album=album)
    push.answer(reply(due(push, 1), failed={"w-2": 464}), 1)
    assert [(one.worker_id, one.reason, one.attempts) for one in push.outstanding()] == [
        ("w-2", "no_face_in_photo", 1)
    ]
    assert push.next(1_000_000) is None
    album.edition = "2"
    push.aim(wanted([worker(1), worker(2)], push.terminal.site_id, album, now=NOW))
    assert due(push, 1_000_001).concerns == ("w-1", "w-2")


def test_a_photo_that_could_not_be_fetched_is_tried_again_later_and_later() -> None:
    push = push_for([worker(1)])
    now, waits = 0.0, []
    command = due(push, now)
    for _ in range(12):
        push.answer(reply(command, failed={"w-1": 471}), now)
        wait = 0.0
        while (again := push.next(now + wait)) is None:
            wait += FIRST_RETRY_S
        command = again
        waits.append(wait)
        now += wait
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, LAST_RETRY_S, LAST_RETRY_S, LAST_RETRY_S]
    assert push.outstanding()[0].reason == "photo_not_reachable"


def test_a_busy_terminal_is_left_alone_for_a_while() -> None:
    push = push_for([worker(1)])
    push.answer(reply(due(push, 1), code=410), 1)
    assert push.next(2) is None
    assert due(push, 1 + FIRST_RETRY_S).concerns == ("w-1",)
    assert push.outstanding()[0].attempts == 0


def test_a_batch_without_an_answer_is_sent_again_and_the_late_answer_ignored() -> None:
    push = push_for([worker(1)])
    first = due(push, 1)
    limit = 1 + ANSWER_LIMIT_S["EditPersonsNew"]
    assert push.next(limit - 1) is None
    assert push.next(limit) is None
    assert push.outstanding()[0].reason == "unanswered"
    second = due(push, limit + FIRST_RETRY_S)
    assert not push.answer(reply(first), limit + 11)
    assert push.answer(reply(second), limit + 12)
    assert push.held.keys() == {"w-1"}


def test_people_whom_an_answer_forgets_are_sent_again() -> None:
    push = push_for([worker(1), worker(2)])
    command = due(push, 1)
    push.answer(reply(Command(command.operator, command.message_id, b"", ("w-1",))), 1)
    assert [(one.worker_id, one.reason) for one in push.outstanding()] == [("w-2", "not_confirmed")]
    assert due(push, 1 + FIRST_RETRY_S).concerns == ("w-2",)


def test_an_answer_that_only_counts_is_believed_when_nobody_failed() -> None:
    push = push_for([worker(1), worker(2)])
    for counted, held in ((1, 0), (2, 2)):
        command = due(push, 100.0 * counted)
        body = {
            "operator": "EditPersonsNew-Ack",
            "messageId": command.message_id,
            "info": {"AddSucNum": counted, "AddErrNum": 2 - counted},
        }
        answer = understand(body)
        assert isinstance(answer, Answer)
        push.answer(answer, 100.0 * counted)
        assert len(push.held) == held


def test_deleting_somebody_who_is_not_there_ends_well() -> None:
    push = push_for([worker(1)])
    push.answer(reply(due(push, 1)), 1)
    push.aim(wanted([], push.terminal.site_id, Album(), now=NOW))
    push.answer(reply(due(push, 2), failed={"w-1": 0}), 2)
    assert push.outstanding()[0].reason == "not_deleted"
    query = due(push, 3)
    assert query.operator == "QueryPerson"
    push.answer(reply(query, customId=""), 3)
    assert push.outstanding() == ()
    assert push.next(10_000) is None


def test_a_terminal_that_was_reset_gets_everybody_again() -> None:
    push = push_for([worker(1), worker(2)])
    push.answer(reply(due(push, 1)), 1)
    push.reconnected()
    push.answer(reply(due(push, 2), customId="w-1"), 2)
    assert due(push, 3).concerns == ("w-2",)


@pytest.mark.parametrize("removes", [False, True])
def test_people_nobody_sent_are_reported_and_removed_only_where_that_is_configured(removes: bool) -> None:
    album = Album()
    push = RosterPush(terminal(remove_strays=removes), album)
    push.aim(wanted([], push.terminal.site_id, album, now=NOW))
    push.answer(reply(due(push, 1), customId="old-1,old-2"), 1)
    command = push.next(2)
    if removes:
        assert command is not None
        assert (command.operator, command.concerns) == ("DeletePersons", ("old-1", "old-2"))
    else:
        assert command is None
        assert push.strays == ("old-1", "old-2")


def test_a_terminal_that_cannot_list_its_people_is_served_from_the_ledger() -> None:
    album = Album()
    push = RosterPush(terminal(), album, {"w-gone": "d"})
    push.aim(wanted([worker(1)], push.terminal.site_id, album, now=NOW))
    now = 0.0
    for _ in range(2):
        assert due(push, now).operator == "QueryPerson"
        now += ANSWER_LIMIT_S["QueryPerson"]
    assert due(push, now).operator == "DeletePersons"


def test_pictures_inside_the_message_go_one_at_a_time() -> None:
    push = push_for([worker(1), worker(2)], album=Album(jpeg=b"\xff\xd8jpeg"), picture_in_command=True)
    for number in (1, 2):
        command = due(push, number)
        assert (command.operator, command.concerns) == ("EditPerson", (f"w-{number}",))
        assert json.loads(command.payload)["info"]["pic"].startswith("data:image/jpeg;base64,")
        body = {
            "operator": "EditPerson-Ack",
            "code": "200",
            "info": {"customId": f"w-{number}", "result": "ok"},
        }
        answer = understand(body)
        assert isinstance(answer, Answer)
        push.answer(answer, number)
    assert len(push.held) == 2


def test_a_picture_too_large_for_the_message_is_reported() -> None:
    push = push_for([worker(1)], album=Album(jpeg=b"x" * 800_000), picture_in_command=True)
    assert push.next(1) is None
    assert push.outstanding()[0].reason == "photo_too_large"


def test_who_may_not_be_sent_is_listed_with_the_reason() -> None:
    hold = Flag(level=FlagLevel.HOLD)
    people = [
        worker(1, face_consent_on=None),
        worker(2),
        worker(3, flags=(hold,)),
        worker("x" * 60),
    ]
    target = wanted(people, "site-1", Album(without=frozenset({"w-2"})), now=NOW)
    assert {one.worker_id[:4]: one.reason for one in target.impossible} == {
        "w-1": "no_consent",
        "w-2": "no_photo",
        "w-3": "flag_needs_guard",
        "w-xx": "id_too_long",
    }


def test_whoever_may_not_enter_is_taken_off_the_terminal() -> None:
    people = [
        worker(1),
        worker(2, status=WorkerStatus.LEFT),
        worker(3, status=WorkerStatus.BLOCKED),
        worker(4, flags=(Flag(level=FlagLevel.BLOCK),)),
        worker(5, grant_until=NOW),
        worker(6, grant_from=NOW + timedelta(seconds=1)),
        worker(7, site_ids=("site-2",)),
        worker(8, flags=(Flag(level=FlagLevel.BLOCK, valid_until=NOW),)),
    ]
    assert wanted(people, "site-1", Album(), now=NOW).digests.keys() == {"w-1", "w-8"}


def test_long_photo_addresses_make_smaller_batches_below_one_megabyte() -> None:
    people = [
        Person(custom_id=f"w-{n}", name="样例", photo_url="https://x/" + "s" * 2000) for n in range(1000)
    ]
    cut = list(batches(people))
    assert sum(len(one) for one in cut) == 1000
    assert len(cut) > 1
    assert all(len(edit_people(one, message_id="m").payload) <= MAX_COMMAND_BYTES for one in cut)


def test_commands_that_a_terminal_would_refuse_are_not_built() -> None:
    person = Person(custom_id="w-1", name="样例", photo_url="http://x/1.jpg")
    with pytest.raises(CommandInvalid, match="1 to 1000"):
        edit_people([], message_id="m")
    with pytest.raises(CommandInvalid, match="1 to 200"):
        delete_people([str(n) for n in range(201)], message_id="m")
    with pytest.raises(CommandInvalid, match="twice"):
        edit_people([person, person], message_id="m")


def test_a_ledger_survives_a_restart_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    Ledger(folder).write("t-1", {"w-1": "d"})
    assert Ledger(folder).read("t-1") == {"w-1": "d"}
    assert (folder / "t-1.json").stat().st_mode & 0o077 == 0
    (folder / "t-1.json").write_text("{")
    with pytest.raises(LedgerUnreadable, match=r"t-1\.json"):
        Ledger(folder).read("t-1")
