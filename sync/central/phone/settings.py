"""How the phone pages are served."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sync.phone_addresses import PHONE_PATH, web_address

__all__ = ["PHONE_PATH", "PhoneSettings"]


class PhoneSettings(BaseModel):
    """A site's phones often share one address behind its router, so the limits per address are wide.

    public_url                address that posters carry, e.g. https://gates.example.org; empty: as asked
    requests_per_s            per address, on average
    requests_burst            per address, at once
    failures_per_identity     wrong sign-ins in a row before a number or phone is locked
    failures_per_address      the same for an address
    locked_minutes            how long a lock lasts, and how long failures are remembered
    session_minutes           how long a worker or visitor stays signed in
    form_max_bytes            a form without files
    upload_max_bytes          a form with files
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_url: str = ""
    requests_per_s: float = Field(default=100.0, gt=0)
    requests_burst: int = Field(default=400, ge=1)
    failures_per_identity: int = Field(default=5, ge=1)
    failures_per_address: int = Field(default=60, ge=1)
    locked_minutes: int = Field(default=15, ge=1)
    session_minutes: int = Field(default=120, ge=1)
    form_max_bytes: int = Field(default=256 * 1024, ge=1024)
    upload_max_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return web_address(url)
