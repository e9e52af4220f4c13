"""A form as data on a phone page: filled in over several requests without script, checked, sent once.

Adding a trip, a slip, a reload: each leads back to a page that shows the draft as it was typed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, delete, select
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse

from sync.central.database import Database
from sync.central.phone.shell import SEE_OTHER, sent_text
from sync.central.statements import upsert
from sync.central.tables_phone import phone_drafts
from sync.forms import Checked, Entered, Form, check, entered, group_added, group_removed

DO_FIELD = "do"
ADD, REMOVE = "add", "remove"
CHECK_QUERY = "check=1"


_FORGET = delete(phone_drafts).where(
    phone_drafts.c.owner == bindparam("of"), phone_drafts.c.form_id == bindparam("form")
)


@dataclass(frozen=True, slots=True)
class FormPage:
    """What a template needs. `checked` None: nothing to complain about yet."""

    form: Form
    entered: Entered
    checked: Checked | None
    today: date


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A form with slips (`group` empty), or one whose group of that name gets or loses a row."""

    entered: Entered
    group: str = ""


class FormFlow:
    """One form of one application."""

    def __init__(self, database: Database, form: Form) -> None:
        self._database = database
        self.form = form

    def draft(self, connection: Connection, owner: str) -> Entered | None:
        """What `owner` has typed and not sent."""
        table = phone_drafts
        query = select(table.c.answers).where(table.c.owner == owner, table.c.form_id == self.form.form_id)
        found: Entered | None = connection.scalar(query)
        return found

    def page(self, draft: Entered | None, otherwise: Entered, *, today: date, complains: bool) -> FormPage:
        """The draft, or `otherwise` where there is none; with complaints if it was sent as it is."""
        shown = otherwise if draft is None else draft
        checked = check(self.form, shown, today=today) if complains and draft is not None else None
        return FormPage(self.form, shown, checked, today)

    def posted(self, sent: FormData, *, today: date) -> Checked | Unfinished:
        """The checked answers if the form is complete; else what to keep until it is: see `keep`."""
        found = entered(self.form, _lists(sent))
        act, _, rest = sent_text(sent, DO_FIELD).partition(":")
        name, _, number = rest.partition(":")
        if act in (ADD, REMOVE) and any(field.name == name and field.fields for field in self.form.fields):
            if act == ADD:
                found = group_added(self.form, found, name)
            elif number.isascii() and number.isdecimal():
                found = group_removed(found, name, int(number))
            return Unfinished(found, name)
        checked = check(self.form, found, today=today)
        return checked if checked.is_complete else Unfinished(found)

    def keep(self, unfinished: Unfinished, owner: str, back: str, *, now: datetime) -> RedirectResponse:
        """Keep what `owner` has typed; the way back to the page that shows it."""
        row = {
            "owner": owner,
            "form_id": self.form.form_id,
            "answers": unfinished.entered,
            "saved_at": now,
        }
        with self._database.write() as connection:
            upsert(connection, phone_drafts, [row])
        if unfinished.group:
            return RedirectResponse(f"{back}#{unfinished.group}", status_code=SEE_OTHER)
        joint = "&" if "?" in back else "?"
        return RedirectResponse(f"{back}{joint}{CHECK_QUERY}#problems", status_code=SEE_OTHER)

    def forget(self, connection: Connection, owner: str) -> None:
        """In the transaction that takes the form."""
        connection.execute(_FORGET, {"of": owner, "form": self.form.form_id})


def _lists(sent: FormData) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for name, value in sent.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found
