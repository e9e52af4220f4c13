"""What the gate makes of a face or a pass: the facts for the policy, and what stands above it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from zoneinfo import ZoneInfo

from gate.clock import Clock
from gate.decision import Decision
from gate.lane import Finding, Verdict
from gate.policy import Context, LivenessState, PassFacts, decide
from gate.policy_facts import Screened
from gate.reasons import Reason
from gate.screening import Screening, temperature_note
from gate.settings import LaneSettings, Settings
from sync.edge.status import EdgeStatus
from sync.records import Direction, MatchFacts, Outcome, Worker


class Judge:
    """Decides by the policy of one gate; safe to call from several lanes.

    locked         lanes that let nobody in, kept by the caller
    clock_trusted  whether the gate's clock can be believed now
    centre         what the link to the centre says; None where the gate works on its own
    screening      thermometers and records, as far as the rules ask for them
    """

    def __init__(
        self,
        settings: Settings,
        *,
        model: str,
        clock: Clock,
        locked: Collection[str],
        clock_trusted: Callable[[], bool],
        centre: Callable[[], EdgeStatus | None],
        screening: Screening,
    ) -> None:
        self._settings = settings
        self._model = model
        self._clock = clock
        self._zone = ZoneInfo(settings.site.timezone)
        self._locked = locked
        self._clock_trusted = clock_trusted
        self._centre = centre
        self._screening = screening

    def face(self, lane: LaneSettings, verdict: Verdict, worker: Worker | None) -> Decision:
        """The answer to a face that was looked at; `worker` is who it was recognised as.

        Raises StoreError where a rule asks for records that cannot be read.
        """
        since_s, until_s = verdict.first_usable_s, verdict.decided_s
        return self._decide(
            lane,
            self._context(
                lane,
                worker,
                usable_face=verdict.finding is not Finding.NOT_USABLE,
                ambiguous=verdict.ambiguous,
                liveness=self.liveness(verdict),
                tailgating=verdict.tailgating,
                screened=self._screening.look(lane, worker, since_s=since_s, until_s=until_s),
            ),
        )

    def entry_pass(self, lane: LaneSettings, facts: PassFacts, worker: Worker | None) -> Decision:
        """The answer to a QR pass or a badge; `worker` is its holder. Raises StoreError as `face` does."""
        screened = self._screening.look(lane, worker, since_s=None, until_s=None)
        return self._decide(lane, self._context(lane, worker, entry_pass=facts, screened=screened))

    @staticmethod
    def unread(lane: LaneSettings, worker_id: str | None) -> Decision:
        """The worker's record cannot be read: nobody gets in, and nobody known is locked in."""
        leaves = lane.direction is Direction.OUT and worker_id is not None
        return Decision(Outcome.ALLOW if leaves else Outcome.DENY, (Reason.STORE_FAULT,))

    def liveness(self, verdict: Verdict) -> LivenessState:
        if verdict.live_score is None:
            return "not_checked"
        return "live" if verdict.live_score >= self._settings.liveness.min_score else "spoof"

    def match(self, verdict: Verdict) -> MatchFacts:
        """What the event says about the score."""
        return MatchFacts(
            score=round(verdict.score, 4),
            threshold=round(verdict.threshold.value, 4),
            margin=None if verdict.margin is None else round(verdict.margin, 4),
            model=self._model,
            frames=verdict.frames,
            agreeing=verdict.agreeing,
            roster_size=verdict.roster_size,
            threshold_source=verdict.threshold.source,
        )

    def _decide(self, lane: LaneSettings, context: Context) -> Decision:
        if lane.id in self._locked:
            return Decision(Outcome.DENY, (Reason.LANE_LOCKED,))
        decision = decide(context, self._settings.policy)
        decision = replace(decision, note=_note(decision, context.screened))
        enters = decision.outcome is Outcome.ALLOW and lane.direction is Direction.IN
        if enters and self._outbox_is_full():
            return replace(decision, outcome=Outcome.DENY, reasons=(Reason.OUTBOX_FULL, *decision.reasons))
        return decision

    def _outbox_is_full(self) -> bool:
        if self._settings.centre.when_full != "shut":
            return False
        centre = self._centre()
        return centre is not None and centre.outbox_full

    def _context(
        self,
        lane: LaneSettings,
        worker: Worker | None,
        *,
        usable_face: bool = True,
        entry_pass: PassFacts | None = None,
        ambiguous: bool = False,
        liveness: LivenessState = "not_checked",
        tailgating: int = 0,
        screened: Screened,
    ) -> Context:
        centre = self._centre()
        return Context(
            worker=worker,
            usable_face=usable_face,
            entry_pass=entry_pass,
            ambiguous=ambiguous,
            site_id=self._settings.site.id,
            lane_id=lane.id,
            direction=lane.direction,
            now=self._clock.now(),
            timezone=self._zone,
            liveness_settings=self._settings.liveness,
            liveness=liveness,
            clock_trusted=self._clock_trusted(),
            roster_age_s=None if centre is None else centre.roster_age_s,
            tailgating=tailgating,
            screened=screened,
        )


def _note(decision: Decision, screened: Screened) -> str:
    """What the record says beside the reasons: the temperature, which clearance, until when."""
    measured = screened.measured
    said = [] if measured is None or measured.celsius is None else [temperature_note(measured.celsius)]
    if measured is not None and measured.problem:
        said.append(f"temperature: {measured.problem}")
    return "; ".join([*said, *dict.fromkeys(hint.note for hint in decision.hints)])
