"""What every reader for identity cards gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from enroll.errors import EnrollError
from sync.people import DocumentType, Sex
from sync.words import Words

READER_SILENT = Words(
    "读卡器没有回应：请检查数据线，也可以手工填写", "The reader does not answer: check its cable, or type"
)
READER_REFUSES = Words("读卡器无法读取：请重新放置证件", "The reader cannot read it: lay the card anew")
READER_FOREIGN = Words("读卡器的回应无法识别", "The reader answers in another language")


class IdReaderFault(EnrollError, OSError):
    """The reader is gone, silent, or says something that is no card."""


@dataclass(frozen=True, slots=True)
class IdCard:
    """What stands on a card; the number is checked by whoever uses it."""

    document_type: DocumentType
    number: str = field(repr=False)
    name: str = field(repr=False)
    sex: Sex = Sex.UNSTATED
    birth_date: date | None = None
    address: str = field(default="", repr=False)


class IdReader(Protocol):
    """A reader; safe to use from any thread."""

    def read(self) -> IdCard | None:
        """The card that lies on the reader, None where there is none. Raises IdReaderFault."""
        ...

    def close(self) -> None:
        """Give the device back; calling it twice is harmless."""
        ...
