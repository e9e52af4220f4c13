"""`sitegate roster import` and `template`."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from enroll.cli_options import ConfigOption, KeyFileOption, StoreOption, plain_console, settings_with
from enroll.import_report import write_report
from enroll.roster_file import RosterFile, read_roster_file
from enroll.roster_template import write_template
from enroll.store_access import open_store
from sync.store import LocalStore
from sync.store.import_jobs import ImportJob, ImportState

if TYPE_CHECKING:
    from enroll.roster_import import RowReport

EXIT_SOME_ROWS_FAILED = 3
SHOWN_PROBLEMS = 20


def import_(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX; docs/roster.md lists the columns.")],
    *,
    photos: Annotated[
        Path | None, typer.Option(help="Folder or zip file of the photos; without it the file's folder.")
    ] = None,
    sheet: Annotated[str, typer.Option(help="Sheet of a workbook; without it the first one.")] = "",
    report: Annotated[
        Path | None, typer.Option(help="Write what became of each row to this CSV or XLSX.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin again, also where an earlier run was interrupted.")
    ] = False,
    require_consent: Annotated[
        bool,
        typer.Option(
            "--require-consent",
            help="Register faces only where a consent is known (always so with a centre).",
        ),
    ] = False,
    config: ConfigOption = None,
    store: StoreOption = None,
    key_file: KeyFileOption = None,
) -> None:
    """Add and update workers from a CSV or XLSX file with photos.

    An import that was interrupted goes on behind the last row that was settled.

    Exit code 0: every row is registered; 3: some rows failed, the others are registered; 2: nothing could be
    read or stored.
    """
    # Imported here: the engine's libraries take a moment that a template need not wait for.
    from enroll.import_run import IMPORTED_BY_COMMAND, open_photos, plan_for  # noqa: PLC0415
    from enroll.roster_import import RowResult, import_roster  # noqa: PLC0415

    settings = settings_with(config, store, key_file)
    # The centre takes no face without a consent: the record would be refused there.
    require_consent = require_consent or settings.centre.enabled
    roster = read_roster_file(file, sheet=sheet)
    console = plain_console(stderr=True)
    if roster.ignored:
        console.print(f"Columns without a meaning here: {', '.join(roster.ignored)}")
    if report is not None:
        write_report(report, [])  # found out now rather than after an hour
    seen: list[RowReport] = []
    with ExitStack() as opened:
        # Nothing is made for a dry run.
        kept = (
            None
            if dry_run and not settings.store.path.exists()
            else opened.enter_context(open_store(settings, create=True))
        )
        source = opened.enter_context(open_photos(photos or file.parent))
        job = None
        if kept is not None and not dry_run:
            job = _begin(kept, roster, restart=restart, require_consent=require_consent)
            if job.last_row:
                console.print(f"An earlier import of this file stopped at row {job.last_row}: going on.")
        plan = plan_for(
            settings,
            kept,
            source,
            dry_run=dry_run,
            job_id=job.job_id if job else None,
            consent_required=require_consent,
            recorded_by=IMPORTED_BY_COMMAND,
        )
        bar = Progress(
            TextColumn("Rows"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
        )
        try:
            with bar:
                task = bar.add_task("", total=len(roster.rows), completed=job.done if job else 0)
                for row in import_roster(roster, plan):
                    bar.advance(task)
                    if job is None or row.reason:
                        seen.append(row)
            if kept is not None and job is not None:
                kept.end_import(job.job_id, ImportState.DONE)
        finally:
            if kept is not None and job is not None:
                job = kept.import_job(job.job_id)
                seen = kept.import_report(job.job_id, limit=len(roster.rows), remarks_only=True)
                if report is not None:
                    write_report(report, kept.whole_import_report(job.job_id))
            elif report is not None:
                write_report(report, seen)
    counts = job.counts if job else dict(Counter(str(row.result) for row in seen))
    _summarise(counts, seen, dry_run=dry_run)
    if counts.get(RowResult.FAILED):
        raise typer.Exit(EXIT_SOME_ROWS_FAILED)


def template(
    file: Annotated[Path, typer.Argument(help="File to write: .xlsx with choices and help, or .csv.")],
) -> None:
    """Write an empty roster file to fill in."""
    write_template(file)
    typer.echo(f"Wrote {file}; docs/roster.md explains the columns.")


def _begin(store: LocalStore, roster: RosterFile, *, restart: bool, require_consent: bool) -> ImportJob:
    from enroll.import_run import IMPORTED_BY_COMMAND  # noqa: PLC0415

    options = json.dumps({"sheet": roster.sheet, "require_consent": require_consent}, ensure_ascii=False)

    def begun() -> ImportJob:
        return store.begin_import(
            roster.sha256,
            file_name=roster.path.name,
            total=len(roster.rows),
            started_by=IMPORTED_BY_COMMAND,
            options=options,
        )

    job = begun()
    if restart and job.last_row:
        store.forget_import(job.job_id)
        job = begun()
    return job


def _summarise(counts: dict[str, int], seen: list[RowReport], *, dry_run: bool) -> None:
    said = ", ".join(f"{count} {result}" for result, count in sorted(counts.items())) or "no rows"
    typer.echo(
        f"{sum(counts.values())} rows: {said}" + (" (dry run: nothing was changed)" if dry_run else "")
    )
    problems = [row for row in seen if row.reason]
    for row in problems[:SHOWN_PROBLEMS]:
        typer.echo(f"row {row.row}, {row.worker_id}, {row.result}: {row.reason}. {row.next_step}", err=True)
    if len(problems) > SHOWN_PROBLEMS:
        typer.echo(f"and {len(problems) - SHOWN_PROBLEMS} more; --report lists them all", err=True)
