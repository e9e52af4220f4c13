"""The identity page, checked: what was typed becomes a `Worker` and a `Person`, or a problem per field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from enroll.id_reader import IdCard
from sync.declarations import VisitorPapers
from sync.people import DocumentType, Person, Sex
from sync.records import Identifier, Record, Worker
from sync.resident_number import (
    DocumentNumberInvalid,
    DocumentProblem,
    check_document,
    parse_resident_number,
)
from sync.words import Words

GUARDIAN_BELOW_YEARS = 14
"""Personal Information Protection Law, article 31."""
WORK_FROM_YEARS = 16
"""Labour Law, article 15: nobody younger may be employed."""

FIELDS = (
    "name", "document_type", "document_number", "birth_date", "sex", "phone", "address", "employer", "team",
    "trade", "site_ids", "grant_from", "grant_until", "worker_id",
)  # fmt: skip
"""Keys of what is typed; `site_ids` are separated by spaces, dates are YYYY-MM-DD, `grant_until` included."""

_PHONE = re.compile(r"\+?[0-9][0-9 \-]{4,24}")
_LONGEST_TEXT = 200
_LONGEST_VISITOR_PHONE = 20
VISITOR_FIELDS = ("name", "phone", "document_type", "document_number")

NAME_MISSING = Words("请填写姓名", "A name is needed")
NAME_LONG = Words("最多 100 个字", "At most 100 characters")
TEXT_LONG = Words("最多 200 个字", "At most 200 characters")
NOT_A_DATE = Words("没有这个日期，格式 2026-03-31", "No such date; write 2026-03-31")
BIRTH_DIFFERS = Words("与证件号码中的出生日期不一致", "Differs from the birth date in the number")
BIRTH_FUTURE = Words("出生日期晚于今天", "The birth date lies in the future")
SEX_DIFFERS = Words("与证件号码中的性别不一致", "Differs from the sex in the number")
PHONE_MISSING = Words("请填写手机号", "A phone number is needed")
PHONE_ODD = Words("电话只能包含数字、空格、短横和开头的 +", "Digits, spaces, dashes and a leading + only")
SITE_MISSING = Words("至少选择一个工地", "Choose at least one site")
GRANT_BACKWARDS = Words("截止日期早于开始日期", "It ends before it begins")
GRANT_OVER = Words("截止日期已过", "It has ended already")
NUMBER_ODD = Words("1–64 个字符，不含空格和 / + #", "1 to 64 characters without space, / + #")
NUMBER_TAKEN = Words("此工号已被使用", "This number is taken")
TOO_YOUNG = Words(
    "未满 16 周岁：不得招用为工人，请确认身份。", "Under 16: may not be employed. Please check who this is."
)
BIRTH_UNKNOWN = Words(
    "登记人脸须先填写出生日期，请返回填写", "For a face the birth date is needed: go back and fill it in"
)
NEEDS_GUARDIAN = Words("未满 14 周岁：同意书须由监护人签字。", "Under 14: a guardian must sign the consent.")
DOCUMENT_PROBLEMS = {
    DocumentProblem.EMPTY: Words("请填写证件号码", "A document number is needed"),
    DocumentProblem.LENGTH: Words(
        "身份证号码应为 18 位（旧证 15 位）", "A resident number has 18 digits (15 once)"
    ),
    DocumentProblem.CHARACTERS: Words("只能是数字，末位可为 X", "Digits only, X at the end"),
    DocumentProblem.SHAPE: Words("与所选证件类型的格式不符", "Not the shape of this kind of document"),
    DocumentProblem.REGION: Words("前两位不是任何省份的代码", "No province has the first two digits"),
    DocumentProblem.DATE: Words("号码中的出生日期不存在", "There is no such birth date"),
    DocumentProblem.FUTURE: Words("号码中的出生日期晚于今天", "The birth date lies in the future"),
    DocumentProblem.TOO_OLD: Words("号码中的出生日期过早", "The birth date is too long ago"),
    DocumentProblem.CHECKSUM: Words(
        "校验位不符，请逐位核对", "The last digit does not fit: compare each digit"
    ),
}


class _Number(Record):
    """Only to check a worker number as the records do."""

    worker_id: Identifier


@dataclass(frozen=True, slots=True)
class Derived:
    """What a resident number says by itself."""

    birth_date: date
    sex: Sex


@dataclass(frozen=True, slots=True)
class Identity:
    """The outcome of a check: `worker` and `person` where there is no problem.

    problems  by field; the page shows each below its field
    """

    problems: Mapping[str, Words]
    worker: Worker | None = field(default=None, repr=False)
    person: Person | None = field(default=None, repr=False)


def derived(document_type: str, number: str, today: date) -> Derived | None:
    """Birth date and sex out of a number that holds them, else None."""
    try:
        canonical = check_document(DocumentType(document_type), number, today)
        if document_type == DocumentType.RESIDENT_ID:
            found = parse_resident_number(canonical, today)
            return Derived(found.birth_date, found.sex)
    except ValueError:
        pass
    return None


def document_problem(document_type: str, number: str, today: date) -> Words | None:
    """What is wrong with a number, for the live check below its field."""
    try:
        check_document(DocumentType(document_type), number, today)
    except DocumentNumberInvalid as error:
        return DOCUMENT_PROBLEMS[error.reason]
    return None


def check_identity(
    typed: Mapping[str, str], *, today: date, zone: ZoneInfo, number_is_taken: bool = False
) -> Identity:
    """Everything that was typed, at once. `number_is_taken`: another worker has the typed number."""
    values = {name: typed.get(name, "").strip() for name in FIELDS}
    problems: dict[str, Words] = {}
    _check_texts(values, problems)
    number = _document_number(values, today, problems)
    birth_date, sex = _birth_and_sex(values, number, today, problems)
    grant_from, grant_until = _grant(values, today, zone, problems)
    if number_is_taken:
        problems["worker_id"] = NUMBER_TAKEN
    if problems or number is None:
        return Identity(problems)
    worker = Worker(
        worker_id=values["worker_id"],
        name=values["name"],
        site_ids=tuple(values["site_ids"].split()),
        employer=values["employer"],
        team=values["team"],
        trade=values["trade"],
        phone=values["phone"],
        grant_from=grant_from,
        grant_until=grant_until,
    )
    person = Person(
        worker_id=values["worker_id"],
        document_type=DocumentType(values["document_type"]),
        document_number=number,
        birth_date=birth_date,
        sex=sex,
        address=values["address"],
    )
    return Identity({}, worker, person)


def check_visitor(typed: Mapping[str, str], *, today: date) -> tuple[VisitorPapers | None, dict[str, Words]]:
    """Name, phone and document of somebody who is not registered; else what is wrong, by field."""
    values = {name: typed.get(name, "").strip() for name in VISITOR_FIELDS}
    problems: dict[str, Words] = {}
    _check_name_and_phone(values, problems)
    if not values["phone"]:
        problems["phone"] = PHONE_MISSING
    elif len(values["phone"]) > _LONGEST_VISITOR_PHONE:
        problems["phone"] = PHONE_ODD
    number = _document_number(values, today, problems)
    if problems or number is None:
        return None, problems
    kind = DocumentType(values["document_type"])
    papers = VisitorPapers(
        name=values["name"], phone=values["phone"], document_type=kind, document_number=number
    )
    return papers, {}


def age_years(birth_date: date, today: date) -> int:
    """Completed years; somebody born on 29 February has a birthday on 1 March in other years."""
    had_birthday = (today.month, today.day) >= (birth_date.month, birth_date.day)
    return today.year - birth_date.year - (0 if had_birthday else 1)


def needs_guardian(birth_date: date, today: date) -> bool:
    """Whether a guardian must sign for this person. Without a birth date nobody can say: no face then."""
    return age_years(birth_date, today) < GUARDIAN_BELOW_YEARS


def age_notices(birth_date: date | None, today: date) -> tuple[Words, ...]:
    """What somebody should look at before the consent, though it may be right."""
    if birth_date is None:
        return (BIRTH_UNKNOWN,)
    if age_years(birth_date, today) >= WORK_FROM_YEARS:
        return ()
    return (NEEDS_GUARDIAN, TOO_YOUNG) if needs_guardian(birth_date, today) else (TOO_YOUNG,)


def typed_from_card(card: IdCard) -> dict[str, str]:
    """The fields that a card fills in."""
    found = {
        "name": card.name,
        "document_type": card.document_type.value,
        "document_number": card.number,
        "sex": "" if card.sex is Sex.UNSTATED else card.sex.value,
        "birth_date": card.birth_date.isoformat() if card.birth_date else "",
        "address": card.address,
    }
    return {name: value for name, value in found.items() if value}


def _check_name_and_phone(values: Mapping[str, str], problems: dict[str, Words]) -> None:
    if not values["name"]:
        problems["name"] = NAME_MISSING
    elif len(values["name"]) > 100:
        problems["name"] = NAME_LONG
    if values["phone"] and not _PHONE.fullmatch(values["phone"]):
        problems["phone"] = PHONE_ODD


def _check_texts(values: Mapping[str, str], problems: dict[str, Words]) -> None:
    _check_name_and_phone(values, problems)
    for name in ("employer", "team", "trade", "address"):
        if len(values[name]) > _LONGEST_TEXT:
            problems[name] = TEXT_LONG
    if not values["site_ids"].split():
        problems["site_ids"] = SITE_MISSING
    try:
        _Number(worker_id=values["worker_id"])
    except ValidationError:
        problems["worker_id"] = NUMBER_ODD


def _document_number(values: Mapping[str, str], today: date, problems: dict[str, Words]) -> str | None:
    try:
        return check_document(DocumentType(values["document_type"]), values["document_number"], today)
    except DocumentNumberInvalid as error:
        problems["document_number"] = DOCUMENT_PROBLEMS[error.reason]
    except ValueError:
        problems["document_type"] = DOCUMENT_PROBLEMS[DocumentProblem.SHAPE]
    return None


def _birth_and_sex(
    values: Mapping[str, str], number: str | None, today: date, problems: dict[str, Words]
) -> tuple[date | None, Sex]:
    birth_date = _date(values, "birth_date", problems)
    sex = Sex(values["sex"]) if values["sex"] in set(Sex) else Sex.UNSTATED
    if birth_date is not None and birth_date > today:
        problems["birth_date"] = BIRTH_FUTURE
    says = derived(values["document_type"], number, today) if number else None
    if says is None:
        return birth_date, sex
    if birth_date is not None and birth_date != says.birth_date:
        problems["birth_date"] = BIRTH_DIFFERS
    if sex is not Sex.UNSTATED and sex is not says.sex:
        problems["sex"] = SEX_DIFFERS
    return says.birth_date, says.sex


def _grant(
    values: Mapping[str, str], today: date, zone: ZoneInfo, problems: dict[str, Words]
) -> tuple[datetime | None, datetime | None]:
    first, last = (_date(values, name, problems) for name in ("grant_from", "grant_until"))
    if first and last and last < first:
        problems["grant_until"] = GRANT_BACKWARDS
    elif last and last < today:
        problems["grant_until"] = GRANT_OVER
    # The last day still counts: the grant ends at the first instant of the next one.
    after = last + timedelta(days=1) if last and last < date.max else None
    return (
        datetime.combine(first, time(), tzinfo=zone) if first else None,
        datetime.combine(after, time(), tzinfo=zone) if after else None,
    )


def _date(values: Mapping[str, str], name: str, problems: dict[str, Words]) -> date | None:
    if not values[name]:
        return None
    try:
        return date.fromisoformat(values[name].replace("/", "-"))
    except ValueError:
        problems[name] = NOT_A_DATE
        return None
