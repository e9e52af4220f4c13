"""Words of the kiosk's frame; each page keeps its own beside itself."""

from __future__ import annotations

from sync.store.kiosk_accounts import KioskRole
from sync.words import Words

TITLE = Words("工地登记", "Sitegate kiosk")
HOME = Words("首页", "Home")
LOGOUT = Words("退出", "Sign out")
FAILED = Words("操作未完成，请把下面的英文告诉维护人员：", "This did not work:")
STORE_BUSY = Words(
    "数据库正被其他程序占用，什么也没有更改。请稍等几秒再试。",
    "Another program holds the database; nothing was changed. Try again in a few seconds.",
)
DISK_FULL = Words(
    "磁盘已满，什么也没有保存。请通知维护人员清理磁盘后再试。",
    "The disk is full; nothing was kept. Have somebody make room, then try again.",
)
TRY_AGAIN = Words("重试", "Try again")
MAY_NOT = Words("您的角色不能使用此页", "Your role does not include this page")
MAIN_MENU = Words("主导航", "Main menu")

BACK = Words("上一步", "Back")
NEXT = Words("下一步", "Next")
CANCEL = Words("取消", "Cancel")
SAVE = Words("保存", "Save")
SAVED = Words("已保存", "Saved")
NOTHING = Words("没有符合条件的记录", "Nothing fits")

STAND_ALONE = Words("单机运行", "Works on its own")
CENTRE_SEEN = Words("中心已联系", "Centre reached")
CENTRE_SILENT = Words("中心未联系", "Centre not reached")
CENTRE_SLOW = Words("中心暂未收到", "Centre takes nothing now")
WAITING = Words("本机待传", "waiting here")
REFUSED = Words("被中心拒收", "refused by the centre")

ROLES = {
    KioskRole.SUPERVISOR: Words("监督员", "Supervisor"),
    KioskRole.SITE_MANAGER: Words("工地管理员", "Site manager"),
    KioskRole.ADMIN: Words("系统管理员", "Administrator"),
}
