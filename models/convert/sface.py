"""SFace as published, block-quantised to int8, to plain float32.

The published file dequantises its weights at every run and lists its constants as inputs too, which ONNX
Runtime and OpenCV 5 refuse. Here the weights are dequantised once, every BatchNormalization is folded into a
neighbouring layer, and PRelu, whose kernel in ONNX Runtime is slow, is written with operators it runs fast:

    prelu(u) = a*u + relu((1 - a)*u) = (1 - a) * (a/(1 - a)*u + relu(u))      wherever a < 1

For a cheap convolution u (the first one and the depthwise ones) both terms of the first sum come straight
out of a convolution each, with weights scaled by a and by 1 - a. A pointwise one is too dear to run twice:
there the second form serves, whose outer factor moves into the weights behind it. Its scaling per channel is
written as a BatchNormalization, which ONNX Runtime keeps in its blocked memory layout; a Mul would leave it.
The few channels with a slope above 1 are turned round first: prelu(a, -u) = -a * prelu(1/a, u).

All this is good in float32 but not in bfloat16, where a/(1 - a)*u loses what the outer factor should bring
back: runtimes that compute in bfloat16 take the network with its PRelu, for which they have fast kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models.convert.graph import GraphWriter
from models.errors import WeightCorrupt

INPUT = "data"
INPUT_SHAPE = (3, 112, 112)
OUTPUT = "fc1"
EMBEDDING_SIZE = 128
_STEPS = 27

_Doubles = NDArray[np.float64]
_Array = NDArray[Any]


@dataclass(slots=True)
class _Step:
    """One convolution (out, in / group, k, k) with bias, and the slopes of the PRelu behind it."""

    weight: _Doubles
    stride: int
    padding: int
    group: int
    bias: _Doubles
    slope: _Doubles

    @property
    def pointwise(self) -> bool:
        return self.weight.shape[2:] == (1, 1)

    def scale_inputs(self, factor: _Doubles) -> None:
        """Make up for inputs that were divided by `factor`."""
        shape = (-1, 1, 1, 1) if self.group > 1 else (1, -1, 1, 1)
        self.weight = self.weight * factor.reshape(shape)


@dataclass(slots=True)
class _Full:
    """The full connection at the end: weight (out, channels * pixels), bias (out,)."""

    weight: _Doubles
    bias: _Doubles

    def scale_inputs(self, factor: _Doubles) -> None:
        """Make up for channels that were divided by `factor`."""
        self.weight = self._by_channel(factor.size, factor).reshape(self.weight.shape)

    def shift_inputs(self, shift: _Doubles) -> None:
        """Make up for channels from which `shift` was taken."""
        self.bias = self.bias + self._by_channel(shift.size, shift).sum(axis=(1, 2))

    def scale_outputs(self, scale: _Doubles, shift: _Doubles) -> None:
        """Take over a normalisation of the outputs."""
        self.weight = self.weight * scale[:, None]
        self.bias = self.bias * scale + shift

    def _by_channel(self, channels: int, factor: _Doubles) -> _Doubles:
        return self.weight.reshape(len(self.weight), channels, -1) * factor[None, :, None]


@dataclass(slots=True)
class _Network:
    """What is left of the published graph: (data - mean), convolutions with PRelu, one full connection."""

    mean: float
    steps: list[_Step]
    full: _Full


_StepWriter = Callable[[GraphWriter, str, str, _Step], str]
"""Writes one step under a name behind the named output; returns the name of its own output."""


def convert(published: bytes) -> bytes:
    """Convert the published int8 model; returns a serialised ONNX model, (N, 3, 112, 112) to (N, 128).

    Raises:
        WeightCorrupt: the bytes are not that model.
    """
    network = _read(published)
    _prepare_slopes(network)
    return _write(network, lambda step: _write_pointwise if step.pointwise else _write_twice)


def convert_with_prelu(published: bytes) -> bytes:
    """As `convert`, but with PRelu as the operator it is, for runtimes that compute in bfloat16.

    Raises:
        WeightCorrupt: the bytes are not that model.
    """
    return _write(_read(published), lambda _: _write_prelu)


def _read(published: bytes) -> _Network:
    try:
        model = onnx.load_from_string(published)
        reader = _Reader(model)
        for node in model.graph.node:
            reader.take(node)
        return reader.network()
    except (DecodeError, KeyError, IndexError, ValueError) as error:
        raise WeightCorrupt(f"not the published SFace model: {error}") from error


class _Reader:
    """Takes the published graph node by node; it is a chain, so every node goes on from the last step."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._constants: dict[str, _Array] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer
        }
        self._steps: list[_Step] = []
        self._last_norm: tuple[_Doubles, _Doubles] | None = None
        self._full: _Full | None = None

    def take(self, node: onnx.NodeProto) -> None:
        """Fold one node into what was read so far."""
        attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        known = [self._constants[name] for name in node.input if name in self._constants]
        match node.op_type:
            case "DequantizeLinear":
                self._constants[node.output[0]] = _dequantised(known, attributes["block_size"])
            case "Reshape":
                self._constants[node.output[0]] = known[0].reshape([int(size) for size in known[1]])
            case "Conv":
                self._convolution(known[0].astype(np.float64), attributes)
            case "PRelu":
                self._steps[-1].slope = known[0].astype(np.float64).ravel()
            case "BatchNormalization":
                self._norm(*_scale_and_shift(known, attributes["epsilon"]))
            case "Gemm":
                self._full = self._full_connection(*(part.astype(np.float64) for part in known))
            case "Sub" | "Mul" | "Constant" | "Dropout" | "Flatten":
                pass
            case other:
                raise ValueError(f"operator {other} is not part of it")

    def network(self) -> _Network:
        """All that was read."""
        if self._full is None or len(self._steps) != _STEPS:
            raise ValueError(f"{len(self._steps)} convolutions instead of {_STEPS}")
        mean, scale = (float(self._constants[name].item()) for name in ("scalar_op1", "scalar_op2"))
        # Scaling commutes with zero padding, subtracting does not: the scale moves into the weights.
        self._steps[0].weight *= scale
        return _Network(mean, self._steps, self._full)

    def _convolution(self, weight: _Doubles, attributes: dict[str, Any]) -> None:
        self._steps.append(
            _Step(
                weight=weight,
                stride=attributes["strides"][0],
                padding=attributes["pads"][0],
                group=attributes["group"],
                bias=np.zeros(len(weight)),
                slope=np.zeros(0),
            )
        )

    def _full_connection(self, weight: _Doubles, bias: _Doubles) -> _Full:
        if self._last_norm is None:
            raise ValueError("no normalisation before the full connection")
        scale, shift = self._last_norm
        full = _Full(weight, bias)
        full.shift_inputs(shift)
        full.scale_inputs(scale)
        return full

    def _norm(self, scale: _Doubles, shift: _Doubles) -> None:
        step = self._steps[-1]
        if self._full is not None:
            self._full.scale_outputs(scale, shift)
        elif step.slope.size:
            self._last_norm = (scale, shift)
        else:
            step.weight *= scale[:, None, None, None]
            step.bias = shift


def _dequantised(parts: list[_Array], block_size: int) -> _Array:
    """DequantizeLinear in blocks along the last axis, in float32 as the operator prescribes."""
    values, scales, zeros = parts
    length = values.shape[-1]
    scale = np.repeat(scales, block_size, axis=-1)[..., :length]
    zero = np.repeat(zeros.astype(np.int32), block_size, axis=-1)[..., :length]
    weight: _Array = (values.astype(np.int32) - zero).astype(np.float32) * scale
    return weight


def _scale_and_shift(parts: list[_Array], epsilon: float) -> tuple[_Doubles, _Doubles]:
    """BatchNormalization as scale and shift per channel."""
    gamma, beta, mean, variance = (part.astype(np.float64) for part in parts)
    scale = gamma / np.sqrt(variance + epsilon)
    return scale, beta - mean * scale


def _prepare_slopes(network: _Network) -> None:
    """Bring every slope to at most 1 and move the outer factors of the pointwise ones into what follows."""
    layers: list[_Step | _Full] = [*network.steps, network.full]
    for step, follower in zip(network.steps, layers[1:], strict=True):
        steep = step.slope > 1
        sign = np.where(steep, -1.0, 1.0)
        step.weight *= sign[:, None, None, None]
        step.bias *= sign
        follower.scale_inputs(np.where(steep, -step.slope, 1.0))
        step.slope = np.where(steep, 1 / np.where(steep, step.slope, 1.0), step.slope)
        if step.pointwise:
            follower.scale_inputs(1 - step.slope)


def _write(network: _Network, writing: Callable[[_Step], _StepWriter]) -> bytes:
    writer = GraphWriter("sface")
    current = writer.node(
        "Sub", "centred", INPUT, writer.constant("mean", np.array([network.mean], np.float32))
    )
    for index, step in enumerate(network.steps, start=1):
        current = writing(step)(writer, f"step_{index}", current, step)
    writer.node("Flatten", "flat", current, axis=1)
    weight = writer.constant("full_weight", network.full.weight.astype(np.float32))
    bias = writer.constant("full_bias", network.full.bias.astype(np.float32))
    writer.node("Gemm", OUTPUT, "flat", weight, bias, transB=1)
    return writer.serialise(source=INPUT, source_shape=INPUT_SHAPE, result=OUTPUT, result_size=EMBEDDING_SIZE)


def _write_prelu(writer: GraphWriter, name: str, source: str, step: _Step) -> str:
    linear = _conv(writer, f"{name}_linear", source, step, np.ones_like(step.slope))
    slope = writer.constant(f"{name}_slope", step.slope.astype(np.float32).reshape(-1, 1, 1))
    return writer.node("PRelu", name, linear, slope)


def _write_pointwise(writer: GraphWriter, name: str, source: str, step: _Step) -> str:
    linear = _conv(writer, f"{name}_linear", source, step, np.ones_like(step.slope))
    zeros, ones = np.zeros(step.slope.shape, np.float32), np.ones(step.slope.shape, np.float32)
    scaled = writer.node(
        "BatchNormalization",
        f"{name}_scaled",
        linear,
        writer.constant(f"{name}_slope", (step.slope / (1 - step.slope)).astype(np.float32)),
        writer.constant(f"{name}_shift", zeros),
        writer.constant(f"{name}_mean", zeros),
        writer.constant(f"{name}_variance", ones),
        epsilon=0.0,
    )
    return writer.node("Add", name, scaled, writer.node("Relu", f"{name}_raised", linear))


def _write_twice(writer: GraphWriter, name: str, source: str, step: _Step) -> str:
    raised = writer.node(
        "Relu", f"{name}_raised", _conv(writer, f"{name}_rest", source, step, 1 - step.slope)
    )
    return writer.node("Add", name, _conv(writer, f"{name}_linear", source, step, step.slope), raised)


def _conv(writer: GraphWriter, name: str, source: str, step: _Step, factor: _Doubles) -> str:
    """The step's convolution with its outputs scaled by `factor`."""
    return writer.conv(
        name,
        source,
        (step.weight * factor[:, None, None, None]).astype(np.float32),
        (step.bias * factor).astype(np.float32),
        stride=step.stride,
        padding=step.padding,
        group=step.group,
    )
