"""What every page has in common: who is at the screen, the way around, the state of the connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request
from nicegui import run, ui
from starlette.responses import Response

from enroll.accounts import Right, SessionEnded, Viewer
from enroll.errors import EnrollError
from enroll.kiosk import words
from enroll.kiosk.access import kiosk_secret
from enroll.kiosk.office import KioskOffice
from models.errors import ModelError
from sync.errors import StoreFull, StoreLocked, SyncError
from sync.pages import action, bilingual
from sync.web_door import LOGIN_PATH
from sync.words import Words

T = TypeVar("T")

_STYLE = (Path(__file__).parent / "kiosk.css").read_text(encoding="utf-8")
_LOOK_EVERY_S = 5.0
"""How often a page looks whether its session still holds and what the connection does."""

_CENTRE_SEEN_WITHIN = timedelta(minutes=11)
"""The centre confirms the roster every five minutes (`sync.edge.replica`); twice in vain, and a little."""

_TAKEN_WITHIN = timedelta(seconds=30)
"""A record that waits longer shows that nobody takes it, long before a confirmation is missed."""

_NOTE_TOUCHES = """
if (!window.sgTouched) { window.sgTouched = 0;
  for (const kind of ["pointerdown", "keydown", "wheel"]) document.addEventListener(kind, () => {
    if (Date.now() - window.sgTouched > 15000) { window.sgTouched = Date.now(); emitEvent("sg-touched"); }
  }, {capture: true, passive: true}); }
"""
"""The browser tells that somebody is at the screen, at most every 15 s."""


@dataclass(slots=True)
class KioskVisitor:
    """The person behind one open page. The session is looked up at every question, not once.

    user        who signed in, when the page was opened
    parameters  of path and query, e.g. `worker_id` of `/pass/{worker_id}`
    is_built    the page is there; until then its frame says what went wrong, as `problem`
    """

    office: KioskOffice
    user: Viewer
    secret: str
    parameters: Mapping[str, str]
    is_built: bool = False
    problem: Words | None = None

    def require_session(self) -> None:
        """Raises SessionEnded."""
        if self.office.accounts.viewer_of_session(self.secret) is None:
            raise SessionEnded("the session has ended", next_step="Sign in again.")

    async def ask(self, work: Callable[[], T]) -> T | None:
        """Do blocking `work` in a thread; what goes wrong is told on the page, and the answer is None."""

        def checked() -> T:
            self.require_session()
            return work()

        try:
            return await run.io_bound(checked)
        except SessionEnded:
            ui.navigate.to(LOGIN_PATH)
        except (SyncError, ModelError) as error:
            if self.is_built:
                tell(words_of(error), bad=True)
            else:
                self.problem = words_of(error)
        return None

    def audit(self, action: str, subject: str = "", **detail: Any) -> None:
        """Write down what this person did or looked at; blocks, so call it inside `ask`."""
        self.office.store.put_audit(self.user.user_id, action, subject=subject, detail=detail)


Build = Callable[[KioskVisitor], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class KioskPage:
    """One page. `build` makes its content inside the frame.

    in_menu      listed in the way around; a step of a task is not
    keeps_awake  nobody is expected to touch the screen: the session does not end while it is open
    """

    path: str
    words: Words
    build: Build
    right: Right = Right.LOOK
    in_menu: bool = True
    icon: str = ""
    keeps_awake: bool = False


@dataclass(frozen=True, slots=True)
class KioskRoute:
    """One answer that is no page, such as a picture; `answer` runs in a thread."""

    path: str
    answer: Callable[[KioskVisitor], Response]
    right: Right = Right.LOOK


def visitor_of(request: Request, office: KioskOffice, *, touch: bool) -> KioskVisitor | None:
    """Who asks; None where the session ended since the door."""
    secret = kiosk_secret(request)
    user = office.accounts.viewer_of_session(secret, touch=touch)
    if user is None:
        return None
    return KioskVisitor(office, user, secret, {**request.query_params, **request.path_params})


@contextmanager
def page_frame(visitor: KioskVisitor, page: KioskPage, pages: Sequence[KioskPage]) -> Iterator[None]:
    """Header with the way around; the page's own content goes inside."""
    ui.add_css(_STYLE)
    with ui.element("header").classes("sg-header"):
        with ui.element("div").classes("sg-brand"):
            bilingual(words.TITLE)
        with ui.element("nav").props(f'aria-label="{words.MAIN_MENU}"').classes("sg-nav"):
            for other in pages:
                if other.in_menu and visitor.user.may(other.right):
                    link = ui.link(target=other.path).classes("sg-link")
                    if other.path == page.path:
                        link.props('aria-current="page"')
                    with link:
                        bilingual(other.words)
        with ui.element("div").classes("sg-who"):
            with ui.element("div"):
                state = ui.label().classes("sg-state").props("role=status")
                ui.label(f"{visitor.user.shown_name} · {words.ROLES[visitor.user.role]}")

            async def sign_out() -> None:
                await run.io_bound(visitor.office.accounts.logout, visitor.secret)
                ui.navigate.to(LOGIN_PATH)

            action(words.LOGOUT, sign_out).classes("sg-out")
    _watch(visitor, page, state)
    with ui.element("div").classes("sg-main"):  # NiceGUI's own element around it is the main landmark
        above = ui.element("div")
        yield
    if visitor.problem is not None:
        with above:
            _not_read(visitor.problem)
    visitor.is_built = True


def _not_read(problem: Words) -> None:
    """Instead of what the page could not look up, as long as it stands there: a message would pass by."""
    with ui.element("div").classes("sg-card sg-warn").props("role=alert"):
        ui.label(str(problem)).classes("sg-wait")
        with ui.element("div").classes("sg-bar"):
            action(words.TRY_AGAIN, ui.navigate.reload, main=True, icon="refresh")


def _watch(visitor: KioskVisitor, page: KioskPage, state: ui.label) -> None:
    """Keep the state of the connection shown, and leave when the session ends."""
    accounts = visitor.office.accounts

    async def look() -> None:
        viewer = await run.io_bound(accounts.viewer_of_session, visitor.secret, touch=page.keeps_awake)
        if viewer is None:
            ui.navigate.to(LOGIN_PATH)
            return
        text = await visitor.ask(lambda: connection_words(visitor.office))
        if text is not None:
            state.set_text(text)

    async def touched() -> None:
        await run.io_bound(accounts.viewer_of_session, visitor.secret, touch=True)

    ui.on("sg-touched", touched)
    ui.run_javascript(_NOTE_TOUCHES)
    ui.timer(_LOOK_EVERY_S, look, immediate=True)


def connection_words(office: KioskOffice) -> str:
    """How the centre was last heard of, and how much waits for it."""
    if not office.settings.centre.enabled:
        return str(words.STAND_ALONE)
    now, confirmed_at = office.now(), office.store.replica_state().confirmed_at
    state = words.CENTRE_SILENT
    if confirmed_at is not None and now - confirmed_at < _CENTRE_SEEN_WITHIN:
        state = words.CENTRE_SEEN
    waiting = office.store.outbox_depth()
    if not waiting:
        return str(state)
    oldest = office.store.outbox_pending(limit=1)
    if state is words.CENTRE_SEEN and any(now - item.created_at > _TAKEN_WITHIN for item in oldest):
        state = words.CENTRE_SLOW
    return f"{state} · {words.WAITING} {waiting}"


def words_of(error: SyncError | ModelError) -> Words:
    """What went wrong, for people at the screen."""
    said = error.words if isinstance(error, EnrollError) else None
    if isinstance(error, StoreLocked):
        said = words.STORE_BUSY
    elif isinstance(error, StoreFull):
        said = words.DISK_FULL
    return said or Words(words.FAILED.zh, f"{words.FAILED.en} {error} {error.next_step}".strip())


def tell(text: Words, *, bad: bool = False) -> None:
    """A short message over the page."""
    ui.notify(
        str(text),
        type="negative" if bad else "positive",
        position="top",
        timeout=8000,
        multi_line=True,
        close_button="✕",
    )


def choice(label: Words, options: Mapping[str, str], value: str = "") -> ui.select:
    """A select of codes with their words."""
    return ui.select(dict(options), value=value, label=str(label)).props("outlined").classes("sg-field")
