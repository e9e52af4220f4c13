"""Words of the console's page of the real-name platform."""

from __future__ import annotations

from sync.central.console.words import Words
from sync.central.exports_real_name import What
from sync.central.real_name import Hold, Kind, RequestState, State

REAL_NAME = Words("实名上报", "Real-name")
NOTE = Words(
    "班组、人员和考勤自动上报；平台退回的数据连同原因列在下面。人工补录在平台上与闸机记录可区分。",
    "Teams, workers and passages go by themselves; what is rejected is listed. Corrections stay told apart.",
)
NONE_SET_UP = Words(
    "还没有工地设置上报：sitegate central real-name set",
    "No site is set up yet: sitegate central real-name set",
)
PROJECT = Words("项目编码", "Project code")
PLATFORM = Words("平台", "Platform")
FROM_DAY = Words("上报起始日", "Sent from")
LOOKED = Words("最近正常上报", "Last without a problem")
PROBLEM = Words("当前问题", "Problem now")
NEXT_LOOK = Words("下次尝试", "Next attempt")
OLDEST = Words("最早待上报", "Oldest that waits")
IS_OFF = Words("已暂停", "off")
NO_PROBLEM = Words("无", "none")
TEAMS = Words("班组", "Teams")
PEOPLE = Words("人员", "Workers")
PASSAGES = Words("考勤", "Passages")
RESULTS_DUE = Words("待查询结果", "Results due")
FOR_WORKER = Words("等待人员上报", "Wait for their worker")
TROUBLES = Words("退回和暂缓", "Rejected and held back")
NO_TROUBLES = Words("没有退回或暂缓的数据", "Nothing is rejected or held back")
REQUESTS = Words("最近的请求", "Latest requests")
RETRY_CHOSEN = Words("重新上报所选", "Send the chosen again")
RETRY_ALL = Words("重新上报全部退回", "Send all rejected again")
ASK_AGAIN = Words("重新查询结果", "Ask for results again")
GO_AGAIN = Words("条将重新上报", "go again")
ASKED = Words("个结果将重新查询", "results are asked for")
NONE_CHOSEN = Words("请先选择要重新上报的行", "Choose rows first")
KIND = Words("类别", "Kind")
STATE = Words("状态", "State")
REASON = Words("原因", "Reason")
SOURCE = Words("来源", "Source")
PASSED = Words("通行时间", "Passed at")
CHANGED = Words("时间", "When")
ROWS = Words("条数", "Rows")
SERIAL = Words("流水号", "Serial")
TIMES_ASKED = Words("已查询", "Asked")
EXPORT = Words("导出", "Export")
DAYS_MISSING = Words("请填写起止日期", "Fill in the first and the last day")
WHAT = Words("内容", "Rows of")
DEVICE = Words("闸机", "gate")
MANAGER = Words("人工补录", "correction")

STATES = {
    State.WAITING: Words("待上报", "waiting"),
    State.SENT: Words("处理中", "on its way"),
    State.ACCEPTED: Words("已接收", "accepted"),
    State.REJECTED: Words("被退回", "rejected"),
    State.HELD: Words("暂缓", "held back"),
    State.DROPPED: Words("已取消", "cancelled"),
    State.OVERTAKEN: Words("平台多出", "overtaken"),
}
HOLDS = {
    Hold.NO_PAPERS: Words("没有证件信息", "no papers on record"),
    Hold.PAPERS_UNREADABLE: Words("证件信息无法读取", "papers cannot be opened"),
    Hold.NO_CORP_CODE: Words("单位没有统一社会信用代码", "no credit code of the employer"),
    Hold.WITHDRAWN: Words("本人不同意上报", "the worker does not agree"),
    Hold.CLOCK: Words("闸机时钟不可信", "the gate's clock was not reliable"),
}
OVERTAKEN_REASON = Words("已取消，平台仍有：请通知平台", "cancelled, but the platform has it: tell them")
KINDS = {
    Kind.TEAM: Words("班组", "team"),
    Kind.WORKER: Words("人员", "worker"),
    Kind.CHANGE: Words("人员变更", "change"),
    Kind.ATTENDANCE: Words("考勤", "passage"),
}
REQUEST_STATES = {
    RequestState.SENDING: Words("发送中", "sending"),
    RequestState.LOST: Words("无应答", "no answer"),
    RequestState.TAKEN: Words("平台处理中", "taken"),
    RequestState.DONE: Words("完成", "done"),
    RequestState.FAILED: Words("被退回", "rejected"),
    RequestState.NOT_TAKEN: Words("未接收", "not taken"),
}
WHATS = {What.ATTENDANCE: PASSAGES, What.WORKERS: PEOPLE}


def reason_text(state: State, reason: str) -> str:
    """Ours in words, the platform's as it is."""
    if state is State.OVERTAKEN:
        return str(OVERTAKEN_REASON)
    return str(HOLDS[Hold(reason)]) if reason in tuple(Hold) else reason
