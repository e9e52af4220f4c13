"""The gate: wires cameras, engine, gallery, policy, store, doors and screen into one process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from gate.badge_reader import BadgeReader
from gate.clock import Clock
from gate.decision import Decision, Hint
from gate.errors import OverrideRefused
from gate.judge import Judge
from gate.lane import SAME_PERSON_MIN_COSINE, Lane, Verdict
from gate.lane_passes import LanePasses
from gate.lane_runner import Engine, LaneRunner
from gate.metrics import GateMetrics
from gate.names import displayed_name
from gate.online_step import online_step
from gate.override import PinCheck
from gate.pass_book import PassBook
from gate.pass_desk import PassCall
from gate.policy import PassFacts
from gate.reasons import Reason
from gate.recorder import Recorder, Settled
from gate.relays import open_input, open_relay
from gate.relays.door import Door
from gate.screening import Screening
from gate.settings import LaneSettings, Settings
from gate.upkeep import Upkeep
from gate.view import Answer, Health, LaneView, ScreenHead
from models.face import Advice, Face, Image, Quality
from models.liveness import LivenessModel
from models.quality import QualityLimits, advise
from models.roster_watch import RosterWatch
from models.sources.frame import Frame, SourceState
from models.sources.opening import open_source
from sync.backoff import Backoff
from sync.edge.status import EdgeStatus
from sync.errors import StoreError, UnknownWorker
from sync.records import Direction, Event, Method, Outcome, Passage, PassageNote, Worker
from sync.store import LocalStore

log = logging.getLogger(__name__)

LOCKED_LANES = "lanes.locked"
CENTRE = "centre"
MILLISECONDS = 1000.0
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event with what it did to the door; for listeners such as the JSON output and the benches.

    usable_at_s and opened_at_s are monotonic seconds: first usable face and relay edge.
    """

    event: Event
    usable_at_s: float | None
    opened_at_s: float | None


class Centre(Protocol):
    """The link to the centre, as far as the gate needs it; `gate.centre_link.CentreLink` is one."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def status(self) -> EdgeStatus: ...


class GateService:
    """Owns every part of a running gate and offers the screen its view (`gate.view.GateView`).

    Start order: doors shut, store, gallery, lanes. Stop order: lanes, doors, store.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        engine: Engine,
        model: str,
        model_version: str,
        store: LocalStore,
        clock: Clock,
        metrics: GateMetrics,
        liveness: LivenessModel | None,
        version: str,
    ) -> None:
        self.settings = settings
        self._engine = engine
        self._model = model
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._liveness = liveness if settings.liveness.mode != "off" else None
        self._version = version
        self._recorder = Recorder(store, on_store_fault=settings.policy.on_store_fault)
        self._pin = PinCheck(settings.screen, clock)
        self.roster = RosterWatch(store, settings.recognition, model=model, model_version=model_version)
        self._upkeep = Upkeep(
            settings,
            store=store,
            clock=clock,
            recorder=self._recorder,
            roster=self.roster,
            metrics=metrics,
            tell_metrics=self._tell_metrics,
        )
        self.listeners: list[Callable[[Recorded], None]] = []
        self._limits = QualityLimits(**settings.quality.model_dump())
        self._door_faults: dict[str, str] = {}
        self._held_open: set[str] = set()
        self._fire: set[str] = set()
        self._opened_for: dict[str, tuple[str, str | None]] = {}
        self._centre: Centre | None = None
        self._locked = self._lanes_locked_before()
        self.screening = Screening(settings, store, clock)
        self._judge = Judge(
            settings,
            model=model,
            clock=clock,
            locked=self._locked,
            clock_trusted=lambda: not self._upkeep.clock_problem,
            centre=lambda: None if self._centre is None else self._centre.status(),
            screening=self.screening,
        )
        centre = settings.centre
        self._pass_book = PassBook(
            store,
            site_id=settings.site.id,
            clock=clock,
            centre_key_file=centre.centre_public_key_file if centre.enabled else None,
        )
        self._doors = {lane.id: self._open_door(lane) for lane in settings.lanes}
        self._runners = {lane.id: self._make_runner(lane) for lane in settings.lanes}

    # -- life ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Load the roster and let the lanes run. Raises StoreError when the roster cannot be read."""
        self.roster.refresh()
        self._metrics.liveness_available(self._liveness is not None)
        self._upkeep.start()
        self.screening.start()
        for runner in self._runners.values():
            runner.start()
        if self._centre is not None:
            self._centre.start()

    def stop(self) -> None:
        """Finish the decisions in work, shut every door, close the store. Never raises."""
        for runner in self._runners.values():
            runner.stop()
        self.screening.stop()
        self._upkeep.stop()
        for door in self._doors.values():
            door.close()
        if self._centre is not None:
            self._centre.stop()
        if not self._recorder.retry():
            log.error("%d events could not be written: %s", self._recorder.waiting, self._recorder.fault)
        self._store.close()
        self._metrics.close()

    def serve_metrics(self) -> str:
        """Serve Prometheus metrics; the address, or an empty text where the port is taken."""
        metrics = self.settings.metrics
        port = self._metrics.serve(metrics.host, metrics.port)
        return "" if port is None else f"http://{metrics.host}:{port}/metrics"

    def wait_ended(self) -> None:
        """Until every lane's file has ended; for `--once`."""
        for runner in self._runners.values():
            runner.ended.wait()

    def badge_reader(self, lane_id: str) -> BadgeReader | None:
        """The card reader of a lane; None where nothing is wired."""
        passes = self._runners[lane_id].passes
        return None if passes is None else passes.badges

    @property
    def doors(self) -> dict[str, Door]:
        return dict(self._doors)

    # -- what a screen may know (gate.view.GateView) ---------------------------------------------------

    def head(self) -> ScreenHead:
        site, gate = self.settings.site, self.settings.gate
        return ScreenHead(site.name, site.name_en, gate.name, gate.name_en, site.timezone, self._version)

    def lanes(self) -> Sequence[str]:
        return tuple(self._runners)

    def lane(self, lane_id: str) -> LaneView:
        notices = () if self._centre is None else self._centre.status().notices
        return replace(self._runners[lane_id].view(), notices=notices)

    def picture(self, lane_id: str) -> bytes | None:
        return self._runners[lane_id].picture()

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def override(self, lane_id: str, *, pin: str, guard: str, reason: str) -> str:
        """See `GateView.override`."""
        if lane_id not in self._runners:
            raise OverrideRefused(f"没有此通道 No lane {lane_id}")
        guard, reason = guard.strip(), reason.strip()
        if not guard or not reason:
            raise OverrideRefused("请填写姓名和放行原因 A guard and a reason are needed")
        self._pin.check(pin)
        lane = self._runners[lane_id].settings
        return self._open_by_hand(lane, Method.OVERRIDE, Reason.GUARD_OVERRIDE, guard, reason)

    def _open_by_hand(self, lane: LaneSettings, method: Method, reason: Reason, who: str, note: str) -> str:
        """Somebody answers for this opening: record who and why, open, return the event id."""
        event = self._event(lane, method, Outcome.ALLOW, (reason,)).model_copy(
            update={"guard": who, "note": note}
        )
        settled = self._settle(lane, event, usable_at_s=None)
        if settled.opened_at_s is None:
            if settled.fault is Reason.RELAY_FAULT:
                raise OverrideRefused("门锁故障，未能打开 The door did not answer; the attempt is recorded")
            raise OverrideRefused("无法记录，未开门 The record could not be written; the door stays shut")
        self._runners[lane.id].show_answer(self._answer(settled, None))
        return settled.event.event_id

    # -- what the centre may have done (gate/centre_link.py) -------------------------------------------

    @property
    def centre(self) -> Centre | None:
        """The link to the centre; None where the gate works on its own."""
        return self._centre

    def attach_centre(self, centre: Centre) -> None:
        """From the start on events go to the centre, and the roster and commands come from there."""
        self._centre = centre

    def open_by_centre(self, lane_id: str, issued_by: str, reason: str) -> str:
        """Record, open once, return the event id. Raises OverrideRefused."""
        lane = self._runners[lane_id].settings
        return self._open_by_hand(lane, Method.COMMAND, Reason.OPENED_BY_CENTRE, issued_by, reason)

    def hold_open(self, lane_id: str, held: bool) -> None:
        """Keep the door open until it is taken back. Raises RelayError."""
        door = self._doors[lane_id]
        if held:
            door.hold_open(CENTRE)
        else:
            door.release_hold(CENTRE)

    def lock(self, lane_id: str, locked: bool) -> None:
        """Let nobody in by face until unlocked, also after a restart; guard, exit and fire still open.

        Raises OverrideRefused for a lane that leads out: nobody is locked in.
        """
        if locked and self._runners[lane_id].settings.direction is Direction.OUT:
            raise OverrideRefused(f"{lane_id} leads out and cannot be locked")
        (self._locked.add if locked else self._locked.discard)(lane_id)
        self._store.put_state(LOCKED_LANES, [*sorted(self._locked)])

    def wake(self) -> None:
        """Look for a changed roster now instead of at the next turn."""
        self._upkeep.wake()

    # -- one decision ----------------------------------------------------------------------------------

    def _settle_verdict(self, lane: LaneSettings, frame: Frame, verdict: Verdict) -> Answer:
        worker, decision = self._decided(
            lane, verdict.worker_id, lambda worker: self._judge.face(lane, verdict, worker)
        )
        event = self._event(
            lane, Method.FACE, decision.outcome, (*decision.reasons, *decision.notices), at=frame.captured_at
        ).model_copy(
            update={
                "worker_id": worker.worker_id if worker else None,
                "match": self._judge.match(verdict),
                "liveness": self._judge.liveness(verdict),
                "tailgating": verdict.tailgating,
                "note": decision.note,
                "decided_in_ms": (verdict.decided_s - verdict.first_usable_s) * MILLISECONDS,
            }
        )
        settled = self._settle(lane, event, usable_at_s=verdict.first_usable_s)
        return self._answer(settled, worker, decision.hints)

    def _settle_pass(self, lane: LaneSettings, frame: Frame | None, call: PassCall) -> Answer:
        """A QR pass or a badge: policy, record, door, as for a face."""
        reading = call.reading
        facts = PassFacts(
            problem=reading.problem,
            face_differs=call.face_of is not None,
            used_elsewhere=self._pass_book.used_elsewhere(reading, lane.id),
        )
        worker, decision = self._decided(
            lane, reading.worker_id, lambda worker: self._judge.entry_pass(lane, facts, worker)
        )
        note = f"pass {reading.key}" + (f", face of {call.face_of}" if call.face_of else "")
        event = self._event(
            lane,
            reading.method,
            decision.outcome,
            (*decision.reasons, *decision.notices),
            at=None if frame is None else frame.captured_at,
        ).model_copy(
            update={
                "worker_id": worker.worker_id if worker else None,
                "note": "; ".join(text for text in (note, decision.note) if text),
            }
        )
        settled = self._settle(lane, event, usable_at_s=None)
        if settled.opened_at_s is not None:
            self._pass_book.opened(reading, lane.id)
        return self._answer(settled, worker, decision.hints)

    def _decided(
        self, lane: LaneSettings, worker_id: str | None, judge: Callable[[Worker | None], Decision]
    ) -> tuple[Worker | None, Decision]:
        """Who it is by the roster, and the answer; also while the store cannot be read."""
        try:
            worker = self._worker(worker_id)
            return worker, judge(worker)
        except StoreError as error:
            self._upkeep.store_failed(error)
            return None, self._judge.unread(lane, worker_id)

    def _event(
        self,
        lane: LaneSettings,
        method: Method,
        outcome: Outcome,
        reasons: Sequence[Reason],
        *,
        at: datetime | None = None,
    ) -> Event:
        return Event(
            sequence=0,  # the store counts
            site_id=self.settings.site.id,
            gate_id=self.settings.gate.id,
            lane_id=lane.id,
            direction=lane.direction,
            occurred_at=at or self._clock.now(),
            clock_trusted=not self._upkeep.clock_problem,
            method=method,
            outcome=outcome,
            reasons=tuple(reason.value for reason in reasons),
        )

    def _settle(self, lane: LaneSettings, event: Event, *, usable_at_s: float | None) -> Settled:
        door = self._doors[lane.id]
        egress = event.method is Method.EXIT_BUTTON or lane.direction is Direction.OUT
        settled = self._recorder.settle(event, door.open_for, egress=egress)
        if settled.fault is Reason.STORE_FAULT:
            self._metrics.store_fault()
        if settled.opened_at_s is not None:
            self._opened_for[lane.id] = (event.event_id, event.worker_id)
        if settled.fault is Reason.RELAY_FAULT:
            self._note_passage(event.event_id, Passage.NOT_PASSED)
        if settled.fault is not None and event.worker_id is not None:
            # Nothing is wrong with the worker: they get another try while they stand there.
            self._runners[lane.id].forget(event.worker_id, after_s=self.settings.screen.clear_after_s)
        self._metrics.decision(
            lane.id,
            settled.event.outcome.value,
            settled.event.reasons[0],
            self._latency_s(settled, usable_at_s),
        )
        recorded = Recorded(settled.event, usable_at_s, settled.opened_at_s)
        for listener in self.listeners:
            try:
                listener(recorded)
            except Exception:
                # Who listens must not cost a worker the answer.
                log.exception("a listener failed")
        return settled

    def _latency_s(self, settled: Settled, usable_at_s: float | None) -> float | None:
        if usable_at_s is None:
            return None
        end_s = settled.opened_at_s if settled.opened_at_s is not None else self._clock.monotonic()
        return max(0.0, end_s - usable_at_s)

    def _answer(self, settled: Settled, worker: Worker | None, hints: Sequence[Hint] = ()) -> Answer:
        outcome = settled.event.outcome
        reasons = tuple(Reason(code) for code in settled.event.reasons)
        if settled.fault is Reason.RELAY_FAULT:
            outcome, reasons = Outcome.DENY, (Reason.RELAY_FAULT, *reasons)
        screen = self.settings.screen
        shown_until_s = self._clock.monotonic() + screen.clear_after_s
        return Answer(
            event_id=settled.event.event_id,
            outcome=outcome,
            reasons=reasons,
            shown_name=displayed_name(worker.name, screen.name_display) if worker else "",
            shown_until_s=shown_until_s,
            hints=tuple(hints),
            online=None if outcome is Outcome.ALLOW else online_step(self.settings, reasons, hints),
            online_until_s=shown_until_s + screen.code_stays_s,
        )

    def _worker(self, worker_id: str | None) -> Worker | None:
        if worker_id is None:
            return None
        try:
            return self._store.worker(worker_id)
        except UnknownWorker:
            return None  # removed between the last frame and now

    # -- door, buttons, fire ---------------------------------------------------------------------------

    def _open_door(self, lane: LaneSettings) -> Door:
        inputs = lane.inputs
        return Door(
            open_relay(lane.relay),
            lane.relay,
            inputs,
            clock=self._clock,
            contact=open_input(inputs.door_contact),
            exit_button=open_input(inputs.exit_button),
            fire_alarm=open_input(inputs.fire_alarm),
            on_passage=lambda event_id, passage: self._passed(lane, event_id, passage),
            on_exit_request=lambda: self._exit_requested(lane),
            on_fire=lambda active: self._fire_changed(lane, active),
            on_fault=lambda problem: self._door_fault(lane, problem),
            on_held_open=lambda held: self._door_held_open(lane, held),
        )

    def _passed(self, lane: LaneSettings, event_id: str, passage: Passage) -> None:
        opened_for, worker_id = self._opened_for.get(lane.id, ("", None))
        if passage is Passage.NOT_PASSED and opened_for == event_id and worker_id is not None:
            self._runners[lane.id].forget(worker_id)
        self._note_passage(event_id, passage)

    def _note_passage(self, event_id: str, passage: Passage) -> None:
        note = PassageNote(event_id=event_id, passage=passage, noted_at=self._clock.now())
        try:
            self._store.note_passage(note)
        except (StoreError, LookupError) as error:
            log.warning("passage of event %s not noted: %s", event_id, error)

    def _exit_requested(self, lane: LaneSettings) -> None:
        event = self._event(lane, Method.EXIT_BUTTON, Outcome.ALLOW, (Reason.EXIT_BUTTON,))
        self._settle(lane, event, usable_at_s=None)

    def _fire_changed(self, lane: LaneSettings, active: bool) -> None:
        self._metrics.fire(lane.id, active)
        if not active:
            self._fire.discard(lane.id)
            return
        self._fire.add(lane.id)
        # The door is open already: fire does not wait for a record.
        event = self._event(lane, Method.FIRE_ALARM, Outcome.ALLOW, (Reason.FIRE_ALARM,))
        self._recorder.settle(event, lambda _: self._clock.monotonic(), egress=True)

    def _door_fault(self, lane: LaneSettings, problem: str) -> None:
        self._door_faults[lane.id] = problem
        if problem:
            self._metrics.relay_fault(lane.id)
            log.error("lane %s: %s", lane.id, problem)

    def _door_held_open(self, lane: LaneSettings, held: bool) -> None:
        if held:
            self._held_open.add(lane.id)
            log.warning("lane %s: the door is held open", lane.id)
        else:
            self._held_open.discard(lane.id)

    # -- lanes -----------------------------------------------------------------------------------------

    def _make_runner(self, lane: LaneSettings) -> LaneRunner:
        return LaneRunner(
            lane,
            open_source(lane.source, clock=self._clock, waits=Backoff),
            self._engine,
            Lane(
                lane,
                self.settings.recognition,
                search=self.roster.gallery.search,
                threshold=self.roster.threshold,
                advise=self._advise,
                live=self._live_score,
                same_person=SAME_PERSON_MIN_COSINE[self.settings.recognition.embedder],
            ),
            settle=lambda frame, verdict: self._settle_verdict(lane, frame, verdict),
            passes=LanePasses(lane, self.settings.recognition, self._pass_book),
            settle_pass=lambda frame, call: self._settle_pass(lane, frame, call),
            health=self._health,
            clock=self._clock,
            watcher=self._metrics,
        )

    def _advise(self, quality: Quality) -> Advice | None:
        return advise(quality, self._limits)

    def _live_score(self, image: Image, face: Face) -> float | None:
        return None if self._liveness is None else self._liveness.score(image, face)

    def _health(self, lane_id: str) -> Health:
        mode = self.settings.liveness.mode
        return Health(
            camera=self._runners[lane_id].camera_problem(),
            store=self._recorder.fault or self._upkeep.store_problem or self.roster.problem,
            relay=self._door_faults.get(lane_id, ""),
            clock=self._upkeep.clock_problem,
            pass_reader=self._runners[lane_id].pass_reader_problem(),
            liveness="liveness not checked" if self._liveness is None and mode != "off" else "",
            thermometer=self.screening.problem(lane_id),
            centre=self._centre_text(),
            fire=lane_id in self._fire,
            door_held_open=lane_id in self._held_open,
        )

    def _centre_text(self) -> str:
        """What is wrong with the centre, and how old the roster is once that is worth knowing."""
        if self._centre is None:
            return ""
        status = self._centre.status()
        hours = (status.roster_age_s or 0.0) / SECONDS_PER_HOUR
        age = f"roster confirmed {hours:.0f} h ago" if hours >= 1 else ""
        return "; ".join(text for text in (status.problem, age) if text)

    # -- upkeep ----------------------------------------------------------------------------------------

    def _tell_metrics(self) -> None:
        self._metrics.upkeep(
            outbox=self._store.outbox_depth(),
            waiting=self._recorder.waiting,
            workers=len(self.roster.gallery),
            templates=self.roster.gallery.template_count,
            roster_version=self.roster.version,
            clock_trusted=not self._upkeep.clock_problem,
            threshold=self.roster.threshold().value,
        )
        if self._centre is not None:
            status = self._centre.status()
            self._metrics.centre(
                connected=status.connected,
                parked=status.outbox_parked,
                roster_age_s=status.roster_age_s,
                refused=status.refused,
            )
        for lane_id, runner in self._runners.items():
            source = runner.source
            self._metrics.source(
                lane_id, up=source.state is not SourceState.LOST, reconnects=source.reconnects
            )
        self._metrics.thermometers({one: not t.problem for one, t in self.screening.thermometers.items()})

    def _lanes_locked_before(self) -> set[str]:
        kept = self._store.state(LOCKED_LANES)
        return {str(lane_id) for lane_id in kept} if isinstance(kept, list) else set()
