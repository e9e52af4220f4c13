"""`sitegate kiosk user …` and `sitegate kiosk check`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from enroll.accounts import LoginRefused
from enroll.kiosk.background import background
from enroll.kiosk.checkup import look_over
from enroll.kiosk.cli import app
from enroll.kiosk.office import KioskOffice
from enroll.roster_config import load_roster_config
from enroll.store_access import open_store
from sync.errors import SecretUnsafe

PASSWORD = "three plain words"
PATIENCE_S = 60.0


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("kiosk: {port: 0, source: {kind: folder, path: nowhere}}\n", encoding="utf-8")
    return path


def run(config: Path, *arguments: str, password: str = PASSWORD, expected: int = 0) -> str:
    done = CliRunner().invoke(
        app, [*arguments, "--config", str(config)], env={"SITEGATE_NEW_PASSWORD": password, "COLUMNS": "200"}
    )
    assert done.exit_code == expected, done.output
    return done.output


def test_users_are_added_listed_given_a_new_password_and_removed(config: Path) -> None:
    assert "wang" in run(config, "user", "add", "wang", "--role", "site_manager", "--name", "示例")
    listed = run(config, "user", "list")
    assert "site_manager" in listed
    assert "示例" in listed
    run(config, "user", "password", "wang", password="four other plain words")
    settings = load_roster_config(config)
    with open_store(settings, create=False) as store:
        accounts = KioskOffice(store, settings).accounts
        with pytest.raises(LoginRefused):
            accounts.login("wang", PASSWORD)
        assert accounts.login("wang", "four other plain words")
    run(config, "user", "remove", "wang")
    assert "wang" not in run(config, "user", "list")


def test_check_names_what_is_missing(config: Path) -> None:
    with open_store(load_roster_config(config), create=True):
        pass
    said = run(config, "check", expected=1)
    assert "FAIL users: nobody can sign in" in said
    assert "ok   consent texts: face-1 (zh), face-1 (en)" in said
    assert "FAIL data handler: kiosk.data_handler and kiosk.data_contact not set" in said
    assert "FAIL camera: folder" in said


def test_check_looks_through_the_camera(config: Path) -> None:
    pictures = config.parent / "pictures"
    pictures.mkdir()
    (pictures / "a.png").write_bytes(cv2.imencode(".png", np.full((120, 160, 3), 90, np.uint8))[1].tobytes())
    named = "data_handler: 示例公司, data_contact: 示例电话"
    config.write_text(f"kiosk: {{source: {{kind: folder, path: pictures}}, {named}}}\n", encoding="utf-8")
    with open_store(load_roster_config(config), create=True) as store:
        office = KioskOffice(store, load_roster_config(config))
        findings = {one.part: one for one in look_over(office, camera_patience_s=PATIENCE_S)}
    assert (findings["camera"].is_good, findings["camera"].text) == (True, "folder, 160x120")
    assert (findings["data handler"].is_good, findings["users"].is_good) == (True, False)


def test_a_kiosk_that_is_to_reach_the_centre_needs_its_keys(config: Path) -> None:
    config.write_text("centre: {enabled: true}\nkiosk: {sync: true}\n", encoding="utf-8")
    settings = load_roster_config(config)
    with open_store(settings, create=True) as store:
        office = KioskOffice(store, settings)
        with pytest.raises(SecretUnsafe), background(office, version="test"):
            pass
