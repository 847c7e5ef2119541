"""Exact counts of the most frequent word n-grams, with little memory."""

import itertools
import sys
from collections.abc import Callable, Collection
from typing import Self

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..encoding._tokenize import check_splitting, index_words, iter_word_ids
from ..encoding._vocabulary import END, VocabularyIndex
from ..utils._param_validation import Count, check_params, hyperparameters
from ..utils.validation import check_texts

__all__ = ["NGramVectorizer"]

# Id of a word outside the vocabulary. In an array of word ids, `END` follows the last
# word of each text, so that no n-gram crosses into the next one.
_UNKNOWN = -2

# These limits bound the memory of a step; the result does not depend on them.
_PAIRS_PER_PASS = 2**21
_MAX_PASSES = 32  # each pass reads all positions


@hyperparameters
class NGramVectorizer(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Vectorizer that counts the most frequent word n-grams.

    The vocabulary contains the n-grams of 1 to `max_n` successive words with the
    highest total counts in the training texts. The counts equal those of scikit-learn's
    `CountVectorizer`, in a small fraction of its time and memory, which limit the
    size of a corpus when n-grams are long.

    Parameters
    ----------
    max_features : int or None, default=500_000
        Number of n-grams in the vocabulary. Among n-grams with equal counts the
        shorter are preferred, then those first in alphabetical order, in which their
        words are compared one by one as str. None takes all.
    max_n : int, default=5
        Number of words in the longest n-grams; 1 counts single words.
    lowercase : bool, default=True
        Whether to lowercase texts first, with ``str.lower``.
    token_pattern : str or None, default=None
        Regular expression of a word. If the pattern has a group, the group is the word;
        more than one group is an error. With None a word is a run of letters, digits
        and underscores, a punctuation mark, or a character of a script without spaces;
        see the Notes.
    tokenizer : callable or None, default=None
        Function from a text, lower-cased if `lowercase`, to the list of its words,
        instead of `token_pattern`, as in `CountVectorizer`.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Column of each n-gram, with its words joined by one space. Computed on access.

    See Also
    --------
    sklearn.feature_extraction.text.CountVectorizer : Supports stop words, limits on
        document frequency and character n-grams.
    sklearn.feature_extraction.text.HashingVectorizer : Needs no vocabulary.

    Notes
    -----
    By default each letter of the scripts Han, Hiragana, Katakana, Thai, Lao, Khmer and
    Myanmar is a word, together with the vowel signs and tone marks that follow it and
    the letters written below it. Digits of these scripts form runs. The pattern
    ``r"\\w+|[^\\w\\s]"`` splits texts alike except for these scripts.

    An n-gram is stored as one int64, which combines the column of its first n - 1
    words with the column of its last word.

    An n-gram is never more frequent than the n-grams it contains, and shorter n-grams
    are preferred at equal counts. Once `max_features` n-grams are known, a longer one
    and each n-gram in it must therefore occur more often than the least frequent of
    them. All others are pruned before they are counted [2]_, which does not change
    the result.

    `CountVectorizer` orders columns alphabetically, whatever the length of the
    n-grams, breaks ties arbitrarily and, with its default `token_pattern`, drops words
    of one letter.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level Convolutional Networks
       for Text Classification", NIPS 2015, section 3.1.
       https://arxiv.org/abs/1509.01626
    .. [2] R. Agrawal and R. Srikant, "Fast Algorithms for Mining Association Rules",
       VLDB 1994. https://www.vldb.org/conf/1994/P487.PDF

    Examples
    --------
    >>> from sktextconv.feature_extraction import NGramVectorizer
    >>> vectorizer = NGramVectorizer(max_features=5, max_n=2)
    >>> counts = vectorizer.fit_transform(["so so good", "so good", "not good"])
    >>> vectorizer.get_feature_names_out()
    array(['good', 'not', 'so', 'not good', 'so good'], dtype=object)
    >>> counts.toarray()
    array([[1., 0., 2., 0., 1.],
           [1., 0., 1., 0., 1.],
           [1., 1., 0., 1., 0.]], dtype=float32)
    """

    max_features: Count | None = 500_000
    max_n: Count = 5
    lowercase: bool = True
    token_pattern: str | None = None
    tokenizer: Callable | None = None

    def fit(self, X: Collection[str], y: object = None) -> Self:
        """Learn the vocabulary.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            The training texts.
        y : None
            Ignored.

        Returns
        -------
        self : NGramVectorizer

        Raises
        ------
        ValueError
            If a parameter is invalid, if `X` is a single text, is empty, has more than
            one dimension or contains a missing value, or if no text contains a word.
        TypeError
            If `X` is not a sequence, a text is not a str, or `tokenizer` does not
            return a list of str.
        """
        self._learn_vocabulary(X)
        return self

    def fit_transform(
        self, X: Collection[str], y: object = None
    ) -> scipy.sparse.csr_matrix:
        """Learn the vocabulary and return the counts of the training texts.

        The result equals that of ``fit(X).transform(X)``, but each text is tokenized
        only once.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            The training texts.
        y : None
            Ignored.

        Returns
        -------
        counts : csr_matrix of float32 of shape (n_samples, n_features)
            With sorted indices.
        """
        return self._to_counts(self._learn_vocabulary(X))

    def transform(self, X: Collection[str]) -> scipy.sparse.csr_matrix:
        """Return the counts of the n-grams in the vocabulary.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)

        Returns
        -------
        counts : csr_matrix of float32 of shape (n_samples, n_features)
            With sorted indices.
        """
        check_is_fitted(self)
        texts = check_texts(X, required_by=type(self).__name__)
        chunks = iter_word_ids(texts, self._columns, **self._splitting)
        return self._to_counts(map(self._find_longest, chunks))

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Return the n-grams in column order: by length, then alphabetically.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of object of shape (n_features,)
            N-grams, with their words joined by one space.
        """
        check_is_fitted(self)
        names = list(self._words)
        prefixes, lasts = np.divmod(self._pairs, len(names))
        for prefix, last in zip(prefixes.tolist(), lasts.tolist(), strict=True):
            names.append(f"{names[prefix]} {names[last]}")
        return np.array(names, dtype=object)

    @property
    def vocabulary_(self) -> dict[str, int]:
        """Column of each n-gram."""
        names = self.get_feature_names_out()
        return dict(zip(names.tolist(), range(len(names)), strict=True))

    def _learn_vocabulary(self, X):
        """Set the vocabulary; return an iterator over chunks for `_to_counts`."""
        check_params(self)
        texts = check_texts(X, required_by=type(self).__name__)
        check_splitting(self.token_pattern, self.tokenizer)
        splitting = {
            "lowercase": bool(self.lowercase),
            "token_pattern": self.token_pattern,
            "tokenizer": self.tokenizer,
        }
        words, chunks = index_words(texts, **splitting)
        if not words:
            raise ValueError(
                "empty vocabulary: no training text contains a word. Words are defined "
                f"by token_pattern={self.token_pattern!r} and "
                f"tokenizer={self.tokenizer!r}."
            )
        max_features = int(min(self.max_features or sys.maxsize, sys.maxsize))
        chunk_ends = np.cumsum([len(chunk) for chunk in chunks])
        ids = np.concatenate(chunks)
        del chunks  # a second copy of `ids`
        longest, pairs, counts = _count_candidates(
            ids, len(words), max_features, int(self.max_n)
        )
        columns, self._pairs = _select(pairs, counts, len(words), max_features)
        self._splitting = splitting
        selected = np.flatnonzero(columns[: len(words)] >= 0)
        self._set_words([words[index] for index in selected])
        return (columns[chunk] for chunk in np.split(longest, chunk_ends[:-1]))

    def _set_words(self, words):
        self._words = words
        self._columns = VocabularyIndex(words, unknown=_UNKNOWN)

    def _find_longest(self, ids):
        """Return the column of the longest known n-gram that starts at each position.

        Positions without one hold `END` or `_UNKNOWN`, as `ids` does.
        """
        longest, n_words = ids.copy(), len(self._words)
        starts, n = np.flatnonzero(ids >= 0), 0
        while len(starts) and len(self._pairs):
            n += 1
            starts = _drop_unfollowed(starts)
            keys = _make_keys(longest[starts], ids[starts + n], n_words)
            order = np.argsort(keys)  # binary search is much faster in sorted order
            found = np.empty_like(keys)
            found[order] = np.searchsorted(self._pairs, keys[order])
            known = self._pairs.take(found, mode="clip") == keys
            starts = starts[known]
            longest[starts] = n_words + found[known]
        return longest

    def _to_counts(self, chunks):
        """Count all n-grams, given the longest one that starts at each position.

        The other n-grams that start at a position are the prefixes of the longest one.
        """
        n_words = len(self._words)
        n_features = n_words + len(self._pairs)
        data, indices, row_sizes = [], [], []
        for longest in chunks:
            rows = np.cumsum(longest == END)
            n_rows, known = rows[-1], longest >= 0
            longest, rows = longest[known], rows[known]
            keys = [_make_keys(rows, longest, n_features)]
            while len(rows):
                # A table of all prefixes would take longer than a short text does.
                longer = longest >= n_words
                longest = self._pairs[longest[longer] - n_words] // n_words
                rows = rows[longer]
                keys.append(_make_keys(rows, longest, n_features))
            keys = np.sort(np.concatenate(keys))
            first, counts = _find_runs(keys)
            rows, columns = np.divmod(keys[first], n_features)
            row_sizes.append(np.bincount(rows, minlength=n_rows))
            indices.append(columns.astype(np.int32))
            data.append(counts.astype(np.float32))
        indptr = np.concatenate([[0], np.cumsum(np.concatenate(row_sizes))])
        # The lists are concatenated in turn, so that only one of them exists twice.
        indices = np.concatenate(indices)
        data = np.concatenate(data)
        shape = (len(indptr) - 1, n_features)
        counts = scipy.sparse.csr_matrix((data, indices, indptr), shape=shape)
        counts.has_canonical_format = True
        return counts

    def __getstate__(self):
        state = super().__getstate__().items()
        return {name: value for name, value in state if name != "_columns"}

    def __setstate__(self, state):
        super().__setstate__(state)
        if "_words" in state:
            self._set_words(state["_words"])

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_pairs")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags


def _count_candidates(ids, n_words, max_features, max_n):
    """Count the n-grams that may belong to the vocabulary.

    Parameters
    ----------
    ids : ndarray of int32 of shape (n_positions,)
        Word ids in alphabetical order, with `END` after each text.
    n_words : int
        Number of distinct words.
    max_features : int
        Size of the vocabulary.
    max_n : int
        Number of words in the longest n-grams.

    Returns
    -------
    longest : ndarray of int of shape (n_positions,)
        Id of the longest candidate that starts at each position, or `END`.
    pairs : ndarray of int64 of shape (n_candidates - n_words,)
        Keys of the candidates of two and more words, in ascending order. The first
        has the id `n_words`.
    counts : ndarray of int64 of shape (n_candidates,)
        Total count of each candidate, single words first.
    """
    # Memory peaks here: the integer types are narrow and arrays are freed early.
    counts = np.bincount(ids[ids >= 0], minlength=n_words)
    longest = ids.astype(np.min_scalar_type(-len(ids) * min(max_n, len(ids))))
    starts = np.flatnonzero(ids >= 0).astype(longest.dtype)
    pairs = np.empty(0, dtype=np.int64)
    for n in range(1, max_n):
        threshold = _count_threshold(counts, max_features)
        starts = starts[(counts > threshold)[longest[starts]]]
        starts = _drop_unfollowed(starts)
        n_shorter, n_known = len(counts), len(counts)
        parts = [(pairs, counts)]
        for positions in map(starts.take, _split_by_prefix(longest[starts])):
            keys = _make_keys(longest[positions], ids[positions + n], n_words)
            order = np.argsort(keys)
            keys, positions = keys[order], positions[order]
            first, sizes = _find_runs(keys)
            frequent = sizes > threshold
            positions = positions[np.repeat(frequent, sizes)]
            first, sizes = first[frequent], sizes[frequent]
            new_ids = np.arange(n_known, n_known + len(sizes))
            longest[positions] = np.repeat(new_ids, sizes)
            n_known += len(sizes)
            parts.append((keys[first], sizes))
        pairs, counts = map(np.concatenate, zip(*parts, strict=True))
        starts = starts[longest[starts] >= n_shorter]
        if not len(starts):
            break
    return longest, pairs, counts


def _select(pairs, counts, n_words, max_features):
    """Select the most frequent candidates.

    Returns
    -------
    columns : ndarray of int32 of shape (n_candidates + 1,)
        Column of each selected candidate. Any other has that of its longest selected
        prefix, or `_UNKNOWN`. The last entry is `END`, so that the index `END`, which
        is -1, maps to itself.
    pairs : ndarray of int64 of shape (n_features - n_selected_words,)
        Column of the first n - 1 words times `n_selected_words`, plus the column of
        the last word.
    """
    threshold = _count_threshold(counts, max_features)
    selected = counts > threshold
    ties = np.flatnonzero(counts == threshold)
    selected[ties[: max_features - np.count_nonzero(selected)]] = True
    columns = np.full(len(counts) + 1, _UNKNOWN, dtype=np.int32)
    columns[-1] = END
    columns[:-1][selected] = np.arange(np.count_nonzero(selected))

    # Each n-gram inside a selected one is selected: its pair can be renumbered.
    prefixes, lasts = np.divmod(pairs, n_words)
    dropped = np.flatnonzero(~selected[n_words:])
    stems = prefixes[dropped]
    while len(longer := np.flatnonzero((stems >= n_words) & ~selected[stems])):
        stems[longer] = prefixes[stems[longer] - n_words]
    columns[n_words + dropped] = columns[stems]
    prefixes, lasts = prefixes[selected[n_words:]], lasts[selected[n_words:]]
    n_selected_words = np.count_nonzero(selected[:n_words])
    return columns, _make_keys(columns[prefixes], columns[lasts], n_selected_words)


def _count_threshold(counts, max_features):
    """Return the count that a longer n-gram must exceed to enter the vocabulary."""
    if len(counts) < max_features:
        return 0
    return np.partition(counts, -max_features)[-max_features]


def _drop_unfollowed(starts):
    """Return the positions in `starts`, sorted, whose next position is in it, too."""
    return starts[:-1][np.diff(starts) == 1]


def _split_by_prefix(prefixes):
    """Yield the indices of all pairs in batches, by ascending prefix.

    Equal pairs are in one batch, so that each batch can be counted alone.
    """
    sizes = np.bincount(prefixes)
    per_pass = max(_PAIRS_PER_PASS, len(prefixes) // _MAX_PASSES)
    passes = np.cumsum(sizes) // per_pass
    lows = np.flatnonzero(np.diff(passes, prepend=-1))
    for low, high in itertools.pairwise([*lows, len(sizes)]):
        yield np.flatnonzero((prefixes >= low) & (prefixes < high))


def _make_keys(prefixes, lasts, n_lasts):
    """Return each pair as one int64, which sorts by prefix, then by last word."""
    return prefixes * np.int64(n_lasts) + lasts


def _find_runs(keys):
    """Return the first index and the length of each run of equal, sorted `keys`."""
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    return first, np.diff(first, append=len(keys))
