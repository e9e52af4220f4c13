"""The own pass on a worker's phone: the colour and why, a QR pass, a request for correction."""

from __future__ import annotations

from http import HTTPStatus
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from sync.central import audit, health, pass_corrections, registry
from sync.central.audit import Action
from sync.central.pass_corrections import SAID_MAX
from sync.central.phone import words_pass as said
from sync.central.phone.sessions import PhonePerson
from sync.central.phone.settings import PHONE_PATH
from sync.central.phone.shell import PhoneRefused, PhoneShell, SentForm, sent_text
from sync.central.worker_desk import Site
from sync.health_pass import PassColour, PassStatus, pass_at
from sync.records import Worker
from sync.web_door import address_of

PATH = f"{PHONE_PATH}/pass"


def router(shell: PhoneShell) -> APIRouter:
    """`/m/pass` and the code below it."""
    area = APIRouter()
    database = shell.office.database

    @area.get("/pass")
    def page(request: Request) -> Response:
        with database.read() as connection:
            worker = _worker(connection, shell.require_person(request, connection))
            rules = health.rules(connection)
            asked = pass_corrections.of_worker(connection, worker.worker_id)
        status = _status(shell, worker)
        sites = _sites(shell, worker)
        may_show = shell.office.pass_issuer is not None and status.colour is not PassColour.RED
        return shell.render(
            request,
            "pass.html",
            found=status,
            cause=rules.words(status.cause) if status.cause else None,
            next_step=rules.next_step(status.cause),
            zone=_zone(sites),
            sites=sites if may_show else [],
            asked=asked[0] if asked else None,
            said_max=SAID_MAX,
            path=PATH,
            said=said,
        )

    @area.get("/pass/code")
    def code(request: Request, site: str = "") -> Response:
        now, issuer = shell.now(), shell.office.pass_issuer
        if issuer is None:
            raise PhoneRefused(said.NOT_HERE, status=HTTPStatus.SERVICE_UNAVAILABLE)
        with database.write() as connection:
            person = shell.require_person(request, connection)
            worker = _worker(connection, person)
            chosen = next((one for one in _sites(shell, worker) if one.site_id == site), None)
            if chosen is None:
                raise PhoneRefused(said.WHICH_SITE, status=HTTPStatus.NOT_FOUND)
            if _status(shell, worker).colour is PassColour.RED:
                raise PhoneRefused(said.IS_RED, status=HTTPStatus.CONFLICT)
            issued = issuer.issue(worker.worker_id, chosen.site_id, now=now)
            audit.note(
                connection,
                at=now,
                actor=person.subject,
                action=Action.ISSUED_QR,
                site_id=chosen.site_id,
                subject=person.subject,
                detail={"via": "phone", "address": address_of(request), "pass": issued.pass_id},
            )
        until = issued.valid_until.astimezone(ZoneInfo(chosen.timezone))
        return shell.render(
            request, "pass_code.html", site=chosen, code=issued.svg(), until=until, path=PATH, said=said
        )

    @area.post("/pass")
    def ask(request: Request, form: SentForm) -> Response:
        text = sent_text(form, "said")
        if not text or len(text) > SAID_MAX:
            raise PhoneRefused(said.TOO_LONG)

        def take(connection: Connection, person: PhonePerson) -> str:
            worker = _worker(connection, person)
            pass_corrections.ask(connection, worker.worker_id, text, _status(shell, worker), now=shell.now())
            audit.note(
                connection,
                at=shell.now(),
                actor=person.subject,
                action=Action.ASKED_FOR_CORRECTION,
                subject=person.subject,
                detail={"via": "phone", "address": address_of(request)},
            )
            return PATH

        return shell.once_by_person(request, form, take, path=PATH)

    return area


def _worker(connection: Connection, person: PhonePerson) -> Worker:
    if person.worker_id is None:
        raise PhoneRefused(said.VISITORS, status=HTTPStatus.NOT_FOUND)
    return registry.worker(connection, person.worker_id)


def _status(shell: PhoneShell, worker: Worker) -> PassStatus:
    return pass_at(worker.flags, worker.clearances, shell.now())


def _sites(shell: PhoneShell, worker: Worker) -> list[Site]:
    return [site for one in worker.site_ids if (site := shell.sites.get(one)) is not None]


def _zone(sites: list[Site]) -> ZoneInfo:
    return ZoneInfo(sites[0].timezone if sites else "UTC")
