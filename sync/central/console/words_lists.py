"""Words of the console's page of key-monitoring lists, and what reports say about rows, in both languages."""

from __future__ import annotations

import re

from sync.central.console.words import Words
from sync.central.list_comparison import Agreement
from sync.central.list_download import Why
from sync.central.list_jobs import JobState
from sync.central.list_matches import FoundBy, MatchState

LISTS = Words("重点名单", "Lists")
NOTE = Words(
    "名单只保存加密摘要；完全一致的立即标记到闸机，疑似的待人工核实。",
    "Only keyed hashes of a list are kept. Exact matches are flagged at once, near ones wait for a person.",
)
LIST = Words("名单", "List")
LIST_ID = Words("名单编号（字母、数字）", "Id: letters, digits")
LIST_NAME = Words("名单名称（门卫可见）", "Name, as guards read it")
SOURCE = Words("来源单位", "Issued by")
CATEGORY = Words("类别", "Category")
LEVEL = Words("级别", "Level")
VALID = Words("有效期至", "Valid until")
LAST_DAY = Words("有效期末日（可不填）", "Last day, if any")
VERSION = Words("版本", "Version")
ENTRIES = Words("人数", "Entries")
MATCHED = Words("比对进度", "Matched")
FOUND = Words("比中", "Found")
IS_MATCHING = Words("比对中", "matching")
NO_END = Words("长期", "no end")
SIGNED = Words("签名推送", "signed feed")
NO_LISTS = Words("还没有名单：点“导入名单”开始。", "No list yet: begin with “Import a list”.")

FETCHED_FROM = Words("自动获取", "Fetched from")
LAST_GOOD = Words("最近成功获取", "last good fetch")
NEVER_GOOD = Words("尚未成功获取", "no good fetch yet")
NOT_FETCHED = Words("获取失败", "not fetched")
WHYS = {
    Why.UNREACHABLE: Words("无法连接发布方服务器", "the issuer's server is not reached"),
    Why.TIMED_OUT: Words("发布方服务器超时未应答", "the issuer's server does not answer in time"),
    Why.REDIRECTED: Words("地址被转向其他主机，已拒绝", "the address leads to another host: refused"),
    Why.HTTP_STATUS: Words("发布方服务器返回错误", "the issuer's server answers with an error"),
    Why.TOO_LARGE: Words("文件过大，已拒绝", "the file is too large: refused"),
    Why.NO_SIGNATURE: Words("缺少签名文件", "there is no signature beside it"),
    Why.WRONG_SIGNATURE: Words("签名不符，已拒绝", "not signed by the issuer: refused"),
    Why.OLDER: Words("是较旧的版本，已拒绝", "an older version: refused"),
    Why.UNUSABLE: Words("文件无法使用", "the file cannot be used"),
    Why.NO_KEY: Words("当前版本没有发布方公钥", "the list has no key of its issuer"),
}

IMPORT = Words("导入名单", "Import a list")
NEW_VERSION = Words("导入新版本", "Import a new version")
REMOVE = Words("移除名单", "Remove the list")
SURE_REMOVE = Words(
    "名单将被移除，由它产生的标记将从闸机撤回。", "The list goes, and the gates lose the flags that it made."
)
FILE = Words("选择文件（CSV 或 XLSX）", "Choose a file, CSV or XLSX")
NO_FILE = Words("请先选择文件", "Choose a file first")
FILE_REFUSED = Words("文件超过 256 MB 或类型不符", "The file is larger than 256 MB, or of another kind")
REPLACES = Words("同一编号的名单将被整体替换。", "A list of the same id is replaced as a whole.")
CHECK = Words("试导入", "Dry run")
START = Words("导入", "Import")
STOP = Words("停止", "Stop")
ROWS_READ = Words("行已读取", "rows read")
ROW = Words("行号", "Row")
PROBLEM = Words("说明", "What about it")
SAVE_REPORT = Words("下载报告", "Save the report")
ENCODINGS = Words("混合编码（行数）", "Mixed encodings (lines)")
IGNORED = Words("未使用的列", "Columns that mean nothing here")
CHECKED_ONLY = Words("仅试导入，未保存", "dry run: nothing was kept")

MATCHES = Words("比中人员", "Matches")
STATE = Words("状态", "State")
PERSON = Words("人员", "Person")
VISITOR = Words("访客（未登记）", "visitor, not registered")
WHERE = Words("工地", "Site")
BY = Words("依据", "Found by")
DECIDED = Words("处理", "Decided")
OPEN_AND_DECIDED = Words("全部有效", "All that hold")
DIFFERENT_PAPERS = Words("证件号不一致", "documents differ")
EXPORT = Words("导出", "Export")

COMPARE = Words("人员与名单对照", "The person beside the list")
OWN = Words("登记信息", "As registered")
SAYS = Words("名单所载", "What the list says")
NUMBER = Words("证件号码", "Document number")
PHONE = Words("电话", "Telephone")
NAME_BIRTH = Words("姓名和出生日期", "Name and birth date")
BIRTH = Words("出生日期", "Birth date")
FILE_ROW = Words("文件行号", "Row of the file")
HASHED = Words(
    "名单仅存摘要：请按行号在原文件中核对。", "The list is kept as hashes: look the row up in its file."
)
ENTRY_GONE = Words("该条目已不在名单中", "the entry is no longer in the list")
SLIP = Words("不同之处", "Where they differ")
CONFIRM = Words("确认是此人", "It is this person")
CLEAR = Words("排除（不是此人）", "Clear: somebody else")
UNDO = Words("撤销处理", "Take the decision back")
SURE_CONFIRM = Words(
    "确认后立即标记到闸机，并向工地报警。", "The gates stop this person at once, and the site is told."
)

STATES = {
    MatchState.TO_CONFIRM: Words("待核实", "To confirm"),
    MatchState.FLAGGED: Words("已标记", "Flagged"),
    MatchState.CLEARED: Words("已排除", "Cleared"),
    MatchState.GONE: Words("已失效", "Over"),
}
VISITOR_FLAGGED = Words("已报警", "Alert raised")
FOUND_BYS = {
    FoundBy.NUMBER: Words("证件号码", "document number"),
    FoundBy.PHONE: Words("电话", "telephone"),
    FoundBy.NUMBER_NEAR: Words("证件号码差一位", "number with a slip"),
    FoundBy.NAME_BIRTH: Words("姓名和出生日期", "name and birth date"),
}
AGREEMENTS = {
    Agreement.SAME: Words("一致", "the same"),
    Agreement.NEAR: Words("差一处", "one slip apart"),
    Agreement.DIFFERS: Words("不一致", "differs"),
    Agreement.NOT_LISTED: Words("名单未载", "the list does not say"),
    Agreement.NOT_KNOWN: Words("未登记，无法比对", "not registered"),
}
JOB_STATES = {
    JobState.RUNNING: Words("正在处理", "Working"),
    JobState.DONE: Words("完成", "Done"),
    JobState.STOPPED: Words("已停止，未保存", "Stopped, nothing was kept"),
    JobState.FAILED: Words("未能导入，原名单不变", "Failed; nothing changed"),
}

_ROW_ZH = (
    (
        r"neither a number, a telephone, nor a name with a birth date",
        "没有证件号码、电话，也没有姓名加出生日期",
    ),
    (r"no telephone number", "电话号码无效"),
    (r"the birth date lies in the future or too far back", "出生日期在将来或过于久远"),
    (r"(birth date|valid_from|valid_until): no day like.*", "日期格式无效，应如 2026-01-31"),
    (r"it ends before it begins", "失效日期早于生效日期"),
    (r"no such kind of document", "没有这种证件类型"),
    (r"no such level.*", "级别无效：应为 禁止、核查 或 提醒"),
    (r"the same person stands in the list before: left out", "与前面的行重复，已略去"),
    (r"the number has a slip: found only as a near match", "证件号码有误，仅能作疑似比对"),
    (r"more cells than the header has.*", "单元格多于表头列数"),
    (r"neither UTF-8 nor GB18030.*", "编码无法识别，内容已损坏"),
    (r"a quote is not closed.*", "引号不配对，或单元格跨行"),
    (r"cell .*Excel keeps 15 digits.*", "Excel 只保留 15 位数字：请设为文本格式后重填"),
    (r"cell .*the formula shows.*", "公式出错"),
    (r"document number: it has .* characters instead of 18", "证件号码位数不是 18 位"),
    (r"document number: only digits may stand in it.*", "证件号码只能是数字，末位可为 X"),
    (r"document number: .*", "证件号码与证件类型不符"),
    (r"the result is missing or no word that the rules know", "结果缺失，或不是规则中的结果"),
    (r"no such result of .*", "该项目没有这种结果"),
    (r"the time is missing, or not like .*", "时间缺失或写法不对，应如 2026-01-31 08:30"),
    (r"it was done in the future", "检测时间晚于现在"),
    (r"it ends before it was done", "有效期早于检测时间"),
    (r"another result stands for the same moment.*", "同一时间另有结果，先撤销那一条"),
    (r"nobody is registered with this number", "没有登记此工号"),
    (r"nobody of this site is on record with this document", "本工地没有登记此证件的人员"),
    (r"several records have this document.*", "多条登记为同一证件，先在“疑似重复”中合并"),
    (r"the person with this document has another name", "姓名与该证件的登记不符"),
)


def row_words(problem: str) -> Words:
    """What a report says about a row, of results too: zh beside the report's own words."""
    zh = next((zh for pattern, zh in _ROW_ZH if re.fullmatch(pattern, problem)), "此行无法使用")
    return Words(zh, problem)


def place_words(places: str, listed: str, own: str) -> Words:
    """Where a number differs from the list's, and in what."""
    return Words(f"第 {places} 位：名单 {listed}，本人 {own}", f"place {places}: list {listed}, person {own}")


def report_words(entries: int, duplicates: int, broken: int, slips: int) -> Words:
    """The sums of a report."""
    return Words(
        f"可用 {entries:,} 人，重复 {duplicates:,} 行，无效 {broken:,} 行，证件号有误 {slips:,} 行",
        f"{entries:,} entries, {duplicates:,} double, {broken:,} broken, {slips:,} with a slip",
    )
