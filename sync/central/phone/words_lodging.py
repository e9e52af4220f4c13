"""Words of the phone pages for lodging, door-to-door checks and return transport."""

from __future__ import annotations

from sync.central.lodging import LodgingProblem
from sync.central.lodging_rules import HouseState, Risk
from sync.central.transport_steps import Hindrance, Outcome, Step
from sync.central.typed_fields import Slip
from sync.words import Words

NOT_SAVED = Words("未保存，请更正标出的项目。", "Not saved: correct the marked fields.")
OPTIONAL = Words("选填", "optional")
CHOOSE = Words("请选择", "choose")
SAVE = Words("保存", "Save")
BACK = Words("返回", "Back")
YES = Words("是", "Yes")
NO = Words("否", "No")

REGISTER_HOUSE = Words("房屋登记（房东）", "Register a house (landlord)")
SITE = Words("所属工地", "Site")
DISTRICT = Words("区", "District")
SUB_DISTRICT = Words("街道", "Sub-district")
ADDRESS = Words("详细地址", "Address")
LANDLORD = Words("房东姓名", "Landlord's name")
LANDLORD_PHONE = Words("房东电话", "Landlord's phone")
ROOMS = Words("房间数", "Rooms")
CAPACITY = Words("可住人数", "People it can house")
HOUSE = Words("房屋", "House")
HOUSE_SAVED = Words("房屋已登记", "The house is registered")
KEEP_LINK = Words(
    "请收藏本页：工地确认后，二维码显示在这里。",
    "Keep this page: once the site has confirmed the house, its code appears here.",
)
HOUSE_CODE = Words("住户登记二维码", "Code for tenants")
SCAN = Words("住户请扫码登记", "Tenants: scan to register")
SCAN_TO_LEAVE = Words("搬离时请再次扫码", "Scan again when you move out")
STICK = Words("请打印并贴在门上。", "Print it and put it on the door.")
TENANTS_NOW = Words("现住人数", "People living here")
POSTER = Words("打印二维码", "Print the code")

MOVE_IN = Words("住户登记", "Register as a tenant")
MOVE_OUT = Words("搬离登记", "Moving out")
NAME = Words("姓名", "Name")
NUMBER = Words("工号", "Worker number")
PHONE = Words("手机号", "Phone")
NUMBER_OR_PHONE = Words("工号或手机号", "Worker number or phone")
ONE_OF_BOTH = Words("工号和手机号至少填一项", "give the number, the phone, or both")
ROOM = Words("房间", "Room")
SINCE = Words("入住日期", "Living here since")
UNTIL = Words("搬离日期", "Last day here")
IN_SAVED = Words("入住已登记，谢谢。", "You are registered as living here. Thank you.")
OUT_SAVED = Words("搬离已登记，谢谢。", "You are registered as moved out. Thank you.")
PRIVACY = Words(
    "信息只供工地和入户排查人员查看，每次查看均有记录。",
    "Only the site and the door-to-door team see this; every look is recorded.",
)

CHECKS = Words("入户排查", "Door-to-door checks")
CHECK = Words("入户排查", "Door-to-door check")
CHECK_HERE = Words("排查此房屋", "Check this house")
DUE_HOUSES = Words("待排查房屋", "Houses due")
NONE_DUE = Words("目前没有待排查的房屋。", "No house is due.")
SCAN_DOOR = Words("也可以扫描门上的二维码开始。", "Or scan the code on a door.")
TEAM = Words("三人小组", "The team of three")
POLICE = Words("民警", "Police officer")
MEDIC = Words("医务人员", "Medical worker")
OFFICIAL = Words("街镇干部", "Town official")
BEGIN = Words("开始排查", "Begin")
LISTED = Words("在册住户", "People on the list")
NOBODY_LISTED = Words("此房屋没有登记住户。", "Nobody is registered in this house.")
OPEN_COUNT = Words("未填", "open")
MET = Words("见到本人", "Met")
NOT_MET = Words("未见到", "Not met")
WAS_MET = Words("是否见到本人", "Was the person met")
IDENTITY = Words("身份已核实", "Identity confirmed")
TEMPERATURE = Words("体温 °C", "Temperature °C")
SYMPTOMS = Words("症状", "Symptoms")
CONTACTS = Words("接触史", "Contacts")
REMARKS = Words("备注", "Remarks")
OTHERS = Words("名单外人员", "Not on the list")
ADD_PERSON = Words("添加名单外人员", "Add somebody who is not on the list")
SIGN = Words("签字", "Signing")
SIGNS_FOR = Words("签字人", "Signs for the team")
SIGN_NOW = Words("保存并签字完成", "Save, sign and finish")
SIGNED = Words("排查已签字完成", "The check is signed")
SIGNED_BY = Words("签字", "Signed by")
SAVED_AT = Words("已记录", "recorded")
PHOTO = Words("照片", "Photo")
TAKE_PHOTO = Words("拍照或选择照片", "Take or choose a photo")
PHOTO_NOTE = Words(
    "照片会缩小并去除位置信息，到期自动删除。",
    "The photo is made small, loses its place, and is deleted in time.",
)
KEPT_HERE = Words("未保存的填写内容暂存在本页。", "What is typed and not saved is kept on this page.")
PEOPLE = Words("人", "people")
SAVE_FIRST = Words(
    "名单分页显示，换页前请先保存。", "The list has several pages: save before you go to another."
)

BUSES = Words("返岗车辆", "Return buses")
NEW_BUS = Words("新增车辆", "Add a bus")
NO_BUSES = Words("还没有车辆。", "No bus yet.")
PLATE = Words("车牌号", "Plate")
DATE = Words("发车日期", "Day of departure")
FROM = Words("出发地", "From")
TO = Words("目的地", "To")
DRIVER = Words("驾驶员", "Driver")
DRIVER_PHONE = Words("驾驶员电话", "Driver's phone")
SEATS = Words("座位数", "Seats")
RIDERS = Words("乘客", "Riders")
SEAT = Words("座位", "Seat")
ADD_RIDERS = Words("添加乘客", "Add riders")
PASTE = Words("粘贴名单，每行一人", "Paste a list, one rider a line")
PASTE_HINT = Words(
    "工号，或 姓名 + 证件号/手机号；最后可写座位号",
    "worker number, or name + document or phone; a seat may follow",
)
PICK = Words("按姓名、工号或班组查找", "Find by name, number or team")
FIND = Words("查找", "Find")
NOBODY_FOUND = Words("没有符合的人员。", "Nobody fits.")
ADD_CHOSEN = Words("添加所选人员", "Add those chosen")
SEAT_PLAN = Words("座位图", "Seat plan")
FREE = Words("空", "free")
MEASURE = Words("测温", "Measure")
CHANGE_RIDER = Words("更改乘客", "Change a rider")
WHO = Words("谁", "Who")
WHAT = Words("操作", "What")
RESEAT = Words("换座到", "Move to seat")
MARK_ABSENT = Words("未上车", "Did not come along")
MARK_PRESENT = Words("已上车", "Came along after all")
REMOVE = Words("从名单删除", "Take off the list")
DO_IT = Words("执行", "Do it")
STEPS = Words("入场步骤", "Steps before entering")
TAKE_BACK = Words("撤回", "Take back")
CANCEL_BUS = Words("取消车辆", "Cancel this bus")
CANCELLED = Words("已取消", "Cancelled")
HELD_RIDERS = Words("体温超限，须留置", "Temperature too high: to be held")
ABSENT = Words("未上车", "absent")
HIGHEST = Words("最高", "highest")
PROBLEM_LINE = Words("第 {number} 行", "line {number}")

ROLES = {"police": POLICE, "medic": MEDIC, "official": OFFICIAL}
STATES = {
    HouseState.WAITING: Words("等待工地确认", "waiting for the site to confirm"),
    HouseState.OPEN: Words("已确认", "confirmed"),
    HouseState.CLOSED: Words("已注销", "closed"),
}
RISKS = {
    Risk.NORMAL: Words("正常", "normal"),
    Risk.WATCHED: Words("重点关注", "watched"),
    Risk.SEALED: Words("封闭管理", "sealed"),
}
STEP_WORDS = {
    Step.DISINFECTED: Words("已消毒", "Disinfected"),
    Step.MEASURED: Words("已测温", "Measured"),
    Step.CHECKED: Words("入场前已核查", "Checked before entering"),
    Step.ENTERED: Words("已入场", "Entered"),
}
OUTCOMES = {
    Outcome.ENTERED: Words("已入场", "entered"),
    Outcome.HELD: Words("留置", "held"),
    Outcome.ABSENT: ABSENT,
}
SLIPS = {
    Slip.REQUIRED: Words("必填", "needed"),
    Slip.TOO_LONG: Words("内容过长", "too long"),
    Slip.NO_PHONE: Words("电话号码不对", "not a phone number"),
    Slip.NO_NUMBER: Words("号码或数字不对", "not a right number"),
    Slip.OUT_OF_RANGE: Words("超出允许范围", "out of range"),
    Slip.NO_DAY: Words("日期不对", "not a day"),
    Slip.NO_PLATE: Words("车牌号不对", "not a plate"),
    Slip.NOT_OFFERED: Words("请从列表中选择", "choose one of the list"),
    Slip.UNKNOWN_WORKER: Words("工号与姓名不符，或未登记", "number unknown, or of another name"),
    Slip.NOT_FOUND: Words("没有这样的住户登记", "nobody is registered here like that"),
    Slip.SAME_PERSON: Words("此人已在名单上", "this person is there already"),
    Slip.SEAT_TAKEN: Words("座位已有人", "the seat is taken"),
    Slip.BUS_FULL: Words("没有空座位", "no seat is free"),
    Slip.NO_VAULT: Words(
        "此处不能保存证件号，请用手机号", "document numbers cannot be kept here: give a phone"
    ),
    Slip.NO_PHOTO: Words("不是可用的照片", "not a usable photo"),
}
PROBLEMS = {
    LodgingProblem.WAITING: Words("此房屋尚待工地确认。", "The site has not confirmed this house yet."),
    LodgingProblem.CLOSED: Words("此房屋已注销。", "This house is closed."),
    LodgingProblem.SEALED: Words(
        "此房屋正在封闭管理，入住和搬离请联系工地。", "This house is sealed: ask the site to move in or out."
    ),
    LodgingProblem.TOO_MANY: Words(
        "登记次数过多，请一小时后再试。", "Too many registrations: try again in an hour."
    ),
    LodgingProblem.SIGNED: Words("此排查已签字，不能更改。", "This check is signed and stays as it is."),
    LodgingProblem.NOT_EVERYBODY: Words(
        "名单上还有人未填，不能签字。", "Somebody on the list is open: not signed yet."
    ),
    LodgingProblem.NO_PHOTOS: Words("本系统不保存照片。", "Photos are not kept here."),
}
HINDRANCES = {
    Hindrance.CANCELLED: Words("车辆已取消", "the bus is cancelled"),
    Hindrance.DONE_ALREADY: Words("此步骤已完成", "this is done already"),
    Hindrance.NOT_DISINFECTED: Words("尚未消毒", "not disinfected yet"),
    Hindrance.NOT_MEASURED: Words("尚未完成测温", "not measured yet"),
    Hindrance.NOT_CHECKED: Words("尚未核查", "not checked yet"),
    Hindrance.NOBODY_ON_BOARD: Words("车上没有乘客", "nobody is on board"),
    Hindrance.READING_MISSING: Words("有人未测温", "somebody has no reading"),
    Hindrance.CHECKED_ALREADY: Words(
        "已核查，先撤回核查才能更改", "checked already: take the check back first"
    ),
    Hindrance.ENTERED_ALREADY: Words("车辆已入场", "the bus has entered"),
    Hindrance.NOT_THE_LAST_STEP: Words("先撤回后面的步骤", "take back the later step first"),
    Hindrance.SEAT_TAKEN: SLIPS[Slip.SEAT_TAKEN],
    Hindrance.NO_SUCH_SEAT: Words("没有这个座位", "there is no such seat"),
    Hindrance.BUS_FULL: SLIPS[Slip.BUS_FULL],
    Hindrance.RIDER_TWICE: SLIPS[Slip.SAME_PERSON],
    Hindrance.NOT_ON_BOARD: Words("此人不在车上", "this person is not on board"),
}
