"""The phone pages with a course, in a process of their own: `python -m …phone_training_server FOLDER`."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

import uvicorn

from models.engine import FaceEngine
from models.images import decode
from models.zoo import Zoo
from sync.central.console import ConsoleSettings
from sync.central.database import Database
from sync.central.phone.app import phone_app
from sync.web_server import listening, serve_until, url_of
from tests.sync.central.console_samples import an_office
from tests.sync.central.phone_training_samples import with_training


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    zoo = Zoo.default()
    with (
        Database.open(f"sqlite:///{folder / 'central.db'}") as database,
        listening("127.0.0.1", 0) as listener,
    ):
        office = with_training(
            an_office(database), folder, FaceEngine.load(zoo=zoo), decode(zoo.path("obama2"))
        )
        config = uvicorn.Config(
            phone_app(office, ConsoleSettings()), log_config=None, log_level="warning", access_log=False
        )
        address = url_of("127.0.0.1", listener)
        serve_until(config, listener, stop, name="phone", on_ready=lambda: print(address, flush=True))


if __name__ == "__main__":
    main()
