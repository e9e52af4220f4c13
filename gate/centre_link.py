"""The gate and its centre: what the edge agent asks of the gate, and what it may have done here."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from gate.clock import Clock
from gate.errors import GateError, RelayError
from gate.policy_trial import Trial, try_policy
from sync.edge.agent import EdgeAgent
from sync.edge.commands import MAX_DETAIL_CHARS
from sync.edge.status import EdgeStatus, HealthTexts
from sync.errors import UnknownWorker
from sync.store import LocalStore
from sync.wire.explanation import TOO_LONG, UNKNOWN_WORKER, Explanation, GateQuestion, RuleAnswer, Said
from sync.wire.messages import Action, Command

if TYPE_CHECKING:
    from gate.service import GateService

log = logging.getLogger(__name__)


class CentreLink:
    """One edge agent in the service of one gate."""

    def __init__(self, service: GateService, store: LocalStore, clock: Clock, version: str) -> None:
        """Raises SecretUnsafe, BrokerSettingsWrong or StoreError, as `EdgeAgent` does."""
        settings = service.settings
        self._service = service
        self._store = store
        self._agent = EdgeAgent(
            settings.centre,
            store,
            site_id=settings.site.id,
            gate_id=settings.gate.id,
            clock=clock,
            health=self._health,
            on_command=self.execute,
            on_roster_changed=service.wake,
            version=version,
            lanes=tuple(service.lanes()),
        )

    def start(self) -> None:
        self._agent.start()

    def stop(self) -> None:
        """Say goodbye; the centre then knows a clean stop from a loss."""
        self._agent.stop()

    def status(self) -> EdgeStatus:
        return self._agent.status()

    def execute(self, command: Command) -> tuple[bool, str]:
        """Do what the centre asks; (done, detail for the answer). The agent has checked and records it."""
        lanes = [command.lane_id] if command.lane_id else list(self._service.lanes())
        if unknown := [lane for lane in lanes if lane not in self._service.lanes()]:
            return False, f"no lane {unknown[0]}"
        if command.action is Action.EXPLAIN:
            return self._explain(command, lanes[0])
        try:
            return True, self._do(command, lanes)
        except (GateError, RelayError) as error:
            return False, str(error)

    def _do(self, command: Command, lanes: list[str]) -> str:
        service = self._service
        match command.action:
            case Action.OPEN_ONCE:
                events = [service.open_by_centre(lane, command.issued_by, command.reason) for lane in lanes]
                return f"opened, event {', '.join(events)}"
            case Action.HOLD_OPEN | Action.RELEASE:
                for lane in lanes:
                    service.hold_open(lane, command.action is Action.HOLD_OPEN)
            case Action.LOCK | Action.UNLOCK:
                for lane in lanes:
                    service.lock(lane, command.action is Action.LOCK)
            case Action.RELOAD:
                service.wake()
            case Action.DIAGNOSTICS:
                return self._diagnostics()
        return command.action.value

    def _explain(self, command: Command, lane_id: str) -> tuple[bool, str]:
        """As `sitegate policy try`: nothing opens, nothing is recorded or shown, nobody is named."""
        asked = GateQuestion.model_validate_json(command.question)
        settings = self._service.settings
        try:
            trial = try_policy(
                settings,
                self._store,
                worker_id=asked.worker_id,
                lane=next(lane for lane in settings.lanes if lane.id == lane_id),
                at=asked.at,
                celsius=asked.celsius,
                by_pass=asked.by_pass,
            )
        except UnknownWorker:
            return False, UNKNOWN_WORKER
        told = _explanation(trial).model_dump_json()
        return (True, told) if len(told) <= MAX_DETAIL_CHARS else (False, TOO_LONG)

    def _diagnostics(self) -> str:
        """Figures only: no name, no number of a worker."""
        service, status = self._service, self.status()
        return json.dumps(
            {
                "health": {lane: vars_of(service.lane(lane).health) for lane in service.lanes()},
                "workers": len(service.roster.gallery),
                "templates": service.roster.gallery.template_count,
                "roster_version": status.roster_version,
                "outbox": status.outbox_depth,
                "parked": status.outbox_parked,
                "refused": dict(status.refused),
                "threshold": round(service.roster.threshold().value, 4),
            }
        )

    def _health(self) -> HealthTexts:
        """Of several lanes, the first that has something to say."""
        healths = [self._service.lane(lane).health for lane in self._service.lanes()]

        def first(part: str) -> str:
            return next((text for health in healths if (text := getattr(health, part))), "")

        return HealthTexts(
            camera=first("camera"),
            relay=first("relay"),
            store=first("store"),
            clock=first("clock"),
            liveness=first("liveness"),
        )


def _explanation(trial: Trial) -> Explanation:
    return Explanation(
        lane_id=trial.lane_id,
        direction=trial.direction,
        at=trial.at,
        pass_text=trial.pass_text,
        outcome=trial.outcome,
        reasons=tuple(reason.value for reason in trial.reasons),
        rules=tuple(
            RuleAnswer(
                rule=step.rule,
                said=tuple(
                    Said(
                        outcome=one.outcome,
                        reason=one.reason.value,
                        notice=one.notice,
                        zh=one.text.zh,
                        en=one.text.en,
                        step_zh=one.next_step.zh,
                        step_en=one.next_step.en,
                    )
                    for one in step.said
                ),
            )
            for step in trial.steps
        ),
    )


def vars_of(health: object) -> dict[str, object]:
    """The non-empty fields of a slotted dataclass."""
    names = getattr(health, "__dataclass_fields__", {})
    return {name: value for name in names if (value := getattr(health, name))}
