"""The console's words, zh first. Reasons are told as an office needs them, not as a worker reads them."""

from __future__ import annotations

from http import HTTPStatus

from sync.central.access_log import BoundedCount
from sync.central.accounts_access import Role
from sync.central.attendance import CorrectionKind, Issue
from sync.central.gate_board import GateState, RosterState
from sync.records import Direction, FlagLevel, Outcome, Passage, WorkerStatus
from sync.words import Words as Words  # noqa: PLC0414 - the console takes its words from here

TITLE = Words("工地通行中心", "Sitegate centre")
LOGOUT = Words("退出", "Sign out")
MENU = Words("菜单", "Menu")
MENU_GROUPS = {
    "site": Words("现场", "Site"),
    "people": Words("人员", "People"),
    "checks": Words("核查", "Checks"),
    "office": Words("管理", "Office"),
}
"""By `frame.MenuGroup`."""

LOG = Words("通行记录", "Access log")
ON_SITE = Words("在场人员", "On site now")
GATES = Words("闸机", "Gates")
ATTENDANCE = Words("考勤", "Attendance")
WORKERS = Words("人员", "Workers")
AUDIT = Words("审计", "Audit")

SITE = Words("工地", "Site")
GATE = Words("闸机", "Gate")
WORKER = Words("姓名或工号", "Name or number")
NUMBER = Words("工号", "Number")
NAME = Words("姓名", "Name")
TEAM = Words("班组", "Team")
EMPLOYER = Words("单位", "Employer")
TRADE = Words("工种", "Trade")
SINCE = Words("从", "From")
UNTIL = Words("到", "Until")
TIME = Words("时间", "Time")
DECISION = Words("结果", "Decision")
REASON = Words("原因", "Reason")
DIRECTION = Words("方向", "Direction")
PASSAGE = Words("是否通过", "Passed")
STATUS = Words("状态", "State")
FLAGS = Words("重点关注", "Flags")
ALL = Words("全部", "All")
SEARCH = Words("查询", "Search")
OPEN = Words("查看", "Open")
CLOSE = Words("关闭", "Close")
NEWER = Words("较新", "Newer")
OLDER = Words("较早", "Older")
NEXT = Words("下一页", "Next")
FIRST = Words("首页", "First page")
REFRESH = Words("刷新", "Refresh")
NOTHING = Words("没有符合条件的记录", "Nothing fits")
NO_SITE_YET = Words("还没有工地。请在中心服务器上运行：", "There is no site yet. Run at the centre:")
ADD_A_SITE = "sitegate central site add riverside --name 滨江工地"
NO_GATES = Words(
    "还没有闸机。在中心服务器上用 sitegate central gate add 登记。",
    "There is no gate yet: register one with `sitegate central gate add` at the centre.",
)
PHONE_PAGES = Words("打开您的手机页面", "Open your phone pages")
NO_SUCH_PAGE = Words("没有此页面", "There is no such page")
TO_THE_START = Words("回到首页", "To the first page")
TELL_AN_ADMIN = Words(
    "需要时请管理员调整角色，或请有权限的人操作。",
    "Ask an administrator for the role, or somebody who has it to do this.",
)
PROBLEMS = {
    HTTPStatus.FORBIDDEN: Words("您的账号不能进行此操作", "Your account may not do this"),
    HTTPStatus.NOT_FOUND: Words("没有找到，或不属于您的工地", "Not found, or not of your sites"),
    HTTPStatus.CONFLICT: Words(
        "已有此记录，或已先被处理；未作改动", "It is there already, or was done before; nothing is changed"
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: Words("未完成，请更正后再试", "Not done: correct it and try again"),
    HTTPStatus.SERVICE_UNAVAILABLE: Words("数据库暂时连不上，请稍后再试", "The database does not answer"),
}
FAULT = Words("未完成", "Not done")
MAY_NOT = Words("您的角色不能查看此页", "Your role does not include this page")
STRANGER = Words("未识别", "Unknown person")
UNKNOWN_WORKER = Words("未登记的工号", "number not in the registry")
BACKLOG = Words("补传", "backlog")
CLOCK_DOUBTFUL = Words("时钟不可信", "clock not reliable")

EVENT = Words("通行记录详情", "Event")
SCORE = Words("相似度 / 阈值", "Score / threshold")
MARGIN = Words("与第二名差距", "Margin to the second")
MODEL = Words("模型", "Model")
FRAMES = Words("有效帧 / 一致帧", "Frames used / agreeing")
ROSTER_SIZE = Words("名单人数", "Roster size")
LIVENESS = Words("真人检测", "Liveness")
METHOD = Words("方式", "Method")
LANE = Words("通道", "Lane")
DECIDED_IN = Words("判定用时", "Decided in")
RECEIVED = Words("中心收到", "Received")
GUARD = Words("门卫", "Guard")
NOTE = Words("备注", "Note")
RECORD_ID = Words("记录编号", "Record")

PEOPLE = Words("人", "people")
SINCE_WHEN = Words("进场时间", "Since")
FOR_HOW_LONG = Words("已在场", "For")
BY_TEAM = Words("按工地和班组", "By site and team")

LAST_SEEN = Words("最近联系", "Last seen")
LAST_EVENT = Words("最近通行", "Last event")
OUTBOX = Words("待上传", "Outbox")
PARKED = Words("搁置", "parked")
ROSTER = Words("名单版本", "Roster")
CENTRE = Words("中心", "centre")
CLOCK = Words("时钟偏差", "Clock offset")
HEALTH = Words("故障", "Faults")
SOFTWARE = Words("软件", "Software")
MISSING = Words("缺记录", "Missing events")
TERMINAL = Words("终端", "Terminal")
OTHER_MAKER = Words("第三方", "other maker")
SENT = Words("已下发", "People sent")
OUTSTANDING = Words("未完成", "Outstanding")

MONTH = Words("月份", "Month")
DAY = Words("日期", "Day")
HOURS = Words("工时", "Hours")
DAYS = Words("天数", "Days")
TO_CHECK = Words("待核对", "To check")
CAME = Words("进场", "In")
LEFT = Words("出场", "Out")
ISSUES = Words("问题", "Issues")
CORRECTIONS = Words("更正记录", "Corrections")
DEVICE_RECORDS = Words("设备记录（不可修改）", "Device records (never changed)")
ADD_PASSAGE = Words("补记一次通行", "Add a passage")
WHY = Words("原因（必填）", "Reason (required)")
SAVE = Words("保存", "Save")
SAVED = Words("已保存", "Saved")
CANCEL_RECORD = Words("不计此记录", "Do not count")
WITHDRAW = Words("撤回", "Withdraw")
WITHDRAWN = Words("已撤回", "withdrawn")
STILL_THERE = Words("仍在场", "still there")
ALL_PAIRED = Words("无", "none")

ONLY_FLAGGED = Words("仅重点关注", "Only flagged")
ADD_FLAG = Words("加入重点关注", "Add a flag")
REMOVE_FLAG = Words("解除", "Remove")
LEVEL = Words("级别", "Level")
CATEGORY = Words("类别", "Category")
NO_FLAGS = Words("无重点关注", "No flags")
CLEARANCES = Words("培训与证件", "Clearances")
TEMPLATES = Words("人脸模板", "Face templates")
GONE_SINCE = Words("离场日期（到期自动删除人脸）", "Off all sites since (the face goes by itself)")
CONSENT = Words("人脸同意日期", "Face consent")
WHO = Words("操作人", "Who")
ACTION = Words("操作", "Action")
SUBJECT = Words("对象", "Subject")
DETAIL = Words("内容", "Detail")

DIRECTIONS = {Direction.IN: Words("进", "in"), Direction.OUT: Words("出", "out")}
OUTCOMES = {
    Outcome.ALLOW: Words("放行", "Allowed"),
    Outcome.HOLD: Words("待核", "Held"),
    Outcome.DENY: Words("拒绝", "Denied"),
}
OUTCOME_ICONS = {Outcome.ALLOW: "check_circle", Outcome.HOLD: "pause_circle", Outcome.DENY: "cancel"}
PASSAGES = {
    Passage.PASSED: Words("已通过", "passed"),
    Passage.NOT_PASSED: Words("未通过", "did not pass"),
    Passage.HELD_OPEN: Words("门未关", "held open"),
    Passage.UNKNOWN: Words("无门磁", "no contact"),
}
GATE_STATES = {
    GateState.ONLINE: Words("在线", "Online"),
    GateState.SILENT: Words("无心跳", "Silent"),
    GateState.LOST: Words("失联", "Lost"),
    GateState.STOPPED: Words("已停机", "Stopped"),
    GateState.NEVER_SEEN: Words("从未联系", "Never seen"),
    GateState.REVOKED: Words("已吊销", "Revoked"),
}
ROSTER_STATES = {
    RosterState.EQUAL: Words("一致", "equal"),
    RosterState.BEHIND: Words("落后", "behind"),
    RosterState.DIFFERS: Words("不一致", "differs"),
    RosterState.UNKNOWN: Words("未知", "unknown"),
}
HEALTH_PARTS = {
    "camera": Words("摄像头", "Camera"),
    "relay": Words("继电器", "Relay"),
    "store": Words("本地存储", "Store"),
    "clock": Words("时钟", "Clock"),
    "liveness": Words("真人检测", "Liveness"),
}
LEVELS = {
    FlagLevel.BLOCK: Words("禁止通行", "Block"),
    FlagLevel.HOLD: Words("核对后通行", "Hold"),
    FlagLevel.NOTIFY: Words("通行并通知", "Notify"),
}
STATUSES = {
    WorkerStatus.ACTIVE: Words("在册", "Active"),
    WorkerStatus.BLOCKED: Words("停用", "Blocked"),
    WorkerStatus.LEFT: Words("已退场", "Left"),
}
ISSUE_WORDS = {
    Issue.MISSING_IN: Words("缺进场记录", "no way in"),
    Issue.MISSING_OUT: Words("缺出场记录", "no way out"),
    Issue.CLOCK_UNTRUSTED: Words("设备时钟异常", "gate clock not reliable"),
}
CORRECTION_KINDS = {
    CorrectionKind.ADD: Words("补记", "added"),
    CorrectionKind.CANCEL: Words("不计", "not counted"),
}
ROLES = {
    Role.SUPERVISOR: Words("监督员", "Supervisor"),
    Role.SITE_MANAGER: Words("工地管理员", "Site manager"),
    Role.ADMIN: Words("系统管理员", "Administrator"),
    Role.CHECKER: Words("入户排查员", "Door-to-door team"),
    Role.INSPECTOR: Words("检查员", "Inspector"),
    Role.MEDIC: Words("医务人员", "Medic"),
}

REASONS = {
    "ok": Words("一切符合", "Everything in order"),
    "not_registered": Words("名单中没有此人", "Nobody on the roster looks like this person"),
    "face_not_usable": Words("面部图像不可用", "No usable picture of the face"),
    "other_site": Words("登记在其他工地", "Registered for another site only"),
    "worker_blocked": Words("人员已停用", "The worker is blocked in the registry"),
    "worker_left": Words("人员已退场", "The worker has left the site"),
    "grant_not_yet": Words("许可尚未生效", "The permit is not valid yet"),
    "grant_expired": Words("许可已过期", "The permit has expired"),
    "flag_block": Words("重点关注：禁止通行", "Key-monitoring list: blocked"),
    "flag_hold": Words("重点关注：需核对", "Key-monitoring list: the guard checks"),
    "flag_notify": Words("重点关注：已通知门卫", "Key-monitoring list: passed, the guard was told"),
    "training_missing": Words("缺少安全培训", "No safety training on record"),
    "training_not_yet": Words("安全培训尚未生效", "Safety training not valid yet"),
    "training_expired": Words("安全培训已过期", "Safety training expired"),
    "outside_schedule": Words("不在通行时段", "Outside the allowed hours"),
    "liveness_failed": Words("未通过真人检测", "Looked like a picture or a mask"),
    "liveness_not_checked": Words("未做真人检测", "The gate could not check liveness"),
    "clock_untrusted": Words("闸机时钟不可信", "The gate's clock was not reliable"),
    "roster_too_old": Words("闸机名单过旧", "The gate's roster was too old"),
    "store_fault": Words("闸机无法记录", "The gate could not write the record"),
    "relay_fault": Words("闸机无法开门", "The gate could not move its relay"),
    "guard_override": Words("门卫放行", "Opened by a guard"),
    "exit_button": Words("按钮开门", "Opened by the exit button"),
    "fire_alarm": Words("火警开门", "Opened by the fire alarm"),
    "outbox_full": Words("闸机待上传记录已满", "The gate's outbox was full"),
    "opened_by_centre": Words("中心远程开门", "Opened by command of the centre"),
    "ambiguous_match": Words("两条登记相似，无法区分", "Two registrations look alike: nobody was told apart"),
    "lane_locked": Words("通道已锁定", "The lane was locked by the centre"),
    "terminal_refused": Words("第三方终端拒绝", "Refused by the terminal of another maker"),
    "terminal_undecided": Words("第三方终端未作判定", "The terminal of another maker did not decide"),
    "terminal_person_unknown": Words("终端上的人员没有工号", "Known to the terminal only, without a number"),
    "tailgating": Words("可能尾随", "Another person stood in the zone"),
    "pass_unknown": Words("通行码或工牌不在名单中", "No worker of the roster has this pass or badge"),
    "pass_forged": Words("通行码伪造或签发方不可信", "Forged, or signed by nobody the gate trusts"),
    "pass_other_site": Words("通行码属于其他工地", "A pass for another site"),
    "pass_not_yet": Words("通行码尚未生效", "The pass is not valid yet"),
    "pass_expired": Words("通行码已过期", "The pass has expired"),
    "pass_revoked": Words("通行码已作废或被替换", "The pass was taken back or replaced"),
    "pass_ambiguous": Words(
        "同一工牌号登记给多人：请更正", "One badge, several workers: correct the registration"
    ),
    "pass_face_differs": Words(
        "人脸是另一名工人：请核实", "The face was another worker's: find out who used it"
    ),
    "pass_alone": Words("凭码通行，未比对人脸", "By pass alone: no face was compared"),
    "pass_used_elsewhere": Words(
        "一分钟内在其他通道用过：可能被复制，请换发",
        "Used at another lane within a minute: perhaps copied, issue a new one",
    ),
    "pass_red": Words("通行码为红色", "The pass is red"),
    "pass_yellow": Words("通行码为黄色", "The pass is yellow"),
    "pass_yellow_mask": Words("黄码须戴口罩，由门卫放行", "A yellow pass enters with a mask, by the guard"),
    "pass_yellow_lane": Words("黄码不能走此通道", "A yellow pass may not enter here"),
    "pass_not_green": Words("没有有效的绿码", "No green pass, or it has run out"),
    "clearance_missing": Words("缺少必需的证明", "A required clearance is missing"),
    "clearance_expired": Words("必需的证明已过期", "A required clearance has expired"),
    "clearance_not_yet": Words("必需的证明尚未生效", "A required clearance is not valid yet"),
    "clearance_ends_soon": Words("证明即将到期", "A required clearance ends soon"),
    "declaration_missing": Words("今日未申报", "No declaration for today"),
    "daily_declaration_missing": Words("今日未登记", "Daily clearance: not declared today"),
    "daily_temperature_missing": Words("今日未测温", "Daily clearance: not measured today"),
    "temperature_high": Words("体温高于限值", "Temperature above the limit"),
    "temperature_rest": Words("休息时间未到，未复测", "Back before the rest was over"),
    "temperature_high_again": Words("复测体温仍高于限值", "Above the limit after a rest, too"),
    "temperature_missing": Words("未测到体温", "No temperature reading"),
    "site_full": Words("现场人数已达上限", "As many people inside as the site takes"),
    "passed_twice": Words(
        "同方向重复通行，中间无反向记录", "Twice in the same direction, nothing in between"
    ),
    "age_outside": Words("年龄不在规定范围", "Age outside the limits"),
    "age_unknown": Words("闸机没有出生日期", "The gate has no date of birth"),
    "rest_too_short": Words("两班之间休息不足", "Too little rest between shifts"),
}
METHODS = {
    "face": Words("人脸", "Face"),
    "qr": Words("通行码", "QR pass"),
    "badge": Words("工牌", "Badge"),
    "override": Words("门卫放行", "Guard"),
    "exit_button": Words("出门按钮", "Exit button"),
    "fire_alarm": Words("火警", "Fire alarm"),
    "command": Words("中心指令", "Centre"),
}


def reason(code: str) -> str:
    """What a code means; a code of a newer gate stands for itself."""
    return str(REASONS.get(code, code))


def method(code: str) -> str:
    """How somebody asked to pass; that of a newer gate stands for itself."""
    return str(METHODS.get(code, code))


def count(found: BoundedCount) -> str:
    """How many there are, honestly."""
    number = f"{found.count:,}"
    return f"{number} 条 records" if found.is_exact else f"{number} 条以上 more than {number} records"
