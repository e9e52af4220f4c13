"""A kiosk with a short course, two registered people and a camera that shows whom a file names.

`python -m tests.enroll.training_server FOLDER [--shipped]` serves until stdin ends; it prints the address.
Write `one`, `other`, `both` or nothing into FOLDER/told.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from enroll.kiosk.server import run_kiosk
from enroll.roster_config import LivenessPart, RosterConfig
from enroll.settings import KioskSettings
from models.engine import FaceEngine
from models.images import decode
from models.zoo import Zoo
from tests.enroll.kiosk_samples import an_office
from tests.enroll.training_samples import ToldCamera, register, short_settings, side_by_side, small


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shipped", action="store_true", help="the courses that are shipped")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    zoo = Zoo.default()
    engine = FaceEngine.load(zoo=zoo)
    one, again, other = (decode(zoo.path(name)) for name in ("obama", "obama2", "biden"))
    settings = short_settings(folder)
    if arguments.shipped:
        settings = RosterConfig(kiosk=KioskSettings(port=0), liveness=LivenessPart(mode="off"))
    told = folder / "told"
    told.touch()
    with an_office(folder, settings=settings) as office:
        register(office.store, engine, "W-1", again)
        pictures = {"one": small(one), "other": small(other)}
        pictures["both"] = side_by_side(*pictures.values())
        office.camera = ToldCamera(told, engine, pictures)
        run_kiosk(office, on_ready=lambda url: print(url, flush=True), stop=stop)


if __name__ == "__main__":
    main()
