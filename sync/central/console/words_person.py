"""Words of the page that joins everything about one worker."""

from __future__ import annotations

from sync.central.console.words import Words

PERSON = Words("一人一档", "Person file")
PASS = Words("健康码", "Pass")
PASS_HISTORY = Words("颜色变化", "Colours over time")
TRAININGS = Words("培训", "Training")
RESULTS = Words("检测与体检", "Tests and exams")
DECLARED = Words("申报", "Declarations")
DECLARED_AT = Words("申报时间", "Declared at")
WELL = Words("正常", "all well")
LODGING = Words("住宿", "Lodging")
ROOM = Words("房间", "Room")
LIVES_THERE = Words("在住", "lives there")
RIDES = Words("返岗车辆", "Transport")
VEHICLE = Words("车牌", "Vehicle")
WAY = Words("路线", "From and to")
SEAT = Words("座位", "Seat")
ATTENDANCE = Words("近 30 天考勤", "Attendance of 30 days")
CASES = Words("作为接触者的病例", "Cases as a contact")
CASE = Words("病例", "Case")
ALERTS = Words("预警", "Alerts")
PASSES = Words("通行码与工牌", "QR passes and badges")
PASS_ID = Words("编号", "Number")
REVOKED = Words("已作废", "taken back")
IN_FORCE = Words("有效", "in force")
OVER = Words("已结束", "over")
TO_COME = Words("未开始", "to come")
NOTHING = Words("没有记录", "Nothing on record")
NOT_YOURS = Words("您的角色不能查看：", "Not for your role: ")
NOBODY = Words("没有此人，或不属于您的工地。", "Nobody here by this number, or not of your sites.")
