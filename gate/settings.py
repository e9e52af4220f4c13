"""Every setting, its type, unit, range and default. `config.yaml` comments the same keys.

Units stand in the names: `_s` seconds, `_ms` milliseconds, `_px` pixels, `_deg` degrees.
Reading and checking the file is `gate/config_file.py`.
"""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue, field_validator, model_validator

from gate.screening_settings import DailyPart, ScreeningRules, ThermometerSettings
from models.sources.settings import SourceSettings
from sync.addresses import is_loopback
from sync.edge.settings import CentreSettings
from sync.records import Direction, Identifier
from sync.store_settings import Section, SiteSettings, StoreSettings

Fraction = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class GateSettings(Section):
    id: Identifier = "gate-1"
    name: str = "一号门"
    name_en: str = "Gate 1"


class RelaySettings(Section):
    """Which board moves the door.

    `gpio`: pin; `modbus`: host and port, or device; unit, coil; `serial`: device, channel.
    """

    driver: Literal["simulated", "gpio", "modbus", "serial"] = "simulated"
    pulse_s: Annotated[float, Field(ge=0.1, le=60)] = 3.0
    active: Literal["high", "low"] = "high"
    pin: int | None = Field(default=None, ge=0, le=63)
    host: str = ""
    port: int = Field(default=502, ge=1, le=65_535)
    device: str = ""
    baud: int = Field(default=9600, ge=300, le=921_600)
    unit: int = Field(default=1, ge=0, le=247)
    coil: int = Field(default=0, ge=0, le=65_535)
    protocol: Literal["lcus", "ascii"] = "lcus"
    channel: int = Field(default=1, ge=1, le=16)
    timeout_s: Annotated[float, Field(ge=0.05, le=10)] = 0.5

    @property
    def place(self) -> tuple[str | int | None, ...] | None:
        """Which output of which board; None where no board is behind it."""
        if self.driver == "gpio":
            return ("gpio", self.pin)
        if self.driver == "modbus":
            return ("modbus", self.host or self.device, self.port if self.host else 0, self.unit, self.coil)
        return ("serial", self.device, self.channel) if self.driver == "serial" else None

    @model_validator(mode="after")
    def _has_what_its_driver_needs(self) -> RelaySettings:
        if self.driver == "gpio" and self.pin is None:
            raise ValueError("driver gpio needs `pin` (BCM number)")
        if self.driver == "modbus" and not (self.host or self.device):
            raise ValueError("driver modbus needs `host` (TCP) or `device` (RTU)")
        if self.driver == "serial" and not self.device:
            raise ValueError("driver serial needs `device`, e.g. /dev/ttyUSB0")
        return self


class InputSettings(Section):
    """One digital input. `none` means that nothing is wired."""

    driver: Literal["none", "simulated", "gpio", "modbus"] = "none"
    active: Literal["high", "low"] = "low"
    pin: int | None = Field(default=None, ge=0, le=63)
    host: str = ""
    port: int = Field(default=502, ge=1, le=65_535)
    device: str = ""
    baud: int = Field(default=9600, ge=300, le=921_600)
    unit: int = Field(default=1, ge=0, le=247)
    address: int = Field(default=0, ge=0, le=65_535, description="discrete input number")
    poll_s: Annotated[float, Field(ge=0.01, le=5)] = 0.05
    timeout_s: Annotated[float, Field(ge=0.05, le=10)] = 0.5

    @model_validator(mode="after")
    def _has_what_its_driver_needs(self) -> InputSettings:
        if self.driver == "gpio" and self.pin is None:
            raise ValueError("driver gpio needs `pin` (BCM number)")
        if self.driver == "modbus" and not (self.host or self.device):
            raise ValueError("driver modbus needs `host` (TCP) or `device` (RTU)")
        return self


class InputsSettings(Section):
    door_contact: InputSettings = InputSettings()
    exit_button: InputSettings = InputSettings()
    fire_alarm: InputSettings = InputSettings()
    passage_timeout_s: Seconds = 8.0
    held_open_s: Seconds = 15.0


class BadgeReaderSettings(Section):
    """A card reader that says the number of a badge as a line of text. `none` means that nothing is wired."""

    driver: Literal["none", "simulated", "serial"] = "none"
    device: str = ""
    baud: int = Field(default=9600, ge=300, le=921_600)

    @model_validator(mode="after")
    def _has_what_its_driver_needs(self) -> BadgeReaderSettings:
        if self.driver == "serial" and not self.device:
            raise ValueError("driver serial needs `device`, e.g. /dev/ttyUSB0")
        return self


class PassReaderSettings(Section):
    """The ways in without a face."""

    qr: bool = Field(default=True, description="QR passes are read from the pictures of the lane's camera")
    badge: BadgeReaderSettings = BadgeReaderSettings()


class LaneSettings(Section):
    """One camera, one door, one direction."""

    id: Identifier = "lane-1"
    name: str = "一号通道"
    name_en: str = "Lane 1"
    direction: Direction = Direction.IN
    source: SourceSettings = SourceSettings()
    zone: tuple[Fraction, Fraction, Fraction, Fraction] = Field(
        default=(0.0, 0.0, 1.0, 1.0), description="left, top, right, bottom as fractions of the frame"
    )
    min_eye_distance_px: Annotated[float, Field(ge=8, le=1000)] = 20.0
    relay: RelaySettings = RelaySettings()
    inputs: InputsSettings = InputsSettings()
    pass_reader: PassReaderSettings = PassReaderSettings()
    thermometer: ThermometerSettings = ThermometerSettings()

    @field_validator("zone")
    @classmethod
    def _zone_has_an_area(cls, value: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        left, top, right, bottom = value
        if not (left < right and top < bottom):
            raise ValueError("zone is left, top, right, bottom with left < right and top < bottom")
        return value


class RecognitionSettings(Section):
    embedder: Literal["sface", "dlib"] = "sface"
    threads: int | None = Field(default=None, ge=1, le=64)
    weights_dir: Path | None = None
    target_fpir: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="fixed cosine threshold; leave empty to follow roster size and target_fpir"
    )
    own_roster_from: int = Field(
        default=300, ge=50, description="workers from which the site's own roster is the impostor cohort"
    )
    min_margin: Annotated[float, Field(ge=0, le=0.5)] = 0.04
    votes_needed: int = Field(default=3, ge=1, le=30)
    votes_window: int = Field(default=5, ge=1, le=60)
    deadline_s: Annotated[float, Field(ge=0.3, le=2.0)] = 1.5
    no_good_frame_s: Seconds = 6.0
    repeat_interval_s: Seconds = 5.0

    @model_validator(mode="after")
    def _votes_fit(self) -> RecognitionSettings:
        if self.votes_needed > self.votes_window:
            raise ValueError("votes_needed may not be larger than votes_window")
        return self


class QualitySettings(Section):
    max_yaw_deg: Annotated[float, Field(gt=0, le=90)] = 45.0
    max_pitch_deg: Annotated[float, Field(gt=0, le=90)] = 35.0
    max_roll_deg: Annotated[float, Field(gt=0, le=90)] = 35.0
    min_sharpness: Fraction = 0.25
    min_exposure: Fraction = 0.15
    max_exposure: Fraction = 0.90
    max_occlusion: Fraction = 0.80


class LivenessSettings(Section):
    """`off`: never looked at; `observe`: noted on the event; `required`: decides."""

    mode: Literal["off", "observe", "required"] = "observe"
    min_score: Fraction = 0.60
    when_missing: Literal["allow", "hold", "deny"] = "hold"


class ScheduleWindow(Section):
    """Local site time; `until` before `from` runs past midnight."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = (
        "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    )  # fmt: skip
    start: time = Field(default=time(0, 0), alias="from")
    until: time = time(0, 0)
    teams: tuple[str, ...] = ()
    direction: Direction | None = Direction.IN


RuleName = Literal[
    "registered",
    "site",
    "status",
    "grant",
    "flags",
    "flag_notices",
    "training",
    "schedule",
    "liveness",
    "clock",
    "roster_age",
    "tailgating",
    "pass_colour",
    "clearances",
    "declaration",
    "temperature",
    "daily_clearance",
    "capacity",
    "anti_passback",
    "age",
    "rest_time",
]


_RULES_WITH_A_SECTION: tuple[RuleName, ...] = (
    "pass_colour", "declaration", "temperature", "daily_clearance", "capacity", "anti_passback", "age",
    "rest_time",
)  # fmt: skip


class PolicySettings(ScreeningRules):
    """`rules` decide on lanes that lead in, `out_rules` on lanes that lead out (`gate/policy.py`)."""

    rules: tuple[RuleName, ...] = (
        "registered", "site", "status", "grant", "flags", "pass_colour", "training", "schedule", "liveness",
        "clock", "roster_age", "tailgating",
    )  # fmt: skip
    out_rules: tuple[RuleName, ...] = ("registered", "flag_notices", "tailgating")
    training_kind: Identifier = "training"
    training_missing: Literal["allow", "hold", "deny"] = "deny"
    training_online: bool = Field(
        default=False, description="the screen leads to the training on phones; needs centre.web_url"
    )
    without_face: Literal["allow", "hold", "deny"] = "allow"
    schedule: tuple[ScheduleWindow, ...] = ()
    clock_untrusted: Literal["allow", "hold", "deny"] = "allow"
    max_roster_age_h: Annotated[float, Field(gt=0, le=8760)] = 72.0
    roster_too_old: Literal["allow", "hold", "deny"] = "allow"
    on_store_fault: Literal["shut", "open"] = "shut"

    def rules_for(self, direction: Direction) -> tuple[RuleName, ...]:
        """The rules of lanes that lead this way."""
        return self.rules if direction is Direction.IN else self.out_rules

    def asks(self, part: DailyPart, direction: Direction) -> bool:
        """Whether lanes that lead this way ask for it: by a rule of its own, or for the daily clearance."""
        rules = self.rules_for(direction)
        return part in rules or ("daily_clearance" in rules and part in self.daily_clearance.parts)

    @field_validator("rules", "out_rules")
    @classmethod
    def _rules_keep_strangers_out(cls, value: tuple[RuleName, ...]) -> tuple[RuleName, ...]:
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        if "registered" not in value:
            raise ValueError("without the rule registered the gate would open for anybody")
        return value

    @model_validator(mode="after")
    def _schedule_is_looked_at(self) -> PolicySettings:
        if self.schedule and "schedule" not in (*self.rules, *self.out_rules):
            raise ValueError("schedule has windows, but neither rules nor out_rules name the rule schedule")
        return self

    @model_validator(mode="after")
    def _daily_clearance_judges_alone(self) -> PolicySettings:
        parts = self.daily_clearance.parts
        for rules in (self.rules, self.out_rules):
            if "daily_clearance" not in rules:
                continue
            if twice := [part for part in parts if part in rules]:
                raise ValueError(
                    f"{' and '.join(twice)} would be judged twice: by the rule of that name, and as a part "
                    "of the rule daily_clearance; leave one out"
                )
            if self.declaration.temperature_counts:
                raise ValueError(
                    "declaration.temperature_counts lets a temperature stand for the declaration, and the "
                    "rule daily_clearance asks for all of its parts; leave one out"
                )
        return self

    @model_validator(mode="after")
    def _screening_is_asked_for(self) -> PolicySettings:
        named = {*self.rules, *self.out_rules}
        if self.clearances and "clearances" not in named:
            raise ValueError(
                "clearances lists kinds, but neither rules nor out_rules name the rule clearances"
            )
        if "clearances" in named and not self.clearances:
            raise ValueError(
                "the rule clearances is named, but the list clearances is empty: it asks nothing"
            )
        if "capacity" in named and self.capacity.people is None:
            raise ValueError("the rule capacity is named, but capacity.people is empty: give a number")
        parts = self.daily_clearance.parts if "daily_clearance" in named else ()
        for name in _RULES_WITH_A_SECTION:
            section = getattr(self, name)
            if name not in {*named, *parts} and section != type(section)():
                raise ValueError(
                    f"the section {name} is filled in, but neither rules nor out_rules name the rule {name}: "
                    "it would do nothing"
                )
        rivals = {"training": (self.training_kind, self.training_missing)}
        rivals["declaration"] = (self.declaration.kind, self.declaration.missing)
        for rule, (kind, missing) in rivals.items():
            for one in self.clearances:
                if rule in {*named, *parts} and one.kind == kind and one.missing != missing:
                    raise ValueError(
                        f"{kind} is judged twice: the rule {rule} says {missing} where it is missing, "
                        f"clearances says {one.missing}; leave it out of one"
                    )
        return self


class ScreenSettings(Section):
    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535, description="0 takes a free one")
    token_file: Path | None = Field(
        default=None,
        description="file (0600) with the token that a browser on another machine must enter once",
    )
    name_display: Literal["full", "masked", "none"] = "masked"
    clear_after_s: Annotated[float, Field(ge=0.5, le=3.0)] = 3.0
    code_stays_s: Annotated[float, Field(ge=0, le=120)] = 20.0
    voice: bool = True
    languages: tuple[Literal["zh", "en"], ...] = ("zh", "en")
    override_pin_file: Path | None = Path("var/override.pin")
    override_attempts: int = Field(default=5, ge=1, le=100)
    override_lockout_s: Seconds = 300.0

    @model_validator(mode="after")
    def _strangers_need_a_token(self) -> ScreenSettings:
        if not is_loopback(self.host) and self.token_file is None:
            raise ValueError(
                f"host {self.host} lets other machines see the faces at the gate: set `token_file`, "
                "or keep 127.0.0.1 when the kiosk browser runs on the gate itself"
            )
        return self


class MetricsSettings(Section):
    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = Field(default=9109, ge=0, le=65_535, description="0 takes a free one")


class Settings(Section):
    """The whole file."""

    site: SiteSettings = SiteSettings()
    gate: GateSettings = GateSettings()
    lanes: tuple[LaneSettings, ...] = Field(default=(LaneSettings(),), min_length=1, max_length=16)
    recognition: RecognitionSettings = RecognitionSettings()
    quality: QualitySettings = QualitySettings()
    liveness: LivenessSettings = LivenessSettings()
    policy: PolicySettings = PolicySettings()
    store: StoreSettings = StoreSettings()
    centre: CentreSettings = CentreSettings()
    screen: ScreenSettings = ScreenSettings()
    metrics: MetricsSettings = MetricsSettings()
    kiosk: dict[str, JsonValue] = Field(
        default_factory=dict, description="the enrolment's section, which the gate does not read"
    )

    @field_validator("lanes")
    @classmethod
    def _no_two_lanes_move_one_relay(cls, value: tuple[LaneSettings, ...]) -> tuple[LaneSettings, ...]:
        places = [place for lane in value if (place := lane.relay.place)]
        if len(set(places)) != len(places):
            raise ValueError(
                "two lanes move the same relay and would shut each other's door: give each its own output"
            )
        return value

    @field_validator("lanes")
    @classmethod
    def _lane_ids_differ(cls, value: tuple[LaneSettings, ...]) -> tuple[LaneSettings, ...]:
        ids = [lane.id for lane in value]
        if len(set(ids)) != len(ids):
            raise ValueError("two lanes have the same id")
        return value

    @model_validator(mode="after")
    def _required_liveness_is_looked_at(self) -> Settings:
        leads_in = any(lane.direction is Direction.IN for lane in self.lanes)
        if self.liveness.mode == "required" and leads_in and "liveness" not in self.policy.rules:
            raise ValueError("liveness.mode is required, but policy.rules does not name the rule liveness")
        return self

    @model_validator(mode="after")
    def _training_online_has_an_address(self) -> Settings:
        if self.policy.training_online and not self.centre.web_url:
            raise ValueError(
                "policy.training_online is true, but centre.web_url is empty: there is no code to show"
            )
        return self

    @model_validator(mode="after")
    def _screening_fits_the_lanes(self) -> Settings:
        policy = self.policy
        inward = [lane for lane in self.lanes if lane.direction is Direction.IN]
        unknown = set(policy.pass_colour.yellow_lanes) - {lane.id for lane in self.lanes}
        if unknown:
            raise ValueError(
                f"policy.pass_colour.yellow_lanes names {', '.join(sorted(unknown))}, which is no lane here; "
                f"lanes: {', '.join(lane.id for lane in self.lanes)}"
            )
        yellow = policy.pass_colour.yellow_lanes
        if yellow and not any(lane.id in yellow for lane in inward):
            raise ValueError(
                f"policy.pass_colour.yellow_lanes names only lanes that lead out ({', '.join(yellow)}): "
                "a yellow pass would never get in"
            )
        measured = [lane for lane in inward if lane.thermometer.driver != "none"]
        asked = policy.asks("temperature", Direction.IN)
        by_day = asked and "temperature" not in policy.rules and policy.daily_clearance.reading == "day"
        if by_day and not measured:
            raise ValueError(
                "policy.daily_clearance asks for a temperature, and no lane that leads in has a thermometer: "
                "nobody would ever have it; set lanes[].thermometer.driver, or leave temperature out of parts"
            )
        if asked and not by_day and policy.temperature.missing != "allow":
            for lane in inward:
                if lane not in measured:
                    raise ValueError(
                        f"policy.temperature answers {policy.temperature.missing} without a reading, and "
                        f"{lane.id} has no thermometer: nobody would get in there; set its "
                        "thermometer.driver, or policy.temperature.missing: allow"
                    )
        counts = policy.declaration.temperature_counts and "declaration" in policy.rules
        if counts and not asked:
            raise ValueError(
                "policy.declaration.temperature_counts is true, but policy.rules does not name temperature"
            )
        return self
