"""`sitegate central list`: key-monitoring lists on the command line."""

from __future__ import annotations

from datetime import datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from sqlalchemy import Connection, select

from sync.central import audit, list_matches, list_visitors, registry
from sync.central.audit import Action
from sync.central.cli_options import DatabaseOption, KeysOption, now, open_database
from sync.central.errors import SettingRefused
from sync.central.list_feed import signer_of
from sync.central.list_fetch import EVERY, Feed, ListFetcher, end_feed, feeds, set_feed
from sync.central.list_import import (
    CHINA,
    ListTerms,
    Report,
    UnknownList,
    import_list,
    list_summaries,
    preview,
    remove_list,
)
from sync.central.list_keys import ListKeys
from sync.central.list_matches import MatchState, state_of
from sync.central.list_matching import ListMatcher
from sync.central.person_vault import PersonVault
from sync.central.settings import DEFAULT_DATABASE, DEFAULT_KEYS
from sync.central.tables_lists import watch_matches, watch_visitor_matches
from sync.records import FlagLevel
from sync.screening.entries import end_of

lists = typer.Typer(no_args_is_help=True, help="Key-monitoring lists.")

PROBLEMS_SHOWN = 20
MATCH_ID_LENGTH = 32
"""Shown whole on the narrowest terminal: `list decide` asks for it."""
_ListId = Annotated[str, typer.Argument(help="Id of the list.", show_default=False)]


@lists.command("import")
def list_import_(
    list_id: _ListId,
    file: Annotated[Path, typer.Argument(help="CSV or XLSX.", exists=True, dir_okay=False)],
    *,
    source: Annotated[str, typer.Option(help="Who issued it.")],
    level: Annotated[FlagLevel, typer.Option(help="What the gates do, where a row says nothing else.")],
    name: Annotated[str, typer.Option(help="As guards read it; without it the id.")] = "",
    category: Annotated[str, typer.Option(help="Where a row says nothing else.")] = "",
    until: Annotated[
        datetime | None, typer.Option(help="The last day of the list, in China; without it no end.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of it.")] = False,
    feed_key: Annotated[
        Path | None, typer.Option(help="Public key of the issuer: FILE.sig must be its Ed25519 signature.")
    ] = None,
    database: DatabaseOption = DEFAULT_DATABASE,
    keys: KeysOption = DEFAULT_KEYS,
) -> None:
    """Load a file as the new version of a list; the running centre flags whom it concerns within seconds."""
    raw = file.read_bytes()
    signed_by = "" if feed_key is None else signer_of(raw, file.with_name(f"{file.name}.sig"), feed_key)
    if dry_run:
        _show_report(preview(file.name, raw, now=now()))
        return
    ends = end_of(until and until.date(), CHINA)
    terms = ListTerms(list_id, name or list_id, source, level, category, valid_until=ends)
    by = f"command line: {getuser()}"
    with open_database(database, must_exist=True) as opened:
        imported = import_list(
            opened,
            ListKeys(PersonVault.in_folder(keys).list_key),
            terms,
            file.name,
            raw,
            by=by,
            now=now(),
            signed_by=signed_by,
        )
        with opened.write() as connection:
            detail = {"version": imported.number, "entries": imported.report.entries, "source": source}
            audit.note(
                connection,
                at=now(),
                actor=by,
                action=Action.IMPORTED_LIST,
                subject=f"list:{list_id}",
                detail=detail,
            )
    _show_report(imported.report)
    typer.echo(f"list {list_id}: version {imported.number}; the running centre now matches it")


@lists.command("feed")
def list_feed_(
    list_id: _ListId,
    url: Annotated[
        str, typer.Argument(help="https:// address of the file; its signature lies beside it, as .sig.")
    ] = "",
    *,
    every_minutes: Annotated[int, typer.Option(help="How often the running centre looks.")] = (
        EVERY // timedelta(minutes=1)
    ),
    off: Annotated[bool, typer.Option("--off", help="Fetch it no more; the list stays.")] = False,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Let the running centre fetch a signed list from its issuer, beginning now."""
    if off is bool(url):
        raise SettingRefused(
            "where is it fetched from?", next_step="give the address, or --off to fetch it no more"
        )
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        if off:
            end_feed(connection, list_id)
        else:
            set_feed(connection, list_id, url, every=timedelta(minutes=every_minutes), now=now())
        audit.note(
            connection,
            at=now(),
            actor=f"command line: {getuser()}",
            action=Action.SET_LIST_FEED,
            subject=f"list:{list_id}",
            detail={"url": url, "every_minutes": every_minutes} if url else {"off": True},
        )
    typer.echo(f"list {list_id} is {'fetched no more' if off else f'fetched from {url}'}")


@lists.command("fetch")
def list_fetch_(
    list_id: _ListId,
    *,
    database: DatabaseOption = DEFAULT_DATABASE,
    keys: KeysOption = DEFAULT_KEYS,
) -> None:
    """Fetch a list from its issuer now, also while the centre does not run."""
    with open_database(database, must_exist=True) as opened:
        found = ListFetcher(opened, PersonVault.in_folder(keys), now=now).fetch(list_id)
    if found.feed.problem is not None:
        typer.echo(f"list {list_id}: nothing changed. {_feed_words(found.feed)}", err=True)
        raise typer.Exit(1)
    became = f"version {found.number}; the running centre now matches it" if found.number else "nothing new"
    typer.echo(f"list {list_id}: {became}")


@lists.command("show")
def list_show(
    list_id: Annotated[str, typer.Argument(help="One list with its matches; without it all.")] = "",
    *,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Show the lists and how far they are matched, or the matches of one."""
    with open_database(database, must_exist=True) as opened, opened.read() as connection:
        if list_id and list_id not in {one.list_id for one in list_summaries(connection)}:
            raise UnknownList(f"no list {list_id}", next_step="`sitegate central list show` names the lists")
        feed = feeds(connection).get(list_id)
        if feed is not None:
            minutes = feed.every // timedelta(minutes=1)
            typer.echo(f"fetched every {minutes} minutes from {feed.url}: {_feed_words(feed)}")
        Console().print(_matches(connection, list_id) if list_id else _lists(connection))


@lists.command("match")
def list_match(
    worker_id: Annotated[str, typer.Argument(help="Number of the worker.", show_default=False)],
    *,
    database: DatabaseOption = DEFAULT_DATABASE,
    keys: KeysOption = DEFAULT_KEYS,
) -> None:
    """Hold one worker against all lists now, also while the centre does not run."""
    with open_database(database, must_exist=True) as opened:
        with opened.read() as connection:
            registry.worker(connection, worker_id)
        found = ListMatcher(opened, PersonVault.in_folder(keys), now=now).match_now([worker_id])
    typer.echo(
        f"worker {worker_id}: {found.flagged} new on a list, {found.to_confirm} new to confirm, "
        f"{found.taken_back} over"
    )


@lists.command("remove")
def list_remove(
    list_id: _ListId,
    *,
    reason: Annotated[str, typer.Option(help="Why; goes on the record.")],
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Remove a list; the running centre takes its flags back."""
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        remove_list(connection, list_id, now=now())
        audit.note(
            connection,
            at=now(),
            actor=f"command line: {getuser()}",
            action=Action.REMOVED_LIST,
            subject=f"list:{list_id}",
            detail={"reason": reason},
        )
    typer.echo(f"list {list_id} is removed")


@lists.command("decide")
def list_decide(
    match_id: Annotated[str, typer.Argument(help="As `list show LIST` names it.", show_default=False)],
    *,
    confirm: Annotated[bool, typer.Option("--confirm/--clear", help="Is it this person?")],
    reason: Annotated[str, typer.Option(help="What it was decided by; goes on the record.")],
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Confirm a near match, which flags the worker, or clear a wrong one, which takes the flag off."""
    by = f"command line: {getuser()}"
    with open_database(database, must_exist=True) as opened, opened.write() as connection:
        visitors = watch_visitor_matches.c.match_id
        is_visitor = connection.scalar(select(visitors).where(visitors == match_id)) is not None
        decide = list_visitors.decide if is_visitor else list_matches.decide
        decide(connection, match_id, confirm=confirm, reason=reason, by=by, now=now())
        audit.note(
            connection,
            at=now(),
            actor=by,
            action=Action.DECIDED_MATCH,
            subject=f"match:{match_id}",
            detail={"confirmed": confirm, "reason": reason},
        )
    typer.echo(f"match {match_id} is {'confirmed' if confirm else 'cleared'}")


def _lists(connection: Connection) -> Table:
    shown = Table(
        Column("list", no_wrap=True),
        "name",
        "source",
        "version",
        "level",
        "entries",
        "until",
        "imported",
        "matched",
        "fetched",
    )
    fetched = feeds(connection)
    for one in list_summaries(connection):
        ends = f"{one.valid_until.astimezone(CHINA):%Y-%m-%d %H:%M}" if one.valid_until else ""
        matched = f"{one.matched_at:%Y-%m-%d %H:%M}" if one.matched_at else one.matched_through or "waiting"
        shown.add_row(
            one.list_id,
            one.name,
            one.source,
            str(one.number),
            one.level,
            f"{one.entries:,}",
            ends,
            f"{one.imported_at:%Y-%m-%d %H:%M}",
            matched,
            _feed_words(fetched[one.list_id]) if one.list_id in fetched else "",
        )
    return shown


def _feed_words(feed: Feed) -> str:
    good = f"last good fetch {feed.fetched_at:%Y-%m-%d %H:%M}" if feed.fetched_at else "no good fetch yet"
    return f"{feed.problem}: {feed.detail} ({good})" if feed.problem else good


def _matches(connection: Connection, list_id: str) -> Table:
    match = Column("match", no_wrap=True, min_width=MATCH_ID_LENGTH)
    shown = Table(match, "worker", "found by", "state", "level", "row", "reason")
    rows = [
        row | {"who": row.get("worker_id") or f"visitor {row['visitor_id']}"}
        for matches in (watch_matches, watch_visitor_matches)
        for row in map(
            dict,
            connection.execute(
                select(matches)
                .where(matches.c.list_id == list_id)
                .order_by(matches.c.is_exact, matches.c.found_at.desc())
            ).mappings(),
        )
    ]
    for row in rows:
        state = state_of(row)
        if state is not MatchState.GONE:
            found_by = row["found_by"] + (", documents differ" if row["documents_differ"] else "")
            shown.add_row(
                row["match_id"],
                row["who"],
                found_by,
                state.value,
                row["level"],
                str(row["row"]),
                row["reason"],
            )
    return shown


def _show_report(report: Report) -> None:
    typer.echo(
        f"{report.rows:,} rows: {report.entries:,} entries, {report.duplicates:,} double, "
        f"{report.broken:,} broken; {report.slips:,} numbers with a slip (near matches only)"
    )
    if len(report.encodings) > 1:
        typer.echo("mixed encodings: " + ", ".join(f"{n} lines {one}" for one, n in report.encodings.items()))
    if report.ignored:
        typer.echo(f"columns that mean nothing here: {', '.join(report.ignored)}")
    for row, problem in report.problems[:PROBLEMS_SHOWN]:
        typer.echo(f"row {row}: {problem}")
    if len(report.problems) > PROBLEMS_SHOWN:
        typer.echo(f"… and more: {len(report.problems) - PROBLEMS_SHOWN} noted")
