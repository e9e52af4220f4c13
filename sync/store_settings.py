"""The sections of `config.yaml` that more than the gate reads: the site and its local store.

The gate's whole schema (`gate/settings.py`) includes them; the roster commands need nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sync.records import Identifier


class Section(BaseModel):
    """Base: unknown keys are refused, values are not coerced from other types."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, strict=False)


class SiteSettings(Section):
    id: Identifier = "demo-site"
    name: str = "示例工地"
    name_en: str = "Demo site"
    timezone: str = "Asia/Shanghai"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except Exception as error:
            raise ValueError(f"{value!r} is no IANA time zone, e.g. Asia/Shanghai") from error
        return value


class StoreSettings(Section):
    path: Path = Path("var/sitegate.db")
    key_file: Path = Path("var/store.key")
    key_env: str = Field(
        default="SITEGATE_STORE_KEY", description="environment variable that wins over key_file"
    )
    busy_timeout_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    keep_events_days: int = Field(default=180, ge=1, le=3650)
    min_free_mb: int = Field(default=200, ge=1)
