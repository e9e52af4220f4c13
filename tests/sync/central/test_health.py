"""Health passes over a real database: what happened and what was found becomes flags and a green."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from sync.central import duplicate_pairs, health, registry
from sync.central.errors import SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.tables import roster_log
from sync.central.tables_health import pass_occurrences
from sync.errors import UnknownWorker
from sync.health_pass import CLEARED_BY_MEDIC, TEST_NEGATIVE, PassColour, PassStatus, pass_at
from sync.records import Flag, FlagLevel
from sync.screening.pass_rules import SHIPPED_FILE, PassRulesInvalid
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, A, B
from tests.sync.central.lodging_samples import VAULT

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
"""For what is the same on both databases."""

SHIPPED = SHIPPED_FILE.read_text(encoding="utf-8")
WHO = "A-002"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def occurred(
    office: FrontOffice, cause: str, at: datetime = NOW, *, entry_id: str, known: datetime | None = None
) -> dict[str, int]:
    with office.database.write() as connection:
        return health.occurred(
            connection, WHO, cause, at, entry_id=entry_id, now=known or max(at, NOW), source="test"
        )


def found(office: FrontOffice, finding: str, at: datetime, *, entry_id: str) -> dict[str, int]:
    with office.database.write() as connection:
        return health.found(connection, WHO, finding, at, entry_id=entry_id, now=max(at, NOW))


def status(office: FrontOffice, now: datetime = NOW, worker_id: str = WHO) -> PassStatus:
    """As a gate tells it, from the roster alone."""
    with office.database.read() as connection:
        worker = registry.worker(connection, worker_id)
    return pass_at(worker.flags, worker.clearances, now)


def test_an_occurrence_is_a_flag_on_every_roster_urgent_and_once(office: FrontOffice) -> None:
    with office.database.write() as connection:
        worker = registry.worker(connection, WHO)
        registry.put_worker(connection, worker.model_copy(update={"site_ids": (A, B)}), now=NOW)
    assert set(occurred(office, "contact", entry_id="one")) == {A, B}
    assert occurred(office, "contact", entry_id="one") == {}
    now = status(office)
    assert (now.colour, now.cause, now.until) == (PassColour.RED, "contact", NOW + 14 * DAY)
    with office.database.read() as connection:
        log = roster_log.c
        rows = connection.scalars(select(log.urgent).where(log.worker_id == WHO)).all()
        assert rows == [True, True]
        (flag,) = registry.worker(connection, WHO).flags
        assert flag.level is FlagLevel.BLOCK


def test_findings_end_what_they_may_and_taking_back_undoes_exactly_that(office: FrontOffice) -> None:
    other = Flag(flag_id="list-1", level=FlagLevel.NOTIFY, category="x")
    with office.database.write() as connection:
        registry.add_flag(connection, WHO, other, now=NOW)
    occurred(office, "affected_area", entry_id="area")
    occurred(office, "fever", NOW + HOUR, entry_id="fever")
    assert status(office, NOW + HOUR).colour is PassColour.RED
    # A test ends the yellow and makes green, but not past a fever.
    found(office, TEST_NEGATIVE, NOW + 2 * HOUR, entry_id="t")
    assert status(office, NOW + 3 * HOUR).cause == "fever"
    found(office, CLEARED_BY_MEDIC, NOW + 4 * HOUR, entry_id="m")
    green = status(office, NOW + 5 * HOUR)
    assert (green.colour, green.cause) == (PassColour.GREEN, TEST_NEGATIVE)
    assert green.until == NOW + 2 * HOUR + 7 * DAY
    # The test was somebody else's: yellow is back and no green.
    with office.database.write() as connection:
        assert health.take_back(connection, "t", by="m", why="示例", now=NOW + 6 * HOUR)
    assert status(office, NOW + 6 * HOUR).cause == ""  # the medic ended the yellow too
    assert status(office, NOW + 3 * HOUR).colour is PassColour.RED
    with office.database.write() as connection:
        health.take_back(connection, "m", by="m", why="示例", now=NOW + 7 * HOUR)
        health.take_back(connection, "fever", by="m", why="示例", now=NOW + 7 * HOUR)
    assert status(office, NOW + 8 * HOUR).colour is PassColour.YELLOW
    with office.database.write() as connection:
        health.put_back(connection, "fever", now=NOW + 9 * HOUR)
        assert other in registry.worker(connection, WHO).flags
    assert status(office, NOW + 9 * HOUR).colour is PassColour.RED


def test_a_word_counts_only_against_what_was_known_and_a_test_also_against_what_came_out_later(
    office: FrontOffice,
) -> None:
    found(office, CLEARED_BY_MEDIC, NOW, entry_id="m")
    found(office, TEST_NEGATIVE, NOW, entry_id="t")
    # Declared the next day: was there two days ago, and felt a fever.
    occurred(office, "affected_area", NOW - DAY, entry_id="area", known=NOW + DAY)
    occurred(office, "fever", NOW - DAY, entry_id="fever", known=NOW + DAY)
    assert status(office, NOW + DAY).cause == "fever"
    with office.database.write() as connection:
        health.take_back(connection, "fever", by="m", why="示例", now=NOW + DAY)
    assert status(office, NOW + DAY).colour is PassColour.GREEN


@ON_ONE
def test_what_its_source_no_longer_says_goes_and_may_come_again(office: FrontOffice) -> None:
    occurred(office, "fever", entry_id="d")
    with office.database.write() as connection:
        assert health.withdraw(connection, "test", now=NOW)
    assert status(office).colour is None
    assert occurred(office, "fever", entry_id="d")
    with office.database.write() as connection:
        health.take_back(connection, "d", by="somebody", why="示例", now=NOW)
    assert occurred(office, "fever", entry_id="d") == {}  # a person said that it is wrong
    with office.database.write() as connection:
        assert health.withdraw(connection, "test", now=NOW) == {}
        with pytest.raises(health.UnknownPassEntry):
            health.take_back(connection, "nothing", by="", why="", now=NOW)


@ON_ONE
def test_what_is_over_changes_no_roster_and_the_unknown_is_refused(office: FrontOffice) -> None:
    assert occurred(office, "affected_area", NOW - 8 * DAY, entry_id="old") == {}
    assert found(office, TEST_NEGATIVE, NOW - 30 * DAY, entry_id="old-test") == {}
    with office.database.write() as connection:
        with pytest.raises(SettingRefused, match="eclipse"):
            health.occurred(connection, WHO, "eclipse", NOW, entry_id="e", now=NOW)
        with pytest.raises(SettingRefused, match="luck"):
            health.found(connection, WHO, "luck", NOW, entry_id="e", now=NOW)
        with pytest.raises(UnknownWorker):
            health.occurred(connection, "nobody", "fever", NOW, entry_id="e", now=NOW)


def test_a_merged_record_keeps_its_pass_and_an_erased_one_leaves_nothing(office: FrontOffice) -> None:
    occurred(office, "fever", entry_id="fever")
    keep = "A-003"
    with office.database.write() as connection:
        first, second = duplicate_pairs.in_order(WHO, keep)
        duplicate_pairs.note_found(connection, first, second, found_by="face", score=0.9, now=NOW)
        duplicate_pairs.merge(connection, keep, WHO, vault=VAULT, reason="示例", by="m", now=NOW)
    assert status(office, worker_id=keep).cause == "fever"
    with office.database.write() as connection:
        health.take_back(connection, "fever", by="m", why="示例", now=NOW)
    assert status(office, worker_id=keep).colour is None
    with office.database.write() as connection:
        registry.remove_worker(connection, keep)
        assert connection.execute(select(pass_occurrences)).all() == []


@ON_ONE
def test_rules_are_data_of_the_centre_and_what_was_known_before_keeps_its_days(office: FrontOffice) -> None:
    occurred(office, "contact", entry_id="before")
    text = SHIPPED.replace("{colour: red, days: 14}", "{colour: red, days: 3}, {colour: yellow, days: 2}")
    with office.database.write() as connection:
        health.set_rules(connection, text, source="own.yaml", by="admin", now=NOW)
    occurred(office, "contact", entry_id="after")
    assert status(office).until == NOW + 14 * DAY
    with office.database.write() as connection:
        health.take_back(connection, "before", by="m", why="示例", now=NOW)
    assert status(office).until == NOW + 3 * DAY
    assert status(office, NOW + 3 * DAY).colour is PassColour.YELLOW
    with office.database.write() as connection:
        with pytest.raises(PassRulesInvalid, match=r"own\.yaml: as a whole"):
            health.set_rules(connection, text + "declared_well: no\n", source="own.yaml", by="a", now=NOW)
        health.set_rules(connection, None, source="", by="admin", now=NOW)
        assert health.rules(connection).cause("contact").steps[0].days == 14


@ON_ONE
def test_a_green_until_midnight_is_the_first_one_of_the_workers_sites(office: FrontOffice) -> None:
    finding = "- {finding: well, zh: 示例, en: Well, green_until: end_of_day}\ndeclared:"
    with office.database.write() as connection:
        text = SHIPPED.replace("declared:", f"  {finding}", 1)
        health.set_rules(connection, text, source="own.yaml", by="a", now=NOW)
    found(office, "well", NOW, entry_id="w")
    now = status(office)
    assert (now.colour, now.cause) == (PassColour.GREEN, "well")
    assert now.until is not None
    assert now.until - NOW < DAY
