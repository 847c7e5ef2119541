"""Intervals of means and tests of differences."""

import numpy as np
import scipy.stats

from sktextconv.comparison._statistics import bootstrap_interval


def test_bootstrap_interval_agrees_with_scipy():
    """The interval is that of SciPy's percentile bootstrap, up to its noise."""
    values = np.random.RandomState(0).binomial(1, 0.1, size=400) * 1.0
    expected = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", random_state=0
    ).confidence_interval
    low, high = bootstrap_interval(values)
    assert abs(low - expected.low) < 4e-3
    assert abs(high - expected.high) < 4e-3


def test_bootstrap_interval_level():
    """A lower level gives an interval within that of a higher one."""
    values = np.random.RandomState(1).normal(size=200)
    low, high = bootstrap_interval(values)
    inner_low, inner_high = bootstrap_interval(values, level=0.5)
    assert low < inner_low < values.mean() < inner_high < high
