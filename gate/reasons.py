"""Stable reason codes. Codes never change their meaning; texts live beside them."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a decision came out as it did; written into events and shown on screens."""

    OK = "ok"
    NOT_REGISTERED = "not_registered"
    FACE_NOT_USABLE = "face_not_usable"
    OTHER_SITE = "other_site"
    WORKER_BLOCKED = "worker_blocked"
    WORKER_LEFT = "worker_left"
    GRANT_NOT_YET = "grant_not_yet"
    GRANT_EXPIRED = "grant_expired"
    FLAG_BLOCK = "flag_block"
    FLAG_HOLD = "flag_hold"
    FLAG_NOTIFY = "flag_notify"
    TRAINING_MISSING = "training_missing"
    TRAINING_NOT_YET = "training_not_yet"
    TRAINING_EXPIRED = "training_expired"
    OUTSIDE_SCHEDULE = "outside_schedule"
    LIVENESS_FAILED = "liveness_failed"
    LIVENESS_NOT_CHECKED = "liveness_not_checked"
    CLOCK_UNTRUSTED = "clock_untrusted"
    ROSTER_TOO_OLD = "roster_too_old"
    STORE_FAULT = "store_fault"
    RELAY_FAULT = "relay_fault"
    GUARD_OVERRIDE = "guard_override"
    EXIT_BUTTON = "exit_button"
    FIRE_ALARM = "fire_alarm"
    TAILGATING = "tailgating"
