"""The audit log: who looked at or changed what, when and from where. Lines are only ever added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select

from sync.central import tables
from sync.central.accounts_access import Right, Viewer
from sync.central.database import Database

PAGE_ROWS = 100


class Action(StrEnum):
    """What was done; stable words, found again by searching the log."""

    LOGIN = "login"
    IMPORTED_LIST = "imported_list"
    SET_LIST_FEED = "set_list_feed"
    REMOVED_LIST = "removed_list"
    DECIDED_MATCH = "decided_match"
    LOOKED_AT_LISTS = "looked_at_lists"
    LOOKED_AT_MATCHES = "looked_at_matches"
    LOOKED_AT_MATCH = "looked_at_match"
    EXPORTED_MATCHES = "exported_matches"
    LOGIN_FAILED = "login_failed"
    LOGOUT = "logout"
    LOOKED_AT_EVENTS = "looked_at_events"
    LOOKED_AT_EVENT = "looked_at_event"
    EXPORTED_EVENTS = "exported_events"
    LOOKED_AT_PRESENCE = "looked_at_presence"
    LOOKED_AT_ATTENDANCE = "looked_at_attendance"
    EXPORTED_ATTENDANCE = "exported_attendance"
    CORRECTED_ATTENDANCE = "corrected_attendance"
    WITHDREW_CORRECTION = "withdrew_correction"
    LOOKED_AT_WORKERS = "looked_at_workers"
    LOOKED_AT_WORKER = "looked_at_worker"
    ASKED_GATE = "asked_gate"
    WROTE_WORKER = "wrote_worker"
    FLAGGED_WORKER = "flagged_worker"
    UNFLAGGED_WORKER = "unflagged_worker"
    LOOKED_AT_HOUSES = "looked_at_houses"
    LOOKED_AT_HOUSE = "looked_at_house"
    EXPORTED_HOUSES = "exported_houses"
    WROTE_HOUSE = "wrote_house"
    WROTE_STAY = "wrote_stay"
    LOOKED_AT_CHECK = "looked_at_check"
    WROTE_CHECK = "wrote_check"
    SIGNED_CHECK = "signed_check"
    LOOKED_AT_BUSES = "looked_at_buses"
    LOOKED_AT_BUS = "looked_at_bus"
    EXPORTED_BUSES = "exported_buses"
    WROTE_BUS = "wrote_bus"
    LOOKED_AT_DECLARATIONS = "looked_at_declarations"
    LOOKED_AT_DECLARATION = "looked_at_declaration"
    EXPORTED_DECLARATIONS = "exported_declarations"
    LOOKED_AT_SITE_REPORTS = "looked_at_site_reports"
    REPORTED_SITE = "reported_site"
    LOOKED_AT_DUPLICATES = "looked_at_duplicates"
    SHOWED_DUPLICATES = "showed_duplicates"
    DECIDED_DUPLICATE = "decided_duplicate"
    MERGED_WORKERS = "merged_workers"
    LOOKED_AT_ERASURES = "looked_at_erasures"
    LOOKED_AT_TRAININGS = "looked_at_trainings"
    WITHDREW_CONSENT = "withdrew_consent"
    ERASED_AFTER_LEAVING = "erased_after_leaving"
    CONFIRMED_ERASURE = "confirmed_erasure"
    REVEALED_PAPERS = "revealed_papers"
    LOOKED_AT_CASES = "looked_at_cases"
    LOOKED_AT_CASE = "looked_at_case"
    EXPORTED_CASE = "exported_case"
    OPENED_CASE = "opened_case"
    CHANGED_CASE = "changed_case"
    CLOSED_CASE = "closed_case"
    REOPENED_CASE = "reopened_case"
    CONFIRMED_CONTACTS = "confirmed_contacts"
    DISMISSED_CONTACTS = "dismissed_contacts"
    UNDID_CONTACTS = "undid_contacts"
    LOOKED_AT_GRID = "looked_at_grid"
    EXPORTED_GRID = "exported_grid"
    NAMED_OFFICER = "named_officer"
    ENDED_OFFICER = "ended_officer"
    RECORDED_VISIT = "recorded_visit"
    SETTLED_VISIT = "settled_visit"
    LOOKED_AT_INSPECTIONS = "looked_at_inspections"
    LOOKED_AT_INSPECTION = "looked_at_inspection"
    EXPORTED_INSPECTIONS = "exported_inspections"
    INSPECTED_SITE = "inspected_site"
    LOOKED_AT_FINDINGS = "looked_at_findings"
    LOOKED_AT_FINDING = "looked_at_finding"
    EXPORTED_FINDINGS = "exported_findings"
    CHANGED_FINDING = "changed_finding"
    ADDED_CHECKLIST = "added_checklist"
    REMOVED_CHECKLIST = "removed_checklist"
    LOOKED_AT_COLOURS = "looked_at_colours"
    LOOKED_AT_COLOUR = "looked_at_colour"
    EXPORTED_COLOURS = "exported_colours"
    SET_COLOUR = "set_colour"
    CLEARED_COLOUR = "cleared_colour"
    GRANTED_GREEN = "granted_green"
    TOOK_BACK_COLOUR = "took_back_colour"
    PUT_BACK_COLOUR = "put_back_colour"
    ASKED_FOR_CORRECTION = "asked_for_correction"
    ANSWERED_CORRECTION = "answered_correction"
    ISSUED_QR = "issued_qr"
    SET_COLOUR_RULES = "set_colour_rules"
    LOOKED_AT_CLEARANCES = "looked_at_clearances"
    EXPORTED_CLEARANCES = "exported_clearances"
    ORDERED_TESTS = "ordered_tests"
    TOOK_BACK_TESTS = "took_back_tests"
    LOOKED_AT_RESULTS = "looked_at_results"
    ENTERED_RESULT = "entered_result"
    DROPPED_RESULT = "dropped_result"
    IMPORTED_RESULTS = "imported_results"
    DROPPED_IMPORT = "dropped_import"
    LOOKED_AT_PERSON_FILE = "looked_at_person_file"
    LOOKED_AT_REAL_NAME = "looked_at_real_name"
    EXPORTED_REAL_NAME = "exported_real_name"
    RETRIED_REAL_NAME = "retried_real_name"
    ASKED_REAL_NAME = "asked_real_name"
    SET_REAL_NAME = "set_real_name"
    LOOKED_AT_ALERTS = "looked_at_alerts"
    LOOKED_AT_ALERT = "looked_at_alert"
    EXPORTED_ALERTS = "exported_alerts"
    SET_ALERT_RULES = "set_alert_rules"
    ACKNOWLEDGED_ALERT = "acknowledged_alert"
    NOTED_MEASURE = "noted_measure"
    CLOSED_ALERT = "closed_alert"
    REOPENED_ALERT = "reopened_alert"
    LOOKED_AT_NUMBERS = "looked_at_numbers"
    EXPORTED_NUMBERS = "exported_numbers"
    REPORTED_NUMBERS = "reported_numbers"
    LOOKED_AT_AUDIT = "looked_at_audit"
    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    TOKEN_ISSUED = "token_issued"  # noqa: S105 - a word of the log, no secret
    TOKEN_REVOKED = "token_revoked"  # noqa: S105


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line as it is read."""

    audit_id: int
    at: datetime
    actor: str
    action: str
    site_id: str
    subject: str
    detail: Mapping[str, Any]


def note(
    connection: Connection,
    *,
    at: datetime,
    actor: str,
    action: Action,
    site_id: str = "",
    subject: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a line in the caller's transaction, so that it stands or falls with what it tells of."""
    connection.execute(
        insert(tables.audit).values(
            at=at,
            actor=actor,
            action=action.value,
            site_id=site_id,
            subject=subject,
            detail=dict(detail or {}),
        )
    )


def note_look(
    database: Database,
    viewer: Viewer,
    action: Action,
    *,
    at: datetime,
    site_id: str = "",
    subject: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Committed before anything is read: there is no look without its line."""
    with database.write() as connection:
        note_by(connection, viewer, action, at=at, site_id=site_id, subject=subject, detail=detail)


def note_by(
    connection: Connection,
    viewer: Viewer,
    action: Action,
    *,
    at: datetime,
    site_id: str = "",
    subject: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """What a viewer does, with the address it came from; in the caller's transaction."""
    note(
        connection,
        at=at,
        actor=viewer.user_id,
        action=action,
        site_id=site_id,
        subject=subject,
        detail={"via": viewer.via, "address": viewer.address, **(detail or {})},
    )


def lines(
    database: Database,
    viewer: Viewer,
    *,
    now: datetime,
    before: int | None = None,
    actor: str = "",
    subject: str = "",
    rows: int = PAGE_ROWS,
) -> list[AuditLine]:
    """A page of the log, newest first, older than the line `before`. Raises NotAllowed."""
    viewer.require(Right.READ_AUDIT)
    filters = {"actor": actor, "subject": subject}
    note_look(
        database,
        viewer,
        Action.LOOKED_AT_AUDIT,
        at=now,
        detail={key: value for key, value in filters.items() if value},
    )
    query = select(tables.audit).order_by(tables.audit.c.audit_id.desc()).limit(rows)
    if before is not None:
        query = query.where(tables.audit.c.audit_id < before)
    if actor:
        query = query.where(tables.audit.c.actor == actor)
    if subject:
        query = query.where(tables.audit.c.subject == subject)
    with database.read() as connection:
        return [
            AuditLine(row.audit_id, row.at, row.actor, row.action, row.site_id, row.subject, row.detail or {})
            for row in connection.execute(query)
        ]
