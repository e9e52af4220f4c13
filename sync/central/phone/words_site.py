"""Words of the pages for those who run a site: daily report, who has not declared, posters."""

from __future__ import annotations

from sync.words import Words

REPORT = Words("项目每日上报", "Daily report of the site")
MISSING = Words("未申报名单", "Who has not declared")
POSTER = Words("申报海报", "Poster for declarations")
CHOOSE_SITE = Words("请选择工地", "Choose the site")
NO_SITES = Words("您的账号没有工地。", "Your account has no site.")
SITE = Words("工地", "Site")
SITE_ITSELF = Words("整个工地", "The whole site")
REPORTED = Words("已上报", "Reported")
NOT_REPORTED = Words("未上报", "Missing")
FOR_DAY = Words("上报日期", "For the day")
TODAY = Words("今天", "Today")
LATE = Words("补报：此日期已过。", "Late: this day is over.")
CARRIED = Words("已填入上一次的数字，请核对。", "The last figures are filled in: check them.")
ALREADY = Words("已上报，可以修改后重新提交。", "Reported already; change it and send again.")
SEND = Words("提交", "Send")
RECEIVED = Words("上报成功", "Reported")
SHORT_BY = Words("物资不足日期", "Supplies run short")
ENOUGH = Words("物资充足", "Supplies last")
SHORT_ON = Words("{day} 起不足", "short from {day}")
HISTORY = Words("近 14 天", "Last 14 days")
FIGURES = Words("每日数字", "Figures by day")
HEADCOUNT = Words("在岗", "Headcount")
RETURNED = Words("返回", "Returned")
UNWELL = Words("不适", "Unwell")
BACK_TO_LIST = Words("返回列表", "Back to the list")
PROBLEMS = Words("请改正以下内容", "Please correct these")
NOT_SENT = Words("尚未提交", "Nothing was sent yet")
ADD = Words("添加一项", "Add one")
REMOVE = Words("删除此项", "Remove this one")
YES = Words("是", "Yes")
NO = Words("否", "No")
CHOOSE = Words("请选择", "Choose")
OPTIONAL = Words("选填", "optional")

DECLARED_OF = Words("已申报", "declared")
TEAM = Words("班组", "Team")
NO_TEAM = Words("未分班组", "no team")
ALL_DECLARED = Words("全部已申报", "Everybody has declared")
MORE = Words("下一页", "Next page")
CALL = Words("拨打", "Call")

SCAN = Words("微信或相机扫一扫，每天申报", "Scan with your phone and declare every day")
POSTER_HOW = Words(
    "工号或手机号 + 证件后六位登录；访客填写证件。",
    "Sign in with number or phone and the last 6 characters of your document; visitors with their document.",
)
PRINT_HINT = Words("用浏览器的打印功能打印此页（A4）。", "Print this page with the browser (A4).")
