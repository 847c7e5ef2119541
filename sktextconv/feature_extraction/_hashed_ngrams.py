"""Counts of hashed n-grams, without a vocabulary."""

import zlib
from collections.abc import Callable, Collection
from typing import Annotated, Self

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin

from ..encoding._tokenize import check_splitting, iter_word_ids
from ..encoding._vocabulary import END, VocabularyIndex
from ..utils._param_validation import Count, Range, check_params, hyperparameters
from ..utils.validation import TextInputMixin, check_texts
from ._counts import make_counts

__all__ = ["Columns", "HashedNGramVectorizer"]

# Arrays with a number for each column and class have to fit into memory.
Columns = Annotated[int, Range(1, 2**25, closed="both")]

# Bound the memory of a step; the result does not depend on them.
_TEXTS_PER_CHUNK = 4096
_MAX_WORDS = 2**16
# Odd multipliers: of the words before the last one, and of the sum, whose upper bits
# depend on all bits of the words.
_NEXT = np.uint64(0xD6E8FEB86659FD93)
_MIX = np.uint64(0x9E3779B97F4A7C15)


@hyperparameters
class HashedNGramVectorizer(
    TextInputMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Vectorizer that counts n-grams of words by their hashes.

    It has no vocabulary and learns nothing, so that its memory does not grow with the
    number of texts, and texts can be transformed in parts [1]_. N-grams with the same
    hash share a column.

    Parameters
    ----------
    n_features : int, default=2_097_152
        Number of columns; at most 2**25.
    max_n : int, default=2
        Number of words in the longest n-grams; 1 counts single words.
    lowercase : bool, default=True
        Whether to lowercase texts first, with ``str.lower``.
    token_pattern : str or None, default=None
        Regular expression of a word, as for `NGramVectorizer`.
    tokenizer : callable or None, default=None
        Function from a text, lower-cased if `lowercase`, to the list of its words,
        instead of `token_pattern`.

    See Also
    --------
    NGramVectorizer : Selects the most frequent n-grams, and knows their names.
    sklearn.feature_extraction.text.HashingVectorizer : Also hashes characters.

    Notes
    -----
    Texts are split into words as by `NGramVectorizer`, thousands at a time. Columns are
    the same on all machines.

    References
    ----------
    .. [1] K. Weinberger, A. Dasgupta, J. Langford, A. Smola and J. Attenberg, "Feature
       Hashing for Large Scale Multitask Learning", ICML 2009.
       https://arxiv.org/abs/0902.2206

    Examples
    --------
    >>> from sktextconv.feature_extraction import HashedNGramVectorizer
    >>> counts = HashedNGramVectorizer().transform(["so so good", "", "good"])
    >>> counts.shape, counts.sum(axis=1).ravel().tolist()
    ((3, 2097152), [[5.0, 0.0, 1.0]])
    """

    n_features: Columns = 2**21
    max_n: Count = 2
    lowercase: bool = True
    token_pattern: str | None = None
    tokenizer: Callable | None = None

    def fit(self, X: Collection[str], y: object = None) -> Self:
        """Check the parameters and texts; nothing is learned.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
        y : None
            Ignored.

        Returns
        -------
        self : HashedNGramVectorizer

        Raises
        ------
        ValueError
            If a parameter is invalid, or if `X` is a single text, is empty, has more
            than one dimension or contains a missing value.
        TypeError
            If `X` is not a sequence, or a text is not a str.
        """
        self._check(X)
        return self

    def transform(self, X: Collection[str]) -> scipy.sparse.csr_matrix:
        """Return the counts of the n-grams.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)

        Returns
        -------
        counts : csr_matrix of float32 of shape (n_samples, n_features)
            With sorted indices.

        Raises
        ------
        ValueError, TypeError
            As by `fit`.
        """
        texts = self._check(X)
        return make_counts(self._find_columns(texts), int(self.n_features))

    def _check(self, X):
        check_params(self)
        check_splitting(self.token_pattern, self.tokenizer)
        return check_texts(X, required_by=type(self).__name__)

    def _find_columns(self, texts):
        """Yield rows and columns of the n-grams of some texts, and their number."""
        splitting = {
            "lowercase": bool(self.lowercase),
            "token_pattern": self.token_pattern,
            "tokenizer": self.tokenizer,
        }
        index, hashes = VocabularyIndex(), np.empty(0, dtype=np.uint64)
        for start in range(0, len(texts), _TEXTS_PER_CHUNK):
            if len(hashes) > _MAX_WORDS:
                index, hashes = VocabularyIndex(), hashes[:0]
            chunk = texts[start : start + _TEXTS_PER_CHUNK]
            ids = np.concatenate(list(iter_word_ids(chunk, index, **splitting)))
            new = index.words[len(hashes) :]
            hashes = np.concatenate([hashes, _hash_words(new)])
            yield (*self._find_ngrams(ids, hashes), len(chunk))

    def _find_ngrams(self, ids, hashes):
        """Return the rows and columns of the n-grams of words with these hashes."""
        rows = np.cumsum(ids == END)
        starts = np.flatnonzero(ids != END)
        ngrams, found = hashes[ids[starts]], []
        for n in range(1, int(self.max_n) + 1):
            found.append((rows[starts], self._to_columns(ngrams)))
            longer = ids[starts + n] != END
            starts = starts[longer]
            if not len(starts):
                break
            ngrams = ngrams[longer] * _NEXT + hashes[ids[starts + n]]
        return map(np.concatenate, zip(*found, strict=True))

    def _to_columns(self, ngrams):
        """Return columns by the upper half of the mixed hashes."""
        upper = (ngrams * _MIX) >> np.uint64(32)
        return ((upper * np.uint64(self.n_features)) >> np.uint64(32)).view(np.int64)

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def _hash_words(words):
    hashes = (zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words)
    return np.fromiter(hashes, np.uint64, len(words))
