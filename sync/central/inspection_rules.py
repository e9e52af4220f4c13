"""Who inspects at which level, who may do what about a finding, how photos are kept. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sync.central.accounts_access import Right, Role, Viewer
from sync.inspections import FindingState, InspectorLevel, Step
from sync.inspections.finding import BY_SITE, FOLLOWS, OF_INSPECTIONS

LEVELS: Mapping[Role, tuple[InspectorLevel, ...]] = {
    Role.SITE_MANAGER: (InspectorLevel.SELF,),
    Role.INSPECTOR: (InspectorLevel.SUB_DISTRICT,),
    Role.SUPERVISOR: (InspectorLevel.DISTRICT,),
    Role.ADMIN: tuple(InspectorLevel),
}
"""At which levels an account of a role inspects, the nearest first."""


@dataclass(frozen=True, slots=True)
class InspectionSettings:
    """How photos of findings are handled here.

    photos_kept_days   after they were taken; 0: none is taken
    photo_max_px       longer side of a kept photo
    photos_per_finding at most
    """

    photos_kept_days: int = 180
    photo_max_px: int = 1280
    photos_per_finding: int = 6


def levels_of(viewer: Viewer) -> tuple[InspectorLevel, ...]:
    """At which levels this account inspects."""
    return LEVELS.get(viewer.role, ()) if viewer.may(Right.INSPECT) else ()


def steps_of(viewer: Viewer, level: InspectorLevel, state: FindingState) -> tuple[Step, ...]:
    """What this account may do now about a finding of that level."""
    steps = [step for step in Step if step not in OF_INSPECTIONS and may(viewer, level, step)]
    return tuple(step for step in steps if step in FOLLOWS[state])


def may(viewer: Viewer, level: InspectorLevel, step: Step) -> bool:
    """Whether this account takes such a step about a finding of that level."""
    if step in BY_SITE:
        return viewer.may(Right.MEND_FINDINGS)
    return any(own.rank >= level.rank for own in levels_of(viewer))
