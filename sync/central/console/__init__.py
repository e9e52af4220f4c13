"""The console of the centre in a browser. Importing this does not load NiceGUI."""

from sync.central.console.server import run_console
from sync.central.console.settings import ConsoleSettings

__all__ = ["ConsoleSettings", "run_console"]
