"""Running an ONNX network: ONNX Runtime, or OpenVINO where it is installed and wanted."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.errors import ModelError, WeightCorrupt

Runtime = Literal["auto", "onnxruntime", "openvino"]
"""`auto` is ONNX Runtime unless the environment variable SITEGATE_RUNTIME names another."""

RUNTIME_VARIABLE = "SITEGATE_RUNTIME"

DEFAULT_THREADS = 2
"""More threads per network hardly help these small networks and would starve the other lanes."""

_VERIFY = "Run `sitegate models verify`, then `sitegate models fetch`."


class Network(Protocol):
    """A network with one input and one output; thread-safe."""

    def __call__(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]: ...


class RuntimeMissing(ModelError, ImportError):
    """A runtime that was asked for by name and is not installed."""


def default_threads() -> int:
    """Two, or one on a single core."""
    return min(DEFAULT_THREADS, os.cpu_count() or 1)


def resolve(runtime: Runtime) -> Literal["onnxruntime", "openvino"]:
    """The runtime that `runtime` stands for. Raises RuntimeMissing when it is unknown or not installed."""
    name = os.environ.get(RUNTIME_VARIABLE, "onnxruntime") if runtime == "auto" else runtime
    if name == "onnxruntime":
        return "onnxruntime"
    if name != "openvino":
        raise RuntimeMissing(
            f"there is no runtime {name!r}", next_step=f"Set {RUNTIME_VARIABLE} to onnxruntime or openvino."
        )
    if importlib.util.find_spec("openvino") is None:
        raise RuntimeMissing(
            "the runtime openvino is not installed", next_step="Run `pip install 'sitegate[openvino]'`."
        )
    return "openvino"


def load_network(path: Path, *, threads: int, runtime: Runtime = "onnxruntime") -> Network:
    """Open a network. Raises WeightCorrupt when the file is none, RuntimeMissing."""
    if resolve(runtime) == "openvino":
        return _OpenVino(path, threads)
    return _OnnxRuntime(path, threads)


def open_session(path: Path, *, threads: int, model: bytes | None = None) -> onnxruntime.InferenceSession:
    """A session of ONNX Runtime on the file, or on `model`, which was made from it. Raises WeightCorrupt."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads would take the cores from the camera and from the other lanes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    try:
        return onnxruntime.InferenceSession(model or str(path), options, providers=["CPUExecutionProvider"])
    except Exception as exc:
        raise WeightCorrupt(f"{path} cannot be opened as a network ({exc})", next_step=_VERIFY) from exc


class _OnnxRuntime:
    def __init__(self, path: Path, threads: int) -> None:
        self._session = open_session(path, threads=threads)
        self._input = self._session.get_inputs()[0].name

    def __call__(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = self._session.run(None, {self._input: tensor})[0]
        return output


class _OpenVino:
    def __init__(self, path: Path, threads: int) -> None:
        import openvino  # noqa: PLC0415 - an optional extra

        core = openvino.Core()
        try:
            model = core.read_model(str(path))
            # bfloat16 where the processor has it: half the time, cosine with float32 above 0.999.
            self._compiled = core.compile_model(
                model, "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
            )
        except RuntimeError as exc:
            raise WeightCorrupt(f"{path} cannot be opened as a network ({exc})", next_step=_VERIFY) from exc

    def __call__(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        # A request of its own per call: requests are not thread-safe, the compiled network is.
        request = self._compiled.create_infer_request()
        result = request.infer([tensor])
        return np.array(next(iter(result.values())), np.float32)
