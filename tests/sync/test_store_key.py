from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from sync.errors import StoreKeyUnsafe
from sync.store import StoreKey

ENV = "SITEGATE_TEST_STORE_KEY"


def test_a_fresh_key_is_written_for_its_owner_only_and_read_back(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "store.key"
    created = StoreKey.load(file, ENV, create=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert StoreKey.load(file, ENV) == created
    assert [path.name for path in file.parent.iterdir()] == ["store.key"]


def test_an_existing_key_is_never_replaced(tmp_path: Path) -> None:
    first = StoreKey.load(tmp_path / "store.key", ENV, create=True)
    assert StoreKey.load(tmp_path / "store.key", ENV, create=True) == first


def test_processes_that_create_the_key_at_once_agree_on_one(tmp_path: Path) -> None:
    ready = threading.Barrier(8)
    keys: list[StoreKey] = []

    def create() -> None:
        ready.wait()
        keys.append(StoreKey.load(tmp_path / "store.key", ENV, create=True))

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert all(key == keys[0] for key in keys)


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from_file = StoreKey.load(tmp_path / "store.key", ENV, create=True)
    monkeypatch.setenv(ENV, "ab" * 32)
    from_environment = StoreKey.load(tmp_path / "store.key", ENV)
    assert from_environment != from_file
    assert from_environment.source == f"environment variable {ENV}"


def test_a_key_never_shows_in_its_repr(tmp_path: Path) -> None:
    key = StoreKey.load(tmp_path / "store.key", ENV, create=True)
    digits = (tmp_path / "store.key").read_text().strip()
    assert digits not in repr(key) + str(key)
    assert repr(bytes.fromhex(digits))[2:-1] not in repr(key)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o777])
def test_a_key_file_open_to_others_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "store.key"
    StoreKey.load(file, ENV, create=True)
    file.chmod(mode)
    with pytest.raises(StoreKeyUnsafe, match=str(file)) as refused:
        StoreKey.load(file, ENV)
    assert f"chmod 600 {file}" in refused.value.next_step


def test_a_missing_key_file_is_refused_unless_creation_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(StoreKeyUnsafe, match="does not exist"):
        StoreKey.load(tmp_path / "store.key", ENV)


@pytest.mark.parametrize("content", ["", "secret", "ab" * 31, "zz" * 32, "ab" * 33])
def test_what_is_no_key_is_refused_without_being_repeated(tmp_path: Path, content: str) -> None:
    file = tmp_path / "store.key"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(StoreKeyUnsafe) as refused:
        StoreKey.load(file, ENV)
    assert not content or content not in str(refused.value) + refused.value.next_step
