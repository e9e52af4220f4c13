"""A zoo of tiny files in real archives: every road into the cache can be walked without the network."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from models.manifest import Archive, Download, Entry, Kind, Member

RED, BLUE = b"red weights " * 1000, b"blue weights " * 1000


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def entry(name: str, source: Member | Download, data: bytes, *, business_use: bool = True) -> Entry:
    return Entry(
        name=name,
        kind=Kind.WEIGHT,
        source=source,
        sha256=sha256(data),
        size_bytes=len(data),
        licence="MIT" if business_use else "LicenseRef-research-only",
        business_use=business_use,
        input="",
        output="",
        citation="made for the test",
        note="" if business_use else "For research only",
    )


@dataclass(frozen=True)
class SmallZoo:
    """A wheel with `red` and `research`, an sdist with `blue`, all in the folder `wheelhouse`."""

    wheelhouse: Path
    entries: tuple[Entry, ...]
    setup_ran: Path

    @property
    def wheel(self) -> Path:
        return self.wheelhouse / "colours-1.0-py3-none-any.whl"

    @property
    def sdist(self) -> Path:
        return self.wheelhouse / "shades-2.0.tar.gz"


def make_small_zoo(folder: Path) -> SmallZoo:
    wheelhouse = folder / "wheelhouse"
    wheelhouse.mkdir()
    setup_ran = folder / "setup_ran"
    wheel = _wheel({"colours/red.onnx": RED, "colours/research.onnx": BLUE})
    setup = f"open({str(setup_ran)!r}, 'w').close()\nfrom setuptools import setup\nsetup(name='shades')\n"
    information = b"Metadata-Version: 2.1\nName: shades\nVersion: 2.0\n"
    sdist = _sdist(
        {
            "shades-2.0/PKG-INFO": information,
            "shades-2.0/setup.py": setup.encode(),
            "shades-2.0/blue.dat": BLUE,
        }
    )
    colours = Archive("colours", "1.0", "colours-1.0-py3-none-any.whl", sha256(wheel))
    shades = Archive("shades", "2.0", "shades-2.0.tar.gz", sha256(sdist))
    (wheelhouse / colours.file).write_bytes(wheel)
    (wheelhouse / shades.file).write_bytes(sdist)
    entries = (
        entry("red", Member(colours, "colours/red.onnx"), RED),
        entry("research", Member(colours, "colours/research.onnx"), BLUE, business_use=False),
        entry("blue", Member(shades, "shades-2.0/blue.dat"), BLUE),
    )
    return SmallZoo(wheelhouse, entries, setup_ran)


def _wheel(members: dict[str, bytes]) -> bytes:
    information = {
        "colours-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: colours\nVersion: 1.0\n",
        "colours-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "colours-1.0.dist-info/RECORD": b"",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in (members | information).items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _sdist(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            information = tarfile.TarInfo(name)
            information.size = len(data)
            archive.addfile(information, io.BytesIO(data))
    return buffer.getvalue()
