"""The console's words for houses and buses; those of the phone pages serve where they say the same."""

from __future__ import annotations

from sync.words import Words

HOUSES = Words("房屋", "Houses")
BUSES = Words("返岗车辆", "Buses")
PART = Words("地址、街道或房东", "Address, sub-district or landlord")
RISK = Words("风险", "Risk")
PEOPLE = Words("现住/可住", "People / capacity")
ROOMS = Words("房间", "Rooms")
NOTICED = Words("需注意", "Noticed")
NEXT_CHECK = Words("下次排查", "Next check")
ONLY_DUE = Words("仅待排查", "Only due")
ONLY_OVER = Words("仅超员", "Only too full")
ONLY_TWICE = Words("仅多处居住", "Only with people in two houses")
IS_DUE = Words("待排查", "check due")
IS_OVER = Words("超员", "too full")
IS_TWICE = Words("多处居住", "also lives elsewhere")
ANOTHER_SITE = Words("其他工地的房屋", "a house of another site")
CONFIRM = Words("确认房屋", "Confirm the house")
CLOSE_HOUSE = Words("注销房屋", "Close the house")
PRINT_CODE = Words("打印二维码", "Print the code")
RENEW_CODE = Words("更换二维码", "New code")
SET_RISK = Words("更改风险", "Change the risk")
UNTIL_DAY = Words("截止日期（可不填）", "Until (may stay empty)")
TENANTS = Words("住户", "Tenants")
MOVED_OUT = Words("已搬离", "Moved out")
HISTORY = Words("历史记录", "History")
MET = Words("见到", "met")
NOT_MET = Words("未见", "not met")
BESIDES = Words("名单外", "not on the list")
OPEN_STILL = Words("未签字", "not signed")
LAST_STEP = Words("进度", "Progress")
RIDERS = Words("乘客", "Riders")
HELD = Words("留置", "Held")
ON_PHONE = Words(
    "车辆在手机页面 /m/bus 上登记和放行。", "Buses are entered and let in on the phone page /m/bus."
)
EXPORT = Words("导出", "Export")
REALLY = Words("再按一次确认", "Press again to do it")
