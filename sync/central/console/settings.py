"""Where and how the console and the API are served."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sync.addresses import is_loopback
from sync.central.inspection_rules import InspectionSettings
from sync.central.lodging_rules import LodgingSettings
from sync.central.phone.settings import PhoneSettings
from sync.clearance_rules import ClearanceRules, shipped_rules


class ConsoleSettings(BaseModel):
    """Passwords cross the wire: beyond this machine only with TLS, or where `allow_plain` says so aloud.

    port             0 takes any free one
    tls_certificate  PEM, with `tls_key`; without them a proxy before the console may end TLS
    behind_tls       a proxy ends TLS: cookies are marked secure
    trusted_proxies  addresses whose X-Forwarded-For is believed, for the audit log
    timezone         in which times are typed when no site is chosen
    phone            of the pages for phones under /m
    lodging          days between checks, photos of door-to-door checks, what counts as fever
    inspections      photos of findings
    clearance_rules  who needs which clearance
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(8090, ge=0, le=65535)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    behind_tls: bool = False
    allow_plain: bool = False
    trusted_proxies: tuple[str, ...] = ()
    timezone: str = "Asia/Shanghai"
    phone: PhoneSettings = Field(default_factory=PhoneSettings)
    lodging: LodgingSettings = Field(default_factory=LodgingSettings)
    inspections: InspectionSettings = Field(default_factory=InspectionSettings)
    clearance_rules: ClearanceRules = Field(default_factory=shipped_rules)

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (LookupError, OSError, ValueError) as error:
            raise ValueError(f"{name!r} is no IANA time zone such as Asia/Shanghai") from error
        return name

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if (self.tls_certificate is None) is not (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        if not (self.is_local or self.is_encrypted or self.allow_plain):
            raise ValueError(
                f"host {self.host} is reachable by others without encryption: set tls_certificate and "
                "tls_key, or behind_tls where a proxy ends TLS, or allow_plain to accept it"
            )
        return self

    @property
    def is_encrypted(self) -> bool:
        return self.behind_tls or self.tls_certificate is not None

    @property
    def is_local(self) -> bool:
        """Only this machine can connect."""
        return is_loopback(self.host)
