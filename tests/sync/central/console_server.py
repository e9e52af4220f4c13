"""A console over the fictional centre in a process of its own: for browser tests and documented pictures.

`python -m tests.sync.central.console_server FOLDER` serves until stdin ends; it prints the address.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from sync.central.console import ConsoleSettings
from sync.central.console.server import serve
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from tests.sync.central.console_samples import QUICK_HASHER, Clock, an_office


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    path = arguments.folder / "central.db"
    is_new = not path.exists()
    with Database.open(f"sqlite:///{path}") as database:
        office = an_office(database) if is_new else FrontOffice(database, now=Clock(), hasher=QUICK_HASHER)
        serve(office, ConsoleSettings(port=0), on_ready=lambda url: print(url, flush=True), stop=stop)


if __name__ == "__main__":
    main()
