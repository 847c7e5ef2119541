"""Metrics of classifiers on test texts, their intervals, and tests of differences.

Class indices and probabilities come in, plain numbers go out; only NumPy is imported.
Intervals resample texts, or groups of texts that belong together, such as the reviews
of one film or the same text in several test sets.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

__all__ = [
    "Difference",
    "Estimate",
    "bootstrap_interval",
    "compare_errors",
    "exact_sign_test",
    "metrics",
    "wilson_interval",
]

_N_RESAMPLES = 2000
_N_BINS = 15  # of the calibration error, as in the paper
_N_FIXED = 3 + _N_BINS  # columns of sums that do not depend on the classes
# Limits of time and memory.
_MAX_COUNTS = 2**21  # counts of texts in memory at once: 16 MiB
_MAX_SUMS = 2**24  # sums of many texts by unit: 128 MiB
_MIN_UNITS, _MAX_UNITS = 1000, 20_000  # of many texts
_SIGNIFICANCE = 0.05


class Estimate(NamedTuple):
    """A metric with the ends of its interval."""

    value: float
    low: float
    high: float


class Difference(NamedTuple):
    """Paired difference of two errors on the same texts: the second minus the first.

    Attributes
    ----------
    value, low, high : float
        Difference of the error rates, and the ends of its interval.
    p_value : float
        Two-sided p-value of the hypothesis that the errors are equal.
    """

    value: float
    low: float
    high: float
    p_value: float

    def is_within_noise(self, n_others: int = 1) -> bool:
        """Return whether the test finds no difference at the level of 5 %.

        Parameters
        ----------
        n_others : int, default=1
            Number of models that are compared with the best one. It divides the level,
            because the best of several models is so by chance, too.
        """
        return self.p_value > _SIGNIFICANCE / n_others


def metrics(y_true, y_pred, probabilities=None, *, level=0.95, groups=None):
    """Return error, macro F1, log loss and calibration error, with intervals.

    All bootstrap intervals come from the same 2,000 resamples of the texts; more than
    20,000 texts are resampled in random blocks of equal size.

    Parameters
    ----------
    y_true, y_pred : array-like of int of shape (n_samples,)
        Class indices: the true and the predicted class of each text.
    probabilities : array-like of shape (n_samples, n_classes), default=None
        Predicted probabilities. None leaves out the log loss and calibration error.
    level : float, default=0.95
        Probability that an interval is to contain the metric of the population.
    groups : array-like of shape (n_samples,), default=None
        Group of each text. Groups are resampled as a whole, and need not have the same
        size. None resamples texts.

    Returns
    -------
    estimates : dict of str to Estimate
        ``"error"``, ``"macro_f1"``, ``"log_loss"`` and ``"calibration_error"``, as
        fractions from 0 to 1, and the log loss in nats.

    Raises
    ------
    ValueError
        If there is no text, or the arrays have different lengths.

    Notes
    -----
    The error has the interval of Wilson [2]_ unless there are groups, because the
    bootstrap of an error of 0 is an interval of width 0. With groups, an error of 0 or
    1, and that of a single group, has that of Wilson for the number of groups. Other
    metrics of a single group have intervals of width 0. All other intervals are those
    of the percentiles of the resamples, moved by twice the difference of the value and
    their median: resamples repeat texts, so that their calibration error is too large,
    and their F1 of small classes too small (the bias is removed as by the basic
    bootstrap, [3]_, section 5.2). The interval of the calibration error begins at 0 if
    perfect calibration would give such a value by chance.

    Macro F1 is the mean over the classes that occur among the true or predicted ones,
    in each resample, as in :func:`sklearn.metrics.f1_score`. The log loss of a text is
    at most 36.04, as in :func:`sklearn.metrics.log_loss` in double precision. The
    expected calibration error ([1]_, section 2) compares the probability of the
    predicted class with the share of right answers, in 15 bins of equal width.

    References
    ----------
    .. [1] Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks",
       ICML 2017.
    .. [2] Wilson, "Probable inference, the law of succession, and statistical
       inference", Journal of the American Statistical Association 22, 1927.
    .. [3] Davison and Hinkley, "Bootstrap Methods and their Application", 1997.
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    _check_lengths(y_true=y_true, y_pred=y_pred)
    if groups is not None:
        groups = np.asarray(groups)
        _check_lengths(y_true=y_true, groups=groups)
    if probabilities is not None:
        probabilities = np.asarray(probabilities, dtype=np.float64)
        _check_lengths(y_true=y_true, probabilities=probabilities)
    sums = _sum_by_unit(y_true, y_pred, probabilities, groups)
    totals = sums.sum(axis=0, keepdims=True)
    values = _compute_metrics(totals, totals)[:, 0]
    resampled = np.concatenate(
        [_compute_metrics(draws @ sums, totals) for draws in _resample(len(sums))],
        axis=1,
    )
    lows, highs, medians = _percentiles(resampled, level)
    noise, shifts = highs[-1], 2 * (values - medians)
    lows = np.clip(lows + shifts, 0, values)
    highs = np.maximum(highs + shifts, values)
    highs[1] = min(highs[1], 1.0)
    if values[3] <= noise:
        lows[3] = 0
    names = ["error", "macro_f1", "log_loss", "calibration_error"]
    names = names[: 2 if probabilities is None else 4]
    found = {
        name: Estimate(*map(float, each))
        for name, *each in zip(names, values, lows, highs, strict=False)
    }
    error, n_units = found["error"].value, len(y_true if groups is None else sums)
    if groups is None or n_units == 1 or error in (0, 1):
        interval = wilson_interval(error * n_units, n_units, level=level)
        found["error"] = Estimate(error, *interval)
    return found


def compare_errors(wrong_a, wrong_b, *, level=0.95, groups=None):
    """Return the paired difference of two errors on the same texts, and its p-value.

    Parameters
    ----------
    wrong_a, wrong_b : array-like of bool of shape (n_samples,)
        Whether each of two classifiers misclassifies each text. Floats are means of
        several runs, and need `groups`.
    level : float, default=0.95
        Level of the bootstrap interval.
    groups : array-like of shape (n_samples,), default=None
        Group of each text; groups are resampled as a whole. For a text that is in
        several test sets, pass the number of the text.

    Returns
    -------
    difference : Difference
        The error of `wrong_b` minus that of `wrong_a`.

    Raises
    ------
    ValueError
        If there is no text, or the arrays have different lengths.

    Notes
    -----
    The p-value is that of McNemar's exact test [1]_: the sign test on the texts that
    only one of the two misclassifies. With groups, it is that of a permutation test,
    which exchanges the two classifiers in whole groups, 2,000 times at random.

    The interval is that of the percentiles of 2,000 resamples of the texts or groups
    and of two more, one for each classifier, that only it misclassifies. They are the
    adjustment of Bonett and Price [2]_: few different answers alone would give an
    interval that is too narrow, and none one of width 0.

    References
    ----------
    .. [1] McNemar, "Note on the sampling error of the difference between correlated
       proportions or percentages", Psychometrika 12, 1947.
    .. [2] Bonett and Price, "Adjusted Wald confidence interval for a difference of
       binomial proportions based on paired data", Journal of Educational and Behavioral
       Statistics 37, 2012.
    """
    wrong_a, wrong_b = np.asarray(wrong_a), np.asarray(wrong_b)
    _check_lengths(wrong_a=wrong_a, wrong_b=wrong_b)
    differences = np.subtract(wrong_b, wrong_a, dtype=np.float64)
    if groups is None:
        interval = _difference_interval(differences, np.ones(len(differences)), level)
        n_a, n_b = int((differences < 0).sum()), int((differences > 0).sum())
        return Difference(
            float(differences.mean()), *interval, exact_sign_test(n_a, n_b)
        )
    groups = np.asarray(groups)
    _check_lengths(wrong_a=wrong_a, groups=groups)
    _, groups, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.bincount(groups, weights=differences)
    interval = _difference_interval(sums, sizes, level)
    return Difference(float(differences.mean()), *interval, _permutation_test(sums))


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
    values = np.asarray(values, dtype=np.float64)
    return _ratio_interval(values, np.ones(len(values)), level)


def wilson_interval(n_wrong, n_samples, *, level=0.95):
    """Return the interval of Wilson of a proportion, which is valid at 0 and 1 too.

    Parameters
    ----------
    n_wrong : float
    n_samples : int
    level : float, default=0.95

    Returns
    -------
    low, high : float
    """
    error, z = n_wrong / n_samples, NormalDist().inv_cdf((1 + level) / 2)
    center = error + z * z / (2 * n_samples)
    half = z * math.sqrt((error * (1 - error) + z * z / (4 * n_samples)) / n_samples)
    scale = 1 + z * z / n_samples
    low, high = (center - half) / scale, (center + half) / scale
    # Rounding must not exclude an error of 0 or 1.
    return min(max(low, 0.0), error), max(min(high, 1.0), error)


def exact_sign_test(n_a, n_b):
    """Return the two-sided p-value of two counts that are equally likely to grow.

    Parameters
    ----------
    n_a, n_b : int

    Returns
    -------
    p_value : float
    """
    n, least = n_a + n_b, min(n_a, n_b)
    log_term = math.lgamma(n + 1) - math.lgamma(least + 1) - math.lgamma(n - least + 1)
    # Each binomial probability is a multiple of the one after it.
    successes = np.arange(least, 0, -1, dtype=np.float64)
    ratios = np.cumprod(successes / (n - successes + 1))
    tail = math.exp(log_term - n * math.log(2)) * (1 + float(ratios.sum()))
    return min(2 * tail, 1.0)


# ---------------------------------------------------------------------------
# Metrics of resamples
# ---------------------------------------------------------------------------


def _sum_by_unit(y_true, y_pred, probabilities, groups):
    """Return what the metrics add up over texts, summed over each unit of resampling.

    Returns
    -------
    sums : ndarray of shape (n_units, 18 + 2 * n_classes)
        Number of texts, errors and log loss; confidence minus accuracy in each of 15
        bins; right answers of each class; texts and answers of each class.
    """
    _, classes = np.unique(np.stack([y_true, y_pred]), return_inverse=True)
    class_true, class_pred = classes.reshape(2, -1)
    n_classes = classes.max() + 1
    units, n_units = _make_units(len(y_true), groups, _N_FIXED + 2 * n_classes)

    def by_unit(n_columns=1, column=0, weights=None):
        cells = units * n_columns + column
        sums = np.bincount(cells, weights, minlength=n_units * n_columns)
        return sums.reshape(n_units, n_columns)

    right = 1.0 * (y_true == y_pred)
    loss, gaps, bins = np.zeros((3, len(right)))
    if probabilities is not None:
        rows = np.arange(len(right))
        smallest = np.finfo(np.float64).eps
        loss = -np.log(np.clip(probabilities[rows, y_true], smallest, 1.0))
        confidence = probabilities[rows, y_pred]
        gaps = confidence - right
        # Bins are closed on the right, as in the paper.
        bins = np.ceil(confidence * _N_BINS).clip(1, _N_BINS) - 1
    return np.hstack(
        [
            by_unit(),
            by_unit(weights=1 - right),
            by_unit(weights=loss),
            by_unit(_N_BINS, bins.astype(np.int64), gaps),
            by_unit(n_classes, class_true, right),
            by_unit(n_classes, class_true) + by_unit(n_classes, class_pred),
        ]
    )


def _compute_metrics(sums, totals):
    """Return the metrics of each row of sums, and the calibration error by chance.

    Parameters
    ----------
    sums : ndarray of shape (n_rows, n_columns)
        Sums over the texts of each resample.
    totals : ndarray of shape (1, n_columns)
        Sums over all texts.

    Returns
    -------
    metrics : ndarray of shape (5, n_rows)
        The last is the calibration error to expect if that of all texts were 0.
    """
    _, error, loss = (sums[:, :3] / sums[:, :1]).T
    gaps, all_gaps = (each[:, 3:_N_FIXED] / each[:, :1] for each in (sums, totals))
    # F1 is 2 TP / (2 TP + FP + FN); the denominator counts texts and answers.
    right, counts = np.split(sums[:, _N_FIXED:], 2, axis=1)
    f1 = (2 * right / np.maximum(counts, 1)).sum(axis=1)
    f1 /= np.count_nonzero(counts, axis=1)
    calibration, noise = (np.abs(each).sum(axis=1) for each in (gaps, gaps - all_gaps))
    return np.stack([error, f1, loss, calibration, noise])


# ---------------------------------------------------------------------------
# Resamples
# ---------------------------------------------------------------------------


def _make_units(n_samples, groups=None, n_columns=1):
    """Return the unit of resampling of each text, and the number of units.

    A unit is a group or a text. Many texts are put into random blocks of equal size,
    which have the same intervals in far less time.
    """
    if groups is not None:
        _, units = np.unique(groups, return_inverse=True)
        return units, units.max() + 1
    n_units = min(_MAX_UNITS, max(_MAX_SUMS // n_columns, _MIN_UNITS))
    if n_samples <= n_units:
        return np.arange(n_samples), n_samples
    return np.random.RandomState(0).permutation(n_samples) % n_units, n_units


def _resample(n_units):
    """Yield how often each unit is in each resample, (n_rows, n_units), as floats."""
    random_state = np.random.RandomState(0)
    for size in _split_resamples(n_units):
        drawn = random_state.randint(n_units, size=(size, n_units), dtype=np.int64)
        drawn += n_units * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n_units)
        yield counts.reshape(size, n_units).astype(np.float64)


def _split_resamples(n_units):
    """Yield numbers of resamples that fit into memory and add up to all of them."""
    n_rows = min(max(_MAX_COUNTS // max(n_units, 1), 1), _N_RESAMPLES)
    for start in range(0, _N_RESAMPLES, n_rows):
        yield min(n_rows, _N_RESAMPLES - start)


def _ratio_interval(sums, sizes, level):
    """Return the bootstrap interval of a mean over groups with these sums and sizes."""
    # Groups with the same values are interchangeable: draw counts of the values.
    pairs = np.stack([sums, sizes], axis=1)
    values, counts = np.unique(pairs, axis=0, return_counts=True)
    n = counts.sum()
    if 4 * len(values) < n:
        draws = np.random.RandomState(0).multinomial(n, counts / n, size=_N_RESAMPLES)
        totals = draws @ values
    else:
        units, n_units = _make_units(n)
        pairs = np.stack([np.bincount(units, each) for each in (sums, sizes)], axis=1)
        totals = np.concatenate([draws @ pairs for draws in _resample(n_units)])
    low, high, _ = _percentiles(totals[:, 0] / totals[:, 1], level)
    return float(low), float(high)


def _difference_interval(sums, sizes, level):
    """Return the interval of a mean difference; see the Notes of `compare_errors`."""
    different = np.abs(sums[sums != 0])
    size = sizes.mean()
    one = np.median(different) if len(different) else 1.0
    low, high = _ratio_interval(
        np.append(sums, [one, -one]), np.append(sizes, [size, size]), level
    )
    value = float(sums.sum() / sizes.sum())
    return min(low, value), max(high, value)


def _percentiles(values, level):
    """Return both ends of the interval and the median along the last axis."""
    tail = 50 * (1 - level)
    return np.percentile(values, [tail, 100 - tail, 50], axis=-1)


def _permutation_test(sums):
    """Return the p-value of sums of differences, by random exchanges of their signs."""
    sums = sums[sums != 0]
    random_state = np.random.RandomState(0)
    # Rounding must not turn an equal sum into a smaller one.
    observed = abs(float(sums.sum())) * (1 - 1e-12)
    n_extreme = 1  # the observation is one of the permutations
    for size in _split_resamples(len(sums)):
        signs = random_state.randint(2, size=(size, len(sums))) * 2 - 1
        n_extreme += int(np.count_nonzero(np.abs(signs @ sums) >= observed))
    return n_extreme / (_N_RESAMPLES + 1)


def _check_lengths(**arrays):
    """Raise `ValueError` unless there are values, and as many in each array."""
    (first, n_first), *rest = ((name, len(each)) for name, each in arrays.items())
    if not n_first:
        raise ValueError(f"Expected at least one value in {first}, got none.")
    for name, n_rows in rest:
        if n_rows != n_first:
            raise ValueError(
                f"Expected {name} to have as many rows as {first}, {n_first}, got "
                f"{n_rows}."
            )
