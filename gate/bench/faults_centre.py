"""A process of the centre for the faults bench; `sitegate central run` with a clock that can be set wrong."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from gate.bench.faults_control import Orders, WrongClock, write_status
from sync.central.service import CentralService
from sync.central.settings import BrokerSettings, CentreSettings

STATUS_S = 0.5


def main(database: str, keys: Path, broker: str, status: Path, *, ingest_only: bool, off_s: float) -> None:
    """Run until told to stop; ends with an error where the database is away at the start."""
    clock = WrongClock(off_s)
    orders = Orders(clock)
    settings = CentreSettings(
        database=database, keys=keys, broker=BrokerSettings(url=broker), ingest_only=ingest_only
    )
    with CentralService(settings, now=clock.now) as service:
        while not orders.stopping.wait(STATUS_S):
            write_status(status, service.totals)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    _, url, key_folder, broker_url, status_file, role, off = sys.argv
    main(
        url,
        Path(key_folder),
        broker_url,
        Path(status_file),
        ingest_only=role == "ingest",
        off_s=float(off),
    )
