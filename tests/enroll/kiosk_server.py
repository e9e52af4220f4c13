"""A kiosk over a fresh store in a process of its own: for browser tests and documented pictures.

`python -m tests.enroll.kiosk_server FOLDER` serves until stdin ends; it prints the address.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from enroll.kiosk.server import run_kiosk
from tests.enroll.kiosk_samples import an_office


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    with an_office(arguments.folder) as office:
        run_kiosk(office, on_ready=lambda url: print(url, flush=True), stop=stop)


if __name__ == "__main__":
    main()
