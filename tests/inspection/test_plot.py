"""Displays of training curves, range tests, texts and filters."""

import copy
import re
from functools import partial

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import pyplot
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

from sktextconv import (
    CharCNNClassifier,
    CharFiltersDisplay,
    HANClassifier,
    TextWeightsDisplay,
    TrainingCurveDisplay,
    explain,
    make_bow_classifier,
)
from sktextconv.inspection import Attribution, Span
from sktextconv.inspection._highlight import contrast, highlight_color
from sktextconv.inspection._html import to_html
from sktextconv.inspection._plot.learning_rate import LearningRateRangeDisplay
from sktextconv.schedules import ramp

mpl.use("Agg")

HISTORY = [
    {
        "epoch": epoch,
        "train_loss": loss,
        "train_error": error,
        "valid_error": valid_error,
        "learning_rate": rate,
    }
    for epoch, loss, error, valid_error, rate in (
        (1, 1.5, 0.5, 0.4, 0.01),
        (2, 0.5, 0.25, 0.3, 0.005),
    )
]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def lines_of(axis):
    return {line.get_label(): line.get_xydata().tolist() for line in axis.lines}


def test_training_curve_lines():
    loss, error, rate = TrainingCurveDisplay({"net": HISTORY}).plot().axes_
    assert lines_of(loss) == {"net, training": [[1, 1.5], [2, 0.5]]}
    assert lines_of(error) == {
        "net, training": [[1, 50], [2, 25]],
        "net, validation": [[1, 40], [2, 30]],
    }
    assert error.get_ylabel() == "error (%)"
    assert lines_of(rate) == {"net, training": [[1, 0.01], [2, 0.005]]}


@pytest.mark.parametrize("n_epochs", [1, 2, 30])
def test_training_curve_epoch_ticks_are_integers(n_epochs):
    history = [HISTORY[0] | {"epoch": epoch} for epoch in range(1, n_epochs + 1)]
    display = TrainingCurveDisplay({"net": history, "none": []}).plot()
    for axis in display.axes_:
        low, high = axis.get_xlim()
        ticks = [tick for tick in axis.get_xticks() if low <= tick <= high]
        assert ticks
        assert all(tick == round(tick) for tick in ticks)


def test_training_curve_overlays_runs_in_given_axes(corpus):
    fits = [
        CharCNNClassifier(max_length=123, max_epochs=n, random_state=0).fit(*corpus)
        for n in (1, 2)
    ]
    figure, axes = pyplot.subplots(1, 3)
    display = TrainingCurveDisplay.from_estimator(*fits, axes=axes)
    assert display.figure_ is figure
    assert [len(line) for line in lines_of(axes[2]).values()] == [1, 2]
    assert [len(points) for points in lines_of(axes[0]).values()] == [1, 2]
    assert list(lines_of(axes[0])) == [
        "CharCNNClassifier, training",
        "CharCNNClassifier 2, training",
    ]


@pytest.mark.parametrize("names", [["net"], ["long name of a network " * 3, "b", "c"]])
def test_training_curve_clips_nothing(names):
    """Points are inside the axes, labels inside the figure, the legend below."""
    flat = [{**row, "train_loss": 0.5 + 1e-4 * row["epoch"]} for row in HISTORY]
    flat[1] |= {"train_error": 0.0}
    display = TrainingCurveDisplay(dict.fromkeys(names, flat)).plot()
    figure = display.figure_
    figure.canvas.draw()
    for axis in display.axes_:
        low, high = axis.get_ylim()
        for line in axis.get_lines():
            margin = 0.01 * (high - low)
            assert low + margin < min(line.get_ydata())
            assert max(line.get_ydata()) < high - margin
        labels = [axis.xaxis.label, axis.yaxis.label, *axis.get_yticklabels()]
        for label in labels:
            box = label.get_window_extent()
            assert box.x0 >= 0
            assert box.y0 >= 0
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert figure.bbox.x0 <= box.x0
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= 0
    assert not any(box.overlaps(axis.get_tightbbox()) for axis in display.axes_)
    assert len(legend.get_texts()) == 2 * len(names)


def test_training_curve_of_unfitted_network():
    with pytest.raises(NotFittedError):
        TrainingCurveDisplay.from_estimator(CharCNNClassifier())


# -- range test ----------------------------------------------------------------------


def tiny_network(**params):
    """Return a network that trains on three equal minibatches per epoch."""
    return CharCNNClassifier(max_length=123, batch_size=8, random_state=0, **params)


@pytest.mark.parametrize(
    ("spacing", "spaced"), [("log", np.geomspace), ("linear", np.linspace)]
)
def test_range_test_matches_training_with_ramp(corpus, spacing, spaced):
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


def test_range_test_does_not_change_network(corpus):
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
    # No validation texts are held out: early stopping is off.
    assert len(display.rates_) == 6
    # The callbacks of the network are called.
    assert len(seen) == 6
    assert network.net_ not in seen
    assert network.get_params() == params
    np.testing.assert_equal(network.random_state.get_state(legacy=False), state)
    np.testing.assert_array_equal(network.predict_proba(corpus[0]), proba)


def test_range_test_leaves_checkpoint_and_workers_alone(corpus, tmp_path):
    """The test neither writes nor reads a checkpoint, and needs no other process."""
    path = tmp_path / "state"
    network = tiny_network(checkpoint=path, max_epochs=2).fit(*corpus)
    before = path.read_bytes()
    display = LearningRateRangeDisplay.from_estimator(
        network.set_params(resume=True, n_workers=2), *corpus, max_rate=1e-3
    )
    assert len(display.rates_) == 3
    assert path.read_bytes() == before


def test_range_test_stops_when_training_diverges(corpus):
    """The readings before the divergence are kept."""
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
    """Callback that sets weights to NaN after some minibatches."""

    def __init__(self, n_batches):
        self.n_batches = n_batches

    def on_batch_begin(self, net, **kwargs):
        if self.n_batches == 0:
            with torch.no_grad():
                next(net.module_.parameters()).fill_(torch.nan)
        self.n_batches -= 1


def test_range_test_stops_before_nonfinite_loss(corpus):
    network = tiny_network(callbacks=[Poison(4)])
    display = LearningRateRangeDisplay.from_estimator(network, *corpus, n_epochs=3)
    np.testing.assert_allclose(display.rates_, np.geomspace(1e-5, 1, 9)[:4])
    with pytest.raises(ValueError, match="finite loss of the first minibatch"):
        LearningRateRangeDisplay.from_estimator(
            tiny_network(callbacks=[Poison(0)]), *corpus
        )


@pytest.mark.parametrize("smoothing", [0, 0.1, 0.35, 0.99])
@pytest.mark.parametrize("n_readings", [1, 2, 3, 10, 41])
def test_range_test_smoothing_is_centered_mean(smoothing, n_readings):
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


def test_best_rate_ignores_outlier():
    rates = np.geomspace(1e-4, 1, 41)
    losses = 1 + np.abs(np.log10(rates / 1e-1))
    losses[5] = 0.9
    assert LearningRateRangeDisplay(rates, losses, losses).best_rate_ == 1e-1
    alone = LearningRateRangeDisplay(rates, losses, losses, smoothing=0)
    assert alone.best_rate_ == rates[5]


def test_range_test_lines():
    figure, ax = pyplot.subplots()
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
def test_range_test_invalid_parameters(corpus, wrong, message):
    with pytest.raises(ValueError, match=message):
        LearningRateRangeDisplay.from_estimator(tiny_network(), *corpus, **wrong)


def test_range_test_of_other_estimator(corpus):
    with pytest.raises(TypeError, match=r"Expected a network .*, got Pipeline"):
        LearningRateRangeDisplay.from_estimator(make_bow_classifier(), *corpus)


# -- texts ---------------------------------------------------------------------------

SENTENCES = ["Good fine abc. Bad bore, so bad!", "Fine good. A bore?"] * 6


@pytest.fixture(scope="module")
def han():
    network = HANClassifier(min_count=1, embedding_dim=8, hidden_dim=4, max_epochs=1)
    return network.set_params(random_state=0).fit(SENTENCES, [0, 1] * 6)


def boxes_of(display):
    """Return the boxes of words, then the bars, without the white page."""
    page, *boxes = [p for p in display.ax_.patches if hasattr(p, "get_width")]
    assert color_of(page) == (255, 255, 255)
    return boxes


def glyphs_of(display):
    return [patch for patch in display.ax_.patches if not hasattr(patch, "get_width")]


def color_of(patch):
    return tuple(round(255 * channel) for channel in patch.get_facecolor()[:3])


def test_text_weights_highlights_words_in_order(corpus):
    classifier = make_bow_classifier().fit(*corpus)
    display = TextWeightsDisplay.from_estimator(
        classifier, "good xxzz, abc", target="neg"
    )
    attribution = explain(classifier, "good xxzz, abc", target="neg")
    assert display.attribution == attribution
    boxes = boxes_of(display)
    fractions = attribution.weights / np.abs(attribution.weights).max()
    assert [color_of(box) for box in boxes] == list(map(highlight_color, fractions))
    left = [box.get_x() for box in boxes]
    assert left == sorted(left)
    ends = [box.get_x() + box.get_width() for box in boxes]
    assert all(end <= start for end, start in zip(ends, left[1:], strict=False))
    assert left[2] == pytest.approx(ends[1])  # no gap before a comma
    assert len(glyphs_of(display)) == 4
    for box, glyphs in zip(boxes, glyphs_of(display), strict=True):
        assert contrast(color_of(box), color_of(glyphs)) >= 4.5
        inside = glyphs.get_path().get_extents()
        assert box.get_x() <= inside.x0 < inside.x1 <= box.get_x() + box.get_width()
    assert display.ax_.get_title() == "neg, by occlusion"
    assert display._repr_html_() == to_html(attribution)


def test_text_weights_bar_lengths_of_sentences(han):
    figure, ax = pyplot.subplots()
    display = TextWeightsDisplay.from_estimator(
        han, SENTENCES[0], method="attention", ax=ax
    )
    assert display.ax_ is ax
    assert display.figure_ is figure
    attribution = display.attribution
    boxes = boxes_of(display)
    words, bars = boxes[: len(attribution.spans)], boxes[len(attribution.spans) :]
    assert len(bars) == len(attribution.sentences) == 2
    weights = [sentence.weight for sentence in attribution.sentences]
    lengths = [bar.get_width() for bar in bars]
    assert lengths[0] / lengths[1] == pytest.approx(weights[0] / weights[1])
    assert all(
        bar.get_x() + bar.get_width() < 0 <= min(w.get_x() for w in words)
        for bar in bars
    )
    # Each sentence has separate lines, with its bar on the first one.
    rows = [round(word.get_y(), 6) for word in words]
    n_first = sum(s.end <= attribution.sentences[0].end for s in attribution.spans)
    assert set(rows[:n_first]).isdisjoint(rows[n_first:])
    for bar, row in zip(bars, (rows[0], rows[n_first]), strict=True):
        assert row < bar.get_y() < row + words[0].get_height()


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\n",
        "$x$ costs \\frac $5",
        "\x00\ud83d 😀 漢字 e\u0301 \u200b \u202e שלום",
        "W" * 500 + " " + "i" * 700 + " short",
        "one two, three. " * 40 + "\n\n\tindented",
    ],
    ids=["empty", "blank", "dollars", "strange", "long words", "long text"],
)
def test_text_weights_fit_into_page(text, tmp_path):
    words = [Span(*m.span(), 1.0) for m in re.finditer(r"\w+|[^\w\s]", text)]
    display = TextWeightsDisplay.from_attribution(
        Attribution(text, "$l$ \ud83d", "occlusion", tuple(words), 0.0)
    )
    display.figure_.savefig(tmp_path / "text.png", dpi=20)
    (left, right), (low, high) = display.ax_.get_xlim(), display.ax_.get_ylim()
    for patch in display.ax_.patches[1:]:  # without the page
        box = patch.get_path().transformed(patch.get_patch_transform()).get_extents()
        # Invisible glyphs have no extent.
        if np.isfinite(box.extents).all():
            assert left <= box.x0 <= box.x1 <= right
            assert low <= box.y0 <= box.y1 <= high
    assert display.ax_.get_title() == "$l$ \ufffd, by occlusion"
    box = display.figure_.get_tightbbox()
    assert box.x1 - box.x0 <= display.figure_.get_figwidth()
    assert box.y1 - box.y0 <= display.figure_.get_figheight()


@pytest.mark.parametrize("unit", ["word\n", "x", "somewhat longer "])
def test_text_weights_truncates_long_text(unit):
    display = TextWeightsDisplay.from_attribution(
        Attribution(unit * 50_000, "pos", "occlusion", (), 0.0)
    )
    bottoms = [patch.get_path().vertices[:, 1].min() for patch in glyphs_of(display)]
    assert 99 <= (max(bottoms) - min(bottoms)) / 1.7 <= 101
    assert display.figure_.get_figheight() < 40


def test_text_weights_truncates_long_label():
    label = "a label\nof lines " * 20
    display = TextWeightsDisplay.from_attribution(
        Attribution("a text", label, "occlusion", (), 0.0)
    )
    title = "a label of lines a label of lines a label of lines a label …, by occlusion"
    assert display.ax_.get_title() == title


def test_text_weights_invalid_arguments(han):
    with pytest.raises(ValueError, match="'lime'"):
        TextWeightsDisplay.from_estimator(han, "a text", method="lime")
    with pytest.raises(NotFittedError):
        TextWeightsDisplay.from_estimator(CharCNNClassifier(), "a text")


# -- filters -------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [True, False])
def test_char_filters_largest_first(corpus, reverse):
    """The largest filters are drawn, with columns in reading order."""
    network = tiny_network(max_epochs=1, alphabet="paper", reverse=reverse)
    network.fit(*corpus)
    weight = network.net_.module_.convolutions[0].weight
    with torch.no_grad():
        weight.mul_(0.01)
        weight[7, 2, 0, 5] = 3.0  # "c" at the last position but one
        weight[9, :, 0, 0] = -0.5
        weight[9, 0, 0, 1] = 0.6
    figure, axes = pyplot.subplots(1, 3)
    display = CharFiltersDisplay.from_estimator(network, n_filters=3, axes=axes)
    assert display.figure_ is figure
    assert display.numbers[:2].tolist() == [9, 7]
    window = weight[9, :, 0].detach().numpy()
    expected = window[:, ::-1] if reverse else window
    np.testing.assert_array_equal(display.filters[0], expected)
    np.testing.assert_array_equal(axes[0].images[0].get_array(), expected)
    titles = [axis.get_title() for axis in axes]
    assert titles[0] == "9\n" + ("·····a␣" if reverse else "␣a·····")
    assert titles[1] == "7\n" + ("·c·····" if reverse else "·····c·")
    labels = [label.get_text() for label in axes[0].get_yticklabels()]
    assert labels == [*network.encoder_.characters[:-1], "↵"]
    limits = {axis.images[0].get_clim() for axis in axes}
    assert limits == {(-3.0, 3.0)}


@pytest.mark.filterwarnings("ignore:.* outside the alphabet")
def test_char_filters_of_any_alphabet(corpus, tmp_path):
    network = tiny_network(max_epochs=1, alphabet="a\ud83d $\x00").fit(*corpus)
    display = CharFiltersDisplay.from_estimator(network)
    assert len(display.axes_) == 10
    display.figure_.savefig(tmp_path / "filters.png", dpi=20)


def test_char_filters_invalid_arguments(corpus):
    with pytest.raises(TypeError, match=r"fitted CharCNNClassifier .*, got Pipeline"):
        CharFiltersDisplay.from_estimator(make_bow_classifier().fit(*corpus))
    with pytest.raises(NotFittedError):
        CharFiltersDisplay.from_estimator(CharCNNClassifier())
    network = tiny_network(max_epochs=1).fit(*corpus)
    for n_filters in (0, 257):
        with pytest.raises(ValueError, match=f"n_filters <= 256, got {n_filters}"):
            CharFiltersDisplay.from_estimator(network, n_filters=n_filters)
