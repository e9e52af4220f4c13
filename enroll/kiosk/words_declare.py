"""Words of the kiosk's declarations and site reports."""

from __future__ import annotations

from sync.words import Words

DECLARE = Words("健康申报", "Health declaration")
REPORT = Words("项目上报", "Site report")
FIND = Words("姓名、拼音、工号或手机号", "Name, pinyin, number or phone")
SEARCH = Words("查找", "Search")
NOBODY = Words("没有找到在册人员", "Nobody on the roster fits")
VISITOR = Words("访客申报（无工号）", "A visitor, without a worker number")
VISITOR_WHO = Words("请按证件填写", "As the document has it")
VISITOR_PHONE = Words("手机号", "Phone")
WHO = Words("请选择申报人", "Who declares?")
TODAY_AT = Words("今天已申报", "Declared today at")
CHANGE = Words("修改后重新提交即可替代，24 点前有效。", "Send again to replace it, until midnight.")
CARRIED = Words("已填入上一次的内容，请核对。", "Filled in from the last time: check it.")
SEND = Words("提交", "Send")
ADD = Words("添加一项", "Add one")
REMOVE = Words("删除此项", "Remove this one")
YES = Words("是", "Yes")
NO = Words("否", "No")
PROBLEMS = Words("尚未提交，请改正标出的内容", "Nothing was sent: correct what is marked")
DECLARED = Words("申报成功", "Declared")
REPORTED = Words("上报成功", "Reported")
SAVED_HERE = Words("已保存在本机，联网后自动上传。", "Kept here; it goes to the centre by itself.")
NEXT = Words("下一位", "Next person")
BACK = Words("返回", "Back")
SITE_ITSELF = Words("整个工地", "The whole site")
LAST_DAYS = Words("近 14 天（本机）", "Last 14 days (made here)")
IS_THERE = Words("已上报", "reported")
IS_MISSING = Words("未上报", "missing")
OPEN = Words("填写今天的上报", "Fill in today's report")
SHORT = Words("物资不足日期", "Supplies run short")
ENOUGH = Words("物资充足", "Supplies last")
OPTIONAL = Words("选填", "optional")
NOT_WELL = Words(
    "请不要进入工地，先联系工地管理人员。", "Do not enter the site: first call the site's office."
)
