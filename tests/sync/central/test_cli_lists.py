"""Key-monitoring lists from the command line, signed ones among them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from typer.testing import CliRunner, Result

from sync.central import registry, tables
from sync.central.cli import app
from sync.central.database import Database
from sync.central.list_feed import FeedRefused
from sync.central.list_import import UnknownList
from sync.central.list_matching import ListMatcher
from sync.central.person_vault import PersonVault
from sync.central.tables_lists import watch_matches
from sync.errors import UnknownWorker
from sync.screening.pass_rules import SHIPPED_FILE, PassRulesInvalid
from tests.sync.samples import NOON, a_worker

IMPORT = ("import", "contacts", "--source", "示例单位", "--level", "block")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("SITEGATE_CENTRAL_DATABASE", f"sqlite:///{tmp_path / 'central.db'}")
    monkeypatch.setenv("SITEGATE_CENTRAL_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("COLUMNS", "240")
    runner = CliRunner()
    assert runner.invoke(app, ["site", "add", "demo-site"]).exit_code == 0
    (tmp_path / "keys").mkdir(mode=0o700)
    PersonVault.in_folder(tmp_path / "keys", create=True)
    return runner


def said(run: CliRunner, *words: str) -> str:
    result = run.invoke(app, ["list", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_rules_of_passes_are_shown_set_and_refused_with_the_place(run: CliRunner, tmp_path: Path) -> None:
    def passes(*words: str) -> Result:
        return run.invoke(app, ["passes", *words])

    assert "contact (密切接触): red 14 days; ended by cleared_by_medic" in passes("show").output
    file = tmp_path / "rules.yaml"
    file.write_text(SHIPPED_FILE.read_text("utf-8").replace("red, days: 14", "red, days: 3"), "utf-8")
    assert "red 3 days" in passes("set", str(file)).output
    assert "red 3 days" in passes("show").output
    file.write_text("profile: own\n", "utf-8")
    refused = passes("set", str(file))
    assert isinstance(refused.exception, PassRulesInvalid)
    assert f"{file}: version" in str(refused.exception)
    assert "red 14 days" in passes("set").output


def test_a_list_is_tried_imported_shown_decided_upon_and_removed(run: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("姓名,电话\n示例甲,13800000001\n示例乙,12\n", "gb18030")
    assert "row 3: no telephone number" in said(run, *IMPORT, str(file), "--dry-run")
    assert "version 1" in said(run, *IMPORT, str(file))
    with Database.open(f"sqlite:///{tmp_path / 'central.db'}") as database:
        with database.write() as connection:
            worker = a_worker("W-1", site_ids=("demo-site",), phone="13800000001")
            registry.put_worker(connection, worker, now=NOON)
        matcher = ListMatcher(database, PersonVault.in_folder(tmp_path / "keys"), now=lambda: NOON)
        while matcher.look():
            pass
        with database.read() as connection:
            match_id = str(connection.scalar(select(watch_matches.c.match_id)))
    assert "flagged" in said(run, "show", "contacts")
    assert isinstance(run.invoke(app, ["list", "show", "other"]).exception, UnknownList)
    assert "0 new on a list" in said(run, "match", "W-1")
    assert isinstance(run.invoke(app, ["list", "match", "W-2"]).exception, UnknownWorker)
    assert "cleared" in said(run, "decide", match_id, "--clear", "--reason", "号码已换人")
    assert "示例单位" in said(run, "show")
    said(run, "remove", "contacts", "--reason", "过期")
    assert "示例单位" not in said(run, "show")
    with Database.open(f"sqlite:///{tmp_path / 'central.db'}") as database, database.read() as connection:
        assert list(connection.scalars(select(tables.flags.c.flag_id))) == []
        actions = set(connection.scalars(select(tables.audit.c.action)))
        assert {"imported_list", "decided_match", "removed_list", "flagged_worker"} <= actions


def test_a_signed_list_is_taken_only_as_it_was_signed(run: CliRunner, tmp_path: Path) -> None:
    file, key_file = tmp_path / "list.csv", tmp_path / "issuer.pub"
    file.write_bytes(b"phone\n13800000001\n")
    key = Ed25519PrivateKey.generate()
    key_file.write_text(key.public_key().public_bytes_raw().hex())
    words = ["list", *IMPORT, str(file), "--feed-key", str(key_file)]
    unsigned = run.invoke(app, words).exception
    assert isinstance(unsigned, FeedRefused) and "list.csv.sig" in str(unsigned)
    file.with_name("list.csv.sig").write_bytes(base64.b64encode(key.sign(file.read_bytes())))
    assert run.invoke(app, words).exit_code == 0
    file.write_bytes(b"phone\n13800000002\n")
    assert isinstance(run.invoke(app, words).exception, FeedRefused)
