from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from models.errors import LicenceNotAccepted, UnknownWeight, WeightCorrupt, WeightMissing
from models.manifest import Kind, Member, bundled_manifest, parse_manifest
from models.zoo import State, Zoo
from tests.models.small_zoo import BLUE, RED, SmallZoo, entry, sha256


@pytest.fixture
def zoo(small_zoo: SmallZoo, tmp_path: Path) -> Zoo:
    filled = Zoo(small_zoo.entries, tmp_path / "cache")
    filled.fetch(["red", "blue"], wheelhouse=small_zoo.wheelhouse)
    return filled


def test_a_fetched_file_is_found_under_its_name(zoo: Zoo) -> None:
    assert zoo.path("red").read_bytes() == RED
    assert zoo.path("blue").read_bytes() == BLUE


def test_a_missing_file_names_itself_and_the_command_that_brings_it(zoo: Zoo) -> None:
    with pytest.raises(WeightMissing, match="research") as caught:
        zoo.path("research")
    assert caught.value.next_step == "Run `sitegate models fetch research`."


def test_a_truncated_file_is_refused_with_both_hashes(zoo: Zoo) -> None:
    path = zoo.path("red")
    path.write_bytes(RED[:-1])
    with pytest.raises(WeightCorrupt) as caught:
        zoo.path("red")
    for fact in (path.name, sha256(RED), sha256(RED[:-1])):
        assert fact in str(caught.value)


def test_two_files_that_were_swapped_are_each_refused_by_name(zoo: Zoo) -> None:
    red, blue = zoo.path("red"), zoo.path("blue")
    red.write_bytes(BLUE)
    blue.write_bytes(RED)
    for name in ("red", "blue"):
        with pytest.raises(WeightCorrupt, match=f"{name}: "):
            zoo.path(name)


def test_the_first_look_of_a_new_process_always_hashes(zoo: Zoo) -> None:
    path = zoo.path("red")
    before = path.stat()
    path.write_bytes(RED[:-1] + b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(WeightCorrupt):
        Zoo(zoo.entries(), zoo.cache_dir).path("red")


def test_verify_hashes_anew_even_when_size_and_time_are_unchanged(zoo: Zoo) -> None:
    path = zoo.path("red")
    before = path.stat()
    path.write_bytes(RED[:-1] + b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    states = {found.entry.name: found.state for found in zoo.verify()}
    assert states == {"red": State.CORRUPT, "research": State.MISSING, "blue": State.OK}


def test_fetching_again_replaces_a_damaged_file(zoo: Zoo, small_zoo: SmallZoo) -> None:
    zoo.path("red").write_bytes(b"damaged")
    zoo.fetch(["red"], wheelhouse=small_zoo.wheelhouse)
    assert zoo.path("red").read_bytes() == RED


def test_an_unknown_name_is_answered_with_the_known_ones(zoo: Zoo) -> None:
    with pytest.raises(UnknownWeight, match=r"'green'.*red, research, blue"):
        zoo.path("green")


def test_a_licence_without_business_use_is_refused_before_anything_is_fetched(
    small_zoo: SmallZoo, tmp_path: Path
) -> None:
    zoo = Zoo(small_zoo.entries, tmp_path / "cache")
    with pytest.raises(LicenceNotAccepted, match="LicenseRef-research-only") as caught:
        zoo.fetch(["red", "research"], wheelhouse=small_zoo.wheelhouse)
    assert "--accept-licence" in caught.value.next_step
    assert not (tmp_path / "cache").exists()


def test_an_accepted_licence_lets_the_file_through(zoo: Zoo, small_zoo: SmallZoo) -> None:
    zoo.fetch(["research"], accept_licence=True, wheelhouse=small_zoo.wheelhouse)
    assert zoo.path("research").read_bytes() == BLUE


def test_the_cache_is_the_argument_then_the_environment_then_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITEGATE_WEIGHTS_DIR", str(tmp_path / "environment"))
    assert Zoo.default(tmp_path / "argument").cache_dir == tmp_path / "argument"
    assert Zoo.default().cache_dir == tmp_path / "environment"
    monkeypatch.delenv("SITEGATE_WEIGHTS_DIR")
    assert Zoo.default().cache_dir.parts[-2:] == ("sitegate", "weights")


def test_the_bundled_manifest_fetches_detector_and_embedder_by_default() -> None:
    assert [item.name for item in bundled_manifest() if item.default] == ["yunet", "sface"]


def test_every_weight_of_the_bundled_manifest_states_its_use_and_source() -> None:
    entries = bundled_manifest()
    assert len({item.name for item in entries}) == len(entries)
    assert len({item.usable_file for item in entries}) == len(entries)
    for item in entries:
        assert item.licence and item.output and item.citation
        assert item.input or item.kind is Kind.SAMPLE
        assert item.business_use or item.note, f"{item.name}: say why business use is not free"
        if not isinstance(item.source, Member):
            assert all(url.startswith("https://") for url in item.source.urls)


def test_entries_made_from_one_member_share_its_file_in_the_cache() -> None:
    files: dict[Member, set[str]] = {}
    for item in bundled_manifest():
        if isinstance(item.source, Member):
            files.setdefault(item.source, set()).add(item.source_file)
    assert all(len(names) == 1 for names in files.values())


def test_a_manifest_with_an_unknown_key_or_half_a_source_is_refused() -> None:
    table = """
    archives = {}
    [[entries]]
    name = "red"
    kind = "weight"
    sha256 = "%s"
    size_bytes = 1
    licence = "MIT"
    business_use = true
    output = "a colour"
    citation = "none"
    """ % sha256(RED)  # noqa: UP031 - TOML is full of braces
    with pytest.raises(ValidationError, match="give either archive and member, or urls"):
        parse_manifest(table)
    with pytest.raises(ValidationError, match="colour"):
        parse_manifest(table + '\n    urls = ["https://example.org/red"]\n    colour = "red"')
    assert parse_manifest(table + '\n    urls = ["https://example.org/red.onnx"]')[0].name == "red"


def test_a_new_hash_in_the_manifest_makes_the_old_file_count_as_missing(zoo: Zoo) -> None:
    newer = Zoo([entry("red", zoo.entry("red").source, BLUE)], zoo.cache_dir)
    with pytest.raises(WeightMissing):
        newer.path("red")
