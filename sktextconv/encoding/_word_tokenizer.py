"""Ids of the words of texts, in NumPy only."""

import sys

import numpy as np

from ._ragged import N_RESERVED, UNKNOWN, RaggedWriter
from ._scripts import check_split_scripts
from ._tokenize import (
    PLAIN_PATTERN,
    TOKEN_PATTERN,
    count_words,
    iter_word_ids,
    split_words,
    word_spans,
)
from ._vocabulary import END, VocabularyIndex, check_vocabulary, most_frequent

__all__ = ["WordTokenizer"]


class WordTokenizer:
    """Tokenizer of a `WordEncoder`, with its parameters, which are not validated."""

    tokenizer = None  # in pickles of earlier versions

    def __init__(
        self,
        *,
        max_tokens,
        min_count,
        max_length,
        keep,
        lowercase,
        token_pattern=None,
        tokenizer=None,
    ):
        self.max_tokens = max_tokens
        self.min_count = min_count
        self.max_length = min(max_length, sys.maxsize)
        self.keep = keep
        self.lowercase = lowercase
        self.token_pattern = TOKEN_PATTERN if token_pattern is None else token_pattern
        self.tokenizer = tokenizer

    def fit(self, texts):
        """Learn the vocabulary; raise `ValueError` if no word is frequent enough."""
        counts = count_words(texts, **self._splitting)
        words = most_frequent(
            counts, max_tokens=self.max_tokens, min_count=self.min_count
        )
        return self._set_words(words)

    def get_state(self):
        """Return the fitted state, which is JSON-serializable.

        "split_scripts" is whether scripts without spaces are split by character.
        """
        split_scripts = self.token_pattern == TOKEN_PATTERN
        return {"words": self.words, "split_scripts": split_scripts}

    def set_state(self, *, words, split_scripts=False):
        """Restore the fitted state; raise `ValueError` if it is invalid.

        States of earlier versions lack `split_scripts`.
        """
        check_vocabulary(words)
        check_split_scripts(split_scripts)
        if self.token_pattern == TOKEN_PATTERN and not split_scripts:
            self.token_pattern = PLAIN_PATTERN
        return self._set_words(words)

    @property
    def n_tokens(self):
        return len(self.words) + N_RESERVED

    def encode(self, texts):
        """Return the ids of texts as a `Ragged` with one row per text."""
        rows = RaggedWriter(self.n_tokens, len(texts), self.max_length)
        for chunk in iter_word_ids(texts, self._index, **self._splitting):
            rows.add(*self._truncate(chunk))
        return rows.finish()

    def offsets(self, text):
        """Return start and end of the word of each id, in characters."""
        spans = word_spans(text, **self._splitting)
        n_left_out = max(len(spans) - self.max_length, 0)
        first = n_left_out if self.keep == "end" else 0
        return spans[first : first + self.max_length]

    def split(self, texts):
        """Return an iterator over the lists of all words of each text."""
        return split_words(texts, **self._splitting)

    @property
    def _splitting(self):
        return {
            "lowercase": self.lowercase,
            "token_pattern": self.token_pattern,
            "tokenizer": self.tokenizer,
        }

    def _truncate(self, chunk):
        """Return the ids read of a chunk of texts, and their number in each text."""
        ends = np.flatnonzero(chunk == END)
        starts = np.concatenate([[0], ends[:-1] + 1])
        sizes = np.minimum(ends - starts, self.max_length)
        first = starts if self.keep == "start" else ends - sizes
        # 1 where the part of a text that is read begins, -1 where it ends: the sum up
        # to each position is a mask. Positions are distinct thanks to `END`.
        change = np.zeros(len(chunk) + 1, dtype=np.int8)
        change[first] += 1
        change[first + sizes] -= 1
        return chunk[np.cumsum(change[:-1], dtype=np.int8).astype(bool)], sizes

    def _set_words(self, words):
        self.words = words
        self._index = VocabularyIndex(words, first_id=N_RESERVED, unknown=UNKNOWN)
        return self

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_index"}

    def __setstate__(self, state):
        vars(self).update(state)
        self._set_words(self.words)
