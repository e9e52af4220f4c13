"""Tokens for the API, the people of a gate's store, and orders to a gate, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sync.central import registry
from sync.central.accounts import Accounts
from sync.central.cli import app
from sync.central.database import Database
from sync.store import LocalStore, StoreKey
from tests.sync.samples import a_template, a_worker


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'central.db'}"


@pytest.fixture
def central(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("SITEGATE_CENTRAL_DATABASE", url)
    monkeypatch.setenv("SITEGATE_CENTRAL_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("SITEGATE_NEW_PASSWORD", "long enough to be one")
    monkeypatch.setenv("COLUMNS", "200")
    runner = CliRunner()
    run(runner, "site", "add", "demo-site")
    return runner


def run(central: CliRunner, *words: str, code: int = 0) -> str:
    done = central.invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def test_a_token_is_shown_once_opens_the_api_and_ends_when_it_is_revoked(
    central: CliRunner, url: str
) -> None:
    run(central, "user", "add", "integration", "--role", "supervisor", "--site", "demo-site")
    secret = run(central, "token", "add", "integration", "--purpose", "nightly export").splitlines()[0]
    with Database.open(url) as database:
        assert Accounts(database).viewer_of_token(secret) is not None
    listed = run(central, "token", "list")
    assert "nightly export" in listed
    assert secret not in listed
    (token_id,) = {word for word in listed.split() if len(word) == 32 and word.isalnum()}
    run(central, "token", "revoke", token_id)
    with Database.open(url) as database:
        assert Accounts(database).viewer_of_token(secret) is None


def test_the_people_of_a_gate_are_adopted_with_their_templates(
    central: CliRunner, url: str, tmp_path: Path
) -> None:
    key_file = tmp_path / "gate.key"
    with LocalStore.open(
        tmp_path / "gate.db", StoreKey.load(key_file, "NO_SUCH_VARIABLE", create=True)
    ) as gate:
        for number in range(3):
            gate.put_worker(a_worker(f"W{number}"), [a_template(f"W{number}", seed=number)])
    said = run(central, "worker", "adopt", "--store", str(tmp_path / "gate.db"), "--key-file", str(key_file))
    assert "3 workers" in said
    with Database.open(url) as database, database.read() as connection:
        assert registry.worker(connection, "W2").worker_id == "W2"


def test_an_order_that_nobody_answers_says_so(central: CliRunner, tmp_path: Path) -> None:
    run(
        central, "gate", "add", "demo-site", "gate-1",
        "--out", str(tmp_path / "gate"), "--broker", "mqtt://127.0.0.1:1883",
    )  # fmt: skip
    said = run(
        central, "command", "demo-site", "gate-1", "open_once",
        "--reason", "delivery", "--by", "supervisor 1", "--wait-s", "0.3", code=1,
    )  # fmt: skip
    assert "no answer" in said
