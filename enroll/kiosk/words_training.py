"""Words of the training pages."""

from __future__ import annotations

from sync.training.errors import Refusal
from sync.training.record import Result
from sync.training.session import BY_HAND, CLASS_OVER, POWER
from sync.training.watch import Sight
from sync.words import Words

TITLE = Words("培训", "Training")
RECORDS = Words("培训记录", "Training records")
CHOOSE = Words("选择课程", "Choose a course")
ALONE = Words("单人学习", "One learner")
CLASS = Words("班组学习", "Class")
NO_COURSE = Words("没有可用的课程", "There is no course")
COURSE_BROKEN = Words("以下课程有误，不能使用", "These courses cannot be used")
MINUTES = Words("分钟", "min")
PAGES = Words("页", "pages")
QUESTIONS = Words("题", "questions")
VALID_DAYS = Words("有效天数", "Valid, days")
PASS_MARK = Words("及格", "Pass mark")

LOGIN = Words("人脸登录", "Log in by face")
LOGIN_HINT = Words("请站到摄像头前，看着屏幕", "Stand before the camera and look at the screen")
LOGIN_ONE = Words("一次只能一个人，请其他人走开", "One person only; the others please step aside")
RECOGNISED = Words("已识别", "Recognised")
START = Words("开始学习", "Start")
GO_ON_WHERE = Words("接着上次学习", "Go on where you were")
NO_CAMERA = Words(
    "没有摄像头画面，不能学习。请检查摄像头。", "The camera gives no picture; training needs one. Check it."
)
PREVIEW = Words("摄像头画面", "Camera")

PAGE = Words("第", "Page")
LEFT = Words("本页还需", "Still on this page")
SECONDS = Words("秒", "s")
SEEN = Words("已学习", "Seen")
PREVIOUS = Words("上一页", "Previous")
NEXT = Words("下一页", "Next")
TO_QUESTIONS = Words("去答题", "To the questions")
PAUSE = Words("暂停", "Pause")
GO_ON = Words("继续", "Go on")
STOP = Words("放弃本次学习", "Give up this session")
STOP_SURE = Words("确定放弃？记录为未完成。", "Give up? It is recorded as not finished.")
KEEP_ON = Words("不，继续学习", "No, go on")
PAUSED = Words("学习已暂停", "Paused")
PRESENT = Words("在位", "present")

QUESTION = Words("第", "Question")
ONE_RIGHT = Words("单选", "one is right")
SEVERAL_RIGHT = Words("多选", "several may be right")
SEND = Words("提交答案", "Answer")
CLASS_OVER_TITLE = Words("集体学习结束", "The class is over")
CLASS_OVER_HINT = Words(
    "请每位工人选择「单人学习」，人脸登录后补看不足的页面并答题。",
    "Each worker now chooses “One learner”, logs in by face, sees what was missed and answers the questions.",
)
BACK = Words("返回课程", "Back to the courses")
SCORE = Words("得分", "Score")
VALID_UNTIL = Words("有效期至", "Valid until")
CERTIFICATE = Words("下载证书", "Certificate")
NAME = Words("姓名", "Name")
NUMBER = Words("工号", "Number")
COURSE = Words("课程", "Course")
ENDED = Words("结束", "Ended")
RESULT = Words("结果", "Result")
CHECKS = Words("人脸核验", "Face checks")
INTERRUPTIONS = Words("中断", "Interruptions")
SYNCED = Words("中心", "Centre")
CHAIN_GOOD = Words("签名和链条完整", "Signatures and chain are whole")
CHAIN_BAD = Words("签名或链条有问题", "Something is wrong with signatures or chain")
VERIFY = Words("核验全部记录", "Verify all records")
EXPIRING = Words("即将到期", "Ends soon")
HAS_ENDED = Words("已过期", "Ended")
NOBODY_EXPIRES = Words("14 天内没有人到期", "Nobody's training ends within 14 days")
KIND = Words("类别", "Kind")
STATE = Words("状态", "State")
OPEN = Words("打开", "Open")
THERE = Words("已上传", "received")
WAITS_HERE = Words("待上传", "waits here")
REFUSED_THERE = Words("被拒收", "refused")
NO_RECORDS = Words("还没有培训记录", "No training records yet")

REASONS: dict[str, Words] = {
    Sight.OTHER.value: Words("不是同一个人", "another person is before the screen"),
    Sight.NOBODY.value: Words("没有人在屏幕前", "nobody is before the screen"),
    Sight.SEVERAL.value: Words("屏幕前有多个人", "several people are before the screen"),
    Sight.PHOTO.value: Words("疑似照片或屏幕", "this looks like a photo or a screen"),
    Sight.UNCLEAR.value: Words("看不清脸，请正对屏幕", "the face cannot be seen; look at the screen"),
    BY_HAND: Words("已手动暂停", "paused by hand"),
    POWER: Words("上次中断", "was interrupted"),
    CLASS_OVER: Words("集体学习已结束", "the class is over"),
}

REFUSALS = {
    Refusal.PAUSED: Words("已暂停", "It is paused"),
    Refusal.NOT_VERIFIED: Words("请本人看着屏幕", "The learner has to look at the screen"),
    Refusal.TOO_EARLY: Words("时间还不够", "It is too early"),
    Refusal.NOT_THE_TURN: Words("现在不能这样做", "Not possible now"),
    Refusal.BAD_ANSWER: Words("请选择答案", "Choose an answer"),
    Refusal.OVER: Words("学习已结束", "It is over"),
}

RESULTS = {
    Result.PASSED: Words("合格", "Passed"),
    Result.FAILED: Words("不合格，请重新学习", "Failed: take the course again"),
    Result.ABANDONED: Words("未完成", "Not finished"),
}
