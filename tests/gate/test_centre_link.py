"""What the centre may have done at a gate, and what the gate says to it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.centre_link import CentreLink
from gate.service import GateService
from gate.startup import open_store
from sync.edge.settings import CentreSettings
from sync.edge.status import EdgeStatus
from sync.records import Direction, Method, Outcome
from sync.wire.explanation import UNKNOWN_WORKER, Explanation, GateQuestion
from sync.wire.keys import private_pem, public_pem, write_private
from sync.wire.messages import Action, Command
from tests.gate.conftest import WORKER, World, worker

pytestmark = pytest.mark.slow


@pytest.fixture
def centre(world: World) -> CentreSettings:
    """Keys of a gate and its centre; the broker is somewhere nobody listens."""
    folder = world.folder / "keys"
    folder.mkdir()
    write_private(folder / "gate.key", private_pem(Ed25519PrivateKey.generate()))
    write_private(folder / "site.key", "5a" * 32)
    (folder / "centre.pub").write_text(public_pem(Ed25519PrivateKey.generate().public_key()))
    return CentreSettings(
        enabled=True,
        broker="mqtt://127.0.0.1:9",
        gate_key_file=folder / "gate.key",
        centre_public_key_file=folder / "centre.pub",
        site_key_file=folder / "site.key",
    )


def link_of(service: GateService) -> CentreLink:
    assert isinstance(service.centre, CentreLink)
    return service.centre


def order(action: Action, lane_id: str = "") -> Command:
    return Command(
        command_id=f"c-{action}",
        action=action,
        lane_id=lane_id,
        issued_by="supervisor 1",
        reason="drill",
        expires_at=datetime.now(UTC) + timedelta(minutes=1),
    )


def test_a_gate_without_reach_of_its_centre_works_on_and_says_so(
    world: World, centre: CentreSettings
) -> None:
    world.enrol()
    service, seen = world.gate("worker.avi", centre=centre)
    service.start()
    service.wait_ended()
    assert [r.event.outcome for r in seen] == [Outcome.ALLOW]
    assert service.lane("lane-1").health.centre
    with open_store(world.settings("worker.avi")) as store:
        assert store.outbox_depth() == 1


def test_opening_from_the_centre_is_recorded_with_who_and_why(world: World, centre: CentreSettings) -> None:
    service, seen = world.gate("stranger.avi", centre=centre)
    done, detail = link_of(service).execute(order(Action.OPEN_ONCE, "lane-1"))
    (recorded,) = seen
    assert done
    assert recorded.event.event_id in detail
    assert (recorded.event.method, recorded.event.guard) == (Method.COMMAND, "supervisor 1")
    assert recorded.event.note == "drill"
    assert recorded.opened_at_s is not None


def test_a_locked_lane_lets_nobody_in_by_face_also_after_a_restart(
    world: World, centre: CentreSettings
) -> None:
    world.enrol()
    service, _ = world.gate("worker.avi", centre=centre)
    assert link_of(service).execute(order(Action.LOCK, "lane-1")) == (True, "lock")
    service.stop()
    service, seen = world.gate("worker.avi", centre=centre)
    service.start()
    service.wait_ended()
    assert [(r.event.outcome, r.event.reasons) for r in seen] == [(Outcome.DENY, ("lane_locked",))]
    assert link_of(service).execute(order(Action.UNLOCK)) == (True, "unlock")
    service.stop()
    assert [r.event.outcome for r in world.play("worker.avi", centre=centre)] == [Outcome.ALLOW]


def test_a_lane_that_leads_out_cannot_be_locked(world: World, centre: CentreSettings) -> None:
    lane = world.settings("worker.avi").lanes[0].model_copy(update={"direction": Direction.OUT})
    service, _ = world.gate("worker.avi", centre=centre, lanes=(lane,))
    assert link_of(service).execute(order(Action.LOCK)) == (False, "lane-1 leads out and cannot be locked")


def test_a_door_held_open_stays_open_until_it_is_taken_back(world: World, centre: CentreSettings) -> None:
    service, _ = world.gate("stranger.avi", centre=centre)
    relay = service.doors["lane-1"].relay
    assert link_of(service).execute(order(Action.HOLD_OPEN))[0]
    assert relay.is_energised()
    assert link_of(service).execute(order(Action.RELEASE))[0]
    assert not relay.is_energised()


def test_an_unknown_lane_is_an_answer_and_no_crash(world: World, centre: CentreSettings) -> None:
    service, _ = world.gate("stranger.avi", centre=centre)
    assert link_of(service).execute(order(Action.OPEN_ONCE, "lane-9")) == (False, "no lane lane-9")


def test_diagnostics_hold_figures_and_no_person(world: World, centre: CentreSettings) -> None:
    world.enrol()
    service, _ = world.gate("stranger.avi", centre=centre)
    service.roster.refresh()
    done, detail = link_of(service).execute(order(Action.DIAGNOSTICS))
    assert done
    assert json.loads(detail)["workers"] == 1
    assert worker().name not in detail
    assert worker().worker_id not in detail


def test_a_question_is_answered_rule_by_rule_without_a_name_and_nothing_happens(
    world: World, centre: CentreSettings
) -> None:
    world.enrol(worker(clearances=()))
    service, seen = world.gate("stranger.avi", centre=centre)
    now = datetime.now(UTC)

    def asked(lane_id: str, worker_id: str) -> tuple[bool, str]:
        question = GateQuestion(worker_id=worker_id, at=now).model_dump_json()
        return link_of(service).execute(
            order(Action.EXPLAIN, lane_id).model_copy(update={"question": question})
        )

    done, detail = asked("", WORKER)
    told = Explanation.model_validate_json(detail)
    assert done
    assert (told.lane_id, told.direction, told.at) == ("lane-1", Direction.IN, now)
    assert (told.outcome, told.reasons[0]) == (Outcome.DENY, "training_missing")
    by_rule = {one.rule: one.said for one in told.rules}
    assert tuple(by_rule) == service.settings.policy.rules_for(Direction.IN)
    assert by_rule["registered"] == ()
    (said,) = by_rule["training"]
    assert said.zh
    assert said.step_en
    assert worker().name not in detail
    assert asked("lane-1", "W-9") == (False, UNKNOWN_WORKER)
    assert asked("lane-9", WORKER) == (False, "no lane lane-9")
    assert seen == []
    assert not service.doors["lane-1"].relay.is_energised()
    with open_store(world.settings("worker.avi")) as store:
        assert (store.outbox_depth(), store.commands()) == (0, [])


def status(**changes: object) -> EdgeStatus:
    calm = EdgeStatus(
        connected=True, centre_answers=True, outbox_depth=0, outbox_parked=0, outbox_dropped=0,
        outbox_alarm=False, outbox_full=False, roster_version=1, roster_workers=1, roster_confirmed_at=None,
        roster_age_s=5.0, clock_offset_ms=None,
    )  # fmt: skip
    return replace(calm, **changes)  # type: ignore[arg-type]


def test_the_age_of_the_roster_is_on_the_screen_once_it_is_worth_knowing(
    world: World, centre: CentreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, _ = world.gate("worker.avi", centre=centre)
    monkeypatch.setattr(link_of(service), "status", status)
    assert service.lane("lane-1").health.centre == ""
    monkeypatch.setattr(link_of(service), "status", lambda: status(roster_age_s=7 * 3600.0))
    assert service.lane("lane-1").health.centre == "roster confirmed 7 h ago"


def test_a_full_outbox_keeps_the_gate_shut_where_the_site_wants_that(
    world: World, centre: CentreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.enrol()
    service, seen = world.gate("worker.avi", centre=centre.model_copy(update={"when_full": "shut"}))
    full = status(outbox_full=True)
    monkeypatch.setattr(link_of(service), "status", lambda: full)
    service.start()
    service.wait_ended()
    assert [r.event.reasons[0] for r in seen] == ["outbox_full"]
