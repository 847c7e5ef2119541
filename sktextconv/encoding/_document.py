"""Encoder of texts into sentences of words."""

import array
import collections
import itertools
import re
import sys

import numpy as np

from ._ragged import UNKNOWN, RaggedWriter
from ._sentences import (
    _check_boundaries,
    _find_sentences,
    _learn_boundaries,
    _make_punkt,
)
from ._word import check_vocabulary, most_frequent

__all__ = ["SENTENCE_END", "DocumentEncoder"]


SENTENCE_END = 2  # the id that stands after the last word of each sentence
_N_RESERVED = 3  # ids that are no word

# The conventions of the Penn Treebank as far as one pattern goes. It takes a small part
# of the time of NLTK's rules, changes no character, and so tells where a word stands.
_find_words = re.compile(
    r"""
      (?:[^\W\d_]\.){2,}             # U.S.
    | \d+(?:[.,:]\d+)+               # 1,000.50
    | \w+?(?=[nN]['’][tT]\b)         # do|n't
    | [nN]['’][tT]\b
    | ['’](?i:s|m|d|re|ve|ll)\b      # it|'s
    | \w+(?:-\w+)*                   # well-known
    | \.{2,} | -{2,}
    | [^\w\s]
    """,
    re.VERBOSE,
)


class DocumentEncoder:
    """Number the words of texts, with a mark after each sentence.

    A word becomes its rank among those of the training texts, counted from 3; a word
    outside the vocabulary becomes `UNKNOWN`. Sentences are found by Punkt [1]_, as NLTK
    has it: it learns from the training texts which words are abbreviations, and needs
    neither labels nor downloads. Words are those of the Penn Treebank: "don't" is "do"
    and "n't", a hyphen joins, each other mark is a word.

    Parameters
    ----------
    max_tokens : int, default=50_000
        Words of the vocabulary, the most frequent of the training texts; of equally
        frequent ones those first by the alphabet.
    min_count : int, default=5
        Occurrences in the training texts, as far as they are read, below which a word
        stays outside.
    max_sentences : int, default=60
        Sentences read of each text.
    max_sentence_length : int, default=100
        Words read of each sentence.
    lowercase : bool, default=True
        Whether words are lower-cased, once sentences and words are found.

    Attributes
    ----------
    words : list of str, of length n_tokens - 3
        Word i has the id i + 3; set by `fit`.
    n_tokens : int
        Words of the vocabulary and three for `PAD`, `UNKNOWN` and `SENTENCE_END`: ids
        are below it.

    Notes
    -----
    Punkt learns from the first 2,000,000 characters of the training texts, of each
    text the first 10,000. A sentence ends after 10,000 characters at the latest.

    References
    ----------
    .. [1] T. Kiss and J. Strunk, "Unsupervised Multilingual Sentence Boundary
       Detection", Computational Linguistics 32(4), 2006.
       https://aclanthology.org/J06-4003

    Examples
    --------
    >>> encoder = DocumentEncoder(min_count=1).fit(["So good! So so good."])
    >>> encoder.words
    ['so', 'good', '!', '.']
    >>> encoder.encode(["So bad! Good."])[0]
    array([3, 1, 5, 2, 4, 6, 2], dtype=uint8)
    """

    def __init__(
        self,
        *,
        max_tokens=50_000,
        min_count=5,
        max_sentences=60,
        max_sentence_length=100,
        lowercase=True,
    ):
        self.max_tokens = int(max_tokens)
        self.min_count = int(min_count)
        self.max_sentences = min(int(max_sentences), sys.maxsize)
        self.max_sentence_length = min(int(max_sentence_length), sys.maxsize)
        self.lowercase = bool(lowercase)

    def fit(self, texts):
        """Learn where sentences end, and the vocabulary, from texts.

        Parameters
        ----------
        texts : list of str or TextSequence

        Raises
        ------
        ValueError
            If no word is frequent enough.
        """
        self._boundaries = _learn_boundaries(texts)
        self._set_sentences()
        words = itertools.chain.from_iterable(self.split(texts))
        self.words = most_frequent(
            collections.Counter(words),
            max_tokens=self.max_tokens,
            min_count=self.min_count,
        )
        self._set_ids()
        return self

    def get_state(self):
        """Return the fitted state, JSON-serializable: words and Punkt parameters."""
        return {"words": self.words, "boundaries": self._boundaries}

    def set_state(self, *, words, boundaries):
        """Restore the state that `get_state` returned, instead of `fit`.

        Raises
        ------
        ValueError
            If that is no vocabulary, or not what Punkt learns.
        """
        check_vocabulary(words)
        _check_boundaries(boundaries)
        self.words, self._boundaries = words, boundaries
        self._set_sentences()
        self._set_ids()
        return self

    @property
    def n_tokens(self):
        return len(self.words) + _N_RESERVED

    def encode(self, texts):
        """Return the ids of `texts`.

        Parameters
        ----------
        texts : list of str or TextSequence, of length n_documents

        Returns
        -------
        ids : Ragged
            One row per text: the words of each sentence, then `SENTENCE_END`. Its
            `parts` say how many words each sentence has.
        """
        longest = self.max_sentences * (self.max_sentence_length + 1)
        rows = RaggedWriter(self.n_tokens, len(texts), longest)
        sentences = RaggedWriter(
            self.max_sentence_length + 1, len(texts), self.max_sentences
        )
        for text in texts:
            ids, lengths = array.array("I"), array.array("I")
            for words in self._read(text):
                ids.extend(map(self._ids.get, words, itertools.repeat(UNKNOWN)))
                ids.append(SENTENCE_END)
                lengths.append(len(words))
            rows.add(ids, [len(ids)])
            sentences.add(lengths, [len(lengths)])
        return rows.finish(sentences.finish())

    def split(self, texts):
        """Yield the words of each sentence of `texts`, as far as it is read.

        Parameters
        ----------
        texts : list of str or TextSequence

        Yields
        ------
        words : list of str
        """
        for text in texts:
            yield from self._read(text)

    def spans(self, text):
        """Return where the sentences and words that `encode` reads stand.

        Parameters
        ----------
        text : str

        Returns
        -------
        sentences : list of (start, end, words)
            Characters from `start` up to `end`, and of its words a list of (start,
            end). All count from the start of `text`.
        """
        return [
            (start, end, [(start + first, start + last) for first, last in words])
            for start, end, words in self._cut(text, _word_spans)
        ]

    def offsets(self, text):
        """Return the offsets of each id in a text.

        Parameters
        ----------
        text : str

        Returns
        -------
        offsets : ndarray of int64 of shape (n_ids, 2)
            Start and end of its word, in characters. That of a `SENTENCE_END` is empty.
        """
        offsets = [
            offset
            for _, end, words in self.spans(text)
            for offset in (*words, (end, end))
        ]
        return np.array(offsets, dtype=np.int64).reshape(-1, 2)

    def _read(self, text):
        fold = str.lower if self.lowercase else str
        for _, _, words in self._cut(text, _find_words.findall):
            yield list(map(fold, words))

    def _cut(self, text, find):
        """Yield start, end and what `find` finds in each sentence that is read."""
        found = (
            (start, end, find(text[start:end])[: self.max_sentence_length])
            for start, end in _find_sentences(text, self._sentences)
        )
        # What is white space to Punkt's patterns is not quite what it is to ours.
        return itertools.islice((item for item in found if item[2]), self.max_sentences)

    def _set_sentences(self):
        self._sentences = _make_punkt(self._boundaries)

    def _set_ids(self):
        numbers = range(_N_RESERVED, self.n_tokens)
        self._ids = dict(zip(self.words, numbers, strict=True))

    def __getstate__(self):
        made = ("_ids", "_sentences")
        return {name: value for name, value in vars(self).items() if name not in made}

    def __setstate__(self, state):
        vars(self).update(state)
        if "words" in state:
            self._set_sentences()
            self._set_ids()


def _word_spans(sentence):
    return [match.span() for match in _find_words.finditer(sentence)]
