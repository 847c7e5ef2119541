"""Intervals and tests of differences between classifiers on the same test texts."""

import numpy as np

__all__ = ["bootstrap_interval"]

_N_RESAMPLES = 2000


def bootstrap_interval(values, *, level=0.95):
    """Return the bootstrap interval of a mean, by percentiles of 2,000 resamples.

    Parameters
    ----------
    values : array-like of shape (n_samples,)
        One value for each test text; the mean over seeds where there are several, so
        that a resample draws the same texts for all of them.
    level : float, default=0.95

    Returns
    -------
    low, high : float
    """
    # Texts with the same value are interchangeable: draw counts of the values.
    values, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    n = counts.sum()
    draws = np.random.RandomState(0).multinomial(n, counts / n, size=_N_RESAMPLES)
    tail = 50 * (1 - level)
    low, high = np.percentile(draws @ values / n, [tail, 100 - tail])
    return float(low), float(high)
