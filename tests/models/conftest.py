from __future__ import annotations

from pathlib import Path

import pytest

from tests.models.pictures import biden, engine, obama, obama_again  # noqa: F401 - fixtures
from tests.models.small_zoo import SmallZoo, make_small_zoo


@pytest.fixture
def small_zoo(tmp_path: Path) -> SmallZoo:
    return make_small_zoo(tmp_path)
