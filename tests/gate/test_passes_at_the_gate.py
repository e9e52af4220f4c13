"""QR passes and badges before a whole gate: read, decided, recorded, opened. Real pictures, real store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gate import pass_book
from gate.badge_reader import SimulatedBadgeReader
from gate.bench.held_codes import Hold, held_up
from gate.clock import SystemClock
from gate.pass_book import PassBook
from gate.qr_reader import read_codes
from gate.service import GateService, Recorded
from gate.settings import BadgeReaderSettings, LaneSettings, PassReaderSettings, PolicySettings
from gate.startup import open_store
from models.face import Image
from sync.passes import ISSUERS_STATE, EntryPass, badge_digest, fixed_pass, sign
from sync.records import Direction, Method, Outcome, PassGrant
from sync.store import LocalStore, StoreKey
from sync.wire.keys import read_public_key
from tests.gate.conftest import WORKER, World, worker
from tests.gate.manual_clock import ManualClock

KEY = Ed25519PrivateKey.from_private_bytes(b"p" * 32)
PASS_ID = "00112233445566aa"
TEXT = fixed_pass(KEY, PASS_ID).text
BADGE = "0004771233"
HOLD = Hold(module_px=3.0, x=0.5, y=0.85, angle_deg=8, tilt_deg=12, motion_px=1.5)
WAIT_S = 60.0
GREY: Image = np.full((480, 640, 3), 120, np.uint8)
SOMEBODY_STD = 10.0
"""Pictures of the clips with nobody are of one grey."""


def grant(**changes: object) -> PassGrant:
    made = PassGrant(pass_id=PASS_ID, method=Method.QR, digest=fixed_pass(KEY, PASS_ID).digest)
    return made.model_copy(update=changes)


def badge_grant() -> PassGrant:
    return PassGrant(method=Method.BADGE, digest=badge_digest(BADGE))


def frames_of(path: Path) -> Iterator[Image]:
    capture = cv2.VideoCapture(str(path))
    while True:
        seen, image = capture.read()
        if not seen:
            break
        yield np.asarray(image, np.uint8)
    capture.release()


def with_code(world: World, clip: str, text: str, hold: Hold = HOLD) -> str:
    """The clip with a code in the hand of whoever is there; the name of the new clip."""
    images = [image for image in frames_of(world.footage / clip) if image.std() > SOMEBODY_STD]
    return played(world, [held_up(image, text, hold) for image in images[:50]])


def alone(world: World, text: str) -> str:
    """A code before the camera, and nobody's face."""
    return played(world, [held_up(GREY, text, HOLD)] * 10)


def played(world: World, images: list[Image]) -> str:
    target = world.folder / f"{len(list(world.folder.glob('*.avi')))}.avi"
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"MJPG"), 25, (width, height))
    for image in images:
        writer.write(image)
    writer.release()
    return str(target)


def empty_clip(world: World) -> str:
    """Nobody."""
    return played(world, [GREY] * 25)


def without_face(world: World, **changes: object) -> None:
    """A worker who gave no face."""
    with open_store(world.settings("worker.avi")) as store:
        store.put_worker(worker(**{"passes": (grant(), badge_grant()), **changes}), ())


def told(seen: list[Recorded]) -> list[tuple[Method, Outcome, tuple[str, ...], str | None]]:
    return [(r.event.method, r.event.outcome, r.event.reasons, r.event.worker_id) for r in seen]


@pytest.mark.parametrize("angle_deg", [0, 90, 180, 251])
@pytest.mark.parametrize("module_px", [2.0, 3.0, 6.0])
def test_a_code_is_read_any_way_up_small_and_large(world: World, angle_deg: float, module_px: float) -> None:
    image = next(iter(frames_of(world.footage / "worker.avi")))
    hold = Hold(module_px, y=0.5, angle_deg=angle_deg, tilt_deg=20, motion_px=0.5 * module_px)
    assert read_codes(held_up(image, TEXT, hold)) == [TEXT]


def test_a_cropped_code_and_one_of_the_next_lane_are_not_read(world: World) -> None:
    image = next(iter(frames_of(world.footage / "worker.avi")))
    assert read_codes(held_up(image, TEXT, Hold(4.0, y=1.0))) == []
    beside = held_up(image, TEXT, Hold(3.0, x=0.2, y=0.5))
    assert read_codes(beside) == [TEXT]
    assert read_codes(beside, left=0.4) == []


@pytest.mark.slow
def test_who_gave_no_face_is_let_in_by_the_pass(world: World) -> None:
    without_face(world)
    service, seen = world.gate(with_code(world, "stranger.avi", TEXT))
    service.start()
    service.wait_ended()
    assert told(seen) == [(Method.QR, Outcome.ALLOW, ("ok", "pass_alone"), WORKER)]
    assert seen[0].opened_at_s is not None
    assert seen[0].event.note == f"pass {PASS_ID}"
    answer = service.lane("lane-1").answer
    assert answer is not None
    assert answer.shown_name
    service.stop()
    with open_store(world.settings("worker.avi")) as store:
        assert [one.event_id for one in store.events()] == [seen[0].event.event_id]
        assert TEXT not in store.events()[0].model_dump_json()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"valid_until": datetime.now(UTC) - timedelta(seconds=1)}, "pass_expired"),
        ({"valid_from": datetime.now(UTC) + timedelta(days=1)}, "pass_not_yet"),
        ({"revoked_at": datetime.now(UTC)}, "pass_revoked"),
        ({"digest": "0" * 64}, "pass_unknown"),
    ],
)
def test_a_pass_that_does_not_count_is_refused_with_its_reason(
    world: World, changes: dict[str, object], reason: str
) -> None:
    without_face(world, passes=(grant(**changes),))
    seen = world.play(alone(world, TEXT))
    assert [(r.event.method, r.event.outcome, r.event.reasons[0]) for r in seen] == [
        (Method.QR, Outcome.DENY, reason)
    ]
    assert seen[0].opened_at_s is None


@pytest.mark.slow
def test_what_the_policy_asks_of_a_face_it_asks_of_a_pass(world: World) -> None:
    without_face(world, clearances=())
    (recorded,) = world.play(alone(world, TEXT))
    assert recorded.event.reasons[0] == "training_missing"
    without_face(world)
    policy = PolicySettings(without_face="hold")
    (recorded,) = world.play(alone(world, TEXT), policy=policy)
    assert (recorded.event.outcome, recorded.event.reasons) == (Outcome.HOLD, ("pass_alone",))


@pytest.mark.slow
def test_the_face_of_one_worker_with_the_pass_of_another_is_for_the_guard(world: World) -> None:
    world.enrol()
    with open_store(world.settings("worker.avi")) as store:
        store.put_worker(worker(worker_id="B003", name="示例丙", passes=(grant(),)), ())
    (recorded,) = world.play(with_code(world, "worker.avi", TEXT))
    assert told([recorded]) == [(Method.QR, Outcome.HOLD, ("pass_face_differs",), "B003")]
    assert recorded.event.note == f"pass {PASS_ID}, face of {WORKER}"
    assert recorded.opened_at_s is None


@pytest.mark.slow
def test_the_holder_s_own_face_makes_the_pass_needless(world: World) -> None:
    world.enrol(worker(passes=(grant(),)))
    (recorded,) = world.play(with_code(world, "worker.avi", TEXT))
    assert told([recorded]) == [(Method.FACE, Outcome.ALLOW, ("ok",), WORKER)]


@pytest.mark.slow
def test_other_codes_are_passed_over(world: World) -> None:
    without_face(world)
    assert world.play(alone(world, "HTTPS://EXAMPLE.ORG/HEALTH")) == []


def signed(**changes: object) -> str:
    now = datetime.now(UTC)
    says = {
        "pass_id": PASS_ID, "worker_id": WORKER, "site_id": "demo-site", "issued_at": now,
        "valid_from": now - timedelta(minutes=1), "valid_until": now + timedelta(hours=1),
    }  # fmt: skip
    return sign(EntryPass.model_validate(says | changes), KEY)


@pytest.mark.slow
def test_signed_passes_count_when_their_issuer_is_trusted_and_they_hold(world: World) -> None:
    without_face(world, passes=())
    service, _ = world.gate(empty_clip(world))
    book = service._pass_book
    trusted = signed()
    reading = book.code(trusted)
    assert reading is not None
    assert reading.problem == "pass_forged"
    with open_store(world.settings("worker.avi")) as store:
        store.put_state(ISSUERS_STATE, [KEY.public_key().public_bytes_raw().hex()])

    def problem(text: str) -> str | None:
        found = book.code(text)
        assert found is not None
        return found.problem

    now = datetime.now(UTC)
    assert problem(trusted) is None
    assert problem(signed(site_id="elsewhere")) == "pass_other_site"
    assert problem(signed(valid_until=now - timedelta(seconds=1))) == "pass_expired"
    assert problem(signed(valid_from=now + timedelta(hours=1), valid_until=now + timedelta(hours=2)))
    assert problem(trusted[:-1] + ("A" if trusted[-1] != "A" else "B")) in ("pass_forged", "pass_unknown")
    without_face(world, passes=(grant(revoked_at=now),))
    assert problem(trusted) == "pass_revoked"


def test_the_centre_s_key_counts_as_soon_as_its_file_is_there_and_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path, reading = tmp_path / "centre.pub", Mock(wraps=read_public_key)
    monkeypatch.setattr(pass_book, "read_public_key", reading)
    with LocalStore.open(tmp_path / "gate.db", StoreKey.load(tmp_path / "k", "", create=True)) as store:
        book = PassBook(store, site_id="demo-site", clock=SystemClock(), centre_key_file=path)

        def problem() -> str | None:
            found = book.code(signed())
            assert found is not None
            return found.problem

        assert [problem(), problem()] == ["pass_forged"] * 2
        assert caplog.text.count("passes by the centre do not count") == 1
        for key, expected in ((KEY, None), (Ed25519PrivateKey.generate(), "pass_forged"), (KEY, None)):
            made = tmp_path / "new.pub"
            made.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
            made.replace(path)
            assert [problem(), problem()] == [expected] * 2
    assert reading.call_count == 4


@pytest.mark.slow
def test_a_forged_code_opens_nothing_and_a_replayed_one_is_noted_and_ends_with_its_pass(
    world: World,
) -> None:
    without_face(world, passes=())
    forged = held_up(GREY, signed(), Hold(module_px=4.0, y=0.5, angle_deg=180))  # of an issuer not known here
    (recorded,) = world.play(played(world, [forged] * 10))
    assert (recorded.event.outcome, recorded.event.reasons[0]) == (Outcome.DENY, "pass_forged")
    assert (recorded.opened_at_s, recorded.event.worker_id) == (None, None)

    clock = ManualClock(datetime.now(UTC))
    with open_store(world.settings("worker.avi")) as store:
        store.put_state(ISSUERS_STATE, [KEY.public_key().public_bytes_raw().hex()])
        book = PassBook(store, site_id="demo-site", clock=clock)
        code = signed(valid_until=clock.now() + timedelta(minutes=30))
        first = book.code(code)
        assert first is not None
        assert first.problem is None
        book.opened(first, "lane-1")
        photographed = book.code(code)
        assert photographed is not None
        assert book.used_elsewhere(photographed, "lane-2")
        clock.advance(30 * 60)
        late = book.code(code)
        assert late is not None
        assert late.problem == "pass_expired"


@pytest.mark.slow
def test_a_badge_opens_and_the_same_badge_at_the_next_lane_is_noted(world: World) -> None:
    without_face(world)
    service, seen, lanes = at_two_lanes(world)
    service.start()
    lanes[0].hold(BADGE)
    eventually(lambda: len(seen) == 1)
    assert told(seen) == [(Method.BADGE, Outcome.ALLOW, ("ok", "pass_alone"), WORKER)]
    lanes[1].hold("0004-7712-33")
    eventually(lambda: len(seen) == 2)
    assert seen[1].event.reasons == ("ok", "pass_alone", "pass_used_elsewhere")
    lanes[0].hold("99999999")
    eventually(lambda: len(seen) == 3)
    assert (seen[2].event.outcome, seen[2].event.reasons) == (Outcome.DENY, ("pass_unknown",))
    lanes[0].problem = "unplugged"
    assert service.lane("lane-1").health.pass_reader == "unplugged"


@pytest.mark.slow
def test_one_badge_of_two_workers_is_for_the_guard_and_nobody_known_is_locked_in(world: World) -> None:
    without_face(world)
    with open_store(world.settings("worker.avi")) as store:
        store.put_worker(worker(worker_id="B003", passes=(badge_grant(),)), ())
    service, seen, lanes = at_two_lanes(world, Direction.OUT)
    service.start()
    lanes[0].hold(BADGE)
    eventually(lambda: len(seen) == 1)
    assert (seen[0].event.outcome, seen[0].event.reasons) == (Outcome.HOLD, ("pass_ambiguous",))
    ended = badge_grant().model_copy(update={"valid_until": datetime.now(UTC)})
    with open_store(world.settings("worker.avi")) as store:
        store.remove_worker("B003")
        store.put_worker(worker(passes=(ended,)), ())
    lanes[1].hold(BADGE)
    eventually(lambda: len(seen) == 2)
    assert (seen[1].event.outcome, seen[1].event.reasons) == (Outcome.ALLOW, ("ok", "pass_expired"))


def at_two_lanes(
    world: World, direction: Direction = Direction.IN
) -> tuple[GateService, list[Recorded], list[SimulatedBadgeReader]]:
    settings = world.settings(empty_clip(world))
    readers = PassReaderSettings(badge=BadgeReaderSettings(driver="simulated"))
    source = settings.lanes[0].source.model_copy(update={"pace": "realtime", "loop": True})
    lanes = tuple(
        LaneSettings(id=lane_id, direction=direction, source=source, pass_reader=readers)
        for lane_id in ("lane-1", "lane-2")
    )
    service, seen = world.gate(empty_clip(world), lanes=lanes)
    found = [service.badge_reader(lane.id) for lane in lanes]
    assert all(isinstance(one, SimulatedBadgeReader) for one in found)
    return service, seen, [one for one in found if isinstance(one, SimulatedBadgeReader)]


def eventually(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.02)
