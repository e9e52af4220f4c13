"""Words of the registration's pages."""

from __future__ import annotations

from sync.people import DocumentType, Sex
from sync.words import Words

ENROL = Words("登记工人", "Register")
STEP_IDENTITY = Words("身份", "Identity")
STEP_CONSENT = Words("同意", "Consent")
STEP_CAPTURE = Words("拍摄", "Capture")
STEP_DONE = Words("完成", "Done")
STEPS = Words("登记步骤", "Steps of the registration")

READ_CARD = Words("读取证件", "Read card")
NO_CARD = Words("读卡器上没有证件", "No card lies on the reader")
NAME = Words("姓名", "Name")
DOCUMENT_TYPE = Words("证件类型", "Document")
DOCUMENT_NUMBER = Words("证件号码", "Document number")
BIRTH_DATE = Words("出生日期", "Birth date")
SEX = Words("性别", "Sex")
PHONE = Words("电话", "Telephone")
ADDRESS = Words("住址", "Address")
EMPLOYER = Words("单位", "Employer")
TEAM = Words("班组", "Team")
TRADE = Words("工种", "Trade")
SITES = Words("工地", "Sites")
GRANT_FROM = Words("许可从", "Permit from")
GRANT_UNTIL = Words("许可到（含）", "Permit until")
WORKER_NUMBER = Words("工号", "Number")
CORRECT_FIELDS = Words("请更正标红的内容", "Please correct the marked fields")
SAME_DOCUMENT = Words("该证件已经登记过：", "This document is registered already:")
OPEN_RECORD = Words("打开档案", "Open the record")
GO_ON_ANYWAY = Words(
    "若确是另一人，可继续，系统会比对人脸。", "If this is somebody else, go on: the faces are compared."
)

CONSENT_ASK = Words("请本人阅读", "For the worker to read")
LANGUAGE = Words("语言", "Language")
SIGN_HERE = Words("请在框内签名", "Sign in the field")
CLEAR = Words("重签", "Clear")
ON_SCREEN = Words("屏幕签名", "Sign on screen")
ON_PAPER = Words("纸质签字", "Signed on paper")
SCAN = Words("拍摄或选择签字页的照片", "Photograph the signed page, or choose a file")
SCAN_KEPT = Words("签字页已保存", "The page is kept")
GUARDIAN_NAME = Words("监护人姓名", "Guardian's name")
GUARDIAN_PHONE = Words("监护人电话", "Guardian's telephone")
AGREE = Words("同意", "I agree")
REFUSE = Words("不同意，改用二维码或工牌", "I refuse: QR pass or badge")
TOO_LARGE = Words("文件过大或不是图片", "Too large, or no picture")

CHECK = Words("核对并登记", "Check and register")
CONFIRM = Words("确认登记", "Register")
CHANGE = Words("修改", "Change")
FACE = Words("人脸", "Face")
FACE_TEMPLATES = Words("组特征", "templates")
FACE_LEFT_OUT = Words("未拍摄：用二维码或工牌", "left out: QR pass or badge")
FACE_REFUSED = Words("不同意：用二维码或工牌", "refused: QR pass or badge")
PHOTO_OF = Words("登记照片", "Photo of the registration")
CONSENT = Words("同意书", "Consent")
DONE = Words("登记完成", "Registered")
TRAINING = Words("安全培训", "Safety training")
UNDO = Words("撤销本次登记", "Undo this registration")
UNDO_ASK = Words("撤销后需要重新登记。确定？", "The worker will have to be registered again. Undo?")
UNDO_YES = Words("确定撤销", "Undo it")
UNDONE_REMOVED = Words("已撤销：本机和上传队列中均无记录", "Undone: nothing is left here or on its way")
UNDONE_SIGNED_OFF = Words(
    "已撤销：中心可能已收到，已发送离场和撤回同意",
    "Undone: the centre may have it, so sign-off and withdrawal were sent",
)
NEXT_WORKER = Words("下一位", "Next worker")
PASS = Words("二维码通行证", "QR pass")
SYNC_WAITING = Words("等待上传中心", "Waits for the centre")
SYNC_TAKEN = Words("中心已收到", "The centre has it")
SYNC_REFUSED = Words("中心拒收：", "The centre refused it:")
SYNC_ALONE = Words("单机运行，仅保存在本机", "Works on its own: kept here only")
CANCELLED = Words("已取消，输入的内容已删除", "Cancelled; what was typed is erased")
CANCEL_ASK = Words("放弃本次登记并删除已输入的内容？", "Give up and erase what was typed?")
CANCEL_YES = Words("放弃", "Give up")

DOCUMENT_TYPES = {
    DocumentType.RESIDENT_ID: Words("居民身份证", "Resident ID"),
    DocumentType.FOREIGN_PERMANENT: Words("外国人永久居留证", "Foreign permanent resident"),
    DocumentType.HONGKONG_MACAO_PERMIT: Words("港澳通行证", "Hong Kong / Macao permit"),
    DocumentType.TAIWAN_PERMIT: Words("台湾通行证", "Taiwan permit"),
    DocumentType.PASSPORT: Words("护照", "Passport"),
    DocumentType.OTHER: Words("其他", "Other"),
}
SEXES = {
    Sex.FEMALE: Words("女", "Female"),
    Sex.MALE: Words("男", "Male"),
    Sex.UNSTATED: Words("未说明", "Not stated"),
}
