"""The daily declaration of a worker or visitor."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from sqlalchemy import Connection, select
from starlette.responses import Response

from sync.central import declarations, tables
from sync.central.accounts_access import no_such
from sync.central.declarations import Declared, Declarer
from sync.central.phone import words_declare as said
from sync.central.phone.form_flow import FormFlow, Unfinished
from sync.central.phone.sessions import PhonePerson
from sync.central.phone.settings import PHONE_PATH
from sync.central.phone.shell import PhoneRefused, PhoneShell, SentForm, sent_text
from sync.central.worker_desk import Site
from sync.declarations import WORKER_FORM, Declaration
from sync.forms import form as form_of
from sync.forms import newest_form
from sync.forms.telling import told, typed

PATH = f"{PHONE_PATH}/declare"
TRIPS_SHOWN_FOR = timedelta(days=14)


def router(shell: PhoneShell) -> APIRouter:
    """`/m/declare` and its receipts."""
    area = APIRouter()
    database = shell.office.database
    flow = FormFlow(database, newest_form(WORKER_FORM))

    @area.get("/declare")
    def page(request: Request, site: str = "", check: str = "") -> Response:
        chosen = shell.sites.get(site)
        with database.read() as connection:
            person = shell.require_person(request, connection)
            sites = [chosen] if chosen else _sites(connection, shell, person)
            if len(sites) != 1:
                return shell.render(request, "declare_site.html", sites=sites, said=said)
            chosen = sites[0]
            zone = ZoneInfo(chosen.timezone)
            today = shell.now().astimezone(zone).date()
            last = _own_latest(connection, person)
            draft = flow.draft(connection, person.session_hash)
            recent = (
                declarations.trips_since(connection, _declarer(person), today - TRIPS_SHOWN_FOR)
                if person.worker_id
                else []
            )
        of_today = last if last is not None and last.local_day == today else None
        before = typed(flow.form, last.answers, only_carried=of_today is None) if last is not None else {}
        return shell.render(
            request,
            "declare.html",
            page=flow.page(draft, before, today=today, complains=bool(check)),
            site=chosen,
            of_today=of_today,
            at=of_today.declared_at.astimezone(zone) if of_today else None,
            trips=recent,
            said=said,
        )

    @area.post("/declare")
    def send(request: Request, form: SentForm) -> Response:
        chosen, now = shell.sites.get(sent_text(form, "site")), shell.now()
        if chosen is None:
            raise PhoneRefused(said.NO_SITE)
        today = now.astimezone(ZoneInfo(chosen.timezone)).date()
        checked = flow.posted(form, today=today)
        if isinstance(checked, Unfinished):
            owner = shell.require_person(request).session_hash
            return flow.keep(checked, owner, f"{PATH}?site={chosen.site_id}", now=now)
        declaration_id = uuid4().hex
        receipt = f"{PATH}/receipt/{declaration_id}"
        versions: dict[str, int] = {}

        def take(connection: Connection, person: PhonePerson) -> str:
            declaration = Declaration(
                declaration_id=declaration_id,
                form_id=flow.form.form_id,
                form_version=flow.form.version,
                site_id=chosen.site_id,
                worker_id=person.worker_id,
                visitor_id=person.visitor_id,
                local_day=today,
                declared_at=now,
                source="phone",
                answers=checked.answers,
            )
            versions.update(
                declarations.put(connection, declaration, checked, _declarer(person), received_at=now)
            )
            flow.forget(connection, person.session_hash)
            return receipt

        answer = shell.once_by_person(request, form, take, path=receipt)
        shell.office.announce(versions)
        return answer

    @area.get("/declare/receipt/{declaration_id}")
    def receipt(request: Request, declaration_id: str) -> Response:
        with database.read() as connection:
            person = shell.require_person(request, connection)
            found = declarations.one(connection, declaration_id)
        site = shell.sites.get(found.site_id) if found is not None else None
        if found is None or site is None or not _may_see(person, found):
            raise no_such("declaration", "")
        zone = ZoneInfo(site.timezone)
        return shell.render(
            request,
            "declare_receipt.html",
            declared=found,
            at=found.declared_at.astimezone(zone),
            is_today=found.local_day == shell.now().astimezone(zone).date(),
            site=site,
            answers=list(told(form_of(found.form_id, found.form_version), found.answers)),
            marks=[said.MARKS[mark] for mark in found.marks if mark in said.MARKS],
            said=said,
        )

    return area


def _sites(connection: Connection, shell: PhoneShell, person: PhonePerson) -> list[Site]:
    """Without a poster: of a worker the own ones, of a visitor all. With one, whoever stands before it."""
    if person.worker_id is None:
        return shell.sites.all()
    link = tables.worker_sites.c
    own = set(connection.scalars(select(link.site_id).where(link.worker_id == person.worker_id)))
    return [site for site in shell.sites.all() if site.site_id in own]


def _declarer(person: PhonePerson) -> Declarer:
    return Declarer(person.worker_id, person.visitor_id)


def _own_latest(connection: Connection, person: PhonePerson) -> Declared | None:
    last = declarations.latest(connection, _declarer(person), WORKER_FORM)
    return last if last is not None and _may_see(person, last) else None


def _may_see(person: PhonePerson, found: Declared) -> bool:
    """A visitor only what this session declared: knowing somebody's papers opens no earlier answers."""
    if found.declarer != _declarer(person):
        return False
    return person.worker_id is not None or found.declared_at >= person.since
