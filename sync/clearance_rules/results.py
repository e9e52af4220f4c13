"""Which clearance somebody's results of one kind give. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync.clearance_rules.rules import Kind
from sync.clearances import RESULT, longest_clearances
from sync.records import Clearance


@dataclass(frozen=True, slots=True)
class Result:
    """One result as it is kept. `valid_until` None: no end."""

    result_id: str
    code: str
    done_at: datetime
    valid_until: datetime | None


def with_results(held: Sequence[Clearance], kind: Kind, results: Iterable[Result]) -> tuple[Clearance, ...]:
    """The clearances of somebody with these results of `kind`, all of them.

    The latest result that does not grant takes away what was granted before it, whoever granted it. Of what
    was granted after it, the one that holds longest counts.
    """
    in_order = sorted(results, key=lambda one: (one.done_at, one.result_id))
    refused_at: datetime | None = None
    granted: list[Clearance] = []
    for one in in_order:
        meaning = kind.result(one.code)
        if meaning is not None and meaning.grants:
            granted.append(
                Clearance(
                    kind=kind.kind,
                    valid_from=one.done_at,
                    valid_until=one.valid_until,
                    reference=f"{RESULT}{one.result_id}",
                )
            )
        else:
            refused_at, granted = one.done_at, []
    kept = [one for one in held if one.kind != kind.kind or _stays(one, refused_at)]
    return longest_clearances(kept, granted)


def _stays(held: Clearance, refused_at: datetime | None) -> bool:
    if held.reference.startswith(RESULT):
        return False
    return refused_at is None or (held.valid_from is not None and held.valid_from > refused_at)
