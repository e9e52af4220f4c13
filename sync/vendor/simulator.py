"""A face terminal in software: greets, beats, reports until acknowledged, keeps a list, answers commands.

It behaves like the device, quirks included: numbers as strings, `persionName`, `SanpPic`, a flat heartbeat,
one batch at a time. `python -m sync.vendor.simulator --id 1000001` connects one to a broker.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import paho.mqtt.client as mqtt

from sync.vendor.broker import Broker
from sync.vendor.commands import MAX_ADDED, MAX_COMMAND_BYTES, MAX_DELETED
from sync.vendor.terminals import BASIC, HEARTBEAT, PREFIX

_log = logging.getLogger(__name__)

OK, BUSY, NO_BEGIN, NO_END, NO_NUMBER, OUT_OF_RANGE, UNEQUAL = 200, 410, 412, 413, 415, 416, 417
TOO_LARGE, BAD_ID, NO_FACE, FULL, NO_PICTURE, EXISTS = 460, 461, 464, 467, 472, 479

ALLOWED, REFUSED, UNREGISTERED = 1, 2, 3
"""`VerifyStatus`."""

Body = dict[str, Any]
PhotoCheck = Callable[[Mapping[str, Any]], int]
"""The terminal's own look at a photo: an error code, or 0 for a face it can use."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How this firmware writes and behaves."""

    misspelt: bool = True
    """`persionName`, and the picture beside `info` as `SanpPic`; else `personName` and `info.pic`."""
    numbers_as_text: bool = True
    flat_heartbeat: bool = False
    counts_only: bool = False
    """EditPersonsNew is answered by numbers, without saying who failed."""
    ack_within_s: float = 10.0
    window: int = 4
    """Records sent before the first of them is acknowledged."""
    heartbeat_s: float = 30.0
    batch_s: float = 0.0
    """How long a batch takes unless `finish_batch` ends it; another one meanwhile is refused with 410."""
    capacity: int = 50_000
    knows_query: bool = True


@dataclass(slots=True)
class _Waiting:
    topic: str
    body: Body
    sent_at: float | None = None
    times: int = 0


@dataclass(slots=True)
class Seen:
    """What a test may want to know; counts since the start."""

    acknowledged: list[str] = field(default_factory=list)
    publications: int = 0
    commands: list[tuple[str, int]] = field(default_factory=list)
    """Operator and number of people, in order."""
    codes: list[int] = field(default_factory=list)
    online_acks: int = 0


class TerminalSimulator:
    """One terminal. `start` connects; `leave` cuts the network and keeps the records; `stop` ends it.

    Args:
        terminal_id: the level of the topic, and `facesluiceId`.
        broker: where to connect.
        habits: see `Habits`.
        check_photo: decides which photos hold a face.
        lose_acks: how many acknowledgements get lost on the way before one arrives.
        claims: what it says it is, if that is not true.
        now: its clock, local time without a zone.
    """

    def __init__(
        self,
        terminal_id: str,
        broker: Broker,
        *,
        habits: Habits | None = None,
        check_photo: PhotoCheck = lambda _person: 0,
        lose_acks: int = 0,
        claims: str = "",
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self.terminal_id = terminal_id
        self.people: dict[str, Body] = {}
        self.seen = Seen()
        self._broker = broker
        self._habits = habits or Habits()
        self._check_photo = check_photo
        self._lose_acks = lose_acks
        self._claims = claims or terminal_id
        self._now = now
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._next_record = 1
        self._busy_until = 0.0
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._client: mqtt.Client | None = None
        self._sender = threading.Thread(target=self._send, name=f"terminal-{terminal_id}", daemon=True)

    # ---- life

    def start(self) -> None:
        self.join()
        self._sender.start()

    def join(self) -> None:
        """Connects (again), as after a cut: a new greeting, then the records that wait."""
        client = self._broker.client(f"terminal-{self.terminal_id}-{random.randrange(10**9)}")  # noqa: S311
        client.reconnect_delay_set(min_delay=1, max_delay=2)
        client.will_set(BASIC, self._json({"operator": "Offline", "info": {"facesluiceId": self._claims}}))
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        with self._lock:
            self._client = client
            for row in self._waiting.values():
                row.sent_at = None
        client.connect_async(self._broker.host, self._broker.port, keepalive=10)
        client.loop_start()
        self._wake.set()

    def leave(self) -> None:
        """The cable is pulled: nothing is sent or received until `join`."""
        with self._lock:
            client, self._client = self._client, None
        if client is None:
            return
        client.loop_stop()
        if (wire := client.socket()) is not None:
            wire.close()  # no goodbye: the broker publishes the last will

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        if self._sender.is_alive():
            self._sender.join(10)
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    @property
    def waiting(self) -> int:
        """Records that nobody has acknowledged."""
        with self._lock:
            return len(self._waiting)

    # ---- what happens in front of it

    def recognise(
        self, custom_id: str, *, status: int = ALLOWED, name: str = "", temperature: float | None = None
    ) -> str:
        """Somebody stood there: a record is made and sent until it is acknowledged. Its id comes back."""
        with self._lock:
            record_id = str(self._next_record)
            self._next_record += 1
            info: Body = {
                "facesluiceId": self._claims,
                "customId": custom_id,
                "personId": self._number(7),
                "RecordID": self._number(int(record_id)),
                "VerifyStatus": self._number(status),
                "PersonType": self._number(0),
                "similarity1": "94.000000" if self._habits.numbers_as_text else 94.0,
                "Sendintime": 1,
                "persionName" if self._habits.misspelt else "personName": name,
                "time": self._time(),
                "isNoMask": self._number(0),
            }
            if temperature is not None:
                info["temperature"] = str(temperature) if self._habits.numbers_as_text else temperature
            self._keep("Rec", "RecPush", f"R{record_id}", info)
        return record_id

    def snap(self) -> str:
        """A stranger passed by."""
        with self._lock:
            record_id = str(self._next_record)
            self._next_record += 1
            info = {
                "facesluiceId": self._claims,
                "SnapID": self._number(int(record_id)),
                "time": self._time(),
            }
            self._keep("Snap", "StrSnapPush", f"S{record_id}", info)
        return record_id

    def finish_batch(self) -> None:
        """Whatever batch it still works on is done: it takes the next one."""
        self._busy_until = 0.0

    def say(self, topic: str, payload: bytes) -> None:
        """Anything at all on any topic, as broken or hostile firmware might."""
        with self._lock:
            client = self._client
        if client is not None:
            client.publish(topic, payload, qos=1)

    # ---- sending

    def _keep(self, kind: str, operator: str, key: str, info: Body) -> None:
        picture = "data:image/jpeg;base64,/9j/AAAA"
        body: Body = {"operator": operator, "info": info}
        if self._habits.misspelt:
            body["SanpPic"] = picture
        else:
            info["pic"] = picture
        self._waiting[key] = _Waiting(f"{PREFIX}/{self.terminal_id}/{kind}", body)
        self._wake.set()

    def _send(self) -> None:
        next_beat = 0.0
        while not self._stopping.is_set():
            self._wake.wait(min(0.05, self._habits.ack_within_s / 4))
            self._wake.clear()
            with self._lock:
                client = self._client
            if client is None or not client.is_connected():
                next_beat = 0.0
                continue
            now = time.monotonic()
            if now >= next_beat:
                client.publish(HEARTBEAT, self._json(self._heartbeat()))
                next_beat = now + self._habits.heartbeat_s
            self._push(client, now)

    def _push(self, client: mqtt.Client, now: float) -> None:
        with self._lock:
            for row in list(self._waiting.values())[: self._habits.window]:
                if row.sent_at is None or now - row.sent_at >= self._habits.ack_within_s:
                    row.body["info"]["Sendintime"] = 1 if row.times == 0 else 0
                    row.sent_at, row.times = now, row.times + 1
                    self.seen.publications += 1
                    client.publish(row.topic, self._json(row.body))

    def _heartbeat(self) -> Body:
        fields = {"facesluiceId": self._claims, "time": self._time()}
        if self._habits.flat_heartbeat:
            return {"operator": "HeartBeat", **fields}
        return {"operator": "HeartBeat", "info": fields}

    # ---- hearing

    def _on_connect(
        self, client: mqtt.Client, _userdata: object, _flags: object, reason: object, _properties: object
    ) -> None:
        if getattr(reason, "is_failure", False):
            _log.error("terminal %s: the broker refuses: %s", self.terminal_id, reason)
            return
        client.subscribe(f"{PREFIX}/{self.terminal_id}", qos=1)
        hello = {
            "facesluiceId": self._claims,
            "username": "admin",
            "time": self._time(),
            "ip": "192.0.2.7",
            "facesname": f"terminal {self.terminal_id}",
        }
        client.publish(BASIC, self._json({"operator": "Online", "info": hello}))
        with self._lock:
            for row in self._waiting.values():
                row.sent_at = None
        self._wake.set()

    def _on_message(self, client: mqtt.Client, _userdata: object, packet: mqtt.MQTTMessage) -> None:
        body = json.loads(packet.payload)
        operator, info = body.get("operator", ""), body.get("info", {})
        if operator == "Online-Ack":
            self.seen.online_acks += 1
        elif operator == "PushAck":
            self._acknowledged(info)
        else:
            code, answer = self._obey(operator, body, info, len(packet.payload))
            self.seen.codes.append(code)
            head = {"messageId": body.get("messageId"), "operator": f"{operator}-Ack", "code": str(code)}
            told = {"facesluiceId": self._claims, "result": "ok" if code == OK else "fail", **answer}
            client.publish(f"{PREFIX}/{self.terminal_id}/Ack", self._json({**head, "info": told}), qos=1)

    def _acknowledged(self, info: Body) -> None:
        with self._lock:
            if self._lose_acks:
                self._lose_acks -= 1
                return
            kind = {1: "S", 2: "R"}.get(int(info["PushAckType"]), "")
            key = f"{kind}{info['SnapOrRecordID']}"
            if self._waiting.pop(key, None) is not None:
                self.seen.acknowledged.append(key)
        self._wake.set()

    # ---- obeying

    def _obey(self, operator: str, body: Body, info: Any, size: int) -> tuple[int, Body]:
        if operator in ("AddPersons", "EditPersonsNew"):
            return self._add_many(operator, body, info, size)
        if operator == "EditPerson":
            self.seen.commands.append((operator, 1))
            code = self._take(info, may_change=True)
            return code or OK, {"customId": info.get("customId", "")}
        if operator == "DeletePersons":
            return self._delete_many(body, info["customId"])
        if operator == "QueryPerson" and self._habits.knows_query:
            self.seen.commands.append((operator, 0))
            total = str(len(self.people))
            listed = {"TotalPersonNum": total, "QueryPersonNum": total, "customId": ",".join(self.people)}
            return OK, listed
        return BAD_ID, {"detail": f"unknown operator {operator}"}

    def _add_many(self, operator: str, body: Body, rows: Sequence[Body], size: int) -> tuple[int, Body]:
        self.seen.commands.append((operator, len(rows)))
        if code := self._batch_error(body, len(rows), MAX_ADDED, size):
            return code, {"detail": f"error {code}"}
        good, bad = [], []
        for row in rows:
            code = (
                NO_PICTURE
                if "picURI" not in row
                else self._take(row, may_change=operator == "EditPersonsNew")
            )
            if code:
                bad.append({"customId": row.get("customId", ""), "errcode": str(code)})
            else:
                good.append({"customId": row["customId"]})
        numbers: Body = {"AddErrNum": str(len(bad)), "AddSucNum": str(len(good))}
        if self._habits.counts_only:
            return OK, numbers
        return OK, {**numbers, "AddErrInfo": bad, "AddSucInfo": good}

    def _delete_many(self, body: Body, ids: Sequence[str]) -> tuple[int, Body]:
        self.seen.commands.append(("DeletePersons", len(ids)))
        if code := self._batch_error(body, len(ids), MAX_DELETED, 0):
            return code, {"detail": f"error {code}"}
        gone = [one for one in ids if self.people.pop(one, None) is not None]
        absent = [one for one in ids if one not in gone]
        return OK, {
            "DelErrNum": str(len(absent)),
            "DelSucNum": str(len(gone)),
            "DelErrInfo": [{"customId": one} for one in absent],
            "DelSucInfo": [{"customId": one} for one in gone],
        }

    def _batch_error(self, body: Body, number: int, most: int, size: int) -> int:
        now = time.monotonic()
        checks = (
            (now < self._busy_until, BUSY),
            (size > MAX_COMMAND_BYTES, TOO_LARGE),
            (body.get("DataBegin") != "BeginFlag", NO_BEGIN),
            (body.get("DataEnd") != "EndFlag", NO_END),
            ("PersonNum" not in body, NO_NUMBER),
            (number > most, OUT_OF_RANGE),
            (str(body.get("PersonNum")) != str(number), UNEQUAL),
        )
        for wrong, code in checks:
            if wrong:
                return code
        self._busy_until = now + self._habits.batch_s
        return 0

    def _take(self, person: Body, *, may_change: bool) -> int:
        custom_id = person.get("customId", "")
        if not custom_id or len(custom_id) > 48:
            return BAD_ID
        if custom_id in self.people and not may_change:
            return EXISTS
        if custom_id not in self.people and len(self.people) >= self._habits.capacity:
            return FULL
        if code := self._check_photo(person):
            return code
        self.people[custom_id] = person
        return 0

    # ---- writing

    def _number(self, value: int) -> str | int:
        return str(value) if self._habits.numbers_as_text else value

    def _time(self) -> str:
        return self._now().strftime("%Y-%m-%d %H:%M:%S")

    @staticmethod
    def _json(body: Body) -> bytes:
        return json.dumps(body, ensure_ascii=False).encode()


def main() -> None:
    """One terminal that recognises somebody now and then, until it is stopped (SIGINT, SIGTERM)."""
    parser = argparse.ArgumentParser(prog="python -m sync.vendor.simulator", description=__doc__)
    parser.add_argument("--id", default="1000001", help="terminal id")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--username", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between records")
    parser.add_argument("--worker", action="append", default=[], help="worker numbers to recognise")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    broker = Broker(
        given.host, given.port, username=given.username, password=given.password, allow_plain=True
    )
    terminal = TerminalSimulator(given.id, broker)
    terminal.start()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(given.every):
        known = given.worker or sorted(terminal.people) or [""]
        who = random.choice(known)  # noqa: S311
        terminal.recognise(who, status=ALLOWED if who else UNREGISTERED)
        _log.info(
            "recognised %s; %d records wait, %d people held",
            who or "nobody",
            terminal.waiting,
            len(terminal.people),
        )
    terminal.stop()


if __name__ == "__main__":
    main()
