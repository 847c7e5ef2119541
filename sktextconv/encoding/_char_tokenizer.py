"""Ids of the characters of texts, in NumPy only."""

import collections
import functools
import sys

import numpy as np

from ._ragged import PAD, UNKNOWN, RaggedWriter
from ._tokenize import lower_with_offsets

__all__ = ["ALPHABETS", "CharTokenizer"]


# Sections 2.1 and 2.2 of Zhang, Zhao and LeCun (2015). It contains the hyphen twice.
_CODE = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+-=<>()[]{}"
_FIRST_HYPHEN, _LAST_HYPHEN = _CODE.index("-"), _CODE.rindex("-")

ALPHABETS = {
    "paper": _CODE + "\n",
    "code": _CODE,
    "unique": _CODE[:_FIRST_HYPHEN] + _CODE[_FIRST_HYPHEN + 1 :],
    "space": _CODE[:_LAST_HYPHEN] + " " + _CODE[_LAST_HYPHEN + 1 :],
    "full": _CODE + "\n" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    # Conneau, Schwenk, Barrault and LeCun (2017), with the space first.
    "vdcnn": " abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/|_#$%^&*~`+=<>()[]{}",
}

# Texts are joined a few thousand at a time: one table lookup for many texts is faster
# than one each, and the joined copy stays in the cache.
_TEXTS_PER_CHUNK = 4096

# UTF-8 continuation bytes: without them each code point is one byte.
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


class CharTokenizer:
    """Tokenizer of a `CharEncoder`, with its parameters, which are not validated.

    Raises
    ------
    ValueError
        If a custom alphabet is empty or repeats a character.
    """

    def __init__(self, alphabet, *, max_length, lowercase, reverse, keep, unknown):
        characters = ALPHABETS.get(alphabet, alphabet)
        if alphabet not in ALPHABETS:
            _check_distinct(characters)
        self.alphabet = alphabet
        self.max_length = max_length
        self.lowercase = (
            characters == characters.lower() if lowercase == "auto" else bool(lowercase)
        )
        self.reverse = reverse
        self.keep = keep
        self.unknown = unknown
        self.n_tokens = len(characters) + 1 + unknown
        self._characters = characters

    def fit(self, texts):
        """Do nothing: the alphabet is given."""
        return self

    def get_state(self):
        """Return the fitted state: an empty dict."""
        return {}

    def set_state(self):
        """Do nothing: there is no fitted state."""
        return self

    def encode(self, texts):
        """Return the ids of texts as a `Ragged` with one row per text."""
        lookup = _make_lookup(
            self._characters, fold_case=self.lowercase, unknown=self.unknown
        )
        rows = RaggedWriter(self.n_tokens, len(texts), self.max_length)
        for start in range(0, len(texts), _TEXTS_PER_CHUNK):
            chunk = self._truncate(list(texts[start : start + _TEXTS_PER_CHUNK]))
            # Reversing the order of the texts and then all ids restores the order of
            # the texts and reverses each of them.
            ids = lookup("".join(chunk[::-1] if self.reverse else chunk))
            rows.add(ids[::-1] if self.reverse else ids, list(map(len, chunk)))
        return rows.finish()

    def offsets(self, text):
        """Return start and end of each encoded character, in the order of the ids."""
        starts = np.arange(len(text))
        if self.lowercase:
            _, starts = lower_with_offsets(text)
        starts = starts[self._read_slice][:: -1 if self.reverse else 1]
        return np.stack([starts, starts + 1], axis=1)

    @property
    def _read_slice(self):
        if self.keep == "end":
            return slice(-self.max_length, None)
        return slice(self.max_length)

    def _truncate(self, texts):
        if self.lowercase and not all(map(str.isascii, texts)):
            # The lookup folds the case of ASCII only. Outside it, lower-casing may
            # change the length of a text, and so the part that is read.
            texts = [text if text.isascii() else text.lower() for text in texts]
        part = self._read_slice
        return [text[part] for text in texts]


# Cached: for a single text, building the table takes longer than using it.
@functools.lru_cache(maxsize=8)
def _make_lookup(characters, *, fold_case, unknown):
    kind = _AsciiLookup if characters.isascii() else _CodePointLookup
    return kind(characters, fold_case=fold_case, unknown=unknown)


class _AsciiLookup:
    """Ids of the characters of an ASCII alphabet, by one pass over the UTF-8 bytes."""

    def __init__(self, characters, *, fold_case, unknown):
        # A later entry overwrites an earlier one, such as the first hyphen.
        rows = {c: row for row, c in enumerate(characters, 1 + unknown)}
        fold, other = str.lower if fold_case else str, UNKNOWN if unknown else PAD
        self._table = bytes(rows.get(fold(chr(byte)), other) for byte in range(256))

    def __call__(self, joined):
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
            upper = np.arange(ord("A"), ord("Z") + 1)
            self._table[upper] = self._table[upper + ord("a") - ord("A")]

    def __call__(self, joined):
        data = joined.encode("utf-32-le", "surrogatepass")
        return self._table[np.frombuffer(data, dtype=np.uint32)]


def _check_distinct(characters):
    if not characters:
        raise ValueError(
            "The 'alphabet' parameter must name an alphabet or hold at least one "
            f"character: {sorted(ALPHABETS)}. Got '' instead."
        )
    repeated = sorted(c for c, n in collections.Counter(characters).items() if n > 1)
    if repeated:
        raise ValueError(
            "The 'alphabet' parameter must hold distinct characters or be one of "
            f"{sorted(ALPHABETS)}. Got {characters!r}, which repeats {repeated}."
        )
