"""Handing out passes and badges: at the kiosk's store, and as a site types it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import pytest
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from typer.testing import CliRunner

from enroll.cli import app
from enroll.errors import EnrollError
from enroll.pass_card import card_html, code
from enroll.passes import KEY_FILE, REVOKED_KEPT, BadgeTaken, PassMissing, PassOffice, holding
from enroll.roster_config import RosterConfig
from sync.errors import SecretUnsafe, UnknownWorker
from sync.passes import ISSUERS_STATE, fixed_digest, issuers, verify
from sync.people import Enrolment
from sync.records import Method, Worker
from sync.store import LocalStore, StoreKey
from sync.store_settings import StoreSettings

NOW = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)


class Desk:
    """A kiosk's store with two workers, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.settings = RosterConfig(
            store=StoreSettings(path=folder / "gate.db", key_file=folder / "store.key")
        )
        key = StoreKey.load(folder / "store.key", "SITEGATE_NO_SUCH_KEY", create=True)
        self.store = LocalStore.open(folder / "gate.db", key)
        for number in ("W-1", "W-2"):
            self.store.put_worker(Worker(worker_id=number, name=f"示例{number}", site_ids=("demo-site",)))
        self.office = PassOffice(self.store, self.settings, now=lambda: self.now)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_issued_pass_is_in_the_roster_as_a_hash_and_on_its_way_to_the_centre(desk: Desk) -> None:
    shown = desk.office.issue("W-1", by="manager")
    (holder,) = desk.store.pass_holders(fixed_digest(shown.text))
    assert holder == desk.store.worker("W-1") == shown.worker
    assert shown.text not in holder.model_dump_json()
    (item,) = desk.store.outbox_pending(10)
    assert item.kind == "enrolment"
    assert Enrolment.model_validate_json(item.payload).worker == holder
    assert shown.text not in item.payload
    assert [line.action for line in desk.store.audit(limit=5)] == ["QR_pass_issued"]


def test_a_pass_can_be_shown_again_and_a_new_one_ends_the_old(desk: Desk) -> None:
    first = desk.office.issue("W-1", by="manager")
    assert desk.office.show("W-1").text == first.text
    second = desk.office.issue("W-1", by="manager", valid_until=NOW + timedelta(days=1))
    assert second.text != first.text
    worker = desk.store.worker("W-1")
    assert [grant.revoked_at for grant in worker.passes] == [NOW, None]
    desk.now += timedelta(days=1)
    assert holding(worker, Method.QR, desk.now) is None
    with pytest.raises(PassMissing):
        desk.office.show("W-1")


def test_a_withdrawn_pass_is_remembered_for_a_while_and_not_for_ever(desk: Desk) -> None:
    for _ in range(REVOKED_KEPT + 3):
        desk.office.issue("W-1", by="manager")
    worker = desk.office.revoke("W-1", Method.QR, by="manager")
    assert len(worker.passes) == REVOKED_KEPT
    assert holding(worker, Method.QR, NOW) is None
    with pytest.raises(PassMissing):
        desk.office.revoke("W-1", Method.QR, by="manager")


def test_a_pass_of_another_kiosk_is_not_shown_here(desk: Desk, tmp_path: Path) -> None:
    desk.office.issue("W-1", by="manager")
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(PassMissing, match="elsewhere"):
        desk.office.show("W-1")


def test_the_key_is_for_its_owner_only(desk: Desk, tmp_path: Path) -> None:
    desk.office.issue("W-1", by="manager")
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(SecretUnsafe):
        desk.office.issue("W-1", by="manager")


def test_a_signed_pass_is_trusted_by_gates_on_this_store(desk: Desk) -> None:
    shown = desk.office.sign("W-1", by="manager", lasts=timedelta(minutes=10))
    (raw,) = desk.store.state(ISSUERS_STATE)  # type: ignore[misc]
    trusted = issuers([Ed25519PublicKey.from_public_bytes(bytes.fromhex(str(raw)))])
    assert verify(shown.text, trusted, site_id="demo-site", now=NOW).worker_id == "W-1"
    assert desk.store.worker("W-1").passes == ()
    with pytest.raises(EnrollError):
        desk.office.sign("W-1", by="manager", lasts=timedelta(days=30))


def test_a_badge_has_one_holder_until_it_is_taken_back(desk: Desk) -> None:
    desk.office.assign_badge("W-1", "0004 7712 33", by="manager")
    with pytest.raises(BadgeTaken, match="W-1"):
        desk.office.assign_badge("W-2", "0004771233", by="manager")
    desk.office.revoke("W-1", Method.BADGE, by="manager")
    desk.office.assign_badge("W-2", "0004771233", by="manager")
    assert holding(desk.store.worker("W-2"), Method.BADGE, NOW) is not None


def test_what_cannot_be_issued_is_said(desk: Desk) -> None:
    with pytest.raises(UnknownWorker):
        desk.office.issue("W-9", by="manager")
    with pytest.raises(EnrollError):
        desk.office.issue("W-1", by="manager", valid_until=NOW)
    assert desk.store.worker("W-1").passes == ()


def test_a_card_shows_what_it_should_and_escapes_what_people_wrote(desk: Desk) -> None:
    desk.store.put_worker(Worker(worker_id="W-1", name="<b>示例</b>", site_ids=("demo-site",)))
    page = card_html(desk.office.issue("W-1", by="manager"), site="示例工地", until="2026-12-31")
    assert "&lt;b&gt;示例" in page
    assert "85.6mm" in page
    assert "2026-12-31" in page
    assert "<img" not in page


def test_a_short_pass_makes_a_small_code(desk: Desk) -> None:
    assert code(desk.office.issue("W-1", by="manager").text).symbol_size(border=0) == (25, 25)
    signed = desk.office.sign("W-1", by="manager", lasts=timedelta(minutes=10))
    assert code(signed.text).symbol_size(border=0)[0] <= 45


def test_the_commands_write_a_code_that_reads_and_take_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SITEGATE_STORE", "SITEGATE_STORE_KEY_FILE", "SITEGATE_STORE_KEY"):
        monkeypatch.delenv(name, raising=False)
    Path("people.csv").write_text("工号,姓名\nW-1,示例甲\n", encoding="utf-8")

    def roster(*arguments: str) -> str:
        done = CliRunner().invoke(app, arguments)
        if done.exception is not None:
            raise done.exception
        return done.stdout

    roster("import", "people.csv")
    roster("pass", "W-1", "--out", "pass.png")
    image = cv2.imread("pass.png")
    assert image is not None
    (found,) = zxingcpp.read_barcodes(image)
    roster("pass", "W-1", "--out", "again.svg")
    key = StoreKey.load(Path("var/store.key"), "SITEGATE_STORE_KEY")
    with LocalStore.open(Path("var/sitegate.db"), key) as store:
        assert [one.worker_id for one in store.pass_holders(fixed_digest(found.text))] == ["W-1"]
    roster("badge", "W-1", "0004771233")
    assert "0004771233" not in roster("show", "W-1")
    roster("pass", "W-1", "--revoke")
    roster("badge", "W-1", "--revoke")
    assert roster("show", "W-1").count("taken back") == 2
    with pytest.raises(EnrollError):
        roster("pass", "W-1", "--out", "pass.jpg", "--new")
