"""What the enroll room takes from `config.yaml`: its own section `kiosk`, and parts of others.

The gate's own reader checks the whole file (`sitegate config check`); here only these sections are looked at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from enroll.errors import RosterConfigUnusable
from enroll.settings import KioskSettings
from sync.edge.settings import CentreSettings
from sync.records import Identifier
from sync.store_settings import SiteSettings, StoreSettings

DEFAULT_PATH = Path("config.yaml")

Model = TypeVar("Model", bound=BaseModel)


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class GatePart(_Lenient):
    """The box: the kiosk beside a gate shares its store and its name at the centre."""

    id: Identifier = "gate-1"


class RecognitionPart(_Lenient):
    """Templates are only of use to a gate with the same embedder; the rest finds the threshold."""

    embedder: str = "sface"
    threads: int | None = None
    weights_dir: Path | None = None
    target_fpir: float = 0.01
    threshold: float | None = None
    own_roster_from: int = 300


class QualityPart(_Lenient):
    """When a face is good enough at the gate."""

    max_yaw_deg: float = 45.0
    max_pitch_deg: float = 35.0
    max_roll_deg: float = 35.0
    min_sharpness: float = 0.25
    min_exposure: float = 0.15
    max_exposure: float = 0.90
    max_occlusion: float = 0.80


class LivenessPart(_Lenient):
    """Is it a living person, or a picture or a screen?"""

    mode: Literal["off", "observe", "required"] = "observe"
    min_score: float = 0.60


class PolicyPart(_Lenient):
    """Under which name the gate looks for the training."""

    training_kind: Identifier = "training"


class RosterConfig(_Lenient):
    """The sections that registering people depends on."""

    site: SiteSettings = SiteSettings()
    gate: GatePart = GatePart()
    store: StoreSettings = StoreSettings()
    centre: CentreSettings = CentreSettings()
    recognition: RecognitionPart = RecognitionPart()
    quality: QualityPart = QualityPart()
    liveness: LivenessPart = LivenessPart()
    policy: PolicyPart = PolicyPart()
    kiosk: KioskSettings = KioskSettings()


def load_roster_config(path: Path | None) -> RosterConfig:
    """Read `path`; without one, `config.yaml` of the working folder if it is there, else the defaults.

    Relative paths in the file are relative to its folder. A section without keys keeps its defaults.

    Raises:
        RosterConfigUnusable: the file cannot be read, or one of these sections is wrong.
    """
    if path is None:
        if not DEFAULT_PATH.exists():
            return RosterConfig()
        path = DEFAULT_PATH
    try:
        data = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        config = RosterConfig.model_validate(_without_empty_sections(data or {}, RosterConfig))
    except OSError as error:
        raise RosterConfigUnusable(
            f"{path} cannot be read: {error.strerror}", next_step="Check --config."
        ) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise RosterConfigUnusable(
            f"{path} is no valid YAML", next_step=f"Run `sitegate config check {path}`."
        ) from error
    except ValidationError as error:
        keys = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
        raise RosterConfigUnusable(
            f"{path}: wrong values at {keys}", next_step=f"Run `sitegate config check {path}`."
        ) from error
    return _rebased(config, path.resolve().parent)


def _without_empty_sections(data: Any, model: type[BaseModel]) -> Any:
    """A section whose keys are all commented out is read as nothing."""
    if not isinstance(data, dict):
        return data
    kept = {}
    for key, value in data.items():
        field = model.model_fields.get(key)
        section = field.annotation if field is not None else None
        if isinstance(section, type) and issubclass(section, BaseModel):
            if value is not None:
                kept[key] = _without_empty_sections(value, section)
        else:
            kept[key] = value
    return kept


def _rebased(model: Model, folder: Path) -> Model:
    """The same settings with every relative path below `folder`."""
    update: dict[str, object] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, Path):
            update[name] = folder / value.expanduser()
        elif isinstance(value, BaseModel):
            update[name] = _rebased(value, folder)
    return model.model_copy(update=update)
