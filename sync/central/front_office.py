"""Everything that the API and the console are made of, over one database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from argon2 import PasswordHasher

from sync.central.access_log import AccessLog
from sync.central.accounts import Accounts
from sync.central.alert_desk import AlertDesk
from sync.central.attendance_log import AttendanceLog
from sync.central.case_desk import CaseDesk
from sync.central.clearance_desk import ClearanceDesk
from sync.central.database import Database
from sync.central.declaration_desk import DeclarationDesk
from sync.central.erasure_desk import ErasureDesk
from sync.central.gate_board import GateBoard
from sync.central.gate_questions import GateQuestions
from sync.central.grid import GridDesk
from sync.central.inspection_desk import InspectionDesk
from sync.central.inspection_rules import InspectionSettings
from sync.central.list_desk import ListDesk
from sync.central.list_jobs import ListJobs
from sync.central.lodging_desk import LodgingDesk
from sync.central.lodging_rules import LodgingSettings
from sync.central.numbers_desk import NumbersDesk
from sync.central.pass_desk import PassDesk
from sync.central.pass_issue import PassIssuer
from sync.central.people_desk import PeopleDesk
from sync.central.person_file import PersonFiles
from sync.central.person_vault import PersonVault
from sync.central.presence import Presence
from sync.central.real_name_desk import RealNameDesk
from sync.central.site_reports import SiteReportDesk
from sync.central.training_office import TrainingOffice
from sync.central.worker_desk import RosterChanged, WorkerDesk
from sync.clearance_rules import ClearanceRules

if TYPE_CHECKING:
    from sync.central.phone_training import PhoneTraining


class FrontOffice:
    """One of each; they share the database and the clock. `on_roster_change` is told after a commit.

    vault  opens document numbers; None where the centre's key folder is not at hand
    keys   that folder
    """

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_roster_change: RosterChanged | None = None,
        hasher: PasswordHasher | None = None,
        vault: PersonVault | None = None,
        lodging: LodgingSettings | None = None,
        clearance_rules: ClearanceRules | None = None,
        inspections: InspectionSettings | None = None,
        keys: Path | None = None,
    ) -> None:
        self.database = database
        self.vault = vault
        self.now = now
        self._on_roster_change = on_roster_change
        self.accounts = Accounts(database, now=now, hasher=hasher)
        self.access_log = AccessLog(database, now=now)
        self.presence = Presence(database, now=now)
        self.gates = GateBoard(database, now=now)
        self.gate_questions = GateQuestions(database, now=now)
        self.attendance = AttendanceLog(database, now=now)
        self.alerts = AlertDesk(database, now=now)
        self.cases = CaseDesk(database, now=now, on_roster_change=on_roster_change)
        self.clearances = ClearanceDesk(
            database, now=now, vault=vault, rules=clearance_rules, on_roster_change=on_roster_change
        )
        self.person_files = PersonFiles(
            database, now=now, rules=self.clearances.rules, attendance=self.attendance, vault=vault
        )
        self.numbers = NumbersDesk(database, now=now, rules=self.clearances.rules)
        self.declarations = DeclarationDesk(database, now=now)
        self.grid = GridDesk(database, now=now)
        self.inspections = InspectionDesk(database, now=now, settings=inspections or InspectionSettings())
        self.lists = ListDesk(database, now=now, vault=vault, on_roster_change=on_roster_change)
        self.list_jobs = ListJobs(self.lists, now=now)
        self.lodging = LodgingDesk(database, now=now, settings=lodging or LodgingSettings())
        self.site_reports = SiteReportDesk(database, now=now)
        self.phone_training: PhoneTraining | None = None
        self.pass_issuer: PassIssuer | None = None
        self.trainings = TrainingOffice(database, now=now)
        self.passes = PassDesk(database, now=now, on_roster_change=on_roster_change)
        self.people = PeopleDesk(
            database,
            now=now,
            vault=vault,
            rules=self.clearances.rules,
            on_roster_change=on_roster_change,
        )
        self.real_name = RealNameDesk(database, now=now, vault=vault, keys=keys)
        self.erasures = ErasureDesk(database, now=now, on_roster_change=on_roster_change)
        self.workers = WorkerDesk(database, now=now, on_roster_change=on_roster_change)

    def announce(self, versions: Mapping[str, int]) -> None:
        """Tell the gates of rosters that changed; after the commit."""
        if versions and self._on_roster_change is not None:
            self._on_roster_change(versions)
