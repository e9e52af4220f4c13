"""Words of the console's pages about papers, duplicates and erasures."""

from __future__ import annotations

from sync.central.console.words import Words
from sync.people import DocumentType, Sex

PAPERS = Words("证件与同意", "Papers and consent")
NO_PAPERS = Words("没有证件信息", "No papers on record")
DOCUMENT = Words("证件", "Document")
DOCUMENT_NUMBER = Words("证件号码", "Document number")
SEX = Words("性别", "Sex")
BIRTH_DATE = Words("出生日期", "Born")
ADDRESS = Words("住址", "Address")
GUARDIAN = Words("监护人", "Guardian")
REVEAL = Words("显示完整信息（记入审计）", "Show in full (goes on the record)")
HIDDEN = Words("已隐藏", "hidden")
CONSENTS = Words("同意记录", "Consents")
GRANTED = Words("同意", "agreed")
REFUSED = Words("拒绝", "refused")
WITHDRAWN_ON = Words("已撤回", "taken back")
ORIGINS = Words("登记来源", "Registered at")
NO_ORIGINS = Words("不是由登记机登记", "Not registered at a kiosk")
OUTDATED = Words("晚到，未采用", "came late, not taken over")
WITHHELD = Words("未采用", "not taken over")
TAKING_BACK = Words("撤回同意", "Taking the consent back")
WITHDRAW_FACE = Words("撤回人脸同意并删除人脸", "Take back the consent, erase the face")
ERASE_RECORD = Words("删除全部个人信息", "Erase the whole record")
SURE_FACE = Words(
    "人脸模板将在中心和所有闸机删除，不能恢复。此人改用通行码或工牌。",
    "The face goes at the centre and at every gate, for good. A QR pass or badge takes its place.",
)
SURE_RECORD = Words(
    "姓名、证件、联系方式、同意和人脸全部删除，不能恢复。考勤只保留工号。",
    "Name, papers, contact, consents and face go, for good. The attendance keeps the number alone.",
)
CONFIRM = Words("确认", "Confirm")
CANCEL = Words("取消", "Cancel")
RECEIPT_MADE = Words("已受理，见“撤回与删除”", "Taken; see the page of erasures")

DUPLICATES = Words("疑似重复", "Duplicates")
ALSO_DECIDED = Words("包括已处理", "Decided ones too")
FOUND = Words("发现时间", "Found")
FOUND_BY = Words("依据", "Found by")
SIMILARITY = Words("相似度", "Similarity")
ONE = Words("人员一", "One")
OTHER = Words("人员二", "Other")
DECISION = Words("处理结果", "Decision")
COMPARE = Words("比对两条登记", "Two records side by side")
SAME = Words("是同一人", "Same person")
DIFFERENT = Words("不是同一人", "Different people")
REOPEN = Words("重新处理", "Decide again")
KEEP = Words("保留此工号，合并另一条", "Keep this number, merge the other")
SURE_MERGE = Words(
    "另一条登记将删除，其工地、培训、关注和同意转到保留的工号。此步不能撤销：另一工号的姓名、单位、班组、电话，"
    "以及两边都有人脸时另一条的人脸，不再保留。若事后发现是两个人，须在登记机重新登记并重新取得同意。"
    "以前的通行记录仍在原工号下。",
    "The other record goes; its sites, clearances, flags and consents move here. It cannot be undone: "
    "name, employer, team and telephone of the other number are not kept, nor its face where both have one. "
    "If they turn out to be two people, the other one is registered anew at a kiosk, with a new consent. "
    "Earlier events stay under their old number.",
)
MERGED_INTO = Words("已合并到", "merged into")
ELSEWHERE = Words("登记在其他工地", "registered at another site")
GONE = Words("已不在名单", "no longer registered")
REGISTERED = Words("登记时间", "Registered")
DECIDED_BY = Words("处理人", "Decided by")

ERASURES = Words("撤回与删除", "Erasures")
ONLY_OUTSTANDING = Words("仅未完成", "Only outstanding")
RECEIPT = Words("删除回执", "Erasure receipt")
RECEIPT_NUMBER = Words("回执编号", "Receipt")
KIND = Words("范围", "What")
WITHDRAWN_AT = Words("撤回时间", "Taken back")
STATE = Words("进度", "Progress")
COMPLETE = Words("全部完成", "complete")
STILL_OPEN = Words("项未完成", "outstanding")
PLACE = Words("位置", "Place")
OUTSTANDING = Words("未完成", "outstanding")
DONE_BY_HAND = Words("已人工处理", "Done by hand")
PRINT = Words("打印", "Print")

FOUND_WORDS = {"face": Words("人脸相似", "face"), "document": Words("证件相同", "document")}
DECISIONS = {
    "": Words("待处理", "open"),
    "same": Words("同一人", "same person"),
    "different": Words("不同人", "different people"),
}
KINDS = {"face": Words("人脸", "face"), "record": Words("全部个人信息", "whole record")}
PLACES = {
    "centre": Words("中心", "centre"),
    "gate": Words("闸机", "gate"),
    "terminal": Words("第三方终端", "terminal"),
    "kiosk": Words("登记机", "kiosk"),
}
DOCUMENTS = {
    DocumentType.RESIDENT_ID: Words("居民身份证", "resident ID"),
    DocumentType.FOREIGN_PERMANENT: Words("外国人永久居留身份证", "permanent residence card"),
    DocumentType.HONGKONG_MACAO_PERMIT: Words("港澳居民来往内地通行证", "Hong Kong / Macao permit"),
    DocumentType.TAIWAN_PERMIT: Words("台湾居民来往大陆通行证", "Taiwan permit"),
    DocumentType.PASSPORT: Words("护照", "passport"),
    DocumentType.OTHER: Words("其他证件", "other"),
}
SEXES = {
    Sex.FEMALE: Words("女", "female"),
    Sex.MALE: Words("男", "male"),
    Sex.UNSTATED: Words("未注明", "not stated"),
}
_ITEMS = {
    "templates": Words("人脸模板", "templates"),
    "person": Words("个人信息", "person"),
    "roster entry": Words("名单条目", "roster entry"),
    "deleted rows": Words("数据库残留", "deleted rows"),
    "similar faces": Words("相似人脸记录", "similar faces"),
    "photo for terminals": Words("终端照片", "photo for terminals"),
    "pictures": Words("照片", "pictures"),
}
_BACKUPS = "backups made before"
_REVOKED = "(revoked gate: erase it there)"


def item(what: str) -> str:
    """What goes, in both languages; what a newer kiosk says stands for itself."""
    name, colon, count = what.partition(": ")
    if what.startswith(_BACKUPS):
        day = what.removeprefix(_BACKUPS).strip()
        return f"{day} 之前的备份，删除前仍含有 backups made before {day} hold it until deleted"
    if _REVOKED in what:
        return f"{item(what.replace(_REVOKED, '').strip())} 已吊销，需到现场删除 revoked: erase it there"
    if colon:
        return f"{_ITEMS.get(name, name)}: {count}"
    return str(_ITEMS.get(what, what))
