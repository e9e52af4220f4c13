"""The people of the demo, and the roster file they are registered from. Nobody of them exists."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gate.demo.scenario import NAMES, PERSON_A, PERSON_B

CONSENT = ("2026-11-01", "demo")
_HEADER = (
    "工号", "姓名", "出生日期", "单位", "班组", "培训有效期", "证件类型", "证件号码", "照片", "人脸同意日期",
    "同意书版本",
)  # fmt: skip
_TRAINED_UNTIL = "2099-12-31"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody of the roster. The end of the document number is what one signs in with on a phone."""

    worker_id: str
    name: str
    team: str
    document_number: str
    document_type: str = "其他"
    born_on: str = "1980-01-01"

    @property
    def document_tail(self) -> str:
        """The last six characters."""
        return self.document_number[-6:]


A = DemoPerson(PERSON_A, NAMES[PERSON_A], "钢筋班", "11010519491231002X", "居民身份证", "1949-12-31")
"""The number is the example of the standard GB 11643-1999."""

B = DemoPerson(PERSON_B, NAMES[PERSON_B], "木工班", "EXAMPLE-000002")
RIDER = DemoPerson("C003", "示例丙", "架子班", "EXAMPLE-000003")
FEVERISH = DemoPerson("D004", "示例丁", "电工班", "EXAMPLE-000004")
CASE = DemoPerson("E005", "示例戊", "机械班", "EXAMPLE-000005")
WITHOUT_FACE = (RIDER, FEVERISH, CASE)
"""They declare and are asked about, but never stand before a camera."""


def write_roster(path: Path, people: Iterable[DemoPerson], photos: Mapping[str, Sequence[str]]) -> None:
    """photos: file names by worker; whoever has none is registered without a face."""
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        rows = csv.writer(file)
        rows.writerow(_HEADER)
        for one in people:
            files = photos.get(one.worker_id, ())
            consent = CONSENT if files else ("", "")
            rows.writerow(
                [
                    one.worker_id, one.name, one.born_on, "示例公司", one.team, _TRAINED_UNTIL,
                    one.document_type, one.document_number, ";".join(files), *consent,
                ]
            )  # fmt: skip
