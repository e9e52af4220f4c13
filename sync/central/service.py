"""The central service: what gates send goes into the database, what the database says goes to the gates.

Four workers beside the connection: events (nothing may hold them up), questions and signs of life, what
kiosks ask, and the lookout for changes of the roster and for commands, whoever wrote them; and the bridge
to terminals of other makers, where there are any. Several processes may run on one database and broker; with
MQTT 5 they share what comes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from sync.central import enrolments, gate_questions
from sync.central.aftercare import Aftercare, Job
from sync.central.alert_channels import FILE_NAME as CHANNELS_FILE
from sync.central.alert_channels import ChannelFile
from sync.central.alert_rounds import AlertRounds
from sync.central.alert_sender import AlertSender
from sync.central.alert_watch import AlertWatch
from sync.central.ask_handlers import HANDLERS
from sync.central.asks import AskDesk
from sync.central.broker import EmbeddedBroker
from sync.central.case_watch import CaseWatch
from sync.central.clearance_watch import ClearanceWatch
from sync.central.database import Database
from sync.central.declarations import declaration_handler
from sync.central.desk import Desk
from sync.central.duplicates import DuplicateSearch, DuplicateWatch
from sync.central.ends_soon import EndsSoonWatch
from sync.central.erasure_cleanup import clean_up
from sync.central.erasure_desk import answer_receipt
from sync.central.face_retention import FaceRetention
from sync.central.finding_watch import FindingWatch
from sync.central.ingest import Ingest
from sync.central.inspection_rules import InspectionSettings
from sync.central.keys import signing_key
from sync.central.link import CentreLink, broker_password
from sync.central.list_fetch import ListFetcher
from sync.central.list_matching import ListMatcher
from sync.central.list_visitors import VisitorMatcher
from sync.central.lookout import Lookout
from sync.central.note_handlers import HANDLERS as NOTE_HANDLERS
from sync.central.pass_copies import PassCopyWatch
from sync.central.person_vault import PersonVault
from sync.central.real_name_upload import RealNameUpload
from sync.central.reception import Arrival
from sync.central.settings import CentreSettings
from sync.central.signer import Signer
from sync.central.terminal_bridge import TerminalBridge
from sync.central.worker import QueueWorker
from sync.clearance_rules import read_rules
from sync.clearance_rules import shipped_rules as shipped_clearances
from sync.duplicate_check import DUPLICATES
from sync.erasure import RECEIPTS
from sync.tracing import shipped_rules
from sync.vendor.broker import Broker
from sync.wire import topics

log = logging.getLogger(__name__)

GROUP_MESSAGES = 200
"""Batches written in one transaction, at most."""

AFTERCARE_EVERY_S = 1.0
"""Between two looks for enrolments to compare, erasures to clear up after, cases to trace,
findings that are overdue."""

REAL_NAME_EVERY_S = 5.0
"""Between two looks for a site that is due at its real-name platform."""

LISTS_EVERY_S = 5.0
"""Between two looks for a list that is due to be fetched."""

WAITING_MESSAGES = 2000
"""What does not fit is not taken; the gates send it again."""


class CentralService:
    """One process of the centre, to be started and stopped; also inside another program.

    >>> with CentralService(CentreSettings(database="sqlite:///central.db")) as service:
    ...     print(service.broker_url)
    """

    def __init__(
        self, settings: CentreSettings, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._settings = settings
        self._now = now
        self._stack: list[Callable[[], None]] = []
        self._poke = threading.Event()
        path = settings.clearance_rules
        self.clearance_rules = shipped_clearances() if path is None else read_rules(path)

    def start(self) -> None:
        """Open the database, connect, begin. A broker that is away is tried again until it is there.

        Raises:
            CentralError: the database, the key or the settings cannot be used; nothing was started.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Finish what is being written, then end."""
        while self._stack:
            self._stack.pop()()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def roster_changed(self, versions: Mapping[str, int]) -> None:
        """Somebody in this process changed a roster and committed: announce it at once."""
        if versions:
            self._poke.set()

    def command_asked(self) -> None:
        """Somebody in this process queued a command and committed: send it at once."""
        self._poke.set()

    @property
    def problem(self) -> str:
        """What keeps the service from its work; empty where all is well."""
        return self.link.problem or self.ingesting.problem or self.answering.problem or self.asked.problem

    def wait_connected(self, timeout_s: float) -> bool:
        """Whether the broker has our subscriptions within that time."""
        return self.link.wait_connected(timeout_s)

    def _start(self) -> None:
        settings = self._settings
        signer = Signer(signing_key(settings.keys, create=not settings.ingest_only), self._now)
        self.vault = PersonVault.in_folder(settings.keys, create=not settings.ingest_only)
        self.database = Database.open(settings.database)
        self._stack.append(self.database.close)
        self.broker_url = settings.broker.url
        address = (settings.broker.host, settings.broker.port)
        if settings.broker.embedded:
            broker = EmbeddedBroker(*settings.broker.listen)
            self.broker_url = broker.start()
            self._stack.append(broker.stop)
            host, _, port = self.broker_url.removeprefix("mqtt://").rpartition(":")
            address = (host, int(port))
        opening = {**enrolments.handlers(self.vault), "declaration": declaration_handler(self.vault)}
        ingest = Ingest(self.database, self._now, {**opening, **NOTE_HANDLERS})
        self.totals = {"events": 0, "repeated": 0, "refused": 0, "not_taken": 0}
        self.link = CentreLink(
            settings.broker,
            address=address,
            filters=self._filters,
            on_up=self._on_up,
            on_message=self._on_message,
        )

        def take(arrivals: Sequence[Arrival]) -> None:
            taken = ingest.take(arrivals)
            for reply in taken.replies:
                self.link.publish(*signer.down(reply.gate[0], topics.ACK, reply.ack, gate_id=reply.gate[1]))
            if taken.roster_changed:
                self._poke.set()
            self.totals["events"] += taken.events
            self.totals["repeated"] += taken.repeated
            self.totals["refused"] += len(taken.refused)

        desk = Desk(self.database, signer, self.link.publish, self._now)
        self.ingesting = QueueWorker("ingest", take, capacity=WAITING_MESSAGES, group=GROUP_MESSAGES)
        self.answering = QueueWorker("desk", desk.serve, capacity=WAITING_MESSAGES, group=1)
        search = DuplicateSearch(self.database, self.vault)
        answers = {DUPLICATES: search.answers(), RECEIPTS: answer_receipt, **HANDLERS}
        asks = AskDesk(self.database, signer, self.link.publish, self._now, answers)
        self.asked = QueueWorker("asks", asks.serve, capacity=WAITING_MESSAGES, group=1)
        for worker in (self.ingesting, self.answering, self.asked):
            worker.start()
            self._stack.append(worker.stop)
        if not settings.ingest_only:
            self._start_jobs(search)
            real_name = RealNameUpload(self.database, self.vault, settings.keys, now=self._now)
            # In a thread of its own: a platform may keep us waiting.
            self.real_name = Aftercare([real_name.look], poll_s=REAL_NAME_EVERY_S, name="real-name")
            self.real_name.start()
            self._stack.append(self.real_name.stop)
            self._lookout = Lookout(self.database, signer, self.link.publish, self._now, self._poke, settings)
            self._lookout.start()
            self._stack.append(self._lookout.stop)
            self.terminals = TerminalBridge(
                self.database,
                self._terminals_broker(address),
                settings.terminals,
                now=self._now,
                poll_s=settings.poll.total_seconds(),
            )
            self.terminals.start()
            self._stack.append(self.terminals.stop)
        self.link.start()
        self._stack.append(self.link.stop)

    def _start_jobs(self, search: DuplicateSearch) -> None:
        self.aftercare = Aftercare(self._aftercare_jobs(search), poll_s=AFTERCARE_EVERY_S)
        # On a thread of its own: who is told of an alert may take a while to answer.
        self.alerting = Aftercare(self._alert_jobs(), poll_s=AFTERCARE_EVERY_S)
        # And so may the server of a list's issuer.
        fetcher = ListFetcher(self.database, self.vault, now=self._now)
        self.fetching = Aftercare([fetcher.look], poll_s=LISTS_EVERY_S, name="list-feeds")
        for thread in (self.aftercare, self.alerting, self.fetching):
            thread.start()
            self._stack.append(thread.stop)
        self._stack.append(fetcher.stop)

    def _alert_jobs(self) -> list[Job]:
        channels = ChannelFile(self._settings.keys / CHANNELS_FILE)
        kept_days = self._settings.alerts_kept_days
        watch = AlertWatch(self.database, channels, now=self._now, kept_days=kept_days)
        rounds = AlertRounds(self.database, now=self._now)
        ending = EndsSoonWatch(self.database, self.clearance_rules, now=self._now)
        sender = AlertSender(self.database, channels, now=self._now)
        return [rounds.look, ending.look, watch.look, sender.look]

    def _aftercare_jobs(self, search: DuplicateSearch) -> list[Job]:
        watch = DuplicateWatch(self.database, search, now=self._now)
        tracing = CaseWatch(self.database, shipped_rules(), now=self._now)
        lists = ListMatcher(self.database, self.vault, now=self._now, on_roster_change=self.roster_changed)
        visitors = VisitorMatcher(self.database, self.vault, lists, now=self._now)
        photos = InspectionSettings(photos_kept_days=self._settings.finding_photos_days)
        found = FindingWatch(self.database, photos, now=self._now)
        clearances = ClearanceWatch(
            self.database,
            self.clearance_rules,
            now=self._now,
            on_roster_change=self.roster_changed,
            with_declarations=self._settings.declaration_clearance,
        )
        faces = FaceRetention(
            self.database,
            self._settings.faces_kept_days,
            now=self._now,
            on_roster_change=self.roster_changed,
        )
        return [
            watch.look,
            faces.look,
            lambda: clean_up(self.database, self._now()),
            lambda: gate_questions.forget(self.database, self._now()),
            tracing.look,
            lists.look,
            visitors.look,
            PassCopyWatch(self.database, now=self._now).look,
            found.look,
            clearances.look,
        ]

    def _terminals_broker(self, address: tuple[str, int]) -> Broker:
        """Their own one, or the centre's, which listens on `address`."""
        settings = self._settings.terminals.broker or self._settings.broker
        if self._settings.terminals.broker is not None:
            address = (settings.host, settings.port)
        return Broker(
            *address,
            username=settings.username,
            password=broker_password(settings) or "",
            tls=settings.tls,
            ca_file=settings.ca_file if settings.tls else None,
            certificate=settings.cert_file,
            private_key=settings.cert_key_file,
            allow_plain=settings.allow_plain,
        )

    def _filters(self, shares: bool) -> Sequence[str]:
        if not shares and self._settings.ingest_only:
            log.warning("this broker cannot share subscriptions: every process does all the work")
        group = self._settings.shared_group if shares else ""
        # Births are retained, and retained messages do not come through shared subscriptions.
        kinds = [kind for kind in topics.UP_KINDS if kind != topics.HELLO]
        return [topics.every_up(topics.HELLO), *(topics.every_up(kind, shared=group) for kind in kinds)]

    def _on_up(self) -> None:
        if not self._settings.ingest_only:
            self._lookout.announce_all()

    def _on_message(self, topic: str, payload: bytes) -> None:
        if topics.is_probe(topic):
            return
        worker = {topics.BATCH: self.ingesting, topics.ASK: self.asked}.get(
            topic.rpartition("/")[2], self.answering
        )
        if not worker.put(Arrival(topic, payload, self._now())):
            self.totals["not_taken"] += 1
