"""Displays show what was read: in the history, or at rising learning rates."""

import copy
from functools import partial

import matplotlib as mpl
import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

from sktextconv import CharCNNClassifier, TrainingCurveDisplay, make_bow_classifier
from sktextconv.display import LearningRateRangeDisplay
from sktextconv.schedules import ramp

mpl.use("Agg")

HISTORY = [
    {"epoch": 1, "train_loss": 1.5, "train_error": 0.5, "valid_error": 0.4},
    {"epoch": 2, "train_loss": 0.5, "train_error": 0.25, "valid_error": 0.3},
]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    mpl.pyplot.close("all")


def lines_of(axis):
    return {line.get_label(): line.get_xydata().tolist() for line in axis.lines}


def test_loss_and_error_in_percent_are_drawn_over_epochs():
    loss, error = TrainingCurveDisplay({"net": HISTORY}).plot().axes_
    assert lines_of(loss) == {"net, training": [[1, 1.5], [2, 0.5]]}
    assert lines_of(error) == {
        "net, training": [[1, 50], [2, 25]],
        "net, validation": [[1, 40], [2, 30]],
    }
    assert error.get_ylabel() == "error (%)"


def test_several_runs_are_overlaid_in_the_axes_given(corpus):
    fits = [
        CharCNNClassifier(max_length=123, max_epochs=n, random_state=0).fit(*corpus)
        for n in (1, 2)
    ]
    figure, axes = mpl.pyplot.subplots(1, 2)
    display = TrainingCurveDisplay.from_estimator(*fits, axes=axes)
    assert display.figure_ is figure
    assert [len(points) for points in lines_of(axes[0]).values()] == [1, 2]
    assert list(lines_of(axes[0])) == [
        "CharCNNClassifier, training",
        "CharCNNClassifier 2, training",
    ]


def test_an_unfitted_network_has_no_curve():
    with pytest.raises(NotFittedError):
        TrainingCurveDisplay.from_estimator(CharCNNClassifier())


# The range test


def tiny_network(**params):
    """Three minibatches per epoch of the corpus, all of one size."""
    return CharCNNClassifier(max_length=123, batch_size=8, random_state=0, **params)


@pytest.mark.parametrize(
    ("spacing", "spaced"), [("log", np.geomspace), ("linear", np.linspace)]
)
def test_a_range_test_reads_each_minibatch_of_a_training_on_the_ramp(
    corpus, spacing, spaced
):
    display = LearningRateRangeDisplay.from_estimator(
        tiny_network(), *corpus, max_rate=1e-3, n_epochs=4, spacing=spacing, smoothing=0
    )
    np.testing.assert_allclose(display.rates_, spaced(1e-5, 1e-3, 12), rtol=1e-9)
    schedule = partial(ramp, ratio=100, spacing=spacing)
    network = tiny_network(schedule=schedule, learning_rate=1e-3, max_epochs=4)
    history = network.fit(*corpus).history_
    for key, read in (
        ("train_loss", display.losses_),
        ("train_error", display.errors_),
    ):
        by_epoch = [np.mean(read[3 * epoch : 3 * epoch + 3]) for epoch in range(4)]
        assert by_epoch == pytest.approx([row[key] for row in history], rel=1e-5)
    assert display.best_rate_ == display.rates_[display.losses_.argmin()]
    assert display.ax_.get_xscale() == spacing


def test_a_range_test_leaves_the_network_as_it_is(corpus):
    seen = []

    class Count(Callback):
        def on_batch_end(self, net, **kwargs):
            seen.append(net)

    network = tiny_network(
        max_epochs=1,
        callbacks=[Count()],
        early_stopping=True,
        warm_start=True,
    ).set_params(random_state=np.random.RandomState(3))
    network.fit(*corpus)
    seen.clear()
    params = network.get_params()
    state = copy.deepcopy(network.random_state.get_state(legacy=False))
    proba = network.predict_proba(corpus[0])
    display = LearningRateRangeDisplay.from_estimator(
        network, *corpus, max_rate=1e-3, n_epochs=2
    )
    assert len(display.rates_) == 6  # nothing set aside: early stopping is off
    assert len(seen) == 6  # its own callbacks are called
    assert network.net_ not in seen
    assert network.get_params() == params
    np.testing.assert_equal(network.random_state.get_state(legacy=False), state)
    np.testing.assert_array_equal(network.predict_proba(corpus[0]), proba)


def test_a_range_test_ends_where_training_diverges_and_keeps_what_it_read(corpus):
    display = LearningRateRangeDisplay.from_estimator(
        tiny_network(), *corpus, max_rate=1e10, n_epochs=20, smoothing=0
    )
    n_read = len(display.rates_)
    assert 5 < n_read < 60
    ramp_rates = np.geomspace(1e-5, 1e10, 60)
    np.testing.assert_allclose(display.rates_, ramp_rates[:n_read], rtol=1e-9)
    assert np.isfinite(display.losses_).all()
    assert 1e-5 < display.best_rate_ < 1


class Poison(Callback):
    """Makes weights NaN before a minibatch."""

    def __init__(self, n_batches):
        self.n_batches = n_batches

    def on_batch_begin(self, net, **kwargs):
        if self.n_batches == 0:
            with torch.no_grad():
                next(net.module_.parameters()).fill_(torch.nan)
        self.n_batches -= 1


def test_a_range_test_ends_before_a_loss_that_is_not_finite(corpus):
    network = tiny_network(callbacks=[Poison(4)])
    display = LearningRateRangeDisplay.from_estimator(network, *corpus, n_epochs=3)
    np.testing.assert_allclose(display.rates_, np.geomspace(1e-5, 1, 9)[:4])
    with pytest.raises(ValueError, match="finite loss of the first minibatch"):
        LearningRateRangeDisplay.from_estimator(
            tiny_network(callbacks=[Poison(0)]), *corpus
        )


@pytest.mark.parametrize("smoothing", [0, 0.1, 0.35, 0.99])
@pytest.mark.parametrize("n_readings", [1, 2, 3, 10, 41])
def test_readings_are_smoothed_over_those_around_them(smoothing, n_readings):
    rng = np.random.default_rng(0)
    rates = np.geomspace(1e-4, 1, n_readings)
    losses, errors = rng.random((2, n_readings))
    display = LearningRateRangeDisplay(rates, losses, errors, smoothing=smoothing)
    sides = int(smoothing * n_readings / 2)
    for read, smooth in ((losses, display.losses_), (errors, display.errors_)):
        expected = [
            np.mean(read[max(0, i - sides) : i + sides + 1]) for i in range(n_readings)
        ]
        np.testing.assert_allclose(smooth, expected)
    assert display.best_rate_ == rates[display.losses_.argmin()]


def test_one_lucky_minibatch_is_not_the_best_rate():
    rates = np.geomspace(1e-4, 1, 41)
    losses = 1 + np.abs(np.log10(rates / 1e-1))
    losses[5] = 0.9
    assert LearningRateRangeDisplay(rates, losses, losses).best_rate_ == 1e-1
    alone = LearningRateRangeDisplay(rates, losses, losses, smoothing=0)
    assert alone.best_rate_ == rates[5]


def test_loss_error_and_best_rate_are_drawn_over_the_rate():
    figure, ax = mpl.pyplot.subplots()
    display = LearningRateRangeDisplay(
        [0.1, 0.2, 0.3], [3.0, 1.0, 2.0], [0.5, 0.25, 0.75], spacing="linear"
    ).plot(ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    dots, line, best = (line.get_xydata().tolist() for line in ax.lines)
    assert dots == line == [[0.1, 3], [0.2, 1], [0.3, 2]]
    assert [x for x, _ in best] == [0.2, 0.2]
    right = next(axis for axis in figure.axes if axis is not ax)
    assert right.lines[1].get_ydata().tolist() == [50, 25, 75]
    assert right.get_ylabel() == "error (%)"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"min_rate": 0}, "0 < min_rate < max_rate, got min_rate=0 and max_rate=1.0"),
        ({"max_rate": 1e-6}, "got min_rate=1e-05 and max_rate=1e-06"),
        ({"spacing": "cubic"}, "'log' or 'linear', got 'cubic'"),
        ({"smoothing": 1}, "0 <= smoothing < 1, got 1"),
    ],
)
def test_impossible_range_tests_are_refused(corpus, wrong, message):
    with pytest.raises(ValueError, match=message):
        LearningRateRangeDisplay.from_estimator(tiny_network(), *corpus, **wrong)


def test_a_range_test_takes_networks_only(corpus):
    with pytest.raises(TypeError, match=r"Expected a network .*, got Pipeline"):
        LearningRateRangeDisplay.from_estimator(make_bow_classifier(), *corpus)
