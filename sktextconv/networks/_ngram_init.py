"""The n-grams of ids that tell the classes of texts apart best."""

import numpy as np

__all__ = ["discriminative_ngrams"]

# Ids that are read at most: a few thousand long texts decide as well as all.
_MAX_IDS = 2**21


def discriminative_ngrams(encoded, codes, weights, *, n_tokens, n, n_ngrams, seed):
    """Choose n-grams by the chi-squared statistic of their presence and the class.

    Of n-grams that are each other shifted by one place, only the best is taken, and
    none that is padding for more than half.

    Parameters
    ----------
    encoded : Ragged
    codes : ndarray of int of shape (n_documents,)
        The class of each text.
    weights : ndarray of float of shape (n_documents,)
        How much each text counts.
    n_tokens : int
        Ids are below it, and 0 is padding.
    n : int
        Ids in an n-gram; fewer where an int64 would not hold them.
    n_ngrams : int
        At most so many.
    seed : int
        Draws the texts that are read where there are too many.

    Returns
    -------
    ngrams : ndarray of int64 of shape (n_found, n)
        The best first.
    """
    n = min(n, int(63 / np.log2(n_tokens)))
    rows, coded = _ngrams(encoded, _sample(encoded, seed), n_tokens, n)
    ngrams, numbers = np.unique(coded, return_inverse=True)
    present = np.sort(rows * len(ngrams) + numbers)
    present = present[np.diff(present, prepend=-1) > 0]  # once in each text
    rows, numbers = np.divmod(present, len(ngrams))
    counts = np.array(
        [
            np.bincount(
                numbers, weights[rows] * (codes[rows] == code), minlength=len(ngrams)
            )
            for code in range(codes.max() + 1)
        ]
    )
    masses = np.bincount(codes, weights)
    order = _by_chi_squared(counts, masses)
    return _without_shifts(ngrams[order], n_tokens, n, n_ngrams)


def _sample(encoded, seed):
    lengths = np.diff(encoded.offsets)
    if lengths.sum() <= _MAX_IDS:
        return np.arange(len(encoded))
    drawn = np.random.RandomState(seed).permutation(len(encoded))
    return np.sort(drawn[lengths[drawn].cumsum() <= _MAX_IDS])


def _ngrams(encoded, rows, n_tokens, n):
    """The row and the code of every n-gram of some rows."""
    ids = np.concatenate([encoded[row] for row in rows]).astype(np.int64)
    rows = np.repeat(rows, np.diff(encoded.offsets)[rows])
    n_starts = max(len(ids) - n + 1, 0)
    codes = np.zeros(n_starts, dtype=np.int64)
    for place in range(n):
        codes = codes * n_tokens + ids[place : place + n_starts]
    inside = rows[:n_starts] == rows[n - 1 : n - 1 + n_starts]
    return rows[:n_starts][inside], codes[inside]


def _by_chi_squared(counts, masses):
    """Order of the n-grams that tell anything, the best first."""
    shares = (masses / masses.sum())[:, None]
    totals = counts.sum(0)
    expected = shares * totals
    misses = np.where(shares > 0, (counts - expected) ** 2, 0.0)
    absent = np.maximum(1 - totals / masses.sum(), np.finfo(float).eps)
    statistic = (misses / np.where(shares > 0, expected, 1.0)).sum(0) / absent
    # In any units, and equal where they differ by rounding alone.
    statistic = np.round(statistic / masses.sum(), 9)
    order = np.argsort(-statistic, kind="stable")
    return order[statistic[order] > 0]


def _without_shifts(codes, n_tokens, n, n_ngrams):
    chosen, taken = [], set()
    for code in codes.tolist():
        beginning, end = code // n_tokens, code % n_tokens ** (n - 1)
        places = [code // n_tokens**place % n_tokens for place in reversed(range(n))]
        if not taken.isdisjoint((beginning, end)) or places.count(0) > n // 2:
            continue
        taken |= {beginning, end}
        chosen.append(places)
        if len(chosen) == n_ngrams:
            break
    return np.array(chosen, dtype=np.int64).reshape(-1, n)
