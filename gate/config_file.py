"""Reading `config.yaml`: every problem of the file is found and reported at once, with file, line and key.

YAML 1.2: `yes` and `on` are words, only `true` and `false` are booleans. Values are not converted between
types. Secrets are refused: they belong in files with checked permissions or in environment variables.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gate.config_schema import (
    BOOLEAN_WORDS,
    Location,
    allowed,
    keys_at,
    number_in_unit,
    suggestion,
)
from gate.errors import ConfigError
from gate.settings import Settings

DEFAULT_PATH = Path("config.yaml")

_LONGEST_ECHO = 60
_PLAIN_MESSAGES = {
    "literal_error": "is none of the allowed words",
    "enum": "is none of the allowed words",
    "string_pattern_mismatch": "is no id",
    "missing": "is missing",
}
"""Where pydantic's own words would repeat what follows, or speak of patterns."""
_TAG = "tag:yaml.org,2002:"
_TYPED_TAGS = frozenset(f"{_TAG}{name}" for name in ("int", "float", "bool", "null"))
_TEXT_TAGS = frozenset(f"{_TAG}{name}" for name in ("str", "timestamp"))
_SECRET_WORDS = frozenset(
    {"password", "passwd", "passphrase", "pwd", "pin", "secret", "token", "key", "apikey", "credentials"}
)
_URL_WITH_SECRET = re.compile(r"://[^/@\s]*@|[?&/](?:pass\w*|pwd|token|secret|key)=\S", re.IGNORECASE)
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HIDDEN = "hidden"
_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, order=True)
class _Problem:
    line: int
    key: str
    message: str


@dataclass(slots=True)
class _Document:
    """The file as plain data, with the line of every key and what was wrong with it as YAML."""

    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Location, int] = field(default_factory=dict)
    problems: list[_Problem] = field(default_factory=list)

    def complain(self, location: Location, message: str) -> None:
        self.problems.append(_Problem(self.line(location), _dotted(location), message))

    def line(self, location: Location) -> int:
        """Line of the nearest key that the file has on the way to `location`."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)


def load_settings(path: Path | None = None) -> Settings:
    """The settings of `path`, checked; sections of other rooms are taken as they are."""
    return load_as(Settings, path)


def load_as(model: type[Model], path: Path | None = None) -> Model:
    """The file as `model`, checked.

    Without a path: `config.yaml` of the working folder if there is one, else the defaults. Relative paths
    in the file are relative to the file's folder.

    Raises:
        ConfigError: the file cannot be read or does not say what it should; all problems together,
            one a line: `config.yaml:12: lanes.0.source.fps: ...`.
    """
    if path is None:
        if not DEFAULT_PATH.exists():
            return model()
        path = DEFAULT_PATH
    document = _parse(path, _read(path))
    settings = _validated(model, document)
    if document.problems or settings is None:
        raise _config_error(path, document.problems)
    return _rebased(settings, path.resolve().parent)


def read_secret(file: Path | None, env: str) -> str:
    """A secret from the environment variable `env` if it is set, else from `file`, stripped of line ends.

    The file must be readable by its owner alone (mode 0600 or 0400), and the owner be this user or root.

    Raises:
        ConfigError: neither is there, the secret is empty, or the file is open to others.
    """
    if env and os.environ.get(env):
        return os.environ[env]
    where = f"set the environment variable {env}" if env else "name a file in config.yaml"
    if file is None:
        raise ConfigError("no file holds the secret", next_step=f"Please {where}.")
    try:
        with file.open(encoding="utf-8") as stream:
            _refuse_open_file(file, os.fstat(stream.fileno()))
            secret = stream.read().strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, ConfigError):
            raise
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise ConfigError(f"secret file {file}: {reason}", next_step=f"Create it or {where}.") from error
    if not secret:
        raise ConfigError(f"secret file {file} is empty", next_step="Write the secret into it.")
    return secret


def _refuse_open_file(file: Path, facts: os.stat_result) -> None:
    if facts.st_mode & _OPEN_TO_OTHERS:
        mode = stat.S_IMODE(facts.st_mode)
        raise ConfigError(
            f"secret file {file} is open to others (mode {mode:04o})", next_step=f"Run: chmod 600 {file}"
        )
    if facts.st_uid not in (0, os.geteuid()):
        raise ConfigError(
            f"secret file {file} belongs to user {facts.st_uid}",
            next_step=f"Run: chown {os.geteuid()} {file}",
        )


def _config_error(path: Path, problems: list[_Problem]) -> ConfigError:
    lines = [f"{path}:{problem.line}: {problem.key}: {problem.message}" for problem in sorted(problems)]
    return ConfigError(
        "\n".join(line.replace(": : ", ": ") for line in lines),
        next_step=f"Correct the file, then run: sitegate config check {path}",
    )


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}",
            next_step="Name a readable config file, or leave it out for defaults.",
        ) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: is not UTF-8", next_step="Save the file as UTF-8.") from error


def _parse(path: Path, content: str) -> _Document:
    document = _Document()
    try:
        root = YAML(typ="rt", pure=True).compose(StringIO(content))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        said = error.problem or error.context or "is not YAML"
        if "'\\t'" in said:
            said = "a tab: YAML is indented with spaces only"
        raise _config_error(path, [_Problem(line, "", said)]) from error
    except YAMLError as error:
        raise _config_error(path, [_Problem(1, "", str(error).splitlines()[0])]) from error
    if root is None:
        return document
    if not isinstance(root, MappingNode):
        raise _config_error(path, [_Problem(1, "", f"must hold sections: {', '.join(keys_at(()))}")])
    document.data = _plain_mapping(root, (), document, frozenset())
    return document


def _plain(node: Node, location: Location, document: _Document, above: frozenset[int]) -> Any:
    """A YAML node as plain data; `above` are the nodes around it, to find an alias of itself."""
    if id(node) in above:
        document.complain(location, "an alias that contains itself")
        return None
    if isinstance(node, MappingNode):
        return _plain_mapping(node, location, document, above | {id(node)})
    if isinstance(node, SequenceNode):
        items = []
        for number, item in enumerate(node.value):
            document.lines[(*location, number)] = item.start_mark.line + 1
            items.append(_plain(item, (*location, number), document, above | {id(node)}))
        return items
    if isinstance(node, ScalarNode):
        return _plain_scalar(node, location, document)
    raise TypeError(f"YAML knows no node like {type(node).__name__}")


def _plain_mapping(
    node: MappingNode, location: Location, document: _Document, above: frozenset[int]
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value) if isinstance(key_node, ScalarNode) else "?"
        place = (*location, key)
        line = key_node.start_mark.line + 1
        if key in result:
            first = document.lines[place]
            document.lines[place] = line
            document.complain(place, f"is written twice, first in line {first}; remove one")
            continue
        document.lines[place] = line
        result[key] = _plain(value_node, place, document, above)
        if result[key] is None and keys_at(place):
            result[key] = {}  # a section whose keys are all commented out keeps its defaults
    return result


def _plain_scalar(node: ScalarNode, location: Location, document: _Document) -> Any:
    tag = str(node.tag)
    if tag in _TYPED_TAGS:
        return YAML(typ="safe", pure=True).constructor.construct_object(node)
    if tag not in _TEXT_TAGS:
        document.complain(
            location, f"the tag {tag.replace(_TAG, '!!')} is not supported; write a plain value"
        )
        return None
    value = str(node.value)
    key = str(location[-1])
    if _URL_WITH_SECRET.search(value):
        document.complain(
            location,
            "holds a password: put the whole URL into an environment variable and name that in url_env",
        )
        return _HIDDEN
    if key.endswith("_env") and value and not _ENVIRONMENT_NAME.fullmatch(value):
        document.complain(location, "must be the name of an environment variable, not the secret itself")
        return _HIDDEN
    return value


def _validated(model: type[Model], document: _Document) -> Model | None:
    """The settings, or None with the complaints added to `document`.

    Validation runs on JSON in strict mode: lists and times are written as in YAML, yet nothing is converted
    between types ("yes" stays a word, "80" is no number).
    """
    try:
        return model.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        named = {problem.key for problem in document.problems}
        found = [
            details
            for details in error.errors(include_url=False)
            if _dotted(details["loc"]) not in named  # refused already as YAML or as a secret
        ]
        wrong = [details["loc"] for details in found]
        for details in found:
            location = details["loc"]
            follows = any(len(other) > len(location) == _common(other, location) for other in wrong)
            if details["type"] == "too_short" and follows:
                continue  # an item of the list is wrong itself, which is said already
            document.complain(location, " ".join(_said(details, location)))
        return None


def _dotted(location: Location) -> str:
    return ".".join(map(str, location))


def _common(one: Location, other: Location) -> int:
    """How many parts two locations share from the top."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))


def _said(details: ErrorDetails, location: Location) -> Iterator[str]:
    if details["type"] == "extra_forbidden":
        yield from _about_unknown_key(str(location[-1]), location[:-1])
        return
    value = details["input"]
    message = _PLAIN_MESSAGES.get(details["type"], details["msg"].removeprefix("Value error, "))
    yield message[:1].lower() + message[1:]
    if details["type"] == "value_error":
        return  # the settings' own words say what is allowed
    permitted = allowed(location)
    yield f"(got {_echo(value)}; allowed: {permitted})" if permitted else f"(got {_echo(value)})"
    number = number_in_unit(str(location[-1]), value) if isinstance(value, str) else None
    if number is not None:
        yield f"- write {number:g}"
    elif isinstance(value, str) and permitted == BOOLEAN_WORDS:
        yield "- YAML 1.2 knows no other words for them"


def _about_unknown_key(key: str, section: Location) -> Iterator[str]:
    words = set(re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()))
    if words & _SECRET_WORDS and not key.endswith(("_file", "_env")):
        places = [name for name in keys_at(section) if name.endswith(("_file", "_env"))]
        fitting = [name for name in places if words & set(name.split("_"))] or places
        yield "a secret does not belong in this file: put it into a file with mode 0600"
        yield "or into an environment variable"
        if fitting:
            yield f"and name that in {' or '.join(fitting)}"
        return
    yield "unknown key;"
    hint = suggestion(key, section)
    if hint:
        yield hint
    yield f"(allowed: {', '.join(keys_at(section))})"


def _echo(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= _LONGEST_ECHO else f"{shown[:_LONGEST_ECHO]}…"


def _rebased(model: Model, folder: Path) -> Model:
    """The same settings with every relative path below `folder`."""
    return model.model_copy(
        update={name: _rebased_value(getattr(model, name), folder) for name in type(model).model_fields}
    )


def _rebased_value(value: object, folder: Path) -> object:
    if isinstance(value, Path):
        return folder / value.expanduser()
    if isinstance(value, tuple):
        return tuple(_rebased_value(item, folder) for item in value)
    return _rebased(value, folder) if isinstance(value, BaseModel) else value
