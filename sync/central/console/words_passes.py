"""Words of the console's page of passes."""

from __future__ import annotations

from sync.central.pass_corrections import Answer
from sync.health_pass import RED_CATEGORY, YELLOW_CATEGORY, PassColour, is_pass
from sync.records import Flag
from sync.screening.pass_rules import PassRules
from sync.words import Words

PASSES = Words("健康码", "Passes")
NOTE = Words(
    "红码禁止、黄码受限、绿码通行；到期自动变化。颜色由发生的事件和结论推算，每一条都可撤销。",
    "Red is barred, yellow restricted, green passes. What a colour comes from can be taken back.",
)
COLOURS = {
    PassColour.RED: Words("红码", "Red"),
    PassColour.YELLOW: Words("黄码", "Yellow"),
    PassColour.GREEN: Words("绿码", "Green"),
}
CATEGORIES = {
    RED_CATEGORY: COLOURS[PassColour.RED],
    YELLOW_CATEGORY: COLOURS[PassColour.YELLOW],
    "contact": Words("密切接触", "Contact of a case"),
    "test-due": Words("应检测", "Test due"),
}
"""Of flags that the program sets (contact-rules.yaml, clearance-rules.yaml); other lists have their own."""

NO_COLOUR = Words("无颜色", "No colour")
COLOUR = Words("颜色", "Colour")
CAUSE = Words("原因", "Cause")
SINCE = Words("起", "Since")
UNTIL = Words("止", "Until")
NO_END = Words("直至解除", "until it is cleared")
ALWAYS = Words("一直", "ever since")
HISTORY = Words("颜色变化", "Colours over time")
NO_HISTORY = Words("没有过颜色", "There has been no colour")
ENTRIES = Words("事件与结论", "What it comes from")
NO_ENTRIES = Words("没有记录", "Nothing is known")
SOURCES = {
    "declaration": Words("申报", "Declaration"),
    "contact": Words("密接追踪", "Tracing"),
    "case": Words("病例", "Case"),
    "event": Words("闸机测温", "Gate"),
    "console": Words("人工", "By hand"),
    "test": Words("检测", "Test"),
}
TAKEN_BACK = Words("已撤销", "taken back")
BY_SOURCE = Words("来源已更正", "its source was corrected")
TAKE_BACK = Words("撤销", "Take back")
PUT_BACK = Words("恢复", "Put back")
DAYS = Words("天数（空为直至解除）", "Days (empty: until cleared)")
SET = {
    PassColour.RED: Words("标为红码", "Set to red"),
    PassColour.YELLOW: Words("标为黄码", "Set to yellow"),
    PassColour.GREEN: Words("发绿码", "Grant green"),
}
CLEAR = Words("医务解除", "Clear (medic)")
SURE = Words(
    "确定更改此人的颜色？将立即下发各闸机。", "Change this person's colour? It goes to every gate at once."
)
CORRECTIONS = Words("更正申请", "Requests for correction")
NO_CORRECTIONS = Words("没有待处理的申请", "No request waits")
LATE = Words("已超期", "late")
ALL_REQUESTS = Words("包括已处理", "Answered ones too")
DUE = Words("期限", "Due")
SAID = Words("本人说明", "What they say")
THEN = Words("申请时颜色", "Colour then")
ANSWER = Words("处理", "Answer")
ANSWERS = {
    Answer.OPEN: Words("待处理", "waiting"),
    Answer.CHANGED: Words("已更正", "changed"),
    Answer.STAYS: Words("维持", "stays"),
}
ANSWER_CHANGED = Words("答复：已更正", "Answer: changed")
ANSWER_STAYS = Words("答复：维持", "Answer: stays")
COPIES = Words("同一通行码两处使用", "One pass at two gates")
NO_COPIES = Words("没有发现", "None were noticed")
FIRST_USE = Words("先", "First")
SECOND_USE = Words("后", "Then")
ELSEWHERE = Words("其他工地", "another site")
APART = Words("间隔（秒）", "Apart (s)")
BAD_DAYS = Words("天数应为数字", "Days must be a number")


def flag_words(flag: Flag, rules: PassRules) -> tuple[str, str]:
    """Category and reason of a flag; where the program set them by code, in words."""
    category = str(CATEGORIES.get(flag.category, flag.category))
    return category, str(rules.words(flag.reason)) if is_pass(flag) else flag.reason
