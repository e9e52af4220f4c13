"""Alerts over an open connection: raised, acknowledged, measures noted, closed, reopened.

Every function is part of the caller's transaction. Who may do what is asked in `alert_desk`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Executable, insert, select, update

from sync.alerting import FOLLOWS, AlertRules, Level, Life, State, StepKind, missing, shipped_rules
from sync.alerting.telling import STEPS
from sync.central import tables
from sync.central.errors import AlreadyThere, CentralError
from sync.central.statements import insert_for
from sync.central.tables_alerts import NOT_CLOSED, SUBJECT_LENGTH, alert_steps, alerts

_NOTE_STEP = insert(alert_steps)


class UnknownRule(CentralError, LookupError):
    """No rule by that id came with the program."""


class ActedMeanwhile(CentralError, ValueError):
    """Somebody else did something about the alert since it was shown; nothing was changed."""


class StepRefused(CentralError, ValueError):
    """What was asked for does not follow on where the alert is."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it is kept. `times` it happened; `level` told for the deadline that runs, None: nobody."""

    alert_id: str
    rule_id: str
    site_id: str
    subject: str
    state: State
    revision: int
    times: int
    facts: Mapping[str, str | int]
    raised_at: datetime
    last_at: datetime
    opened_at: datetime
    acknowledged_at: datetime | None
    closed_at: datetime | None
    level: Level | None

    @property
    def life(self) -> Life:
        return Life(self.state, self.opened_at)


@dataclass(frozen=True, slots=True)
class Doing:
    """What an officer does. `seen`: the revision of the alert that was on the screen."""

    kind: StepKind
    seen: int
    measure: str = ""
    remarks: str = ""


def raise_alert(
    connection: Connection,
    rule: str,
    *,
    site_id: str,
    subject: str,
    facts: Mapping[str, str | int] | None = None,
    now: datetime,
) -> str:
    """Raise an alert, or count up the one that is not closed of the same rule, site and subject.

    Args:
        rule: of `sync/alerting/data/alert-rules.yaml`.
        subject: what it is about, e.g. `worker:W-17`, `gate:riverside/gate-1`, `site:riverside`, `case:<id>`.
        facts: counts and codes; no name, no number of a document or phone, no reading. The latest ones stay.

    Returns:
        The id of the alert.

    Raises:
        UnknownRule: no such rule came with the program.
    """
    if shipped_rules().rule(rule) is None:
        raise UnknownRule(f"no alert rule {rule}", next_step="add it to sync/alerting/data/alert-rules.yaml")
    new_id = uuid4().hex
    values = {
        "alert_id": new_id,
        "rule_id": rule,
        "site_id": site_id,
        "subject": subject[:SUBJECT_LENGTH],
        "state": State.OPEN.value,
        "facts": dict(facts or {}),
        "raised_at": now,
        "last_at": now,
        "opened_at": now,
        "next_step_at": now,
        "changed_at": now,
    }
    alert_id = str(connection.scalar(_raise_or_count(connection.dialect.name), values))
    if alert_id == new_id:
        connection.execute(_NOTE_STEP, {"alert_id": alert_id, "at": now, "kind": StepKind.RAISED.value})
    return alert_id


@functools.cache
def _raise_or_count(dialect: str) -> Executable:
    """Built once: a list that changes may raise thousands. Returns the id that holds."""
    row, statement = alerts.c, insert_for(dialect, alerts)
    new = statement.excluded
    again = {"times": row.times + 1} | {name: new[name] for name in ("facts", "last_at", "changed_at")}
    return statement.on_conflict_do_update(
        index_elements=[row.rule_id, row.site_id, row.subject], index_where=NOT_CLOSED, set_=again
    ).returning(row.alert_id)


def put_facts(
    connection: Connection, alert_id: str, facts: Mapping[str, str | int], *, now: datetime
) -> None:
    """What an alert tells has changed, and nothing new happened. A closed one stays as it is."""
    here = (alerts.c.alert_id == alert_id, NOT_CLOSED)
    connection.execute(update(alerts).where(*here).values(facts=dict(facts), changed_at=now))


def close_by_itself(
    connection: Connection, alert_id: str, facts: Mapping[str, str | int], *, now: datetime
) -> None:
    """What an alert was about is over, whatever was done: the program closes it."""
    # The revision counts what officers did: who looks at it as it was is told that it is closed.
    closed = {"state": State.CLOSED.value, "closed_at": now, "next_step_at": None, "changed_at": now}
    here = (alerts.c.alert_id == alert_id, NOT_CLOSED)
    if connection.execute(update(alerts).where(*here).values(closed | {"facts": dict(facts)})).rowcount:
        connection.execute(_NOTE_STEP, {"alert_id": alert_id, "at": now, "kind": StepKind.CLOSED.value})


def act(
    connection: Connection, rules: AlertRules, alert_id: str, doing: Doing, *, by: str, now: datetime
) -> Alert:
    """One officer's step: acknowledge, note a measure, close, or take the closing back.

    Raises:
        ActedMeanwhile: the alert is not any more as it was shown; says who did what, and when.
        StepRefused: it does not follow, a required measure is missing, or the measure is not one of the rule.
        AlreadyThere: taken back, but the same thing was raised again since and is open.
        LookupError: no such alert.
    """
    alert = held_alert(connection, alert_id)
    if alert.revision != doing.seen:
        raise _acted_meanwhile(connection, rules, alert)
    state = FOLLOWS.get((alert.state, doing.kind))
    if state is None:
        raise StepRefused(
            f"该预警当前不能这样处理 · an alert that is {alert.state} cannot be {doing.kind}",
            next_step="acknowledge it first; reopen a closed one",
        )
    _check_measures(connection, rules, alert, doing)
    row = alerts.c
    values: dict[str, Any] = {"state": state.value, "revision": alert.revision + 1, "changed_at": now}
    if alert.acknowledged_at is None:
        values |= {"acknowledged_at": now, "level": Level.SITE.value, "next_step_at": now}
    if state is State.CLOSED:
        values |= {"closed_at": now, "next_step_at": None}
    if doing.kind is StepKind.REOPENED:
        _require_alone(connection, alert)
        noted = noted_measures(connection, alert_id)
        values |= {
            "state": (State.MEASURES if noted else state).value,
            "closed_at": None,
            "opened_at": now,
            "level": Level.SITE.value,
            "next_step_at": now,
        }
    connection.execute(update(alerts).where(row.alert_id == alert_id).values(values))
    connection.execute(
        insert(alert_steps).values(
            alert_id=alert_id,
            at=now,
            kind=doing.kind.value,
            done_by=by,
            detail=doing.measure,
            remarks=doing.remarks,
        )
    )
    return held_alert(connection, alert_id)


def held_alert(connection: Connection, alert_id: str) -> Alert:
    """The alert, which on PostgreSQL stays ours until the commit. Raises LookupError for none."""
    query = select(alerts).where(alerts.c.alert_id == alert_id).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise LookupError(f"no alert {alert_id}")
    return alert_of(row)


def alert_of(row: Any) -> Alert:
    """A row of the table as a record."""
    return Alert(
        row.alert_id,
        row.rule_id,
        row.site_id,
        row.subject,
        State(row.state),
        row.revision,
        row.times,
        row.facts,
        row.raised_at,
        row.last_at,
        row.opened_at,
        row.acknowledged_at,
        row.closed_at,
        Level(row.level) if row.level else None,
    )


def noted_measures(connection: Connection, alert_id: str) -> list[str]:
    """Ids of measures, in the order in which they were noted."""
    step = alert_steps.c
    query = select(step.detail).where(step.alert_id == alert_id, step.kind == StepKind.MEASURE.value)
    return list(connection.scalars(query.order_by(step.step_no)))


# -- inside ----------------------------------------------------------------------------------------------


def _check_measures(connection: Connection, rules: AlertRules, alert: Alert, doing: Doing) -> None:
    rule = rules.rule(alert.rule_id)
    if rule is None:  # of another profile: anything known may be noted, nothing is asked for
        return
    if doing.kind is StepKind.MEASURE and doing.measure not in rule.offers:
        raise StepRefused(
            f"此规则没有该措施 · {doing.measure or 'nothing'} is no measure of this rule",
            next_step=f"one of {', '.join(rule.offers)}",
        )
    if doing.kind is StepKind.CLOSED:
        all_of, one_of = missing(rule, noted_measures(connection, alert.alert_id))
        if all_of or one_of:
            wanted = [str(rules.measure_words(one)) for one in all_of]
            if one_of:
                wanted.append(" / ".join(str(rules.measure_words(one)) for one in one_of))
            raise StepRefused(
                "关闭前须先登记措施 · measures are missing before it can be closed",
                next_step=f"note: {'; '.join(wanted)}",
            )


def _require_alone(connection: Connection, alert: Alert) -> None:
    row = alerts.c
    same = (row.rule_id == alert.rule_id, row.site_id == alert.site_id, row.subject == alert.subject)
    if connection.scalar(select(row.alert_id).where(*same, NOT_CLOSED)) is not None:
        raise AlreadyThere(
            "同一事项已再次预警 · the same was raised again since and is not closed",
            next_step="go on with that one",
        )


def _acted_meanwhile(connection: Connection, rules: AlertRules, alert: Alert) -> ActedMeanwhile:
    step = alert_steps.c
    query = select(alert_steps).where(step.alert_id == alert.alert_id, step.done_by != "")
    last = connection.execute(query.order_by(step.step_no.desc()).limit(1)).one()
    site = tables.sites.c
    zone = connection.execute(select(site.timezone).where(site.site_id == alert.site_id)).scalar_one()
    at = last.at.astimezone(ZoneInfo(zone))
    what = STEPS[StepKind(last.kind)]
    measure = f"（{rules.measure_words(last.detail).zh}）" if last.kind == StepKind.MEASURE else ""
    who = last.done_by
    return ActedMeanwhile(
        f"{who} 已于 {at:%m-%d %H:%M:%S} {what.zh}{measure} · {who} did this meanwhile: {what.en}",
        next_step="现已显示最新情况，请查看后再处理 · the alert is shown as it is now: look, then go on",
    )
