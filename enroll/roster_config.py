"""What the roster commands take from `config.yaml`: the site, the store, the embedder, the training's name.

The gate's own reader checks the whole file (`sitegate config check`); here only these sections are looked at.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from enroll.errors import RosterConfigUnusable
from sync.records import Identifier
from sync.store_settings import SiteSettings, StoreSettings

DEFAULT_PATH = Path("config.yaml")


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RecognitionPart(_Lenient):
    """Templates are only of use to a gate with the same embedder."""

    embedder: str = "sface"
    weights_dir: Path | None = None


class PolicyPart(_Lenient):
    training_kind: Identifier = "training"


class RosterConfig(_Lenient):
    """The sections that registering people depends on."""

    site: SiteSettings = SiteSettings()
    store: StoreSettings = StoreSettings()
    recognition: RecognitionPart = RecognitionPart()
    policy: PolicyPart = PolicyPart()


def load_roster_config(path: Path | None) -> RosterConfig:
    """Read `path`; without one, `config.yaml` of the working folder if it is there, else the defaults.

    Relative paths in the file are relative to its folder.

    Raises:
        RosterConfigUnusable: the file cannot be read, or one of these sections is wrong.
    """
    if path is None:
        if not DEFAULT_PATH.exists():
            return RosterConfig()
        path = DEFAULT_PATH
    try:
        data = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        config = RosterConfig.model_validate(data or {})
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
    folder = path.resolve().parent
    store = config.store.model_copy(
        update={"path": folder / config.store.path, "key_file": folder / config.store.key_file}
    )
    weights = config.recognition.weights_dir
    recognition = config.recognition.model_copy(
        update={"weights_dir": folder / weights.expanduser() if weights else None}
    )
    return config.model_copy(update={"store": store, "recognition": recognition})
