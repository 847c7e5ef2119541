"""Class probabilities of windows of a text, from the n-grams of the other texts."""

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from ._ngrams import find_ngrams, find_presence, limit_size, sample_rows

__all__ = ["WindowTargets", "Windows"]

# A short word or a word stem.
_NGRAM_SIZE = 5
# Texts of each class, on average, that are added to the counts of an n-gram.
_SMOOTHING = 0.5
# The n-grams at neighboring positions overlap and are far from independent: with an
# exponent of 1, nearly all probabilities would be 0 or 1.
_EXPONENT = 0.3
# Limits of memory: ids whose n-grams are counted, counts, probabilities, and scores of
# ids that are computed together.
_MAX_IDS = 2**24
_MAX_COUNTS = 2**25
_MAX_PROBABILITIES = 2**26
_MAX_SCORES = 2**22


class Windows(NamedTuple):
    """Windows of a network: the ids that each of its last positions sees.

    Attributes
    ----------
    first : int
        First id of the first window; negative if it begins before the text.
    size : int
        Ids in a window.
    stride : int
        Ids from the start of one window to that of the next.
    max_windows : int
        Positions of the network.
    """

    first: int
    size: int
    stride: int
    max_windows: int

    def count(self, lengths):
        """Return the number of windows that begin at an id of each text."""
        return np.minimum(-(-lengths // self.stride), self.max_windows)


class WindowTargets:
    """Function from encoded texts to the class probabilities of their windows.

    Naive Bayes [1]_ over the n-grams of a window, which occur in a text or do not. A
    text is left out of the counts from which the probabilities of its own windows are
    computed, so that they tell what the other texts say about its n-grams. An n-gram
    that no other text has says nothing.

    If there are many texts, a random sample of them is counted, and only its texts have
    windows.

    Parameters
    ----------
    encoded : Ragged
        Ids of the training texts.
    targets : ndarray of int of shape (n_samples,)
        Encoded label of each text.
    weights : ndarray of float of shape (n_samples,)
        Weight of each text.
    n_tokens : int
        Number of ids.
    n_classes : int
    windows : Windows

    References
    ----------
    .. [1] S. Wang and C. Manning, "Baselines and Bigrams: Simple, Good Sentiment and
       Topic Classification", ACL 2012. https://aclanthology.org/P12-2018
    """

    def __init__(self, encoded, targets, weights, *, n_tokens, n_classes, windows):
        self.windows = windows
        self.n_tokens = n_tokens
        self._n = limit_size(_NGRAM_SIZE, n_tokens)
        self._targets, self._weights = targets, weights
        max_ids = min(_MAX_IDS, _MAX_PROBABILITIES // n_classes * windows.stride)
        # A seed of its own: with and without windows, training draws the same numbers.
        self._rows = sample_rows(encoded, max_ids, seed=0)
        mass = np.bincount(
            targets[self._rows], weights[self._rows], minlength=n_classes
        )
        # A class without texts in a call of `partial_fit` must not have a mass of 0.
        self._class_weights = np.maximum(mass, 1e-6 * mass.sum())
        self._count(encoded)

    def _count(self, encoded):
        """Find the n-grams of two texts or more, and the weight of each class.

        If they are too many, those of most texts.
        """
        rows, columns, ngrams = find_presence(
            encoded, self._rows, n_tokens=self.n_tokens, n=self._n
        )
        n_classes = len(self._class_weights)
        n_texts = np.bincount(columns, minlength=len(ngrams))
        selected = np.zeros(len(ngrams), dtype=bool)
        selected[np.argsort(-n_texts, kind="stable")[: _MAX_COUNTS // n_classes]] = True
        selected &= n_texts > 1
        numbers = selected.cumsum() - 1
        rows, columns = rows[selected[columns]], columns[selected[columns]]
        self._ngrams = ngrams[selected]
        self._counts = np.bincount(
            numbers[columns] * n_classes + self._targets[rows],
            self._weights[rows],
            minlength=len(self._ngrams) * n_classes,
        ).reshape(-1, n_classes)

    def __call__(self, encoded):
        """Return the probabilities of the windows of all training texts.

        Parameters
        ----------
        encoded : Ragged
            Ids of the training texts, or of the same texts after augmentation.

        Returns
        -------
        probabilities : ndarray of float32 of shape (n_windows, n_classes)
            Of the windows of all texts in order.
        offsets : ndarray of int64 of shape (n_samples + 1,)
            The windows of text i are ``offsets[i]`` to ``offsets[i + 1]``.
        """
        lengths = np.diff(encoded.offsets)
        counts = np.zeros(len(lengths), dtype=np.int64)
        counts[self._rows] = self.windows.count(lengths[self._rows])
        offsets = np.concatenate([[0], counts.cumsum()])
        prior = np.log(self._class_weights / self._class_weights.sum())
        steps = lengths[self._rows].cumsum() * len(prior) // _MAX_SCORES
        evidence = [
            self._sum_windows(self._score(encoded, rows), lengths[rows])
            for rows in np.split(self._rows, np.flatnonzero(np.diff(steps)) + 1)
        ]
        logits = _EXPONENT * np.concatenate(evidence) + prior
        return softmax(logits, axis=1).astype(np.float32), offsets

    def _score(self, encoded, rows):
        """Return the log-likelihood of each class at each id of some texts."""
        found, keys = find_ngrams(encoded, rows, n_tokens=self.n_tokens, n=self._n)
        scores = np.zeros((len(keys), len(self._class_weights)))
        if not len(self._ngrams):
            return scores
        columns = np.searchsorted(self._ngrams, keys)
        columns = np.minimum(columns, len(self._ngrams) - 1)
        known = (found >= 0) & (self._ngrams[columns] == keys)
        counts = self._counts[columns[known]]
        totals = np.tile(self._class_weights, (len(counts), 1))
        # Leave the text itself out. Augmentation can give it n-grams of other texts.
        own = np.arange(len(counts)), self._targets[found[known]]
        weights = self._weights[found[known]]
        counts[own] = np.maximum(counts[own] - weights, 0)
        totals[own] = np.maximum(totals[own] - weights, 0)
        fractions = self._class_weights / self._class_weights.sum()
        added = _SMOOTHING * len(fractions) * fractions
        scores[known] = np.log((counts + added) / (totals + 2 * added))
        return scores

    def _sum_windows(self, scores, lengths):
        """Return the sums of the scores of the n-grams in each window of some texts."""
        sums = np.concatenate([np.zeros((1, scores.shape[1])), scores.cumsum(0)])
        ends = lengths.cumsum()
        counts = self.windows.count(lengths)
        numbers = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
        begin, end = np.repeat(ends - lengths, counts), np.repeat(ends, counts)
        first = begin + self.windows.first + numbers * self.windows.stride
        # The last n-gram must end within the window.
        last = np.clip(first + self.windows.size - self._n + 1, begin, end)
        return sums[last] - sums[np.clip(first, begin, end)]
