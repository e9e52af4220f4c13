"""What a site may ask of people beyond the roster: settings of the rules in `gate/policy_screening.py`,
and of thermometers. `config.yaml` comments the same keys.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from sync.phone_addresses import web_address
from sync.records import Identifier
from sync.store_settings import Section

Action = Literal["allow", "hold", "deny"]
Hours = Annotated[float, Field(gt=0, le=168)]


class PassColourSettings(Section):
    """Red is refused.

    `yellow`: held for the guard, held until the guard sees a worn mask (no camera decides that, see
    docs/decisions/pass-colours.md), let in on some lanes only, let in and noted, or refused (where another
    gate of the site has the lanes for it).

    `green`: what becomes of somebody without a green that holds; `not_needed`: only red and yellow count.
    """

    yellow: Literal["hold", "mask", "lanes", "allow", "deny"] = "hold"
    yellow_lanes: tuple[Identifier, ...] = ()
    green: Literal["not_needed", "allow", "hold", "deny"] = "not_needed"

    @model_validator(mode="after")
    def _lanes_are_named_where_they_matter(self) -> PassColourSettings:
        if self.yellow == "lanes" and not self.yellow_lanes:
            raise ValueError("yellow is lanes, but yellow_lanes names none: a yellow pass would never get in")
        if self.yellow_lanes and self.yellow != "lanes":
            raise ValueError(f"yellow_lanes names lanes, but yellow is {self.yellow}; write yellow: lanes")
        return self


class RequiredClearance(Section):
    """One clearance that people need, what it is called, and where it is to be had.

    Without `teams` and `trades` everybody needs it; otherwise who is in one of them.
    `online`: address where it can be had on a phone, shown as a QR code.
    """

    kind: Identifier
    name: Annotated[str, Field(max_length=12)] = ""
    name_en: Annotated[str, Field(max_length=30)] = ""
    where: Annotated[str, Field(max_length=12)] = ""
    where_en: Annotated[str, Field(max_length=40)] = ""
    online: Annotated[str, Field(max_length=150)] = ""
    missing: Action = "deny"
    warn_days: Annotated[float, Field(ge=0, le=365)] = 14.0
    teams: tuple[str, ...] = ()
    trades: tuple[str, ...] = ()

    @field_validator("online")
    @classmethod
    def _opens_on_a_phone(cls, address: str) -> str:
        return web_address(address)


class DeclarationSettings(Section):
    """The daily declaration, a clearance of `kind`. A normal temperature may stand for it."""

    kind: Identifier = "declaration"
    missing: Action = "deny"
    temperature_counts: bool = False


class TemperatureSettings(Section):
    """Body temperature at the lane."""

    limit_c: Annotated[float, Field(ge=35.0, le=42.0)] = 37.3
    missing: Action = "hold"
    rest_min: Annotated[float, Field(ge=0, le=240)] = 10.0


DailyPart = Literal["declaration", "temperature"]


class DailyClearanceSettings(Section):
    """One clearance for the calendar day of the site, of `parts`; each part keeps the section of its name.

    `reading`: a normal temperature at one entry counts until midnight, or every entry needs its own.
    """

    parts: tuple[DailyPart, ...] = ("declaration", "temperature")
    reading: Literal["day", "entry"] = "day"

    @model_validator(mode="after")
    def _has_parts(self) -> DailyClearanceSettings:
        if not self.parts or len(set(self.parts)) != len(self.parts):
            raise ValueError("parts names one or both of declaration and temperature, each once")
        if self.reading == "entry" and "temperature" not in self.parts:
            raise ValueError("reading is entry, but parts does not name temperature: nothing is read")
        return self


class CapacitySettings(Section):
    """How many people the site takes, counted by what this gate recorded; empty: no limit."""

    people: int | None = Field(default=None, ge=1, le=100_000)
    full: Literal["hold", "deny"] = "deny"
    longest_stay_h: Hours = 16.0


class AntiPassbackSettings(Section):
    """Nobody comes in twice without having left in between."""

    again: Action = "hold"
    within_h: Hours = 16.0
    grace_s: Annotated[float, Field(ge=0, le=3600)] = 60.0


class AgeSettings(Section):
    """By the date of birth, where this box has it (a kiosk on the same store)."""

    min_years: int = Field(default=18, ge=0, le=120)
    max_years: int = Field(default=60, ge=0, le=120)
    outside: Literal["hold", "deny"] = "deny"
    missing: Action = "allow"

    @model_validator(mode="after")
    def _somebody_fits(self) -> AgeSettings:
        if self.min_years > self.max_years:
            raise ValueError(
                f"min_years {self.min_years} is above max_years {self.max_years}: nobody would get in"
            )
        return self


class RestSettings(Section):
    """Whoever has worked for `longest_shift_h` rests for `min_rest_h` before the next shift."""

    longest_shift_h: Hours = 12.0
    min_rest_h: Hours = 8.0
    too_short: Action = "hold"


class ThermometerSettings(Section):
    """An infrared module at a lane. `serial`: device; `modbus`: host and port, or device; unit, address.

    `heat_loss` turns a skin temperature into a body temperature: body = skin + heat_loss · (skin - ambient);
    0 for modules that do so themselves. Source of the form: the heat balance of arterial thermometry
    (F. Pompei, 1999); the factor is fitted at the place, see docs/wiring.md.
    """

    driver: Literal["none", "simulated", "serial", "modbus"] = "none"
    device: str = ""
    baud: int = Field(default=9600, ge=300, le=921_600)
    host: str = ""
    port: int = Field(default=502, ge=1, le=65_535)
    unit: int = Field(default=1, ge=0, le=247)
    address: int = Field(default=0, ge=0, le=65_535)
    ambient_address: int | None = Field(default=None, ge=0, le=65_535)
    registers: Literal["input", "holding"] = "input"
    scale: Annotated[float, Field(gt=0, le=1)] = 0.1
    poll_s: Annotated[float, Field(ge=0.05, le=5)] = 0.2
    timeout_s: Annotated[float, Field(ge=0.05, le=10)] = 0.5
    offset_c: Annotated[float, Field(ge=-5, le=5)] = 0.0
    heat_loss: Annotated[float, Field(ge=0, le=1)] = 0.0
    lowest_c: Annotated[float, Field(ge=20, le=36)] = 34.0
    highest_c: Annotated[float, Field(ge=40, le=50)] = 43.0
    join_s: Annotated[float, Field(ge=0, le=5)] = 1.0
    silent_s: Annotated[float, Field(ge=1, le=600)] = 10.0

    @model_validator(mode="after")
    def _has_what_its_driver_needs(self) -> ThermometerSettings:
        if self.driver == "serial" and not self.device:
            raise ValueError("driver serial needs `device`, e.g. /dev/ttyUSB0")
        if self.driver == "modbus" and not (self.host or self.device):
            raise ValueError("driver modbus needs `host` (TCP) or `device` (RTU)")
        if self.driver == "modbus" and self.heat_loss and self.ambient_address is None:
            raise ValueError("heat_loss needs the ambient temperature: set ambient_address")
        return self


def required_once(value: tuple[RequiredClearance, ...]) -> tuple[RequiredClearance, ...]:
    """Raises ValueError where two entries for the same people disagree about one kind."""
    for number, one in enumerate(value):
        for other in value[:number]:
            same_people = _overlap(one.teams, other.teams) and _overlap(one.trades, other.trades)
            if one.kind == other.kind and one.missing != other.missing and same_people:
                raise ValueError(
                    f"{one.kind} is asked for twice, missing: {other.missing} and missing: {one.missing}; "
                    "keep one, or give each its own teams or trades"
                )
    return value


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return not one or not other or bool(set(one) & set(other))


class ScreeningRules(Section):
    """The part of the section `policy` that these rules read."""

    pass_colour: PassColourSettings = PassColourSettings()
    clearances: tuple[RequiredClearance, ...] = ()
    declaration: DeclarationSettings = DeclarationSettings()
    temperature: TemperatureSettings = TemperatureSettings()
    daily_clearance: DailyClearanceSettings = DailyClearanceSettings()
    capacity: CapacitySettings = CapacitySettings()
    anti_passback: AntiPassbackSettings = AntiPassbackSettings()
    age: AgeSettings = AgeSettings()
    rest_time: RestSettings = RestSettings()

    @field_validator("clearances")
    @classmethod
    def _each_is_asked_for_once(cls, value: tuple[RequiredClearance, ...]) -> tuple[RequiredClearance, ...]:
        return required_once(value)
