"""Words of the console's page of declarations."""

from __future__ import annotations

from sync.words import Words

DECLARATIONS = Words("申报", "Declarations")
DECLARED = Words("已申报", "Declared")
MISSING = Words("未申报", "Missing")
EXPECTED = Words("应申报", "Expected")
VISITORS = Words("访客", "Visitors")
MARKED = Words("需要关注", "To be looked at")
NOBODY_MARKED = Words("没有需要关注的申报", "No declaration needs a look")
WHO_MISSING = Words("未申报名单", "Who has not declared")
ALL_DECLARED = Words("全部已申报", "Everybody has declared")
BY_TEAM = Words("按单位和班组", "By employer and team")
EXPORT = Words("导出", "Export")
PHONE = Words("电话", "Phone")
MARKS_HEADING = Words("关注内容", "What")
CURRENT = Words("有效", "counts")
OLD = Words("已被替代", "replaced")
REPORTS = Words("项目每日上报（近 14 天）", "Daily reports of the site (last 14 days)")
HEADCOUNT = Words("在岗", "Headcount")
RETURNED = Words("从疫情地区返回", "Returned from affected areas")
UNWELL = Words("不适", "Unwell")
SHORT_ON = Words("物资不足日期", "Supplies short on")
MISSING_DAYS = Words("未上报日期", "Days without a report")
LAST_REPORT = Words("最近上报", "Last report")
SITE_ITSELF = Words("整个工地", "The whole site")
POSTER = Words("申报海报", "Poster with the code")
MARKS = {
    "unwell": Words("身体不适", "unwell"),
    "affected": Words("到过疫情地区", "affected area"),
    "contact": Words("接触过病例", "contact with a case"),
}


def marks(found: tuple[str, ...]) -> str:
    """What to look at; a mark of another form stands for itself."""
    return "，".join(str(MARKS.get(one, one)) for one in found)
