"""Reasons and next steps of the import in Chinese: the report keeps English, the kiosk shows both."""

from __future__ import annotations

import re

from enroll.roster_file import COLUMNS
from sync.words import Words

_PATTERNS: tuple[tuple[str, str], ...] = (
    (r"registered without a photo: .*", "已登记，但没有照片：闸机无法识别此人"),
    (r"looks like worker (\S+), .*", r"与工号 \1 相似，闸机可能分不清两人"),
    (r"worker number (\S+) is already in row (\d+)", r"工号 \1 已在第 \2 行出现"),
    (r"document_number: the same document is already in row (\d+)", r"同一证件已在第 \1 行出现"),
    (r"document_number: the same document is registered for worker (\S+)", r"同一证件已登记给工号 \1"),
    (r"document_number: .*", "证件号码有误，请逐位核对"),
    (r"birth_date does not fit the resident number", "出生日期与身份证号码不一致"),
    (r"sex does not fit the resident number", "性别与身份证号码不一致"),
    (r"birth date, sex and address are kept .*", "没有证件号码，出生日期、性别和住址未保存"),
    (r"(\w+): (\S+) lies in the future", r"“\1”的日期 \2 晚于今天"),
    (r"(\w+): '(.*)' is no date", r"“\1”不是日期：\2"),
    (r"(\w+): '(.*)' is unknown", r"“\1”的内容无法识别：\2"),
    (r"consent_version is empty", "未填写同意书版本"),
    (r"no consent: the face was not registered", "没有同意：未登记人脸"),
    (r"the consent was refused or withdrawn on (\S+): .*", r"已于 \1 拒绝或撤回同意：未登记人脸"),
    (r"no birth date: under (\d+) .*", r"没有出生日期：未满 \1 周岁须由监护人同意，未登记人脸"),
    (r"under (\d+): .*", r"未满 \1 周岁：须由监护人同意"),
    (r"the worker number is empty", "工号为空"),
    (r"the name holds a line break", "姓名中有换行"),
    (r"the row has more cells than the header has columns", "单元格多于表头的列数"),
    (r"grant_until lies before grant_from", "有效期止早于有效期起"),
    (r"line (\d+) cannot be read .*", r"第 \1 行引号有误，无法读取"),
    (r"line (\d+) seems to be the rest of .*", r"第 \1 行像是上一行的残余"),
    (r"cell (\w+): Excel keeps 15 digits.*", r"单元格 \1：Excel 只保留 15 位数字，请改为文本格式重填"),
    (r"cell (\w+): the formula shows (.*)", r"单元格 \1：公式结果为 \2"),
    (r"the row is hidden in the sheet", "该行在表格中被隐藏"),
    (r"the photos seem to show different people", "几张照片似乎不是同一个人"),
    (r"(.+): there is no such photo.*", r"\1：没有这张照片"),
    (r"(.+): several photos in the zip have this name", r"\1：压缩包中有多个同名照片"),
    (r"(.+): no zip file of photos was uploaded", r"\1：没有上传照片压缩包"),
    (r"(.+): lies outside of .*", r"\1：不在照片文件夹内"),
    (r"(.+): larger than .*", r"\1：文件太大"),
    (r"(.+): is damaged in the zip file", r"\1：在压缩包中已损坏"),
    (r"(.+): no face is found", r"\1：找不到人脸"),
    (r"(.+): (\d+) faces, .*", r"\1：有 \2 张人脸，无法确定是谁"),
    (r"(.+): the face is too small", r"\1：人脸太小"),
    (r"(.+): the face is too large", r"\1：人脸太大"),
    (r"(.+): the head is .*", r"\1：头部不正"),
    (r"(.+): the face is blurred", r"\1：人脸模糊"),
    (r"(.+): the face is too dark", r"\1：太暗"),
    (r"(.+): the face is too bright", r"\1：太亮"),
    (r"(.+): the face is covered", r"\1：人脸被遮挡"),
    (r"(worker_id|name|phone|site_ids.*): (String|Value|Input).*", r"“\1”的内容不合规定"),
    (r"(.+): (the file|this|the picture|the photo|not a photo|a picture).*", r"\1：不是可用的照片"),
    (r"(.+): cannot be read .*", r"\1：无法读取"),
    (r"(.+) is an Excel workbook of before 2007.*", r"\1 是旧版或加了密码的 Excel 文件"),
    (r"(.+) is no Excel workbook that can be read.*", r"\1 不是可读取的 Excel 文件，可能已损坏"),
    (r"(.+) has no sheet (.+)", r"\1 中没有工作表 \2"),
    (r"(.+) unpacks to .*", r"\1 解压后太大"),
    (r"(.+) is larger than .*", r"\1 太大"),
    (r"(.+) has more than (\d+) rows", r"\1 超过 \2 行"),
    (r"(.+) is empty", r"\1 是空的"),
    (r"(.+) is no text file", r"\1 不是文本文件"),
    (r"(.+) is neither UTF-8 .*", r"\1 的文字编码无法识别"),
    (r"(.+): the first row names no column (.*)", r"\1：表头缺少列 \2"),
    (r"(.+): column (.+) stands there twice", r"\1：列 \2 出现了两次"),
    (r"(.+) is no zip file that can be read.*", r"\1 不是可读取的 zip 文件，可能已损坏或未传完"),
    (r"(.+) holds (\d+) files.*", r"\1 中有 \2 个文件，太多"),
    (r"(.+) is protected by a password", r"\1 加了密码"),
    (r"(.+) holds a file that would lie outside.*", r"\1 中有路径异常的文件"),
    (r"the zip file is larger than (.*)", r"zip 文件超过 \1"),
    (r"an import is running", "正在导入"),
    (r"no roster file was uploaded", "还没有上传花名册"),
    (r"(.+) is no longer there", r"\1 已不在本机"),
    (r"only (\d+) MB free .*", r"磁盘只剩 \1 MB"),
    (r"Correct one of the two dates\.", "更正其中一个日期"),
    (r"Correct .*", "更正后再次导入该行"),
    (r"Add it, or correct the name\.", "补上照片，或更正文件名"),
    (r"Check whose photos they are\.", "请核对照片是谁的"),
    (r"Check its name and its permissions\.", "请检查文件名和权限"),
    (r"Export or take the photo again\.", "请重新导出或重拍"),
    (r"Use a photo in JPEG.*", "请用 JPEG、PNG、WebP、TIFF 或 BMP 照片"),
    (r"In Excel: take the password off.*", "请在 Excel 中取消密码，另存为 .xlsx"),
    (r"In Excel: File, Save As.*", "请在 Excel 中另存为“CSV UTF-8”或 .xlsx"),
    (r"Open it in Excel or WPS and save it .*", "请用 Excel 或 WPS 打开并另存为 .xlsx"),
    (r"Keep only .*", "请只保留本花名册的内容"),
    (r"Keep one of them\.", "请只保留一列"),
    (r"Make it again as a plain \.zip.*", "请重新压缩为普通 zip，或再传一次"),
    (r"Make the zip file again\.", "请重新压缩"),
    (r"Make the zip file without a password\.", "请不加密码重新压缩"),
    (r"Zip the photo folder itself.*", "请用普通压缩软件压缩照片文件夹"),
    (r"Name the folder too\.", "请同时写上文件夹名"),
    (r"Name a file in the zip\.", "请填写压缩包中的文件名"),
    (r"Put a cell that holds the delimiter .*", "含分隔符的单元格请加引号"),
    (r"Save the photos? smaller.*", "请缩小照片后再试"),
    (r"Say which version of the text .*", "请填写所签同意书的版本，如 2026-01"),
    (r"Split the file\.", "请拆分文件"),
    (r"The first row names the columns\.", "第一行应为列名"),
    (r"Columns are (.*); see docs/roster\.md\.", "请使用模板中的列名"),
    (r"It has: (.*) \(--sheet\)\.", r"可选：\1"),
    (r"Upload it again: the import goes on\.", "请再次上传，导入会继续"),
    (r"Upload one first\.", "请先上传"),
    (r"Wait for its end, or stop it\.", "请等待完成，或停止"),
    (r"Try again; what was settled is kept\.", "请重试，已完成的部分已保存"),
    (r"Write it in one line; .*", "请写在一行内，检查引号"),
    (r"free space on that disk.*", "请清理磁盘空间"),
    (r"Import the row again with a photo\.", "补上照片后再次导入该行"),
    (r"Take a frontal, sharp.*", "请重拍：正面、清晰、光线均匀、只有本人"),
    (r"Compare the photos of both.*", "请比对两人的照片：重复登记，或照片放错了行"),
    (r"Compare .*", "请与证件核对"),
    (r"Keep one of the two rows.*", "两行保留一行"),
    (r"Use that worker number.*", "请用原工号，或在登记机上比对"),
    (r"Fill consent_on .*", "请填写同意日期和同意书版本，或改用二维码、工牌"),
    (r"Only a newer consent .*", "须有新的同意；在此之前用二维码或工牌"),
    (r"Register the face at the kiosk.*", "请与监护人一起在登记机上登记人脸"),
    (r"Upload the photos too\.", "请同时上传照片压缩包"),
    (r"Nothing, if that is meant\.", "如属本意，无需处理"),
    (r"Give every worker a number.*", "请给每人一个工号"),
    (r"Fill birth_date, .*", "请填写出生日期，或在登记机上登记人脸"),
    (r"Fill document_number\.", "请填写证件号码"),
    (r"Use one of: (.*)\.", r"请填写：\1"),
    (r"Write YYYY-MM-DD.*", "日期格式：2026-03-31"),
)
_COLUMN = re.compile(f"“({'|'.join(COLUMNS)})”")
_COMPILED = tuple((re.compile(pattern, re.DOTALL), words) for pattern, words in _PATTERNS)


def in_chinese(text: str) -> str:
    """What a reason or next step says, in Chinese; empty for words that are not known here."""
    if "; " not in text or (whole := _next_step(text)) is None:
        parts = [_one(part) for part in text.split("; ") if part]
        return "；".join(parts) if all(parts) else ""
    return whole


def said(reason: str, next_step: str) -> Words:
    """Both in both languages; zh is empty for a reason that is not known here."""
    chinese = in_chinese(reason)
    zh = f"{chinese}。{in_chinese(next_step)}" if chinese else ""
    return Words(zh, f"{reason}. {next_step}".strip())


def _next_step(text: str) -> str | None:
    """A next step may be two sentences with a semicolon between them; reasons begin with small letters."""
    return _one(text) or None if text[:1].isupper() else None


def _one(part: str) -> str:
    for pattern, words in _COMPILED:
        if match := pattern.fullmatch(part):
            return _COLUMN.sub(lambda name: f"“{COLUMNS[name[1]][0]}”", match.expand(words))
    return ""
