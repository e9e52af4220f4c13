"""The gate screen: what a kiosk browser shows of a lane. Importing this does not load NiceGUI."""

from gate.screen.server import run_screen

__all__ = ["run_screen"]
