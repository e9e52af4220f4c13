"""Where frames come from, as `config.yaml` says it: `source` of a lane and of the kiosk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class SourceSettings(BaseModel):
    """Where frames come from. `camera`: index; `rtsp`: url; `video`: path; `folder`: path."""

    # as strict as the other sections of config.yaml: unknown keys are refused, no value in an error
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Literal["camera", "rtsp", "video", "folder"] = "camera"
    index: int = Field(default=0, ge=0)
    url: str = ""
    url_env: str = Field(default="", description="environment variable that holds the URL with its password")
    path: Path | None = None
    pace: Literal["realtime", "fast"] = "realtime"
    loop: bool = False
    width_px: int = Field(default=1280, ge=160, le=7680)
    height_px: int = Field(default=720, ge=120, le=4320)
    fps: float = Field(default=25, gt=0, le=120)
    mirror_screen: bool = True
    stall_s: Seconds = 3.0
    reconnect_min_s: Seconds = 0.5
    reconnect_max_s: Seconds = 30.0

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> SourceSettings:
        if self.kind == "rtsp" and not (self.url or self.url_env):
            raise ValueError("kind rtsp needs `url` (without password) or `url_env`")
        if self.kind == "rtsp" and "@" in self.url:
            raise ValueError(
                "a URL with a password is a secret: put it into an environment variable "
                "and name that in `url_env`"
            )
        if self.kind in ("video", "folder") and self.path is None:
            raise ValueError(f"kind {self.kind} needs `path`")
        return self
