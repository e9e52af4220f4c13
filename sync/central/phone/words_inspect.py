"""Words of inspections and the grid, on phones and at the console."""

from __future__ import annotations

from sync.alerting import Severity
from sync.central.grid import Purpose
from sync.central.phone import words_lodging
from sync.inspections import AnswerSlip, FindingState, InspectorLevel, Step
from sync.words import Words

INSPECTIONS = Words("检查整改", "Inspections")
GRID = Words("网格走访", "Grid visits")
SITE = Words("工地", "Site")
SEARCH_SITE = Words("查找工地", "Find a site")
SEARCH = Words("查找", "Find")
NO_SITE = Words("没有符合的工地。", "No site fits.")
MORE_SITES = Words("还有更多工地，请查找。", "There are more sites: search for yours.")
OFFICER = Words("网格员", "Grid officer")
NO_OFFICER = Words("未指定网格员", "No officer is named")
GRID_NAME = Words("网格", "Grid")
PHONE = Words("电话", "Phone")
START = Words("开始检查", "Start an inspection")
DUE_TODAY = Words("今日未做", "due today")
LAST_DONE = Words("上次", "last")
NEVER_DONE = Words("尚未检查", "never")
FINDINGS = Words("未结问题", "Findings")
NO_FINDINGS = Words("没有未结问题。", "No finding is open.")
MORE_FINDINGS = Words("还有更多，请到控制台查看。", "There are more: see the console.")
OVERDUE = Words("已逾期", "overdue")
DUE_ON = Words("整改期限", "Due")
NEW_DUE_ON = Words("新的期限", "New deadline")
SEVERITY = Words("严重程度", "Severity")
LEVEL = Words("检查级别", "Level")
CHECKLIST = Words("检查表", "Checklist")
ITEM = Words("检查项", "Item")
SEEN = Words("发现情况", "What was seen")
FOUND = Words("发现", "Found")
STATE = Words("状态", "State")
ANSWER = Words("结果", "Answer")
YES = Words("是", "Yes")
NO = Words("否", "No")
NOT_ANSWERED = Words("未填", "not answered")
NOTE = Words("说明", "Note")
BOUNDS = Words("允许范围", "between")
OPTIONAL = words_lodging.OPTIONAL
SEND = Words("提交检查", "Send the inspection")
DONE = Words("检查已提交", "The inspection is sent")
SCORE = Words("符合", "In order")
ALL_IN_ORDER = Words("全部符合，没有问题。", "Everything is in order.")
ADD_PHOTOS = Words("点开问题可拍照。", "Open a finding to add photos.")
BACK_TO_SITE = Words("返回工地", "Back to the site")
FINDING = Words("检查问题", "Finding")
HISTORY = Words("处理记录", "History")
PHOTOS = Words("照片", "Photos")
TAKE_PHOTO = words_lodging.TAKE_PHOTO
PHOTO_NOTE = words_lodging.PHOTO_NOTE
ADD_PHOTO = Words("添加照片", "Add the photo")
SAVED = Words("已保存", "Saved")
NOT_SAVED = words_lodging.NOT_SAVED
KEPT_HERE = words_lodging.KEPT_HERE
CHANGED_MEANWHILE = Words(
    "他人已处理此问题，以下为最新状态，未保存您的操作。",
    "Somebody else was faster: this is how it stands now, yours was not saved.",
)
NO_MORE_PHOTOS = Words(
    "不能再添加照片：已达上限、问题已结，或本系统不保存照片。未保存。",
    "No photo can be added: there are enough, it is closed, or none are kept. Nothing was saved.",
)
VISIT = Words("登记走访", "Record a visit")
VISITS = Words("走访记录", "Visits")
NO_VISITS = Words("还没有走访记录。", "No visit yet.")
PURPOSE = Words("走访事由", "Purpose")
FOLLOW_UP_ON = Words("跟进期限", "Follow up by")
FOLLOW_UP = Words("待跟进", "To follow up")
SETTLE = Words("跟进完成", "It is followed up")
SETTLED = Words("已跟进", "followed up")
SAVE = Words("保存", "Save")

LEVELS = {
    InspectorLevel.SELF: Words("工地自查", "Site itself"),
    InspectorLevel.SUB_DISTRICT: Words("街道检查", "Sub-district"),
    InspectorLevel.DISTRICT: Words("区级检查", "District"),
}
SEVERITIES = {
    Severity.HIGH: Words("严重", "severe"),
    Severity.NORMAL: Words("一般", "normal"),
    Severity.LOW: Words("轻微", "minor"),
}
STATES = {
    FindingState.OPEN: Words("待整改", "open"),
    FindingState.MENDED: Words("待复查", "to re-inspect"),
    FindingState.CLOSED: Words("已销号", "closed"),
    FindingState.WITHDRAWN: Words("已撤销", "withdrawn"),
}
HAPPENED = {
    Step.FOUND: Words("发现问题", "found"),
    Step.SEEN_AGAIN: Words("再次发现", "seen again"),
    Step.MENDED: Words("工地已整改", "mended by the site"),
    Step.ACCEPTED: Words("复查合格", "accepted"),
    Step.REJECTED: Words("复查不合格", "not mended after all"),
    Step.MOVED: Words("调整期限", "another deadline"),
    Step.WITHDRAWN: Words("撤销问题", "withdrawn"),
    Step.REOPENED: Words("重新打开", "opened again"),
}
DO = {
    Step.MENDED: Words("已整改，申请复查", "It is mended: ask for a look"),
    Step.ACCEPTED: Words("复查合格，销号", "Mended: close it"),
    Step.REJECTED: Words("复查不合格", "Not mended: open again"),
    Step.MOVED: Words("调整期限", "Set another deadline"),
    Step.WITHDRAWN: Words("撤销（不是问题）", "Withdraw: it was none"),
    Step.REOPENED: Words("重新打开", "Open again"),
}
PURPOSES = {
    Purpose.ROUTINE: Words("例行走访", "Routine"),
    Purpose.FOLLOW_UP: Words("跟进", "Follow-up"),
    Purpose.COMPLAINT: Words("投诉举报", "Complaint"),
    Purpose.SUPPORT: Words("服务帮助", "Support"),
}
SLIPS = words_lodging.SLIPS
ANSWER_SLIPS = {
    AnswerSlip.REQUIRED: Words("必填", "needed"),
    AnswerSlip.NOT_OFFERED: Words("请选择是或否", "choose yes or no"),
    AnswerSlip.NO_NUMBER: Words("不是数字", "not a number"),
    AnswerSlip.OUT_OF_RANGE: Words("超出允许范围", "out of range"),
    AnswerSlip.TOO_LONG: Words("内容过长", "too long"),
}
