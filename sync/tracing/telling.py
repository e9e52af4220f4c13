"""Reasons in words: what stands beside a contact, and in the exported list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sync.words import Words

VEHICLES = {
    "flight": Words("航班", "flight"),
    "train": Words("车次", "train"),
    "bus": Words("客车", "bus"),
    "ship": Words("轮船", "ship"),
    "car": Words("汽车", "car"),
}
_UNSURE = Words("待核实", "to be checked")


def told(meeting: Mapping[str, Any], zone: ZoneInfo) -> Words:
    """One kept meeting: the fields of `Meeting.detail`, with `day` and `certain`."""
    day = str(meeting["day"])
    match meeting.get("what"):
        case "trip":
            words = _trip(meeting)
        case "stay":
            words = _stay(meeting)
        case "team":
            words = Words(f"同在班组 {meeting['team']}", f"both at work in team {meeting['team']}")
        case "gate":
            at = datetime.fromisoformat(str(meeting["at"])).astimezone(zone)
            words = Words(
                f"{at:%H:%M:%S} 闸机 {meeting['gate_id']}，相隔 {meeting['apart_s']} 秒",
                f"gate {meeting['gate_id']} at {at:%H:%M:%S}, {meeting['apart_s']} s apart",
            )
        case _:
            words = Words("", "")
    if not meeting.get("certain", True):
        words = Words(f"{words.zh}（{_UNSURE.zh}）", f"{words.en} ({_UNSURE.en})")
    return Words(f"{day} {words.zh}", f"{day} {words.en}")


def place_of(meeting: Mapping[str, Any]) -> tuple[str, str]:
    """Where two met, for a drawing: a key that is the same for all who met there, and its label."""
    day = str(meeting["day"])
    match meeting.get("what"):
        case "trip":
            kind, number = str(meeting["kind"]), str(meeting["number"])
            return f"trip|{kind}|{number}|{day}", f"{VEHICLES[kind].zh} {number}\n{day}"
        case "stay":
            return f"stay|{meeting['place']}", str(meeting["place"])
        case "team":
            return (
                f"team|{meeting['site_id']}|{meeting['employer']}|{meeting['team']}",
                str(meeting["team"]),
            )
        case "gate":
            return f"gate|{meeting['site_id']}|{meeting['gate_id']}", str(meeting["gate_id"])
        case _:
            return "", ""


def _trip(meeting: Mapping[str, Any]) -> Words:
    vehicle = VEHICLES[str(meeting["kind"])]
    zh, en = f"{vehicle.zh} {meeting['number']}", f"{vehicle.en} {meeting['number']}"
    if meeting["carriage"] or meeting["case_carriage"]:
        zh += f" 车厢 {meeting['carriage'] or '？'}／{meeting['case_carriage'] or '？'}"
        en += f" carriage {meeting['carriage'] or '?'}/{meeting['case_carriage'] or '?'}"
    if meeting["seat"] or meeting["case_seat"]:
        zh += f" 座位 {meeting['seat'] or '？'}／{meeting['case_seat'] or '？'}"
        en += f" seat {meeting['seat'] or '?'}/{meeting['case_seat'] or '?'}"
    return Words(zh, en)


def _stay(meeting: Mapping[str, Any]) -> Words:
    zh, en = f"同住 {meeting['place']}", f"lodging {meeting['place']}"
    if meeting["room"]:
        zh, en = f"{zh} {meeting['room']}", f"{en} {meeting['room']}"
    if meeting["same_room"]:
        zh, en = f"{zh}（同一房间）", f"{en} (same room)"
    if meeting["from_day"] != meeting["day"]:
        zh, en = f"{zh}，自 {meeting['from_day']}", f"{en}, since {meeting['from_day']}"
    return Words(zh, en)
