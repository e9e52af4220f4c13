"""Words of the console's page of alerts."""

from __future__ import annotations

from sync.central.console.words import Words

ALERTS = Words("预警", "Alerts")
NOTE = Words(
    "确认、登记措施、关闭；逾期未处理会逐级上报。本页自动更新。",
    "Acknowledge, note measures, close; what is late is told one level higher. The page stays up to date.",
)
RAISED = Words("发生", "Raised")
ALERT = Words("预警", "Alert")
SEVERITY = Words("级别", "Severity")
SUBJECT = Words("对象", "About")
STATE = Words("状态", "State")
CLOSED_TOO = Words("含已关闭", "closed ones too")
TIMES = Words("次数", "Times")
DUE = Words("期限", "Due")
LATE = Words("已逾期", "late")
LATEST = Words("最近一次", "Latest")
FACTS = Words("情况", "Facts")
OPEN_NOW = Words("待确认", "to acknowledge")
ACKNOWLEDGE = Words("确认收到", "Acknowledge")
CLOSE_ALERT = Words("关闭预警", "Close the alert")
REOPEN = Words("撤销关闭", "Take closing back")
MEASURE = Words("措施", "Measure")
NOTE_MEASURE = Words("登记措施", "Note the measure")
REMARKS = Words("备注（不写姓名）", "Remarks, no names")
STILL_ALL = Words("关闭前须登记", "Before closing, note")
STILL_ONE = Words("关闭前至少登记一项", "Before closing, note one of")
OR = Words("或", "or")
HISTORY = Words("处理记录", "History")
PROGRAM = Words("系统", "the program")
MESSAGES = Words("通知发送", "Messages")
CHANNEL = Words("渠道", "Channel")
TOLD_LEVEL = Words("告知", "Told")
SENT = Words("已送达", "Sent")
WAITING = Words("等待重试", "waiting to be sent")
TIME = Words("时间", "Time")
WHO = Words("操作人", "Who")
WHAT = Words("内容", "What")

FACT_NAMES = {
    "gate": Words("闸机", "gate"),
    "clearance": Words("事项", "kind"),
    "ends_soon": Words("即将到期人数", "people"),
    "first_through": Words("最早有效至", "the first holds through"),
    "lane": Words("通道", "lane"),
    "unwell": Words("不适人数", "unwell"),
    "supplies": Words("短缺物资", "short of"),
    "new": Words("新增", "new"),
    "contacts": Words("接触者", "contacts"),
    "missing": Words("未申报", "missing"),
    "expected": Words("应申报", "expected"),
    "visitors": Words("访客", "visitors"),
    "rejected": Words("退回条数", "rejected"),
    "apart_s": Words("相隔秒数", "seconds apart"),
    "other_gate": Words("另一闸机", "other gate"),
    "checklist": Words("检查表", "checklist"),
    "item": Words("检查项", "item"),
    "severity": Words("严重程度", "severity"),
    "level": Words("检查级别", "level"),
}
SHOW_CASE = Words("查看病例", "Show the case")
SUBJECTS = {
    "worker": Words("人员", "Worker"),
    "visitor": Words("访客", "Visitor"),
    "gate": Words("闸机", "Gate"),
    "site": Words("工地", "Site"),
    "employer": Words("单位", "Employer"),
    "case": Words("病例", "Case"),
    "list": Words("名单", "List"),
    "pass": Words("通行码", "Pass"),
    "finding": Words("检查问题", "Finding"),
    "clearance": Words("证件", "Clearance"),
}
