"""Both real ends on a real broker: the agent of a gate and the central service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from sync.alerting import StepKind, shipped_rules
from sync.central import commands, registry, site_registry, tables
from sync.central.accounts_access import Role, Viewer
from sync.central.alerts import Doing, act, raise_alert
from sync.central.gate_questions import GateQuestions, Reply
from sync.central.keys import signing_key
from sync.central.service import CentralService
from sync.central.settings import BrokerSettings
from sync.central.settings import CentreSettings as ServiceSettings
from sync.edge.notices import NoticeKeeper
from sync.records import Direction, Flag, FlagLevel, Method, Outcome, PassGrant
from sync.wire.explanation import Explanation, GateQuestion, RuleAnswer, Said
from sync.wire.keys import public_pem
from sync.wire.messages import Action
from tests.sync.edge.brokers import Mosquitto
from tests.sync.edge.conftest import GATE, SITE, Rig
from tests.sync.edge.scripted_centre import LIMIT_S, eventually
from tests.sync.samples import a_template, a_worker, an_event

pytestmark = pytest.mark.slow  # a real broker, restarts and waits: seconds each


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def service(rig: Rig, broker: Mosquitto, tmp_path: Path) -> Iterator[CentralService]:
    """A centre that knows the gate of the rig, which has got its key files."""
    settings = ServiceSettings(
        database=f"sqlite:///{tmp_path / 'central.db'}",
        keys=tmp_path / "centre-keys",
        broker=BrokerSettings(url=f"mqtt://127.0.0.1:{broker.port}"),
        poll=timedelta(milliseconds=20),
    )
    with CentralService(settings) as service:
        public = signing_key(settings.keys).public_key()
        with service.database.write() as connection:
            site_registry.put_site(connection, SITE, name="示例工地", timezone="Asia/Shanghai", now=now())
            issued = site_registry.add_gate(connection, SITE, GATE, centre=public, now=now())
        for name in ("gate.key", "site.key"):
            (tmp_path / name).unlink()
        issued.write(tmp_path)
        assert (tmp_path / "centre.pub").read_text().strip() == public_pem(public).strip()
        assert service.wait_connected(LIMIT_S)
        yield service
        rig.close()


def events_there(service: CentralService) -> int:
    with service.database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(tables.events)) or 0)


def in_step(rig: Rig, service: CentralService) -> None:
    """Until the gate has the centre's newest roster and the centre has confirmed it."""

    def same() -> bool:
        with service.database.read() as connection:
            version = connection.scalar(select(tables.sites.c.roster_version))
        status = rig.agents[-1].status()
        return status.roster_version == version and status.roster_confirmed_at is not None

    eventually(same, "the gate has the newest roster")


def test_events_roster_flags_and_commands_cross_between_the_real_ends(
    rig: Rig, broker: Mosquitto, service: CentralService
) -> None:
    crowd = [
        (a_worker(f"W-{number:03}"), [a_template(f"W-{number:03}", seed=number)]) for number in range(150)
    ]
    with service.database.write() as connection:
        registry.put_workers(connection, crowd, now=now())
    for _ in range(300):
        rig.store.record(an_event(occurred_at=now()))
    agent = rig.run(broker.port)
    in_step(rig, service)
    assert rig.store.count_workers() == 150
    eventually(lambda: rig.store.outbox_depth() == 0, "the backlog is acknowledged")
    assert events_there(service) == 300

    with service.database.write() as connection:
        flag = Flag(level=FlagLevel.BLOCK, reason="example")
        registry.add_flag(connection, "W-007", flag, now=now())
        registry.remove_worker(connection, "W-008")
        grant = PassGrant(method=Method.QR, digest="a" * 64)
        registry.put_worker(connection, a_worker("W-009", passes=(grant,)), now=now())
    eventually(lambda: rig.store.worker("W-007").flags, "the flag is at the gate")
    in_step(rig, service)
    assert rig.store.count_workers() == 149
    eventually(lambda: rig.store.pass_holders("a" * 64), "the pass is known at the gate")

    with service.database.write() as connection:
        asked = commands.ask(
            connection, (SITE, GATE), Action.OPEN_ONCE, issued_by="manager-1", reason="delivery", now=now()
        )
    service.command_asked()
    eventually(lambda: [one.command_id for one in rig.commands] == [asked], "the command is executed")

    def answered() -> bool:
        with service.database.read() as connection:
            return bool(connection.scalar(select(tables.commands.c.done)))

    eventually(answered, "the answer is at the centre")
    assert agent.status().refused == {}
    assert agent.status().problem == ""


def test_a_broker_that_dies_between_the_real_ends_loses_and_doubles_nothing(
    rig: Rig, broker: Mosquitto, service: CentralService
) -> None:
    rig.run(broker.port, batch_items=20)
    for _ in range(3):
        for _ in range(60):
            rig.store.record(an_event(occurred_at=now()))
        broker.kill()
        broker.start()
    with service.database.write() as connection:
        registry.put_worker(connection, a_worker("W-1"), [a_template("W-1")], now=now())
    eventually(lambda: rig.store.outbox_depth() == 0, "everything is acknowledged")
    assert events_there(service) == 180
    in_step(rig, service)
    assert rig.store.worker("W-1").worker_id == "W-1"


def test_the_guard_is_told_of_an_alert_until_somebody_acknowledges_it_also_offline(
    rig: Rig, broker: Mosquitto, service: CentralService
) -> None:
    def shown() -> list[str]:
        return [notice.notice_id for notice in rig.agents[-1].status().notices]

    with service.database.write() as connection:
        alert_id = raise_alert(connection, "fever_at_gate", site_id=SITE, subject="worker:W-1", now=now())
        raise_alert(connection, "supplies_short", site_id=SITE, subject="site", now=now())  # not for guards
    agent = rig.run(broker.port)
    eventually(lambda: shown() == ["fever_at_gate"], "the guard is told")
    (notice,) = agent.status().notices
    assert "W-1" not in notice.model_dump_json()
    broker.kill()
    eventually(lambda: not agent.status().connected, "the connection is lost")
    assert shown() == ["fever_at_gate"]
    assert NoticeKeeper(rig.store).notices == (notice,), "a restart without a connection shows it too"
    with service.database.write() as connection:
        act(connection, shipped_rules(), alert_id, Doing(StepKind.ACKNOWLEDGED, 0), by="guo", now=now())
    broker.start()
    eventually(lambda: shown() == [], "the notice is gone")


def test_a_gate_is_asked_about_a_worker_and_its_answer_is_read_once(
    rig: Rig, broker: Mosquitto, service: CentralService
) -> None:
    told = Explanation(
        lane_id="lane-1",
        direction=Direction.IN,
        at=now(),
        outcome=Outcome.HOLD,
        reasons=("pass_yellow",),
        rules=(RuleAnswer(rule="pass_colour", said=(Said(outcome=Outcome.HOLD, reason="pass_yellow"),)),),
    )
    rig.execute = lambda _: (True, told.model_dump_json())
    with service.database.write() as connection:
        registry.put_worker(connection, a_worker("W-1"), now=now())
    rig.run(broker.port)
    questions = GateQuestions(service.database, now=now)
    admin = Viewer("admin", "", Role.ADMIN, None)

    def heard() -> bool:
        with service.database.read() as connection:
            return connection.scalar(select(tables.gate_status.c.presence)) == "online"

    eventually(heard, "the gate is heard")
    asked = questions.ask(admin, (SITE, GATE), "W-1", told.at, lane_id="lane-1", celsius=36.6)
    found: list[Reply] = []

    def answered() -> bool:
        reply = questions.reply(admin, asked)
        found.extend([reply] if reply else [])
        return bool(found)

    eventually(answered, "the gate's answer")
    assert found[0].explanation == told
    (command,) = rig.commands
    assert GateQuestion.model_validate_json(command.question) == GateQuestion(
        worker_id="W-1", at=told.at, celsius=36.6
    )
    assert rig.store.commands() == []
    with service.database.read() as connection:
        assert connection.execute(select(tables.commands)).all() == []
