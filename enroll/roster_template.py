"""An empty roster to fill in: as CSV, or as a workbook with choices and instructions."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from enroll.errors import EnrollError
from enroll.roster_file import COLUMNS, REQUIRED

FILLED_ROWS = 10_000
"""Rows of the template whose cells have formats and choices."""

_CHOICES = {
    "status": ("在场", "禁入", "离场"),
    "flag": ("禁止", "暂缓", "提醒"),
    "document_type": (
        "居民身份证",
        "外国人永久居留身份证",
        "港澳居民来往内地通行证",
        "台湾居民来往大陆通行证",
        "护照",
        "其他",
    ),
    "sex": ("男", "女"),
}
_DATES = ("grant_from", "grant_until", "training_until", "birth_date", "consent_on")
_WIDE = ("name", "employer", "photos", "document_number", "address", "flag_reason")


@dataclass(frozen=True, slots=True)
class _Explained:
    takes: str
    takes_en: str
    example: str = ""


_EXPLAINED = {
    "worker_id": _Explained("工号，不重复，不含空格和 / + #", "number of their own", "W-1001"),
    "name": _Explained("姓名", "name", "示例甲"),
    "employer": _Explained("用人单位", "employer", "示例建设有限公司"),
    "team": _Explained("班组", "team", "钢筋一班"),
    "trade": _Explained("工种", "trade", "钢筋工"),
    "phone": _Explained("手机号码", "phone", "示例：138…"),
    "site_ids": _Explained("工地编号，分号隔开；空着为本工地", "sites, separated by ;", "site-1;site-2"),
    "status": _Explained("在场（空着也是）、禁入、离场", "active (also empty), blocked, left", "在场"),
    "grant_from": _Explained("允许进场的第一天", "first day of the permission", "2026-03-01"),
    "grant_until": _Explained("允许进场的最后一天", "last day of it", "2026-12-31"),
    "training_until": _Explained("培训有效期的最后一天", "last day of the training", "2026-12-31"),
    "flag": _Explained("禁止、暂缓、提醒", "block, hold, notify"),
    "flag_reason": _Explained("标记的原因，门卫可见", "why; the guard sees it"),
    "photos": _Explained("照片文件名，多张用分号隔开", "file names, separated by ;", "W-1001.jpg"),
    "document_type": _Explained("证件类型；空着为居民身份证", "empty: resident id", "居民身份证"),
    "document_number": _Explained("证件号码，按文本填写", "its number, as text"),
    "birth_date": _Explained(
        "出生日期；身份证自动得出；登记人脸须填写",
        "taken from a resident number; needed for a face",
        "1990-01-31",
    ),
    "sex": _Explained("男、女；身份证自动得出", "taken from a resident number", "男"),
    "address": _Explained("住址", "address"),
    "consent_on": _Explained(
        "本人书面同意使用人脸的日期；空着则不登记人脸",
        "day of the consent for the face; empty: no face",
        "2026-03-01",
    ),
    "consent_version": _Explained("所签同意书的版本", "version of the text that was signed", "2026-01"),
}  # fmt: skip


def write_template(path: Path) -> None:
    """Write an empty roster: a workbook for .xlsx, CSV for .csv.

    Raises:
        EnrollError: another ending, or the file cannot be written.
    """
    ending = path.suffix.casefold()
    if ending not in (".csv", ".xlsx"):
        raise EnrollError(f"{path}: a template ends in .xlsx or .csv", next_step="Choose one of them.")
    try:
        path.write_bytes(workbook_template() if ending == ".xlsx" else csv_template())
    except OSError as error:
        raise EnrollError(
            f"{path} cannot be written: {error.strerror}", next_step="Choose another place."
        ) from error


def csv_template() -> bytes:
    """The header in Chinese, with a byte order mark so that Excel shows it."""
    return ("\ufeff" + ",".join(names[0] for names in COLUMNS.values()) + "\r\n").encode()


def workbook_template() -> bytes:
    """A sheet to fill in, with choices where a column has them, and one that explains the columns."""
    from openpyxl import Workbook  # noqa: PLC0415 - loaded only for a template
    from openpyxl.styles import Alignment, Font, PatternFill  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415

    book = Workbook()
    sheet = book.active
    sheet.title = "工人 Workers"
    sheet.append([names[0] for names in COLUMNS.values()])
    sheet.freeze_panes = "C2"
    for number, column in enumerate(COLUMNS, start=1):
        letter = get_column_letter(number)
        head = sheet.cell(1, number)
        head.font = Font(bold=True, color="FFFFFF" if column in REQUIRED else "000000")
        head.fill = PatternFill("solid", fgColor="0B5394" if column in REQUIRED else "DCE6F1")
        sheet.column_dimensions[letter].width = 24 if column in _WIDE else 14
        # Text keeps leading zeros and all 18 digits; a format of the column counts for cells yet to come.
        sheet.column_dimensions[letter].number_format = "yyyy-mm-dd" if column in _DATES else "@"
        if column in _CHOICES:
            rule = DataValidation(
                type="list",
                formula1=f'"{",".join(_CHOICES[column])}"',
                allow_blank=True,
                showErrorMessage=True,
                error="请从列表中选择 Choose from the list",
            )
            sheet.add_data_validation(rule)
            rule.add(f"{letter}2:{letter}{FILLED_ROWS + 1}")
    help_sheet = book.create_sheet("说明 Instructions")
    help_sheet.append(["列 Column", "填写 What it takes", "In English", "示例 Example"])
    for column, names in COLUMNS.items():
        mark = "（必填 required）" if column in REQUIRED else ""
        explained = _EXPLAINED[column]
        help_sheet.append(
            [f"{names[0]}{mark}\n{column}", explained.takes, explained.takes_en, explained.example]
        )
    for line in (
        "没有的列保持原有内容；空着的单元格清除原有内容（照片、证件和同意除外）。",
        "A missing column keeps what is registered; an empty cell clears it (not photos, papers, consent).",
        "照片打成一个不加密的 zip 包，文件名与“照片”一列一致。",
        "Put the photos into one zip file without a password, named as in the column 照片.",
        "重复导入同一文件不会产生重复记录。Importing the same file again changes nothing.",
    ):
        help_sheet.append([line])
    for letter, width in (("A", 26), ("B", 44), ("C", 44), ("D", 22)):
        help_sheet.column_dimensions[letter].width = width
    for row in help_sheet.iter_rows(max_row=len(COLUMNS) + 1):
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    for cell in help_sheet[1]:
        cell.font = Font(bold=True)
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()
