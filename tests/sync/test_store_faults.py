"""Each fault is really brought about; after it is over, the same store object works again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlite_utils import Database

from sync.errors import (
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreKeyWrong,
    StoreLocked,
    StoreMissing,
    StoreTooNew,
)
from sync.store import LocalStore, StoreKey
from sync.store.connections import Connections
from sync.store.migrations import migrations
from tests.sync.samples import a_template, a_worker, an_event

PAGE_BYTES = 4096
NOBODY = 65_534
ROOT = Path(__file__).parents[2]


class Child:
    """Another process at the same store."""

    def __init__(self, path: Path, key_file: Path, *user: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.sync.store_child", str(path), str(key_file), *map(str, user)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.greeting = self.read()

    def ask(self, command: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.read()

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def child(path: Path, key_file: Path, *user: int) -> Iterator[Child]:
    running = Child(path, key_file, *user)
    with running.process:
        try:
            yield running
        finally:
            running.process.kill()


def damage(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE_BYTES + 100)
        file.write(os.urandom(64))


def fill(store: LocalStore) -> None:
    # Enough that the tables' descriptions lie in the first half of the file.
    store.put_many([(a_worker(f"W-{n}"), [a_template(f"W-{n}", seed=n)]) for n in range(400)])
    store.record(an_event())


def test_nothing_in_the_files_can_be_read_without_the_key(store: LocalStore, store_path: Path) -> None:
    template = a_template()
    store.put_worker(a_worker(name="示例姓名", phone="000-1234567", employer="Example Employer"), [template])
    store.record(an_event(worker_id="W-1", note="a note to be sealed"))
    files = [store_path, Path(f"{store_path}-wal")]
    raw = b"".join(file.read_bytes() for file in files)
    assert all(file.stat().st_size > 0 for file in files)
    secrets = ["示例姓名".encode(), b"1234567", b"Example Employer", b"note to be", b"W-1", b"demo-site"]
    for secret in [*secrets, template.vector[:16], b"CREATE TABLE", b"SQLite format"]:
        assert secret not in raw
    store.close()
    folded = store_path.read_bytes()
    assert not any(secret in folded for secret in [*secrets, template.vector[:16], b"SQLite format"])


def test_the_files_belong_to_their_owner_alone(store: LocalStore, store_path: Path) -> None:
    store.record(an_event())
    modes = {file.name: file.stat().st_mode & 0o777 for file in store_path.parent.glob("sitegate.db*")}
    assert set(modes) == {"sitegate.db", "sitegate.db-wal", "sitegate.db-shm"}
    assert set(modes.values()) == {0o600}


def test_a_wrong_key_is_said_and_changes_nothing(
    store: LocalStore, store_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(store)
    store.close()
    before = store_path.read_bytes()
    other = StoreKey.load(tmp_path / "other.key", "", create=True)
    with pytest.raises(StoreKeyWrong, match=str(store_path)) as refused:
        LocalStore.open(store_path, other)
    assert "key" in refused.value.next_step
    assert store_path.read_bytes() == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"no database at all\n" * 500, b"x", b"SQLite format 3\0" + bytes(8176)])
def test_a_file_that_is_no_store_is_said(store_path: Path, key: StoreKey, content: bytes) -> None:
    store_path.write_bytes(content)
    with pytest.raises(StoreError) as refused:
        LocalStore.open(store_path, key)
    assert isinstance(refused.value, StoreKeyWrong | StoreCorrupt)
    assert store_path.read_bytes() == content


def test_a_plain_unsealed_database_is_not_taken_for_a_store(store_path: Path, key: StoreKey) -> None:
    plain = Database(store_path)
    plain["t"].insert({"a": 1})
    plain.close()
    with pytest.raises(StoreKeyWrong):
        LocalStore.open(store_path, key)


def test_a_damaged_page_is_said_and_found_by_the_check(
    store: LocalStore, store_path: Path, key: StoreKey
) -> None:
    fill(store)
    assert store.check().sound
    store.close()
    pages = store_path.stat().st_size // PAGE_BYTES
    # The tables are listed in pages anywhere: those of the templates, filled last, are at the end.
    for page in range(pages * 3 // 4, pages):
        damage(store_path, page)
    with LocalStore.open(store_path, key) as damaged:
        with pytest.raises(StoreCorrupt) as refused:
            damaged.all_templates("sface", "1")
        assert "backup" in refused.value.next_step
        report = damaged.check()
        assert not report.sound
        assert any("HMAC" in problem for problem in report.problems)


def test_a_store_cut_short_is_said(store: LocalStore, store_path: Path, key: StoreKey) -> None:
    fill(store)
    store.close()
    os.truncate(store_path, 8 * PAGE_BYTES)
    with pytest.raises(StoreCorrupt), LocalStore.open(store_path, key) as cut:
        cut.all_templates("sface", "1")


def test_a_lock_held_by_another_process_is_said_and_ends_with_it(
    store: LocalStore, store_path: Path, tmp_path: Path
) -> None:
    event = an_event()
    with child(store_path, tmp_path / "store.key") as other:
        assert other.ask("lock") == "locked"
        with pytest.raises(StoreLocked) as refused:
            store.record(event)
        assert "wait" in refused.value.next_step
        assert store.events() == []
        assert other.ask("unlock") == "released"
        assert store.record(event).sequence == 1


def test_waiting_for_a_lock_does_not_stop_the_other_threads(
    store_path: Path, key: StoreKey, tmp_path: Path
) -> None:
    recorded = threading.Event()

    def record(store: LocalStore) -> None:
        store.record(an_event())
        recorded.set()

    with (
        LocalStore.open(store_path, key, busy_timeout_s=60) as store,
        child(store_path, tmp_path / "store.key") as other,
    ):
        assert other.ask("lock") == "locked"
        thread = threading.Thread(target=record, args=[store])
        thread.start()
        # This thread goes on reading, and releases the lock itself: were it stopped, nothing would end.
        for _ in range(20):
            assert store.events() == []
        assert not recorded.is_set()
        assert other.ask("unlock") == "released"
        thread.join(timeout=60)
        assert recorded.is_set()


def test_a_store_that_may_only_be_read_is_said_and_recovers(key: StoreKey, tmp_path: Path) -> None:
    # Root may write anywhere, so the other process becomes nobody, below a folder that nobody may enter.
    user = [NOBODY] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o777)
        path = folder / "sitegate.db"
        with LocalStore.open(path, key) as store:
            store.put_worker(a_worker())
            for file in folder.iterdir():
                file.chmod(0o666)
            with child(path, tmp_path / "store.key", *user) as other:
                assert other.ask("record") == "recorded 1"
                for file in folder.iterdir():
                    file.chmod(0o444)
                folder.chmod(0o555)
                # A connection that is open goes on; a fresh one meets the refusal, as after a remount.
                with child(path, tmp_path / "store.key", *user) as late:
                    assert late.ask("count") == "workers 1"
                    assert late.ask("record") == "StoreReadOnly"
                    folder.chmod(0o777)
                    for file in folder.iterdir():
                        file.chmod(0o666)
                    assert late.ask("record") == "recorded 2"
                assert other.ask("record") == "recorded 3"
        path.chmod(0o444)
        folder.chmod(0o555)
        with child(path, tmp_path / "store.key", *user) as late:
            assert late.greeting == "StoreReadOnly"
    finally:
        folder.chmod(0o777)
        shutil.rmtree(folder)


def test_a_full_store_is_said_and_records_again_once_there_is_space(store: LocalStore) -> None:
    store.record(an_event())
    with store._connections.write() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
    last = an_event()
    with pytest.raises(StoreFull) as refused:
        for _ in range(1000):
            last = an_event(note="x" * 1000)
            store.record(last)
    assert "free space" in refused.value.next_step
    kept = store.count_events()
    # The limit was the connection's own: the store has dropped that connection, hence "has space again".
    assert store.record(last).sequence == kept + 1
    assert store.check().sound


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("mounting a small file system needs root")
    command = [mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine does not let root mount: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_full_is_said_and_records_again_once_there_is_space(
    small_disk: Path, key: StoreKey
) -> None:
    ballast = small_disk / "ballast"
    with LocalStore.open(small_disk / "sitegate.db", key) as store:
        store.record(an_event())
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
            while True:
                file.write(bytes(PAGE_BYTES))
        last = an_event()
        with pytest.raises(StoreFull):
            for _ in range(1000):
                last = an_event(note="x" * 1000)
                store.record(last)
        with pytest.raises(StoreFull):
            store.record(last)
        kept = store.count_events()
        ballast.unlink()
        assert store.record(last).sequence == kept + 1
        assert store.check().sound


def test_a_store_cannot_be_made_on_a_full_disk_and_can_afterwards(small_disk: Path, key: StoreKey) -> None:
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
        while True:
            file.write(bytes(PAGE_BYTES))
    with pytest.raises(StoreFull):
        LocalStore.open(small_disk / "sitegate.db", key)
    ballast.unlink()
    with LocalStore.open(small_disk / "sitegate.db", key) as store:
        assert store.record(an_event()).sequence == 1


def test_a_file_that_was_moved_away_is_said_instead_of_written_into(
    store: LocalStore, store_path: Path
) -> None:
    store.record(an_event())
    away = store_path.with_name("away")
    away.mkdir()
    for file in store_path.parent.glob("sitegate.db*"):
        file.rename(away / file.name)
    for attempt in (store.count_events, lambda: store.record(an_event())):
        with pytest.raises(StoreMissing, match="moved or deleted"):
            attempt()
    for file in away.iterdir():
        file.rename(store_path.parent / file.name)
    assert store.record(an_event()).sequence == 2


def test_a_store_restored_from_a_backup_is_taken_up(
    store: LocalStore, store_path: Path, key: StoreKey, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.db"
    with LocalStore.open(backup, key) as other:
        other.put_worker(a_worker("W-backup"))
    store.put_worker(a_worker("W-now"))
    backup.replace(store_path)
    for suffix in ("-wal", "-shm"):
        Path(f"{store_path}{suffix}").unlink()
    assert store.worker("W-backup").worker_id == "W-backup"
    store.put_worker(a_worker("W-new"))
    assert [worker.worker_id for worker in store.workers()] == ["W-backup", "W-new"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, key: StoreKey) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"Not a directory|File exists"):
        LocalStore.open(tmp_path / "file" / "sitegate.db", key)


def test_a_closed_store_says_so(store: LocalStore) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="was closed"):
        store.record(an_event())


def test_an_older_store_is_brought_up_to_date_with_its_workers(store_path: Path, key: StoreKey) -> None:
    store_path.touch()
    old = Connections(store_path, key, busy_timeout_s=1)
    with old.write(may_be_empty=True) as db:
        migrations.apply(db, stop_before="0002_events")
        db["workers"].insert(
            {
                "worker_id": "W-old",
                "name": "示例",
                "status": "active",
                **dict.fromkeys(("employer", "team", "trade", "phone"), ""),
                "site_ids": '["demo-site"]',
                "clearances": "[]",
            }
        )
    old.close()
    with LocalStore.open(store_path, key) as store:
        assert store.worker("W-old") == a_worker("W-old", name="示例")
        assert store.record(an_event()).sequence == 1


def test_a_step_that_fails_leaves_no_half_of_itself(
    store_path: Path, key: StoreKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    LocalStore.open(store_path, key).close()
    more = list(migrations._migrations)
    monkeypatch.setattr(migrations, "_migrations", more)

    @migrations(name="9999_broken")
    def broken(db: Database) -> None:
        db.execute("CREATE TABLE half (a)")
        db.execute("CREATE TABLE half (a)")

    with pytest.raises(StoreError, match="half"):
        LocalStore.open(store_path, key)
    more.pop()
    with LocalStore.open(store_path, key) as store, store._connections.read() as db:
        assert "half" not in db.table_names()


def test_a_store_of_a_newer_program_is_left_alone(store: LocalStore, store_path: Path, key: StoreKey) -> None:
    with store._connections.write() as db:
        migrations._record_applied(db, "9999_future")
    with pytest.raises(StoreTooNew, match="9999_future"):
        LocalStore.open(store_path, key)


def test_processes_that_open_a_new_store_at_once_make_it_once(store_path: Path, key: StoreKey) -> None:
    ready = threading.Barrier(4)
    stores: list[LocalStore] = []

    def open_it() -> None:
        ready.wait()
        stores.append(LocalStore.open(store_path, key, busy_timeout_s=30))

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.record(an_event()).sequence for store in stores] == [1, 2, 3, 4]
    for store in stores:
        store.close()


@pytest.mark.slow
def test_a_kill_in_the_middle_of_recording_loses_nothing_and_doubles_nothing(
    store_path: Path, key: StoreKey, tmp_path: Path
) -> None:
    reported: dict[str, int] = {}
    passed: set[str] = set()
    for round_ in range(8):
        with child(store_path, tmp_path / "store.key") as other:
            line = other.ask("record for ever")
            for _ in range(5 + 7 * round_):
                kind, event_id, *sequence = line.split()
                if kind == "recorded":
                    reported[event_id] = int(sequence[0])
                else:
                    passed.add(event_id)
                line = other.read()
            other.process.kill()
    with LocalStore.open(store_path, key) as store:
        kept = {event.event_id: event for event in store.events(limit=100_000)}
        queued = [(item.kind, item.payload) for item in store.outbox_pending(limit=100_000)]
        assert store.check().sound
    assert all(kept[event_id].sequence == sequence for event_id, sequence in reported.items())
    assert all(kept[event_id].passage == "passed" for event_id in passed)
    assert sorted(event.sequence for event in kept.values()) == list(range(1, len(kept) + 1))
    assert sum(kind == "event" for kind, _ in queued) == len(kept)
    assert sum(kind == "passage" for kind, _ in queued) == sum(
        event.passage == "passed" for event in kept.values()
    )
