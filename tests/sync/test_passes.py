"""What a pass carries: nobody can make one, change one, or use one where and when it does not hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.passes import (
    EntryPass,
    PassCause,
    PassRefused,
    badge_digest,
    badge_number,
    fixed_digest,
    fixed_pass,
    is_pass,
    issuers,
    sign,
    verify,
)
from sync.records import Method, PassGrant, Worker
from sync.wire.sealing import entry_digest

NOW = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
TRUSTED = issuers([KEY.public_key()])
QR_ALPHANUMERIC = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def entry_pass(**changes: object) -> EntryPass:
    values = {
        "pass_id": "0123456789abcdef",
        "worker_id": "W-17",
        "site_id": "demo-site",
        "issued_at": NOW,
        "valid_from": NOW,
        "valid_until": NOW + timedelta(minutes=10),
    }
    return EntryPass.model_validate(values | changes)


def cause(text: str, *, now: datetime = NOW, site_id: str = "demo-site", **more: object) -> PassCause:
    with pytest.raises(PassRefused) as refused:
        verify(text, TRUSTED, site_id=site_id, now=now, **more)  # type: ignore[arg-type]
    return refused.value.cause


ids = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="/+#"),
              min_size=1, max_size=60).filter(lambda text: text == text.strip())  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worker_id=ids, site_id=ids, minutes=st.integers(1, 10**6))
def test_a_signed_pass_comes_back_as_it_was_written(worker_id: str, site_id: str, minutes: int) -> None:
    written = entry_pass(
        worker_id=worker_id, site_id=site_id, valid_until=NOW + timedelta(minutes=minutes), kind="fixed"
    )
    text = sign(written, KEY)
    assert set(text) <= QR_ALPHANUMERIC
    assert verify(text, TRUSTED, site_id=site_id, now=NOW) == written


def test_every_changed_character_of_a_signed_pass_is_refused() -> None:
    text = sign(entry_pass(), KEY)
    for place in range(3, len(text)):
        for other in {BASE32[(BASE32.index(text[place]) + step) % 32] for step in (1, 2, 4, 8, 16)}:
            changed = text[:place] + other + text[place + 1 :]
            assert cause(changed) in (PassCause.FORGED, PassCause.MALFORMED)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 200))
def test_a_cropped_pass_is_refused(length: int) -> None:
    text = sign(entry_pass(), KEY)
    if length < len(text):
        assert cause(text[:length]) in (PassCause.FORGED, PassCause.MALFORMED)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=300))
def test_no_other_code_is_taken_for_a_pass_or_breaks_anything(text: str) -> None:
    for code in (text, f"SG1{text}", f"SG2{text}"):
        assert cause(code) in (PassCause.FORGED, PassCause.MALFORMED)
        with pytest.raises(PassRefused):
            fixed_digest(code)


def test_a_pass_by_a_stranger_s_key_is_forged() -> None:
    assert cause(sign(entry_pass(), Ed25519PrivateKey.generate())) is PassCause.FORGED


def test_a_signed_pass_holds_from_its_first_instant_to_just_before_its_end() -> None:
    text = sign(entry_pass(), KEY)
    end = NOW + timedelta(minutes=10)
    assert verify(text, TRUSTED, site_id="demo-site", now=end - timedelta(microseconds=1))
    assert cause(text, now=end) is PassCause.EXPIRED
    assert cause(text, now=NOW - timedelta(microseconds=1)) is PassCause.NOT_YET


def test_a_signed_pass_holds_at_its_site_only_and_until_it_is_taken_back() -> None:
    text = sign(entry_pass(), KEY)
    assert cause(text, site_id="elsewhere") is PassCause.WRONG_SITE
    assert cause(text, revoked={"0123456789abcdef"}) is PassCause.REVOKED


def test_a_fixed_pass_fits_the_smallest_code_and_the_roster_cannot_make_it() -> None:
    made = fixed_pass(KEY, "0123456789abcdef")
    assert len(made.text) == 29  # version 2-Q: 25 x 25 modules
    assert set(made.text) <= QR_ALPHANUMERIC
    assert fixed_digest(made.text) == fixed_digest(made.text.lower()) == made.digest
    assert made.text not in repr(made)
    assert fixed_pass(KEY, "0123456789abcdef") == made  # so it can be printed again
    assert fixed_pass(KEY, "0123456789abcdee").digest != made.digest
    assert fixed_pass(Ed25519PrivateKey.generate(), "0123456789abcdef").digest != made.digest


def test_only_codes_for_gates_concern_a_gate() -> None:
    assert is_pass(fixed_pass(KEY, "0123456789abcdef").text)
    assert is_pass(sign(entry_pass(), KEY))
    assert not is_pass("https://example.org/health-code")


@pytest.mark.parametrize("written", ["0004 7712 33", " 00-04:771233\r\n", "０００４７７１２３３"])
def test_a_badge_is_the_same_however_a_reader_writes_it(written: str) -> None:
    assert badge_number(written) == "0004771233"
    assert badge_digest(written) == badge_digest("0004771233")


@pytest.mark.parametrize("written", ["", "12", "12,34567", "x" * 65, "工牌一二三四"])
def test_what_is_no_badge_number_is_refused(written: str) -> None:
    with pytest.raises(PassRefused):
        badge_digest(written)


def test_a_worker_without_passes_is_written_as_before_there_were_any() -> None:
    """So gates and centres of both ages agree on the digest of a roster that has none."""
    plain = Worker(worker_id="W-17", name="示例甲", site_ids=("demo-site",))
    assert "passes" not in plain.model_dump_json()
    grant = PassGrant(method=Method.QR, digest=fixed_pass(KEY, "0123456789abcdef").digest)
    with_pass = plain.model_copy(update={"passes": (grant,)})
    assert Worker.model_validate_json(with_pass.model_dump_json()) == with_pass
    assert entry_digest(with_pass, ()) != entry_digest(plain, ())
