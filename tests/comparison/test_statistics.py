"""Metrics, intervals and tests of differences."""

import math

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import f1_score, log_loss

from sktextconv.comparison import _statistics
from sktextconv.comparison._statistics import (
    Difference,
    bootstrap_interval,
    compare_errors,
    exact_sign_test,
    metrics,
    wilson_interval,
)


def draw_answers(n_samples, n_classes, seed, *, sharpness=1.0):
    """Return true classes, predicted classes and probabilities.

    The probabilities are the true ones, to the power of `sharpness`.
    """
    random_state = np.random.RandomState(seed)
    rates = random_state.dirichlet(np.full(n_classes, 0.4), size=n_samples)
    uniform = random_state.uniform(size=(n_samples, 1))
    y_true = (uniform > rates.cumsum(axis=1)).sum(axis=1).clip(0, n_classes - 1)
    shown = rates**sharpness
    shown /= shown.sum(axis=1, keepdims=True)
    return y_true, shown.argmax(axis=1), shown


def scipy_interval(values, seed=0):
    """Return the percentile interval of a mean by SciPy."""
    return scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", random_state=seed
    ).confidence_interval


def calibration_error(y_true, probabilities):
    """Return the calibration error as the paper defines it, bin by bin."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == y_true
    total = 0.0
    for m in range(15):
        inside = (confidence > m / 15) & (confidence <= (m + 1) / 15)
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            total += inside.mean() * gap
    return total


# -- metrics -------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3, 40])
def test_metrics_agree_with_scikit_learn(n_classes):
    """The values are those of scikit-learn and of the definition in the paper."""
    y_true, y_pred, shown = draw_answers(150, n_classes, seed=1)
    shown[0] = np.eye(n_classes)[(y_true[0] + 1) % n_classes]
    y_pred[0] = (y_true[0] + 1) % n_classes
    found = metrics(y_true, y_pred, shown)
    assert list(found) == ["error", "macro_f1", "log_loss", "calibration_error"]
    expected = {
        "error": np.mean(y_true != y_pred),
        "macro_f1": f1_score(y_true, y_pred, average="macro"),
        "log_loss": log_loss(y_true, shown, labels=range(n_classes)),
        "calibration_error": calibration_error(y_true, shown),
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, rel=1e-12)
        assert found[name].low <= found[name].value <= found[name].high
        assert {*map(type, found[name])} == {float}


def test_metrics_of_three_texts():
    """Values of a case that is computed by hand."""
    shown = [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]
    found = metrics([0, 1, 1], [0, 0, 1], shown)
    assert found["error"].value == pytest.approx(1 / 3)
    assert found["macro_f1"].value == pytest.approx(2 / 3)
    expected = -(math.log(0.9) + math.log(0.4) + math.log(0.8)) / 3
    assert found["log_loss"].value == pytest.approx(expected)
    assert found["calibration_error"].value == pytest.approx((0.1 + 0.6 + 0.2) / 3)


def test_metrics_without_probabilities():
    """Classifiers without probabilities have an error and F1, the same as others."""
    y_true, y_pred, shown = draw_answers(60, 3, seed=0)
    found, expected = metrics(y_true, y_pred), metrics(y_true, y_pred, shown)
    assert found == {name: expected[name] for name in ("error", "macro_f1")}


def test_metrics_intervals_agree_with_scipy():
    """The interval of the log loss is SciPy's, that of the error is Wilson's."""
    y_true, y_pred, shown = draw_answers(400, 3, seed=2)
    found = metrics(y_true, y_pred, shown)
    expected = scipy_interval(-np.log(shown[np.arange(400), y_true]))
    assert found["log_loss"][1:] == pytest.approx(expected, abs=0.01)
    n_wrong = int((y_true != y_pred).sum())
    expected = scipy.stats.binomtest(n_wrong, 400).proportion_ci(method="wilson")
    assert found["error"][1:] == pytest.approx([expected.low, expected.high])


def test_metrics_of_resamples():
    """The metrics of counts of texts are scikit-learn's of the repeated texts."""
    y_true, y_pred, shown = draw_answers(30, 12, seed=3)
    sums = _statistics._sum_by_unit(y_true, y_pred, shown, None)
    counts = np.concatenate([*_statistics._resample(30)])[:50]
    found = _statistics._compute_metrics(counts @ sums, sums.sum(0, keepdims=True))
    for row, (error, f1, loss, calibration, _) in zip(counts, found.T, strict=True):
        texts = np.arange(30).repeat(row.astype(int))
        truth, answers = y_true[texts], y_pred[texts]
        assert error == pytest.approx(np.mean(truth != answers))
        assert f1 == pytest.approx(f1_score(truth, answers, average="macro"))
        expected = log_loss(truth, shown[texts], labels=range(12))
        assert loss == pytest.approx(expected)
        assert calibration == pytest.approx(calibration_error(truth, shown[texts]))


def test_metrics_of_many_texts(monkeypatch):
    """Blocks of texts have the intervals of the texts, up to the noise."""
    answers = draw_answers(9_000, 3, seed=7, sharpness=2.0)
    by_text = metrics(*answers)
    monkeypatch.setattr(_statistics, "_MAX_UNITS", 1_500)
    by_block = metrics(*answers)
    for name, (value, low, high) in by_text.items():
        assert by_block[name].value == pytest.approx(value)
        noise = 0.15 * (high - low)
        assert by_block[name][1:] == pytest.approx((low, high), abs=noise)
    values = np.random.RandomState(0).normal(size=9_000)
    blocks = bootstrap_interval(values)
    monkeypatch.undo()
    assert blocks == pytest.approx(bootstrap_interval(values), abs=0.003)


@pytest.mark.parametrize(("n_classes", "n_texts"), [(3, 150), (80, 800)])
def test_macro_f1_interval_covers(n_classes, n_texts):
    """About 95 % of the intervals have the F1 of the population.

    Two of three percentile intervals of 80 classes would be too low.
    """

    def draw(n_texts, seed):
        random_state = np.random.RandomState(seed)
        rates = 1 / np.arange(1, n_classes + 1)
        y_true, other = random_state.choice(
            n_classes, size=(2, n_texts), p=rates / rates.sum()
        )
        return y_true, np.where(random_state.uniform(size=n_texts) < 0.2, other, y_true)

    truth = f1_score(*draw(300_000, 0), average="macro")
    found = [metrics(*draw(n_texts, 1 + seed))["macro_f1"] for seed in range(60)]
    assert np.mean([each.low <= truth <= each.high for each in found]) >= 0.83


@pytest.mark.parametrize("sharpness", [1.0, 2.0])
def test_calibration_interval_covers(sharpness):
    """The interval covers the error of the population, though the value is above it.

    The percentile interval of a calibrated classifier would never cover its 0.
    """
    y_true, _, shown = draw_answers(200_000, 2, seed=0, sharpness=sharpness)
    truth = calibration_error(y_true, shown)
    assert (truth < 0.01) == (sharpness == 1)
    estimates = []
    for seed in range(60):
        y_true, y_pred, shown = draw_answers(200, 2, 1 + seed, sharpness=sharpness)
        estimates.append(metrics(y_true, y_pred, shown)["calibration_error"])
    assert np.mean([each.value for each in estimates]) > truth
    assert np.mean([each.low <= truth <= each.high for each in estimates]) >= 0.85


def test_metrics_of_right_answers():
    """An error of 0 has an interval of Wilson, since texts are few."""
    found = metrics([0, 1] * 20, [0, 1] * 20)["error"]
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(0.0876, abs=1e-4)


def test_metrics_of_groups():
    """Texts repeated in groups have the interval of the texts themselves."""
    y_true, y_pred, shown = draw_answers(80, 3, seed=4)
    groups = np.arange(80)
    once = metrics(y_true, y_pred, shown, groups=groups)
    texts = groups.repeat(5)
    found = metrics(y_true[texts], y_pred[texts], shown[texts], groups=texts + 7)
    for name, estimate in found.items():
        assert estimate == pytest.approx(once[name], abs=1e-12), name
    narrow = metrics(y_true[texts], y_pred[texts], shown[texts])["error"]
    assert narrow.high - narrow.low < 0.6 * (once["error"].high - once["error"].low)


def test_metrics_resamples_in_parts(monkeypatch):
    """Intervals do not depend on how many resamples are in memory at once."""
    answers = draw_answers(50, 3, seed=5)
    expected = metrics(*answers)
    monkeypatch.setattr(_statistics, "_MAX_COUNTS", 50 * 37)
    found = metrics(*answers)
    for name, estimate in found.items():
        assert estimate == pytest.approx(expected[name], rel=1e-12)


def test_metrics_level():
    answers = draw_answers(100, 3, seed=6)
    wide, narrow = metrics(*answers), metrics(*answers, level=0.5)
    for name in ("error", "macro_f1", "log_loss"):
        assert wide[name].low < narrow[name].low
        assert narrow[name].high < wide[name].high


def test_metrics_reject_other_lengths():
    with pytest.raises(ValueError, match="Expected at least one value in y_true, got"):
        metrics([], [])
    with pytest.raises(ValueError, match="y_pred to have as many rows as y_true, 2, g"):
        metrics([0, 1], [0])
    with pytest.raises(ValueError, match="probabilities to have as many rows"):
        metrics([0, 1], [0, 1], [[0.5, 0.5]])
    with pytest.raises(ValueError, match="groups to have as many rows as wrong_a, 2"):
        compare_errors([True, False], [True, True], groups=[1])


# -- differences ---------------------------------------------------------------------


def draw_pair(n_samples, seed, *, gap=0.0):
    """Return whether two classifiers are wrong; the second by `gap` more often."""
    random_state = np.random.RandomState(seed)
    hard = random_state.uniform(size=n_samples) < 0.3
    chances = random_state.uniform(size=(2, n_samples))
    return (chances[0] < np.where(hard, 0.5, 0.05)), (
        chances[1] < np.where(hard, 0.5, 0.05) + gap
    )


@pytest.mark.parametrize(("n_a", "n_b"), [(0, 0), (0, 9), (3, 3), (7, 21), (480, 560)])
def test_sign_test_agrees_with_scipy(n_a, n_b):
    expected = scipy.stats.binomtest(n_a, n_a + n_b).pvalue if n_a + n_b else 1.0
    assert exact_sign_test(n_a, n_b) == pytest.approx(expected, rel=1e-9)
    assert exact_sign_test(n_b, n_a) == exact_sign_test(n_a, n_b)


def test_sign_test_of_many_texts():
    """A p-value below the smallest float is 0, and a large one is precise."""
    assert exact_sign_test(0, 10_000) == 0
    expected = scipy.stats.binomtest(50_200, 100_900).pvalue
    assert exact_sign_test(50_200, 50_700) == pytest.approx(expected, rel=1e-6)


def test_compare_errors_agrees_with_scipy():
    """Difference, interval and p-value of 300 texts agree with SciPy."""
    a, b = draw_pair(300, seed=0, gap=0.05)
    found = compare_errors(a, b)
    assert found.value == pytest.approx(b.mean() - a.mean())
    expected = scipy_interval(1.0 * b - 1.0 * a)
    assert (found.low, found.high) == pytest.approx(expected, abs=0.004)
    n_a, n_b = int((a & ~b).sum()), int((b & ~a).sum())
    assert found.p_value == pytest.approx(scipy.stats.binomtest(n_a, n_a + n_b).pvalue)


@pytest.mark.parametrize("groups", [None, np.arange(40) // 4])
def test_compare_errors_of_equal_answers(groups):
    """Equal answers to few texts do not show that the errors are equal."""
    wrong = np.arange(40) % 2 == 0
    found = compare_errors(wrong, wrong, groups=groups)
    assert (found.value, found.p_value) == (0, 1)
    assert found.low < -0.01 < 0.01 < found.high
    assert found.is_within_noise()


@pytest.mark.parametrize(("only_a", "only_b"), [(0.01, 0.0), (0.05, 0.02)])
@pytest.mark.parametrize("size", [1, 3])
def test_difference_interval_covers(only_a, only_b, size):
    """About 95 % of the intervals contain the difference, with few different answers.

    The percentiles alone would contain it in 45 and 92 % of the cases, because no or
    one different answer gives an interval of width 0 or one that ends at 0.
    """
    rng = np.random.RandomState(0)
    groups = None if size == 1 else np.arange(60).repeat(size)
    n_covered = 0
    for _ in range(200):
        kind = rng.random_sample(60).repeat(size)
        a, b = kind < only_a, kind > 1 - only_b
        found = compare_errors(a, b, groups=groups)
        n_covered += found.low <= only_b - only_a <= found.high
    assert n_covered >= 0.95 * 200 - 3 * math.sqrt(200 * 0.95 * 0.05)


def test_metrics_of_groups_without_errors():
    """An error of 0 in ten groups has the interval of Wilson of ten answers."""
    y = np.zeros(100, dtype=int)
    found = metrics(y, y, groups=np.arange(100) // 10)["error"]
    assert found == (0, *wilson_interval(0, 10))


def test_metrics_of_groups_without_right_answers():
    """An error of 1 in ten groups is as uncertain as one of 0."""
    y = np.zeros(100, dtype=int)
    found = metrics(y, y + 1, groups=np.arange(100) // 10)["error"]
    assert found == (1, *wilson_interval(10, 10))


def test_metrics_of_one_group():
    """One group has the interval of one answer: it does not tell what others have."""
    y = np.arange(100) % 2
    found = metrics(y, np.zeros(100, dtype=int), groups=np.zeros(100))["error"]
    assert found.value == 0.5
    assert found.low < 0.1
    assert found.high > 0.9


def test_noise_is_called_noise():
    """At most 5 % of pairs of equal error are told apart, up to the noise of 200."""
    for groups in (None, np.arange(200) // 2):
        told_apart = [
            not compare_errors(*draw_pair(200, seed), groups=groups).is_within_noise()
            for seed in range(200)
        ]
        assert np.mean(told_apart) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


def test_difference_is_found():
    """A difference of 10 points in 500 texts is found, with its sign."""
    for groups in (None, np.arange(500) // 2):
        found = compare_errors(*draw_pair(500, 1, gap=0.1), groups=groups)
        assert not found.is_within_noise()
        assert 0 < found.low < 0.1 < found.high


def test_compare_errors_of_repeated_texts():
    """Texts in several test sets do not count as more evidence than once."""
    a, b = draw_pair(120, seed=2, gap=0.04)
    texts = np.arange(120).repeat(6)
    once, found = compare_errors(a, b), compare_errors(a[texts], b[texts], groups=texts)
    assert found[:3] == pytest.approx(once[:3], abs=1e-12)
    assert found.p_value == pytest.approx(once.p_value, abs=0.05)
    assert compare_errors(a[texts], b[texts]).p_value < found.p_value / 5


# -- intervals -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["few values", "many values"])
def test_bootstrap_interval_agrees_with_scipy(kind):
    """The interval is that of SciPy's percentile bootstrap, up to its noise."""
    random_state = np.random.RandomState(0)
    values = random_state.binomial(1, 0.1, size=400) * 1.0
    if kind == "many values":
        values = 0.1 + 0.3 * random_state.normal(size=400)
    expected = scipy_interval(values)
    low, high = bootstrap_interval(values)
    assert abs(low - expected.low) < 4e-3
    assert abs(high - expected.high) < 4e-3


def test_bootstrap_interval_level():
    """A lower level gives an interval within that of a higher one."""
    values = np.random.RandomState(1).normal(size=200)
    low, high = bootstrap_interval(values)
    inner_low, inner_high = bootstrap_interval(values, level=0.5)
    assert low < inner_low < values.mean() < inner_high < high


@pytest.mark.parametrize("n_wrong", [0, 1, 20, 49, 50])
def test_wilson_interval_agrees_with_scipy(n_wrong):
    expected = scipy.stats.binomtest(n_wrong, 50).proportion_ci(0.9, method="wilson")
    found = wilson_interval(n_wrong, 50, level=0.9)
    assert found == pytest.approx([expected.low, expected.high], abs=1e-14)


def test_noise_of_best_of_several_models():
    """The level is divided by the number of models that the best one is compared to."""
    found = Difference(0.02, 0.0, 0.04, p_value=0.03)
    assert not found.is_within_noise()
    assert not found.is_within_noise(1)
    assert found.is_within_noise(2)
