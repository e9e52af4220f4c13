"""Alerts at the centre: raised, counted up, told by ladder and channel, and what officers do about them."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from sync.alerting import AlertRulesInvalid, StepKind, shipped_rules
from sync.alerting.rules import SHIPPED_FILE
from sync.central import cli, site_registry, tables
from sync.central.alert_channels import FILE_NAME, ChannelFile, ChannelsInvalid, read_channels
from sync.central.alert_channels import log as alert_channels_log
from sync.central.alert_sender import AlertSender
from sync.central.alert_watch import AlertWatch
from sync.central.alerts import (
    ActedMeanwhile,
    Alert,
    Doing,
    StepRefused,
    UnknownRule,
    act,
    raise_alert,
)
from sync.central.database import Database
from sync.central.errors import AlreadyThere
from sync.central.tables_alerts import alert_channels, alert_messages, alert_steps, alerts
from sync.errors import SecretUnsafe

T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SITE, OTHER = "riverside", "hill"
RULES = shipped_rules()


@dataclass
class Clock:
    now: datetime = T0

    def __call__(self) -> datetime:
        return self.now

    def on(self, **delta: float) -> datetime:
        self.now += timedelta(**delta)
        return self.now


@pytest.fixture
def database(centre_database: Database) -> Database:
    with centre_database.write() as connection:
        for site_id, name in ((SITE, "滨江示例工地"), (OTHER, "山顶示例工地")):
            site_registry.put_site(connection, site_id, name=name, timezone="Asia/Shanghai", now=T0)
        site_registry.set_site_place(connection, SITE, district="示例区", sub_district="滨江街道")
    return centre_database


def raised(
    database: Database, rule: str = "fever_at_gate", subject: str = "worker:W-1", site_id: str = SITE
) -> str:
    with database.write() as connection:
        return raise_alert(connection, rule, site_id=site_id, subject=subject, now=T0)


def done(database: Database, alert_id: str, kind: StepKind, seen: int, **more: Any) -> Alert:
    with database.write() as connection:
        by, now = more.pop("by", "guo"), more.pop("now", T0 + timedelta(minutes=5))
        return act(connection, RULES, alert_id, Doing(kind, seen, **more), by=by, now=now)


def history(database: Database, alert_id: str) -> list[tuple[str, str]]:
    step = alert_steps.c
    query = select(step.kind, step.detail).where(step.alert_id == alert_id).order_by(step.step_no)
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def channel_file(folder: Path, text: str) -> Path:
    path = folder / "alert-channels.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


# -- raised and counted ----------------------------------------------------------------------------------


def test_the_same_thing_again_is_counted_and_not_raised_again(database: Database) -> None:
    later = T0 + timedelta(minutes=1)
    with database.write() as connection:
        first = raise_alert(
            connection, "fever_at_gate", site_id=SITE, subject="worker:W-1", facts={"gate": "gate-1"}, now=T0
        )
        again = raise_alert(
            connection, "fever_at_gate", site_id=SITE, subject="worker:W-1", facts={"gate": "g2"}, now=later
        )
        other = raise_alert(connection, "fever_at_gate", site_id=SITE, subject="worker:W-2", now=T0)
        row = connection.execute(select(alerts).where(alerts.c.alert_id == first)).one()
    assert again == first != other
    assert (row.times, row.raised_at, row.last_at, row.facts) == (2, T0, later, {"gate": "g2"})
    assert history(database, first) == [("raised", "")]


def test_a_rule_that_nobody_wrote_is_refused(database: Database) -> None:
    with pytest.raises(UnknownRule), database.write() as connection:
        raise_alert(connection, "no_such", site_id=SITE, subject="worker:W-1", now=T0)


# -- what officers do ------------------------------------------------------------------------------------


def test_an_alert_is_acknowledged_dealt_with_closed_and_opened_again(database: Database) -> None:
    alert_id = raised(database)
    with pytest.raises(StepRefused, match="open cannot be closed"):
        done(database, alert_id, StepKind.CLOSED, 0)
    assert done(database, alert_id, StepKind.ACKNOWLEDGED, 0).state == "acknowledged"
    with pytest.raises(StepRefused, match="measures are missing") as refused:
        done(database, alert_id, StepKind.CLOSED, 1)
    assert "Isolated" in refused.value.next_step
    with pytest.raises(StepRefused, match="no measure of this rule"):
        done(database, alert_id, StepKind.MEASURE, 1, measure="supplied")
    done(database, alert_id, StepKind.MEASURE, 1, measure="disinfected")
    done(database, alert_id, StepKind.MEASURE, 2, measure="isolated", remarks="3 号隔离间")
    closed = done(database, alert_id, StepKind.CLOSED, 3)
    assert (closed.state, closed.revision) == ("closed", 4)
    opened = done(database, alert_id, StepKind.REOPENED, 4, now=T0 + timedelta(hours=1))
    assert (opened.state, opened.closed_at) == ("measures", None)
    assert opened.opened_at == T0 + timedelta(hours=1)
    assert history(database, alert_id) == [
        ("raised", ""),
        ("acknowledged", ""),
        ("measure", "disinfected"),
        ("measure", "isolated"),
        ("closed", ""),
        ("reopened", ""),
    ]


def test_the_second_of_two_officers_hears_who_did_what_and_changes_nothing(database: Database) -> None:
    alert_id = raised(database)
    done(database, alert_id, StepKind.MEASURE, 0, measure="isolated", by="示例甲")
    with pytest.raises(ActedMeanwhile, match=r"示例甲 已于 03-02 09:05:00 登记措施（已隔离）"):
        done(database, alert_id, StepKind.MEASURE, 0, measure="disinfected", by="示例乙")
    assert history(database, alert_id)[1:] == [("measure", "isolated")]
    done(database, alert_id, StepKind.MEASURE, 1, measure="disinfected", by="示例乙")
    assert history(database, alert_id)[1:] == [("measure", "isolated"), ("measure", "disinfected")]


def test_of_officers_who_press_at_the_same_moment_exactly_one_is_taken(database: Database) -> None:
    alert_id = raised(database)
    together, outcomes = threading.Barrier(4), list[str]()

    def press(name: str) -> None:
        together.wait()
        try:
            done(database, alert_id, StepKind.ACKNOWLEDGED, 0, by=name)
            outcomes.append("taken")
        except ActedMeanwhile:
            outcomes.append("told")

    threads = [threading.Thread(target=press, args=(f"示例{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["taken", "told", "told", "told"]
    assert history(database, alert_id) == [("raised", ""), ("acknowledged", "")]


def test_closing_is_not_taken_back_where_the_same_was_raised_again(database: Database) -> None:
    alert_id = raised(database, "list_near", "list:L-1")
    done(database, alert_id, StepKind.ACKNOWLEDGED, 0)
    done(database, alert_id, StepKind.CLOSED, 1)
    assert raised(database, "list_near", "list:L-1") != alert_id
    with pytest.raises(AlreadyThere, match="raised again since"):
        done(database, alert_id, StepKind.REOPENED, 2)


# -- who is told -----------------------------------------------------------------------------------------


def test_who_does_not_answer_in_time_is_told_of_one_level_higher(database: Database, tmp_path: Path) -> None:
    path = channel_file(
        tmp_path,
        """
channels:
  - {channel: office, url: "json://localhost/1", levels: [site], sites: [riverside]}
  - {channel: street, url: "json://localhost/2", levels: [sub_district], sub_districts: [滨江街道]}
  - {channel: district, url: "json://localhost/3", levels: [district], severity: high}
  - {channel: elsewhere, url: "json://localhost/4", sites: [hill]}
""",
    )
    clock = Clock()
    watch = AlertWatch(database, ChannelFile(path), now=clock)
    alert_id = raised(database)
    quiet = raised(database, "not_declared", f"site:{SITE}")  # goes to no channel

    def queued() -> list[tuple[str, str]]:
        watch.look()
        message = alert_messages.c
        query = select(message.channel, message.level).where(message.alert_id == alert_id)
        with database.read() as connection:
            return [tuple(row) for row in connection.execute(query.order_by(message.message_no))]

    assert queued() == [("office", "site")]
    clock.on(minutes=9, seconds=59)
    assert queued() == [("office", "site")]
    clock.on(seconds=1)  # not acknowledged within ten minutes
    assert queued() == [("office", "site"), ("street", "sub_district")]
    clock.on(minutes=30)
    assert queued()[2:] == [("district", "district")]
    done(database, alert_id, StepKind.ACKNOWLEDGED, 0, now=clock.now)
    assert len(queued()) == 3
    clock.on(hours=8)  # acknowledged, but not closed in time: the ladder is climbed anew
    assert queued()[3:] == [("street", "sub_district"), ("district", "district")]
    assert watch.look() == 0
    told = [detail for kind, detail in history(database, alert_id) if kind == "told"]
    assert told == ["site", "sub_district", "district", "sub_district", "district"]
    with database.read() as connection:
        count = select(func.count()).where(alert_messages.c.alert_id == quiet)
        assert connection.scalar(count) == 0


def test_a_closed_alert_goes_when_it_is_old_with_its_history(database: Database, tmp_path: Path) -> None:
    clock = Clock()
    watch = AlertWatch(database, ChannelFile(tmp_path / "none.yaml"), now=clock, kept_days=30)
    old, still_open = raised(database), raised(database, subject="worker:W-2")
    done(database, old, StepKind.MEASURE, 0, measure="isolated", now=clock.on(minutes=1))
    done(database, old, StepKind.CLOSED, 1, now=clock.on(minutes=1))

    def left() -> set[str]:
        watch.look()
        with database.read() as connection:
            assert set(connection.scalars(select(alert_steps.c.alert_id))) == set(
                connection.scalars(select(alerts.c.alert_id))
            )
            return set(connection.scalars(select(alerts.c.alert_id)))

    clock.on(days=30)
    assert left() == {old, still_open}
    clock.on(hours=1)
    assert left() == {still_open}
    clock.on(days=400)
    assert left() == {still_open}


@dataclass
class Receiver:
    """A real web server that takes webhooks; answers 503 while `is_down`."""

    url: str = ""
    is_down: bool = False
    tried: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def a_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.tried += 1
            if not receiver.is_down:
                receiver.taken.append(json.loads(body))
            self.send_response(503 if receiver.is_down else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.url = f"json://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_channel_that_is_down_loses_nothing_and_a_storm_becomes_one_message(
    database: Database, tmp_path: Path
) -> None:
    clock = Clock()
    with a_receiver() as receiver:
        path = channel_file(
            tmp_path,
            f"""
console_url: https://console.example.org
burst: 3
window_s: 600
channels: [{{channel: hook, url: "{receiver.url}"}}]
""",
        )
        channels = ChannelFile(path)
        watch, sender = (
            AlertWatch(database, channels, now=clock),
            AlertSender(database, channels, now=clock),
        )
        receiver.is_down = True
        alert_id = raised(database)
        watch.look()
        assert sender.look() == 0
        with database.read() as connection:
            state = connection.execute(select(alert_channels)).one()
        assert (state.failures, state.problem) == (1, "refused, HTTP 503")
        assert sender.look() == 0  # too early for the next try
        assert receiver.tried == 1
        receiver.is_down = False
        clock.on(seconds=11)
        assert sender.look() == 1
        only = receiver.taken[0]
        assert only["title"] == "工地预警 Alert: 滨江示例工地 · 闸机测温超限 Too hot at the gate"
        assert f"https://console.example.org/alerts?alert={alert_id}" in only["message"]
        assert "请于 03-02 09:10 前确认" in only["message"]
        assert "W-1" not in json.dumps(receiver.taken)  # nobody is named

        for number in range(100):  # a storm
            raised(database, "pass_copied", f"pass:{number}")
        raised(database, "gate_silent", f"gate:{OTHER}/g", site_id=OTHER)
        watch.look()
        assert sender.look() == 1
        assert sender.look() == 0
        assert receiver.taken[1]["title"] == "工地预警 101 条 · 101 alerts"
        assert (
            "滨江示例工地 · 同一通行码在两处使用 One pass was used at two gates × 100"
            in receiver.taken[1]["message"]
        )
        for number in range(3):
            raised(database, "list_near", f"list:{number}")
        watch.look()
        assert [sender.look() for _ in range(3)] == [1, 0, 0]  # the third of this window
        assert receiver.taken[2]["title"] == "工地预警 3 条 · 3 alerts"
        raised(database, "list_near", "list:last")
        watch.look()
        assert sender.look() == 0
        clock.on(seconds=600)
        assert sender.look() == 1
        assert len(receiver.taken) == 4
        with database.read() as connection:
            waiting = select(func.count()).where(alert_messages.c.sent_at.is_(None))
            assert connection.scalar(waiting) == 0


def test_a_file_of_channels_is_private_and_told_apart_from_its_secrets(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = channel_file(tmp_path, "channels: [{channel: a, url: 'json://token-1@h', levels: [street]}]")
    with pytest.raises(ChannelsInvalid, match=r"channels\.0\.levels\.0") as refused:
        ChannelFile(path)
    assert "token-1" not in str(refused.value)
    caplog.set_level(logging.ERROR, logger=alert_channels_log.name)
    channel_file(tmp_path, "channels: [{channel: a, url: 'json://token-1@h'}]")
    channels = ChannelFile(path)
    assert [one.channel for one in channels.current().channels] == ["a"]
    assert "token-1" not in repr(channels.current())
    path.chmod(0o644)
    with pytest.raises(SecretUnsafe):
        read_channels(path)
    path.chmod(0o600)
    path.write_text("channels: [{channel: a, url: token-1", encoding="utf-8")
    assert [one.channel for one in channels.current().channels] == ["a"]
    assert "stay as they were" in caplog.text
    assert "token-1" not in caplog.text
    path.unlink()
    assert channels.current().channels == ()


def test_the_command_line_shows_alerts_channels_and_rules_and_no_address(tmp_path: Path) -> None:
    url, keys = f"sqlite:///{tmp_path / 'central.db'}", tmp_path / "keys"
    keys.mkdir(mode=0o700)
    runner = CliRunner(
        env={"SITEGATE_CENTRAL_DATABASE": url, "SITEGATE_CENTRAL_KEYS": str(keys), "COLUMNS": "240"}
    )

    def run(*words: str, code: int = 0) -> str:
        result = runner.invoke(cli.app, ["alert", *words])
        assert result.exit_code == code, result.output
        return result.output

    with Database.open(url) as database:
        with database.write() as connection:
            site_registry.put_site(connection, SITE, name="示例", timezone="Asia/Shanghai", now=T0)
        alert_id = raised(database)
        with a_receiver() as receiver:
            channel_file(keys, f"channels: [{{channel: hook, url: '{receiver.url}'}}]")
            AlertWatch(database, ChannelFile(keys / FILE_NAME), now=Clock()).look()
            assert alert_id in run("list")
            shown = run("channels")
            assert "hook" in shown and "127.0.0.1" not in shown
            assert run("test", "hook") == "hook: sent\n"
            receiver.is_down = True
            assert run("test", code=1) == "hook: refused, HTTP 503\n"
            assert receiver.taken[0]["title"] == "工地预警测试 Alert test"
        assert "no channel other" in run("test", "other", code=1)
        assert "profile epidemic" in run("rules")
        file = tmp_path / "rules.yaml"
        text = SHIPPED_FILE.read_text(encoding="utf-8")
        file.write_text(text.replace("profile: epidemic", "profile: heat"), encoding="utf-8")
        assert "profile heat" in run("set-rules", str(file))
        file.write_text(text.replace("close_min: 480", "close_min: 1"), encoding="utf-8")
        refused = runner.invoke(cli.app, ["alert", "set-rules", str(file)])
        assert isinstance(refused.exception, AlertRulesInvalid)
        assert "rules.2: Value error, it would have to be closed before" in str(refused.exception)
        assert "profile heat" in run("rules")
        assert "profile epidemic" in run("set-rules")
        with database.read() as connection:
            told = connection.execute(
                select(tables.audit.c.action, tables.audit.c.actor, tables.audit.c.detail)
            ).all()
        assert [(action, detail["profile"], detail["file"]) for action, _, detail in told] == [
            ("set_alert_rules", "heat", "rules.yaml"),
            ("set_alert_rules", "epidemic", ""),
        ]
        assert told[0].actor.startswith("command line")
