"""What the enroll room reads of `config.yaml`."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from enroll.errors import RosterConfigUnusable
from enroll.roster_config import RosterConfig, load_roster_config
from enroll.settings import KioskSettings

SHIPPED = Path(__file__).parents[2] / "config.yaml"


def test_the_shipped_file_says_every_default_of_the_kiosk() -> None:
    section = YAML(typ="safe", pure=True).load(SHIPPED)["kiosk"]
    assert set(section) == set(KioskSettings.model_fields)
    assert KioskSettings.model_validate(section) == KioskSettings()


def test_the_parts_of_other_sections_have_the_gate_s_defaults() -> None:
    data = YAML(typ="safe", pure=True).load(SHIPPED)
    parts = {name: part for name, part in data.items() if name in RosterConfig.model_fields}
    assert RosterConfig.model_validate(parts) == RosterConfig()


def test_empty_sections_keep_their_defaults_and_paths_belong_to_the_file_s_folder(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("site:\nstore:\nkiosk:\n  id_reader:\n  courses: lessons\n", encoding="utf-8")
    found = load_roster_config(config)
    assert found.kiosk == KioskSettings(courses=tmp_path / "lessons")
    assert found.store.path == tmp_path / "var/sitegate.db"


@pytest.mark.parametrize(
    "content",
    [
        "kiosk: {host: 0.0.0.0}",
        "kiosk: {tls_key: a.pem}",
        "kiosk: {id_reader: {driver: serial}}",
        "kiosk: {unknown: 1}",
        "kiosk: [",
        "- a",
    ],
)
def test_a_wrong_section_is_refused_with_the_next_step(tmp_path: Path, content: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(content, encoding="utf-8")
    with pytest.raises(RosterConfigUnusable) as caught:
        load_roster_config(config)
    assert "sitegate config check" in caught.value.next_step
