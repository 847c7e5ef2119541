"""Texts to counts of their most frequent word n-grams, exactly and in little memory."""

import itertools
import sys

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..encoding._tokenize import TOKEN_PATTERN, check_pattern, index_words, read_words
from ..encoding._vocabulary import END, Numbering
from ..utils._param_validation import Count, check_params, hyperparameters
from ..utils.validation import check_texts

__all__ = ["NGramVectorizer"]

# Where a word of no column stands in a chain of words. `END` stands there after the
# last word of each document, so that no n-gram crosses it.
_UNKNOWN = -2

# Bound the memory of a step; the result does not depend on them.
_PAIRS_PER_PASS = 2**21
_MOST_PASSES = 32  # each reads all places


@hyperparameters
class NGramVectorizer(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Count the most frequent word n-grams of texts.

    The vocabulary holds the n-grams of 1 to `max_n` successive words that are the
    most frequent in the training texts by total count. Counts equal those of
    scikit-learn's `CountVectorizer`, at a small part of its time and memory, which
    for long n-grams are what limits the size of a corpus.

    Parameters
    ----------
    max_features : int or None, default=500_000
        N-grams kept. Of those equally frequent at the cut-off the shorter come
        first, then the alphabetical order of their words, compared one by one as
        str. None keeps all.
    max_n : int, default=5
        Words in the longest n-grams; 1 counts single words.
    lowercase : bool, default=True
        Whether texts are lower-cased first, by ``str.lower``.
    token_pattern : str, default=r"\\w+|[^\\w\\s]"
        Regular expression of a word; by default, each mark of punctuation is one too.
        A group in it, at most one, is the word.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Column of each n-gram, its words joined by one space; made when asked for.

    See Also
    --------
    sklearn.feature_extraction.text.CountVectorizer : Stop words, document
        frequencies, n-grams of characters.
    sklearn.feature_extraction.text.HashingVectorizer : No vocabulary at all.

    Notes
    -----
    An n-gram is stored as a pair of its first n - 1 words, by their column, and its
    last word: one int64.

    No n-gram is more frequent than the n-grams inside it, and a shorter one wins a
    tie. So, once `max_features` n-grams are known, a longer one must occur more often
    than the least frequent of them, and so must each part of it: all others are left
    out before they are counted, without changing the result.

    `CountVectorizer` orders columns by the alphabet alone, breaks ties arbitrarily
    and, by its own `token_pattern`, drops words of one letter.

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
    token_pattern: str = TOKEN_PATTERN

    def fit(self, X, y=None):
        """Learn the vocabulary.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)
            The training texts.
        y : None
            Ignored.

        Returns
        -------
        self : NGramVectorizer

        Raises
        ------
        ValueError
            If a parameter is out of its range, `X` is a single text, has more than
            one dimension, no document or a missing value, or no document has a word.
        TypeError
            If `X` is no sequence, or a document is no str.
        """
        self._learn(X)
        return self

    def fit_transform(self, X, y=None):
        """Learn the vocabulary and return the counts of the training texts.

        Equal to ``fit(X).transform(X)``, but the texts are read once.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)
            The training texts.
        y : None
            Ignored.

        Returns
        -------
        counts : csr_matrix of float32 of shape (n_documents, n_features)
            With sorted indices.
        """
        return self._to_counts(self._learn(X))

    def transform(self, X):
        """Return the counts of the n-grams of the vocabulary.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)

        Returns
        -------
        counts : csr_matrix of float32 of shape (n_documents, n_features)
            With sorted indices.
        """
        check_is_fitted(self)
        texts = check_texts(X, required_by=type(self).__name__)
        chunks = read_words(texts, self._columns, **self._splitting)
        return self._to_counts(map(self._find_longest, chunks))

    def get_feature_names_out(self, input_features=None):
        """Return the n-grams in the order of the columns: by n, then by the alphabet.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of object of shape (n_features,)
            The words of each n-gram, joined by one space.
        """
        check_is_fitted(self)
        names = list(self._words)
        prefixes, lasts = np.divmod(self._pairs, len(names))
        for prefix, last in zip(prefixes.tolist(), lasts.tolist(), strict=True):
            names.append(f"{names[prefix]} {names[last]}")
        return np.array(names, dtype=object)

    @property
    def vocabulary_(self):
        """Column of each n-gram."""
        names = self.get_feature_names_out()
        return dict(zip(names.tolist(), range(len(names)), strict=True))

    def _learn(self, X):
        """Set the vocabulary; yield `longest` of the training texts, in chunks."""
        check_params(self)
        texts = check_texts(X, required_by=type(self).__name__)
        check_pattern(self.token_pattern)
        splitting = {
            "lowercase": bool(self.lowercase),
            "token_pattern": self.token_pattern,
        }
        words, chunks = index_words(texts, **splitting)
        if not words:
            raise ValueError(
                "empty vocabulary: no document has a word that matches "
                f"token_pattern={self.token_pattern!r}."
            )
        max_features = int(min(self.max_features or sys.maxsize, sys.maxsize))
        ends = np.cumsum([len(chunk) for chunk in chunks])
        numbers = np.concatenate(chunks)
        del chunks  # as large as all of `numbers`
        longest, pairs, counts = _count(
            numbers, len(words), max_features, int(self.max_n)
        )
        columns, self._pairs = _select(pairs, counts, len(words), max_features)
        self._splitting = splitting
        kept = [words[number] for number in np.flatnonzero(columns[: len(words)] >= 0)]
        self._set_columns(kept)
        return (columns[chunk] for chunk in np.split(longest, ends[:-1]))

    def _set_columns(self, words):
        self._words = words
        self._columns = Numbering(words, unknown=_UNKNOWN)

    def _find_longest(self, words):
        """Column of the longest known n-gram at each place, or why there is none."""
        longest, n_words = words.copy(), len(self._words)
        starts, n = np.flatnonzero(words >= 0), 0
        while len(starts) and len(self._pairs):
            n += 1
            starts = _followed(starts)
            codes = _pair(longest[starts], words[starts + n], n_words)
            order = np.argsort(codes)  # look-ups in order are many times faster
            at = np.empty_like(codes)
            at[order] = np.searchsorted(self._pairs, codes[order])
            known = self._pairs.take(at, mode="clip") == codes
            starts = starts[known]
            longest[starts] = n_words + at[known]
        return longest

    def _to_counts(self, chunks):
        """Count the n-grams that begin with the same word as a longest one."""
        n_words = len(self._words)
        n_features = n_words + len(self._pairs)
        shorter = np.full(n_features, _UNKNOWN, dtype=np.int32)
        shorter[n_words:] = self._pairs // n_words
        data, indices, sizes = [], [], []
        for longest in chunks:
            rows = np.cumsum(longest == END)
            n_rows, codes = rows[-1], []
            while len(longest):
                known = longest >= 0
                longest, rows = longest[known], rows[known]
                codes.append(_pair(rows, longest, n_features))
                longest = shorter[longest]
            codes = np.sort(np.concatenate(codes))
            first, counts = _groups(codes)
            rows, columns = np.divmod(codes[first], n_features)
            sizes.append(np.bincount(rows, minlength=n_rows))
            indices.append(columns.astype(np.int32))
            data.append(counts.astype(np.float32))
        indptr = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
        # One after the other, so that the parts of both are never held twice.
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
            self._set_columns(state["_words"])

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_pairs")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags


def _count(words, n_words, max_features, max_n):
    """Count the n-grams that may belong to the vocabulary.

    Parameters
    ----------
    words : ndarray of int32 of shape (n_places,)
        Numbers of the words by the alphabet, with `END` after each document.

    Returns
    -------
    longest : ndarray of int of shape (n_places,)
        Number of the longest candidate that begins at each place, or `END`.
    pairs : ndarray of int64 of shape (n_candidates - n_words,)
        Candidates of two words and more, in rising order; the number of the first
        is `n_words`.
    counts : ndarray of int64 of shape (n_candidates,)
        Total count of each candidate, those of one word first.
    """
    # The peak of memory is here: narrow types, and no array longer than it is needed.
    counts = np.bincount(words[words >= 0], minlength=n_words)
    longest = words.astype(np.min_scalar_type(-len(words) * min(max_n, len(words))))
    starts = np.flatnonzero(words >= 0).astype(longest.dtype)
    pairs = np.empty(0, dtype=np.int64)
    for n in range(1, max_n):
        floor = _floor(counts, max_features)
        starts = starts[(counts > floor)[longest[starts]]]
        starts = _followed(starts)
        n_shorter, n_known = len(counts), len(counts)
        parts = [(pairs, counts)]
        for places in _passes(longest[starts]):
            places = starts[places]
            codes = _pair(longest[places], words[places + n], n_words)
            order = np.argsort(codes)
            codes, places = codes[order], places[order]
            first, sizes = _groups(codes)
            kept = sizes > floor
            places = places[np.repeat(kept, sizes)]
            first, sizes = first[kept], sizes[kept]
            numbers = np.arange(n_known, n_known + len(sizes))
            longest[places] = np.repeat(numbers, sizes)
            n_known += len(sizes)
            parts.append((codes[first], sizes))
        pairs, counts = map(np.concatenate, zip(*parts, strict=True))
        starts = starts[longest[starts] >= n_shorter]
        if not len(starts):
            break
    return longest, pairs, counts


def _select(pairs, counts, n_words, max_features):
    """Keep the most frequent candidates.

    Returns
    -------
    columns : ndarray of int32 of shape (n_candidates + 1,)
        Column of each candidate that is kept, and for any other that of the longest
        beginning of it that is kept, or `_UNKNOWN`. The last one is `END`, which
        thus maps to itself.
    pairs : ndarray of int64 of shape (n_features - n_kept_words,)
        Column of the first n - 1 words times `n_kept_words`, plus that of the last.
    """
    floor = _floor(counts, max_features)
    kept = counts > floor
    ties = np.flatnonzero(counts == floor)
    kept[ties[: max_features - np.count_nonzero(kept)]] = True
    columns = np.full(len(counts) + 1, _UNKNOWN, dtype=np.int32)
    columns[-1] = END
    columns[:-1][kept] = np.arange(np.count_nonzero(kept))

    # All parts of an n-gram that is kept are kept, so its pair can be renumbered.
    prefixes, lasts = np.divmod(pairs, n_words)
    dropped = np.flatnonzero(~kept[n_words:])
    stems = prefixes[dropped]
    while len(longer := np.flatnonzero((stems >= n_words) & ~kept[stems])):
        stems[longer] = prefixes[stems[longer] - n_words]
    columns[n_words + dropped] = columns[stems]
    prefixes, lasts = prefixes[kept[n_words:]], lasts[kept[n_words:]]
    n_kept_words = np.count_nonzero(kept[:n_words])
    return columns, _pair(columns[prefixes], columns[lasts], n_kept_words)


def _floor(counts, max_features):
    """The count that any n-gram which ranks after these must exceed."""
    if len(counts) < max_features:
        return 0
    return np.partition(counts, -max_features)[-max_features]


def _followed(starts):
    """The places whose next place is one of `starts` too."""
    return starts[:-1][np.diff(starts) == 1]


def _passes(prefixes):
    """Yield the indices of all pairs, a part of them at a time, by rising prefix."""
    sizes = np.bincount(prefixes)
    passes = np.cumsum(sizes) // max(_PAIRS_PER_PASS, len(prefixes) // _MOST_PASSES)
    lows = np.flatnonzero(np.diff(passes, prepend=-1))
    for low, high in itertools.pairwise([*lows, len(sizes)]):
        yield np.flatnonzero((prefixes >= low) & (prefixes < high))


def _pair(prefixes, lasts, n_lasts):
    """Code each pair as one int64, in the order of prefix and last."""
    return prefixes * np.int64(n_lasts) + lasts


def _groups(codes):
    """First index and size of each run of equal `codes`, which are sorted."""
    first = np.flatnonzero(np.diff(codes, prepend=-1))
    return first, np.diff(first, append=len(codes))
