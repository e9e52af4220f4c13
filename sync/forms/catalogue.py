"""The forms that ship with the program, one YAML file per version in `data/`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sync.forms.description import Form, FormInvalid, UnknownForm
from sync.forms.rules import PATTERNS, RULES

_FOLDER = Path(__file__).with_name("data")


def form(form_id: str, version: int) -> Form:
    """One version. Raises UnknownForm."""
    try:
        return _catalogue()[form_id, version]
    except KeyError:
        raise UnknownForm(
            f"no form {form_id} of version {version} in this program",
            next_step="upgrade Sitegate on this machine",
        ) from None


def newest_form(form_id: str) -> Form:
    """The version that is asked now. Raises UnknownForm."""
    return form(form_id, max((version for name, version in _catalogue() if name == form_id), default=0))


def read_form(path: Path) -> Form:
    """A form from a file. Raises FormInvalid, with file and place."""
    try:
        form = Form.model_validate(YAML(typ="safe").load(path))
    except YAMLError as error:
        raise FormInvalid(f"{path} is no YAML: {error}", next_step="correct the file") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FormInvalid(f"{path}: {place}: {first['msg']}", next_step="correct the file") from error
    for rule in form.rules:
        if rule.name not in RULES:
            raise FormInvalid(f"{path}: no rule is called {rule.name}", next_step=f"one of {sorted(RULES)}")
    for field in form.fields:
        for one in (field, *field.fields):
            if one.pattern and one.pattern not in PATTERNS:
                raise FormInvalid(
                    f"{path}: {one.name}: no pattern is called {one.pattern}",
                    next_step=f"one of {sorted(PATTERNS)}",
                )
    return form


@functools.cache
def _catalogue() -> Mapping[tuple[str, int], Form]:
    forms = [read_form(path) for path in sorted(_FOLDER.glob("*.yaml"))]
    return {(one.form_id, one.version): one for one in forms}
