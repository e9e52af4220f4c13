"""People at the console and programs at the API: passwords, sessions, lock-out, tokens.

Passwords are kept as Argon2id. Sessions and tokens are random; only their sha256 is kept, so that a copy of
the database opens nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import uuid4

from argon2 import PasswordHasher
from sqlalchemy import Connection, Row, delete, insert, select, update

from sync.central import audit, tables
from sync.central.accounts_access import Role, Viewer
from sync.central.audit import Action
from sync.central.database import Database
from sync.central.errors import AlreadyThere, CentralError, SettingRefused, UnknownSite, UnknownUser
from sync.passwords import FAILURES_BEFORE_LOCK, LOCKED_FOR, SECRET_BYTES, Passwords, PasswordTooWeak

SESSION_LONGEST = timedelta(hours=12)
SESSION_IDLE = timedelta(hours=1)
NOTED_EVERY = timedelta(minutes=1)
"""How exactly the last use of a session or token is known: not every request writes."""

TOKEN_PREFIX = "sgc_"  # noqa: S105 - tells people and leak scanners what the string is
COMMAND_LINE = "command line"


class LoginRefused(CentralError, PermissionError):
    """Wrong name, wrong password or locked: the same words for all, so that nothing is learned."""


@dataclass(frozen=True, slots=True)
class Session:
    """`secret` goes into the cookie and nowhere else."""

    secret: str
    viewer: Viewer
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """`secret` is shown once."""

    token_id: str
    secret: str


class Accounts:
    """All of it over one database. `now` is the clock; `hasher` its cost."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._passwords = Passwords(hasher)

    # -- users -------------------------------------------------------------------------------------------

    def add_user(
        self,
        user_id: str,
        *,
        password: str,
        role: Role,
        site_ids: Iterable[str] = (),
        name: str = "",
        by: str = COMMAND_LINE,
    ) -> None:
        """Raises AlreadyThere, SettingRefused (a weak password, a role that needs sites), UnknownSite."""
        sites = sorted(set(site_ids))
        if role is not Role.ADMIN and not sites:
            raise SettingRefused(f"a {role} needs at least one site", next_step="name the sites")
        password_hash = self._hash(user_id, password)
        with self._database.write() as connection:
            if _user(connection, user_id) is not None:
                raise AlreadyThere(f"the user {user_id} exists", next_step="choose another name")
            connection.execute(
                insert(tables.users).values(
                    user_id=user_id,
                    name=name,
                    password_hash=password_hash,
                    role=role.value,
                    created_at=self._now(),
                )
            )
            _set_sites(connection, user_id, sites)
            self._note(connection, by, Action.USER_ADDED, user_id, role=role.value, sites=sites)

    def set_password(self, user_id: str, password: str, *, by: str = COMMAND_LINE) -> None:
        """Ends every session of the user and any lock. Raises UnknownUser, SettingRefused."""
        password_hash = self._hash(user_id, password)
        with self._database.write() as connection:
            _known_user(connection, user_id)
            connection.execute(
                update(tables.users)
                .where(tables.users.c.user_id == user_id)
                .values(password_hash=password_hash, failed_logins=0, locked_until=None)
            )
            _end_sessions(connection, user_id)
            self._note(connection, by, Action.USER_CHANGED, user_id, changed="password")

    def set_active(self, user_id: str, active: bool, *, by: str = COMMAND_LINE) -> None:
        """A user who is not active has no session and no token that works. Raises UnknownUser."""
        with self._database.write() as connection:
            _known_user(connection, user_id)
            connection.execute(
                update(tables.users).where(tables.users.c.user_id == user_id).values(active=active)
            )
            _end_sessions(connection, user_id)
            self._note(connection, by, Action.USER_CHANGED, user_id, changed="active", active=active)

    def set_sites(self, user_id: str, site_ids: Iterable[str], *, by: str = COMMAND_LINE) -> None:
        """Works at once, in open sessions too. Raises UnknownUser, UnknownSite."""
        sites = sorted(set(site_ids))
        with self._database.write() as connection:
            _known_user(connection, user_id)
            connection.execute(delete(tables.user_sites).where(tables.user_sites.c.user_id == user_id))
            _set_sites(connection, user_id, sites)
            self._note(connection, by, Action.USER_CHANGED, user_id, changed="sites", sites=sites)

    # -- sessions ----------------------------------------------------------------------------------------

    def login(self, user_id: str, password: str, *, address: str = "") -> Session:
        """Raises LoginRefused; after several failures in a row the account is locked for a while."""
        with self._database.read() as connection:
            user = _user(connection, user_id)
        is_right = self._passwords.verifies(user.password_hash if user else None, password)
        now = self._now()
        with self._database.write() as connection:
            # Read again inside the transaction: other attempts may have been counted meanwhile.
            user = _user(connection, user_id)
            is_locked = user is not None and user.locked_until is not None and user.locked_until > now
            if user is None or not user.active or is_locked or not is_right:
                session = None
                if user is not None and not is_locked:
                    self._count_failure(connection, user, now)
                self._note(
                    connection, user_id[:64], Action.LOGIN_FAILED, "", address=address, locked=is_locked
                )
            else:
                session = self._begin_session(connection, user, now, address)
        if session is None:
            raise LoginRefused(
                "the name or the password is wrong, or the account is locked for now",
                next_step=f"after {FAILURES_BEFORE_LOCK} failures wait {LOCKED_FOR}, or ask an administrator",
            )
        return session

    def viewer_of_session(self, secret: str, *, address: str = "") -> Viewer | None:
        """Who a cookie belongs to at this moment; None where it is unknown, expired or its user inactive."""
        now = self._now()
        table = tables.sessions
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.session_hash == _digest(secret))).first()
            if row is None or row.expires_at <= now or row.last_used_at + SESSION_IDLE <= now:
                return None
            viewer = _viewer(connection, row.user_id, address=address, via="console")
        if viewer is not None and now - row.last_used_at >= NOTED_EVERY:
            with self._database.write() as connection:
                connection.execute(
                    update(table).where(table.c.session_hash == row.session_hash).values(last_used_at=now)
                )
        return viewer

    def logout(self, secret: str) -> None:
        """Ends the session on the server; a copy of the cookie is worth nothing afterwards."""
        table = tables.sessions
        with self._database.write() as connection:
            row = connection.execute(select(table).where(table.c.session_hash == _digest(secret))).first()
            if row is not None:
                connection.execute(delete(table).where(table.c.session_hash == row.session_hash))
                self._note(connection, row.user_id, Action.LOGOUT, "")

    # -- tokens ------------------------------------------------------------------------------------------

    def issue_token(
        self, user_id: str, *, purpose: str, expires_at: datetime | None = None, by: str = COMMAND_LINE
    ) -> IssuedToken:
        """A token with the rights of its user. Raises UnknownUser."""
        issued = IssuedToken(uuid4().hex, TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES))
        with self._database.write() as connection:
            _known_user(connection, user_id)
            connection.execute(
                insert(tables.api_tokens).values(
                    token_hash=_digest(issued.secret),
                    token_id=issued.token_id,
                    user_id=user_id,
                    purpose=purpose,
                    created_at=self._now(),
                    expires_at=expires_at,
                )
            )
            self._note(connection, by, Action.TOKEN_ISSUED, user_id, token=issued.token_id, purpose=purpose)
        return issued

    def revoke_token(self, token_id: str, *, by: str = COMMAND_LINE) -> None:
        """Works at once. Raises UnknownUser for a token that does not exist."""
        table = tables.api_tokens
        with self._database.write() as connection:
            row = connection.execute(select(table).where(table.c.token_id == token_id)).first()
            if row is None:
                raise UnknownUser(f"no token {token_id}", next_step="list the tokens")
            connection.execute(
                update(table).where(table.c.token_id == token_id).values(revoked_at=self._now())
            )
            self._note(connection, by, Action.TOKEN_REVOKED, row.user_id, token=token_id)

    def viewer_of_token(self, secret: str, *, address: str = "") -> Viewer | None:
        """Who a bearer token speaks for; None where it is unknown, expired, revoked or its user inactive."""
        now = self._now()
        table = tables.api_tokens
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.token_hash == _digest(secret))).first()
            if row is None or row.revoked_at is not None or (row.expires_at and row.expires_at <= now):
                return None
            viewer = _viewer(connection, row.user_id, address=address, via="api")
        if viewer is not None and (row.last_used_at is None or now - row.last_used_at >= NOTED_EVERY):
            with self._database.write() as connection:
                connection.execute(
                    update(table).where(table.c.token_id == row.token_id).values(last_used_at=now)
                )
        return viewer

    # -- inside ------------------------------------------------------------------------------------------

    def _hash(self, user_id: str, password: str) -> str:
        try:
            return self._passwords.hash(user_id, password)
        except PasswordTooWeak as error:
            raise SettingRefused(str(error), next_step=error.next_step) from error

    def _count_failure(self, connection: Connection, user: Row[tuple[object, ...]], now: datetime) -> None:
        failures = user.failed_logins + 1
        locks = failures >= FAILURES_BEFORE_LOCK
        connection.execute(
            update(tables.users)
            .where(tables.users.c.user_id == user.user_id)
            .values(failed_logins=0 if locks else failures, locked_until=now + LOCKED_FOR if locks else None)
        )

    def _begin_session(
        self, connection: Connection, user: Row[tuple[object, ...]], now: datetime, address: str
    ) -> Session:
        viewer = _viewer(connection, user.user_id, address=address, via="console")
        assert viewer is not None  # noqa: S101 - active, read in this transaction
        session = Session(secrets.token_urlsafe(SECRET_BYTES), viewer, now + SESSION_LONGEST)
        connection.execute(delete(tables.sessions).where(tables.sessions.c.expires_at <= now))
        connection.execute(
            insert(tables.sessions).values(
                session_hash=_digest(session.secret),
                user_id=user.user_id,
                created_at=now,
                last_used_at=now,
                expires_at=session.expires_at,
                address=address,
            )
        )
        connection.execute(
            update(tables.users)
            .where(tables.users.c.user_id == user.user_id)
            .values(failed_logins=0, locked_until=None, last_login_at=now)
        )
        self._note(connection, user.user_id, Action.LOGIN, "", address=address)
        return session

    def _note(
        self, connection: Connection, actor: str, action: Action, user_id: str, **detail: object
    ) -> None:
        subject = f"user:{user_id}" if user_id else ""
        audit.note(connection, at=self._now(), actor=actor, action=action, subject=subject, detail=detail)


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _user(connection: Connection, user_id: str) -> Row[tuple[object, ...]] | None:
    return connection.execute(select(tables.users).where(tables.users.c.user_id == user_id)).first()


def _known_user(connection: Connection, user_id: str) -> None:
    if _user(connection, user_id) is None:
        raise UnknownUser(f"no user {user_id}", next_step="check the name")


def _viewer(connection: Connection, user_id: str, *, address: str, via: str) -> Viewer | None:
    user = _user(connection, user_id)
    if user is None or not user.active:
        return None
    role = Role(user.role)
    sites = select(tables.user_sites.c.site_id).where(tables.user_sites.c.user_id == user_id)
    site_ids = None if role is Role.ADMIN else frozenset(connection.scalars(sites))
    return Viewer(user.user_id, user.name, role, site_ids, address, via)


def _set_sites(connection: Connection, user_id: str, site_ids: list[str]) -> None:
    known = set(
        connection.scalars(select(tables.sites.c.site_id).where(tables.sites.c.site_id.in_(site_ids)))
    )
    for site_id in site_ids:
        if site_id not in known:
            raise UnknownSite(f"no site {site_id}", next_step="add the site first, or check its id")
        connection.execute(insert(tables.user_sites).values(user_id=user_id, site_id=site_id))


def _end_sessions(connection: Connection, user_id: str) -> None:
    connection.execute(delete(tables.sessions).where(tables.sessions.c.user_id == user_id))
