"""Words of the declarations on phones."""

from __future__ import annotations

from sync.words import Words

DECLARE = Words("健康申报", "Health declaration")
CHOOSE_SITE = Words("请选择工地", "Choose the site")
NO_SITE = Words("请扫描工地海报上的二维码后申报。", "Scan the code on the site's poster to declare.")
SITE = Words("工地", "Site")
ALREADY = Words("今天已申报", "Declared today at")
CHANGE_UNTIL = Words("24 点前可以修改，修改后重新提交。", "You can change it until midnight and send again.")
CARRIED = Words("住宿已填入上次的内容，请核对。", "Lodging is filled in from the last time: check it.")
KNOWN_TRIPS = Words("近 14 天已申报的行程", "Trips of the last 14 days that you declared")
PROBLEMS = Words("请改正以下内容", "Please correct these")
NOT_SENT = Words("尚未提交", "Nothing was sent yet")
ADD = Words("添加一项", "Add one")
REMOVE = Words("删除此项", "Remove this one")
SEND = Words("提交申报", "Send")
SEND_AGAIN = Words("重新提交", "Send again")
YES = Words("是", "Yes")
NO = Words("否", "No")
CHOOSE = Words("请选择", "Choose")
OPTIONAL = Words("选填", "optional")

RECEIVED = Words("申报成功", "Declared")
NAME = Words("姓名", "Name")
YOUR_ANSWERS = Words("您的申报内容", "Your answers")
CHANGE = Words("修改今天的申报", "Change today's declaration")
REPLACED = Words("此申报已被后来的申报替代。", "A later declaration took the place of this one.")
TELL_THE_SITE = Words(
    "请不要进入工地，先联系工地管理人员。", "Do not enter the site: first call the site's office."
)
MARKS = {
    "unwell": Words("身体不适", "Unwell"),
    "affected": Words("到过疫情地区", "Affected area"),
    "contact": Words("接触过病例", "Contact with a case"),
}
