"""The training curve shows what the history holds."""

import matplotlib as mpl
import pytest
from sklearn.exceptions import NotFittedError

from sktextconv import CharCNNClassifier, TrainingCurveDisplay

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
