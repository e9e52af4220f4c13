"""Who gets in at the console and the API, and who is kept out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from sync.central import audit, tables
from sync.central.accounts import SESSION_LONGEST, LoginRefused
from sync.central.accounts_access import NotAllowed, Right, Role, Viewer
from sync.central.errors import AlreadyThere, SettingRefused, UnknownSite, UnknownUser
from sync.central.front_office import FrontOffice
from sync.passwords import FAILURES_BEFORE_LOCK, LOCKED_FOR
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import ADMIN, MANAGER_A, NOW, PASSWORD, SUPERVISOR_A, A, B, Clock

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

BOSS = Viewer(ADMIN, "", Role.ADMIN, None)


def fail(office: FrontOffice, times: int, user_id: str = MANAGER_A) -> None:
    for _ in range(times):
        with pytest.raises(LoginRefused):
            office.accounts.login(user_id, "not the password")


def test_the_right_password_opens_a_session_with_role_and_sites(office: FrontOffice) -> None:
    session = office.accounts.login(MANAGER_A, PASSWORD, address="192.0.2.1")
    viewer = office.accounts.viewer_of_session(session.secret, address="192.0.2.1")
    assert viewer == Viewer(MANAGER_A, "", Role.SITE_MANAGER, frozenset({A}), "192.0.2.1", "console")


def test_a_copy_of_the_database_holds_no_password_no_session_and_no_token(office: FrontOffice) -> None:
    session = office.accounts.login(MANAGER_A, PASSWORD)
    token = office.accounts.issue_token(MANAGER_A, purpose="report")
    with office.database.read() as connection:
        kept = [
            str(value)
            for table in (tables.users, tables.sessions, tables.api_tokens, tables.audit)
            for row in connection.execute(select(table))
            for value in row
        ]
    for secret in (PASSWORD, session.secret, token.secret):
        assert not any(secret in value for value in kept)
    assert any(value.startswith("$argon2id$") for value in kept)


def test_unknown_names_wrong_passwords_and_locked_accounts_are_refused_in_the_same_words(
    office: FrontOffice,
) -> None:
    words = []
    for user_id in ("nobody", MANAGER_A):
        with pytest.raises(LoginRefused) as caught:
            office.accounts.login(user_id, "not the password")
        words.append((str(caught.value), caught.value.next_step))
    fail(office, FAILURES_BEFORE_LOCK)
    with pytest.raises(LoginRefused) as caught:
        office.accounts.login(MANAGER_A, PASSWORD)
    words.append((str(caught.value), caught.value.next_step))
    assert len(set(words)) == 1


def test_an_account_is_locked_after_failures_and_opens_again_later(office: FrontOffice, clock: Clock) -> None:
    fail(office, FAILURES_BEFORE_LOCK)
    with pytest.raises(LoginRefused):
        office.accounts.login(MANAGER_A, PASSWORD)
    office.accounts.login(SUPERVISOR_A, PASSWORD)  # the others are not concerned
    clock.at += LOCKED_FOR
    office.accounts.login(MANAGER_A, PASSWORD)


def test_a_success_begins_the_count_anew(office: FrontOffice) -> None:
    for _ in range(3):
        fail(office, FAILURES_BEFORE_LOCK - 1)
        office.accounts.login(MANAGER_A, PASSWORD)


def test_a_session_ends_when_it_is_left_alone_or_too_old_or_closed(office: FrontOffice, clock: Clock) -> None:
    accounts = office.accounts
    idle = accounts.login(MANAGER_A, PASSWORD).secret
    clock.moves(minutes=61)
    assert accounts.viewer_of_session(idle) is None
    busy = accounts.login(MANAGER_A, PASSWORD).secret
    for _ in range(SESSION_LONGEST // timedelta(minutes=30) - 1):
        clock.moves(minutes=30)
        assert accounts.viewer_of_session(busy) is not None
    clock.moves(minutes=30)
    assert accounts.viewer_of_session(busy) is None
    closed = accounts.login(MANAGER_A, PASSWORD).secret
    accounts.logout(closed)
    assert accounts.viewer_of_session(closed) is None
    assert accounts.viewer_of_session("made up") is None


def test_a_new_password_or_an_inactive_account_ends_every_session(office: FrontOffice) -> None:
    accounts = office.accounts
    before = accounts.login(MANAGER_A, PASSWORD).secret
    accounts.set_password(MANAGER_A, "green heron by the lake")
    assert accounts.viewer_of_session(before) is None
    with pytest.raises(LoginRefused):
        accounts.login(MANAGER_A, PASSWORD)
    after = accounts.login(MANAGER_A, "green heron by the lake").secret
    token = accounts.issue_token(MANAGER_A, purpose="report").secret
    accounts.set_active(MANAGER_A, False)
    assert accounts.viewer_of_session(after) is None
    assert accounts.viewer_of_token(token) is None
    with pytest.raises(LoginRefused):
        accounts.login(MANAGER_A, "green heron by the lake")


def test_sites_that_are_taken_away_are_gone_from_an_open_session(office: FrontOffice) -> None:
    secret = office.accounts.login(MANAGER_A, PASSWORD).secret
    office.accounts.set_sites(MANAGER_A, [B])
    viewer = office.accounts.viewer_of_session(secret)
    assert viewer is not None
    assert viewer.site_ids == frozenset({B})


def test_a_token_speaks_for_its_user_until_it_is_revoked_or_over(office: FrontOffice, clock: Clock) -> None:
    accounts = office.accounts
    lasting = accounts.issue_token(SUPERVISOR_A, purpose="dashboard")
    short = accounts.issue_token(SUPERVISOR_A, purpose="once", expires_at=NOW + timedelta(hours=1))
    viewer = accounts.viewer_of_token(lasting.secret, address="192.0.2.9")
    assert viewer == Viewer(SUPERVISOR_A, "", Role.SUPERVISOR, frozenset({A}), "192.0.2.9", "api")
    assert accounts.viewer_of_token(short.secret) is not None
    clock.moves(hours=1)
    assert accounts.viewer_of_token(short.secret) is None
    accounts.revoke_token(lasting.token_id)
    assert accounts.viewer_of_token(lasting.secret) is None
    assert accounts.viewer_of_token("sgc_made-up") is None


@pytest.mark.parametrize("password", ["short", "manager-new", ""])
def test_a_weak_password_is_refused(office: FrontOffice, password: str) -> None:
    with pytest.raises(SettingRefused, match="password"):
        office.accounts.add_user("manager-new", password=password, role=Role.ADMIN)


def test_users_that_cannot_be_are_refused(office: FrontOffice) -> None:
    add = office.accounts.add_user
    with pytest.raises(AlreadyThere):
        add(ADMIN, password=PASSWORD, role=Role.ADMIN)
    with pytest.raises(SettingRefused, match="at least one site"):
        add("new", password=PASSWORD, role=Role.SUPERVISOR)
    with pytest.raises(UnknownSite):
        add("new", password=PASSWORD, role=Role.SUPERVISOR, site_ids=["nowhere"])
    with pytest.raises(UnknownUser):
        office.accounts.set_password("new", PASSWORD)


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        (
            Role.SUPERVISOR,
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
            },
        ),
        (
            Role.SITE_MANAGER,
            set(Right)
            - {
                Right.READ_AUDIT,
                Right.MANAGE_GRID,
                Right.MANAGE_LISTS,
                Right.DECIDE_PASSES,
                Right.SEE_SCORES,
            },
        ),
        (Role.ADMIN, set(Right)),
        (Role.CHECKER, {Right.CHECK_HOUSES}),
        (
            Role.MEDIC,
            {
                Right.USE_CONSOLE,
                Right.READ_DECLARATIONS,
                Right.SEE_PASSES,
                Right.DECIDE_PASSES,
                Right.MANAGE_TESTS,
            },
        ),
    ],
)
def test_each_role_may_do_its_own_work(role: Role, rights: set[Right]) -> None:
    viewer = Viewer("x", "", role, frozenset())
    assert {right for right in Right if viewer.may(right)} == rights


def test_the_audit_log_tells_of_logins_and_of_looking_at_itself(office: FrontOffice) -> None:
    fail(office, 1)
    office.accounts.logout(office.accounts.login(MANAGER_A, PASSWORD, address="192.0.2.1").secret)
    actions = [line.action for line in audit.lines(office.database, BOSS, now=NOW)]
    assert actions[:4] == ["looked_at_audit", "logout", "login", "login_failed"]
    mine = audit.lines(office.database, BOSS, now=NOW, actor=MANAGER_A, rows=1)
    older = audit.lines(office.database, BOSS, now=NOW, actor=MANAGER_A, before=mine[0].audit_id)
    assert [line.action for line in mine + older] == ["logout", "login", "login_failed"]
    with pytest.raises(NotAllowed):
        audit.lines(office.database, Viewer(MANAGER_A, "", Role.SITE_MANAGER, frozenset({A})), now=NOW)
