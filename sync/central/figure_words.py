"""What figures are called on screens, in files and on paper; zh first."""

from __future__ import annotations

from collections.abc import Mapping

from sync.central.figures import UNNAMED, Figure, Place, Short
from sync.central.numbers_desk import Board
from sync.forms import UnknownForm, form
from sync.words import Words

FIGURES: Mapping[Figure, Words] = {
    Figure.ON_SITE: Words("当前在场", "On site now"),
    Figure.PEOPLE_IN: Words("进场人数", "People who came in"),
    Figure.ENTRIES: Words("进场人次", "Entries"),
    Figure.REFUSED: Words("拒绝", "Refused"),
    Figure.HELD: Words("待核对", "Held for the guard"),
    Figure.EXPECTED: Words("应申报", "Expected to declare"),
    Figure.DECLARED: Words("已申报", "Declared"),
    Figure.MISSING: Words("未申报", "Not declared"),
    Figure.VISITORS: Words("访客申报", "Visitors declared"),
    Figure.AFFECTED: Words("本人申报到过疫情地区", "Declared: affected area"),
    Figure.UNWELL_DECLARED: Words("本人申报不适", "Declared: unwell"),
    Figure.RETURNED: Words("项目上报返回人员", "Reported: returned"),
    Figure.UNWELL: Words("项目上报不适", "Reported: unwell"),
    Figure.SUPPLIES_SHORT: Words("物资短缺", "Supplies short"),
    Figure.TEST_DUE: Words("应检测", "Tests due"),
    Figure.TEST_DONE: Words("已检测", "Tests done"),
    Figure.TEST_OVERDUE: Words("检测逾期", "Tests overdue"),
    Figure.TRAINING_DUE: Words("应培训", "Training needed"),
    Figure.TRAINING_DONE: Words("已培训", "Trained"),
    Figure.GREEN: Words("绿码", "Green passes"),
    Figure.YELLOW: Words("黄码", "Yellow passes"),
    Figure.RED: Words("红码", "Red passes"),
    Figure.ALERTS: Words("未关闭预警", "Alerts not closed"),
    Figure.FINDINGS_OVERDUE: Words("逾期隐患", "Findings overdue"),
    Figure.CHECKS_DUE: Words("今日待自查", "Checks due today"),
}
RAISED = Words("新增预警", "Alerts raised")
"""What ALERTS is in a trend."""

TITLE = Words("看板", "Dashboard")
DAY = Words("日期", "Day")
DISTRICT = Words("区", "District")
SUB_DISTRICT = Words("街道", "Sub-district")
SITE_NUMBER = Words("工地编号", "Site id")
WHOLE = Words("合计", "All together")
SUBTOTAL = Words("小计", "Subtotal")
NO_DISTRICT = Words("未设区", "No district")
NO_SUB_DISTRICT = Words("未设街道", "No sub-district")
ALL_SITES = Words("全部工地", "All sites")
DAILY_REPORT = Words("工地日报", "Daily report")
HOURS = Words("分时进场", "Entries by hour")
HOUR = Words("时", "Hour")
REASONS = Words("拒绝与核对原因", "Why people were refused or held")
SHORT = Words("物资短缺及时间", "Supplies short, and when")
RUNS_OUT = Words("断供日期", "Runs out on")
SUPPLY = Words("物资", "Supply")
COVERAGE = Words("培训覆盖率", "Training coverage")
AS_OF = Words("统计时间", "As of")
NOTHING = Words("无", "none")
SITES = Words("工地数", "Sites")
DUE_KINDS = Words("应办事项", "Clearances due")
OVERDUE = Words("逾期", "overdue")
NO_NAMES = Words("本报表不含姓名", "This report names nobody")


def supply_words(one: Short) -> Words:
    """As the form of the report has it; a supply of a form that is gone stands for itself."""
    try:
        fields = form(*one.form).field("supplies").options
    except UnknownForm:
        fields = ()
    for option in fields:
        if option.value == one.supply:
            return Words(option.zh, option.en)
    return Words(one.supply, "")


def place_name(board: Board) -> Words:
    """The site's name, or that of the area."""
    place = board.place
    if place.site_id:
        return Words(board.sites[0].name, board.sites[0].name_en)
    parts = [part for part in area_names(place) if part]
    return Words(" ".join(parts), "") if parts else ALL_SITES


def area_names(area: Place) -> tuple[str, str]:
    """District and sub-district; empty where any is meant."""
    return (
        str(NO_DISTRICT) if area.district == UNNAMED else area.district,
        str(NO_SUB_DISTRICT) if area.sub_district == UNNAMED else area.sub_district,
    )


def coverage_percent(values: Mapping[Figure, int]) -> float | None:
    """Of those who need training; None: nobody does."""
    due = values.get(Figure.TRAINING_DUE, 0)
    return 100 * values[Figure.TRAINING_DONE] / due if due else None
