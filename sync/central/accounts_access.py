"""Who is asking, what they may do, and which sites they may see.

Every query of the console and the API takes a `Viewer` and narrows itself with `in_scope`: a page that
forgets to check still shows nothing of another site.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, true

from sync.central.errors import CentralError


class Role(StrEnum):
    """What kind of work somebody does at the console."""

    SUPERVISOR = "supervisor"
    SITE_MANAGER = "site_manager"
    ADMIN = "admin"
    CHECKER = "checker"  # of a door-to-door team: the check pages on a phone, nothing else
    MEDIC = "medic"  # sets and clears the colours of passes
    INSPECTOR = "inspector"  # of the sub-district or the grid: inspections and visits on a phone


class Right(StrEnum):
    """One thing that not everybody may do. USE_CONSOLE is looking at the own sites, in pages and API."""

    FLAG = "flag"
    WRITE_WORKERS = "write_workers"
    CORRECT_ATTENDANCE = "correct_attendance"
    READ_AUDIT = "read_audit"
    READ_PAPERS = "read_papers"
    USE_CONSOLE = "use_console"
    CHECK_HOUSES = "check_houses"
    MANAGE_LODGING = "manage_lodging"
    MANAGE_BUSES = "manage_buses"
    READ_DECLARATIONS = "read_declarations"
    REPORT_SITE = "report_site"
    TRACE_CASES = "trace_cases"
    HANDLE_ALERTS = "handle_alerts"
    UPLOAD_REAL_NAME = "upload_real_name"
    MANAGE_TESTS = "manage_tests"
    SEE_PASSES = "see_passes"
    SEE_SCORES = "see_scores"
    DECIDE_PASSES = "decide_passes"
    MANAGE_LISTS = "manage_lists"
    INSPECT = "inspect"
    MEND_FINDINGS = "mend_findings"
    MANAGE_GRID = "manage_grid"


_RIGHTS: dict[Role, frozenset[Right]] = {
    # Whoever supervises a site does not write its hours and its people.
    Role.SUPERVISOR: frozenset(
        {
            Right.USE_CONSOLE,
            Right.FLAG,
            Right.CHECK_HOUSES,
            Right.READ_DECLARATIONS,
            Right.TRACE_CASES,
            Right.SEE_PASSES,
            Right.SEE_SCORES,
            Right.HANDLE_ALERTS,
            Right.MANAGE_LISTS,
            Right.INSPECT,
            Right.MANAGE_GRID,
        }
    ),
    Role.SITE_MANAGER: frozenset(
        {
            Right.USE_CONSOLE,
            Right.FLAG,
            Right.WRITE_WORKERS,
            Right.READ_PAPERS,
            Right.CORRECT_ATTENDANCE,
            Right.CHECK_HOUSES,
            Right.MANAGE_LODGING,
            Right.MANAGE_BUSES,
            Right.READ_DECLARATIONS,
            Right.HANDLE_ALERTS,
            Right.REPORT_SITE,
            Right.UPLOAD_REAL_NAME,
            Right.MANAGE_TESTS,
            Right.TRACE_CASES,
            Right.SEE_PASSES,
            Right.INSPECT,
            Right.MEND_FINDINGS,
        }
    ),
    Role.ADMIN: frozenset(Right),
    Role.CHECKER: frozenset({Right.CHECK_HOUSES}),
    Role.MEDIC: frozenset(
        {
            Right.USE_CONSOLE,
            Right.READ_DECLARATIONS,
            Right.SEE_PASSES,
            Right.DECIDE_PASSES,
            Right.MANAGE_TESTS,
        }
    ),
    Role.INSPECTOR: frozenset({Right.INSPECT, Right.MANAGE_GRID}),
}


class NotAllowed(CentralError, PermissionError):
    """The role does not include this."""


class NotFound(CentralError, LookupError):
    """Not there, or not for this viewer: the two look the same on purpose."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person or program. `site_ids` None: every site. `via` is `console` or `api`."""

    user_id: str
    name: str
    role: Role
    site_ids: frozenset[str] | None
    address: str = ""
    via: str = "console"

    def may(self, right: Right) -> bool:
        return right in _RIGHTS[self.role]

    def require(self, right: Right) -> None:
        """Raises NotAllowed."""
        if not self.may(right):
            raise NotAllowed(
                f"the role {self.role} does not include {right}",
                next_step="ask an administrator for the right, or somebody who has it to do this",
            )

    def sees(self, site_id: str) -> bool:
        return self.site_ids is None or site_id in self.site_ids

    def require_site(self, site_id: str) -> None:
        """Raises NotFound, in the same words for a foreign site as for one that does not exist."""
        if not self.sees(site_id):
            raise no_such("site", site_id)


def no_such(kind: str, name: str) -> NotFound:
    """The one way to say that something is not there."""
    return NotFound(f"no {kind} {name}", next_step="check the id; only the sites of your account are shown")


def in_scope(viewer: Viewer, site_column: ColumnElement[Any]) -> ColumnElement[bool]:
    """The clause that keeps a query within the viewer's sites."""
    return true() if viewer.site_ids is None else site_column.in_(sorted(viewer.site_ids))
