"""A kiosk whose camera plays a video, with a registration that has come to the capture.

`python -m tests.enroll.capture_server FOLDER VIDEO [--known]` serves until stdin ends; it prints the address.
With `--known` the person in the video is registered already under another number.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

import cv2
import numpy as np

from enroll.kiosk.office import KioskOffice
from enroll.kiosk.server import run_kiosk
from enroll.registration import Signature
from enroll.roster_config import RosterConfig
from enroll.settings import KioskSettings
from models.sources.settings import SourceSettings
from sync.people import Attachment, Enrolment
from sync.records import Template, Worker
from tests.enroll.kiosk_samples import MANAGER, SIGNATURE, an_office, typed


def enlarged(clip: Path, to: Path, *, times: int) -> Path:
    """The same video, larger: a small film becomes what a camera yields."""
    capture = cv2.VideoCapture(str(clip))
    writer = None
    while True:
        ok, frame = capture.read()
        if not ok:
            break
        large = cv2.resize(frame, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
        if writer is None:
            height, width = large.shape[:2]
            writer = cv2.VideoWriter(str(to), cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (width, height))
        writer.write(large)
    assert writer is not None
    writer.release()
    return to


def begin(office: KioskOffice) -> str:
    """A draft of the manager with identity and consent; its id."""
    draft = office.drafts.begin(MANAGER)
    assert office.registration.put_identity(draft.draft_id, typed(office)).problems == {}
    office.registration.put_consent(
        draft.draft_id,
        office.consent_texts.current("zh"),
        granted=True,
        signature=Signature(strokes=SIGNATURE),
        by=MANAGER,
    )
    return draft.draft_id


def register_person_of(office: KioskOffice, video: Path) -> None:
    """Somebody is registered from the first frame with a face."""
    capture = cv2.VideoCapture(str(video))
    faces, frame = [], np.zeros((1, 1, 3), np.uint8)
    while not faces:
        ok, raw = capture.read()
        assert ok
        frame = np.asarray(raw, np.uint8)
        faces = office.engine.faces(frame)
    engine, now = office.engine, office.now()
    template = Template(
        worker_id="W-900",
        model=engine.embedder_name,
        model_version=engine.embedder_version,
        vector=engine.templates(faces[:1])[0].astype("<f4").tobytes(),
        quality=80,
        created_at=now,
    )
    worker = Worker(
        worker_id="W-900", name="示例老王", site_ids=("demo-site",), employer="示例一局", team="木工班"
    )
    photo = cv2.imencode(".jpg", frame)[1].tobytes()
    office.store.enrol(
        Enrolment(worker=worker, templates=(template,), enrolled_at=now),
        attachments=[Attachment(worker_id="W-900", kind="photo", content=photo, created_at=now)],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("--known", action="store_true")
    arguments = parser.parse_args()
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    source = SourceSettings(kind="video", path=arguments.video, loop=True)
    settings = RosterConfig(kiosk=KioskSettings(port=0, source=source))
    with an_office(arguments.folder, settings=settings) as office:
        if arguments.known:
            register_person_of(office, arguments.video)
        begin(office)
        run_kiosk(office, on_ready=lambda url: print(url, flush=True), stop=stop)


if __name__ == "__main__":
    main()
