"""A course folder is read strictly, and identified by its content."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.training.course import folder_stamp, load_course, load_courses
from sync.training.errors import CourseUnusable
from tests.sync.training.samples import MANIFEST, a_course, course_folder


def test_a_course_is_read_with_its_pages_and_questions(tmp_path: Path) -> None:
    course = a_course(tmp_path)
    assert course.manifest.version == "1"
    assert [page.min_seconds for page in course.manifest.pages] == [4, 5]
    text = course.page_text(1)
    assert text is not None and text.zh.startswith("# 第二页")


def test_toml_says_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "course"
    folder.mkdir()
    (folder / "manifest.toml").write_text(
        'id = "t"\nversion = "2"\nvalidity_days = 30\npass_mark = 80\nmin_seconds = 5\n'
        'title = {zh = "课程"}\n[[pages]]\ntitle = {zh = "一"}\nmin_seconds = 5\ntext = {zh = "字"}\n',
        encoding="utf-8",
    )
    assert load_course(folder).manifest.pages[0].title.zh == "一"


def test_every_changed_file_makes_another_course(tmp_path: Path) -> None:
    before = a_course(tmp_path / "a").sha256
    assert a_course(tmp_path / "b").sha256 == before
    (tmp_path / "b" / "small-course" / "helmet.svg").write_text("<svg/>", encoding="utf-8")
    assert load_course(tmp_path / "b" / "small-course").sha256 != before


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("pass_mark: 60", "pass_mark: 160", "pass_mark"),
        ("right: [0]", "right: [5]", "questions.0"),
        ("right: [0]", "right: [0, 1]", "questions.0"),
        ("id: q2", "id: q1", "questions"),
        ("file: two.md", "file: missing.md", "pages.1.file"),
        ("file: two.md", "file: ../two.md", "pages.1.file"),
        ("image: helmet.svg", "image: helmet.exe", "pages.1.image"),
        ("min_seconds: 4, text", "min_seconds: 4, video: a.mp4, text", "pages.0"),
        ("check_every_s: [3, 5]", "check_every_s: [9, 5]", "check_every_s"),
        ("version: 1", "colour: red\nversion: 1", "colour"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    folder = course_folder(tmp_path / "course", MANIFEST.replace(old, new, 1))
    with pytest.raises(CourseUnusable) as refused:
        load_course(folder)
    assert "manifest.yaml" in str(refused.value)
    assert field in str(refused.value)


def test_one_bad_course_does_not_hide_the_others(tmp_path: Path) -> None:
    course_folder(tmp_path / "good")
    course_folder(tmp_path / "bad", "id: [")
    courses, problems = load_courses(tmp_path)
    assert [course.manifest.id for course in courses] == ["small-course"]
    assert len(problems) == 1


def test_the_stamp_of_a_folder_changes_with_its_courses(tmp_path: Path) -> None:
    slide = tmp_path / "course" / "slide.md"
    slide.parent.mkdir()
    slide.write_text("one")
    before = folder_stamp(tmp_path)
    assert folder_stamp(tmp_path) == before
    slide.write_text("another")
    assert folder_stamp(tmp_path) != before
    assert folder_stamp(tmp_path / "nowhere") == ()
