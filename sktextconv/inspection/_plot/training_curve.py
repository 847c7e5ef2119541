"""Display of loss, error and learning rate by epoch."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ...utils._optional_dependencies import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TrainingCurveDisplay"]

# Label of each panel with its lines: key in a history record and name of the data.
_PANELS = {
    "loss (cross-entropy)": {"train_loss": "training", "valid_loss": "validation"},
    "error (%)": {"train_error": "training", "valid_error": "validation"},
    "learning rate": {"learning_rate": "training"},
}

# Characters of a label in the legend, and of a line of the legend.
_MAX_LABEL, _LEGEND_WIDTH = 90, 150


class TrainingCurveDisplay:
    """Loss, error and learning rate by epoch, of one or more training runs.

    Parameters
    ----------
    histories : dict of str to list of dict
        Name for the legend and `history_` of each fitted classifier.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (3,)
        Loss, error and learning rate.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Score by number of training samples.

    Notes
    -----
    Training loss and error are means over the epoch, with dropout; validation loss and
    error are computed after the epoch, without dropout. The learning rate is the one at
    the start of the epoch.

    Examples
    --------
    >>> from sktextconv import CharCNNClassifier, TrainingCurveDisplay
    >>> texts, labels = ["good", "fine", "bad", "poor"] * 4, [1, 1, 0, 0] * 4
    >>> classifier = CharCNNClassifier(max_length=123, max_epochs=2, random_state=0)
    >>> display = TrainingCurveDisplay.from_estimator(classifier.fit(texts, labels))
    >>> [axis.get_ylabel() for axis in display.axes_]
    ['loss (cross-entropy)', 'error (%)', 'learning rate']
    """

    def __init__(self, histories: Mapping[str, list[dict]]) -> None:
        self.histories = histories

    @classmethod
    def from_estimator(
        cls, *estimators: BaseEstimator, axes: "Sequence[Axes] | None" = None
    ) -> Self:
        """Draw the training history of fitted networks.

        Parameters
        ----------
        *estimators : fitted classifiers
            All are drawn in the same axes, numbered if they have the same class.
        axes : sequence of three matplotlib Axes, default=None
            Axes to draw in; None creates a figure.

        Returns
        -------
        display : TrainingCurveDisplay
        """
        histories = {}
        for estimator in estimators:
            check_is_fitted(estimator)
            name, number = type(estimator).__name__, 2
            while name in histories:
                name, number = f"{type(estimator).__name__} {number}", number + 1
            histories[name] = estimator.history_
        return cls(histories).plot(axes=axes)

    def plot(self, *, axes: "Sequence[Axes] | None" = None) -> Self:
        """Draw the histories.

        Parameters
        ----------
        axes : sequence of three matplotlib Axes, default=None
            Axes to draw in; None creates a figure.

        Returns
        -------
        display : TrainingCurveDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        pyplot = require("matplotlib.pyplot", by=type(self).__name__, extra="plot")
        own = axes is None
        if own:
            _, axes = pyplot.subplots(1, 3, figsize=(12, 4), layout="constrained")
        styles = {"training": "-", "validation": "--"}
        n_epochs = max(
            (row["epoch"] for history in self.histories.values() for row in history),
            default=1,
        )
        for axis, (label, lines) in zip(axes, _PANELS.items(), strict=True):
            scale = 100 if "%" in label else 1
            for number, (name, history) in enumerate(self.histories.items()):
                for key, subset in lines.items():
                    points = [(row["epoch"], row[key]) for row in history if key in row]
                    if points:
                        epochs, values = zip(*points, strict=True)
                        axis.plot(
                            epochs,
                            [scale * value for value in values],
                            styles[subset],
                            color=f"C{number}",
                            marker=".",
                            label=f"{name}, {subset}",
                        )
            axis.set(xlabel="epoch", ylabel=label)
            # Room for whole markers at the highest value and at zero.
            top = max((max(line.get_ydata()) for line in axis.get_lines()), default=1)
            axis.set_ylim(-0.03 * (top or 1), 1.07 * (top or 1))
            axis.set_xlim(0.5, n_epochs + 0.5)
            axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
            axis.grid(alpha=0.3)
        if own:
            _draw_legend(axes)
        else:
            axes[0].legend()
        self.axes_, self.figure_ = axes, axes[0].figure
        return self


def _draw_legend(axes):
    """Draw one legend below all axes, in as many columns as fit."""
    entries = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    if entries:
        longest = max(map(len, entries))
        axes[0].figure.legend(
            entries.values(),
            [textwrap.shorten(label, _MAX_LABEL) for label in entries],
            loc="outside lower center",
            ncols=max(_LEGEND_WIDTH // (min(longest, _MAX_LABEL) + 8), 1),
            frameon=False,
        )
