"""A fresh store and its key for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.store import LocalStore, StoreKey


@pytest.fixture
def key(tmp_path: Path) -> StoreKey:
    return StoreKey.load(tmp_path / "store.key", "", create=True)


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "sitegate.db"


@pytest.fixture
def store(store_path: Path, key: StoreKey) -> Iterator[LocalStore]:
    with LocalStore.open(store_path, key, busy_timeout_s=2) as opened:
        yield opened
