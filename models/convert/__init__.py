"""From files as published to clean float32 ONNX with a batch dimension.

A conversion is a pure function of the file's bytes: the same bytes come out on every machine, so that the
manifest can state their sha256.
"""

from __future__ import annotations

from pathlib import Path

from models.convert import dlib_resnet, sface
from models.errors import UnknownWeight

_CONVERTERS = {
    "sface": sface.convert,
    "sface_prelu": sface.convert_with_prelu,
    "dlib_resnet": dlib_resnet.convert,
}


def convert(converter: str, source: Path) -> bytes:
    """Convert the file `source`; returns a serialised ONNX model.

    Raises:
        UnknownWeight: no such converter.
        WeightCorrupt: the file is not laid out as the converter expects.
    """
    if converter not in _CONVERTERS:
        raise UnknownWeight(f"no converter {converter!r}; there are {', '.join(_CONVERTERS)}")
    return _CONVERTERS[converter](source.read_bytes())
