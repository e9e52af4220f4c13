"""Training in a phone's browser, with real faces: the pictures decide, reloads and restarts do not hurt."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import cv2
import httpx
import pytest
from sqlalchemy import select

from models.engine import FaceEngine
from models.face import Image
from sync.central import registry
from sync.central.database import Database
from sync.central.front_office import FrontOffice
from sync.central.tables_training import training_records, training_sessions
from tests.models.pictures import biden, engine, obama, obama_again
from tests.sync.central.console_samples import Clock, an_office
from tests.sync.central.phone_samples import ANN, BEN, Phone, count
from tests.sync.central.phone_training_samples import Seconds, with_training

__all__ = ["biden", "engine", "obama", "obama_again"]

COURSE = "/m/training/short-course"


class Learner:
    """A phone, its camera, and time that passes with every picture."""

    def __init__(self, office: FrontOffice, clock: Clock, seconds: Seconds) -> None:
        self.phone = Phone(office)
        self.clock, self.seconds = clock, seconds
        self.phone.sign_in(ANN)

    def show(self, picture: bytes, times: int = 1) -> dict[str, object]:
        for _ in range(times):
            self.seconds.at_s += 1.5
            self.clock.at += timedelta(seconds=1.5)
            answer = self.phone.ask(
                "POST",
                f"{COURSE}/look",
                content=picture,
                headers={"origin": "http://centre", "content-type": "image/jpeg"},
            )
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found

    def step(self, name: str, **fields: object) -> httpx.Response:
        return self.phone.post(f"{COURSE}/{name}", **fields)


def jpeg(image: Image) -> bytes:
    shrink = 420 / max(image.shape[:2])
    return cv2.imencode(".jpg", cv2.resize(image, None, fx=shrink, fy=shrink))[1].tobytes()


@pytest.fixture
def office(centre_database: Database, tmp_path: Path, engine: FaceEngine, obama_again: Image) -> FrontOffice:
    clock, seconds = Clock(), Seconds()
    found = with_training(an_office(centre_database, clock), tmp_path, engine, obama_again, clock=seconds)
    found.test_clocks = clock, seconds  # type: ignore[attr-defined]
    return found


@pytest.fixture
def learner(office: FrontOffice) -> Learner:
    return Learner(office, *office.test_clocks)  # type: ignore[attr-defined]


def test_a_worker_logs_in_by_face_learns_answers_and_may_enter(
    office: FrontOffice, learner: Learner, obama: Image
) -> None:
    learner.clock.at = learner.clock.at.replace(hour=18)  # UTC: at the site it is the next day
    learner.phone.sign_in(ANN)
    assert "短课程" in learner.phone.get("/m/training").text
    page = learner.phone.get(COURSE)
    assert "data-look" in page.text and len(page.content) < 60_000
    assert learner.show(jpeg(obama), 2)["key"] == "pages 0 0"
    assert "戴好安全帽" in learner.phone.get(COURSE).text
    learner.step("next")
    assert "戴好安全帽" in learner.phone.get(COURSE).text  # too early
    learner.show(jpeg(obama), 3)
    assert "系好 &lt;b&gt;" in learner.step("next").text
    learner.show(jpeg(obama), 3)
    assert "先做什么" in learner.step("next").text
    learner.show(jpeg(obama))
    done = learner.step("answer", question="q1", chosen="0")
    assert "合格" in done.text
    until = learner.clock.at.astimezone(ZoneInfo("Asia/Shanghai")) + timedelta(days=365)
    assert f"{until:%Y-%m-%d}" in done.text
    assert "合格" in learner.step("answer", question="q1", chosen="0").text
    assert count(office.database, training_records) == 1
    assert count(office.database, training_sessions) == 0
    with office.database.read() as connection:
        token = connection.scalar(select(training_records.c.token))
        assert [one.kind for one in registry.worker(connection, ANN).clearances] == ["training"]
    assert "证书有效" in learner.phone.get(f"/m/verify/{token}").text


def test_somebody_else_does_not_get_in_and_pauses_what_is_under_way(
    learner: Learner, obama: Image, biden: Image
) -> None:
    assert learner.show(jpeg(biden), 4)["key"] == "login"
    learner.show(jpeg(obama), 4)
    told = learner.show(jpeg(biden), 4)
    assert told["running"] is False
    assert "不是同一个人" in str(told["state"])
    told = learner.show(jpeg(obama), 6)
    assert told["running"] is True


def test_a_restart_of_the_centre_costs_a_new_log_in_only(
    office: FrontOffice, learner: Learner, obama: Image
) -> None:
    learner.show(jpeg(obama), 5)
    learner.step("next")
    assert office.phone_training is not None
    office.phone_training._seats.clear()
    assert "人脸登录" in learner.phone.get(COURSE).text
    assert learner.show(jpeg(obama), 2)["key"] == "pages 1 0"


def test_a_withdrawn_consent_ends_a_course_that_is_under_way(
    office: FrontOffice, learner: Learner, obama: Image
) -> None:
    learner.show(jpeg(obama), 2)
    with office.database.write() as connection:
        registry.withdraw_consent(connection, ANN, kind="face", now=learner.clock.at)
    assert learner.phone.get(COURSE).status_code == 409
    assert learner.step("next").status_code == 409


def test_a_picture_that_is_none_and_a_worker_without_a_face_are_told_so(learner: Learner) -> None:
    bad = learner.phone.ask(
        "POST",
        f"{COURSE}/look",
        content=b"no picture",
        headers={"origin": "http://centre", "content-type": "image/jpeg"},
    )
    assert bad.status_code == 422
    learner.phone.sign_in(BEN)
    assert "还没有登记人脸" in learner.phone.get(COURSE).text


def test_a_centre_without_courses_says_so(office: FrontOffice, learner: Learner) -> None:
    office.phone_training = None
    assert "没有开通手机培训" in learner.phone.get("/m/training").text
