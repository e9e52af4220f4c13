"""Consent texts: versions, languages, the words that are filled in, and files that say too little."""

from __future__ import annotations

from pathlib import Path

import pytest

from enroll.consent_text import ConsentTexts, ConsentTextUnusable
from enroll.settings import KioskSettings
from sync.store_settings import SiteSettings

SITE = SiteSettings()
GOOD = "---\nversion: {version}\nlanguage: {language}\nkind: face\ntitle: T\n---\nAsked by {{handler}}.\n"


def own(folder: Path, **languages: str) -> KioskSettings:
    """A folder with one text per name; the values are its content."""
    for name, content in languages.items():
        (folder / f"{name}.md").write_text(content, encoding="utf-8")
    return KioskSettings(consent_texts=folder, languages=("en",))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_shipped_texts_say_what_the_law_asks_for(language: str) -> None:
    settings = KioskSettings(data_handler="示例建设公司", data_contact="010-0000", photo_days=17)
    text = ConsentTexts.load(settings, SITE).current(language)
    wanted = {
        "zh": [
            "示例建设公司",
            "010-0000",
            "目的",
            "17 天",
            "撤回",
            "二维码",
            "未满十四周岁",
            "影响评估",
            "单独",
        ],
        "en": [
            "示例建设公司",
            "010-0000",
            "purpose",
            "17 days",
            "withdraw",
            "QR pass",
            "fourteen",
            "impact",
            "separate",
        ],
    }
    assert [word for word in wanted[language] if word not in text.body] == []
    assert "{" not in text.body


def test_the_hash_is_of_exactly_what_was_shown() -> None:
    one = ConsentTexts.load(KioskSettings(photo_days=17), SITE).current("zh")
    other = ConsentTexts.load(KioskSettings(photo_days=18), SITE).current("zh")
    assert one.version == other.version
    assert one.sha256 != other.sha256
    assert one.sha256 == ConsentTexts.load(KioskSettings(photo_days=17), SITE).current("zh").sha256


def test_the_newest_version_is_asked_for(tmp_path: Path) -> None:
    settings = own(
        tmp_path,
        a=GOOD.format(version="face-9", language="en"),
        b=GOOD.format(version="face-10", language="en"),
        c=GOOD.format(version="face-2", language="en"),
    )
    assert ConsentTexts.load(settings, SITE).current("en").version == "face-10"


@pytest.mark.parametrize(
    "content",
    [
        "no front matter",
        "---\nversion: 1\n---\nbody",
        GOOD.format(version="1", language="zh"),
        GOOD.format(version="1", language="en").replace("handler", "somebody"),
    ],
)
def test_a_text_that_says_too_little_is_refused_at_the_start(tmp_path: Path, content: str) -> None:
    with pytest.raises(ConsentTextUnusable) as caught:
        ConsentTexts.load(own(tmp_path, a=content), SITE)
    assert caught.value.next_step


def test_a_text_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes("---\n同意".encode("gbk"))
    with pytest.raises(ConsentTextUnusable, match="UTF-8"):
        ConsentTexts.load(own(tmp_path), SITE)
