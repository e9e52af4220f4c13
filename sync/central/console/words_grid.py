"""Words of the console's pages of inspections and the grid; what phones say too is in phone.words_inspect."""

from __future__ import annotations

from sync.central.console.words import Words

ON_PHONE = Words(
    "检查和走访在手机页面 /m/inspect 上登记；整改与复查在此处或手机上办理。",
    "Inspections and visits are recorded on a phone at /m/inspect; findings are followed here or there.",
)
UNSETTLED = Words("全部未结", "All not settled")
ONLY_OVERDUE = Words("只看逾期", "Overdue only")
EVERY_STATE = Words("全部状态", "Every state")
INSPECTED = Words("检查记录", "Inspections")
INSPECTOR = Words("检查人", "Inspector")
FINDINGS_EXPORT = Words("问题", "Findings")
INSPECTIONS_EXPORT = Words("检查", "Inspections")
ADD_PHOTO = Words("添加照片", "Add a photo")
PHOTO_REFUSED = Words("照片太大或不是图片", "The photo is too large, or is none")
DISTRICT = Words("区", "District")
SUB_DISTRICT = Words("街道", "Sub-district")
LAST_VISIT = Words("最近走访", "Last visit")
LATE = Words("逾期", "late")
GRID_NOTE = Words(
    "每个工地有一名网格员负责走访跟进；更换后原网格员的电话不再保存。",
    "Each site has a named officer who visits and follows up; the phone of a former one is not kept.",
)
NAME_OFFICER = Words("指定网格员", "Name an officer")
END_OFFICER = Words("撤下网格员", "Without an officer from now on")
SURE_END = Words("该工地将没有网格员，确定吗？", "The site will have no officer. Are you sure?")
FORMER = Words("历任网格员", "Officers so far")
SINCE = Words("自", "since")
UNTIL = Words("至", "until")
NAME = Words("姓名", "Name")
EXPORT = Words("网格", "Grid")
