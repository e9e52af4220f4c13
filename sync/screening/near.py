"""Which slips of a number lead to another one, under a keyed hash that is quick for millions.

A list holds keyed hashes, of which nobody can tell how alike two are. But the centre can open the number of
a registered person, so it makes every slip of that number (one character wrong, two neighbours changed over)
and looks whether the list has one of them. That is some 200 hashes per person, 60 million for a registry of
300,000: hence SipHash-2-4 (Aumasson and Bernstein, 2012), a keyed hash of 64 bits made for short inputs, over
whole arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

MAX_CHARACTERS = 23
"""Three blocks of eight bytes with the length in the last one."""

SHORT, LONG = 15, 18
"""Characters of a resident number until 1999 and since."""

_BLOCK = 8
_ROWS_AT_ONCE = 1 << 15
"""Half a megabyte of state: stays in the processor's cache."""

_FIRST_BITS = 20
"""A table of a megabyte; of a hundred thousand keys one in ten places is taken."""

_DIGITS = np.frombuffer(b"0123456789", np.uint8)
_LETTERS_TOO = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8)
_INITIAL = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
_BORN_1900S = "19"

Bytes = NDArray[np.uint8]
Keys = NDArray[np.int64]


def forms(number: str) -> tuple[str, ...]:
    """How a list may have written this number: as it is, and with the 15 digits of before 1999.

    >>> forms("11010519491231002X")
    ('11010519491231002X', '110105491231002')
    """
    if not number.isascii() or not 1 < len(number) <= MAX_CHARACTERS:
        return ()
    if len(number) == LONG and number[6:8] == _BORN_1900S:
        return number, number[:6] + number[8:17]
    return (number,)


def slips(written: Sequence[str]) -> Bytes:
    """All slips of numbers of one length L; shape (numbers, slips, L). The numbers themselves are among them.

    >>> slips(["12"])[0].tobytes().decode().count("21")
    2
    """
    length = len(written[0])
    base = np.frombuffer("".join(written).encode("ascii"), np.uint8).reshape(len(written), length)
    is_resident = length in (SHORT, LONG)
    alphabet = _DIGITS if is_resident else _LETTERS_TOO
    wrong = length * len(alphabet)
    made = np.repeat(base[:, None, :], wrong + length - 1 + (length == LONG), axis=1)
    for at in range(length):
        made[:, at * len(alphabet) : (at + 1) * len(alphabet), at] = alphabet
    for at in range(length - 1):
        made[:, wrong + at, at] = base[:, at + 1]
        made[:, wrong + at, at + 1] = base[:, at]
    if length == LONG:
        made[:, -1, -1] = ord("X")
    return made


class KeySet:
    """Keys of a list, among which those of millions of slips are looked up."""

    def __init__(self, keys: Iterable[int]) -> None:
        self._sorted: Keys = np.unique(np.fromiter(keys, np.int64))
        # Nearly every slip is nobody's: one look by the first bits tells, where a search takes twenty.
        self._begins = np.zeros(1 << _FIRST_BITS, np.bool_)
        self._begins[_first_bits(self._sorted)] = True

    def found_in(self, made: Keys) -> set[tuple[int, int]]:
        """Row and key of each of `made` (rows, keys) that is in the set."""
        flat = made.ravel()
        maybe = np.flatnonzero(self._begins[_first_bits(flat)])
        keys = flat[maybe]
        # `np.isin` would sort all keys of the list again, for each person.
        places = np.searchsorted(self._sorted, keys)
        found = maybe[self._sorted.take(places, mode="clip") == keys]
        rows = found // made.shape[1]
        return set(zip(rows.tolist(), flat[found].tolist(), strict=True))


def _first_bits(keys: Keys) -> NDArray[np.intp]:
    return (keys.view(np.uint64) >> np.uint64(64 - _FIRST_BITS)).astype(np.intp)


def near_keys(key: bytes, written: Bytes) -> Keys:
    """Keyed hashes of texts of one length, as the 64-bit numbers that databases know.

    key      16 bytes
    written  ASCII, shape (…, L) with L up to MAX_CHARACTERS
    """
    length = written.shape[-1]
    if length > MAX_CHARACTERS:
        raise ValueError(f"texts of {length} characters; {MAX_CHARACTERS} is the most")
    rows = written.reshape(-1, length)
    blocks = length // _BLOCK + 1
    padded = np.zeros((len(rows), blocks * _BLOCK), np.uint8)
    padded[:, :length] = rows
    padded[:, -1] = length
    words = padded.view("<u8")
    found = np.empty(len(rows), np.uint64)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        found[some] = _siphash(key, np.ascontiguousarray(words[some].T))
    return found.view(np.int64).reshape(written.shape[:-1])


def _siphash(key: bytes, words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SipHash-2-4 of messages whose blocks are the rows of `words`."""
    halves = np.frombuffer(key, "<u8")
    v = [np.full(words.shape[1], np.uint64(start) ^ halves[at % 2]) for at, start in enumerate(_INITIAL)]
    spare = np.empty_like(v[0])
    for word in words:
        v[3] ^= word
        for _ in range(2):
            _round(v, spare)
        v[0] ^= word
    v[2] ^= np.uint64(0xFF)
    for _ in range(4):
        _round(v, spare)
    result: NDArray[np.uint64] = v[0] ^ v[1] ^ v[2] ^ v[3]
    return result


def _round(v: list[NDArray[np.uint64]], spare: NDArray[np.uint64]) -> None:
    for first, second, by, swaps in (
        (0, 1, 13, True),
        (2, 3, 16, False),
        (0, 3, 21, False),
        (2, 1, 17, True),
    ):
        v[first] += v[second]
        _rotate(v[second], by, spare)
        v[second] ^= v[first]
        if swaps:
            _rotate(v[first], 32, spare)


def _rotate(value: NDArray[np.uint64], by: int, spare: NDArray[np.uint64]) -> None:
    np.left_shift(value, np.uint64(by), out=spare)
    np.right_shift(value, np.uint64(64 - by), out=value)
    value |= spare
