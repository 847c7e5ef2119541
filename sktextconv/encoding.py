"""Texts to integers: ragged ids in the smallest unsigned type that holds them."""

import collections
import sys
import tempfile
from dataclasses import dataclass

import numpy as np

from .numbering import END, Numbering
from .words import (
    TOKEN_PATTERN,
    count_words,
    lower_with_origins,
    read_words,
    split_words,
    word_spans,
)

__all__ = [
    "ALPHABETS",
    "MAX_BYTES_IN_MEMORY",
    "PAD",
    "UNKNOWN",
    "CharEncoder",
    "Ragged",
    "RaggedWriter",
    "WordEncoder",
]

PAD = 0  # the id of padding: a column of zeros for characters
UNKNOWN = 1  # the id of a word or character that is not known
N_RESERVED = 2  # ids that are no word

# Ids that take more go to a temporary file, which is mapped into memory.
MAX_BYTES_IN_MEMORY = 2**30

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


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of ids of different lengths, end to end.

    Attributes
    ----------
    ids : ndarray of unsigned int of shape (n_ids,)
        All rows in order, in the smallest type that holds every id.
    offsets : ndarray of int64 of shape (n_rows + 1,)
        Row i is ``ids[offsets[i]:offsets[i + 1]]``.
    parts : Ragged or None
        Lengths of the parts of each row, such as the sentences of a text, where rows
        have parts.
    """

    ids: np.ndarray
    offsets: np.ndarray
    parts: "Ragged | None" = None

    def __len__(self):
        return len(self.offsets) - 1

    def __getitem__(self, row):
        return self.ids[self.offsets[row] : self.offsets[row + 1]]


class RaggedWriter:
    """Rows of ids as they come, put end to end.

    Beyond `MAX_BYTES_IN_MEMORY` they go to a temporary file, in the folder that
    `tempfile.gettempdir` names, which is gone once nobody holds the ids.

    Parameters
    ----------
    n_tokens : int
        Ids are below it.
    n_rows : int
    max_length : int
        Ids of a row, at most.
    """

    def __init__(self, n_tokens, n_rows, max_length):
        dtype = np.min_scalar_type(n_tokens - 1)
        # Room for the longest rows there may be costs nothing as long as it is empty.
        n_ids = min(n_rows * max_length, MAX_BYTES_IN_MEMORY // dtype.itemsize)
        self._ids = np.empty(n_ids, dtype=dtype)
        self._file = None
        self._offsets = np.zeros(n_rows + 1, dtype=np.int64)
        self._n_rows = 0

    def add(self, ids, lengths):
        """Add the ids of some rows, end to end, and the length of each row."""
        start = self._offsets[self._n_rows]
        ends = self._offsets[self._n_rows + 1 :][: len(lengths)]
        np.cumsum(lengths, out=ends)
        ends += start
        self._n_rows += len(lengths)
        if self._file is None and start + len(ids) > len(self._ids):
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (finish closes it)
            self._file.write(self._ids[:start])
            self._ids = self._ids[:0].copy()
        if self._file is None:
            self._ids[start : start + len(ids)] = ids
        else:
            self._file.write(np.ascontiguousarray(ids, dtype=self._ids.dtype))

    def finish(self, parts=None):
        """Return all as a `Ragged`; the ids can be written to, as torch asks."""
        if self._file is None:
            self._ids.resize(self._offsets[-1], refcheck=False)
            return Ragged(self._ids, self._offsets, parts)
        with self._file:
            self._file.flush()
            ids = np.memmap(self._file, dtype=self._ids.dtype, mode="c")
        return Ragged(ids, self._offsets, parts)


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

    def learnt(self):
        """Return what `fit` has learnt as plain values: nothing."""
        return {}

    def restore(self):
        """Take back what `learnt` returned, in the place of `fit`."""
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

    def places(self, text):
        """Return where each id of a text stands in it.

        Parameters
        ----------
        text : str

        Returns
        -------
        places : ndarray of int64 of shape (n_ids, 2)
            Start and end of its character, in the order of the ids.
        """
        origins = np.arange(len(text))
        if self.lowercase:
            _, origins = lower_with_origins(text)
        origins = origins[self._kept][:: -1 if self.reverse else 1]
        return np.stack([origins, origins + 1], axis=1)

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


class WordEncoder:
    """Number the words of texts, the most frequent ones first.

    A word becomes its rank among those of the training texts, counted from 2; a word
    outside the vocabulary becomes `UNKNOWN`. Words are those of `NGramVectorizer`.

    Parameters
    ----------
    max_tokens : int, default=50_000
        Words of the vocabulary, the most frequent of the training texts; of equally
        frequent ones those first by the alphabet.
    min_count : int, default=1
        Occurrences in the training texts below which a word stays outside.
    max_length : int, default=400
        Words kept of each text.
    keep : {"start", "end"}, default="start"
        Which end of a text longer than `max_length` is kept.
    lowercase : bool, default=True
        Whether texts are lower-cased first, by ``str.lower``.
    token_pattern : str, default=TOKEN_PATTERN
        Regular expression of a word.

    Attributes
    ----------
    words : list of str, of length n_tokens - 2
        Word i has the id i + 2; set by `fit`.
    n_tokens : int
        Words of the vocabulary and two for `PAD` and `UNKNOWN`: ids are below it.

    Examples
    --------
    >>> encoder = WordEncoder(max_tokens=2).fit(["so so good", "so bad"])
    >>> encoder.words
    ['so', 'bad']
    >>> encoder.encode(["so good, so bad"])[0]
    array([2, 1, 1, 2, 3], dtype=uint8)
    """

    def __init__(
        self,
        *,
        max_tokens=50_000,
        min_count=1,
        max_length=400,
        keep="start",
        lowercase=True,
        token_pattern=TOKEN_PATTERN,
    ):
        self.max_tokens = int(max_tokens)
        self.min_count = int(min_count)
        self.max_length = min(int(max_length), sys.maxsize)
        self.keep = keep
        self.lowercase = bool(lowercase)
        self.token_pattern = token_pattern

    def fit(self, texts):
        """Learn the vocabulary from `texts`, a list of str or a TextSequence."""
        self.words = most_frequent(
            count_words(texts, **self._splitting),
            max_tokens=self.max_tokens,
            min_count=self.min_count,
        )
        self._set_ids()
        return self

    def learnt(self):
        """Return what `fit` has learnt as plain values: the words."""
        return {"words": self.words}

    def restore(self, *, words):
        """Take back what `learnt` returned, in the place of `fit`.

        Raises
        ------
        ValueError
            If that is no vocabulary.
        """
        check_vocabulary(words)
        self.words = words
        self._set_ids()
        return self

    @property
    def n_tokens(self):
        return len(self.words) + N_RESERVED

    @property
    def _splitting(self):
        return {"lowercase": self.lowercase, "token_pattern": self.token_pattern}

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
        rows = RaggedWriter(self.n_tokens, len(texts), self.max_length)
        for chunk in read_words(texts, self._ids, **self._splitting):
            rows.add(*self._cut(chunk))
        return rows.finish()

    def places(self, text):
        """Return where each id of a text stands in it.

        Parameters
        ----------
        text : str

        Returns
        -------
        places : ndarray of int64 of shape (n_ids, 2)
            Start and end of its word, in characters.
        """
        spans = word_spans(text, **self._splitting)
        n_left_out = max(len(spans) - self.max_length, 0)
        first = n_left_out if self.keep == "end" else 0
        return spans[first : first + self.max_length]

    def split(self, texts):
        """Return an iterator over all words of each text, as a list of str."""
        return split_words(texts, **self._splitting)

    def _cut(self, chunk):
        """Return the ids kept of a chunk of texts, and how many of each text."""
        ends = np.flatnonzero(chunk == END)
        starts = np.concatenate([[0], ends[:-1] + 1])
        sizes = np.minimum(ends - starts, self.max_length)
        first = starts if self.keep == "start" else ends - sizes
        change = np.zeros(len(chunk) + 1, dtype=np.int8)
        # No two texts begin at one place, nor end there: each has its `END` between.
        change[first] += 1
        change[first + sizes] -= 1
        return chunk[np.cumsum(change[:-1], dtype=np.int8).astype(bool)], sizes

    def _set_ids(self):
        self._ids = Numbering(self.words, first=N_RESERVED, unknown=UNKNOWN)

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_ids"}

    def __setstate__(self, state):
        vars(self).update(state)
        if "words" in state:
            self._set_ids()


def check_vocabulary(words):
    """Raise `ValueError` unless `words` is a list of distinct str."""
    if not isinstance(words, list) or set(map(type, words)) - {str}:
        raise ValueError("Expected the words of a vocabulary to be a list of str.")
    if len(set(words)) < len(words):
        raise ValueError("Expected the words of a vocabulary to be distinct.")


def most_frequent(counts, *, max_tokens, min_count):
    """Return the words that make a vocabulary, the most frequent first.

    Parameters
    ----------
    counts : dict of str to int
        Occurrences of each word. Of equally frequent words those first by the alphabet
        go first.
    max_tokens, min_count : int

    Returns
    -------
    words : list of str

    Raises
    ------
    ValueError
        If no word is left.
    """
    words = sorted(word for word, count in counts.items() if count >= min_count)
    if not words:
        raise ValueError(
            "empty vocabulary: no word occurs in the training texts "
            f"min_count={min_count} times or more."
        )
    return sorted(words, key=counts.__getitem__, reverse=True)[:max_tokens]
