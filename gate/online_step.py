"""What somebody who was refused can do at once on a phone: the screen shows its QR code."""

from __future__ import annotations

from collections.abc import Sequence

from gate.decision import Hint, OnlineStep
from gate.reasons import Reason, Words
from gate.settings import Settings
from sync.phone_addresses import declare_address, training_address

DECLARE_HERE = Words("扫码在此申报", "Scan to declare")
TRAIN_HERE = Words("扫码在此培训", "Scan to train")
APPLY_HERE = Words("扫码在此办理", "Scan to get it")

_DECLARATION = frozenset({Reason.DECLARATION_MISSING, Reason.DAILY_DECLARATION_MISSING})
_TRAINING = frozenset({Reason.TRAINING_MISSING, Reason.TRAINING_EXPIRED})


def online_step(settings: Settings, reasons: Sequence[Reason], hints: Sequence[Hint]) -> OnlineStep | None:
    """The step for the most serious of `reasons` that has one; None where no address is configured."""
    web_url = settings.centre.web_url
    for reason in reasons:
        if reason in _DECLARATION and web_url:
            return OnlineStep(DECLARE_HERE, declare_address(web_url, settings.site.id))
        if reason in _TRAINING and settings.policy.training_online:
            return OnlineStep(TRAIN_HERE, training_address(web_url))
        for hint in hints:
            if hint.reason is reason and hint.online:
                return OnlineStep(APPLY_HERE, hint.online)
    return None
