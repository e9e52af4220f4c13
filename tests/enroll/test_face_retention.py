"""A kiosk without a centre: the face of somebody who left is kept for a return, then erased."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from enroll.kiosk.background import erase_overdue
from enroll.roster_config import RosterConfig
from enroll.settings import KioskSettings
from sync.edge.settings import CentreSettings
from sync.erasure import RETENTION
from sync.people import Attachment
from sync.records import WorkerStatus
from tests.enroll.kiosk_samples import MANAGER, an_office
from tests.sync.people_samples import an_enrolment
from tests.sync.samples import NOON, a_worker

DAY = timedelta(days=1)
KIOSK = KioskSettings(port=0, faces_kept_days=30)


class Clock:
    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        return self.moment


def test_a_face_is_kept_for_a_return_and_goes_with_photo_and_consent_when_nobody_came(tmp_path: Path) -> None:
    clock = Clock()
    with an_office(tmp_path, settings=RosterConfig(kiosk=KIOSK), now=clock) as office:
        store, book = office.store, office.book
        photo = Attachment(worker_id="W-1", kind="photo", content=b"jpeg", created_at=NOON)
        store.enrol(an_enrolment(), attachments=[photo])
        ending = a_worker("W-2", face_consent_on=NOON.date(), grant_until=NOON + 5 * DAY)
        store.enrol(an_enrolment("W-2", worker=ending))
        assert erase_overdue(office) == 0
        assert book.look("W-1", by=MANAGER).face_goes_at is None
        book.leave("W-1", by=MANAGER)
        assert book.look("W-1", by=MANAGER).face_goes_at == NOON + 30 * DAY
        clock.moment = NOON + 29 * DAY
        assert erase_overdue(office) == 0
        book.take_back("W-1", by=MANAGER)  # and needs no new capture
        assert (len(store.templates("W-1")), erase_overdue(office)) == (1, 0)
        book.leave("W-1", by=MANAGER)
        assert erase_overdue(office) == 0  # the days count from here
        assert book.look("W-2", by=MANAGER).face_goes_at == NOON + 35 * DAY
        clock.moment = NOON + 35 * DAY
        assert erase_overdue(office) == 1  # only the one whose permission ended
        assert (store.templates("W-2"), len(store.templates("W-1"))) == ([], 1)
        clock.moment = NOON + 59 * DAY
        assert (erase_overdue(office), erase_overdue(office)) == (1, 0)
        file = book.look("W-1", by=MANAGER)
        assert (file.templates, file.consent, store.attachments("W-1")) == ((), None, [])
        assert (file.worker.status, file.worker.face_consent_on) == (WorkerStatus.LEFT, None)
        (made,) = file.withdrawals
        assert made.withdrawal.recorded_by == RETENTION
        (line,) = [one for one in store.audit(subject="worker:W-1") if one.actor == RETENTION]
        assert (line.action, line.detail["kept_days"]) == ("erased_face", 30)


def test_where_there_is_a_centre_it_counts_the_days(tmp_path: Path) -> None:
    clock = Clock()
    settings = RosterConfig(kiosk=KIOSK, centre=CentreSettings(enabled=True))
    with an_office(tmp_path, settings=settings, now=clock) as office:
        office.store.enrol(an_enrolment())
        office.book.leave("W-1", by=MANAGER)
        clock.moment = NOON + 99 * DAY
        assert erase_overdue(office) == 0
        assert len(office.book.look("W-1", by=MANAGER).templates) == 1
