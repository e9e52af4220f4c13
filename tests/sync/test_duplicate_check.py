"""What kiosk and centre say to each other about a person who may be registered already."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import ValidationError

from sync.duplicate_check import DuplicateAnswer, DuplicateMatch, DuplicateQuestion
from sync.people import DocumentType, Enrolment
from sync.records import Template, Worker

AT = datetime(2026, 12, 1, tzinfo=UTC)


def template() -> Template:
    vector = np.eye(128, dtype="<f4")[0].tobytes()
    return Template(
        worker_id="w1", model="sface", model_version="1", vector=vector, quality=80, created_at=AT
    )


def test_a_question_and_an_enrolment_survive_the_way_as_json() -> None:
    question = DuplicateQuestion(
        worker_id="w1", document_type=DocumentType.PASSPORT, document_number="E1", templates=(template(),)
    )
    assert DuplicateQuestion.model_validate_json(question.model_dump_json()) == question
    worker = Worker(worker_id="w1", name="示例一", site_ids=("s1",))
    for templates in (None, (), (template(),)):
        enrolment = Enrolment(worker=worker, templates=templates, enrolled_at=AT)
        assert Enrolment.model_validate_json(enrolment.model_dump_json()) == enrolment


def test_an_answer_survives_the_way_as_json() -> None:
    match = DuplicateMatch(worker_id="w2", name="示例二", site_ids=("s1", "s2"), score=0.61, found_by="face")
    answer = DuplicateAnswer(checked=336_000, matches=(match,))
    assert DuplicateAnswer.model_validate_json(answer.model_dump_json()) == answer


def test_a_damaged_template_is_refused_as_an_invalid_record() -> None:
    with pytest.raises(ValidationError):
        DuplicateQuestion.model_validate({"worker_id": "w1", "templates": [{"id": "t1"}]})


def test_a_question_shows_no_number_and_no_template_in_a_log() -> None:
    question = DuplicateQuestion(worker_id="w1", document_number="E123", templates=(template(),))
    assert "E123" not in repr(question)
    assert "vector" not in repr(question)
