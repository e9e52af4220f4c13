"""Words of the training pages on phones."""

from __future__ import annotations

from sync.words import Words

VERIFY = Words("培训证书核验", "Certificate check")
VALID = Words("证书有效", "Valid")
NOT_VALID = Words("证书无效或已过期", "Not valid, or no longer")
UNKNOWN = Words("没有这张证书，或记录还没有上传。", "No such certificate, or its record has not arrived yet.")
COURSE = Words("课程", "Course")
DATE = Words("日期", "Date")
UNTIL = Words("有效期至", "Valid until")
NAME = Words("姓名", "Name")
COMPARE = Words("请与持证人当面核对姓名。", "Compare the name with the person who shows it.")

TRAINING = Words("安全培训", "Training")
NOT_HERE = Words("本中心没有开通手机培训，请到登记终端学习。", "No training on phones here: use the kiosk.")
NO_COURSE = Words("没有这个课程", "No such course")
NO_FACE = Words("您还没有登记人脸，请到登记终端学习。", "Your face is not registered: use the kiosk.")
BAD_PICTURE = Words("照片无法使用", "The picture cannot be used")
NO_CAMERA = Words(
    "不能使用摄像头：请允许使用摄像头，并用 https 打开本页；没有摄像头的手机请到登记终端学习。",
    "No camera: allow it and open this page by https; a phone without one cannot be used, go to the kiosk.",
)
OFFLINE = Words("网络中断，正在重试", "No connection, trying again")
CAMERA_ON = Words(
    "学习时摄像头核验是您本人；照片不保存。", "The camera checks that it is you; no picture is kept."
)
LOGIN = Words("人脸登录", "Log in by face")
LOOK_AT_PHONE = Words("请看着手机", "Look at the phone")
PRESENT = Words("本人在学习", "It is you")
LEFT = Words("本页还需", "Still on this page")
SECONDS = Words("秒", "s")
MINUTES = Words("分钟", "min")
PAGE = Words("第", "Page")
NEXT = Words("下一页", "Next")
TO_QUESTIONS = Words("去答题", "To the questions")
BACK = Words("上一页", "Previous")
PAUSE = Words("暂停", "Pause")
GO_ON = Words("继续", "Go on")
QUESTION = Words("第", "Question")
ONE_RIGHT = Words("单选", "one is right")
SEVERAL_RIGHT = Words("多选", "several may be right")
SEND = Words("提交答案", "Answer")
PASSED = Words("合格", "Passed")
FAILED = Words("不合格，请重新学习", "Failed: take the course again")
SCORE = Words("得分", "Score")
ALL_COURSES = Words("全部课程", "All courses")
PDF = Words("打开文件", "Open the document")

REASONS = {
    "another_person": Words("不是同一个人", "another person"),
    "nobody": Words("看不到人", "nobody is seen"),
    "several_people": Words("有多个人", "several people"),
    "photo": Words("疑似照片", "this looks like a photo"),
    "unclear": Words("看不清脸", "the face cannot be seen"),
    "by_hand": Words("已暂停", "paused"),
}

REFUSALS = {
    "paused": Words("已暂停", "It is paused"),
    "not_verified": Words("请本人看着手机", "Look at the phone"),
    "too_early": Words("时间还不够", "It is too early"),
    "bad_answer": Words("请选择答案", "Choose an answer"),
}
