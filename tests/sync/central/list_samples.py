"""Key-monitoring lists and people for tests; everybody is made up and looks it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sync.central import persons, registry
from sync.central.database import Database
from sync.central.list_import import Imported, ListTerms, import_list
from sync.central.list_keys import ListKeys
from sync.central.list_matching import ListMatcher
from sync.central.person_vault import PersonVault
from sync.records import FlagLevel
from sync.resident_number import check_character
from tests.sync.people_samples import a_person
from tests.sync.samples import NOON, a_worker

VAULT = PersonVault(bytes(range(32)))
KEYS = ListKeys(VAULT.list_key)
SITE = "demo-site"


def resident_number(sequence: int, born: date = date(1990, 1, 1)) -> str:
    body = f"110105{born:%Y%m%d}{sequence:03d}"
    return body + check_character(body)


def slipped(number: str) -> str:
    """With one digit wrong, so that the check character no longer fits."""
    return number[:12] + str((int(number[12]) + 1) % 10) + number[13:]


def a_registered(
    database: Database,
    worker_id: str,
    *,
    number: str = "",
    phone: str = "",
    name: str = "示例甲",
    now: datetime = NOON,
) -> None:
    with database.write() as connection:
        registry.put_worker(
            connection, a_worker(worker_id, name=name, phone=phone, site_ids=(SITE,)), now=now
        )
        if number:
            persons.put_person(connection, VAULT, a_person(worker_id, document_number=number), now=now)


def a_list(
    database: Database,
    rows: Iterable[str],
    *,
    list_id: str = "contacts",
    header: str = "name,document_number,phone,birth_date",
    level: FlagLevel = FlagLevel.BLOCK,
    now: datetime = NOON,
    valid_until: datetime | None = None,
) -> Imported:
    terms = ListTerms(list_id, "示例名单", "示例单位", level, category="密接", valid_until=valid_until)
    raw = "\n".join((header, *rows)).encode()
    return import_list(database, KEYS, terms, "list.csv", raw, by="tester", now=now)


def match_all(matcher: ListMatcher) -> None:
    """Until nothing waits any more."""
    while matcher.look():
        pass
