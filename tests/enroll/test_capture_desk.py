"""A capture of one draft, without a browser: what goes into the draft, and what does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from enroll.bench.fte_part import measure_fte
from enroll.capture import CaptureIncomplete, Guidance, Pose
from enroll.capture_desk import FROM_CAMERA, FROM_FILE, CaptureDesk, NoCapture
from enroll.errors import PhotoRefused
from enroll.kiosk.office import KioskOffice
from enroll.kiosk_camera import CameraPicture
from models.face import Image
from models.images import decode
from tests.conftest import Weights
from tests.enroll.capture_server import begin
from tests.enroll.kiosk_samples import MANAGER, an_office


class PlayedCamera:
    """Imitates the kiosk's camera: it shows what it is told, at the time it is told."""

    problem = ""

    def __init__(self, office: KioskOffice) -> None:
        self._office = office
        self.picture: CameraPicture | None = None

    def show(self, image: Image) -> None:
        faces = tuple(self._office.engine.faces(image))
        self.picture = CameraPicture(image, faces, self._office.capture.monotonic())

    def latest(self) -> CameraPicture | None:
        return self.picture


@pytest.fixture
def office(tmp_path: Path, weights: Weights) -> Iterator[KioskOffice]:
    weights.require("yunet", "sface")
    with an_office(tmp_path) as opened:
        yield opened


@pytest.fixture
def camera(office: KioskOffice) -> PlayedCamera:
    return PlayedCamera(office)


@pytest.fixture
def desk(office: KioskOffice, camera: PlayedCamera) -> CaptureDesk:
    return CaptureDesk(office.capture, office.drafts, begin(office), camera, user_id=MANAGER)


def before_the_camera(photo: Image) -> Image:
    """A portrait in the middle of what a camera sees."""
    picture = np.full((720, 1280, 3), 120, np.uint8)
    scale = 640 / photo.shape[0]
    small = cv2.resize(photo, None, fx=scale, fy=scale)
    left = (1280 - small.shape[1]) // 2
    picture[40:680, left : left + small.shape[1]] = small
    return picture


def test_the_camera_s_templates_go_into_the_draft_and_the_worker_is_registered(
    office: KioskOffice, desk: CaptureDesk, camera: PlayedCamera, weights: Weights
) -> None:
    portrait = before_the_camera(decode(weights.path("obama")))
    desk.vouch()  # a photo stands before the camera
    with pytest.raises(CaptureIncomplete):
        desk.finish()
    for _ in range(400):
        camera.show(portrait)
        state, problem = desk.step()
        assert not problem
        if state is not None and state.taken:
            break
    assert desk.step() == (None, "")  # the same picture votes once
    assert list(desk.thumbnails()) == [Pose.AHEAD]
    for pose in desk.wanted[1:]:
        desk.skip(pose)
    draft = desk.finish()
    assert len(draft.templates) == 3
    assert {one.source for one in draft.templates} == {FROM_CAMERA}
    assert draft.photo is not None and draft.photo.startswith(b"\xff\xd8")
    findings = desk.look_for_duplicates(draft)
    assert findings.candidates == ()
    assert "outstanding" in desk.note_checked(findings).capture_note
    enrolment = office.registration.commit(draft.draft_id, by=MANAGER)
    assert "skipped 稍向左 A little left、稍向右 A little right、稍抬头 A little up" in enrolment.note
    assert len(office.store.templates(enrolment.worker.worker_id)) == 3


def test_a_picture_that_stopped_is_no_picture(
    office: KioskOffice, desk: CaptureDesk, camera: PlayedCamera
) -> None:
    assert desk.step() == (None, "")
    image = np.zeros((720, 1280, 3), np.uint8)
    camera.picture = CameraPicture(image, (), office.capture.monotonic() - 60)
    assert desk.step() == (None, "")
    camera.show(image)
    state, _ = desk.step()
    assert state is not None
    assert state.guidance is Guidance.NO_FACE


def test_photo_files_are_checked_and_marked(desk: CaptureDesk, weights: Weights) -> None:
    with pytest.raises(PhotoRefused) as refused:
        desk.finish_with_files()
    assert refused.value.code == "no_photo"
    blank = cv2.imencode(".png", np.full((200, 200, 3), 127, np.uint8))[1].tobytes()
    for raw, code in ((b"no picture", "not_a_photo"), (blank, "no_face")):
        with pytest.raises(PhotoRefused) as refused:
            desk.add_file("photo", raw)
        assert refused.value.code == code
    desk.add_file("one.jpg", weights.path("obama").read_bytes())
    with pytest.raises(PhotoRefused) as refused:
        desk.add_file("other.jpg", weights.path("biden").read_bytes())
    assert refused.value.code == "different_people"
    desk.add_file("again.jpg", weights.path("obama2").read_bytes())
    draft = desk.finish_with_files()
    assert [one.source for one in draft.templates] == [FROM_FILE] * 2
    assert "photo file 2" in draft.capture_note


def test_nobody_is_captured_without_consent(office: KioskOffice, camera: PlayedCamera) -> None:
    draft = office.drafts.begin(MANAGER)
    with pytest.raises(NoCapture):
        CaptureDesk(office.capture, office.drafts, draft.draft_id, camera, user_id=MANAGER)


def test_a_face_left_out_on_purpose_is_registered_without_one(office: KioskOffice, desk: CaptureDesk) -> None:
    draft = desk.skip_face()
    enrolment = office.registration.commit(draft.draft_id, by=MANAGER)
    assert office.store.templates(enrolment.worker.worker_id) == []


def test_failure_to_enrol_is_counted_by_people_and_by_reason(tmp_path: Path, weights: Weights) -> None:
    weights.require("yunet", "sface")
    for person, sample in (("a", "obama"), ("b", "biden")):
        (tmp_path / person).mkdir()
        (tmp_path / person / "1.jpg").write_bytes(weights.path(sample).read_bytes())
    (tmp_path / "c").mkdir()
    cv2.imwrite(str(tmp_path / "c" / "1.png"), np.full((200, 200, 3), 127, np.uint8))
    cv2.imwrite(str(tmp_path / "a" / "2.png"), np.full((200, 200, 3), 127, np.uint8))
    figures = measure_fte(tmp_path).figures
    assert (figures["people"], figures["people_failed"]) == (3, 1)
    assert figures["reasons"] == {"no_face": 2}
