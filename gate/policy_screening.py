"""Rules about what a site asks of people: pass, clearances, declaration, temperature, capacity, rest.

Pure, as all rules (`gate/policy.py`). On the way out they only note: nobody is locked in on a building site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import wraps

from gate.decision import Hint
from gate.policy_facts import (
    Context,
    Finding,
    Findings,
    Passed,
    as_configured,
    begun,
    deny,
    ended,
    noticed,
)
from gate.reasons import Reason, Words, text
from gate.screening_settings import (
    DeclarationSettings,
    PassColourSettings,
    RequiredClearance,
    TemperatureSettings,
)
from gate.settings import PolicySettings, RuleName
from sync.health_pass import PassColour, pass_at
from sync.records import Clearance, Direction, Outcome, Worker

_Rule = Callable[[Context, PolicySettings, Worker], Findings]

SECOND_LOOK = timedelta(hours=24)
"""Too hot again within a day of the first time is for a medic, not for another rest."""


_HELD = {"hold": Reason.PASS_YELLOW, "mask": Reason.PASS_YELLOW_MASK}
"""What the guard checks before a yellow pass enters."""


def _rule(rule: _Rule) -> Callable[[Context, PolicySettings], Findings]:
    """Nothing about strangers; on the way out notices only."""

    @wraps(rule)
    def applied(context: Context, settings: PolicySettings) -> Findings:
        if context.worker is None:
            return ()
        found = rule(context, settings, context.worker)
        if context.direction is Direction.IN:
            return found
        return tuple(Finding(Outcome.ALLOW, one.reason, notice=True, hint=one.hint) for one in found)

    return applied


@_rule
def pass_colour(context: Context, settings: PolicySettings, worker: Worker) -> Findings:
    """Red is refused, yellow as configured, and so is nobody's green where one is needed."""
    rule = settings.pass_colour
    status = pass_at(worker.flags, worker.clearances, context.now)
    if status.colour is PassColour.RED:
        return deny(Reason.PASS_RED)
    if status.colour is PassColour.YELLOW:
        return _yellow(context.lane_id, rule)
    if status.colour is None and rule.green != "not_needed":
        return as_configured(rule.green, Reason.PASS_NOT_GREEN)
    return ()


def _yellow(lane_id: str, rule: PassColourSettings) -> Findings:
    if rule.yellow in _HELD:
        return (Finding(Outcome.HOLD, _HELD[rule.yellow]),)
    if rule.yellow == "allow" or lane_id in rule.yellow_lanes:
        return noticed(Reason.PASS_YELLOW)
    return deny(Reason.PASS_YELLOW_LANE)


@_rule
def clearances(context: Context, settings: PolicySettings, worker: Worker) -> Findings:
    """Every clearance that is asked of this worker's team and trade; what ends soon is said before."""
    needed = (one for one in settings.clearances if _asked_of(one, worker))
    return tuple(finding for one in needed for finding in _clearance(context, one, worker))


def _asked_of(needed: RequiredClearance, worker: Worker) -> bool:
    everybody = not needed.teams and not needed.trades
    return everybody or worker.team in needed.teams or worker.trade in needed.trades


def _clearance(context: Context, needed: RequiredClearance, worker: Worker) -> Findings:
    held = [one for one in worker.clearances if one.kind == needed.kind]
    coming = [one for one in held if not ended(one.valid_until, context.now)]
    valid = [one for one in coming if begun(one.valid_from, context.now)]
    if not valid:
        reason = Reason.CLEARANCE_MISSING if not held else Reason.CLEARANCE_EXPIRED
        reason = Reason.CLEARANCE_NOT_YET if coming else reason
        return as_configured(needed.missing, reason, _lacking(needed, reason, held, context))
    ends = [one.valid_until for one in coming if one.valid_until is not None]
    soon = context.now + timedelta(days=needed.warn_days)
    if len(ends) < len(coming) or max(ends) > soon:
        return ()
    return noticed(Reason.CLEARANCE_ENDS_SOON, _ends_soon(needed, max(ends), context))


def _lacking(needed: RequiredClearance, reason: Reason, held: Sequence[Clearance], context: Context) -> Hint:
    general, name = text(reason), _name(needed)
    said = Words(f"{general.text.zh}：{name.zh}", f"{general.text.en}: {name.en}")
    note = f"{reason.value} {needed.kind}"
    if reason is Reason.CLEARANCE_EXPIRED:
        note += f" until {_stated(max(one.valid_until for one in held if one.valid_until), context)}"
    if reason is Reason.CLEARANCE_NOT_YET:
        begins = (one.valid_from for one in held if one.valid_from and one.valid_from > context.now)
        note += f" from {_stated(min(begins), context)}"
    return Hint(reason, said, _where(needed, reason), note, needed.online)


def _ends_soon(needed: RequiredClearance, end: datetime, context: Context) -> Hint:
    reason, name = Reason.CLEARANCE_ENDS_SOON, _name(needed)
    day = end.astimezone(context.timezone)
    said = Words(f"{name.zh}{day.month}月{day.day}日到期", f"{name.en} ends on {day:%d.%m.}")
    note = f"{reason.value} {needed.kind} until {_stated(end, context)}"
    return Hint(reason, said, _where(needed, reason), note)


def _name(needed: RequiredClearance) -> Words:
    return Words(needed.name or needed.kind, needed.name_en or needed.kind)


def _where(needed: RequiredClearance, reason: Reason) -> Words:
    if not (needed.where or needed.where_en):
        return text(reason).next_step
    place = Words(needed.where or needed.where_en, needed.where_en or needed.where)
    return Words(f"请到{place.zh}办理", f"Get it here: {place.en}")


def _stated(at: datetime, context: Context) -> str:
    return at.astimezone(context.timezone).isoformat(timespec="minutes")


@_rule
def declaration(context: Context, settings: PolicySettings, worker: Worker) -> Findings:
    """The declaration of the day; a normal temperature counts where the site says so."""
    rule = settings.declaration
    if _has_declared(context, rule, worker):
        return ()
    celsius = _celsius(context)
    if rule.temperature_counts and celsius is not None and celsius < settings.temperature.limit_c:
        return ()
    return as_configured(rule.missing, Reason.DECLARATION_MISSING)


def _has_declared(context: Context, rule: DeclarationSettings, worker: Worker) -> bool:
    """The clearance of a declaration ends with the day of the site."""
    held = (one for one in worker.clearances if one.kind == rule.kind)
    return any(begun(one.valid_from, context.now) and not ended(one.valid_until, context.now) for one in held)


def _celsius(context: Context) -> float | None:
    """What the lane's thermometer reads now."""
    measured = context.screened.measured
    return None if measured is None else measured.celsius


@_rule
def temperature(context: Context, settings: PolicySettings, worker: Worker) -> Findings:
    """Above the limit: refused, a second reading after a rest; no reading: as configured."""
    fever = _fever(context, settings.temperature)
    if fever or _celsius(context) is not None:
        return fever
    return _unmeasured(context, settings.temperature, Reason.TEMPERATURE_MISSING)


def _fever(context: Context, rule: TemperatureSettings) -> Findings:
    """Too hot now, or not rested long enough since."""
    recent = _recently_hot(context)
    if recent:
        until = recent[-1] + timedelta(minutes=rule.rest_min)
        if context.now < until:
            return deny(Reason.TEMPERATURE_REST, _rest_until(until, context))
    celsius = _celsius(context)
    if celsius is None or celsius < rule.limit_c:
        return ()
    return deny(Reason.TEMPERATURE_HIGH_AGAIN if recent else Reason.TEMPERATURE_HIGH)


def _recently_hot(context: Context) -> list[datetime]:
    return [at for at in context.screened.hot_at if context.now - at < SECOND_LOOK]


def _unmeasured(context: Context, rule: TemperatureSettings, reason: Reason) -> Findings:
    """Who was too hot before does not get in unmeasured, whatever is configured."""
    missing = "hold" if rule.missing == "allow" and _recently_hot(context) else rule.missing
    return as_configured(missing, reason)


def _rest_until(until: datetime, context: Context) -> Hint:
    general = text(Reason.TEMPERATURE_REST)
    at = f"{until.astimezone(context.timezone):%H:%M}"
    again = Words(f"请在阴凉处休息，{at} 后再测", f"Rest in the shade, measure again after {at}")
    return Hint(Reason.TEMPERATURE_REST, general.text, again, f"rest until {at}")


@_rule
def daily_clearance(context: Context, settings: PolicySettings, worker: Worker) -> Findings:
    """Declared and measured, on this day of the site; says which part is missing.

    A part that is there does not make up for the other, and each part's section says what becomes of somebody
    without it.
    """
    rule, found = settings.daily_clearance, list[Finding]()
    if "declaration" in rule.parts and not _has_declared(context, settings.declaration, worker):
        found.extend(as_configured(settings.declaration.missing, Reason.DAILY_DECLARATION_MISSING))
    if "temperature" in rule.parts:
        fever = _fever(context, settings.temperature)
        is_measured = _celsius(context) is not None or (
            rule.reading == "day" and _was_measured_today(context, settings.temperature)
        )
        if not fever and not is_measured:
            fever = _unmeasured(context, settings.temperature, Reason.DAILY_TEMPERATURE_MISSING)
        found.extend(fever)
    return tuple(found)


def _was_measured_today(context: Context, rule: TemperatureSettings) -> bool:
    """A normal temperature on this day of the site, and not too hot since."""
    rest = timedelta(minutes=rule.rest_min)
    today = context.now.astimezone(context.timezone).date()
    return any(
        one.celsius < rule.limit_c
        and one.at.astimezone(context.timezone).date() == today
        and all(at + rest <= one.at for at in context.screened.hot_at)
        for one in context.screened.readings
    )


@_rule
def capacity(context: Context, settings: PolicySettings, worker: Worker) -> Findings:
    """No more people than the site takes; whoever is inside by the records is counted already."""
    rule, inside = settings.capacity, context.screened.inside
    if rule.people is None or inside is None or inside < rule.people:
        return ()
    last = _last(context)
    stays = timedelta(hours=rule.longest_stay_h)
    if last is not None and last.direction is Direction.IN and context.now - last.at < stays:
        return ()
    return (Finding(Outcome(rule.full), Reason.SITE_FULL),)


@_rule
def anti_passback(context: Context, settings: PolicySettings, worker: Worker) -> Findings:
    """Nobody twice in the same direction without the other in between."""
    rule, last = settings.anti_passback, _last(context)
    if last is None or last.direction is not context.direction:
        return ()
    since = context.now - last.at
    if not timedelta(seconds=rule.grace_s) <= since < timedelta(hours=rule.within_h):
        return ()
    return as_configured(rule.again, Reason.PASSED_TWICE)


@_rule
def age(context: Context, settings: PolicySettings, worker: Worker) -> Findings:
    """Full years on the local day within the limits, both included."""
    rule, born = settings.age, context.screened.born_on
    if born is None:
        return as_configured(rule.missing, Reason.AGE_UNKNOWN)
    today = context.now.astimezone(context.timezone).date()
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if rule.min_years <= years <= rule.max_years:
        return ()
    return as_configured(rule.outside, Reason.AGE_OUTSIDE)


@_rule
def rest_time(context: Context, settings: PolicySettings, worker: Worker) -> Findings:
    """After a long shift a rest. Breaks shorter than the rest belong to the shift."""
    rule = settings.rest_time
    rest = timedelta(hours=rule.min_rest_h)
    began = _shift_began(context.screened.passages, context.now, rest)
    last = _last(context)
    if began is None or last is None or last.direction is Direction.IN:
        return ()
    if last.at - began < timedelta(hours=rule.longest_shift_h):
        return ()
    until = last.at + rest
    general = text(Reason.REST_TOO_SHORT)
    at = f"{until.astimezone(context.timezone):%H:%M}"
    hint = Hint(
        Reason.REST_TOO_SHORT,
        general.text,
        Words(f"请休息，{at} 后再来", f"Take your rest and come back after {at}"),
        f"rest until {at}",
    )
    return as_configured(rule.too_short, Reason.REST_TOO_SHORT, hint)


def _shift_began(passages: tuple[Passed, ...], now: datetime, rest: timedelta) -> datetime | None:
    """When the shift began that `now` would go on with; None after a whole rest, or without records."""
    began: datetime | None = None
    later = Passed(Direction.IN, now)
    for one in reversed(passages):
        # From an exit to the next entry is rest, from an entry to its exit work. Two entries with a whole
        # rest between them: the exit went by another gate.
        if later.direction is Direction.IN and later.at - one.at >= rest:
            break
        if one.direction is Direction.IN:
            began = one.at
        later = one
    return began


def _last(context: Context) -> Passed | None:
    passages = context.screened.passages
    return passages[-1] if passages else None


RULES: Mapping[RuleName, Callable[[Context, PolicySettings], Findings]] = {
    "pass_colour": pass_colour,
    "clearances": clearances,
    "declaration": declaration,
    "temperature": temperature,
    "daily_clearance": daily_clearance,
    "capacity": capacity,
    "anti_passback": anti_passback,
    "age": age,
    "rest_time": rest_time,
}
