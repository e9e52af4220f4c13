"""A kiosk over a fresh store in a process of its own: for browser tests and documented pictures.

`python -m tests.enroll.kiosk_server FOLDER` serves until stdin ends; it prints the address.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from enroll.kiosk.server import run_kiosk
from enroll.roster_config import RosterConfig
from enroll.settings import IdReaderSettings, KioskSettings
from tests.enroll.kiosk_samples import an_office


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reader", action="store_true", help="with a simulated card reader")
    arguments = parser.parse_args()
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    reader = IdReaderSettings(driver="simulated" if arguments.reader else "none")
    settings = RosterConfig(kiosk=KioskSettings(port=0, id_reader=reader))
    with an_office(arguments.folder, settings=settings) as office:
        run_kiosk(office, on_ready=lambda url: print(url, flush=True), stop=stop)


if __name__ == "__main__":
    main()
