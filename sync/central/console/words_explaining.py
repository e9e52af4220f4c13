"""Words that explain a decision: what an event recorded, and what a worker's record says of a moment."""

from __future__ import annotations

from sync.central.console.words import Words
from sync.central.event_telling import Told
from sync.central.gate_questions import Failure
from sync.central.worker_standing import NO_COLOUR, Topic, Weighs

DECIDED_BY = Words("决定原因", "Decided by")
ALSO = Words("同时记录", "Noted beside it")
WHY_NOT_TOLD = Words("没有记录原因", "No reason is recorded")

TOLD = {
    Told.TEMPERATURE: Words("体温", "Temperature"),
    Told.NO_TEMPERATURE: Words("未测到体温", "No temperature"),
    Told.CLEARANCE: Words("证明", "Clearance"),
    Told.REST: Words("休息至", "Rest until"),
    Told.SHOWN: Words("出示的通行码", "Pass shown"),
    Told.OTHER_FACE: Words("人脸属于", "The face was of"),
    Told.NOTE: Words("备注", "Note"),
}

STANDING = Words("某一时刻的依据", "What holds at a moment")
STANDING_NOTE = Words(
    "按现在的名单推算该时刻；闸机还看自己的规则、时段、体温和在场人数。",
    "By the record as it is now. A gate also asks its rules, hours, temperature, and who is inside.",
)
MOMENT = Words("时刻", "Moment")
LOOK = Words("查看", "Look")
CHOOSE_MOMENT = Words("请选择日期和时间", "Choose day and time")

TOPICS = {
    Topic.STATUS: Words("状态", "Status"),
    Topic.SITE: Words("登记工地", "Registered for"),
    Topic.GRANT: Words("通行许可", "Permit"),
    Topic.COLOUR: Words("健康码", "Pass"),
    Topic.FLAG: Words("重点关注", "Key-monitoring list"),
    Topic.CLEARANCE: Words("证明", "Clearance"),
}
WEIGHS = {
    Weighs.FOR: Words("符合", "in order"),
    Weighs.AGAINST: Words("不能通行", "keeps out"),
    Weighs.DEPENDS: Words("看闸机规则", "as the gate's rules say"),
    Weighs.NOT: Words("此刻不起作用", "does not count then"),
}
STATES = {
    "not_yet": Words("尚未生效", "not yet"),
    "holds": Words("有效", "holds"),
    "over": Words("已过期", "over"),
    "red": Words("红", "red"),
    "yellow": Words("黄", "yellow"),
    "green": Words("绿", "green"),
    NO_COLOUR: Words("无颜色", "no colour"),
}
ALWAYS = Words("无期限", "no limit")

ASK_GATE = Words("由闸机逐条说明", "Ask the gate, rule by rule")
ASK_NOTE = Words(
    "闸机按自己的规则试算：不开门、不记录、不显示。名单按现在的，通行记录按该时刻以前的。",
    "The gate tries its own rules: nothing opens, is recorded or shown. By the record as it is now.",
)
ASK = Words("询问闸机", "Ask the gate")
NO_GATES = Words("此人的工地没有可询问的闸机", "No gate of this worker's sites can be asked")
FIRST_LANE = Words("第一条通道", "The first lane")
CELSIUS = Words("体温 °C", "Temperature")
BY_PASS = Words("出示通行码，不刷脸", "By a pass, without a face")
WAITING = Words("正在等待闸机回答（最多 30 秒）", "Waiting for the gate (30 s at most)")
SOFTWARE = Words("闸机软件版本", "Software of the gate")
PASS_THEN = Words("当时的健康码", "Pass at that moment")
RULE = Words("规则", "Rule")
NO_OBJECTION = Words("无异议", "no objection")
NOTICE = Words("仅提示", "notice only")

FAILURES = {
    Failure.AWAY: Words("闸机未连接，现在不能询问", "The gate is not connected and cannot be asked now"),
    Failure.NO_ANSWER: Words("闸机没有回答", "The gate did not answer"),
    Failure.UNKNOWN_WORKER: Words("闸机的名单里没有此人", "The gate's roster does not have this worker"),
    Failure.REFUSED: Words("闸机无法说明", "The gate cannot explain it"),
    Failure.UNREADABLE: Words("闸机的回答无法读取", "The gate's answer cannot be read"),
}
FAILURE_STEPS = {
    Failure.AWAY: Words("请换一台闸机，或到闸机上试算", "Ask another gate, or try it at the box"),
    Failure.NO_ANSWER: Words(
        "可能已断网，或软件太旧、不认识这个问题：看“闸机”页；必要时升级软件",
        "It is offline, or too old to know the question: look at Gates, update its software",
    ),
    Failure.UNKNOWN_WORKER: Words(
        "在“闸机”页看名单是否落后，稍后再问",
        "Look at Gates whether its roster is behind; ask again later",
    ),
    Failure.REFUSED: Words("请换一台闸机，或到闸机上试算", "Ask another gate, or try it at the box"),
    Failure.UNREADABLE: Words(
        "闸机与中心的软件版本不同：升级较旧的一方", "Gate and centre differ in version: update the older one"
    ),
}

RULES = {
    "registered": Words("已登记", "Registered"),
    "site": Words("本工地", "This site"),
    "status": Words("状态", "Status"),
    "grant": Words("通行许可", "Permit"),
    "flags": Words("重点关注", "Key-monitoring list"),
    "flag_notices": Words("重点关注（仅提示）", "Key-monitoring list, notices"),
    "training": Words("安全教育", "Training"),
    "schedule": Words("时段", "Hours"),
    "liveness": Words("活体", "Liveness"),
    "clock": Words("闸机时钟", "Clock of the gate"),
    "roster_age": Words("名单新旧", "Age of the roster"),
    "tailgating": Words("尾随", "Tailgating"),
    "pass_colour": Words("健康码", "Pass"),
    "clearances": Words("证明", "Clearances"),
    "declaration": Words("申报", "Declaration"),
    "temperature": Words("体温", "Temperature"),
    "daily_clearance": Words("每日登记和测温", "Daily clearance"),
    "capacity": Words("在场人数", "People inside"),
    "anti_passback": Words("重复进出", "Anti-passback"),
    "age": Words("年龄", "Age"),
    "rest_time": Words("休息时间", "Rest"),
}
"""The rules of a gate (`gate/policy.py`); a test compares them."""
