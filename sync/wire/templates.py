"""Templates as a field of records that travel as JSON."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from sync.records import Template
from sync.wire.sealing import template_fields, template_from_fields


def _plain(templates: tuple[Template, ...]) -> list[dict[str, object]]:
    return [{**template_fields(one), "worker_id": one.worker_id} for one in templates]


def _read(value: object) -> object:
    if not isinstance(value, (list, tuple)):
        return value
    try:
        return tuple(template_from_fields(one) if isinstance(one, dict) else one for one in value)
    except KeyError as error:
        raise ValueError(f"a template lacks {error}") from error


Templates = Annotated[tuple[Template, ...], BeforeValidator(_read), PlainSerializer(_plain, when_used="json")]
"""In JSON a list of `template_fields` with the worker id."""
