"""Encoder of texts into ids of characters."""

import collections
import sys

import numpy as np

from ._ragged import PAD, UNKNOWN, RaggedWriter
from ._tokenize import lower_with_offsets

__all__ = ["ALPHABETS", "CharEncoder"]


# Sections 2.1 and 2.2 of Zhang, Zhao and LeCun (2015). The hyphen stands twice.
_CODE = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+-=<>()[]{}"
_FIRST_HYPHEN, _LAST_HYPHEN = _CODE.index("-"), _CODE.rindex("-")

ALPHABETS = {
    "paper": _CODE + "\n",
    "code": _CODE,
    "unique": _CODE[:_FIRST_HYPHEN] + _CODE[_FIRST_HYPHEN + 1 :],
    "space": _CODE[:_LAST_HYPHEN] + " " + _CODE[_LAST_HYPHEN + 1 :],
    "full": _CODE + "\n" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    # Conneau, Schwenk, Barrault and LeCun (2017), with the space as the first.
    "vdcnn": " abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/|_#$%^&*~`+=<>()[]{}",
}

# Texts are joined a few thousand at a time: one table look-up for many texts costs
# less than one each, and the joined copy stays in the cache.
_TEXTS_PER_CHUNK = 4096

# UTF-8 continuation bytes: without them each code point is one byte.
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


class CharEncoder:
    """Quantize texts into characters of an alphabet.

    A character becomes its row in the alphabet, counted from 1. A space, and any
    other character outside the alphabet, becomes 0, as padding does: a column of
    zeros in the one-hot matrix of the paper [1]_, which is never built here. A text is
    lower-cased as a whole by ``str.lower`` before it is cut and coded.

    Parameters
    ----------
    alphabet : str, default="paper"
        A name from `ALPHABETS` ("paper", "code", "unique", "space", "full", "vdcnn"),
        or the distinct characters themselves. Where a named alphabet holds the hyphen
        twice, the later row is used and the first one is always zero, as in the
        authors' code.
    max_length : int, default=1014
        Characters kept of each text.
    lowercase : bool or "auto", default="auto"
        "auto" lower-cases unless the alphabet has characters that lower-casing
        would change, as "full" has.
    reverse : bool, default=True
        Whether the last character kept comes first.
    keep : {"end", "start"}, default="end"
        Which end of a text longer than `max_length` is kept.
    unknown : bool, default=False
        Whether a character outside the alphabet has an id of its own, 1, and the rows
        of the alphabet are counted from 2, as in [2]_.

    Attributes
    ----------
    characters : str
        Those of the alphabet, a row each.
    n_tokens : int
        Rows of the alphabet, one for `PAD`, and one more with `unknown`: ids are below
        it.

    Raises
    ------
    ValueError
        If a custom alphabet is empty or repeats a character.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level Convolutional Networks
       for Text Classification", NIPS 2015, section 2.2. https://arxiv.org/abs/1509.01626
    .. [2] A. Conneau, H. Schwenk, L. Barrault and Y. LeCun, "Very Deep Convolutional
       Networks for Text Classification", EACL 2017. https://arxiv.org/abs/1606.01781

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
        unknown=False,
    ):
        characters = ALPHABETS.get(alphabet, alphabet)
        if alphabet not in ALPHABETS:
            _check_distinct(characters)
        self.alphabet = alphabet
        self.unknown = bool(unknown)
        self.n_tokens = len(characters) + 1 + self.unknown
        self.max_length = int(max_length)
        self.reverse = bool(reverse)
        self.keep = keep
        self.lowercase = (
            characters == characters.lower() if lowercase == "auto" else bool(lowercase)
        )
        self.characters = characters

    def fit(self, texts):
        """Do nothing: the alphabet is given, not learnt."""
        return self

    def get_state(self):
        """Return the fitted state as JSON-serializable values: none."""
        return {}

    def set_state(self):
        """Restore the state that `get_state` returned."""
        return self

    def encode(self, texts):
        """Return the ids of `texts`.

        Parameters
        ----------
        texts : list of str or TextSequence, of length n_documents

        Returns
        -------
        ids : Ragged
            One row per text, of at most `max_length` ids.
        """
        coder = _AsciiCoder if self.characters.isascii() else _CodePointCoder
        code = coder(self.characters, fold_case=self.lowercase, unknown=self.unknown)
        rows = RaggedWriter(self.n_tokens, len(texts), self.max_length)
        for start in range(0, len(texts), _TEXTS_PER_CHUNK):
            cut = self._cut(list(texts[start : start + _TEXTS_PER_CHUNK]))
            # Reversing the texts and then the codes leaves the texts in order and
            # turns each one around.
            codes = code("".join(cut[::-1] if self.reverse else cut))
            rows.add(codes[::-1] if self.reverse else codes, list(map(len, cut)))
        return rows.finish()

    def offsets(self, text):
        """Return the offsets of each id in a text.

        Parameters
        ----------
        text : str

        Returns
        -------
        offsets : ndarray of int64 of shape (n_ids, 2)
            Start and end of its character, in the order of the ids.
        """
        offsets = np.arange(len(text))
        if self.lowercase:
            _, offsets = lower_with_offsets(text)
        offsets = offsets[self._kept][:: -1 if self.reverse else 1]
        return np.stack([offsets, offsets + 1], axis=1)

    @property
    def _kept(self):
        if self.keep == "end":
            return slice(-self.max_length, None)
        return slice(self.max_length)

    def _cut(self, texts):
        if self.lowercase and not all(map(str.isascii, texts)):
            # Case folding in the table is exact for ASCII alone: outside it, lower
            # case may have another length, and then the cut falls elsewhere.
            texts = [text if text.isascii() else text.lower() for text in texts]
        kept = self._kept
        return [text[kept] for text in texts]


class _AsciiCoder:
    """Ids of an ASCII alphabet, by one pass over the UTF-8 bytes."""

    def __init__(self, characters, *, fold_case, unknown):
        # A later entry overwrites an earlier one: the authors' two hyphens.
        rows = {c: row for row, c in enumerate(characters, 1 + unknown)}
        fold, other = str.lower if fold_case else str, UNKNOWN if unknown else PAD
        self._table = bytes(rows.get(fold(chr(byte)), other) for byte in range(256))

    def __call__(self, joined):
        dropped = b"" if joined.isascii() else _CONTINUATION_BYTES
        data = joined.encode("utf-8", "surrogatepass").translate(self._table, dropped)
        return np.frombuffer(data, dtype=np.uint8)


class _CodePointCoder:
    """Ids of any alphabet, by a table over all code points."""

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
