"""dlib's face recognition ResNet, from dlib's own serialisation to ONNX.

Layout of the .dat file, input side first: an integer is one control byte (low four bits: how many bytes
follow, high bit: sign) and then little-endian bytes; a layer's name is its length and its letters; a tensor
is a version, four sizes and raw float32. A convolution (`con_4`) holds its filters, then its biases, then the
number of filters, the kernel and the strides; an affine layer (`affine_`, a frozen batch normalisation) gamma
and then beta; the full connection (`fc_2`) has no bias. What stands between these, other layers' settings, is
implied by the architecture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.convert.graph import Floats, GraphWriter
from models.errors import WeightCorrupt

INPUT = "data"
INPUT_SHAPE = (3, 150, 150)
OUTPUT = "descriptor"
DESCRIPTOR_SIZE = 128

_TENSOR_VERSION = 2
_PIXEL_MEAN = (122.782, 117.001, 104.298)
_PIXEL_SCALE = 256.0
_FIRST_POOL = 3
_DOWN_POOL = 2
_KERNEL_PX = 3
_STEM_FILTERS = 32
_STEM_SIZE_PX = 35  # 150 px through a 7x7 convolution and a 3x3 pooling, both of stride 2 without padding
# The number of filters of each residual block; True where it halves the picture.
_BLOCKS = (
    *[(32, False)] * 3,
    (64, True),
    *[(64, False)] * 3,
    (128, True),
    *[(128, False)] * 2,
    (256, True),
    *[(256, False)] * 2,
    (256, True),
)


@dataclass(frozen=True, slots=True)
class _Convolution:
    """Weights (out, in, k, k) and bias (out,), with the affine layer behind it folded in."""

    weight: Floats
    bias: Floats
    stride: int


class _Reader:
    """Walks through the serialised network from named layer to named layer."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def convolution(self) -> _Convolution:
        """The next convolution and the affine layer behind it."""
        parameters = self._tensor_of("con_4")
        filters, rows, columns, stride, stride_x = (self._integer() for _ in range(5))
        if rows != columns or stride != stride_x or parameters.size % filters:
            raise ValueError(
                f"a convolution of {filters} filters {rows}x{columns}, stride {stride}, {stride_x}"
            )
        affine = self._tensor_of("affine_").astype(np.float64)
        if affine.size != 2 * filters:
            raise ValueError(f"an affine layer of {affine.size} numbers behind {filters} filters")
        gamma, beta = affine[:filters], affine[filters:]
        weight = parameters[:-filters].astype(np.float64).reshape(filters, -1, rows, columns)
        bias = parameters[-filters:].astype(np.float64)
        return _Convolution(
            weight=(weight * gamma[:, None, None, None]).astype(np.float32),
            bias=(bias * gamma + beta).astype(np.float32),
            stride=stride,
        )

    def full_connection(self) -> Floats:
        """The next full connection, shape (in, out)."""
        self._find("fc_2")
        outputs = self._integer()
        inputs = self._integer()
        return self._tensor().reshape(inputs, outputs)

    def _tensor_of(self, layer: str) -> Floats:
        self._find(layer)
        return self._tensor()

    def _find(self, layer: str) -> None:
        token = bytes([1, len(layer)]) + layer.encode("ascii")
        found = self._data.find(token, self._at)
        if found < 0:
            raise ValueError(f"no {layer} after byte {self._at}")
        self._at = found + len(token)

    def _tensor(self) -> Floats:
        if (version := self._integer()) != _TENSOR_VERSION:
            raise ValueError(f"a tensor of version {version} at byte {self._at}")
        count = 1
        for _ in range(4):
            count *= self._integer()
        values: NDArray[np.float32] = np.frombuffer(self._data, "<f4", count, self._at)
        self._at += values.nbytes
        return values

    def _integer(self) -> int:
        control = self._data[self._at]
        end = self._at + 1 + (control & 0x0F)
        value = int.from_bytes(self._data[self._at + 1 : end], "little")
        self._at = end
        return -value if control & 0x80 else value


def convert(published: bytes) -> bytes:
    """Convert dlib's .dat; returns a serialised ONNX model, (N, 3, 150, 150) RGB 0-255 to (N, 128).

    Raises:
        WeightCorrupt: the bytes are not that network.
    """
    reader = _Reader(published)
    writer = GraphWriter("dlib_resnet")
    try:
        _write(writer, reader)
    except (IndexError, ValueError) as error:
        raise WeightCorrupt(f"not dlib's face recognition network: {error}") from error
    return writer.serialise(
        source=INPUT, source_shape=INPUT_SHAPE, result=OUTPUT, result_size=DESCRIPTOR_SIZE
    )


def _write(writer: GraphWriter, reader: _Reader) -> None:
    mean = writer.constant("mean", np.array(_PIXEL_MEAN, np.float32).reshape(1, 3, 1, 1))
    scale = writer.constant("scale", np.array([1 / _PIXEL_SCALE], np.float32))
    pixels = writer.node("Mul", "pixels", writer.node("Sub", "centred", INPUT, mean), scale)
    current = writer.node("Relu", "stem", _convolve(writer, "stem_linear", pixels, reader.convolution()))
    current = writer.node(
        "MaxPool", "stem_pool", current, kernel_shape=[_FIRST_POOL] * 2, strides=[2, 2], pads=[0] * 4
    )
    channels, size_px = _STEM_FILTERS, _STEM_SIZE_PX
    for number, (filters, down) in enumerate(_BLOCKS, start=1):
        name = f"block_{number}"
        residual = _residual(writer, reader, name, current)
        short = current
        if down:
            short = writer.node(
                "AveragePool",
                f"{name}_short",
                short,
                kernel_shape=[_DOWN_POOL] * 2,
                strides=[2, 2],
                pads=[0] * 4,
            )
            # The strided convolution can come out smaller than the pooled short cut, the short cut has fewer
            # channels; dlib adds them as if zeros filled up the far end of either.
            convolved_px, pooled_px = (size_px - _KERNEL_PX) // 2 + 1, size_px // _DOWN_POOL
            if convolved_px < pooled_px:
                residual = writer.pad(f"{name}_residual", residual, pixels=pooled_px - convolved_px)
            if channels < filters:
                short = writer.pad(f"{name}_widened", short, channels=filters - channels)
            channels, size_px = filters, pooled_px
        current = writer.node("Relu", name, writer.node("Add", f"{name}_sum", residual, short))
    pooled = writer.node("Flatten", "pooled", writer.node("GlobalAveragePool", "average", current), axis=1)
    writer.node("MatMul", OUTPUT, pooled, writer.constant("full_weight", reader.full_connection()))


def _residual(writer: GraphWriter, reader: _Reader, name: str, source: str) -> str:
    first = writer.node("Relu", f"{name}_first", _convolve(writer, f"{name}_a", source, reader.convolution()))
    return _convolve(writer, f"{name}_b", first, reader.convolution())


def _convolve(writer: GraphWriter, name: str, source: str, layer: _Convolution) -> str:
    # dlib pads a convolution of stride 1 to keep the size, and one with a larger stride not at all.
    padding = layer.weight.shape[2] // 2 if layer.stride == 1 else 0
    return writer.conv(name, source, layer.weight, layer.bias, stride=layer.stride, padding=padding)
