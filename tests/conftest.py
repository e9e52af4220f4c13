"""What tests of every room share: the fetched weights and the folder of real test data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from models.errors import WeightMissing
from models.zoo import State, Zoo

# The same examples at every run, and no limit of time: a busy machine decides no test. To look further:
# HYPOTHESIS_PROFILE=search.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


class Weights:
    """The zoo for tests: a file that was not fetched skips the test instead of failing it."""

    def __init__(self) -> None:
        self.zoo = Zoo.default()

    def path(self, name: str) -> Path:
        """The usable file of an entry, or skip."""
        return self._or_skip(name, source=False)

    def source(self, name: str) -> Path:
        """The file as published, or skip."""
        return self._or_skip(name, source=True)

    def require(self, *names: str) -> None:
        """Skip unless every named entry was fetched."""
        for found in self.zoo.verify(names):
            if found.state is State.MISSING:
                pytest.skip(f"{found.detail}; run `sitegate models fetch --all-free`")

    def _or_skip(self, name: str, *, source: bool) -> Path:
        try:
            return self.zoo.source(name) if source else self.zoo.path(name)
        except WeightMissing as missing:
            pytest.skip(f"{missing}; run `sitegate models fetch --all-free`")


@pytest.fixture(scope="session")
def weights() -> Weights:
    """The user's own weight cache, as `sitegate models fetch --all-free` fills it."""
    return Weights()


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real photos and clips; tests that use it carry the marker `shared_data`."""
    folder = os.environ.get("SITEGATE_TEST_DATA")
    if not folder:
        pytest.skip("SITEGATE_TEST_DATA is not set: no real photos and clips")
    return Path(folder)
