"""Words of the phone's page of the own pass."""

from __future__ import annotations

from sync.central.pass_corrections import Answer
from sync.health_pass import PassColour
from sync.words import Words

PASS = Words("我的健康码", "My pass")
COLOURS = {
    PassColour.RED: Words("红码", "Red"),
    PassColour.YELLOW: Words("黄码", "Yellow"),
    PassColour.GREEN: Words("绿码", "Green"),
}
MEANING = {
    PassColour.RED: Words("暂时不能进入工地", "You cannot enter a site for now"),
    PassColour.YELLOW: Words("进出受限，由门卫核实", "Restricted: the guard checks"),
    PassColour.GREEN: Words("可以通行", "You may pass"),
}
NO_COLOUR = Words("目前没有颜色", "No colour at present")
NO_COLOUR_MEANING = Words("没有发现需要限制的情况", "Nothing is known that restricts you")
CAUSE = Words("原因", "Cause")
SINCE = Words("自", "Since")
UNTIL = Words("至", "Until")
NO_END = Words("直至医务人员解除", "until a medic clears it")
THEN_NEXT = Words("到时自动变化，无需办理", "it changes by itself then")
NEXT = Words("接下来怎么做", "What to do next")
SHOW_CODE = Words("出示通行二维码", "Show the QR pass")
CODE = Words("通行二维码", "QR pass")
CODE_HINT = Words(
    "对准闸机摄像头，距离约 30 厘米，屏幕调亮。",
    "Hold it to the gate's camera at about 30 cm, screen bright.",
)
CODE_UNTIL = Words("有效至", "Valid until")
CODE_OWN = Words("仅限本人，一次出示一个闸机；截图转给他人会被发现。", "Only for you: copies are noticed.")
CODE_NEW = Words("换一个新的", "A new one")
WHICH_SITE = Words("哪个工地", "Which site")
BACK = Words("返回", "Back")
NOT_HERE = Words("本中心不在手机上发通行码", "No QR passes on phones here")
IS_RED = Words("红码期间不能出示通行码", "No QR pass while the pass is red")
VISITORS = Words("访客没有健康码，请在闸机联系门卫。", "Visitors have no pass: ask the guard at the gate.")
CORRECTION = Words("颜色不对？申请更正", "Wrong colour? Ask for a correction")
REQUEST = Words("更正申请", "Your request")
SAY_WHY = Words("说明情况", "Say why")
SAY_HINT = Words("例如：检测为阴性、没有到过该地。", "E.g. tested negative, was never there.")
ASK = Words("提交申请", "Send the request")
ASKED = Words("已申请", "Asked")
DUE = Words("最迟答复", "Answer by")
YOU_SAID = Words("您的说明", "You said")
REASON = Words("答复理由", "Reason given")
TOO_LONG = Words("请说明情况，500 字以内。", "Say why, in at most 500 characters.")
ANSWERS = {
    Answer.OPEN: Words("处理中", "being looked at"),
    Answer.CHANGED: Words("已更正", "changed"),
    Answer.STAYS: Words("维持原颜色", "the colour stays"),
}
