"""Another process at the store, driven by lines on stdin; every answer is one line on stdout.

Arguments: store path, key file, optional user id to become after the imports.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sync.errors import StoreError
from sync.records import Passage, PassageNote
from sync.store import LocalStore, StoreKey
from tests.sync.samples import NOON, an_event


def record_for_ever(store: LocalStore) -> None:
    while True:
        event = store.record(an_event())
        say(f"recorded {event.event_id} {event.sequence}")
        store.note_passage(PassageNote(event_id=event.event_id, passage=Passage.PASSED, noted_at=NOON))
        say(f"passed {event.event_id}")


def answer(store: LocalStore, command: str) -> str:
    try:
        if command == "record":
            return f"recorded {store.record(an_event()).sequence}"
        return f"workers {store.count_workers()}"
    except StoreError as error:
        return type(error).__name__


def say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    path, key_file, *user = sys.argv[1:]
    key = StoreKey.load(Path(key_file), "")
    if user:
        os.setgid(int(user[0]))
        os.setuid(int(user[0]))
    try:
        opened = LocalStore.open(Path(path), key, busy_timeout_s=2)
    except StoreError as error:
        say(type(error).__name__)
        return
    with opened as store:
        say("open")
        for line in sys.stdin:
            command = line.strip()
            if command == "record for ever":
                record_for_ever(store)
            elif command == "lock":
                with store._connections.write():
                    say("locked")
                    sys.stdin.readline()
                say("released")
            else:
                say(answer(store, command))


if __name__ == "__main__":
    main()
