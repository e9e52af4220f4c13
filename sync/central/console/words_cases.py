"""Words of the console's page of cases."""

from __future__ import annotations

from sync.central.cases import CaseKind, ContactState
from sync.central.console.words import Words

CASES = Words("病例与追踪", "Cases")
CASE = Words("病例", "Case")
NOTE = Words(
    "按行程、住宿、班组和闸机记录查找接触者；确认后健康码变色或加入重点关注，可撤销。",
    "Contacts by trips, lodging, teams and gates; confirming changes their passes and can be undone.",
)
AS_PASS = Words("禁止为红码，核查为黄码", "Block: red pass, hold: yellow")
CLOSED_TOO = Words("包括已关闭", "Closed ones too")
OPEN_CASE = Words("新建病例", "Open a case")
CHANGE = Words("修改", "Change")
KIND = Words("类型", "Kind")
OPENED = Words("建立", "Opened")
WINDOW = Words("传染期", "Infectious")
CONTACTS = Words("接触者", "Contacts")
STATE = Words("状态", "State")
IS_OPEN = Words("追踪中", "open")
IS_CLOSED = Words("已关闭", "closed")
WORKER_ID = Words("工号（在册人员）", "Worker's number")
PERSON = Words("姓名（非在册人员）", "Name, if not registered")
ONSET = Words("发病日期", "Onset")
FIRST_DAY = Words("传染期首日", "First day")
LAST_DAY = Words("传染期末日", "Last day")
FROM_RULES = Words("不填首末日则按规则从发病日期推算。", "Without days the rules take them from the onset.")
OWN_PASS = Words(
    "在册人员的健康码按规则随病例变色，关闭病例即撤销。",
    "A registered worker's own pass follows the case by the rules; closing it takes that back.",
)
TRIPS = Words("补充行程，每行一条", "Further trips, one a line")
TRIPS_HINT = "火车 G1 2026-03-01 03 12A"
PLACE = Words("补充住址", "Lodging")
ROOM = Words("房间", "Room")
REMARKS = Words("备注", "Remarks")
SAVE = Words("保存", "Save")
TRACE = Words("重新追踪", "Trace again")
TRACED = Words("最近追踪", "Traced")
CLOSE_CASE = Words("关闭病例", "Close the case")
REOPEN = Words("重新打开", "Reopen")
GRAPH = Words("接触关系图（右侧表格内容相同）", "Who met where; the table says the same")
GRAPH_PARTLY = Words("人未画出，见表格", "more are in the table alone")
LAST_CONTACT = Words("最后接触", "Last contact")
RULES = Words("依据", "By")
FACTS = Words("事实", "Facts")
MORE = Words("条更多", "more")
NO_LONGER = Words("已不成立", "no longer so")
OTHER_SITE = Words("其他工地人员", "of another site")
LEVEL_DAYS = Words("最后接触后天数", "Days after the last contact")
CONFIRM = Words("确认并标记", "Confirm and flag")
DISMISS = Words("排除", "Dismiss")
UNDO = Words("撤销", "Undo")
NONE_CHOSEN = Words("请先勾选", "Tick some first")
SURE_CONFIRM = Words(
    "人将被确认为接触者并立即标记到闸机。", "people become contacts and are flagged at the gates at once."
)
SURE_UNDO = Words("此次确认及其标记将全部撤销。", "This confirmation and its flags are all taken back.")
FLAGGED = Words("已标记", "flagged")
WITHOUT_FLAG = Words("未标记（非在册或已过期）", "without a flag (not registered, or over)")
CONFIRMATIONS = Words("确认记录", "Confirmations")
UNDO_ALL = Words("撤销此次确认", "Undo this confirmation")
UNDONE = Words("已撤销", "undone")
EXPORT = Words("导出", "Export")
CASE_NODE = Words("病例", "Case")
PLACE_NODE = Words("接触地点", "Where they met")

KINDS = {CaseKind.CONFIRMED: Words("确诊", "Confirmed"), CaseKind.SUSPECTED: Words("疑似", "Suspected")}
STATES = {
    ContactState.PROPOSED: Words("待确认", "Proposed"),
    ContactState.CONFIRMED: Words("已确认", "Confirmed"),
    ContactState.DISMISSED: Words("已排除", "Dismissed"),
    ContactState.UNDONE: Words("已撤销", "Undone"),
}
