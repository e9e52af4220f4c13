"""What every page has in common: who is looking, the way around, how errors are told, tables and inputs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request
from nicegui import run, ui

from sync import pages
from sync.central.accounts_access import Right, Viewer
from sync.central.api_problems import status_of
from sync.central.console import words
from sync.central.console.access import LOGIN_PATH, address_of, session_secret
from sync.central.console.downloads import Download, Downloads
from sync.central.console.settings import ConsoleSettings
from sync.central.console.words import Words
from sync.central.console.words_errors import in_chinese
from sync.central.front_office import FrontOffice
from sync.central.worker_desk import Site
from sync.errors import SyncError
from sync.pages import bilingual

T = TypeVar("T")

_STYLE = (Path(__file__).parent / "console.css").read_text(encoding="utf-8")
_LONG_CELLS = frozenset({"worker", "reason", "detail", "issues", "name", "subject"})
"""Columns that may take more than one line."""

_NAME_CELLS = frozenset({"site", "team", "employer"})
"""Columns of names that are short as a rule; a long one takes more lines and pushes nothing aside."""

_TIGHT_CELLS = frozenset({"time", "number", "passage", "version"})
"""Columns that take a second line before the table has to be pushed aside; a date stays whole."""

_SHOW_CURRENT = "document.querySelector('.sg-link[aria-current]')?.scrollIntoView({block: 'nearest'})"
"""Where the menu is longer than the screen is high."""

_OPEN_CELL = """
<q-td :props="props"><q-btn flat dense no-caps size="md" class="sg-open"
 @click="$parent.$emit('chosen', props.row)">{label}</q-btn></q-td>"""


class SessionEnded(SyncError, PermissionError):
    """The session ran out or was ended while the page was open."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person behind one open page. The session is looked up at every question, not once.

    asked  what the address of the page names besides its path: ids and filters, never a name
    """

    office: FrontOffice
    settings: ConsoleSettings
    downloads: Downloads
    secret: str
    address: str
    asked: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, request: Request, office: FrontOffice, settings: ConsoleSettings, downloads: Downloads
    ) -> Visitor:
        asked = {**request.query_params, **request.path_params}
        return cls(office, settings, downloads, session_secret(request), address_of(request), asked)

    def viewer(self) -> Viewer:
        """Raises SessionEnded."""
        viewer = self.office.accounts.viewer_of_session(self.secret, address=self.address)
        if viewer is None:
            raise SessionEnded("the session has ended")
        return viewer

    async def ask(self, work: Callable[[Viewer], T]) -> T | None:
        """Do `work` in a thread; what goes wrong is told on the page, and the answer is None."""
        try:
            return await run.io_bound(lambda: work(self.viewer()))
        except SessionEnded:
            ui.navigate.to(LOGIN_PATH)
        except SyncError as error:
            tell_error(error)
        return None

    def asked_of(self, name: str, options: Mapping[str, str]) -> str:
        """What the address says, where it is one of these; else nothing."""
        value = self.asked.get(name, "")
        return value if value in options else ""

    def download(self, name: str, file_format: str, pieces: Callable[[], Iterator[bytes]]) -> None:
        """Let the browser of the open page fetch a file; `pieces` is called when it comes."""
        ticket = self.downloads.offer(self.secret, Download(name, file_format, pieces))
        ui.download.from_url(f"/download/{ticket}")


class MenuGroup(StrEnum):
    """What an entry of the menu is about; in the order of the menu."""

    SITE = "site"
    PEOPLE = "people"
    CHECKS = "checks"
    OFFICE = "office"


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """One page. `build` makes its content inside the frame, for whoever has the `right`; `badge`: what waits.

    group  where it stands in the menu; None: it is reached from another page
    """

    path: str
    words: Words
    build: Callable[[Visitor, Viewer], Awaitable[None]]
    group: MenuGroup | None
    right: Right = Right.USE_CONSOLE
    badge: Callable[[FrontOffice, Viewer], int] | None = None


@contextmanager
def page_frame(
    visitor: Visitor,
    viewer: Viewer,
    page: ConsolePage,
    pages: Sequence[ConsolePage],
    badges: Mapping[str, int],
) -> Iterator[None]:
    """Header with the way around, and how much waits where; the page's own content goes inside.

    On a wide screen the menu stands at the left; on a narrow one a button shows and hides it.
    """
    ui.add_css(_STYLE)
    with ui.element("header").classes("sg-header"):
        ui.label(str(words.TITLE)).classes("sg-brand")
        button = ui.element("button").classes("sg-menu-button")
        button.props('type=button aria-controls=sg-menu aria-expanded="false"')
        with button:
            ui.icon("menu").props("aria-hidden=true")
            ui.label(str(words.MENU))
            if waiting := sum(badges.values()):
                ui.label(str(waiting)).classes("sg-badge")
        with ui.element("div").props("id=sg-menu").classes("sg-menu") as menu:
            _menu(viewer, page, pages, badges)
            _who(visitor, viewer)

    def show_or_hide() -> None:
        is_shown = "sg-shown" not in menu.classes
        menu.classes(toggle="sg-shown")
        button.props(f'aria-expanded="{str(is_shown).lower()}"')

    button.on("click", show_or_hide)
    ui.run_javascript(_SHOW_CURRENT)
    with ui.element("main").classes("sg-main"):
        yield


def _menu(viewer: Viewer, page: ConsolePage, pages: Sequence[ConsolePage], badges: Mapping[str, int]) -> None:
    with ui.element("nav").props('aria-label="主导航 Main"').classes("sg-nav"):
        for group in MenuGroup:
            shown = [other for other in pages if other.group is group and viewer.may(other.right)]
            if not shown:
                continue
            named = words.MENU_GROUPS[group]
            with ui.element("div").props(f'role=group aria-label="{named}"').classes("sg-group"):
                ui.label(str(named)).classes("sg-group-name").props("aria-hidden=true")
                for other in shown:
                    _entry(other, other is page, badges.get(other.path, 0))


def _entry(page: ConsolePage, is_current: bool, waiting: int) -> None:
    link = ui.link(target=page.path).classes("sg-link")
    if is_current:
        link.props('aria-current="page"')
    with link:
        bilingual(page.words)
        if waiting:
            ui.label(str(waiting)).classes("sg-badge")


def _who(visitor: Visitor, viewer: Viewer) -> None:
    with ui.element("div").classes("sg-who"):
        ui.label(f"{viewer.name or viewer.user_id} · {words.ROLES[viewer.role]}")

        async def sign_out() -> None:
            await run.io_bound(visitor.office.accounts.logout, visitor.secret)
            ui.navigate.to(LOGIN_PATH)

        ui.button(str(words.LOGOUT), on_click=sign_out, color=None).props("flat no-caps dense").classes(
            "sg-out"
        )


def tell_error(error: SyncError) -> None:
    """Of what kind it is, then exactly what, in Chinese where there is a text, and the next step."""
    kind = words.PROBLEMS.get(status_of(error), words.FAULT)
    lines = [str(kind), in_chinese(error), str(error), f"→ {error.next_step}" if error.next_step else ""]
    said = "\n".join(line for line in lines if line)
    ui.notify(said, type="negative", timeout=8000, multi_line=True, classes="sg-told")


def choice(label: Words, options: Mapping[str, str], value: str = "") -> ui.select:
    """A select of codes with their words; the empty code is `all`."""
    return one_of(label, {"": str(words.ALL), **options}, value)


def one_of(label: Words, options: Mapping[str, str], value: str) -> ui.select:
    """A select of codes with their words, one of which is always chosen."""
    return (
        ui.select(dict(options), value=value, label=str(label))
        .props("outlined dense options-dense")
        .classes("sg-field")
    )


def text_field(label: Words, *, kind: str = "text", value: str = "") -> ui.input:
    """A labelled input; `kind` is the browser's input type."""
    return pages.text_field(label, kind=kind, value=value).props("dense")


def table(
    columns: Sequence[tuple[str, Words]],
    *,
    key: str,
    on_open: Callable[[dict[str, Any]], Any] | None = None,
) -> ui.table:
    """An empty table; with `on_open` every row ends in a button, so that the keyboard reaches it."""
    described = [
        {
            "name": name,
            "label": f"{label.zh}\n{label.en}",
            "field": name,
            "align": "left",
            "classes": _cell_class(name),
        }
        for name, label in columns
    ]
    if on_open is not None:
        described.append({"name": "open", "label": "", "field": key, "align": "right"})
    made = (
        ui.table(columns=described, rows=[], row_key=key)
        .props(f'flat dense no-data-label="{words.NOTHING}"')
        .classes("sg-table")
    )
    if on_open is not None:
        made.add_slot("body-cell-open", _OPEN_CELL.format(label=words.OPEN))
        made.on("chosen", lambda event: on_open(event.args))
    return made


def _cell_class(column: str) -> str:
    if column in _LONG_CELLS:
        return "sg-wrap"
    if column in _NAME_CELLS:
        return "sg-names"
    return "sg-tight" if column in _TIGHT_CELLS else ""


async def own_sites(visitor: Visitor) -> dict[str, str]:
    """The sites that the visitor sees, for a `choice`."""
    return site_options(await visitor.ask(visitor.office.workers.sites) or [])


def site_options(sites: Sequence[Site]) -> dict[str, str]:
    return {site.site_id: f"{site.name} {site.name_en}".strip() for site in sites}
