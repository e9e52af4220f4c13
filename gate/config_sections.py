"""Sections of `config.yaml` that belong to other rooms, found by their entry points.

The gate takes them as they are and runs without them; `sitegate config check` looks at them as closely as at
its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel, create_model

from gate.errors import ConfigError
from gate.settings import Settings

ENTRY_POINTS = "sitegate.config_sections"
"""Group of entry points: name of the section = its pydantic model."""


@cache
def whole_file() -> type[Settings]:
    """The settings with every section of the other rooms that can be loaded."""
    fields: dict[str, Any] = {
        name: (model, model()) for name, model in _sections().items() if not isinstance(model, Exception)
    }
    return create_model("WholeFile", __base__=Settings, **fields)


def refuse_broken_sections() -> None:
    """Raises ConfigError where a room's description of its section cannot be loaded."""
    for name, model in _sections().items():
        if isinstance(model, Exception):
            raise ConfigError(
                f"the section {name} cannot be checked: {type(model).__name__}: {model}",
                next_step="Reinstall Sitegate (pip install --force-reinstall sitegate).",
            ) from model


@cache
def _sections() -> Mapping[str, type[BaseModel] | Exception]:
    return {point.name: _loaded(point) for point in entry_points(group=ENTRY_POINTS)}


def _loaded(point: EntryPoint) -> type[BaseModel] | Exception:
    try:
        model: type[BaseModel] = point.load()
    except Exception as error:  # noqa: BLE001
        # Whatever is wrong in another room, the gate runs; the check of the file says it.
        return error
    return model
