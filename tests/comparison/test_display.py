"""Figures of a comparison, drawn with matplotlib."""

import itertools
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot

from sktextconv import ComparisonDisplay
from sktextconv.comparison import Estimate
from sktextconv.comparison._charts import find_frontier

from .synthetic import TWELVE, make_comparison

mpl.use("Agg")

KINDS = ("cost", "learning", "noise", "confusion")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def twelve():
    return make_comparison(TWELVE, n_test=400, fractions=(0.1, 0.3), noise=(0.1,))


def labels_of(ax):
    """Return the boxes of the annotations by their text."""
    ax.figure.figure.draw_without_rendering()
    return {
        text.get_text(): mpl.text.Text.get_window_extent(text)
        for text in ax.texts
        if isinstance(text, mpl.text.Annotation)
    }


def test_cost_has_errors_with_intervals(twelve):
    ax = twelve.plot().ax_
    points = [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in ax.lines
        if line.get_marker() == "o"
    ]
    assert sorted(points) == sorted(
        (result.cpu_seconds.value, 100 * result.error.value)
        for result in twelve.results
    )
    bars = [segment for bar in ax.collections for segment in bar.get_segments()]
    assert sorted(bar[:, 1].tolist() for bar in bars) == sorted(
        [100 * result.error.low, 100 * result.error.high] for result in twelve.results
    )


def test_frontier_is_lowest_error_by_cost(twelve):
    """The dashed line is the running minimum of the errors, by increasing cost."""
    (line,) = [line for line in twelve.plot().ax_.lines if line.get_linestyle() == "--"]
    by_cost = sorted(twelve.results, key=lambda each: each.cpu_seconds.value)
    lowest = np.minimum.accumulate([100 * each.error.value for each in by_cost])
    times = np.array([each.cpu_seconds.value for each in by_cost])
    for x, y in line.get_xydata()[::2]:
        assert y == pytest.approx(lowest[times <= x].min(initial=lowest[0]))
    assert set(line.get_ydata()) == set(lowest)


@pytest.mark.parametrize("kind", ["cost", "learning", "noise"])
@pytest.mark.parametrize("size", [(8, 4.5), (5, 4)])
def test_labels_of_models_do_not_overlap(twelve, kind, size):
    _, ax = pyplot.subplots(figsize=size, layout="constrained")
    labels = labels_of(twelve.plot(kind=kind, ax=ax).ax_)
    assert labels.keys() == TWELVE.keys()
    for one, other in itertools.combinations(labels.values(), 2):
        assert not one.overlaps(other)


def test_learning_curves_have_points_of_comparison(twelve):
    ax = twelve.plot(kind="learning").ax_
    drawn = [line.get_xydata().tolist() for line in ax.lines]
    assert drawn == [
        [[x, 100 * error.value] for x, error in curve.points]
        for curve in twelve.learning_curves()
    ]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["30", "90", "300"]


def test_confusion_has_counts(twelve):
    ax = twelve.plot(kind="confusion").ax_
    assert [int(text.get_text()) for text in ax.texts] == [*twelve.confusion().flat]


def test_confusion_of_many_classes_has_pairs():
    classes = [f"class {number}" for number in range(30)]
    comparison = make_comparison({"a": (0.3, 1)}, classes=classes, n_test=600)
    ax = comparison.plot(kind="confusion").ax_
    counts = comparison.confusion()
    np.fill_diagonal(counts, 0)
    widths = [int(bar.get_width()) for bar in ax.patches]
    assert widths[::-1] == np.sort(counts, axis=None)[::-1][:15].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_axes_are_used(twelve, kind):
    figure, ax = pyplot.subplots()
    display = ComparisonDisplay.from_comparison(twelve, kind=kind, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure


@pytest.mark.parametrize("kind", KINDS)
def test_axes_of_subfigures_are_used(twelve, kind):
    figure = pyplot.figure(figsize=(16, 5), layout="constrained")
    _, right = figure.subfigures(1, 2)
    display = twelve.plot(kind=kind, ax=right.subplots())
    assert display.figure_ is figure
    assert len(labels_of(display.ax_)) in (0, 12)


@pytest.mark.parametrize("seconds", [(1, 1), (0, 0), (0, 5), (1, 1.01)])
def test_cost_with_few_times(seconds):
    """Axes have room for models of the same time, and of none."""
    models = {"a": (0.1, seconds[0]), "b": (0.3, seconds[1])}
    for some in (models, {"a": models["a"]}):
        assert len(labels_of(make_comparison(some).plot().ax_)) == len(some)


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_no_formulas(kind, tmp_path):
    """Dollar signs and backslashes in names and labels are drawn as they are."""
    comparison = make_comparison(
        {r"$\frac{": (0.1, 1), "$b$": (0.2, 2)},
        classes=("$", r"$\x$"),
        fractions=(0.5,),
        noise=(0.1,),
    )
    comparison.plot(kind=kind).figure_.savefig(tmp_path / "a.png")


def test_unknown_kind_is_rejected(twelve):
    with pytest.raises(ValueError, match="'cost', 'learning', 'noise', 'confusion'"):
        twelve.plot(kind="costs")


@pytest.mark.parametrize(
    ("kind", "hint"), [("learning", "train_sizes"), ("noise", "noise")]
)
def test_missing_curves_are_named(kind, hint):
    with pytest.raises(ValueError, match=f"Pass {hint} to compare"):
        make_comparison({"a": (0.1, 1)}).plot(kind=kind)


def test_frontier_excludes_slower_and_worse_models():
    """The frontier has the faster of two models with equal errors."""
    made = {"slow": (9, 4.0), "fast": (1, 5.0), "worse": (2, 6.0), "tied": (3, 5.0)}
    results = [
        SimpleNamespace(
            model=model, cpu_seconds=Estimate(*[cost] * 3), error=Estimate(*[error] * 3)
        )
        for model, (cost, error) in made.items()
    ]
    assert find_frontier(results) == ["fast", "slow"]
