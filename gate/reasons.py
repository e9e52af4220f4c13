"""Stable reason codes and the words beside them: what the worker reads, hears and can do next.

Codes never change their meaning. Texts are written for a screen read at two metres and for a public place:
short, polite, and silent about why somebody is on the key-monitoring list.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal

from models.face import Advice
from sync.records import Outcome

Language = Literal["zh", "en"]


class Reason(StrEnum):
    """Why a decision came out as it did; written into events and shown on screens."""

    OK = "ok"
    NOT_REGISTERED = "not_registered"
    FACE_NOT_USABLE = "face_not_usable"
    AMBIGUOUS_MATCH = "ambiguous_match"
    OTHER_SITE = "other_site"
    WORKER_BLOCKED = "worker_blocked"
    WORKER_LEFT = "worker_left"
    GRANT_NOT_YET = "grant_not_yet"
    GRANT_EXPIRED = "grant_expired"
    FLAG_BLOCK = "flag_block"
    FLAG_HOLD = "flag_hold"
    FLAG_NOTIFY = "flag_notify"
    TRAINING_MISSING = "training_missing"
    TRAINING_NOT_YET = "training_not_yet"
    TRAINING_EXPIRED = "training_expired"
    OUTSIDE_SCHEDULE = "outside_schedule"
    LIVENESS_FAILED = "liveness_failed"
    LIVENESS_NOT_CHECKED = "liveness_not_checked"
    CLOCK_UNTRUSTED = "clock_untrusted"
    ROSTER_TOO_OLD = "roster_too_old"
    STORE_FAULT = "store_fault"
    RELAY_FAULT = "relay_fault"
    GUARD_OVERRIDE = "guard_override"
    EXIT_BUTTON = "exit_button"
    FIRE_ALARM = "fire_alarm"
    OPENED_BY_CENTRE = "opened_by_centre"
    LANE_LOCKED = "lane_locked"
    OUTBOX_FULL = "outbox_full"
    TAILGATING = "tailgating"
    PASS_UNKNOWN = "pass_unknown"
    PASS_FORGED = "pass_forged"
    PASS_OTHER_SITE = "pass_other_site"
    PASS_NOT_YET = "pass_not_yet"
    PASS_EXPIRED = "pass_expired"
    PASS_REVOKED = "pass_revoked"
    PASS_AMBIGUOUS = "pass_ambiguous"
    PASS_FACE_DIFFERS = "pass_face_differs"
    PASS_ALONE = "pass_alone"
    PASS_USED_ELSEWHERE = "pass_used_elsewhere"
    PASS_RED = "pass_red"
    PASS_YELLOW = "pass_yellow"
    PASS_YELLOW_LANE = "pass_yellow_lane"
    PASS_YELLOW_MASK = "pass_yellow_mask"
    PASS_NOT_GREEN = "pass_not_green"
    CLEARANCE_MISSING = "clearance_missing"
    CLEARANCE_EXPIRED = "clearance_expired"
    CLEARANCE_NOT_YET = "clearance_not_yet"
    CLEARANCE_ENDS_SOON = "clearance_ends_soon"
    DECLARATION_MISSING = "declaration_missing"
    DAILY_DECLARATION_MISSING = "daily_declaration_missing"
    DAILY_TEMPERATURE_MISSING = "daily_temperature_missing"
    TEMPERATURE_HIGH = "temperature_high"
    TEMPERATURE_REST = "temperature_rest"
    TEMPERATURE_HIGH_AGAIN = "temperature_high_again"
    TEMPERATURE_MISSING = "temperature_missing"
    SITE_FULL = "site_full"
    PASSED_TWICE = "passed_twice"
    AGE_OUTSIDE = "age_outside"
    AGE_UNKNOWN = "age_unknown"
    REST_TOO_SHORT = "rest_too_short"


class Severity(IntEnum):
    """How much a reason matters to the guard; orders the reasons of one outcome."""

    INFO = 0
    """Nothing to do."""
    NOTICE = 1
    """Worth knowing; somebody may have to look at the equipment or the paperwork."""
    REFUSAL = 2
    """The worker lacks something."""
    ALARM = 3
    """The guard should look now."""


@dataclass(frozen=True, slots=True)
class Words:
    """The same sentence in both languages."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        """The sentence in one language."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class ReasonText:
    """What is shown and said for one reason.

    text       one line for the worker
    next_step  what the worker can do
    voice      what the screen speaks
    """

    severity: Severity
    text: Words
    next_step: Words
    voice: Words


_SEE_GUARD = Words("请联系门卫", "Please see the guard")
_WAIT_FOR_GUARD = Words("请在此等候门卫核对", "Wait here for the guard's check")
_SITE_OFFICE = Words("请到登记处办理", "Please go to the site office")

_TEXTS: dict[Reason, ReasonText] = {
    Reason.OK: ReasonText(
        Severity.INFO,
        Words("请通行", "Please pass"),
        Words("注意安全", "Work safely"),
        Words("请通行", "Please pass."),
    ),
    Reason.NOT_REGISTERED: ReasonText(
        Severity.REFUSAL,
        Words("未登记", "Not registered"),
        Words("请到登记处登记，或联系门卫", "Register at the site office or see the guard"),
        Words("您尚未登记，请联系门卫", "You are not registered. Please see the guard."),
    ),
    Reason.FACE_NOT_USABLE: ReasonText(
        Severity.NOTICE,
        Words("看不清面部", "Face not clear"),
        Words("请正对镜头，露出面部，再试一次", "Face the camera, uncover your face and try again"),
        Words("看不清面部，请再试一次", "Your face is not clear. Please try again."),
    ),
    Reason.OTHER_SITE: ReasonText(
        Severity.REFUSAL,
        Words("登记在其他工地", "Registered for another site"),
        _SITE_OFFICE,
        Words("您登记在其他工地，请到登记处办理", "You are registered for another site."),
    ),
    Reason.WORKER_BLOCKED: ReasonText(
        Severity.ALARM,
        Words("通行已停用", "Pass suspended"),
        _SITE_OFFICE,
        Words("通行已停用，请到登记处办理", "Your pass is suspended. Please go to the site office."),
    ),
    Reason.WORKER_LEFT: ReasonText(
        Severity.REFUSAL,
        Words("已办理退场", "Signed off from this site"),
        Words("如需返岗，请到登记处办理", "To return, register at the site office"),
        Words("您已退场，请到登记处办理", "You have signed off. Please go to the site office."),
    ),
    Reason.GRANT_NOT_YET: ReasonText(
        Severity.REFUSAL,
        Words("通行许可尚未生效", "Permit not valid yet"),
        Words("请在生效后再来，或到登记处查询", "Come back when it starts, or ask the site office"),
        Words("通行许可尚未生效", "Your permit is not valid yet."),
    ),
    Reason.GRANT_EXPIRED: ReasonText(
        Severity.REFUSAL,
        Words("通行许可已过期", "Permit expired"),
        Words("请到登记处续期", "Renew it at the site office"),
        Words("通行许可已过期，请到登记处续期", "Your permit has expired. Please renew it."),
    ),
    Reason.FLAG_BLOCK: ReasonText(
        Severity.ALARM,
        _SEE_GUARD,
        _WAIT_FOR_GUARD,
        Words("请联系门卫", "Please see the guard."),
    ),
    Reason.FLAG_HOLD: ReasonText(
        Severity.ALARM,
        Words("需要门卫核对", "The guard will check"),
        _WAIT_FOR_GUARD,
        Words("请稍候，等待门卫核对", "Please wait for the guard."),
    ),
    Reason.FLAG_NOTIFY: ReasonText(
        Severity.NOTICE,
        Words("已通知门卫", "The guard has been told"),
        Words("无需操作", "Nothing to do"),
        Words("请通行", "Please pass."),
    ),
    Reason.TRAINING_MISSING: ReasonText(
        Severity.REFUSAL,
        Words("未完成安全培训", "Safety training missing"),
        Words("请先到培训室参加培训", "Attend the training first"),
        Words("您尚未完成安全培训", "Your safety training is missing."),
    ),
    Reason.TRAINING_NOT_YET: ReasonText(
        Severity.REFUSAL,
        Words("安全培训尚未生效", "Safety training not valid yet"),
        Words("请在生效后再来，或到登记处查询", "Come back when it starts, or ask the site office"),
        Words("安全培训尚未生效", "Your safety training is not valid yet."),
    ),
    Reason.TRAINING_EXPIRED: ReasonText(
        Severity.REFUSAL,
        Words("安全培训已过期", "Safety training expired"),
        Words("请到培训室复训", "Repeat the training"),
        Words("安全培训已过期，请复训", "Your safety training has expired."),
    ),
    Reason.OUTSIDE_SCHEDULE: ReasonText(
        Severity.REFUSAL,
        Words("不在通行时段", "Outside the allowed hours"),
        Words("请在规定时段前来，或联系班组长", "Come in your hours or ask your foreman"),
        Words("现在不在通行时段", "It is outside your hours."),
    ),
    Reason.LIVENESS_FAILED: ReasonText(
        Severity.ALARM,
        Words("未通过真人检测", "Live check failed"),
        Words("请本人正对镜头再试一次", "Stand before the camera in person and try again"),
        Words("未通过真人检测，请再试一次", "The live check failed. Please try again."),
    ),
    Reason.LIVENESS_NOT_CHECKED: ReasonText(
        Severity.NOTICE,
        Words("未做真人检测", "Live check not done"),
        _WAIT_FOR_GUARD,
        Words("请稍候，等待门卫核对", "Please wait for the guard."),
    ),
    Reason.CLOCK_UNTRUSTED: ReasonText(
        Severity.NOTICE,
        Words("设备时间异常", "Gate clock not reliable"),
        _WAIT_FOR_GUARD,
        Words("设备时间异常，请等待门卫", "The gate clock is not reliable. Please wait."),
    ),
    Reason.ROSTER_TOO_OLD: ReasonText(
        Severity.NOTICE,
        Words("人员名单未更新", "Worker list out of date"),
        _WAIT_FOR_GUARD,
        Words("人员名单未更新，请等待门卫", "The worker list is out of date. Please wait."),
    ),
    Reason.STORE_FAULT: ReasonText(
        Severity.ALARM,
        Words("记录故障", "Recording fault"),
        _SEE_GUARD,
        Words("设备故障，请联系门卫", "Equipment fault. Please see the guard."),
    ),
    Reason.RELAY_FAULT: ReasonText(
        Severity.ALARM,
        Words("闸机故障", "Door control fault"),
        Words("请联系门卫手动开门", "Ask the guard to open by hand"),
        Words("闸机故障，请联系门卫", "Door fault. Please see the guard."),
    ),
    Reason.GUARD_OVERRIDE: ReasonText(
        Severity.NOTICE,
        Words("门卫放行", "Opened by the guard"),
        Words("请通行", "Please pass"),
        Words("门卫放行，请通行", "Please pass."),
    ),
    Reason.AMBIGUOUS_MATCH: ReasonText(
        Severity.NOTICE,
        Words("无法唯一识别", "Two registrations look alike"),
        _SEE_GUARD,
        Words("无法唯一识别，请联系门卫", "You could not be told apart. Please see the guard."),
    ),
    Reason.OPENED_BY_CENTRE: ReasonText(
        Severity.NOTICE,
        Words("中心远程开门", "Opened by the control centre"),
        Words("请通行", "Please pass"),
        Words("请通行", "Please pass."),
    ),
    Reason.LANE_LOCKED: ReasonText(
        Severity.ALARM,
        Words("通道已关闭", "Lane closed"),
        Words("请走其他通道，或联系门卫", "Use another lane, or see the guard"),
        Words("通道已关闭，请走其他通道", "This lane is closed. Please use another one."),
    ),
    Reason.OUTBOX_FULL: ReasonText(
        Severity.ALARM,
        Words("记录已满，暂停通行", "Records full: entry paused"),
        _SEE_GUARD,
        Words("暂停通行，请联系门卫", "Entry is paused. Please see the guard."),
    ),
    Reason.EXIT_BUTTON: ReasonText(
        Severity.INFO,
        Words("按钮开门", "Opened by the button"),
        Words("请通行", "Please pass"),
        Words("请通行", "Please pass."),
    ),
    Reason.FIRE_ALARM: ReasonText(
        Severity.ALARM,
        Words("火警，请撤离", "Fire alarm: leave now"),
        Words("门已打开，请前往集合点", "The gate is open: go to the assembly point"),
        Words("火警，请立即撤离", "Fire alarm. Leave now."),
    ),
    Reason.PASS_UNKNOWN: ReasonText(
        Severity.REFUSAL,
        Words("通行码或工牌未登记", "Pass or badge not registered"),
        _SITE_OFFICE,
        Words("通行码或工牌未登记，请到登记处办理", "This pass is not registered."),
    ),
    Reason.PASS_FORGED: ReasonText(
        Severity.ALARM,
        Words("通行码无效", "Pass not valid"),
        _SEE_GUARD,
        Words("通行码无效，请联系门卫", "This pass is not valid. Please see the guard."),
    ),
    Reason.PASS_OTHER_SITE: ReasonText(
        Severity.REFUSAL,
        Words("通行码属于其他工地", "Pass for another site"),
        _SITE_OFFICE,
        Words("通行码属于其他工地", "This pass is for another site."),
    ),
    Reason.PASS_NOT_YET: ReasonText(
        Severity.REFUSAL,
        Words("通行码尚未生效", "Pass not valid yet"),
        Words("请在生效后再来，或到登记处查询", "Come back when it starts, or ask the site office"),
        Words("通行码尚未生效", "Your pass is not valid yet."),
    ),
    Reason.PASS_EXPIRED: ReasonText(
        Severity.REFUSAL,
        Words("通行码已过期", "Pass expired"),
        Words("请到登记处换发通行码", "Get a new pass at the site office"),
        Words("通行码已过期，请到登记处换发", "Your pass has expired. Please get a new one."),
    ),
    Reason.PASS_REVOKED: ReasonText(
        Severity.ALARM,
        Words("通行码已作废", "Pass withdrawn"),
        Words("请用新通行码，或到登记处办理", "Use your new pass, or go to the site office"),
        Words("通行码已作废，请使用新的通行码", "This pass was withdrawn. Please use the new one."),
    ),
    Reason.PASS_AMBIGUOUS: ReasonText(
        Severity.NOTICE,
        Words("工牌号重复登记", "Badge registered twice"),
        _SEE_GUARD,
        Words("工牌号重复登记，请联系门卫", "This badge is registered twice. Please see the guard."),
    ),
    Reason.PASS_FACE_DIFFERS: ReasonText(
        Severity.ALARM,
        Words("人证需核对", "Face and pass to be checked"),
        _WAIT_FOR_GUARD,
        Words("请稍候，等待门卫核对", "Please wait for the guard."),
    ),
    Reason.PASS_ALONE: ReasonText(
        Severity.NOTICE,
        Words("未比对人脸", "Face not compared"),
        _WAIT_FOR_GUARD,
        Words("请稍候，等待门卫核对", "Please wait for the guard."),
    ),
    Reason.PASS_USED_ELSEWHERE: ReasonText(
        Severity.NOTICE,
        Words("此码刚在其他通道使用", "Pass just used at another lane"),
        _WAIT_FOR_GUARD,
        Words("请稍候，等待门卫核对", "Please wait for the guard."),
    ),
    Reason.PASS_RED: ReasonText(
        Severity.ALARM,
        Words("通行证待核实", "Pass to be checked"),
        _WAIT_FOR_GUARD,
        Words("请稍候，等待门卫核对", "Please wait for the guard."),
    ),
    Reason.PASS_YELLOW: ReasonText(
        Severity.NOTICE,
        Words("通行证待核实", "Pass to be checked"),
        _WAIT_FOR_GUARD,
        Words("请稍候，等待门卫核对", "Please wait for the guard."),
    ),
    Reason.PASS_YELLOW_LANE: ReasonText(
        Severity.REFUSAL,
        Words("请走专用通道", "Use the other lane"),
        Words("请按指示走专用通道，或联系门卫", "Go to the marked lane, or see the guard"),
        Words("请走专用通道", "Please use the marked lane."),
    ),
    Reason.PASS_YELLOW_MASK: ReasonText(
        Severity.NOTICE,
        Words("请戴好口罩", "Put your mask on"),
        Words("戴口罩后由门卫放行", "With your mask on the guard lets you in"),
        Words("请戴好口罩，由门卫放行", "Please put your mask on and see the guard."),
    ),
    Reason.PASS_NOT_GREEN: ReasonText(
        Severity.REFUSAL,
        Words("没有有效的绿码", "No valid green pass"),
        _SITE_OFFICE,
        Words("没有有效的绿码，请到登记处办理", "You have no valid green pass."),
    ),
    Reason.CLEARANCE_MISSING: ReasonText(
        Severity.REFUSAL,
        Words("缺少证明", "Required record missing"),
        _SITE_OFFICE,
        Words("缺少必需的证明，请看屏幕", "A required record is missing. Please read the screen."),
    ),
    Reason.CLEARANCE_EXPIRED: ReasonText(
        Severity.REFUSAL,
        Words("证明已过期", "Required record expired"),
        _SITE_OFFICE,
        Words("必需的证明已过期，请看屏幕", "A required record has expired. Please read the screen."),
    ),
    Reason.CLEARANCE_NOT_YET: ReasonText(
        Severity.REFUSAL,
        Words("证明尚未生效", "Required record not valid yet"),
        _SITE_OFFICE,
        Words("必需的证明尚未生效，请看屏幕", "A required record is not valid yet."),
    ),
    Reason.CLEARANCE_ENDS_SOON: ReasonText(
        Severity.NOTICE,
        Words("证明即将到期", "Required record ends soon"),
        Words("请尽快办理续期", "Renew it soon"),
        Words("证明即将到期，请尽快续期", "A required record ends soon."),
    ),
    Reason.DECLARATION_MISSING: ReasonText(
        Severity.REFUSAL,
        Words("今日未申报", "No declaration today"),
        Words("请扫码或到登记处完成今日申报", "Declare on your phone or at the site office"),
        Words("您今日尚未申报，请先申报", "Please make today's declaration first."),
    ),
    Reason.DAILY_DECLARATION_MISSING: ReasonText(
        Severity.REFUSAL,
        Words("今日未登记", "Not declared today"),
        Words("请扫码或到登记处完成今日登记", "Declare on your phone or at the site office"),
        Words("您今日尚未登记，请先登记", "Please make today's declaration first."),
    ),
    Reason.DAILY_TEMPERATURE_MISSING: ReasonText(
        Severity.REFUSAL,
        Words("今日未测温", "Not measured today"),
        Words("请到测温仪前测温，或联系门卫", "Stand before a thermometer, or see the guard"),
        Words("您今日尚未测温，请先测温", "Please have your temperature taken first."),
    ),
    Reason.TEMPERATURE_HIGH: ReasonText(
        Severity.ALARM,
        Words("体温偏高", "Temperature above the limit"),
        Words("请休息后再测，或联系门卫", "Rest, be measured again, or see the guard"),
        Words("体温偏高，请休息后再测", "Please rest and be measured again."),
    ),
    Reason.TEMPERATURE_REST: ReasonText(
        Severity.REFUSAL,
        Words("请休息后再测体温", "Rest before the second reading"),
        Words("请在阴凉处休息后再测", "Rest in the shade, then come back"),
        Words("请休息后再测体温", "Please rest before you are measured again."),
    ),
    Reason.TEMPERATURE_HIGH_AGAIN: ReasonText(
        Severity.ALARM,
        Words("复测体温仍偏高", "Second reading above the limit"),
        Words("请联系门卫和医务人员", "See the guard and the medic"),
        Words("复测体温仍偏高，请联系门卫", "Please see the guard."),
    ),
    Reason.TEMPERATURE_MISSING: ReasonText(
        Severity.NOTICE,
        Words("未测到体温", "Temperature not measured"),
        Words("请靠近测温仪，或联系门卫", "Stand before the thermometer, or see the guard"),
        Words("未测到体温，请再试一次", "Your temperature was not measured."),
    ),
    Reason.SITE_FULL: ReasonText(
        Severity.REFUSAL,
        Words("现场人数已满", "The site is full"),
        Words("请等候，有人离场后再进", "Wait until somebody leaves"),
        Words("现场人数已满，请等候", "The site is full. Please wait."),
    ),
    Reason.PASSED_TWICE: ReasonText(
        Severity.ALARM,
        Words("记录显示已在场", "Already inside by the records"),
        _WAIT_FOR_GUARD,
        Words("请稍候，等待门卫核对", "Please wait for the guard."),
    ),
    Reason.AGE_OUTSIDE: ReasonText(
        Severity.REFUSAL,
        Words("年龄不符合规定", "Age outside the rules"),
        _SITE_OFFICE,
        Words("请到登记处办理", "Please go to the site office."),
    ),
    Reason.AGE_UNKNOWN: ReasonText(
        Severity.NOTICE,
        Words("没有年龄信息", "Age not on record"),
        _SITE_OFFICE,
        Words("请到登记处补登信息", "Please go to the site office."),
    ),
    Reason.REST_TOO_SHORT: ReasonText(
        Severity.REFUSAL,
        Words("休息时间不足", "Not rested long enough"),
        Words("请休息后再来", "Take your rest and come back"),
        Words("休息时间不足，请休息后再来", "Please take your rest first."),
    ),
    Reason.TAILGATING: ReasonText(
        Severity.NOTICE,
        Words("请逐一通行", "One person at a time"),
        Words("请后面的人退后等候", "The next person please wait behind the line"),
        Words("请逐一通行", "One person at a time, please."),
    ),
}

_ADVICE: dict[Advice, Words] = {
    Advice.COME_CLOSER: Words("请靠近一些", "Come closer"),
    Advice.STEP_BACK: Words("请退后一些", "Step back"),
    Advice.LOOK_AHEAD: Words("请正对镜头", "Look at the camera"),
    Advice.TURN_LEFT: Words("请向左转头", "Turn your head left"),
    Advice.TURN_RIGHT: Words("请向右转头", "Turn your head right"),
    Advice.LOOK_UP: Words("请抬头", "Look up"),
    Advice.LOOK_DOWN: Words("请低头一些", "Look down a little"),
    Advice.HOLD_STILL: Words("请站稳", "Hold still"),
    Advice.TOO_DARK: Words("光线太暗，请面向光亮处", "Too dark: turn to the light"),
    Advice.TOO_BRIGHT: Words("光线太强，请避开强光", "Too bright: step out of the glare"),
    Advice.UNCOVER_FACE: Words("请露出面部", "Uncover your face"),
    Advice.STRAIGHTEN_HEAD: Words("请摆正头部", "Straighten your head"),
}

_OUTCOMES: dict[Outcome, Words] = {
    Outcome.ALLOW: Words("请通行", "Please pass"),
    Outcome.HOLD: Words("请稍候", "Please wait"),
    Outcome.DENY: Words("请止步", "Please stop"),
}


def text(reason: Reason) -> ReasonText:
    """What is shown and said for `reason`."""
    return _TEXTS[reason]


def advice_text(advice: Advice) -> Words:
    """What a person is told so that the next frame is better."""
    return _ADVICE[advice]


def outcome_text(outcome: Outcome) -> Words:
    """The big word of the answer."""
    return _OUTCOMES[outcome]
