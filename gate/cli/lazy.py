"""Commands that are imported when they are used: `--help` stays quick, one broken command breaks no other."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from gate.errors import GateError

if TYPE_CHECKING:
    from typer._click import Command, Context

DEBUG_VARIABLE = "SITEGATE_DEBUG"


class CommandBroken(GateError, ImportError):
    """A command whose code cannot be imported."""

    next_step = "Reinstall Sitegate (pip install --force-reinstall sitegate); --debug shows where it failed."


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """Where a command lives and the line that a list of commands shows for it.

    target   `module:attribute`; a `typer.Typer` (a group of commands) or a plain function (one command)
    """

    target: str
    summary: str


class LazyGroup(TyperGroup):
    """A group that knows its commands by name and summary and imports one when it is called."""

    lazy: ClassVar[Mapping[str, LazyCommand]] = {}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, command in self.lazy.items():
            self.add_command(TyperCommand(name, help=command.summary, callback=None))

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """The command to run, imported; raises CommandBroken."""
        name, placeholder, rest = super().resolve_command(ctx, args)
        if name is None or name not in self.lazy:
            return name, placeholder, rest
        return name, load(name, self.lazy[name].target), rest


def load(name: str, target: str) -> Command:
    """Import one command and give it the name it is called by. Raises CommandBroken."""
    module, _, attribute = target.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:
        if debugging():
            raise
        raise CommandBroken(
            f"the command {name} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if isinstance(found, typer.Typer):
        group = get_group(found)
        group.name = name
        return group
    single = typer.Typer(add_completion=False)
    single.command(name)(found)
    return get_command(single)


def debugging() -> bool:
    """Whether errors should show where they came from."""
    return os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")
