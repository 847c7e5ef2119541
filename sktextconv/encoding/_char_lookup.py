"""Lookup of the ids of characters and bytes, for many texts at once."""

import functools
import sys

import numpy as np

from ._ragged import PAD, UNKNOWN

__all__ = [
    "N_BYTES",
    "count_points",
    "fold_counts",
    "make_byte_lookup",
    "make_char_lookup",
]

N_BYTES = 256  # distinct bytes

# UTF-8 continuation bytes: without them each code point is one byte.
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))

_UPPER = np.arange(ord("A"), ord("Z") + 1)
_LOWER = _UPPER + ord("a") - ord("A")


# Cached: for a single text, building the table takes longer than using it.
@functools.lru_cache(maxsize=8)
def make_char_lookup(characters, *, fold_case, unknown):
    """Return a function from a list of str to the ids of their characters.

    Parameters
    ----------
    characters : str
        The alphabet.
    fold_case : bool
        Whether the capitals of ASCII have the ids of the small letters.
    unknown : bool
        Whether other characters have the id `UNKNOWN`, else `PAD`.
    """
    kind = _AsciiLookup if characters.isascii() else _CodePointLookup
    return kind(characters, fold_case=fold_case, unknown=unknown)


@functools.lru_cache(maxsize=4)
def make_byte_lookup(*, fold_case, unknown):
    """Return a function from a list of bytes to the ids of the bytes."""
    return _ByteLookup(fold_case=fold_case, unknown=unknown)


def count_points(texts):
    """Return how often each code point occurs, up to the largest one.

    Parameters
    ----------
    texts : list of str

    Returns
    -------
    counts : ndarray of int64 of shape (largest + 1,)
    """
    joined = "".join(texts)
    if joined.isascii():
        return np.bincount(np.frombuffer(joined.encode(), dtype=np.uint8))
    return np.bincount(_code_points(joined))


def fold_counts(counts):
    """Return the counts of code points with the capitals of ASCII as small letters."""
    folded = np.zeros(max(len(counts), N_BYTES), dtype=np.int64)
    folded[: len(counts)] = counts
    folded[_LOWER] += folded[_UPPER]
    folded[_UPPER] = 0
    return folded


def _code_points(joined):
    data = joined.encode("utf-32-le", "surrogatepass")
    return np.frombuffer(data, dtype=np.uint32)


class _AsciiLookup:
    """Ids of the characters of an ASCII alphabet, by one pass over the UTF-8 bytes."""

    def __init__(self, characters, *, fold_case, unknown):
        # A later entry overwrites an earlier one, such as the first hyphen.
        rows = {c: row for row, c in enumerate(characters, 1 + unknown)}
        fold, other = str.lower if fold_case else str, UNKNOWN if unknown else PAD
        self._table = bytes(rows.get(fold(chr(byte)), other) for byte in range(N_BYTES))

    def __call__(self, texts):
        joined = "".join(texts)
        dropped = b"" if joined.isascii() else _CONTINUATION_BYTES
        data = joined.encode("utf-8", "surrogatepass").translate(self._table, dropped)
        return np.frombuffer(data, dtype=np.uint8)


class _CodePointLookup:
    """Ids of the characters of any alphabet, by a table of all code points."""

    def __init__(self, characters, *, fold_case, unknown):
        n_tokens = len(characters) + 1 + unknown
        self._table = np.full(
            sys.maxunicode + 1,
            UNKNOWN if unknown else PAD,
            dtype=np.min_scalar_type(n_tokens - 1),
        )
        points = np.fromiter(map(ord, characters), dtype=np.int64)
        self._table[points] = np.arange(1 + unknown, n_tokens)
        if fold_case:
            self._table[_UPPER] = self._table[_LOWER]

    def __call__(self, texts):
        return self._table[_code_points("".join(texts))]


class _ByteLookup:
    """Ids of bytes, in their order."""

    def __init__(self, *, fold_case, unknown):
        self._table = np.arange(N_BYTES, dtype=np.uint16) + 1 + unknown
        if fold_case:
            self._table[_UPPER] = self._table[_LOWER]

    def __call__(self, texts):
        return self._table[np.frombuffer(b"".join(texts), dtype=np.uint8)]
