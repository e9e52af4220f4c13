"""The screen's own words. Reasons and advice have theirs in `gate/reasons.py`."""

from __future__ import annotations

from gate.reasons import Words
from sync.records import Direction

DIRECTIONS: dict[Direction, Words] = {
    Direction.IN: Words("进场", "IN"),
    Direction.OUT: Words("出场", "OUT"),
}

IDLE = Words("请面向摄像头", "Face the camera")
IDLE_HINT = Words("不便刷脸，请找门卫", "No face check? See the guard")
IDLE_HINT_PASSES = Words("或出示通行码、工牌", "Or show your pass or badge")
APPROACHING = Words("请看屏幕", "Look at the screen")
DECIDING = Words("正在识别", "Checking")
DECIDING_HINT = Words("请稍候", "One moment")
FAULT = Words("暂停服务", "Out of service")
FAULT_HINT = Words("请找门卫通行", "Please see the guard")
FIRE = Words("消防开启", "FIRE – DOOR OPEN")
FIRE_HINT = Words("门已打开，请立即撤离", "The door is open. Leave now")
DOOR_HELD_OPEN = Words("门未关好", "Door held open")
ALL_WELL = Words("运行正常", "All systems working")
NO_PICTURE = Words("无画面", "No picture")
LOST = Words("连接中断", "Connection lost")
LOST_HINT = Words("正在重新连接，请找门卫通行", "Reconnecting. Please see the guard")
GUARD = Words("门卫", "Guard")
FOR_GUARD = Words("门卫须知", "For the guard")

HEALTH_PARTS: dict[str, Words] = {
    "camera": Words("摄像头", "Camera"),
    "store": Words("本地存储", "Store"),
    "relay": Words("继电器", "Relay"),
    "clock": Words("时钟", "Clock"),
    "liveness": Words("活体检测", "Liveness"),
    "pass_reader": Words("工牌读卡器", "Badge reader"),
    "thermometer": Words("测温仪", "Thermometer"),
    "centre": Words("中心平台", "Centre"),
}
WEEKDAYS = (
    Words("星期一", "Mon"), Words("星期二", "Tue"), Words("星期三", "Wed"), Words("星期四", "Thu"),
    Words("星期五", "Fri"), Words("星期六", "Sat"), Words("星期日", "Sun"),
)  # fmt: skip

LANES = Words("选择通道", "Choose a lane")
NO_SUCH_LANE = Words("没有此通道", "There is no such lane")
LOGIN = Words("请输入屏幕口令", "Enter the screen token")
LOGIN_WRONG = Words("口令不对", "That is not the token")

OVERRIDE = Words("门卫放行", "Guard override")
OVERRIDE_GUARD = Words("门卫姓名或编号", "Guard name or number")
OVERRIDE_REASON = Words("放行原因（必填）", "Reason (required)")
OVERRIDE_PIN = Words("密码", "PIN")
OVERRIDE_OPEN = Words("开门", "Open the door")
OVERRIDE_CANCEL = Words("取消", "Cancel")
OVERRIDE_NEEDS_GUARD = Words("请填写门卫姓名或编号", "Enter the guard's name or number")
OVERRIDE_NEEDS_REASON = Words("请选择或填写放行原因", "Choose or write a reason")
OVERRIDE_NEEDS_PIN = Words("请输入密码", "Enter the PIN")
OVERRIDE_REFUSED = Words("未开门", "Not opened")
OVERRIDE_FAILED = Words("未开门：系统故障，请查看日志", "Not opened: a fault, see the gate's log")
OVERRIDE_DONE = Words("门已开，已记录", "Opened by guard")
OVERRIDE_PRESETS = (
    Words("证件已核对", "ID checked"),
    Words("人脸无法识别", "Face not read"),
    Words("访客已登记", "Registered visitor"),
    Words("送货车辆", "Delivery"),
    Words("急救抢修", "Emergency"),
)
