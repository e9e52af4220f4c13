"""Words of the console's dashboard that files and paper do not need."""

from __future__ import annotations

from sync.central.console.words import Words

NOTE = Words(
    "点数字看名单；每 30 秒自动更新。数字口径见说明文档。",
    "A figure leads to its list; the page is brought up to date every 30 s.",
)
PASSAGES = Words("出入", "Passages")
HEALTH = Words("申报与物资", "Declarations and supplies")
CLEARED = Words("检测与培训", "Tests and training")
COLOURS = Words("健康码", "Passes")
WATCHED = Words("预警与检查", "Alerts and inspections")
BY_DISTRICT = Words("各区", "By district")
BY_SUB_DISTRICT = Words("各街道", "By sub-district")
BY_SITE = Words("各工地", "By site")
TREND = Words("趋势", "Trend")
TREND_DAYS = Words("天数", "Days")
AS_TABLE = Words("数据表", "As a table")
REPORT = Words("日报 PDF", "Daily report PDF")
EXPORT_TREND = Words("趋势", "Trend")
UPDATED = Words("更新于", "Brought up to date at")
COUNT = Words("次数", "Times")
HEADCOUNT = Words("人数", "Headcount")
OF_REPORTS = Words("当日单位上报", "Reports of the day")
