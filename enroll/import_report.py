"""The report of an import as a table to keep: what became of each row, and the next step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from enroll.errors import EnrollError
from sync.central.exports import Cell, csv_pieces, xlsx_pieces
from sync.store.import_jobs import ImportedRow

HEADING = ("row", "worker_id", "result", "reason", "next_step")
XLSX_SUFFIX = ".xlsx"


def report_pieces(reports: Iterable[ImportedRow], *, as_workbook: bool) -> Iterator[bytes]:
    """The report as CSV that Excel opens with its characters intact, or as a workbook; a piece at a time."""
    rows: Iterator[Sequence[Cell]] = (
        (one.row, one.worker_id, str(one.result), one.reason, one.next_step) for one in reports
    )
    return xlsx_pieces(HEADING, rows, title="Import") if as_workbook else csv_pieces(HEADING, rows)


def write_report(path: Path, reports: Iterable[ImportedRow]) -> None:
    """Write the report to `path`; a name that ends in .xlsx makes it a workbook.

    Raises:
        EnrollError: the file cannot be written.
    """
    try:
        with path.open("wb") as file:
            file.writelines(report_pieces(reports, as_workbook=path.suffix.casefold() == XLSX_SUFFIX))
    except OSError as error:
        raise EnrollError(
            f"the report {path} cannot be written: {error.strerror}",
            next_step="Choose another --report file.",
        ) from error
