"""Selection of the n-grams that discriminate best between classes of texts."""

import numpy as np

from ..training._ngrams import find_presence, limit_size, sample_rows

__all__ = ["discriminative_ngrams"]

# Ids to read at most: a sample of a few thousand long texts gives n-grams as good.
_MAX_IDS = 2**21


def discriminative_ngrams(encoded, targets, weights, *, n_tokens, n, n_ngrams, seed):
    """Select n-grams by the chi-squared statistic of their presence and the class.

    Of two n-grams that are shifted by one position, only the better one is selected. An
    n-gram with more than ``n // 2`` ids of padding is skipped.

    Parameters
    ----------
    encoded : Ragged
        Ids of the texts.
    targets : ndarray of int of shape (n_samples,)
        Encoded label of each text.
    weights : ndarray of float of shape (n_samples,)
        Weight of each text.
    n_tokens : int
        Number of ids; 0 is padding.
    n : int
        Ids in an n-gram; fewer if ``n_tokens ** n`` exceeds int64.
    n_ngrams : int
        Maximal number of n-grams.
    seed : int
        Seed of the sample of texts, which is drawn if there are too many ids.

    Returns
    -------
    ngrams : ndarray of int64 of shape (n_selected, n)
        The best first.
    """
    n = limit_size(n, n_tokens)
    sampled = sample_rows(encoded, _MAX_IDS, seed=seed)
    rows, columns, ngrams = find_presence(encoded, sampled, n_tokens=n_tokens, n=n)
    n_classes = targets.max() + 1
    counts = np.array(
        [
            np.bincount(
                columns,
                weights[rows] * (targets[rows] == target),
                minlength=len(ngrams),
            )
            for target in range(n_classes)
        ]
    )
    class_weights = np.bincount(targets[sampled], weights[sampled], minlength=n_classes)
    order = _sort_by_chi_squared(counts, class_weights)
    return _drop_shifted(ngrams[order], n_tokens, n, n_ngrams)


def _sort_by_chi_squared(counts, class_weights):
    """Return the order of the n-grams by descending chi-squared statistic.

    N-grams with a statistic of 0 are left out.

    Parameters
    ----------
    counts : ndarray of float of shape (n_classes, n_ngrams)
        Weight of the texts of each class that contain each n-gram.
    class_weights : ndarray of float of shape (n_classes,)
    """
    fractions = (class_weights / class_weights.sum())[:, None]
    totals = counts.sum(0)
    expected = fractions * totals
    deviations = np.where(fractions > 0, (counts - expected) ** 2, 0.0)
    absent = np.maximum(1 - totals / class_weights.sum(), np.finfo(float).eps)
    statistic = (deviations / np.where(fractions > 0, expected, 1.0)).sum(0) / absent
    # Independent of the unit of the weights. Rounding makes values equal that differ by
    # floating-point error alone.
    statistic = np.round(statistic / class_weights.sum(), 9)
    order = np.argsort(-statistic, kind="stable")
    return order[statistic[order] > 0]


def _drop_shifted(keys, n_tokens, n, n_ngrams):
    """Decode the keys; skip n-grams of padding and shifts of better n-grams.

    An n-gram is skipped if its first or last n - 1 ids are the first or last n - 1 ids
    of a better one.
    """
    selected, taken = [], set()
    for key in keys.tolist():
        first, last = key // n_tokens, key % n_tokens ** (n - 1)
        ngram = [key // n_tokens**power % n_tokens for power in reversed(range(n))]
        # Single ids are no shifts of each other.
        is_shifted = n > 1 and not taken.isdisjoint((first, last))
        if is_shifted or ngram.count(0) > n // 2:
            continue
        taken |= {first, last}
        selected.append(ngram)
        if len(selected) == n_ngrams:
            break
    return np.array(selected, dtype=np.int64).reshape(-1, n)
