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
_MAX_COUNTS = 2**21  # counts of texts in memory at once: 16 MiB
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

    @property
    def is_within_noise(self) -> bool:
        """Whether the test finds no difference at the level of 5 %."""
        return self.p_value > _SIGNIFICANCE


def metrics(y_true, y_pred, probabilities=None, *, level=0.95, groups=None):
    """Return error, macro F1, log loss and calibration error, with intervals.

    All bootstrap intervals come from the same 2,000 resamples of the texts.

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
    bootstrap of an error of 0 is an interval of width 0. The others have percentile
    intervals, except the calibration error: it is a sum of absolute values, so that a
    resample has a larger one than the texts, and its interval is reflected about the
    value, which removes this bias (the basic bootstrap, [3]_, section 5.2). It begins
    at 0 if perfect calibration would give such a value by chance.

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
    wrong = y_true != y_pred
    means = [wrong]
    if probabilities is not None:
        probabilities = np.asarray(probabilities, dtype=np.float64)
        _check_lengths(y_true=y_true, probabilities=probabilities)
        means += _loss_and_gaps(y_true, y_pred, probabilities)
    means = np.stack(means, axis=1).astype(np.float64)
    n_metrics = 2 if probabilities is None else 4
    compute_f1 = _macro_f1(y_true, y_pred)
    # Differences of confidence and accuracy by bin, of all texts.
    all_gaps = means[:, 2:].mean(axis=0)

    def compute(counts):
        """Return the metrics of each row of counts of texts: (n_metrics, n_rows)."""
        sums = counts @ means / counts.sum(axis=1, keepdims=True)
        error, loss, gaps = sums[:, 0], sums[:, 1:2], sums[:, 2:]
        found = [error, compute_f1(counts), *loss.T, np.abs(gaps).sum(axis=1)]
        # Calibration errors that occur by chance if there is none.
        noise = np.abs(gaps - all_gaps).sum(axis=1)
        return np.stack([*found[:n_metrics], noise])

    values = compute(np.ones((1, len(y_true))))[:, 0]
    draws = _resample(len(y_true), groups)
    resampled = np.concatenate([compute(counts) for counts in draws], axis=1)
    tail = 50 * (1 - level)
    lows, highs = np.percentile(resampled, [tail, 100 - tail], axis=1)
    names = ("error", "macro_f1", "log_loss", "calibration_error")[:n_metrics]
    found = {
        name: Estimate(*map(float, each))
        for name, *each in zip(names, values, lows, highs, strict=False)
    }
    if groups is None:
        interval = wilson_interval(int(wrong.sum()), len(wrong), level=level)
        found["error"] = Estimate(found["error"].value, *interval)
    if probabilities is not None:
        found["calibration_error"] = _reflect(found["calibration_error"], highs[-1])
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

    References
    ----------
    .. [1] McNemar, "Note on the sampling error of the difference between correlated
       proportions or percentages", Psychometrika 12, 1947.
    """
    wrong_a, wrong_b = np.asarray(wrong_a), np.asarray(wrong_b)
    _check_lengths(wrong_a=wrong_a, wrong_b=wrong_b)
    differences = np.subtract(wrong_b, wrong_a, dtype=np.float64)
    if groups is None:
        interval = bootstrap_interval(differences, level=level)
        n_a, n_b = int((differences < 0).sum()), int((differences > 0).sum())
        return Difference(
            float(differences.mean()), *interval, exact_sign_test(n_a, n_b)
        )
    groups = np.asarray(groups)
    _check_lengths(wrong_a=wrong_a, groups=groups)
    _, groups, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.bincount(groups, weights=differences)
    interval = _ratio_interval(sums, sizes, level)
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
    n_wrong, n_samples : int
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


def _loss_and_gaps(y_true, y_pred, probabilities):
    """Return arrays by text: log loss, and in each bin, confidence minus accuracy."""
    rows = np.arange(len(y_true))
    smallest = np.finfo(np.float64).eps
    loss = -np.log(np.clip(probabilities[rows, y_true], smallest, 1.0))
    confidence = probabilities[rows, y_pred]
    gaps = confidence - (y_true == y_pred)
    # Bins are closed on the right, as in the paper.
    bins = np.ceil(confidence * _N_BINS).clip(1, _N_BINS) - 1
    return [loss, *(np.where(bins == each, gaps, 0.0) for each in range(_N_BINS))]


def _macro_f1(y_true, y_pred):
    """Return a function of counts of texts, (n_rows, n_samples), to their macro F1."""
    _, classes = np.unique(np.stack([y_true, y_pred]), return_inverse=True)
    y_true, y_pred = classes.reshape(2, -1)
    n_classes = classes.max() + 1
    # Texts of the same true and predicted class count as one cell.
    cells, of_text = np.unique(y_true * n_classes + y_pred, return_inverse=True)
    order = np.argsort(of_text, kind="stable")
    starts = np.searchsorted(of_text[order], np.arange(len(cells)))
    cell_true, cell_pred = np.divmod(cells, n_classes)
    # F1 is 2 TP / (2 TP + FP + FN): the texts of a class and the answers with it.
    class_range = np.arange(n_classes)
    in_class = 1.0 * (cell_true[:, None] == class_range)
    answered = 1.0 * (cell_pred[:, None] == class_range)
    right, total = 2 * in_class * answered, in_class + answered

    def compute(counts):
        sizes = np.add.reduceat(counts[:, order], starts, axis=1)
        totals = sizes @ total
        f1 = sizes @ right / np.maximum(totals, 1)
        return f1.sum(axis=1) / np.count_nonzero(totals, axis=1)

    return compute


def _reflect(estimate, noise):
    """Return a calibration error with its interval reflected about the value.

    Parameters
    ----------
    estimate : Estimate
        With the percentile interval.
    noise : float
        Largest value to expect under perfect calibration.
    """
    value, low, high = estimate
    reflected = max(2 * value - high, 0.0) if value > noise else 0.0
    return Estimate(value, reflected, max(2 * value - low, value))


def _resample(n_samples, groups):
    """Yield how often each text is in each resample, (n_rows, n_samples), as floats."""
    n_units = n_samples
    if groups is not None:
        _, groups = np.unique(groups, return_inverse=True)
        n_units = groups.max() + 1
    random_state = np.random.RandomState(0)
    n_rows = min(max(_MAX_COUNTS // n_samples, 1), _N_RESAMPLES)
    for start in range(0, _N_RESAMPLES, n_rows):
        size = min(n_rows, _N_RESAMPLES - start)
        drawn = random_state.randint(n_units, size=(size, n_units), dtype=np.int64)
        drawn += n_units * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n_units)
        counts = counts.reshape(size, n_units).astype(np.float64)
        yield counts if groups is None else counts[:, groups]


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
        totals = np.concatenate([draws @ pairs for draws in _resample(n, None)])
    tail = 50 * (1 - level)
    low, high = np.percentile(totals[:, 0] / totals[:, 1], [tail, 100 - tail])
    return float(low), float(high)


def _permutation_test(sums):
    """Return the p-value of sums of differences, by random exchanges of their signs."""
    sums = sums[sums != 0]
    random_state = np.random.RandomState(0)
    observed = abs(sums.sum())
    n_extreme = 1  # the observation is one of the permutations
    for _ in range(_N_RESAMPLES):
        signs = random_state.randint(2, size=len(sums)) * 2 - 1
        # Rounding must not turn an equal sum into a smaller one.
        n_extreme += abs(signs @ sums) >= observed * (1 - 1e-12)
    return float(n_extreme / (_N_RESAMPLES + 1))


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
