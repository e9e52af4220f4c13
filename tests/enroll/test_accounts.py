"""Who gets in at the kiosk, for how long, and what a lock-out survives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from enroll.accounts import SESSION_LONGEST, LoginRefused, NotAllowed, Right, Viewer
from enroll.kiosk.office import KioskOffice
from sync.passwords import FAILURES_BEFORE_LOCK, LOCKED_FOR, PasswordTooWeak
from sync.store.kiosk_accounts import KioskRole, KioskUserExists, UnknownKioskUser
from tests.enroll.kiosk_samples import ADMIN, MANAGER, PASSWORD, SUPERVISOR, an_office

IDLE = timedelta(minutes=10)


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 31, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(tmp_path: Path, clock: Clock) -> Iterator[KioskOffice]:
    with an_office(tmp_path, now=clock) as opened:
        yield opened


def test_each_role_may_do_what_it_is_for(office: KioskOffice) -> None:
    rights = {}
    for user_id in (SUPERVISOR, MANAGER, ADMIN):
        rights[user_id] = {right for right in Right if viewer_of(office, user_id).may(right)}
    assert rights[SUPERVISOR] == {Right.LOOK}
    assert rights[MANAGER] >= {Right.LOOK, Right.ENROL, Right.ERASE}
    assert Right.READ_AUDIT not in rights[MANAGER]
    assert rights[ADMIN] == set(Right)
    with pytest.raises(NotAllowed):
        viewer_of(office, SUPERVISOR).require(Right.ENROL)


def viewer_of(office: KioskOffice, user_id: str) -> Viewer:
    viewer = office.accounts.viewer_of_session(office.accounts.login(user_id, PASSWORD))
    assert viewer is not None
    return viewer


def test_a_session_ends_when_nobody_touches_the_screen(office: KioskOffice, clock: Clock) -> None:
    secret = office.accounts.login(MANAGER, PASSWORD)
    clock.moment += IDLE - timedelta(seconds=1)
    assert office.accounts.viewer_of_session(secret, touch=True) is not None
    clock.moment += IDLE - timedelta(seconds=1)
    assert office.accounts.viewer_of_session(secret) is not None
    clock.moment += timedelta(seconds=1)
    assert office.accounts.viewer_of_session(secret) is None


def test_no_session_outlives_a_day_s_work(office: KioskOffice, clock: Clock) -> None:
    secret = office.accounts.login(MANAGER, PASSWORD)
    begun = clock.moment
    while clock.moment - begun < SESSION_LONGEST:
        assert office.accounts.viewer_of_session(secret, touch=True) is not None
        clock.moment += IDLE / 2
    assert office.accounts.viewer_of_session(secret, touch=True) is None


def test_signing_out_removal_and_a_new_password_end_a_session_at_once(office: KioskOffice) -> None:
    accounts = office.accounts
    out, removed, changed = (accounts.login(one, PASSWORD) for one in (ADMIN, MANAGER, SUPERVISOR))
    accounts.logout(out)
    accounts.remove_user(MANAGER, by="test")
    accounts.set_password(SUPERVISOR, "another set of words", by="test")
    assert [accounts.viewer_of_session(one) for one in (out, removed, changed)] == [None, None, None]


def test_failures_lock_an_account_also_over_a_restart(tmp_path: Path, clock: Clock) -> None:
    with an_office(tmp_path, now=clock) as office:
        for _ in range(FAILURES_BEFORE_LOCK):
            with pytest.raises(LoginRefused):
                office.accounts.login(MANAGER, "wrong")
    with an_office(tmp_path, now=clock) as office:
        with pytest.raises(LoginRefused):
            office.accounts.login(MANAGER, PASSWORD)
        assert office.accounts.login(ADMIN, PASSWORD)
        clock.moment += LOCKED_FOR
        assert office.accounts.login(MANAGER, PASSWORD)


def test_one_right_password_forgives_the_failures_before_it(office: KioskOffice) -> None:
    for _ in range(2):
        for _ in range(FAILURES_BEFORE_LOCK - 1):
            with pytest.raises(LoginRefused):
                office.accounts.login(MANAGER, "wrong")
        office.accounts.login(MANAGER, PASSWORD)


def test_an_unknown_name_is_refused_in_the_same_words(office: KioskOffice) -> None:
    said = []
    for user_id in ("nobody", MANAGER):
        with pytest.raises(LoginRefused) as caught:
            office.accounts.login(user_id, "wrong")
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_accounts_are_kept_apart_from_mistakes(office: KioskOffice) -> None:
    accounts = office.accounts
    with pytest.raises(KioskUserExists):
        accounts.add_user(MANAGER, password=PASSWORD, role=KioskRole.ADMIN, by="test")
    with pytest.raises(PasswordTooWeak):
        accounts.add_user("newcomer", password="short", role=KioskRole.ADMIN, by="test")
    with pytest.raises(UnknownKioskUser):
        accounts.remove_user("nobody", by="test")
    with pytest.raises(UnknownKioskUser):
        accounts.set_password("nobody", PASSWORD, by="test")


def test_who_signed_in_and_who_failed_is_on_the_record(office: KioskOffice) -> None:
    office.accounts.logout(office.accounts.login(MANAGER, PASSWORD))
    with pytest.raises(LoginRefused):
        office.accounts.login(MANAGER, "wrong")
    lines = [(line.actor, line.action) for line in office.store.audit(3)]
    assert lines == [(MANAGER, "login_failed"), (MANAGER, "logout"), (MANAGER, "login")]
    assert PASSWORD not in str(office.store.audit(100))
