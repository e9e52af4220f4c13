"""Sites, gates and lanes at the centre: where they are registered, named, given their keys and revoked.

Every function takes an open connection and is part of its transaction (`Database.write`). The people are in
`registry`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, Table, insert, select, update

from sync.central import tables
from sync.central.errors import AlreadyThere, SettingRefused, UnknownGate, UnknownSite
from sync.central.keys import GateCredentials
from sync.central.statements import insert_or
from sync.wire.sealing import KEY_BYTES
from sync.wire.topics import ALL_GATES, PROBE

_NOT_IN_A_TOPIC = frozenset("/+#")
_RESERVED = (ALL_GATES, PROBE)


@dataclass(frozen=True, slots=True)
class SitePlace:
    """Where a site belongs in the organisation; empty: not told."""

    district: str
    sub_district: str


def put_site(
    connection: Connection, site_id: str, *, name: str, timezone: str, now: datetime, name_en: str = ""
) -> None:
    """Add a site, or change its name and time zone; its sealing key and roster stay.

    Raises:
        SettingRefused: an id that cannot be part of a topic, or no IANA time zone.
    """
    _check_id(site_id)
    try:
        ZoneInfo(timezone)
    except Exception as error:
        raise SettingRefused(
            f"{timezone!r} is no IANA time zone", next_step="give one like Asia/Shanghai"
        ) from error
    values = {"name": name, "name_en": name_en, "timezone": timezone}
    connection.execute(
        insert_or(connection, tables.sites)
        .values(site_id=site_id, sealing_key=secrets.token_bytes(KEY_BYTES), created_at=now, **values)
        .on_conflict_do_update(index_elements=["site_id"], set_=values)
    )


def set_site_place(
    connection: Connection, site_id: str, *, district: str | None = None, sub_district: str | None = None
) -> SitePlace:
    """Say where a site belongs, None: as it was. Returns what holds now. Raises UnknownSite."""
    _sealing_key(connection, site_id)
    told = {"district": district, "sub_district": sub_district}
    values = {column: text.strip() for column, text in told.items() if text is not None}
    if values:
        connection.execute(update(tables.sites).where(tables.sites.c.site_id == site_id).values(values))
    return site_places(connection)[site_id]


def site_places(connection: Connection) -> dict[str, SitePlace]:
    """District and sub-district of every site."""
    sites = tables.sites.c
    return {
        site_id: SitePlace(district, sub_district)
        for site_id, district, sub_district in connection.execute(
            select(sites.site_id, sites.district, sites.sub_district)
        )
    }


def add_gate(
    connection: Connection,
    site_id: str,
    gate_id: str,
    *,
    centre: Ed25519PublicKey,
    now: datetime,
    name: str = "",
    name_en: str = "",
) -> GateCredentials:
    """Register a gate and issue its key pair; the private half is only in what is returned.

    centre  the centre's public key, which goes with the credentials

    Raises:
        UnknownSite: no such site.
        AlreadyThere: the site has a gate by that id; `issue_gate_key` gives it a new key.
    """
    _check_id(gate_id)
    sealing_key = _sealing_key(connection, site_id)
    if connection.scalar(select(tables.gates.c.gate_id).where(*_is_gate(tables.gates, site_id, gate_id))):
        raise AlreadyThere(
            f"site {site_id} has a gate {gate_id} already",
            next_step="choose another id, or issue a new key: sitegate central gate add --reissue",
        )
    key = Ed25519PrivateKey.generate()
    connection.execute(
        insert(tables.gates).values(
            site_id=site_id,
            gate_id=gate_id,
            name=name,
            name_en=name_en,
            public_key=key.public_key().public_bytes_raw(),
            issued_at=now,
        )
    )
    return GateCredentials(site_id, gate_id, key, sealing_key, centre)


def put_gate_without_key(
    connection: Connection, site_id: str, gate_id: str, *, name: str, now: datetime
) -> None:
    """Register a gate of another maker, or take a revoked one back: it is shown and named, and signs nothing.

    Raises:
        UnknownSite: no such site.
        AlreadyThere: the site has a gate of ours by that id.
    """
    _check_id(gate_id)
    _sealing_key(connection, site_id)
    gates = tables.gates
    if connection.scalar(select(gates.c.public_key).where(*_is_gate(gates, site_id, gate_id))):
        raise AlreadyThere(
            f"site {site_id} has a gate {gate_id} with a key already",
            next_step="`sitegate central gate list` shows the gates; a terminal needs an id of its own",
        )
    values = {"name": name, "issued_at": now, "revoked_at": None}
    connection.execute(
        insert_or(connection, tables.gates)
        .values(site_id=site_id, gate_id=gate_id, public_key=b"", **values)
        .on_conflict_do_update(index_elements=["site_id", "gate_id"], set_=values)
    )


def issue_gate_key(
    connection: Connection, site_id: str, gate_id: str, *, centre: Ed25519PublicKey, now: datetime
) -> GateCredentials:
    """Give a gate a new key pair; the old key is worth nothing from now on, a revoked gate is back.

    Raises:
        UnknownSite, UnknownGate: no such gate.
        AlreadyThere: it is a terminal of another maker.
    """
    sealing_key = _sealing_key(connection, site_id)
    if is_terminal(connection, site_id, gate_id):
        raise AlreadyThere(
            f"gate {gate_id} of site {site_id} is a terminal of another maker, which has no key",
            next_step=f"first: sitegate central terminal remove {gate_id}",
        )
    key = Ed25519PrivateKey.generate()
    _update_gate(
        connection,
        site_id,
        gate_id,
        public_key=key.public_key().public_bytes_raw(),
        issued_at=now,
        revoked_at=None,
    )
    # A box with a new key may be a new box, which counts its messages from the start.
    connection.execute(
        update(tables.gate_status)
        .where(*_is_gate(tables.gate_status, site_id, gate_id))
        .values(hello_counter=-1, health_counter=-1)
    )
    return GateCredentials(site_id, gate_id, key, sealing_key, centre)


def revoke_gate(connection: Connection, site_id: str, gate_id: str, *, now: datetime) -> None:
    """Believe nothing that this gate says any more, and send it nothing. Raises UnknownGate."""
    _update_gate(connection, site_id, gate_id, revoked_at=now)


def set_kiosk(connection: Connection, site_id: str, gate_id: str, *, is_kiosk: bool) -> None:
    """Whether the centre takes workers, consents and declarations from that box. Raises UnknownGate."""
    _update_gate(connection, site_id, gate_id, is_kiosk=is_kiosk)


def gate_labels(
    connection: Connection, site_id: str, gate_id: str
) -> tuple[dict[str, str], dict[str, str], bool]:
    """What the site is called and its time zone, what the gate is called, and whether it is a kiosk.

    Raises UnknownGate.
    """
    sites, gates = tables.sites.c, tables.gates.c
    row = connection.execute(
        select(sites.name, sites.name_en, sites.timezone, gates.name.label("gate"), gates.is_kiosk)
        .add_columns(gates.name_en.label("gate_en"))
        .join_from(tables.gates, tables.sites, gates.site_id == sites.site_id)
        .where(*_is_gate(tables.gates, site_id, gate_id))
    ).one_or_none()
    if row is None:
        raise _unknown_gate(site_id, gate_id)
    site = {"name": row.name, "name_en": row.name_en or row.name, "timezone": row.timezone}
    return site, {"name": row.gate, "name_en": row.gate_en or row.gate}, row.is_kiosk


def require_gate(connection: Connection, site_id: str, gate_id: str) -> None:
    """Raises UnknownGate."""
    if not connection.scalar(select(tables.gates.c.gate_id).where(*_is_gate(tables.gates, site_id, gate_id))):
        raise _unknown_gate(site_id, gate_id)


def require_sites(connection: Connection, site_ids: Iterable[str]) -> None:
    """Raises UnknownSite for the first of them that is not there."""
    for site_id in sorted(set(site_ids)):
        _sealing_key(connection, site_id)


def hold_site(connection: Connection, site_id: str) -> bool:
    """Whether the site is there; on PostgreSQL others who hold it wait until the commit."""
    site = tables.sites.c.site_id
    # Not its key: gates go on reporting what happens there.
    query = select(site).where(site == site_id).with_for_update(key_share=True)
    return connection.scalar(query) is not None


def is_terminal(connection: Connection, site_id: str, gate_id: str) -> bool:
    """Whether that gate is a terminal of another maker."""
    terminals = tables.terminals.c
    here = select(terminals.terminal_id).where(terminals.site_id == site_id, terminals.terminal_id == gate_id)
    return connection.scalar(here) is not None


def _sealing_key(connection: Connection, site_id: str) -> bytes:
    key = connection.scalar(select(tables.sites.c.sealing_key).where(tables.sites.c.site_id == site_id))
    if key is None:
        raise UnknownSite(
            f"no site {site_id} in the registry", next_step=f"sitegate central site add {site_id}"
        )
    return bytes(key)


def _is_gate(table: Table, site_id: str, gate_id: str) -> tuple[Any, Any]:
    return table.c.site_id == site_id, table.c.gate_id == gate_id


def _update_gate(connection: Connection, site_id: str, gate_id: str, **values: object) -> None:
    changed = connection.execute(
        update(tables.gates).where(*_is_gate(tables.gates, site_id, gate_id)).values(**values)
    ).rowcount
    if not changed:
        raise _unknown_gate(site_id, gate_id)


def _check_id(text: str) -> None:
    bad = not text or len(text) > tables.ID_LENGTH or text in _RESERVED
    if bad or any(sign in _NOT_IN_A_TOPIC or sign.isspace() or not sign.isprintable() for sign in text):
        raise SettingRefused(
            f"{text!r} cannot be an id",
            next_step=f"up to {tables.ID_LENGTH} characters without space, slash, plus and hash, "
            f"and neither {ALL_GATES!r} nor {PROBE!r}",
        )


def _unknown_gate(site_id: str, gate_id: str) -> UnknownGate:
    return UnknownGate(
        f"no gate {gate_id} at site {site_id}", next_step="`sitegate central gate list` shows them"
    )
