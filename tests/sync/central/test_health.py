"""Health passes over a real database: what happened and what was found becomes flags and a green."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from sync.central import duplicate_pairs, health, registry
from sync.central.accounts_access import NotAllowed, Role, Viewer
from sync.central.declarations import declaration_handler
from sync.central.enrolments import take_enrolment
from sync.central.errors import SettingRefused
from sync.central.front_office import FrontOffice
from sync.central.notes import NoteContext
from sync.central.tables import roster_log
from sync.central.tables_health import pass_occurrences
from sync.clearance_rules import shipped_rules
from sync.declarations import WORKER_FORM, Declaration
from sync.errors import UnknownWorker
from sync.health_pass import CLEARED_BY_MEDIC, TEST_NEGATIVE, PassColour, PassStatus, pass_at
from sync.people import Enrolment
from sync.records import Flag, FlagLevel
from sync.screening.pass_rules import SHIPPED_FILE, PassRulesInvalid
from tests.sync.central.case_samples import VISITOR
from tests.sync.central.console_fixtures import clock, filled_postgresql, filled_sqlite, office
from tests.sync.central.console_samples import NOW, SHANGHAI, A, B
from tests.sync.central.lodging_samples import MANAGER, VAULT

__all__ = ["clock", "filled_postgresql", "filled_sqlite", "office"]

ON_ONE = pytest.mark.parametrize("office", ["sqlite"], indirect=True)
"""For what is the same on both databases."""

SHIPPED = SHIPPED_FILE.read_text(encoding="utf-8")
WHO = "A-002"
RULES = shipped_rules()
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


@ON_ONE
def test_a_green_that_was_taken_back_does_not_come_again_with_a_kiosks_older_copy(
    office: FrontOffice,
) -> None:
    found(office, TEST_NEGATIVE, NOW, entry_id="t")
    with office.database.write() as connection:
        copy = registry.worker(connection, WHO)
        health.take_back(connection, "t", by="m", why="示例", now=NOW)
        sent = Enrolment(worker=copy, enrolled_at=NOW, recorded_by="示例")
        take_enrolment(connection, NoteContext(A, "gate-1", "e-1", NOW), sent.model_dump_json(), VAULT)
    assert status(office).colour is None


def test_a_merged_record_keeps_its_pass_and_an_erased_one_leaves_nothing(office: FrontOffice) -> None:
    occurred(office, "fever", entry_id="fever")
    keep = "A-003"
    with office.database.write() as connection:
        first, second = duplicate_pairs.in_order(WHO, keep)
        duplicate_pairs.note_found(connection, first, second, found_by="face", score=0.9, now=NOW)
        duplicate_pairs.merge(connection, keep, WHO, vault=VAULT, rules=RULES, reason="示例", by="m", now=NOW)
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
        with pytest.raises(PassRulesInvalid, match=r"own\.yaml: the file as a whole"):
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


@ON_ONE
def test_a_colour_that_is_taken_off_by_hand_stays_off_and_takes_the_right_to_decide(
    office: FrontOffice,
) -> None:
    occurred(office, "fever", entry_id="fever")
    with office.database.read() as connection:
        (flag,) = registry.worker(connection, WHO).flags
    with pytest.raises(NotAllowed):
        office.workers.unflag(MANAGER, WHO, flag.flag_id, reason="示例")
    office.workers.unflag(Viewer("admin", "", Role.ADMIN, None), WHO, flag.flag_id, reason="示例")
    occurred(office, "affected_area", entry_id="area")
    assert status(office).cause == "affected_area"


# -- declarations ------------------------------------------------------------------------------------------


def says(
    office: FrontOffice,
    answers: Mapping[str, object] | None = None,
    *,
    worker_id: str | None = WHO,
    declared_at: datetime = NOW,
    site_id: str = A,
) -> dict[str, int]:
    """As a kiosk sends it, at the moment of declaring."""
    declaration = Declaration(
        form_id=WORKER_FORM,
        form_version=1,
        site_id=site_id,
        worker_id=worker_id,
        visitor=None if worker_id else VISITOR,
        local_day=declared_at.astimezone(SHANGHAI).date(),
        declared_at=declared_at,
        source="kiosk",
        answers={
            "health": ["well"],
            "affected": False,
            "contact": False,
            "travelled": False,
            "lodging": "dormitory",
            "lodging_place": "示例楼",
            "truthful": True,
            **(answers or {}),
        },
    )
    with office.database.write() as connection:
        context = NoteContext(site_id, "gate-1", declaration.declaration_id, declared_at)
        return dict(declaration_handler(VAULT)(connection, context, declaration.model_dump_json()))


FEVER = {"health": ["fever"]}
CONTACT = {"contact": True, "contact_on": "2026-03-01", "contact_how": "示例"}


def test_what_a_declaration_says_changes_the_pass_and_a_correction_takes_it_back(office: FrontOffice) -> None:
    assert says(office) == {}  # well: no green by itself, and no new version of any roster
    assert set(says(office, {"health": ["fever", "cough"]}, declared_at=NOW + HOUR)) == {A}
    assert status(office, NOW + HOUR).cause == "fever"
    # Corrected before midnight: it was a contact yesterday, and no fever.
    assert says(office, CONTACT, declared_at=NOW + 2 * HOUR)
    red = status(office, NOW + 2 * HOUR)
    midnight = datetime(2026, 3, 2, tzinfo=SHANGHAI)
    assert (red.colour, red.cause, red.until) == (PassColour.RED, "contact", midnight + 14 * DAY)
    # The next day says the same of the same day: nothing new; and takes nothing of it back when corrected.
    assert says(office, CONTACT, declared_at=NOW + DAY) == {}
    assert says(office, declared_at=NOW + DAY + HOUR) == {}
    assert status(office, NOW + DAY + HOUR).cause == "contact"


@ON_ONE
def test_whom_a_declaration_is_not_about(office: FrontOffice) -> None:
    assert says(office, FEVER, worker_id=None) == {}  # a visitor has no pass
    assert says(office, FEVER, worker_id="nobody") == {}
    assert says(office, FEVER, site_id=B) == {}  # a kiosk speaks for the workers of its own site
    assert status(office).colour is None


@ON_ONE
def test_somebody_declared_well_is_green_until_midnight_where_the_rules_say_so(office: FrontOffice) -> None:
    finding = "  - {finding: declared_well, zh: 当日申报健康, en: Well, green_until: end_of_day}\ndeclared:"
    text = SHIPPED.replace("declared:", finding, 1) + "\ndeclared_well: declared_well\n"
    with office.database.write() as connection:
        health.set_rules(connection, text, source="own.yaml", by="a", now=NOW)
    assert says(office)
    green = status(office)
    assert (green.colour, green.until) == (PassColour.GREEN, datetime(2026, 3, 3, tzinfo=SHANGHAI))
    assert says(office, FEVER, declared_at=NOW + HOUR)
    with office.database.write() as connection:
        health.withdraw(connection, "nothing", now=NOW)
        (entry,) = health.record(connection, WHO)[0]
        health.take_back(connection, entry.entry_id, by="m", why="示例", now=NOW + HOUR)
    assert status(office, NOW + HOUR).colour is None  # the green went with the declaration that said well
