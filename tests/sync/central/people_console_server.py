"""`console_server` with papers, look-alikes and erasures in the fictional centre."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from sync.central.console import ConsoleSettings
from sync.central.console.server import serve
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from tests.sync.central.console_samples import QUICK_HASHER, Clock, an_office
from tests.sync.central.people_console_samples import VAULT, add_people


def main() -> None:
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    folder = Path(sys.argv[1])
    with Database.open(f"sqlite:///{folder / 'central.db'}") as database:
        an_office(database)
        add_people(database)
        office = FrontOffice(database, now=Clock(), hasher=QUICK_HASHER, vault=VAULT, keys=folder)
        serve(office, ConsoleSettings(port=0), on_ready=lambda url: print(url, flush=True), stop=stop)


if __name__ == "__main__":
    main()
