"""Consent texts: data files by version and language, filled with who asks, hashed as they are shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from enroll.errors import EnrollError
from enroll.settings import KioskSettings
from sync.store_settings import SiteSettings

SHIPPED = Path(__file__).parent / "consent_texts"
FACE = "face"

_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
_FIELDS = ("version", "language", "kind", "title")
_PLACES = frozenset({"handler", "contact", "photo"})
_PHOTO = {
    "zh": (
        "不保存，计算特征后立即删除。",
        "加密保存在登记机内，不离开登记机，{days} 天后自动删除；撤回同意时立即删除。",
    ),
    "en": (
        "not kept; it is deleted as soon as the templates are made.",
        "encrypted in the kiosk, which it never leaves; deleted after {days} days, "
        "or at once when you withdraw.",
    ),
}
_NO_CONTACT = {"zh": "现场管理人员", "en": "the management of the site"}


class ConsentTextUnusable(EnrollError, ValueError):
    """A text file without version, language or title, or a folder without the text that is needed."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One file as it was written."""

    version: str
    language: str
    kind: str
    title: str
    body: str


@dataclass(frozen=True)
class ConsentText:
    """What is shown, word for word; `sha256` proves later which words these were."""

    version: str
    language: str
    title: str
    body: str

    @cached_property
    def sha256(self) -> str:
        return sha256(f"{self.title}\n\n{self.body}".encode()).hexdigest()


class ConsentTexts:
    """The texts of one folder. The newest version, the last in order of names, is asked for."""

    def __init__(self, sources: Sequence[_Source], settings: KioskSettings, site: SiteSettings) -> None:
        self._sources = sources
        self._settings = settings
        self._site = site

    @classmethod
    def load(cls, settings: KioskSettings, site: SiteSettings) -> ConsentTexts:
        """Read and check every text. Raises ConsentTextUnusable."""
        folder = settings.consent_texts or SHIPPED
        files = sorted(folder.glob("*.md"))
        texts = cls([_read(file) for file in files], settings, site)
        for language in settings.languages:
            texts.current(language)
        return texts

    def current(self, language: str, *, kind: str = FACE) -> ConsentText:
        """The newest text of one kind. Raises ConsentTextUnusable where there is none in that language."""
        of_kind = [source for source in self._sources if source.kind == kind]
        newest = max((source.version for source in of_kind), key=_in_order, default="")
        for source in of_kind:
            if (source.version, source.language) == (newest, language):
                return self._filled(source)
        raise ConsentTextUnusable(
            f"there is no consent text of kind {kind}, version {newest or '?'}, language {language}",
            next_step="add the file to kiosk.consent_texts, or take the language out of kiosk.languages",
        )

    def _filled(self, source: _Source) -> ConsentText:
        settings, language = self._settings, source.language
        never, kept = _PHOTO["zh" if language == "zh" else "en"]
        name = self._site.name if language == "zh" else self._site.name_en or self._site.name
        places = {
            "handler": settings.data_handler or name,
            "contact": settings.data_contact or _NO_CONTACT["zh" if language == "zh" else "en"],
            "photo": never if settings.keep_photos == "never" else kept.format(days=settings.photo_days),
        }
        return ConsentText(source.version, language, source.title, source.body.format(**places))


def _read(file: Path) -> _Source:
    try:
        match = _FRONT_MATTER.fullmatch(file.read_text(encoding="utf-8").replace("\r\n", "\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConsentTextUnusable(
            f"{file} cannot be read as UTF-8 text", next_step="save it as UTF-8"
        ) from error
    if match is None:
        raise ConsentTextUnusable(
            f"{file}:1: no front matter",
            next_step=f"begin with a line ---, then {', '.join(_FIELDS)}, then ---",
        )
    fields = dict(line.split(":", 1) for line in match[1].splitlines() if ":" in line)
    values = {name: fields.get(name, "").strip() for name in _FIELDS}
    if missing := [name for name, value in values.items() if not value]:
        raise ConsentTextUnusable(f"{file}: without {', '.join(missing)}", next_step="add it above the text")
    body = match[2].strip()
    if unknown := set(re.findall(r"{(.*?)}", body)) - _PLACES:
        raise ConsentTextUnusable(
            f"{file}: nothing is known to put for {', '.join(sorted(unknown))}",
            next_step=f"use only {', '.join(sorted(_PLACES))} in curly brackets",
        )
    return _Source(**values, body=body)


def _in_order(version: str) -> list[tuple[int, str]]:
    """So that face-10 comes after face-9."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", version)]
