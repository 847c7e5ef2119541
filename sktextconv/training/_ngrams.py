"""N-grams of ids in a sample of texts."""

import numpy as np

__all__ = ["find_ngrams", "find_presence", "limit_size", "sample_rows"]


def sample_rows(encoded, max_ids, *, seed):
    """Return the sorted numbers of random texts with at most `max_ids` ids in all."""
    lengths = np.diff(encoded.offsets)
    drawn = np.random.RandomState(seed).permutation(len(lengths))
    return np.sort(drawn[lengths[drawn].cumsum() <= max_ids])


def limit_size(n, n_tokens):
    """Return the largest size up to `n` of n-grams whose keys fit into an int64."""
    return min(n, int(63 / np.log2(n_tokens)))


def find_ngrams(encoded, rows, *, n_tokens, n):
    """Return the text and the key of the n-gram at each id of some texts.

    The key is the number with the ids of the n-gram as digits in base `n_tokens`. The
    text is -1 if the n-gram would extend into the next one.
    """
    ids = np.concatenate([encoded[row] for row in rows]).astype(np.int64)
    rows = np.repeat(rows, np.diff(encoded.offsets)[rows])
    n_starts = max(len(ids) - n + 1, 0)
    keys = np.zeros(len(ids), dtype=np.int64)
    for step in range(n):
        keys[:n_starts] *= n_tokens
        keys[:n_starts] += ids[step : step + n_starts]
    within = np.zeros(len(ids), dtype=bool)
    within[:n_starts] = rows[:n_starts] == rows[n - 1 :]
    return np.where(within, rows, -1), keys


def find_presence(encoded, rows, *, n_tokens, n):
    """Return which texts have which n-grams, once each, and the n-grams.

    Returns
    -------
    rows : ndarray of int64 of shape (n_pairs,)
        Numbers of texts.
    columns : ndarray of int64 of shape (n_pairs,)
        Of each, the number of an n-gram that it has.
    ngrams : ndarray of int64 of shape (n_ngrams,)
        Sorted keys of the n-grams.
    """
    rows, keys = find_ngrams(encoded, rows, n_tokens=n_tokens, n=n)
    rows, keys = rows[rows >= 0], keys[rows >= 0]
    ngrams, columns = np.unique(keys, return_inverse=True)
    cells = np.sort(rows * len(ngrams) + columns)
    cells = cells[np.diff(cells, prepend=-1) > 0]
    return *np.divmod(cells, max(len(ngrams), 1)), ngrams
