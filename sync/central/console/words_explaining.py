"""Words that explain a decision: what an event recorded, and what a worker's record says of a moment."""

from __future__ import annotations

from sync.central.console.words import Words
from sync.central.event_telling import Told
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
