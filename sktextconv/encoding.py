"""Texts to integers: ragged ids in the smallest unsigned type that holds them."""

import sys
from dataclasses import dataclass

import numpy as np

__all__ = ["ALPHABETS", "PAD", "CharEncoder", "Ragged"]

PAD = 0  # the id of padding: a column of zeros for characters

# Sections 2.1 and 2.2 of Zhang, Zhao and LeCun (2015). The hyphen stands twice.
_CODE = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+-=<>()[]{}"
_FIRST_HYPHEN, _LAST_HYPHEN = _CODE.index("-"), _CODE.rindex("-")

ALPHABETS = {
    "paper": _CODE + "\n",
    "code": _CODE,
    "unique": _CODE[:_FIRST_HYPHEN] + _CODE[_FIRST_HYPHEN + 1 :],
    "space": _CODE[:_LAST_HYPHEN] + " " + _CODE[_LAST_HYPHEN + 1 :],
    "full": _CODE + "\n" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
}

# Texts are joined a few thousand at a time: one table look-up for many texts costs
# less than one each, and the joined copy stays in the cache.
_TEXTS_PER_CHUNK = 4096

# UTF-8 continuation bytes: without them each code point is one byte.
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of ids of different lengths, end to end.

    Attributes
    ----------
    ids : ndarray of unsigned int of shape (n_ids,)
        All rows in order, in the smallest type that holds every id.
    offsets : ndarray of int64 of shape (n_rows + 1,)
        Row i is ``ids[offsets[i]:offsets[i + 1]]``.
    """

    ids: np.ndarray
    offsets: np.ndarray

    def __len__(self):
        return len(self.offsets) - 1

    def __getitem__(self, row):
        return self.ids[self.offsets[row] : self.offsets[row + 1]]


class CharEncoder:
    """Quantize texts into characters of an alphabet.

    A character becomes its row in the alphabet, counted from 1. A space, and any
    other character outside the alphabet, becomes 0, as padding does: a column of
    zeros in the one-hot matrix of the paper, which is never built here. A text is
    lower-cased as a whole by ``str.lower`` before it is cut and coded.

    Parameters
    ----------
    alphabet : {"paper", "code", "unique", "space", "full"} or str, default="paper"
        A name from `ALPHABETS`, or the distinct characters themselves. Where a named
        alphabet holds the hyphen twice, the later row is used and the first one is
        always zero, as in the authors' code.
    max_length : int, default=1014
        Characters kept of each text.
    lowercase : bool or "auto", default="auto"
        "auto" lower-cases unless the alphabet has characters that lower-casing
        would change, as "full" has.
    reverse : bool, default=True
        Whether the last character kept comes first.
    keep : {"end", "start"}, default="end"
        Which end of a text longer than `max_length` is kept.

    Attributes
    ----------
    n_tokens : int
        Rows of the alphabet and one for `PAD`: ids are below it.

    Raises
    ------
    ValueError
        If a custom alphabet is empty or repeats a character.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level Convolutional Networks
       for Text Classification", NIPS 2015, section 2.2. https://arxiv.org/abs/1509.01626

    Examples
    --------
    >>> encoder = CharEncoder("code", max_length=6)
    >>> encoder.encode(["x-1 Ab"])[0]
    array([ 2,  1,  0, 28, 60, 24], dtype=uint8)
    """

    def __init__(
        self,
        alphabet="paper",
        *,
        max_length=1014,
        lowercase="auto",
        reverse=True,
        keep="end",
    ):
        characters = ALPHABETS.get(alphabet, alphabet)
        if alphabet not in ALPHABETS:
            _check_distinct(characters)
        self.n_tokens = len(characters) + 1
        self.max_length = int(max_length)
        self.reverse = bool(reverse)
        self.keep = keep
        self.lowercase = (
            characters == characters.lower() if lowercase == "auto" else bool(lowercase)
        )
        self._characters = characters

    def fit(self, texts):
        """Do nothing: the alphabet is given, not learnt."""
        return self

    def encode(self, texts):
        """Return the ids of `texts`.

        Parameters
        ----------
        texts : list of str, of length n_documents

        Returns
        -------
        ids : Ragged
            One row per text, of at most `max_length` ids.
        """
        coder = _AsciiCoder if self._characters.isascii() else _CodePointCoder
        code = coder(self._characters, fold_case=self.lowercase)
        chunks, lengths = [], []
        for start in range(0, len(texts), _TEXTS_PER_CHUNK):
            cut = self._cut(texts[start : start + _TEXTS_PER_CHUNK])
            lengths.extend(map(len, cut))
            # Reversing the texts and then the codes leaves the texts in order and
            # turns each one around.
            codes = code("".join(cut[::-1] if self.reverse else cut))
            chunks.append(codes[::-1] if self.reverse else codes)
        offsets = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return Ragged(np.concatenate(chunks), offsets)

    def _cut(self, texts):
        if self.lowercase and not all(map(str.isascii, texts)):
            # Case folding in the table is exact for ASCII alone: outside it, lower
            # case may have another length, and then the cut falls elsewhere.
            texts = [text if text.isascii() else text.lower() for text in texts]
        kept = (
            slice(-self.max_length, None)
            if self.keep == "end"
            else slice(self.max_length)
        )
        return [text[kept] for text in texts]


class _AsciiCoder:
    """Ids of an ASCII alphabet, by one pass over the UTF-8 bytes."""

    def __init__(self, characters, *, fold_case):
        # A later entry overwrites an earlier one: the authors' two hyphens.
        rows = {character: row for row, character in enumerate(characters, 1)}
        fold = str.lower if fold_case else str
        self._table = bytes(rows.get(fold(chr(byte)), PAD) for byte in range(256))

    def __call__(self, joined):
        dropped = b"" if joined.isascii() else _CONTINUATION_BYTES
        data = joined.encode("utf-8", "surrogatepass").translate(self._table, dropped)
        return np.frombuffer(data, dtype=np.uint8)


class _CodePointCoder:
    """Ids of any alphabet, by a table over all code points."""

    def __init__(self, characters, *, fold_case):
        n_tokens = len(characters) + 1
        self._table = np.zeros(
            sys.maxunicode + 1, dtype=np.min_scalar_type(n_tokens - 1)
        )
        points = np.fromiter(map(ord, characters), dtype=np.int64)
        self._table[points] = np.arange(1, n_tokens)
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
    repeated = sorted({c for c in characters if characters.count(c) > 1})
    if repeated:
        raise ValueError(
            "The 'alphabet' parameter must hold distinct characters or be one of "
            f"{sorted(ALPHABETS)}. Got {characters!r}, which repeats {repeated}."
        )
