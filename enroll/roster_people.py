"""Cells of a roster row → papers and consent of a person. Pure: text and what is known in, records out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from enroll.errors import RowRefused
from enroll.identity import GUARDIAN_BELOW_YEARS, needs_guardian
from enroll.roster_file import RosterRow
from enroll.roster_values import cell_word, parse_instant, plain_width
from sync.people import Consent, DocumentType, Person, Sex
from sync.resident_number import (
    DOCUMENT_WORDS,
    DocumentNumberInvalid,
    check_document,
    parse_resident_number,
)

SEX_WORDS: Mapping[str, Sex] = {
    **{sex.value: sex for sex in Sex},
    "女": Sex.FEMALE,
    "男": Sex.MALE,
    "f": Sex.FEMALE,
    "m": Sex.MALE,
}


@dataclass(frozen=True, slots=True)
class FaceAnswers:
    """What is known of a worker's answers about the face.

    yes_at  of the newest consent that was not withdrawn; no_at: of the newest refusal or withdrawal
    """

    yes_at: datetime | None = None
    no_at: datetime | None = None

    @property
    def allowed(self) -> bool | None:
        """None: nobody was ever asked."""
        if self.yes_at and (self.no_at is None or self.yes_at > self.no_at):
            return True
        return None if self.no_at is None else False


@dataclass(frozen=True, slots=True)
class FaceDecision:
    """Whether the photos of a row may become templates; `consent` is new, `reason` says why not."""

    allowed: bool
    consent: Consent | None = None
    reason: str = ""
    next_step: str = ""


def person_from(row: RosterRow, known: Person | None, *, today: date) -> Person | None:
    """The papers that a row describes, on top of what is `known`; None where no number is known.

    An empty cell keeps what is known. Birth date and sex of a resident number are taken from it and compared
    with the cells.

    Raises:
        RowRefused: a number, date or word that does not fit.
    """
    number = row["document_number"]
    if not number and known is None:
        return None
    kind = cell_word(row, "document_type", DOCUMENT_WORDS)
    if kind is None:
        kind = known.document_type if known else DocumentType.RESIDENT_ID
    birth_date, sex = birth_date_of(row, today), cell_word(row, "sex", SEX_WORDS)
    try:
        canonical = check_document(kind, number or (known.document_number if known else ""), today)
        if kind is DocumentType.RESIDENT_ID:
            facts = parse_resident_number(canonical, today)
            _agree("birth_date", birth_date, facts.birth_date)
            _agree("sex", sex, facts.sex)
            birth_date, sex = facts.birth_date, facts.sex
    except DocumentNumberInvalid as error:
        raise RowRefused(f"document_number: {error}", next_step=error.next_step) from error
    values = {
        **(dict(known) if known else {}),
        "worker_id": plain_width(row["worker_id"]),
        "document_type": kind,
        "document_number": canonical,
    }
    given = {"birth_date": birth_date, "sex": sex, "address": row["address"]}
    values.update({name: value for name, value in given.items() if value})
    try:
        return Person.model_validate(values)
    except ValidationError as error:
        raise RowRefused(
            "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors()),
            next_step="Correct the cell; docs/roster.md says what each column takes.",
        ) from error


def birth_date_of(row: RosterRow, today: date) -> date | None:
    """What the row itself says. Raises RowRefused: no date, or one that lies in the future."""
    if not row["birth_date"]:
        return None
    day = _day(row, "birth_date")
    if day > today:
        raise RowRefused(f"birth_date: {day} lies in the future", next_step="Correct the date.")
    return day


def face_decision(
    row: RosterRow,
    answers: FaceAnswers,
    *,
    birth_date: date | None,
    zone: ZoneInfo,
    now: datetime,
    required: bool,
    recorded_by: str,
) -> FaceDecision:
    """Whether photos of this row may be used; on a consent only of somebody whose age is known.

    required  a consent must be known; without it, photos are used where nobody was asked and the file is
              silent about consent

    Raises:
        RowRefused: a consent of a later day than today, or one without the version of its text.
    """
    consent = _consent(row, zone, now, recorded_by)
    is_by_consent = consent is not None or bool(answers.allowed)
    if refusal := _age_refusal(birth_date, now.astimezone(zone).date(), is_by_consent=is_by_consent):
        return refusal
    if consent is not None:
        if answers.no_at and consent.given_at.date() <= answers.no_at.astimezone(zone).date():
            return _withdrawn(answers.no_at, zone)
        is_new = answers.yes_at is None or consent.given_at > answers.yes_at
        return FaceDecision(True, consent if is_new else None)
    if answers.allowed is False and answers.no_at:
        return _withdrawn(answers.no_at, zone)
    if answers.allowed is None and (required or "consent_on" in row.cells):
        return FaceDecision(
            False,
            reason="no consent: the face was not registered",
            next_step="Fill consent_on and consent_version, or use a QR pass or badge.",
        )
    return FaceDecision(True)


def answers_from(
    consents: Sequence[tuple[Consent, datetime | None]], withdrawn_at: Sequence[datetime]
) -> FaceAnswers:
    """Sum up the consents for the face, each with the time of its withdrawal, and all withdrawals."""
    face = [(consent, taken_back) for consent, taken_back in consents if consent.kind == "face"]
    yes = [consent.given_at for consent, taken_back in face if consent.granted and taken_back is None]
    no = [consent.given_at for consent, _ in face if not consent.granted]
    # An erasure told at the centre or at another kiosk is known by the consent that it ended.
    no += [taken_back for _, taken_back in face if taken_back is not None]
    return FaceAnswers(max(yes, default=None), max([*no, *withdrawn_at], default=None))


def _age_refusal(birth_date: date | None, today: date, *, is_by_consent: bool) -> FaceDecision | None:
    """On a table nobody has asked a guardian."""
    if birth_date is None and is_by_consent:
        return FaceDecision(
            False,
            reason=f"no birth date: under {GUARDIAN_BELOW_YEARS} a guardian must consent to the face",
            next_step="Fill birth_date, or register the face at the kiosk.",
        )
    if birth_date is None or not needs_guardian(birth_date, today):
        return None
    return FaceDecision(
        False,
        reason=f"under {GUARDIAN_BELOW_YEARS}: a guardian must consent to the face",
        next_step="Register the face at the kiosk, together with the guardian.",
    )


def _consent(row: RosterRow, zone: ZoneInfo, now: datetime, recorded_by: str) -> Consent | None:
    if not row["consent_on"]:
        return None
    day = _day(row, "consent_on")
    if day > now.astimezone(zone).date():
        raise RowRefused(f"consent_on: {day} lies in the future", next_step="Correct the date.")
    version = row["consent_version"]
    if not version:
        raise RowRefused(
            "consent_version is empty", next_step="Say which version of the text was signed, e.g. 2026-01."
        )
    worker_id = plain_width(row["worker_id"])
    # The same answer in the same file is one consent, however often it is imported.
    identity = hashlib.sha256("\0".join((worker_id, "face", str(day), version)).encode())
    return Consent(
        consent_id=identity.hexdigest()[:32],
        worker_id=worker_id,
        granted=True,
        text_version=version,
        how="import",
        given_at=datetime.combine(day, time(), tzinfo=zone),
        recorded_by=recorded_by,
    )


def _withdrawn(at: datetime, zone: ZoneInfo) -> FaceDecision:
    day = at.astimezone(zone).date()
    return FaceDecision(
        False,
        reason=f"the consent was refused or withdrawn on {day}: the face was not registered",
        next_step="Only a newer consent changes that; until then use a QR pass or badge.",
    )


def _day(row: RosterRow, column: str) -> date:
    try:
        # Only the day counts, so the zone does not.
        return parse_instant(plain_width(row[column]), ZoneInfo("UTC"), until=False).date()
    except (ValueError, OverflowError) as error:
        raise RowRefused(
            f"{column}: {row[column]!r} is no date", next_step="Write YYYY-MM-DD: 2026-03-31."
        ) from error


def _agree(column: str, cell: object, from_number: object) -> None:
    if cell and cell is not Sex.UNSTATED and cell != from_number:
        raise RowRefused(
            f"{column} does not fit the resident number", next_step="Compare both with the paper."
        )
