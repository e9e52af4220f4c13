"""What confirming a contact of a case does to a worker: a colour of the pass, or a flag."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from sync.central import health, registry
from sync.central.tables_cases import LABEL_LENGTH
from sync.health_pass import PassColour, Step, Transition
from sync.records import Flag, FlagLevel
from sync.screening.pass_record import flag_entry
from sync.tracing.rules import Measure

_COLOURS = {FlagLevel.BLOCK: PassColour.RED, FlagLevel.HOLD: PassColour.YELLOW}


@dataclass(frozen=True, slots=True)
class ContactMeasure:
    """What one action does about each contact that it confirms; `until` is exclusive."""

    case_id: str
    action_id: str
    level: FlagLevel
    until: datetime
    rule: Measure

    def take(
        self, connection: Connection, contact: Any, *, by: str, why: str, now: datetime
    ) -> tuple[str, dict[str, int]]:
        """The id of the flag, and the new roster versions. Raises SettingRefused for an unknown cause."""
        colour = _COLOURS.get(self.level)
        if colour is not None and self.rule.pass_cause is not None:
            return self._colour(connection, contact, self.rule.pass_cause, colour, by, why, now)
        flag = Flag(
            level=self.level,
            category=self.rule.category,
            reason=f"密切接触核查 contact {self.case_id[:LABEL_LENGTH]}",
            valid_from=now,
            valid_until=self.until,
        )
        return flag.flag_id, registry.add_flag(connection, contact.worker_id, flag, now=now)

    def _colour(
        self,
        connection: Connection,
        contact: Any,
        cause: str,
        colour: PassColour,
        by: str,
        why: str,
        now: datetime,
    ) -> tuple[str, dict[str, int]]:
        entry_id = f"contact-{contact.contact_id}-{self.action_id[:8]}"
        step = Step(colour, (self.until - now) / timedelta(days=1))
        ended_by = health.transition_of(connection, cause).ended_by
        versions = health.occurred(
            connection,
            contact.worker_id,
            cause,
            now,
            entry_id=entry_id,
            now=now,
            source=contact_source(contact.contact_id),
            by=by,
            why=why,
            transition=Transition((step,), ended_by),
        )
        return f"{flag_entry(entry_id)}.1", versions


def contact_source(contact_id: str) -> str:
    """What the entry of a confirmed contact names as its source."""
    return f"contact:{contact_id}"
