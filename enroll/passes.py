"""Handing out QR passes and badges: issue, show again, replace, take back. Why so: docs/decisions/passes.md.

The pass itself is not kept anywhere: the kiosk makes it again from its own key, the roster has its sha256.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from enroll.errors import EnrollError
from enroll.roster_config import RosterConfig
from sync.passes import ISSUERS_STATE, EntryPass, badge_digest, fixed_pass, sign
from sync.people import Attachment, Enrolment
from sync.records import Method, PassGrant, Worker
from sync.store import LocalStore
from sync.wire.keys import private_pem, read_private_key, write_private

KEY_FILE = "pass.key"
"""Beside the store; mode 0600, made at the first pass."""

REVOKED_KEPT = 4
"""Withdrawn passes of one worker that stay in the roster, so that a gate says so instead of "unknown"."""

LONGEST_SIGNED = timedelta(days=7)


class BadgeTaken(EnrollError, ValueError):
    """The badge is somebody else's."""


class PassMissing(EnrollError, LookupError):
    """The worker has no such pass, or it was made elsewhere."""


@dataclass(frozen=True, slots=True)
class ShownPass:
    """A pass as it goes on a screen or a card. `text` opens a gate: never into a log or a web address."""

    worker: Worker
    text: str = field(repr=False)
    valid_from: datetime | None
    valid_until: datetime | None


def holding(worker: Worker, method: Method, now: datetime) -> PassGrant | None:
    """The worker's newest pass of that kind that was not taken back and has not ended."""
    return next(
        (
            grant
            for grant in reversed(worker.passes)
            if grant.method is method
            and grant.revoked_at is None
            and (grant.valid_until is None or now < grant.valid_until)
        ),
        None,
    )


def revoked(worker: Worker, pass_ids: set[str], now: datetime) -> Worker:
    """The worker without these passes; the latest withdrawn ones are remembered."""
    passes = [
        grant.model_copy(update={"revoked_at": now})
        if grant.pass_id in pass_ids and grant.revoked_at is None
        else grant
        for grant in worker.passes
    ]
    gone = [grant for grant in passes if grant.revoked_at is not None]
    forgotten = {grant.pass_id for grant in gone[:-REVOKED_KEPT]}
    return worker.model_copy(
        update={"passes": tuple(grant for grant in passes if grant.pass_id not in forgotten)}
    )


class PassOffice:
    """What kiosk page and commands do with passes; `by` is who does it. Every call blocks for the store."""

    def __init__(self, store: LocalStore, settings: RosterConfig, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._site_id = settings.site.id
        self._key_file: Path = store.path.parent / KEY_FILE
        self._now = now

    def issue(self, worker_id: str, *, by: str, valid_until: datetime | None = None) -> ShownPass:
        """A new QR pass; the old one ends with it.

        valid_until  exclusive; None: as long as the worker's own permission

        Raises:
            UnknownWorker: no such worker.
            EnrollError: it would end before it began.
            SecretUnsafe: the key file is not safe.
        """
        worker, now = self._store.worker(worker_id), self._now()
        if valid_until is not None and valid_until <= now:
            raise EnrollError("the pass would have expired already", next_step="Give a later day.")
        grant = PassGrant(method=Method.QR, digest="0" * 64, valid_from=now, valid_until=valid_until)
        made = fixed_pass(self._key(), grant.pass_id)
        kept = self._without(worker, Method.QR)
        given = kept.model_copy(
            update={"passes": (*kept.passes, grant.model_copy(update={"digest": made.digest}))}
        )
        self._keep(given, by=by, note="QR pass issued")
        return ShownPass(given, made.text, grant.valid_from, grant.valid_until)

    def show(self, worker_id: str) -> ShownPass:
        """The pass that the worker has, again.

        Raises:
            UnknownWorker: no such worker.
            PassMissing: none, or it was issued at another kiosk, whose key made it.
        """
        worker = self._store.worker(worker_id)
        grant = holding(worker, Method.QR, self._now())
        if grant is None:
            raise PassMissing(f"worker {worker_id} has no QR pass", next_step="Issue one.")
        made = fixed_pass(self._key(), grant.pass_id)
        if made.digest != grant.digest:
            raise PassMissing(
                f"the QR pass of {worker_id} was issued elsewhere and cannot be shown here",
                next_step="Show it there, or issue a new one: the old one then ends.",
            )
        return ShownPass(worker, made.text, grant.valid_from, grant.valid_until)

    def holds_pass(self, worker_id: str) -> bool:
        """Whether the worker has a QR pass that counts. Raises UnknownWorker."""
        return holding(self._store.worker(worker_id), Method.QR, self._now()) is not None

    def sign(self, worker_id: str, *, by: str, lasts: timedelta) -> ShownPass:
        """A signed pass for a short time, for gates on this store; nothing changes in the roster.

        Raises UnknownWorker, SecretUnsafe; EnrollError for a time that is none or too long.
        """
        if not timedelta(0) < lasts <= LONGEST_SIGNED:
            raise EnrollError(
                f"a signed pass lasts up to {LONGEST_SIGNED.days} days", next_step="Issue a lasting pass."
            )
        worker, now = self._store.worker(worker_id), self._now()
        key = self._key()
        says = EntryPass(
            pass_id=PassGrant(method=Method.QR, digest="0" * 64).pass_id,
            worker_id=worker_id,
            site_id=self._site_id,
            issued_at=now,
            valid_from=now,
            valid_until=now + lasts,
        )
        self._store.put_audit(
            by, "signed_pass", subject=worker_id, detail={"until": says.valid_until.isoformat()}
        )
        return ShownPass(worker, sign(says, key), says.valid_from, says.valid_until)

    def assign_badge(self, worker_id: str, number: str, *, by: str) -> Worker:
        """The worker's badge is this one now, and no other.

        Raises:
            UnknownWorker: no such worker.
            PassRefused: that is no badge number.
            BadgeTaken: somebody else has it.
        """
        worker, digest = self._store.worker(worker_id), badge_digest(number)
        for other in self._store.pass_holders(digest):
            holds = any(one.digest == digest and one.revoked_at is None for one in other.passes)
            if other.worker_id != worker_id and holds:
                raise BadgeTaken(
                    f"that badge belongs to {other.worker_id} {other.name}",
                    next_step="Take it back there first, or use another badge.",
                )
        kept = self._without(worker, Method.BADGE)
        grant = PassGrant(method=Method.BADGE, digest=digest, valid_from=self._now())
        given = kept.model_copy(update={"passes": (*kept.passes, grant)})
        self._keep(given, by=by, note="badge assigned")
        return given

    def revoke(self, worker_id: str, method: Method, *, by: str) -> Worker:
        """Take QR passes or badges of a worker back. Raises UnknownWorker, PassMissing."""
        worker = self._store.worker(worker_id)
        without = self._without(worker, method)
        if without == worker:
            raise PassMissing(f"worker {worker_id} has none to take back", next_step="Nothing to do.")
        self._keep(without, by=by, note=f"{method.value} taken back")
        return without

    def agreed_photo(self, worker_id: str) -> Attachment | None:
        """For the card: the photo, if the latest answer about the face was yes and was not taken back."""
        answers = [one for one in self._store.consents(worker_id) if one.consent.kind == "face"]
        if not answers or not answers[0].consent.granted or answers[0].withdrawn_at is not None:
            return None
        pictures = self._store.attachments(worker_id)
        return next((one for one in pictures if one.kind == "photo" and one.media_type == "image/jpeg"), None)

    def _without(self, worker: Worker, method: Method) -> Worker:
        now = self._now()
        ids = {one.pass_id for one in worker.passes if one.method is method and one.revoked_at is None}
        return revoked(worker, ids, now) if ids else worker

    def _keep(self, worker: Worker, *, by: str, note: str) -> None:
        self._store.enrol(Enrolment(worker=worker, enrolled_at=self._now(), recorded_by=by, note=note))
        self._store.put_audit(by, note.replace(" ", "_"), subject=worker.worker_id)

    def _key(self) -> Ed25519PrivateKey:
        """The kiosk's own key; the gates on this store learn to trust it when it is made."""
        if not self._key_file.exists():
            with suppress(FileExistsError):  # another process made it in this moment
                write_private(self._key_file, private_pem(Ed25519PrivateKey.generate()))
        key = read_private_key(self._key_file)
        mine = key.public_key().public_bytes_raw().hex()
        known = self._store.state(ISSUERS_STATE)
        trusted = [str(one) for one in known] if isinstance(known, list) else []
        if mine not in trusted:
            self._store.put_state(ISSUERS_STATE, [*trusted, mine])
        return key
