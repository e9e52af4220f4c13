"""A command is executed once, in time, at the gate it was meant for, and answered."""

from __future__ import annotations

from datetime import timedelta

from sync.wire import topics
from sync.wire.messages import Action, Answer
from tests.sync.edge.brokers import Mosquitto
from tests.sync.edge.conftest import Rig
from tests.sync.edge.scripted_centre import ScriptedCentre, eventually


def answers(centre: ScriptedCentre, count: int) -> list[Answer]:
    eventually(lambda: len(centre.of(topics.ANSWER)) >= count, f"{count} answers")
    return centre.of(topics.ANSWER)


def test_a_command_is_executed_written_down_and_answered(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    rig.run(broker.port)
    centre.send(*centre.sealed(topics.COMMAND, centre.command()))
    (answer,) = answers(centre, 1)
    assert (answer.command_id, answer.done, answer.detail) == ("c-1", True, "opened")
    assert [command.action for command in rig.commands] == [Action.OPEN_ONCE]
    (kept,) = rig.store.commands()
    assert (kept.command_id, kept.action, kept.issued_by, kept.done) == (
        "c-1",
        "open_once",
        "manager-1",
        True,
    )


def test_a_repeated_command_gets_the_first_answer_and_is_not_executed_again(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    agent = rig.run(broker.port)
    for _ in range(3):
        centre.send(*centre.sealed(topics.COMMAND, centre.command()))
    assert {answer.detail for answer in answers(centre, 3)} == {"opened"}
    assert len(rig.commands) == 1
    assert agent.status().refused == {"replayed": 2}


def test_an_expired_command_is_answered_but_not_executed(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    agent = rig.run(broker.port)
    centre.send(*centre.sealed(topics.COMMAND, centre.command(valid_s=-1)))
    (answer,) = answers(centre, 1)
    assert (answer.done, answer.detail) == (False, "expired")
    assert rig.commands == []
    assert agent.status().refused == {"expired": 1}


def test_expiry_goes_by_the_centres_clock_even_where_the_gates_is_years_off(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    centre.clock_ahead = timedelta(days=800)
    rig.run(broker.port)
    centre.send(*centre.sealed(topics.COMMAND, centre.command(command_id="old", valid_s=-5)))
    centre.send(*centre.sealed(topics.COMMAND, centre.command(command_id="new", valid_s=60)))
    assert [(one.command_id, one.done) for one in answers(centre, 2)] == [("old", False), ("new", True)]


def test_a_command_for_another_gate_is_refused(rig: Rig, broker: Mosquitto, centre: ScriptedCentre) -> None:
    agent = rig.run(broker.port)
    topic, _ = centre.sealed(topics.COMMAND, centre.command())
    _, foreign = centre.sealed(topics.COMMAND, centre.command(), gate_id="gate-2")
    centre.send(topic, foreign)
    eventually(lambda: agent.status().refused == {"misaddressed": 1}, "it is refused")
    assert rig.commands == []
    assert rig.store.commands() == []


def test_a_command_that_fails_is_answered_with_the_kind_of_failure(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    def broken(_: object) -> tuple[bool, str]:
        raise TimeoutError("relay")

    rig.execute = broken
    rig.run(broker.port)
    centre.send(*centre.sealed(topics.COMMAND, centre.command()))
    (answer,) = answers(centre, 1)
    assert (answer.done, answer.detail) == (False, "failed: TimeoutError")


def test_a_command_whose_end_a_crash_hid_is_not_executed_again(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    rig.store.command_begin("c-1", action="open_once", lane_id="", issued_by="manager-1", reason="delivery")
    rig.run(broker.port)
    centre.send(*centre.sealed(topics.COMMAND, centre.command()))
    (answer,) = answers(centre, 1)
    assert not answer.done
    assert "not known" in answer.detail
    assert rig.commands == []


def test_a_question_is_answered_anew_each_time_and_written_down_nowhere(
    rig: Rig, broker: Mosquitto, centre: ScriptedCentre
) -> None:
    rig.execute = lambda command: (True, command.question)
    agent = rig.run(broker.port)
    question = centre.command(Action.EXPLAIN).model_copy(update={"question": '{"worker_id": "W-1"}'})
    for _ in range(2):
        centre.send(*centre.sealed(topics.COMMAND, question))
    late = centre.command(Action.EXPLAIN, command_id="late", valid_s=-1)
    centre.send(*centre.sealed(topics.COMMAND, late))
    assert [one.detail for one in answers(centre, 3)] == [question.question, question.question, "expired"]
    assert rig.store.commands() == []
    assert agent.status().refused == {"expired": 1}
