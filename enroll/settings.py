"""The section `kiosk` of `config.yaml`: where the kiosk is served and how people are registered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from models.sources.settings import SourceSettings
from sync.addresses import is_loopback
from sync.store_settings import Section


class IdReaderSettings(Section):
    """`serial`: a reader at `device` that speaks the line protocol of docs/kiosk.md."""

    driver: Literal["none", "simulated", "serial"] = "none"
    device: str = ""
    baud: int = Field(default=115_200, ge=300, le=921_600)
    timeout_s: Annotated[float, Field(ge=0.1, le=60)] = 3.0

    @model_validator(mode="after")
    def _has_what_its_driver_needs(self) -> IdReaderSettings:
        if self.driver == "serial" and not self.device:
            raise ValueError("driver serial needs `device`, e.g. /dev/ttyUSB0")
        return self


class KioskSettings(Section):
    """Beyond this machine passwords and personal data cross the wire: only with TLS, or said aloud."""

    host: str = "127.0.0.1"
    port: int = Field(default=8085, ge=0, le=65_535, description="0 takes a free one")
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    allow_plain: bool = False
    number_prefix: str = Field(
        default="",
        max_length=48,
        pattern=r"^[^\s/+#]*$",
        description="of proposed numbers; empty: site and gate",
    )
    idle_min: Annotated[float, Field(ge=1, le=480)] = 10.0
    languages: tuple[Literal["zh", "en"], ...] = ("zh", "en")
    consent_texts: Path | None = Field(default=None, description="folder; empty: the texts that are shipped")
    data_handler: str = Field(default="", description="who answers for the data, named in the consent text")
    data_contact: str = Field(default="", description="where people turn to withdraw or complain")
    keep_photos: Literal["never", "with_consent"] = "with_consent"
    photo_days: int = Field(default=30, ge=1, le=3650)
    faces_kept_days: int = Field(
        default=30, ge=0, le=3650, description="faces of people on no site, where no centre counts the days"
    )
    source: SourceSettings = Field(default=SourceSettings(), description="the kiosk's camera")
    helmet_shot: bool = Field(default=False, description="one more picture with the helmet on")
    liveness_missing: Literal["note", "refuse"] = Field(
        default="note", description="what a capture does where the weights for liveness are missing"
    )
    id_reader: IdReaderSettings = IdReaderSettings()
    courses: Path | None = Field(default=None, description="folder; empty: the sample course that is shipped")
    duplicate_threshold: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="cosine; empty: follows the size of the roster"
    )
    sync: bool = False

    @property
    def is_encrypted(self) -> bool:
        return self.tls_certificate is not None

    @model_validator(mode="after")
    def _is_safe(self) -> KioskSettings:
        if (self.tls_certificate is None) is not (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        if not (is_loopback(self.host) or self.is_encrypted or self.allow_plain):
            raise ValueError(
                f"host {self.host} lets other machines connect without encryption: set tls_certificate and "
                "tls_key, or allow_plain: true to accept it, or keep 127.0.0.1"
            )
        return self
