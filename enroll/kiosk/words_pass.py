"""Words of the page of passes and badges."""

from __future__ import annotations

from sync.words import Words

TITLE = Words("通行码与工牌", "Pass and badge")
HINT = Words(
    "无需人脸的通行方式。通行码等同钥匙，只交给本人。",
    "The way in without a face. Whoever has the code can use it: give it to its holder only.",
)
QR = Words("通行码", "QR pass")
NONE = Words("尚未发放", "None issued")
ISSUED_ELSEWHERE = Words(
    "此码由其他登记机发放，不能在此显示；可换发，旧码随即作废。",
    "Issued at another kiosk and cannot be shown here; a new one ends it.",
)
VALID_FROM = Words("发放时间", "Issued")
VALID_UNTIL = Words("有效期至", "Valid until")
AS_LONG_AS_GRANT = Words("与通行许可相同", "as long as the permission")
LAST_DAY = Words("最后有效日（可不填）", "Last day (may be empty)")
ISSUE = Words("发放通行码", "Issue a pass")
REPLACE = Words("换发", "Replace")
REPLACE_ASK = Words("换发后旧码立即作废。", "The old pass ends at once.")
REVOKE = Words("作废", "Take back")
REVOKE_ASK = Words("作废后不能再用它通行。", "It opens no gate any more.")
PRINT = Words("打印卡片", "Print a card")
BADGE = Words("工牌", "Badge")
BADGE_NUMBER = Words("工牌号", "Badge number")
BADGE_HINT = Words("刷卡或手工输入，分隔符不计。", "Hold it to a reader at this kiosk, or type it.")
BADGE_SINCE = Words("登记时间", "Assigned")
ASSIGN = Words("登记工牌", "Assign")
BACK = Words("返回人员", "Back to the worker")
DONE = Words("已保存，闸机收到后生效", "Saved; gates follow when they have it")
NO_DATE = Words("日期格式应为 年-月-日", "The day is no date")
NO_CARD = Words("没有可打印的通行码", "There is no pass to print")
WORKER = Words("姓名", "Name")
NUMBER = Words("工号", "Number")
