"""Signed lists that the centre fetches from their issuer, and everything an issuer's server does wrong."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select
from typer.testing import CliRunner

from sync.central import registry, tables
from sync.central.cli import app
from sync.central.database import Database
from sync.central.errors import SettingRefused
from sync.central.list_download import REDIRECTS, Limits, Why
from sync.central.list_fetch import (
    EVERY,
    RETRY_AFTER,
    Feed,
    ListFetcher,
    UnknownFeed,
    end_feed,
    feeds,
    set_feed,
)
from sync.central.list_import import ListSummary, ListTerms, import_list, list_summaries, remove_list
from sync.central.list_matching import ListMatcher
from sync.central.person_vault import PersonVault
from sync.central.service import CentralService
from sync.central.settings import BrokerSettings, CentreSettings
from sync.central.tables_lists import watch_list_entries
from sync.records import FlagLevel
from tests.sync.central.console_samples import Clock
from tests.sync.central.gate_box import a_site
from tests.sync.central.gate_client import until
from tests.sync.central.list_issuer import PATH, Issuer, Misbehaviour, an_issuer
from tests.sync.central.list_samples import KEYS, SITE, VAULT, a_registered, match_all
from tests.sync.samples import NOON

ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ONE, OTHER, THIRD = "13800000001", "13800000002", "13800000003"
LIST = "contacts"
TERMS = ListTerms(LIST, "示例名单", "示例单位", FlagLevel.HOLD, category="密接")


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with an_issuer() as served:
        yield served


@pytest.fixture
def database(centre_database: Database, issuer: Issuer) -> Database:
    """With the first version of the list, which names ONE, and its feed."""
    a_site(centre_database, SITE)
    raw = issuer.publish(ONE)
    import_list(centre_database, KEYS, TERMS, "list.csv", raw, by="x", now=NOON, signed_by=issuer.public_key)
    with centre_database.write() as connection:
        set_feed(connection, LIST, issuer.url, every=EVERY, now=NOON)
    return centre_database


def a_fetcher(database: Database, clock: Clock, limits: Limits | None = None) -> ListFetcher:
    return ListFetcher(database, VAULT, now=clock, limits=limits)


def summary(database: Database) -> ListSummary:
    with database.read() as connection:
        (found,) = list_summaries(connection)
    return found


def feed(database: Database) -> Feed:
    with database.read() as connection:
        return feeds(connection)[LIST]


def entries(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(watch_list_entries)) or 0


def test_a_list_is_fetched_when_due_checked_and_flags_whom_it_names(
    database: Database, clock: Clock, issuer: Issuer
) -> None:
    a_registered(database, "W-1", phone=OTHER)
    fetcher = a_fetcher(database, clock)
    assert fetcher.look() == 1
    assert (summary(database).number, feed(database).fetched_at, feed(database).problem) == (1, NOON, None)
    issuer.publish(OTHER, THIRD)
    assert fetcher.look() == 0
    clock.at += EVERY
    assert fetcher.look() == 1
    found = summary(database)
    assert (found.number, found.entries, found.imported_by) == (2, 2, "feed")
    assert (found.name, found.source, found.level, found.category) == ("示例名单", "示例单位", "hold", "密接")
    assert found.signed_by == issuer.public_key
    match_all(ListMatcher(database, VAULT, now=clock))
    with database.read() as connection:
        (flag,) = registry.worker(connection, "W-1").flags
        noted = connection.execute(
            select(tables.audit.c.actor, tables.audit.c.subject).where(
                tables.audit.c.action == "imported_list"
            )
        ).all()
    assert flag.level is FlagLevel.HOLD
    assert noted == [("feed", "list:contacts")]


@ON_ONE
def test_what_did_not_change_is_not_sent_again_and_changes_nothing(
    database: Database, clock: Clock, issuer: Issuer
) -> None:
    fetcher = a_fetcher(database, clock)
    for _ in range(2):
        assert fetcher.fetch(LIST).number == 0
        clock.at += EVERY
    assert [(path, status) for path, _, status in issuer.asked] == [
        (PATH, 200),
        (f"{PATH}.sig", 200),
        (PATH, 304),
    ]
    issuer.has_etags = False
    assert fetcher.fetch(LIST).feed.fetched_at == clock.at
    assert (summary(database).number, entries(database)) == (1, 1)


@ON_ONE
def test_a_list_that_was_imported_by_hand_meanwhile_is_not_taken_for_the_fetched_one(
    database: Database, clock: Clock, issuer: Issuer
) -> None:
    fetcher = a_fetcher(database, clock)
    fetcher.fetch(LIST)
    raw = b"phone\n13800000009"
    import_list(database, KEYS, TERMS, "x.csv", raw, by="x", now=NOON, signed_by=issuer.public_key)
    issuer.publish(ONE, OTHER)
    assert fetcher.fetch(LIST).number == 3
    assert issuer.asked[-2][1] == ""


def _says(status: int, *headers: tuple[str, str], body: bytes = b"", path: str = PATH) -> Misbehaviour:
    def answer(request: BaseHTTPRequestHandler) -> bool:
        if request.path != path:
            return False
        request.send_response(status)
        for name, value in headers:
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)
        return True

    return answer


FAULTS: dict[str, tuple[Why, Misbehaviour]] = {
    "another host": (Why.REDIRECTED, _says(302, ("Location", "http://localhost/lists/contacts.csv"))),
    "another port": (Why.REDIRECTED, _says(301, ("Location", "http://127.0.0.1:9/lists/contacts.csv"))),
    "a circle": (Why.REDIRECTED, _says(307, ("Location", PATH))),
    "no such file": (Why.HTTP_STATUS, _says(404, ("Content-Length", "0"))),
    "an error": (Why.HTTP_STATUS, _says(500, ("Content-Length", "0"))),
    "too large, and says so": (Why.TOO_LARGE, _says(200, ("Content-Length", "40"), body=b"x" * 40)),
    "too large, without saying": (Why.TOO_LARGE, _says(200, body=b"x" * 40)),
    "cut short": (Why.UNREACHABLE, _says(200, ("Content-Length", "20"), body=b"phone")),
    "no HTTP": (Why.UNREACHABLE, _says(200, ("Content-Length", "many"))),
    "no signature": (Why.NO_SIGNATURE, _says(404, ("Content-Length", "0"), path=f"{PATH}.sig")),
    "no base64": (
        Why.WRONG_SIGNATURE,
        _says(200, ("Content-Length", "4"), body=b"\xff<a>", path=f"{PATH}.sig"),
    ),
    "an endless signature": (Why.TOO_LARGE, _says(200, body=b"A" * 5000, path=f"{PATH}.sig")),
}


def stays_as_it_was(database: Database, clock: Clock, fetcher: ListFetcher, why: Why) -> None:
    """A try that is due changes nothing but what is shown, and is made again."""
    before, good = summary(database), feed(database).fetched_at
    assert fetcher.look() == 1
    assert (summary(database), entries(database)) == (before, before.entries)
    shown = feed(database)
    assert (shown.problem, shown.tried_at, shown.fetched_at) == (why, clock.at, good)
    assert shown.detail
    assert shown.next_at == clock.at + RETRY_AFTER


@ON_ONE
@pytest.mark.parametrize("fault", FAULTS)
def test_a_false_answer_changes_nothing_is_shown_and_asked_for_again(
    database: Database, clock: Clock, issuer: Issuer, fault: str
) -> None:
    fetcher = a_fetcher(database, clock, Limits(list_bytes=30))
    assert fetcher.look() == 1
    why, issuer.misbehave = FAULTS[fault]
    issuer.has_etags = False
    issuer.publish(OTHER)
    clock.at += EVERY
    stays_as_it_was(database, clock, fetcher, why)
    issuer.misbehave = None
    clock.at += RETRY_AFTER
    assert fetcher.look() == 1
    shown = feed(database)
    assert (shown.problem, shown.detail, shown.fetched_at) == (None, "", clock.at)
    assert summary(database).number == 2


@ON_ONE
def test_a_redirect_within_the_same_server_is_followed(
    database: Database, clock: Clock, issuer: Issuer
) -> None:
    issuer.files["/today.csv"] = issuer.publish(OTHER)
    issuer.misbehave = _says(302, ("Location", "/today.csv"), ("Content-Length", "0"))
    assert a_fetcher(database, clock).fetch(LIST).number == 2
    assert REDIRECTS >= 1


@ON_ONE
def test_a_server_that_is_gone_or_never_answers_changes_nothing(
    database: Database, clock: Clock, issuer: Issuer
) -> None:
    ended = threading.Event()

    def never(_request: BaseHTTPRequestHandler) -> bool:
        return ended.wait()

    issuer.misbehave = never
    try:
        stays_as_it_was(database, clock, a_fetcher(database, clock, Limits(piece_s=0.05)), Why.TIMED_OUT)
    finally:
        ended.set()
    issuer.misbehave = None
    clock.at += RETRY_AFTER
    stays_as_it_was(database, clock, a_fetcher(database, clock, Limits(whole_s=0)), Why.TIMED_OUT)
    with socket.socket() as taken:  # by somebody who does not listen
        taken.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{taken.getsockname()[1]}{PATH}"
        with database.write() as connection:
            set_feed(connection, LIST, gone, every=EVERY, now=clock.at)
        stays_as_it_was(database, clock, a_fetcher(database, clock), Why.UNREACHABLE)


@ON_ONE
def test_what_its_issuer_did_not_sign_is_not_taken(database: Database, clock: Clock, issuer: Issuer) -> None:
    issuer.publish(OTHER, by=Ed25519PrivateKey.generate())
    fetcher = a_fetcher(database, clock)
    stays_as_it_was(database, clock, fetcher, Why.WRONG_SIGNATURE)
    issuer.publish(OTHER)
    issuer.files[PATH] += b"\n13800000009"
    clock.at += RETRY_AFTER
    stays_as_it_was(database, clock, fetcher, Why.WRONG_SIGNATURE)
    import_list(database, KEYS, TERMS, "list.csv", b"phone\n13800000009", by="x", now=NOON)
    clock.at += RETRY_AFTER
    stays_as_it_was(database, clock, fetcher, Why.NO_KEY)


@ON_ONE
def test_an_older_version_is_not_taken_though_its_signature_is_true(
    database: Database, clock: Clock, issuer: Issuer
) -> None:
    issuer.modified = datetime(2026, 3, 2, tzinfo=UTC)
    issuer.publish(OTHER)
    fetcher = a_fetcher(database, clock)
    assert fetcher.look() == 1
    assert summary(database).number == 2
    issuer.publish(ONE)
    clock.at += EVERY
    stays_as_it_was(database, clock, fetcher, Why.OLDER)
    issuer.publish(ONE, OTHER)
    issuer.modified -= timedelta(days=1)
    clock.at += RETRY_AFTER
    stays_as_it_was(database, clock, fetcher, Why.OLDER)


@ON_ONE
def test_a_signed_file_that_names_nobody_changes_nothing(
    database: Database, clock: Clock, issuer: Issuer
) -> None:
    issuer.publish("12")
    stays_as_it_was(database, clock, a_fetcher(database, clock), Why.UNUSABLE)


@ON_ONE
def test_a_centre_that_ends_gives_the_fetch_up_and_the_next_one_makes_it(
    database: Database, clock: Clock, issuer: Issuer
) -> None:
    issuer.publish(OTHER)
    ending = a_fetcher(database, clock)
    ending.stop()
    assert ending.look() == 1
    assert (summary(database).number, feed(database).problem) == (1, None)
    assert a_fetcher(database, clock).look() == 1
    assert summary(database).number == 2


@ON_ONE
@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/list.csv",
        "https://user:password@example.org/list.csv",
        "https://example.org/list.csv?token=1",
        "https://example.org/",
        "ftp://example.org/list.csv",
        "https://example.org:x/list.csv",
        "list.csv",
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(database: Database, url: str) -> None:
    with database.write() as connection, pytest.raises(SettingRefused) as refused:
        set_feed(connection, LIST, url, every=EVERY, now=NOON)
    assert url not in str(refused.value)


@ON_ONE
def test_only_a_signed_list_is_fetched_and_not_all_the_time(database: Database, issuer: Issuer) -> None:
    unsigned = ListTerms("other", "示例", "示例单位", FlagLevel.HOLD)
    import_list(database, KEYS, unsigned, "list.csv", b"phone\n13800000009", by="x", now=NOON)
    with database.write() as connection:
        for list_id, every in (("other", EVERY), ("none", EVERY), (LIST, timedelta(seconds=1))):
            with pytest.raises(SettingRefused):
                set_feed(connection, list_id, issuer.url, every=every, now=NOON)
        with pytest.raises(UnknownFeed):
            end_feed(connection, "other")


@ON_ONE
def test_a_list_that_is_removed_is_fetched_no_more(database: Database, clock: Clock, issuer: Issuer) -> None:
    with database.write() as connection:
        remove_list(connection, LIST, now=NOON)
    fetcher = a_fetcher(database, clock)
    assert fetcher.look() == 0
    with pytest.raises(UnknownFeed):
        fetcher.fetch(LIST)
    assert issuer.asked == []


@ON_ONE
def test_a_list_that_is_removed_while_it_is_fetched_does_not_come_back(
    database: Database, clock: Clock, issuer: Issuer
) -> None:
    def meanwhile(request: BaseHTTPRequestHandler) -> bool:
        if request.path == PATH:
            with database.write() as connection:
                remove_list(connection, LIST, now=NOON)
        return False

    issuer.publish(OTHER)
    issuer.misbehave = meanwhile
    assert a_fetcher(database, clock).look() == 1
    with database.read() as connection:
        assert (list_summaries(connection), feeds(connection)) == ([], {})


def test_the_command_line_sets_fetches_shows_and_ends_a_feed(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITEGATE_CENTRAL_DATABASE", f"sqlite:///{tmp_path / 'central.db'}")
    monkeypatch.setenv("SITEGATE_CENTRAL_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("COLUMNS", "240")
    (tmp_path / "keys").mkdir(mode=0o700)
    PersonVault.in_folder(tmp_path / "keys", create=True)
    runner = CliRunner()

    def said(*words: str, exit_code: int = 0) -> str:
        result = runner.invoke(app, ["list", *words])
        assert result.exit_code == exit_code, result.output
        return result.output

    assert runner.invoke(app, ["site", "add", SITE]).exit_code == 0
    file, key = tmp_path / "list.csv", tmp_path / "issuer.pub"
    file.write_bytes(issuer.publish(ONE))
    (tmp_path / "list.csv.sig").write_bytes(issuer.files[f"{PATH}.sig"])
    key.write_text(issuer.public_key)
    said("import", LIST, str(file), "--source", "示例单位", "--level", "hold", "--feed-key", str(key))
    assert issuer.url in said("feed", LIST, issuer.url, "--every-minutes", "10")
    assert "nothing new" in said("fetch", LIST)
    issuer.publish(OTHER)
    assert "version 2" in said("fetch", LIST)
    issuer.publish(THIRD, by=Ed25519PrivateKey.generate())
    assert "wrong_signature" in said("fetch", LIST, exit_code=1)
    shown = said("show", LIST)
    assert "every 10 minutes" in shown and "wrong_signature" in shown and "last good fetch 20" in shown
    assert "wrong_signature" in said("show")
    said("feed", LIST, exit_code=1)
    said("feed", LIST, "--off")
    assert "fetched" not in said("show", LIST)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_running_centre_fetches_by_itself(database_url: str, issuer: Issuer, tmp_path: Path) -> None:
    settings = CentreSettings(
        database=database_url,
        keys=tmp_path / "keys",
        broker=BrokerSettings(listen=("127.0.0.1", 0)),
        poll=timedelta(milliseconds=20),
    )
    with Database.open(database_url) as database:
        now = datetime.now(UTC)
        raw = issuer.publish(ONE)
        import_list(database, KEYS, TERMS, "list.csv", raw, by="x", now=now, signed_by=issuer.public_key)
        issuer.publish(OTHER)
        with database.write() as connection:
            set_feed(connection, LIST, issuer.url, every=EVERY, now=now)
        with CentralService(settings):
            until(lambda: feed(database).fetched_at, what="the good fetch")
        assert summary(database).number == 2
