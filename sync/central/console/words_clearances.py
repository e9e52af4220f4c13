"""Words of the console's page of clearances."""

from __future__ import annotations

from collections.abc import Mapping

from sync.central.clearance_desk import Show
from sync.central.console.words import Words
from sync.central.tests_due import AtGate

CLEARANCES = Words("检测证件", "Clearances")
NOTE = Words(
    "应办与已办：培训、检测、体检、证件、合同。结果录入或导入后，闸机随名单更新。",
    "Due and done: training, tests, exams, permits, contracts. A result changes the roster at once.",
)
KIND = Words("事项", "Kind")
SHOW = Words("显示", "Show")
SHOWS: Mapping[Show, Words] = {
    Show.NOT_DONE: Words("应办未办", "due, not done"),
    Show.ENDS_SOON: Words("即将到期", "ends soon"),
    Show.OVERDUE: Words("逾期未检", "overdue"),
    Show.DUE: Words("全部应办", "all that is due"),
    Show.ALL: Words("全部持有与应办", "everything held or due"),
}
DAYS = Words("到期天数", "Ends within days")
COUNTS = Words("应办与已办", "Due and done")
DUE = Words("应办", "Due")
DONE = Words("已办", "Done")
MISSING = Words("未办", "Missing")
PERCENT = Words("未办率", "Missing %")
OVERDUE = Words("逾期", "Overdue")
SOON = Words("即将到期", "Ends soon")
AT_WORK = Words("正在处理，请稍候…", "At work, please wait…")
LIST = Words("名单", "List")
SHOWN = Words("显示", "shown")
TOTAL = Words("共", "total")
HOLDS_UNTIL = Words("有效至", "Holds until")
NO_END = Words("长期", "no end")
ORDERED = Words("检测安排", "Ordered")
ORDERED_UNTIL = Words("截止", "by")
ORDER = Words("安排检测", "Order a test")
ORDERS = Words("检测安排", "Orders")
ORDER_DONE = Words("已安排", "ordered")
ORDER_ALREADY = Words("已有未完成安排", "had an open order")
FOR_CHOSEN = Words("已勾选", "ticked")
FOR_ALL = Words("未勾选：按工地、班组、工种安排", "Nobody ticked: for the site, or a team or trade of it")
TEAM_EMPTY = Words("班组（空：全部）", "Team (empty: all)")
TRADE_EMPTY = Words("工种（空：全部）", "Trade (empty: all)")
DUE_ON = Words("最迟完成日", "To be done by")
AT_GATE = Words("完成前的闸机", "At the gate until done")
AT_GATES: Mapping[AtGate, Words] = {
    AtGate.NOTHING: Words("照常通行", "passes as before"),
    AtGate.FROM_NOW: Words("立即拦下核查", "held from now on"),
    AtGate.WHEN_OVERDUE: Words("逾期后拦下核查", "held once overdue"),
}
TAKE_BACK = Words("撤销安排", "Take back")
TAKEN_BACK = Words("已撤销", "taken back")
SURE_TAKE_BACK = Words(
    "未完成的人员将全部撤销；已完成的保留。", "Whoever is not done yet is let off; what is done stays."
)
ENTER = Words("录入结果", "Enter a result")
RESULT = Words("结果", "Result")
RESULTS = Words("最近录入的结果", "Results entered lately")
CHOOSE_SITE = Words("选择一个工地后显示。", "Choose a site to see them.")
WORKER_ID = Words("工号", "Worker's number")
DONE_ON = Words("检测日期", "Done on")
DONE_TIME = Words("时间（可空）", "Time (may be empty)")
VALID_TO = Words("有效至（空按规则）", "Until (empty: rules)")
DONE_BY = Words("机构", "By whom")
REFERENCE = Words("报告编号", "Reference")
ENTERED = Words("录入", "Entered")
DROP = Words("撤销结果", "Take the result back")
IMPORT = Words("导入结果", "Import results")
IMPORTS = Words("最近导入的名单", "Lists imported lately")
IMPORT_NOTE = Words(
    "按证件号码对应本工地人员；列：证件号码、结果、日期，可选姓名、有效期至、机构、报告编号。",
    "By document number, people of this site; columns: document_number, result, done_at; also name, "
    "valid_until, done_by, reference.",
)
FILE = Words("CSV 或 XLSX 文件", "CSV or XLSX file")
NO_FILE = Words("尚未选择文件", "No file yet")
FILE_REFUSED = Words("文件太大或类型不符", "The file is too large, or of another kind")
CHECK = Words("检查", "Check")
START = Words("导入", "Import")
ROWS = Words("行", "rows")
TAKEN = Words("可导入", "to be taken")
WAS_TAKEN = Words("已导入", "taken")
ALREADY = Words("已有", "there already")
BROKEN = Words("未导入", "not taken")
ROW = Words("行号", "Row")
WHY_NOT = Words("原因", "Why")
IGNORED = Words("忽略的列", "Columns left out")
UNDO_IMPORT = Words("撤销此次导入", "Undo this import")
SURE_UNDO = Words("此次导入的结果将全部撤销。", "All results of this import are taken back.")
FILE_NAME = Words("文件", "File")
