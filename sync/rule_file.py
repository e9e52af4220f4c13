"""Rules that come as a YAML file: read, and refused with file and place."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sync.errors import SyncError

_Rules = TypeVar("_Rules", bound=BaseModel)


def text_of(path: Path, refusal: type[SyncError]) -> str:
    """What the file says. Raises `refusal` for one that cannot be read as text."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise refusal(f"{path} cannot be read: {error}", next_step="give a text file in UTF-8") from error


def checked(model: type[_Rules], text: str, *, source: str, refusal: type[SyncError]) -> _Rules:
    """The rules in a text. Raises `refusal` with `source` and the place in it."""
    try:
        return model.model_validate(YAML(typ="safe").load(text))
    except YAMLError as error:
        raise refusal(f"{source} is no YAML: {error}", next_step="correct the file") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file as a whole"
        raise refusal(f"{source}: {place}: {first['msg']}", next_step="correct the file") from error
