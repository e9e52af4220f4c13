"""The centre asks a gate how it would answer somebody: a running gate, a real broker, the central service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from gate.bench.faults_proxy import Link, Proxy, State
from gate.centre_link import CentreLink
from gate.service import GateService
from gate.settings import LaneSettings, PolicySettings, RuleName
from gate.startup import open_store
from models.sources.settings import SourceSettings
from sync.central import commands, registry, site_registry, tables
from sync.central.accounts_access import NotFound, Role, Viewer
from sync.central.gate_questions import GRACE, Failure, GateAway, GateQuestions, Reply
from sync.central.keys import signing_key
from sync.central.service import CentralService
from sync.central.settings import BrokerSettings
from sync.central.settings import CentreSettings as ServiceSettings
from sync.edge.settings import CentreSettings
from sync.records import Clearance, Outcome, Worker
from tests.gate.conftest import WORKER, World, still_video, worker
from tests.sync.edge.brokers import Mosquitto
from tests.sync.edge.scripted_centre import LIMIT_S, eventually

pytestmark = pytest.mark.slow

PATIENCE = timedelta(hours=1)
SITE, GATE = "demo-site", "gate-1"
ADMIN = Viewer("admin", "", Role.ADMIN, None)
RULES: tuple[RuleName, ...] = ("registered", "site", "status", "training", "daily_clearance")


@dataclass
class Joined:
    """A gate that runs, the centre, and the line between them. `later`: the clock of who asks is ahead."""

    gate: GateService
    centre: CentralService
    line: Link
    world: World
    later: timedelta = field(default=timedelta())

    def __post_init__(self) -> None:
        self.questions = GateQuestions(self.centre.database, now=lambda: datetime.now(UTC) + self.later)

    def put(self, who: Worker) -> None:
        """Register at the centre, and wait until the gate has it."""
        with self.centre.database.write() as connection:
            registry.put_worker(connection, who, now=datetime.now(UTC))
            version = connection.scalar(select(tables.sites.c.roster_version))
        assert isinstance(self.gate.centre, CentreLink)
        status = self.gate.centre.status
        eventually(lambda: status().roster_version == version, "the gate has the newest roster")

    def ask(self, *, lane_id: str = "", celsius: float | None = None) -> str:
        """The question stays good for long, however slow this machine is."""
        at, self.later = datetime.now(UTC), PATIENCE
        try:
            return self.questions.ask(ADMIN, (SITE, GATE), WORKER, at, lane_id=lane_id, celsius=celsius)
        finally:
            self.later = timedelta()

    def answer(self, asked: str) -> Reply:
        """What the gate says; once it is read, the centre holds neither question nor answer."""
        reply: Reply = eventually(lambda: self.questions.reply(ADMIN, asked), "the answer of the gate")
        with self.centre.database.read() as connection:
            assert connection.execute(select(tables.commands)).all() == []
        with pytest.raises(NotFound):
            self.questions.reply(ADMIN, asked)
        return reply

    def has_sent(self) -> bool:
        with self.centre.database.read() as connection:
            return connection.scalar(select(tables.commands.c.sent_at)) is not None

    def becomes(self, presence: str) -> None:
        def heard() -> bool:
            with self.centre.database.read() as connection:
                return connection.scalar(select(tables.gate_status.c.presence)) == presence

        eventually(heard, f"the gate is {presence}")


@pytest.fixture
def joined(world: World, tmp_path: Path) -> Iterator[Joined]:
    broker = Mosquitto(tmp_path, "allow_anonymous true")
    broker.start()
    try:
        settings = ServiceSettings(
            database=f"sqlite:///{tmp_path / 'central.db'}",
            keys=tmp_path / "centre-keys",
            broker=BrokerSettings(url=f"mqtt://127.0.0.1:{broker.port}"),
            poll=timedelta(milliseconds=20),
        )
        with closing(Proxy()) as proxy, CentralService(settings) as centre:
            line = proxy.link(broker.port)
            gate = a_gate(world, centre, settings, line)
            assert centre.wait_connected(LIMIT_S)
            gate.start()
            made = Joined(gate, centre, line, world)
            made.becomes("online")
            yield made
            gate.stop()
    finally:
        broker.kill()


def a_gate(world: World, centre: CentralService, settings: ServiceSettings, line: Link) -> GateService:
    """With a thermometer and the rules above, before a camera that sees nobody."""
    keys, now = world.folder / "gate-keys", datetime.now(UTC)
    public = signing_key(settings.keys).public_key()
    with centre.database.write() as connection:
        site_registry.put_site(connection, SITE, name="示例工地", timezone="Asia/Shanghai", now=now)
        site_registry.add_gate(connection, SITE, GATE, centre=public, now=now).write(keys)
    nobody = world.folder / "nobody.avi"
    still_video(nobody, np.full((480, 640, 3), 90, np.uint8), seconds=0.2)
    source = SourceSettings(kind="video", path=nobody, pace="fast")
    lane = LaneSettings.model_validate({"id": "north", "thermometer": {"driver": "simulated"}})
    gate, _ = world.gate(
        "stranger.avi",
        lanes=(lane.model_copy(update={"source": source}),),
        policy=PolicySettings(rules=RULES),
        centre=CentreSettings(
            enabled=True,
            broker=f"mqtt://127.0.0.1:{line.port}",
            gate_key_file=keys / "gate.key",
            site_key_file=keys / "site.key",
            centre_public_key_file=keys / "centre.pub",
            keepalive_s=600,  # a line that hangs is not noticed while the test lasts
            heartbeat_s=0.5,
            reconnect_min_s=0.05,
            reconnect_max_s=0.3,
        ),
    )
    return gate


def test_a_running_gate_explains_itself_to_the_centre_by_its_own_rules_and_its_roster_of_now(
    joined: Joined,
) -> None:
    joined.put(worker())
    with open_store(joined.world.settings("stranger.avi")) as store:
        told = joined.answer(joined.ask(lane_id="north", celsius=36.6)).explanation
        assert told is not None
        assert (told.lane_id, told.outcome, told.reasons) == (
            "north",
            Outcome.DENY,
            ("daily_declaration_missing",),
        )
        assert tuple(one.rule for one in told.rules) == RULES
        *others, (said,) = (one.said for one in told.rules)
        assert others == [()] * len(others)
        assert (said.reason, said.zh, said.en) == (
            "daily_declaration_missing",
            "今日未登记",
            "Not declared today",
        )
        assert said.step_zh
        assert said.step_en
        assert worker().name not in told.model_dump_json()

        declared = Clearance(kind="declaration", valid_until=datetime.now(UTC) + timedelta(days=1))
        joined.put(worker(clearances=(*worker().clearances, declared)))
        unread = joined.answer(joined.ask()).explanation
        assert unread is not None
        assert (unread.outcome, unread.reasons) == (Outcome.HOLD, ("daily_temperature_missing",))
        well = joined.answer(joined.ask(celsius=36.6)).explanation
        assert well is not None
        assert (well.outcome, well.reasons) == (Outcome.ALLOW, ("ok",))
        assert (store.count_events(), store.commands()) == (0, [])
    assert not joined.gate.doors["north"].relay.is_energised()


def test_a_gate_that_does_not_have_the_worker_says_so(joined: Joined) -> None:
    joined.put(worker())
    with open_store(joined.world.settings("stranger.avi")) as store:
        store.remove_worker(WORKER)
    reply = joined.answer(joined.ask())
    assert (reply.failure, reply.explanation) == (Failure.UNKNOWN_WORKER, None)
    assert reply.software
    with pytest.raises(NotFound):
        joined.questions.ask(ADMIN, (SITE, GATE), "W-9", datetime.now(UTC))


def test_a_gate_that_is_cut_off_is_not_waited_for_and_answers_again_when_it_is_back(joined: Joined) -> None:
    joined.put(worker())
    joined.line.set(State.STALLED)
    asked = joined.ask()
    eventually(joined.has_sent, "the question is on its way")
    assert joined.questions.reply(ADMIN, asked) is None
    joined.later = PATIENCE + commands.VALID_FOR + GRACE
    assert joined.answer(asked).failure is Failure.NO_ANSWER
    joined.later = timedelta()
    joined.line.set(State.OPEN)  # the late answer to the question that nobody waits for does no harm
    assert joined.answer(joined.ask()).explanation is not None

    joined.line.set(State.CUT)
    joined.becomes("lost")
    with pytest.raises(GateAway, match=r"not connected \(lost\)"):
        joined.ask()
    joined.line.set(State.OPEN)
    joined.becomes("online")
    assert joined.answer(joined.ask()).explanation is not None

    joined.gate.stop()
    joined.becomes("stopped")
    with pytest.raises(GateAway, match=r"not connected \(stopped\)"):
        joined.ask()
