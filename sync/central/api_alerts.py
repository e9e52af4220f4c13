"""API of alerts; part of `sync.central.api`."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import Field

from sync.alerting import Severity, State, StepKind
from sync.central.alert_desk import REMARKS_MAX, ROWS_MAX, AlertFacts, AlertFilter, AlertRow
from sync.central.alerts import Doing
from sync.central.api_access import Asking, Office
from sync.central.api_files import attachment
from sync.central.api_models import TEXT_MAX, Body, FileFormat
from sync.central.exports_alerts import alert_pieces

router = APIRouter(tags=["alerts"])


class AlertSearch(Body):
    """Empty: all; without a state only what is not closed."""

    site_id: str = Field("", max_length=TEXT_MAX)
    state: State | None = None
    severity: Severity | None = None
    closed_too: bool = False

    @property
    def wanted(self) -> AlertFilter:
        return AlertFilter(self.site_id, self.state, self.severity, not_closed=not self.closed_too)


class AlertPage(AlertSearch):
    """At most `rows`."""

    rows: int = Field(ROWS_MAX, ge=1, le=ROWS_MAX)


class AlertExport(AlertSearch):
    """All of them as a file."""

    format: FileFormat = FileFormat.CSV


class AlertStep(Body):
    """What is done; `seen`: the revision of the alert that this goes by, so that no two act at once."""

    kind: Literal[StepKind.ACKNOWLEDGED, StepKind.MEASURE, StepKind.CLOSED, StepKind.REOPENED]
    seen: int = Field(ge=0)
    measure: str = Field("", max_length=TEXT_MAX)
    remarks: str = Field("", max_length=REMARKS_MAX)


@router.post("/alerts/search")
def search_alerts(office: Office, viewer: Asking, page: AlertPage) -> list[AlertRow]:
    """What is open first, then the newest."""
    return office.alerts.rows(viewer, page.wanted, most=page.rows)


@router.post("/alerts/export", response_class=StreamingResponse)
def export_alerts(office: Office, viewer: Asking, export: AlertExport) -> StreamingResponse:
    """The same as CSV or XLSX."""
    rows = office.alerts.export(viewer, export.wanted)
    return attachment(alert_pieces(rows, export.format), "alerts", export.format)


@router.get("/alerts/{alert_id}")
def alert(office: Office, viewer: Asking, alert_id: str) -> AlertFacts:
    """One alert with its history."""
    return office.alerts.one(viewer, alert_id)


@router.post("/alerts/{alert_id}/steps", status_code=201)
def act(office: Office, viewer: Asking, alert_id: str, step: AlertStep) -> AlertFacts:
    """Acknowledge, note a measure, close, or take a closing back."""
    return office.alerts.act(viewer, alert_id, Doing(step.kind, step.seen, step.measure, step.remarks))
