"""Exact counts of the most frequent n-grams, with little memory."""

import sys
from collections.abc import Callable, Collection
from typing import Literal, Self

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..encoding._characters import CharacterIndex, index_characters, iter_characters
from ..encoding._tokenize import check_splitting, index_words, iter_word_ids
from ..encoding._vocabulary import END, VocabularyIndex
from ..utils._fit import unchanged_on_error
from ..utils._param_validation import Count, check_params, hyperparameters
from ..utils.validation import TextInputMixin, check_texts
from ._counts import make_counts
from ._ngram_selection import (
    UNKNOWN,
    count_candidates,
    drop_unfollowed,
    make_keys,
    select_frequent,
)

__all__ = ["NGramVectorizer"]


@hyperparameters
class NGramVectorizer(
    TextInputMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Vectorizer that counts the most frequent n-grams of words or characters.

    The vocabulary contains the n-grams of `min_n` to `max_n` successive words with the
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
        Number of words, or characters, in the longest n-grams; 1 counts single words.
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
    analyzer : {"word", "char"}, default="word"
        Unit of the n-grams. "char" counts characters, white space included; a run of
        two or more characters of white space becomes one space, as in
        `CountVectorizer`. Then `token_pattern` and `tokenizer` must be None.
    min_n : int, default=1
        Number of words, or characters, in the shortest n-grams; at most `max_n`.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Column of each n-gram, with its words joined by one space. Characters are joined
        without one. Computed on access.

    See Also
    --------
    sklearn.feature_extraction.text.CountVectorizer : Supports stop words and
        limits on document frequency.
    sklearn.feature_extraction.text.HashingVectorizer : Needs no vocabulary.

    Notes
    -----
    By default each letter of the scripts Han, Hiragana, Katakana, Thai, Lao, Khmer and
    Myanmar is a word, together with the vowel signs and tone marks that follow it and
    the letters written below it. Digits of these scripts form runs. The pattern
    ``r"\\w+|[^\\w\\s]"`` splits texts alike except for these scripts.

    An n-gram is stored as one int64, which combines the column of its first n - 1
    words with the column of its last word. A character takes the place of a word if
    ``analyzer="char"``. N-grams of fewer than `min_n` words are stored as well, because
    longer ones begin with them.

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
    analyzer: Literal["word", "char"] = "word"
    min_n: Count = 1

    # Number of stored n-grams of fewer than `min_n` words: they have no column.
    _n_short = 0
    # Whether the fitted n-grams are of characters.
    _of_characters = False

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
            one dimension or contains a missing value, or if no text contains an n-gram.
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
        iter_ids = iter_characters if self._of_characters else iter_word_ids
        chunks = iter_ids(texts, self._columns, **self._splitting)
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
            N-grams, with their words joined by one space, or characters by none.
        """
        check_is_fitted(self)
        names, joint = list(self._words), "" if self._of_characters else " "
        prefixes, lasts = np.divmod(self._pairs, len(names))
        for prefix, last in zip(prefixes.tolist(), lasts.tolist(), strict=True):
            names.append(f"{names[prefix]}{joint}{names[last]}")
        return np.array(names[self._n_short :], dtype=object)

    @property
    def vocabulary_(self) -> dict[str, int]:
        """Column of each n-gram."""
        names = self.get_feature_names_out()
        return dict(zip(names.tolist(), range(len(names)), strict=True))

    def _learn_vocabulary(self, X):
        """Set the vocabulary; return an iterator over chunks for `_to_counts`."""
        check_params(self)
        texts = check_texts(X, required_by=type(self).__name__)
        min_n, max_n = int(self.min_n), int(self.max_n)
        if min_n > max_n:
            raise ValueError(
                "The 'min_n' parameter of NGramVectorizer must be at most 'max_n'. Got "
                f"min_n={min_n} and max_n={max_n} instead."
            )
        index, splitting = self._check_splitting()
        words, chunks = index(texts, **splitting)
        max_features = int(min(self.max_features or sys.maxsize, sys.maxsize))
        chunk_ends = np.cumsum([len(chunk) for chunk in chunks])
        ids = np.concatenate(chunks)
        del chunks  # a second copy of `ids`
        longest, pairs, counts, n_short = count_candidates(
            ids, len(words), max_features, min_n, max_n
        )
        if len(counts) == n_short:
            raise ValueError(self._describe_empty())
        with unchanged_on_error(self):
            columns, self._pairs = select_frequent(
                pairs, counts, len(words), max_features, n_short
            )
            self._splitting, self._n_short = splitting, n_short
            self._of_characters = self.analyzer == "char"
            selected = np.flatnonzero(columns[: len(words)] >= 0)
            self._set_words([words[index] for index in selected])
        return (columns[chunk] for chunk in np.split(longest, chunk_ends[:-1]))

    def _check_splitting(self):
        """Return the function that finds the ids of words, and its arguments."""
        lowercase = {"lowercase": bool(self.lowercase)}
        patterns = {"token_pattern": self.token_pattern, "tokenizer": self.tokenizer}
        if self.analyzer == "word":
            check_splitting(**patterns)
            return index_words, lowercase | patterns
        for name, value in patterns.items():
            if value is not None:
                raise ValueError(
                    f"The {name!r} parameter of NGramVectorizer must be None for "
                    f"analyzer='char', which finds no words. Got {value!r} instead."
                )
        return index_characters, lowercase

    def _describe_empty(self):
        if self.analyzer == "char":
            return (
                "empty vocabulary: no training text has as many characters as "
                f"min_n={self.min_n}."
            )
        least = "a word" if self.min_n == 1 else f"{self.min_n} words (min_n)"
        return (
            f"empty vocabulary: no training text contains {least}. Words are defined "
            f"by token_pattern={self.token_pattern!r} and tokenizer={self.tokenizer!r}."
        )

    def _set_words(self, words):
        self._words = words
        index = CharacterIndex if self._of_characters else VocabularyIndex
        self._columns = index(words, unknown=UNKNOWN)

    def _find_longest(self, ids):
        """Return the column of the longest known n-gram that starts at each position.

        Positions without one hold `END` or `UNKNOWN`, as `ids` does.
        """
        longest, n_words = ids.copy(), len(self._words)
        starts, n = np.flatnonzero(ids >= 0), 0
        while len(starts) and len(self._pairs):
            n += 1
            starts = drop_unfollowed(starts)
            keys = make_keys(longest[starts], ids[starts + n], n_words)
            order = np.argsort(keys)  # binary search is much faster in sorted order
            found = np.empty_like(keys)
            found[order] = np.searchsorted(self._pairs, keys[order])
            known = self._pairs.take(found, mode="clip") == keys
            starts = starts[known]
            longest[starts] = n_words + found[known]
        return longest

    def _to_counts(self, chunks):
        """Count all n-grams, given the longest one that starts at each position."""
        n_features = len(self._words) + len(self._pairs) - self._n_short
        return make_counts(map(self._find_prefixes, chunks), n_features)

    def _find_prefixes(self, longest):
        """Return the rows and columns of all n-grams, and the number of rows.

        The other n-grams that start at a position are the prefixes of the longest one.
        """
        n_words, n_short = len(self._words), self._n_short
        rows = np.cumsum(longest == END)
        n_rows, known = rows[-1], longest >= n_short
        longest, rows = longest[known], rows[known]
        found = [(rows, longest - n_short)]
        while len(rows):
            # A table of all prefixes would take longer than a short text does.
            longer = np.flatnonzero(longest >= n_words)
            longest = self._pairs[longest[longer] - n_words] // n_words
            known = longest >= n_short
            longest, rows = longest[known], rows[longer[known]]
            found.append((rows, longest - n_short))
        rows, columns = map(np.concatenate, zip(*found, strict=True))
        return rows, columns, n_rows

    def __getstate__(self):
        state = super().__getstate__().items()
        return {name: value for name, value in state if name != "_columns"}

    def __setstate__(self, state):
        super().__setstate__(state)
        if "_words" in state:
            self._set_words(state["_words"])

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_pairs")
