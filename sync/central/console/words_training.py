"""Words of the console's training page."""

from __future__ import annotations

from sync.central.console.words import Words
from sync.central.phone import words_training as phone_words
from sync.training.record import CheckKind, Result
from sync.training.session import CLASS_OVER, POWER

TRAININGS = Words("培训", "Training")
EXPIRING = Words("14 天内到期或近期已过期", "Ends within 14 days, or ended lately")
NOBODY_EXPIRES = Words("没有人即将到期", "Nobody's training ends soon")
RECORD = Words("培训记录", "Training record")
RECORDS = Words("培训记录", "Records")
COURSE = Words("课程", "Course")
KIOSK = Words("登记终端", "Kiosk")
ENDED = Words("完成时间", "Ended")
RESULT = Words("结果", "Result")
SEEN = Words("学习秒数", "Seconds seen")
UNTIL = Words("有效期至", "Valid until")
KEY = Words("签名密钥", "Key")
KEY_REGISTERED = Words("已登记", "registered")
KEY_OWN = Words("终端自有", "the kiosk's own")
VERIFY = Words("核验签名和链条", "Verify signatures and chains")
ALL_WHOLE = Words("全部记录完整", "All records are whole")
MISSING = Words("缺少记录", "records missing")
CHECKS = Words("人脸核验", "Face checks")
INTERRUPTIONS = Words("中断", "Interruptions")
ANSWERS = Words("答题", "Answers")
SIGNATURE = Words("签名", "Signature")
COURSE_SHA256 = Words("课程内容 SHA-256", "SHA-256 of the course")

RESULTS = {
    Result.PASSED: Words("合格", "passed"),
    Result.FAILED: Words("不合格", "failed"),
    Result.ABANDONED: Words("未完成", "not finished"),
}

CHECK_KINDS = {
    CheckKind.LOGIN: Words("登录", "log-in"),
    CheckKind.RANDOM: Words("随机", "random"),
    CheckKind.RETURNED: Words("回到屏幕前", "returned"),
}
PAUSES = {
    **phone_words.REASONS,
    POWER: Words("断电或中断", "was interrupted"),
    CLASS_OVER: Words("集体学习结束", "the class is over"),
}
