"""The phone pages over the fictional centre in a process of its own, for browser tests and pictures.

`python -m tests.sync.central.phone_server FOLDER` serves until stdin ends; it prints the address.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

import uvicorn

from sync.central.console import ConsoleSettings
from sync.central.database import Database
from sync.central.phone.app import phone_app
from sync.web_server import listening, serve_until, url_of
from tests.sync.central.console_samples import an_office
from tests.sync.central.phone_samples import with_documents


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    with (
        Database.open(f"sqlite:///{arguments.folder / 'central.db'}") as database,
        listening("127.0.0.1", 0) as listener,
    ):
        office = with_documents(an_office(database))
        config = uvicorn.Config(
            phone_app(office, ConsoleSettings()), log_config=None, log_level="warning", access_log=False
        )
        address = url_of("127.0.0.1", listener)
        serve_until(config, listener, stop, name="phone", on_ready=lambda: print(address, flush=True))


if __name__ == "__main__":
    main()
