"""Templates sealed per site, and the digest that says whether two rosters are the same."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from sync.records import PassGrant, Template, Worker
from sync.wire.envelope import MessageRefused

KEY_BYTES = 32
NONCE_BYTES = 12
PASSES_OF = "passes "
"""Before the worker's id: what was sealed as passes cannot be passed off as templates."""


def seal(templates: Sequence[Template], *, site_key: bytes, worker_id: str) -> str:
    """Base64 of nonce and ciphertext (ChaCha20-Poly1305), bound to the worker; empty for no templates."""
    if not templates:
        return ""
    plain = json.dumps([template_fields(template) for template in templates])
    return seal_text(plain, site_key=site_key, bound_to=worker_id)


def unseal(text: str, *, site_key: bytes, worker_id: str) -> list[Template]:
    """Raises MessageRefused (cause `unsealable`) for another key, another worker or damage."""
    if not text:
        return []
    try:
        plain = unseal_text(text, site_key=site_key, bound_to=worker_id)
        return [template_from_fields({**fields, "worker_id": worker_id}) for fields in json.loads(plain)]
    except (ValueError, KeyError, TypeError) as error:  # MessageRefused is a ValueError
        raise MessageRefused(
            f"the templates of a roster entry cannot be unsealed ({type(error).__name__})", cause="unsealable"
        ) from error


def seal_passes(passes: Sequence[PassGrant], *, site_key: bytes, worker_id: str) -> str:
    """As `seal` for templates: a badge's number can be guessed from its hash, so the hash is sealed too."""
    if not passes:
        return ""
    plain = json.dumps([grant.model_dump(mode="json") for grant in passes])
    return seal_text(plain, site_key=site_key, bound_to=PASSES_OF + worker_id)


def unseal_passes(text: str, *, site_key: bytes, worker_id: str) -> tuple[PassGrant, ...]:
    """Raises MessageRefused (cause `unsealable`) for another key, another worker or damage."""
    if not text:
        return ()
    try:
        plain = unseal_text(text, site_key=site_key, bound_to=PASSES_OF + worker_id)
        return tuple(PassGrant.model_validate(fields) for fields in json.loads(plain))
    except (MessageRefused, ValueError, TypeError) as error:
        raise MessageRefused(
            f"the passes of a roster entry cannot be unsealed ({type(error).__name__})", cause="unsealable"
        ) from error


def seal_text(text: str, *, site_key: bytes, bound_to: str) -> str:
    """Base64 of nonce and ciphertext; it opens only together with the same `bound_to`."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = ChaCha20Poly1305(site_key).encrypt(nonce, text.encode(), bound_to.encode())
    return base64.b64encode(nonce + sealed).decode()


def unseal_text(sealed: str, *, site_key: bytes, bound_to: str) -> str:
    """Raises MessageRefused (cause `unsealable`) for another key, another record or damage."""
    try:
        data = base64.b64decode(sealed, validate=True)
        nonce, rest = data[:NONCE_BYTES], data[NONCE_BYTES:]
        return ChaCha20Poly1305(site_key).decrypt(nonce, rest, bound_to.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise MessageRefused("what was sealed cannot be opened", cause="unsealable") from error


def entry_digest(worker: Worker, templates: Sequence[Template]) -> bytes:
    """sha256 of one roster entry: the worker's canonical JSON and the templates in order of their ids."""
    digest = hashlib.sha256(worker.model_dump_json().encode())
    for template in sorted(templates, key=lambda one: one.template_id):
        digest.update(f"\n{template.template_id} {template.model} {template.model_version} ".encode())
        digest.update(template.vector)
    return digest.digest()


def roster_digest(entries: Mapping[str, bytes]) -> str:
    """Hex digest of a whole roster from worker id → entry digest; the same on both ends."""
    digest = hashlib.sha256()
    for worker_id in sorted(entries):
        digest.update(worker_id.encode() + b"\0" + entries[worker_id])
    return digest.hexdigest()


def template_fields(template: Template) -> dict[str, object]:
    """A template as JSON values, without its worker; `template_from_fields` reads it."""
    return {
        "id": template.template_id,
        "model": template.model,
        "version": template.model_version,
        "vector": base64.b64encode(template.vector).decode(),
        "quality": template.quality,
        "source": template.source,
        "created_at": template.created_at.isoformat(),
    }


def template_from_fields(fields: Mapping[str, object]) -> Template:
    """From `template_fields` and a `worker_id`. Raises KeyError, ValueError (pydantic's too)."""
    return Template.model_validate(
        {
            "template_id": fields["id"],
            "worker_id": fields["worker_id"],
            "model": fields["model"],
            "model_version": fields["version"],
            "vector": base64.b64decode(str(fields["vector"]), validate=True),
            "quality": fields["quality"],
            "source": fields["source"],
            "created_at": fields["created_at"],
        }
    )
