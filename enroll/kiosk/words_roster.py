"""Words of the pages of import, workers and receipts."""

from __future__ import annotations

from sync.records import WorkerStatus
from sync.words import Words

IMPORT = Words("批量导入", "Import")
STEP_FILE = Words("1. 花名册", "1. Roster file")
STEP_PHOTOS = Words("2. 照片（zip，可选）", "2. Photos (zip, optional)")
STEP_CHECK = Words("3. 检查与导入", "3. Check and import")
CHOOSE_FILE = Words("选择 XLSX 或 CSV", "Choose XLSX or CSV")
CHOOSE_ZIP = Words("选择照片压缩包", "Choose a zip file of photos")
TEMPLATE = Words("下载模板", "Template")
NO_FILE = Words("还没有上传花名册。", "No roster file was uploaded yet.")
ROWS = Words("行", "rows")
SHEET = Words("工作表", "Sheet")
PHOTOS_IN_ZIP = Words("张照片", "photos")
IGNORED = Words("未识别的列", "Columns without a meaning")
CONSENT_RULE = Words(
    "只有填写了人脸同意日期和版本（或已在本机同意）的人才登记人脸。",
    "A face is registered only where the file, or this kiosk, knows a consent.",
)
CHECK = Words("先检查", "Check first")
START = Words("开始导入", "Import")
GO_ON = Words("继续导入", "Go on")
STOP = Words("停止", "Stop")
DISCARD = Words("移除文件", "Remove the files")
CHECKING = Words("正在检查，不做任何更改", "Checking, nothing is changed")
CHECKED = Words("检查完毕，未做任何更改", "Checked, nothing was changed")
IMPORTING = Words("正在导入", "Importing")
STOPPED = Words("导入已停止，可以继续", "The import was stopped and can go on")
IMPORTED = Words("导入完毕", "Imported")
FAILED_EARLY = Words("未能完成", "Not finished")
ALL_GOOD = Words("没有需要说明的行。", "No row has a remark.")
FIRST_SHOWN = Words("仅显示前 200 行，完整内容见报告。", "Only the first 200 are shown; the report has all.")
ROW = Words("行", "Row")
RESULT = Words("结果", "Result")
REASON = Words("说明", "Reason")
NEXT_STEP = Words("下一步", "Next step")
REPORTS = Words("导入记录与报告", "Imports and reports")
REPORT = Words("报告", "Report")
NOBODY_YET = Words("还没有登记工人，请登记或批量导入。", "Nobody is registered yet: register or import.")
NO_REPORTS = Words("还没有导入过。", "Nothing was imported yet.")
FILE = Words("文件", "File")
STARTED = Words("开始", "Started")
STATE = Words("状态", "State")
RESULTS = {
    "added": Words("新增", "added"),
    "updated": Words("更新", "updated"),
    "unchanged": Words("未变", "unchanged"),
    "failed": Words("失败", "failed"),
}
STATES = {
    "open": Words("未完成", "open"),
    "cancelled": Words("已停止", "stopped"),
    "done": Words("已完成", "done"),
}

WORKERS = Words("工人", "Workers")
SEARCH = Words("姓名、拼音、工号、班组、证件后四位", "Name, pinyin, number, team, end of document")
ALL_STATES = Words("全部状态", "All states")
STATUS = {
    WorkerStatus.ACTIVE: Words("在场", "active"),
    WorkerStatus.BLOCKED: Words("禁入", "blocked"),
    WorkerStatus.LEFT: Words("离场", "left"),
}
NUMBER = Words("工号", "Number")
NAME = Words("姓名", "Name")
EMPLOYER = Words("单位", "Employer")
PHONE = Words("电话", "Telephone")
SITES = Words("工地", "Sites")
DOCUMENT = Words("证件", "Document")
DOCUMENT_TYPE = Words("证件类型", "Document")
BIRTH = Words("出生日期、性别", "Birth date, sex")
SEX = Words("性别", "Sex")
ADDRESS = Words("住址", "Address")
EDIT_FIELDS = {
    "name": (NAME, "text"),
    "document_number": (Words("证件号码", "Document number"), "text"),
    "birth_date": (Words("出生日期", "Birth date"), "date"),
    "phone": (PHONE, "tel"),
    "employer": (EMPLOYER, "text"),
    "team": (Words("班组", "Team"), "text"),
    "trade": (Words("工种", "Trade"), "text"),
    "site_ids": (Words("工地（用空格隔开）", "Sites, separated by spaces"), "text"),
    "grant_from": (Words("许可从", "Permit from"), "date"),
    "grant_until": (Words("许可到（含当日）", "Permit until, that day included"), "date"),
    "address": (ADDRESS, "text"),
}
"""Fields of the edit form: title and the browser's input type."""
TEAM = Words("班组", "Team")
FACE = Words("人脸", "Face")
DOCUMENT_END = Words("证件后四位", "Document ends")
FACE_YES = Words("有", "yes")
FACE_NO = Words("无", "none")
PREVIOUS = Words("上一页", "Previous")
FOLLOWING = Words("下一页", "Next")
PEOPLE = Words("人", "people")
AGEING = Words("需要重拍", "Capture again")
AGEING_WHY = Words(
    "最近识别分数明显下降或接近阈值的人，建议重拍。",
    "People whose recent scores fell, or come near to the threshold.",
)
AGEING_NONE = Words("没有人需要重拍。", "Nobody needs a new capture.")
RECENT = Words("最近", "recent")
FIRST = Words("登记后", "at first")
THRESHOLD = Words("阈值", "threshold")
BACK_TO_LIST = Words("返回列表", "Back to the list")

RECORD = Words("工人档案", "Worker")
EDIT = Words("修改资料", "Edit")
BLOCK = Words("禁止进场", "Block")
UNBLOCK = Words("解除禁入", "Unblock")
LEAVE = Words("离场", "Leaves the site")
TAKE_BACK = Words("重新进场", "Is back")
RECAPTURE = Words("重拍人脸", "Capture again")
PASS = Words("二维码通行证", "QR pass")
WITHDRAW = Words("撤回人脸同意", "Withdraw consent")
ERASE = Words("删除全部档案", "Erase the record")
WHY = Words("原因", "Reason")
WHY_MISSING = Words("请填写原因", "A reason is needed")
BLOCK_ASK = Words("此人将不能进场，直到解除。", "The gate refuses this person until unblocked.")
UNBLOCK_ASK = Words("此人可以重新进场。", "The gate lets this person in again.")
LEAVE_ASK = Words(
    "标记为离场，闸机不再放行。人脸保留一段时间以便返场，之后自动删除。",
    "Marked as left; the gate lets nobody in who has left. The face is kept a while for a return, then goes.",
)
FACE_GOES_AT = Words("已不在任何工地，人脸将自动删除：", "On no site: the face goes by itself on")
CENTRE_ERASES = Words(
    "已离场：人脸在中心设定的期限后自动删除。", "Has left: the centre erases the face after its period."
)
TAKE_BACK_ASK = Words("标记为在场。", "Marked as active.")
WITHDRAW_ASK = Words(
    "撤回后立即删除，不能恢复：本机、每个闸机和中心的人脸特征与照片。之后请用二维码或工牌进场。",
    "Goes at once, for good: templates and photos here, at every gate and at the centre. "
    "A QR pass or badge remains.",
)
ERASE_ASK = Words(
    "删除姓名、证件、电话、同意书、人脸特征和照片，不能恢复。考勤只保留工号。仅在法律不要求保存时使用。",
    "Name, papers, phone, consents, templates and photos go, for good; attendance keeps the number only. "
    "Only where no law demands to keep them.",
)
WILL_GO = Words("将删除", "What goes")
TYPE_NUMBER = Words("请输入工号以确认", "Type the number")
NUMBER_DIFFERS = Words("工号不一致", "Not this number")
TEMPLATES = Words("人脸特征", "Templates")
PHOTOS = Words("照片", "Photos")
PAPERS = Words("签字页、证件扫描", "Scans of papers")
PERSON = Words("证件与个人信息", "Papers and person")
CONSENTS = Words("同意书", "Consents")
GOING = {
    "templates": TEMPLATES,
    "pictures": PHOTOS,
    "persons": PERSON,
    "papers": PAPERS,
    "consents": CONSENTS,
}
CONSENT_NONE = Words("没有记录", "none on record")
GRANTED = Words("同意", "granted")
REFUSED = Words("拒绝", "refused")
WITHDRAWN = Words("已撤回", "withdrawn")
VERSION = Words("版本", "version")
HOW = {
    "screen": Words("屏幕签名", "on screen"),
    "paper": Words("纸质", "on paper"),
    "import": Words("导入", "import"),
}
HOW_WORD = Words("方式", "How")
GIVEN = Words("时间", "When")
SYNC = Words("同步", "Sync")
TAKEN = Words("中心已收到", "The centre has it")
TRAINING = Words("安全培训", "Safety training")
LAST_SEEN = Words("最近通行", "Last event")
STATUS_WORD = Words("状态", "Status")
PERMIT = Words("许可", "Permit")
RECEIPT = Words("删除回执", "Erasure receipt")
RECEIPT_NUMBER = Words("回执号", "Receipt")
REQUESTED = Words("提出时间", "Requested")
KIND_WORD = Words("事项", "Matter")
KIND = {
    "face": Words("撤回人脸同意", "Consent to the face withdrawn"),
    "record": Words("删除全部档案", "Whole record erased"),
}
PLACE = Words("地点", "Place")
WHAT = Words("内容", "What")
CONFIRMED = Words("已确认", "Confirmed")
OUTSTANDING = Words("尚未确认", "Outstanding")
COMPLETE = Words("各处均已确认删除。", "Everybody confirmed.")
INCOMPLETE = Words("处尚未确认", "outstanding")
ASKING = Words("正在询问中心……", "Asking the centre …")
CENTRE_SILENT = Words("中心没有回答，以下仅为本机内容。", "The centre did not answer: only what went here.")
ALONE = Words("本机单机运行，没有中心和其他闸机。", "This kiosk works on its own, without a centre.")
NOTE_WAITS = Words("请求正等待上传中心。", "The request waits for the centre.")
NOTE_REFUSED = Words("中心拒收此请求：", "The centre refused the request:")
PRINT = Words("打印", "Print")
ASK_AGAIN = Words("刷新", "Refresh")
BY = Words("经办", "By")

WHAT_WENT = (
    ("templates", "人脸特征"),
    ("pictures", "照片"),
    ("persons", "证件与个人信息"),
    ("person", "证件与个人信息"),
    ("consents", "同意书"),
    ("papers", "扫描件"),
    ("roster entry", "花名册条目"),
    ("deleted rows", "数据库中的残留"),
    ("backups made before", "此日之前的备份"),
    ("similar faces", "相似人脸记录"),
)
"""Beginnings of what a receipt lists, in Chinese."""
