"""What every bench writes: the machine it ran on, percentiles, JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

DEFAULT_OUT = Path("out/bench")


def machine() -> dict[str, str | int]:
    """Processor, cores and versions: a figure without its machine is no figure."""
    processor = platform.processor() or "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line
        ]
        processor = models[0] if models else processor
    return {
        "processor": processor,
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile; NaN for no values."""
    if not values:
        return {"p50": float("nan"), "p95": float("nan"), "p99": float("nan")}
    p50, p95, p99 = np.percentile(np.asarray(values, np.float64), [50, 95, 99])
    return {"p50": float(p50), "p95": float(p95), "p99": float(p99)}


def write_json(out: Path, name: str, figures: Mapping[str, object]) -> Path:
    """Write `<out>/<name>.json` with the machine and the time beside the figures."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.json"
    content = {
        "bench": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        **figures,
    }
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    return path
