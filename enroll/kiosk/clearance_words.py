"""Whether somebody's safety training lets the gates open, in words."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from enroll.roster_values import last_day
from sync.records import Worker
from sync.words import Words

NONE = Words("未培训，闸机可能不放行", "none: gates may refuse")
HOLDS = Words("有效", "valid")
UNTIL = Words("有效期至", "valid until")
ENDED = Words("已过期", "ended")


def clearance_words(worker: Worker, kind: str, *, now: datetime, zone: ZoneInfo) -> str:
    """Of the clearance `kind` that holds longest; days are those of `zone`, the last one counts."""
    ends = [one.valid_until for one in worker.clearances if one.kind == kind]
    if not ends:
        return str(NONE)
    dated = [end for end in ends if end is not None]
    if len(dated) < len(ends):
        return str(HOLDS)
    last = max(dated)
    return f"{UNTIL if last > now else ENDED} {last_day(last, zone).isoformat()}"
