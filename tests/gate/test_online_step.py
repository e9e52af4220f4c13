"""What the screen offers to a phone: which page, when, and nothing about anybody."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gate.online_step import APPLY_HERE, DECLARE_HERE, TRAIN_HERE, online_step
from gate.policy import decide
from gate.reasons import Reason
from gate.settings import PolicySettings, Settings
from sync.edge.settings import CentreSettings
from tests.gate.test_policy import a_worker, before_the_gate

MEDICAL = {"kind": "medical", "name": "体检", "online": "https://clinic.example.org/book/"}
CENTRE = {"web_url": "https://gates.example.org/"}


def offered(reason: Reason, **settings: object) -> tuple[str, str] | None:
    step = online_step(Settings.model_validate(settings), (Reason.OUTSIDE_SCHEDULE, reason), ())
    return None if step is None else (step.words.zh, step.address)


def test_a_missing_declaration_leads_to_the_form_of_this_site_and_to_nothing_without_an_address() -> None:
    site = {"id": "示例-1"}
    assert offered(Reason.DECLARATION_MISSING, centre=CENTRE, site=site) == (
        DECLARE_HERE.zh, "https://gates.example.org/m/declare?site=%E7%A4%BA%E4%BE%8B-1",
    )  # fmt: skip
    assert offered(Reason.DECLARATION_MISSING, site=site) is None
    assert offered(Reason.PASS_RED, centre=CENTRE) is None


def test_training_leads_to_the_courses_only_where_the_centre_has_some() -> None:
    online = {"training_online": True}
    assert offered(Reason.TRAINING_EXPIRED, centre=CENTRE) is None
    assert offered(Reason.TRAINING_EXPIRED, centre=CENTRE, policy=online) == (
        TRAIN_HERE.zh, "https://gates.example.org/m/training",
    )  # fmt: skip
    with pytest.raises(ValidationError, match=r"centre\.web_url is empty"):
        Settings.model_validate({"policy": online})


def test_a_clearance_that_is_to_be_had_online_leads_there_and_names_nobody() -> None:
    policy = PolicySettings.model_validate({"rules": ["registered", "clearances"], "clearances": [MEDICAL]})
    decision = decide(before_the_gate(a_worker(clearances=())), policy)
    step = online_step(Settings(policy=policy), decision.reasons, decision.hints)
    assert step is not None
    assert (step.words, step.address) == (APPLY_HERE, "https://clinic.example.org/book")
    assert a_worker().worker_id not in step.address


@pytest.mark.parametrize(
    "address", ["gates.example.org", "ftp://gates.example.org", "https://", "javascript:x"]
)
def test_an_address_that_no_phone_opens_is_refused_at_the_start(address: str) -> None:
    with pytest.raises(ValidationError, match="must be an address such as"):
        CentreSettings.model_validate({"web_url": address})
    with pytest.raises(ValidationError, match="must be an address such as"):
        PolicySettings.model_validate({"clearances": [MEDICAL | {"online": address}]})
