"""Words of the shell of the phone pages; each area keeps its own beside its pages."""

from __future__ import annotations

from http import HTTPStatus

from sync.people import DocumentType
from sync.words import Words

TITLE = Words("工地通行", "Sitegate")
HOME = Words("首页", "Home")
BACK = Words("返回", "Back")
SKIP = Words("跳到内容", "Skip to the content")
REQUIRED = Words("必填", "required")
SEND = Words("提交", "Send")
SAVED = Words("已保存", "Saved")
SIGN_OUT = Words("退出", "Sign out")
SIGNED_IN_AS = Words("当前用户", "Signed in as")

STAFF = Words("工作人员登录", "Staff sign-in")
SIGN_IN = Words("登录", "Sign in")
USER = Words("用户名", "User")
PASSWORD = Words("密码", "Password")
STAFF_WRONG = Words(
    "用户名或密码不对，或账号已暂时锁定。", "Wrong name or password, or the account is locked for now."
)

WORKER = Words("工人登录", "Worker sign-in")
NUMBER_OR_PHONE = Words("工号或手机号", "Worker number or phone")
DOCUMENT_TAIL = Words("证件号码后六位", "Last 6 characters of your document number")
DOCUMENT_TAIL_HINT = Words("字母 X 也算一位", "the letter X counts as one")
WORKER_WRONG = Words(
    "号码不对，或尝试次数过多。请核对后再试，或到登记台办理。",
    "The numbers do not fit, or too many attempts. Check them, or ask at the kiosk.",
)
NO_PAPERS_HERE = Words("此处暂不能登录，请到登记台办理。", "Nobody can sign in here now: ask at the kiosk.")

VISITOR = Words("访客登录", "Visitor sign-in")
VISITOR_HINT = Words("没有工号的人员从这里填写。", "For everybody without a worker number.")
IS_WORKER = Words("我有工号", "I have a worker number")
NAME = Words("姓名", "Name")
PHONE = Words("手机号", "Phone")
DOCUMENT_TYPE = Words("证件类型", "Document")
DOCUMENT_NUMBER = Words("证件号码", "Document number")
CONTINUE = Words("继续", "Continue")
NAME_WRONG = Words("请填写证件上的姓名", "your name as your document has it")
PHONE_WRONG = Words("请填写手机号", "a phone number, please")
DOCUMENT_WRONG = Words(
    "号码与证件类型不符，请逐位核对", "this is no number of that document: compare it digit by digit"
)
DOCUMENT_TYPES = {
    DocumentType.RESIDENT_ID: Words("居民身份证", "Resident ID card"),
    DocumentType.PASSPORT: Words("护照", "Passport"),
    DocumentType.HONGKONG_MACAO_PERMIT: Words("港澳居民来往内地通行证", "Hong Kong and Macao permit"),
    DocumentType.TAIWAN_PERMIT: Words("台湾居民来往大陆通行证", "Taiwan permit"),
    DocumentType.FOREIGN_PERMANENT: Words("外国人永久居留证", "Permanent residence card"),
    DocumentType.OTHER: Words("其他证件", "Another document"),
}

FOREIGN_PAGE = Words("请求来自其他网页，已拒绝。", "Another page may not send forms here.")
TOO_MANY = Words("请求过于频繁，请稍候再试。", "Too many requests: wait a moment and try again.")
TOO_LARGE = Words("提交的内容过大。", "What was sent is too large.")
FORM_STALE = Words("此表单无效，请重新打开后填写。", "This form is not valid: open it again.")

PROBLEMS: dict[int, Words] = {
    HTTPStatus.FORBIDDEN: Words(
        "您的账号不能进行此操作，需要时请联系管理员。",
        "Your account may not do this; ask an administrator if it should.",
    ),
    HTTPStatus.NOT_FOUND: Words("没有此页面或记录。", "There is no such page or record."),
    HTTPStatus.METHOD_NOT_ALLOWED: Words("请从页面上的按钮操作。", "Use the buttons of the pages."),
    HTTPStatus.UNPROCESSABLE_ENTITY: Words("提交的内容有误。", "Something in what was sent is not right."),
    HTTPStatus.SERVICE_UNAVAILABLE: Words(
        "系统暂时无法使用，请稍后再试。", "Not available for the moment: try again soon."
    ),
}
FAULT = Words("系统出错，未保存。请稍后再试。", "A fault: nothing was saved. Try again later.")
