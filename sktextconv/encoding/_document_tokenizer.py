"""Ids of the words of the sentences of texts, with NumPy and NLTK only."""

import array
import collections
import itertools
import sys

import numpy as np

from ._ragged import N_RESERVED, SENTENCE_END, UNKNOWN, RaggedWriter
from ._scripts import CHARACTER, WORD_LETTER, check_split_scripts
from ._sentences import (
    check_boundaries,
    find_sentences,
    learn_boundaries,
    make_punkt,
)
from ._vocabulary import check_vocabulary, most_frequent
from ._word_finder import CallableFinder, PatternFinder

__all__ = ["DocumentTokenizer"]

_FIRST_WORD = N_RESERVED + 1  # id of the first word; `SENTENCE_END` comes before it

# The conventions of the Penn Treebank, as far as one pattern can follow them. It is
# much faster than NLTK's rules and changes no character, so that offsets are known.
_TREEBANK = r"""(?x)
      (?:[^\W\d_]\.){{2,}}                        # U.S.
    | \d+(?:[.,:]\d+)+                          # 1,000.50
    {character}
    | {letter}+?(?=[nN]['’][tT](?!{letter}))     # do|n't
    | [nN]['’][tT](?!{letter})
    | ['’](?i:s|m|d|re|ve|ll)(?!{letter})        # it|'s
    | {letter}+(?:-{letter}+)*                   # well-known
    | \.{{2,}} | -{{2,}}
    | [^\w\s]
    """
_PLAIN_PATTERN = _TREEBANK.format(letter=r"\w", character="")
_SPLIT_PATTERN = _TREEBANK.format(letter=WORD_LETTER, character=f"| {CHARACTER}")
_PLAIN_FINDER = PatternFinder(_PLAIN_PATTERN)
_SPLIT_FINDER = PatternFinder(_PLAIN_PATTERN, _SPLIT_PATTERN)


class DocumentTokenizer:
    """Tokenizer of a `DocumentEncoder`, with its parameters, which are not validated.

    It needs NLTK besides NumPy.
    """

    # Defaults for pickles of earlier versions.
    split_scripts = False
    tokenizer = None

    def __init__(
        self,
        *,
        max_tokens,
        min_count,
        max_sentences,
        max_sentence_length,
        lowercase,
        tokenizer=None,
    ):
        self.max_tokens = max_tokens
        self.min_count = min_count
        self.max_sentences = min(max_sentences, sys.maxsize)
        self.max_sentence_length = min(max_sentence_length, sys.maxsize)
        self.lowercase = lowercase
        self.tokenizer = tokenizer
        self.split_scripts = True

    def fit(self, texts):
        """Learn sentence boundaries and the vocabulary.

        Raises
        ------
        ValueError
            If no word is frequent enough.
        """
        self._set_boundaries(learn_boundaries(texts))
        counts = collections.Counter(itertools.chain.from_iterable(self.split(texts)))
        words = most_frequent(
            counts, max_tokens=self.max_tokens, min_count=self.min_count
        )
        return self._set_words(words)

    def get_state(self):
        """Return the fitted state, JSON-serializable: words and Punkt parameters.

        "split_scripts" is whether scripts without spaces are split by character, and
        their sentences by their own marks.
        """
        return {
            "words": self.words,
            "boundaries": self._boundaries,
            "split_scripts": self.split_scripts,
        }

    def set_state(self, *, words, boundaries, split_scripts=False):
        """Restore the fitted state.

        States of earlier versions lack `split_scripts`.

        Raises
        ------
        ValueError
            If it is not a vocabulary, parameters of Punkt and a bool.
        """
        check_vocabulary(words)
        check_boundaries(boundaries)
        check_split_scripts(split_scripts)
        self.split_scripts = split_scripts
        self._set_boundaries(boundaries)
        return self._set_words(words)

    @property
    def n_tokens(self):
        return len(self.words) + _FIRST_WORD

    def encode(self, texts):
        """Return the ids of texts as a `Ragged` with one row per text.

        A row holds the words of each sentence, followed by `SENTENCE_END`. The
        attribute `parts` holds the number of words of each sentence.
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

    def offsets(self, text):
        """Return start and end of each word, in characters.

        They are equal for `SENTENCE_END`, and for a word of the callable `tokenizer`
        that is not found in the text.
        """
        offsets = [
            offset
            for _, end, words in self.spans(text)
            for offset in (*words, (end, end))
        ]
        return np.array(offsets, dtype=np.int64).reshape(-1, 2)

    def spans(self, text):
        """Return (start, end, words) of each sentence, with (start, end) of each word.

        All offsets count from the start of `text`.
        """
        return [
            (start, end, [(start + first, start + last) for first, last in words])
            for start, end, words in self._read_sentences(text, self._finder.spans)
        ]

    def split(self, texts):
        """Yield the list of words of each sentence that is read."""
        for text in texts:
            yield from self._read(text)

    def _read(self, text):
        fold = str.lower if self.lowercase else str
        for _, _, words in self._read_sentences(text, self._finder.words):
            yield list(map(fold, words))

    def _read_sentences(self, text, find):
        """Yield start, end and the results of `find` for each sentence that is read."""
        found = (
            (start, end, find(text[start:end])[: self.max_sentence_length])
            for start, end in find_sentences(
                text, self._punkt, split_scripts=self.split_scripts
            )
        )
        # A sentence can have no words: Punkt's patterns differ from ours in a few
        # characters of white space.
        return itertools.islice((item for item in found if item[2]), self.max_sentences)

    @property
    def _finder(self):
        if self.tokenizer is not None:
            return CallableFinder(self.tokenizer)
        return _SPLIT_FINDER if self.split_scripts else _PLAIN_FINDER

    def _set_boundaries(self, boundaries):
        self._boundaries = boundaries
        self._punkt = make_punkt(boundaries)

    def _set_words(self, words):
        self.words = words
        self._ids = dict(zip(words, itertools.count(_FIRST_WORD)))
        return self

    def __getstate__(self):
        derived = ("_ids", "_punkt")
        state = vars(self).items()
        return {name: value for name, value in state if name not in derived}

    def __setstate__(self, state):
        vars(self).update(state)
        self._set_boundaries(self._boundaries)
        self._set_words(self.words)
