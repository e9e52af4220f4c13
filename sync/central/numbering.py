"""Which event numbers of each gate are missing: the gaps in the database, kept up with every batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select, tuple_, update

from sync.central import tables
from sync.central.gaps import Gap, Numbering, arrived
from sync.central.reception import GateName
from sync.central.statements import insert_or


def number(connection: Connection, numbers: Mapping[GateName, Sequence[int]], now: datetime) -> None:
    """Take in the numbers of new events. The rows of the gates stay locked, in order, until the commit."""
    if not numbers:
        return
    gates = sorted(numbers)
    before = _numberings(connection, gates)
    for gate in gates:
        known, gap_ids = before[gate]
        after = arrived(known, numbers[gate])
        connection.execute(
            update(tables.gate_sequences)
            .where(*_of(tables.gate_sequences, gate))
            .values(highest=after.highest, reused=after.reused)
        )
        _store_gaps(connection, gate, gap_ids, after, now)


def _numberings(
    connection: Connection, gates: Sequence[GateName]
) -> dict[GateName, tuple[Numbering, dict[Gap, int]]]:
    sequences, gaps = tables.gate_sequences.c, tables.sequence_gaps.c
    connection.execute(
        insert_or(connection, tables.gate_sequences).on_conflict_do_nothing(
            index_elements=["site_id", "gate_id"]
        ),
        [{"site_id": site_id, "gate_id": gate_id, "highest": 0, "reused": 0} for site_id, gate_id in gates],
    )
    rows = connection.execute(
        select(tables.gate_sequences)
        .where(tuple_(sequences.site_id, sequences.gate_id).in_(gates))
        .order_by(sequences.site_id, sequences.gate_id)
        .with_for_update()
    ).all()
    gap_ids: dict[GateName, dict[Gap, int]] = {gate: {} for gate in gates}
    for gap in connection.execute(
        select(tables.sequence_gaps).where(tuple_(gaps.site_id, gaps.gate_id).in_(gates)).order_by(gaps.first)
    ):
        gap_ids[gap.site_id, gap.gate_id][gap.first, gap.last] = gap.gap_id
    return {
        (row.site_id, row.gate_id): (
            Numbering(row.highest, tuple(gap_ids[row.site_id, row.gate_id]), row.reused),
            gap_ids[row.site_id, row.gate_id],
        )
        for row in rows
    }


def _store_gaps(
    connection: Connection,
    gate: GateName,
    gap_ids: dict[Gap, int],
    after: Numbering,
    now: datetime,
) -> None:
    """A gap that only shrank keeps its row, and with it the time at which it was found."""
    gone = {gap: gap_id for gap, gap_id in gap_ids.items() if gap not in after.gaps}
    for first, last in after.gaps:
        if (first, last) in gap_ids:
            continue
        around = next((old for old in gone if old[0] <= first and last <= old[1]), None)
        if around is None:
            connection.execute(
                insert(tables.sequence_gaps).values(
                    site_id=gate[0], gate_id=gate[1], first=first, last=last, found_at=now
                )
            )
        else:
            connection.execute(
                update(tables.sequence_gaps)
                .where(tables.sequence_gaps.c.gap_id == gone.pop(around))
                .values(first=first, last=last)
            )
    if gone:
        connection.execute(
            delete(tables.sequence_gaps).where(tables.sequence_gaps.c.gap_id.in_(sorted(gone.values())))
        )


def _of(table: Table, gate: GateName) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.site_id == gate[0], table.c.gate_id == gate[1]
