"""Encoder of texts into ids of words."""

import sys

import numpy as np

from ._ragged import N_RESERVED, UNKNOWN, RaggedWriter
from ._tokenize import (
    TOKEN_PATTERN,
    count_words,
    iter_word_ids,
    split_words,
    word_spans,
)
from ._vocabulary import END, VocabularyIndex

__all__ = ["WordEncoder", "check_vocabulary", "most_frequent"]


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

    def get_state(self):
        """Return the fitted state as JSON-serializable values: the words."""
        return {"words": self.words}

    def set_state(self, *, words):
        """Restore the state that `get_state` returned, instead of `fit`.

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
        for chunk in iter_word_ids(texts, self._ids, **self._splitting):
            rows.add(*self._cut(chunk))
        return rows.finish()

    def offsets(self, text):
        """Return the offsets of each id in a text.

        Parameters
        ----------
        text : str

        Returns
        -------
        offsets : ndarray of int64 of shape (n_ids, 2)
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
        self._ids = VocabularyIndex(self.words, first_id=N_RESERVED, unknown=UNKNOWN)

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
