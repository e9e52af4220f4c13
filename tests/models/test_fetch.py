from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from models.errors import FetchFailed, WeightCorrupt
from models.manifest import Archive, Conversion, Download, Entry, Member
from models.zoo import Zoo
from tests.conftest import Weights
from tests.models.range_server import RangeServer
from tests.models.small_zoo import BLUE, RED, SmallZoo, entry, sha256


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def offline_index(small_zoo: SmallZoo, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip sees the archives of the small zoo and nothing else."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(small_zoo.wheelhouse))


def _files(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()} - {".lock"}


def _download(url: str, data: bytes = RED) -> Entry:
    return entry("red", Download((url,)), data)


@pytest.mark.usefixtures("offline_index")
def test_pip_brings_a_wheel_and_only_the_wanted_member_is_kept(small_zoo: SmallZoo, cache: Path) -> None:
    zoo = Zoo(small_zoo.entries, cache)
    zoo.fetch(["red"])
    assert zoo.path("red").read_bytes() == RED
    assert _files(cache) == {zoo.path("red").name}


@pytest.mark.usefixtures("offline_index")
def test_pip_brings_an_sdist_without_running_its_setup_code(small_zoo: SmallZoo, cache: Path) -> None:
    zoo = Zoo(small_zoo.entries, cache)
    zoo.fetch(["blue"])
    assert zoo.path("blue").read_bytes() == BLUE
    assert not small_zoo.setup_ran.exists()


@pytest.mark.usefixtures("offline_index")
def test_several_files_of_one_archive_fetch_it_once(small_zoo: SmallZoo, cache: Path) -> None:
    seen: list[tuple[str, int]] = []
    zoo = Zoo(small_zoo.entries, cache)
    zoo.fetch(
        ["red", "research"], accept_licence=True, progress=lambda label, done, _: seen.append((label, done))
    )
    assert seen.count(("colours 1.0", 0)) == 1
    assert zoo.path("research").read_bytes() == BLUE


@pytest.mark.usefixtures("offline_index")
@pytest.mark.parametrize("name", ["red", "blue"])
def test_an_index_that_holds_another_archive_is_refused(name: str, small_zoo: SmallZoo, cache: Path) -> None:
    wanted = next(item for item in small_zoo.entries if item.name == name)
    assert isinstance(wanted.source, Member)
    other = replace(wanted.source.archive, sha256=sha256(b"another archive"))
    zoo = Zoo([replace(wanted, source=Member(other, wanted.source.path))], cache)
    with pytest.raises(FetchFailed, match=rf"pip could not bring {other.file}.*[Hh]ash") as caught:
        zoo.fetch([name])
    assert "--wheelhouse" in caught.value.next_step
    assert not small_zoo.setup_ran.exists()
    assert _files(cache) == set()


@pytest.mark.usefixtures("offline_index")
def test_a_package_that_no_index_has_is_reported_with_pips_words(cache: Path) -> None:
    archive = Archive("no-such-shade", "1.0", "no_such_shade-1.0-py3-none-any.whl", sha256(RED))
    with pytest.raises(FetchFailed, match="No matching distribution found for no-such-shade"):
        Zoo([entry("red", Member(archive, "red.onnx"), RED)], cache).fetch(["red"])


def test_a_wheelhouse_serves_archives_without_pip_or_network(small_zoo: SmallZoo, cache: Path) -> None:
    zoo = Zoo(small_zoo.entries, cache)
    zoo.fetch(["red", "blue"], wheelhouse=small_zoo.wheelhouse)
    assert (zoo.path("red").read_bytes(), zoo.path("blue").read_bytes()) == (RED, BLUE)


def test_a_wheelhouse_named_by_the_environment_serves_as_well(
    small_zoo: SmallZoo, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITEGATE_WHEELHOUSE", str(small_zoo.wheelhouse))
    zoo = Zoo(small_zoo.entries, cache)
    zoo.fetch(["red"])
    assert zoo.path("red").is_file()


def test_a_wheelhouse_may_hold_the_bare_file(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "red.onnx").write_bytes(RED)
    zoo = Zoo([_download("https://unreachable.invalid/models/red.onnx")], cache)
    zoo.fetch(["red"], wheelhouse=tmp_path)
    assert zoo.path("red").read_bytes() == RED


def test_a_bare_file_with_another_hash_is_refused_and_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "red.onnx").write_bytes(BLUE)
    with pytest.raises(WeightCorrupt, match=rf"red.onnx has sha256 {sha256(BLUE)}, expected {sha256(RED)}"):
        Zoo([_download("https://unreachable.invalid/red.onnx")], cache).fetch(["red"], wheelhouse=tmp_path)
    assert _files(cache) == set()


def test_an_archive_of_the_wheelhouse_with_another_hash_is_refused(small_zoo: SmallZoo, cache: Path) -> None:
    small_zoo.wheel.write_bytes(small_zoo.wheel.read_bytes() + b"\0")
    with pytest.raises(WeightCorrupt, match=f"{small_zoo.wheel.name} has sha256"):
        Zoo(small_zoo.entries, cache).fetch(["red"], wheelhouse=small_zoo.wheelhouse)
    assert _files(cache) == set()


def test_an_archive_without_the_member_is_reported(small_zoo: SmallZoo, cache: Path) -> None:
    source = small_zoo.entries[0].source
    assert isinstance(source, Member)
    missing = replace(small_zoo.entries[0], source=Member(source.archive, "colours/green.onnx"))
    with pytest.raises(FetchFailed, match=r"colours-1.0-py3-none-any.whl holds no colours/green.onnx"):
        Zoo([missing], cache).fetch(["red"], wheelhouse=small_zoo.wheelhouse)


def test_a_wheelhouse_that_is_no_folder_is_reported(small_zoo: SmallZoo, cache: Path, tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="is not a folder"):
        Zoo(small_zoo.entries, cache).fetch(["red"], wheelhouse=tmp_path / "nowhere")


def test_a_cache_that_cannot_be_written_is_reported(small_zoo: SmallZoo, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    with pytest.raises(FetchFailed, match="cannot be written") as caught:
        Zoo(small_zoo.entries, tmp_path / "cache").fetch(["red"], wheelhouse=small_zoo.wheelhouse)
    assert "SITEGATE_WEIGHTS_DIR" in caught.value.next_step


def test_a_download_that_breaks_off_goes_on_where_it_stopped(cache: Path) -> None:
    with RangeServer(RED, break_off_after=[5000, 1000]).running() as server:
        zoo = Zoo([_download(server.url)], cache)
        zoo.fetch(["red"])
    assert server.requested_ranges == [None, "bytes=5000-", "bytes=6000-"]
    assert zoo.path("red").read_bytes() == RED
    assert _files(cache) == {zoo.path("red").name}


def test_a_later_fetch_goes_on_where_an_earlier_one_gave_up(cache: Path) -> None:
    with RangeServer(RED, break_off_after=[5000, 0]).running() as server:
        zoo = Zoo([_download(server.url)], cache)
        with pytest.raises(FetchFailed, match="red could not be downloaded: http"):
            zoo.fetch(["red"])
        assert [name.endswith(".part") for name in _files(cache)] == [True]
        zoo.fetch(["red"])
    assert server.requested_ranges[-1] == "bytes=5000-"
    assert zoo.path("red").read_bytes() == RED


def test_a_server_that_cannot_resume_is_asked_for_the_whole_file(cache: Path) -> None:
    with RangeServer(RED, ranges=False, break_off_after=[5000]).running() as server:
        zoo = Zoo([_download(server.url)], cache)
        zoo.fetch(["red"])
    assert zoo.path("red").read_bytes() == RED


@pytest.mark.parametrize("served", [BLUE, RED[:-1], RED + b"more"], ids=["another", "shorter", "longer"])
def test_a_server_with_another_file_is_refused_and_leaves_nothing(served: bytes, cache: Path) -> None:
    with (
        RangeServer(served).running() as server,
        pytest.raises(FetchFailed, match="red could not be downloaded: http"),
    ):
        Zoo([_download(server.url)], cache).fetch(["red"])
    assert _files(cache) == set()


def test_the_next_address_is_tried_when_one_fails(cache: Path) -> None:
    with RangeServer(BLUE).running() as wrong, RangeServer(RED).running() as right:
        zoo = Zoo([entry("red", Download((wrong.url, right.url)), RED)], cache)
        zoo.fetch(["red"])
    assert zoo.path("red").read_bytes() == RED


def test_plain_http_is_refused_beyond_this_machine(cache: Path) -> None:
    with pytest.raises(FetchFailed, match="only https is fetched, not http"):
        Zoo([_download("http://unreachable.invalid/red.onnx")], cache).fetch(["red"])


def test_what_a_killed_fetch_left_behind_is_cleared_away(small_zoo: SmallZoo, cache: Path) -> None:
    (cache / ".fetch-killed").mkdir(parents=True)
    (cache / ".fetch-killed" / "half.whl").write_bytes(b"half")
    zoo = Zoo(small_zoo.entries, cache)
    zoo.fetch(["red"], wheelhouse=small_zoo.wheelhouse)
    assert _files(cache) == {zoo.path("red").name}


def test_two_processes_that_fetch_at_once_both_end_with_a_whole_file(tmp_path: Path, cache: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from models.zoo import Zoo;"
        "from tests.models.small_zoo import RED, Download, entry;"
        "zoo = Zoo([entry('red', Download((sys.argv[1],)), RED)], Path(sys.argv[2]));"
        "zoo.fetch(['red']); print(zoo.path('red').read_bytes() == RED)"
    )
    with RangeServer(RED).running() as server:
        command = [sys.executable, "-c", program, server.url, str(cache)]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        answers = [process.communicate(timeout=60)[0].strip() for process in running]
    assert answers == ["True", "True"]
    assert len(server.requested_ranges) == 1


@pytest.mark.parametrize("name", ["sface", "sface_prelu"])
def test_an_entry_is_converted_from_a_source_that_is_there_without_fetching(
    name: str, weights: Weights, cache: Path
) -> None:
    zoo = Zoo.default(cache)
    cache.mkdir()
    shutil.copy(weights.source(name), cache / zoo.entry(name).source_file)
    zoo.fetch([name])
    assert zoo.path(name).read_bytes() == weights.path(name).read_bytes()


def test_fetching_again_brings_back_a_published_file_that_was_lost(
    weights: Weights, cache: Path, tmp_path: Path
) -> None:
    zoo = Zoo.default(cache)
    cache.mkdir()
    shutil.copy(weights.path("sface"), cache)
    shutil.copy(weights.source("sface"), tmp_path / zoo.entry("sface").published_name)
    zoo.fetch(["sface"], wheelhouse=tmp_path)
    assert zoo.source("sface").read_bytes() == weights.source("sface").read_bytes()


def test_a_conversion_that_gives_another_file_is_refused(small_zoo: SmallZoo, cache: Path) -> None:
    converted = replace(small_zoo.entries[0], conversion=Conversion("sface", sha256(b"onnx"), 1))
    with pytest.raises(WeightCorrupt, match="not the published SFace model"):
        Zoo([converted], cache).fetch(["red"], wheelhouse=small_zoo.wheelhouse)
