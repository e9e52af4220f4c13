"""Writing ONNX graphs so that the same network gives the same bytes everywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

Floats = NDArray[np.float32]

# Fixed, so that the bytes do not depend on the version of onnx that writes them.
_OPSET = 17
_IR_VERSION = 8
_PRODUCER = "sitegate"


@dataclass(slots=True)
class GraphWriter:
    """Collects nodes and constants in order and serialises them as one model."""

    name: str
    _nodes: list[onnx.NodeProto] = field(default_factory=list)
    _constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, value: Floats) -> str:
        """Add a float32 constant; returns its name."""
        raw = np.ascontiguousarray(value, dtype="<f4").tobytes()
        self._constants.append(helper.make_tensor(name, TensorProto.FLOAT, value.shape, raw, raw=True))
        return name

    def pad(self, output: str, source: str, *, channels: int = 0, pixels: int = 0) -> str:
        """Add zeros at the far end of channels, rows and columns; returns the output's name."""
        pads = np.array([0, 0, 0, 0, 0, channels, pixels, pixels], dtype="<i8")
        name = f"{output}_pads"
        self._constants.append(
            helper.make_tensor(name, TensorProto.INT64, pads.shape, pads.tobytes(), raw=True)
        )
        return self.node("Pad", output, source, name)

    def node(self, operator: str, output: str, *inputs: str, **attributes: Any) -> str:
        """Add one node with one output; returns the output's name."""
        self._nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def conv(
        self,
        output: str,
        source: str,
        weight: Floats,
        bias: Floats,
        *,
        stride: int = 1,
        padding: int = 0,
        group: int = 1,
    ) -> str:
        """Add a square convolution: weight (out, in / group, k, k), bias (out,); returns its name."""
        kernel = list(weight.shape[2:])
        return self.node(
            "Conv",
            output,
            source,
            self.constant(f"{output}_weight", weight),
            self.constant(f"{output}_bias", bias),
            dilations=[1, 1],
            group=group,
            kernel_shape=kernel,
            pads=[padding] * 4,
            strides=[stride, stride],
        )

    def serialise(
        self, *, source: str, source_shape: tuple[int, ...], result: str, result_size: int
    ) -> bytes:
        """The model's bytes: float32 `source` (N, *source_shape) to float32 `result` (N, result_size)."""
        graph = helper.make_graph(
            self._nodes,
            self.name,
            [helper.make_tensor_value_info(source, TensorProto.FLOAT, ["N", *source_shape])],
            [helper.make_tensor_value_info(result, TensorProto.FLOAT, ["N", result_size])],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
        model.ir_version = _IR_VERSION
        model.producer_name = _PRODUCER
        model.producer_version = ""
        onnx.checker.check_model(model)
        serialised: bytes = model.SerializeToString(deterministic=True)
        return serialised
