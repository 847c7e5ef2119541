"""Ids of the characters of texts, in NumPy only."""

import collections

import numpy as np

from ._char_lookup import (
    N_BYTES,
    count_points,
    fold_counts,
    make_byte_lookup,
    make_char_lookup,
)
from ._ragged import RaggedWriter
from ._tokenize import lower_with_offsets

__all__ = ["ALPHABETS", "BYTES", "LEARNED", "MAX_CHARACTERS", "CharTokenizer"]


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

# Values of `alphabet` that name no fixed characters.
LEARNED = "auto"  # characters of the training texts
BYTES = "bytes"  # the bytes of UTF-8 instead of characters

MAX_CHARACTERS = 2_000  # in a learned alphabet

# Texts are joined a few thousand at a time: one table lookup for many texts is faster
# than one each, and the joined copy stays in the cache.
_TEXTS_PER_CHUNK = 4096


class CharTokenizer:
    """Tokenizer of a `CharEncoder`, with its parameters, which are not validated.

    Raises
    ------
    ValueError
        If a custom alphabet is empty or repeats a character.
    """

    def __init__(
        self,
        alphabet,
        *,
        max_length,
        lowercase,
        reverse,
        keep,
        unknown,
        max_characters=MAX_CHARACTERS,
    ):
        self.alphabet = alphabet
        self.max_length = max_length
        self.reverse = reverse
        self.keep = keep
        self.unknown = unknown
        self.max_characters = max_characters
        if alphabet == BYTES:
            # Latin-1 has one character for each byte.
            self.characters = bytes(range(N_BYTES)).decode("latin-1")
        elif alphabet == LEARNED:
            self.characters = ""  # before `fit`
        else:
            self.characters = ALPHABETS.get(alphabet, alphabet)
            if alphabet not in ALPHABETS:
                _check_distinct(self.characters)
        self.lowercase = (
            self.characters == self.characters.lower()
            if lowercase == "auto"
            else bool(lowercase)
        )

    @property
    def n_tokens(self):
        return len(self.characters) + 1 + self.unknown

    def fit(self, texts):
        """Learn the alphabet from texts, unless it is given."""
        if self.alphabet == LEARNED:
            counts = self.count(texts)
            # Equally frequent characters are in the order of their code points.
            order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
            self.characters = "".join(map(chr, order[: self.max_characters].tolist()))
        return self

    def get_state(self):
        """Return the fitted state, which is JSON-serializable: a learned alphabet."""
        # A list, because JSON merges two surrogates that follow each other in a str.
        return {"characters": list(self.characters)} if self._is_learned else {}

    def set_state(self, **state):
        """Restore the fitted state; raise `ValueError` if it is not an alphabet."""
        if state.keys() != ({"characters"} if self._is_learned else set()):
            raise ValueError(
                "Expected the characters of a learned alphabet, and nothing for any "
                f"other alphabet, got {sorted(state)}."
            )
        if self._is_learned:
            self.characters = _join_distinct(state["characters"])
        return self

    def encode(self, texts):
        """Return the ids of texts as a `Ragged` with one row per text."""
        lookup = self._make_lookup()
        rows = RaggedWriter(self.n_tokens, len(texts), self.max_length)
        for chunk in self._read(texts):
            # Reversing the order of the texts and then all ids restores the order of
            # the texts and reverses each of them.
            ids = lookup(chunk[::-1] if self.reverse else chunk)
            rows.add(ids[::-1] if self.reverse else ids, list(map(len, chunk)))
        return rows.finish()

    def offsets(self, text):
        """Return start and end of each encoded character, in the order of the ids.

        A byte has the offsets of its character.
        """
        starts = np.arange(len(text))
        if self.lowercase:
            text, starts = lower_with_offsets(text)
        if self.alphabet == BYTES:
            starts = starts.repeat([len(_to_bytes(c)) for c in text])
        starts = starts[self._read_slice][:: -1 if self.reverse else 1]
        return np.stack([starts, starts + 1], axis=1)

    def count(self, texts):
        """Return how often each code point occurs in what is read of texts.

        It counts characters: it is not for ``alphabet="bytes"``.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        counts : ndarray of int64
            Indexed by code point, up to the largest one.
        """
        total = np.zeros(0, dtype=np.int64)
        for chunk in self._read(texts):
            counts = count_points(chunk)
            longer, shorter = sorted((counts, total), key=len, reverse=True)
            longer[: len(shorter)] += shorter
            total = longer
        return fold_counts(total) if self.lowercase else total

    @property
    def _is_learned(self):
        return self.alphabet == LEARNED

    @property
    def _read_slice(self):
        if self.keep == "end":
            return slice(-self.max_length, None)
        return slice(self.max_length)

    def _make_lookup(self):
        how = {"fold_case": self.lowercase, "unknown": self.unknown}
        if self.alphabet == BYTES:
            return make_byte_lookup(**how)
        return make_char_lookup(self.characters, **how)

    def _read(self, texts):
        """Yield lists of what is read of some thousand texts, as str or bytes."""
        part = self._read_slice
        for start in range(0, len(texts), _TEXTS_PER_CHUNK):
            chunk = list(texts[start : start + _TEXTS_PER_CHUNK])
            if self.lowercase and not all(map(str.isascii, chunk)):
                # The lookup folds the case of ASCII only. Outside it, lower-casing may
                # change the length of a text, and so the part that is read.
                chunk = [t if t.isascii() else t.lower() for t in chunk]
            chunk = [text[part] for text in chunk]
            if self.alphabet == BYTES:
                chunk = [_to_bytes(text)[part] for text in chunk]
            yield chunk


def _to_bytes(text):
    return text.encode("utf-8", "surrogatepass")


def _join_distinct(characters):
    """Return a list of distinct characters as a str; raise `ValueError` otherwise."""
    if not isinstance(characters, list) or set(map(type, characters)) - {str}:
        raise ValueError("Expected the characters of an alphabet to be a list of str.")
    joined = "".join(characters)
    if {*map(len, characters)} - {1} or len(set(characters)) < len(characters):
        raise ValueError(
            "Expected the characters of an alphabet to be distinct, in a str each."
        )
    return joined


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
