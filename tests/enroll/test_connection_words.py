"""What the kiosk's pages say about the centre and about a store that cannot write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from enroll.kiosk import words
from enroll.kiosk.frame import connection_words, words_of
from enroll.kiosk.office import KioskOffice
from enroll.roster_config import RosterConfig
from enroll.settings import KioskSettings
from sync.edge.settings import CentreSettings
from sync.errors import StoreFull, StoreLocked, StoreReadOnly
from sync.words import Words
from tests.enroll.kiosk_samples import an_office
from tests.sync.samples import a_worker


@pytest.fixture
def office(tmp_path: Path) -> Iterator[KioskOffice]:
    settings = RosterConfig(kiosk=KioskSettings(port=0), centre=CentreSettings(enabled=True))
    with an_office(tmp_path, settings=settings) as opened:
        yield opened


def test_a_box_of_its_own_says_so(tmp_path: Path) -> None:
    with an_office(tmp_path) as office:
        assert connection_words(office) == str(words.STAND_ALONE)


def test_a_centre_that_was_never_heard_of_is_not_claimed(office: KioskOffice) -> None:
    assert connection_words(office) == str(words.CENTRE_SILENT)


@pytest.mark.parametrize(("ago_s", "said"), [(301, words.CENTRE_SEEN), (700, words.CENTRE_SILENT)])
def test_the_centre_is_heard_of_every_five_minutes(office: KioskOffice, ago_s: int, said: Words) -> None:
    office.store.replica_confirm(datetime.now(UTC) - timedelta(seconds=ago_s))
    assert connection_words(office) == str(said)


def test_a_record_that_nobody_takes_shows_before_a_confirmation_is_missed(
    office: KioskOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.store.replica_confirm(datetime.now(UTC))
    office.store.put_note("enrolment", a_worker("W-1"), record_id="n-1", subject="worker:W-1")
    assert connection_words(office) == f"{words.CENTRE_SEEN} · {words.WAITING} 1"
    later = datetime.now(UTC) + timedelta(seconds=31)
    monkeypatch.setattr(office, "now", lambda: later)
    assert connection_words(office) == f"{words.CENTRE_SLOW} · {words.WAITING} 1"


def test_what_passes_by_itself_is_told_without_technical_words() -> None:
    assert words_of(StoreLocked("locked")) == words.STORE_BUSY
    assert words_of(StoreFull("full")) == words.DISK_FULL
    assert "a new fault" in words_of(StoreReadOnly("a new fault")).en
