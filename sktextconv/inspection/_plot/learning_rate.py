"""Display of the learning-rate range test."""

import functools
import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import clone
from skorch.callbacks import Callback

from ...base import BaseTextNetClassifier
from ...schedules import ramp
from ...utils._fit import NO_CHECKPOINT
from ...utils._optional_dependencies import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LearningRateRangeDisplay"]

# The loss diverges when the mean over the last minibatches exceeds this multiple of the
# median of all.
_N_LAST, _MAX_RATIO = 5, 4


class LearningRateRangeDisplay:
    """Learning-rate range test: loss and error while the learning rate increases.

    A short training run increases the rate with each minibatch. It shows the rates at
    which the network starts to learn and at which training diverges [1]_.

    Parameters
    ----------
    rates : array-like of float of shape (n_readings,)
        The learning rate of each minibatch.
    losses : array-like of float of shape (n_readings,)
        The loss of each minibatch.
    errors : array-like of float of shape (n_readings,)
        Fraction of misclassified texts in each minibatch.
    spacing : {"log", "linear"}, default="log"
        Spacing of the rates, and scale of the axis.
    smoothing : float, default=0.1
        Width of the centered moving average as a fraction of the readings, in [0, 1).
        The window is shorter at both ends.

    Attributes
    ----------
    rates_ : ndarray of shape (n_readings,)
        The rates.
    losses_ : ndarray of shape (n_readings,)
        The smoothed losses.
    errors_ : ndarray of shape (n_readings,)
        The smoothed errors.
    best_rate_ : float
        The rate at the lowest smoothed loss.
    ax_ : matplotlib Axes
        The loss; the error is drawn on a second axis on the right.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    sktextconv.schedules.cyclical : Schedule that cycles up to a maximum rate.

    Notes
    -----
    Use `best_rate_` as the maximum rate of a cyclical schedule whose minimum is a sixth
    of it, the default of `sktextconv.schedules.cyclical`. For a constant rate it is an
    upper bound: the lowest loss comes late, when the network has also seen more texts.
    If it is close to the last rate, increase `max_rate`.

    The paper uses the accuracy. Over single minibatches it is coarse: in a short test
    the best accuracy often occurs by chance at a rate too low to learn anything.
    `best_rate_` uses the loss instead.

    References
    ----------
    .. [1] L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", WACV
       2017. https://arxiv.org/abs/1506.01186

    Examples
    --------
    >>> from sktextconv import CharCNNClassifier
    >>> from sktextconv.inspection import LearningRateRangeDisplay
    >>> texts, labels = ["good", "fine", "bad", "poor"] * 8, [1, 1, 0, 0] * 8
    >>> classifier = CharCNNClassifier(max_length=123, batch_size=8, random_state=0)
    >>> display = LearningRateRangeDisplay.from_estimator(
    ...     classifier, texts, labels, n_epochs=5, max_rate=0.01
    ... )
    >>> len(display.rates_)
    20
    >>> classifier = classifier.set_params(
    ...     schedule="triangular", learning_rate=display.best_rate_
    ... )
    """

    def __init__(
        self,
        rates: ArrayLike,
        losses: ArrayLike,
        errors: ArrayLike,
        *,
        spacing: Literal["log", "linear"] = "log",
        smoothing: float = 0.1,
    ) -> None:
        self.spacing = spacing
        self.smoothing = smoothing
        self.losses, self.errors = losses, errors
        n_sides = int(smoothing * len(rates) / 2)
        self.rates_ = np.array(rates)
        self.losses_ = _running_mean(losses, n_sides)
        self.errors_ = _running_mean(errors, n_sides)
        self.best_rate_ = float(self.rates_[self.losses_.argmin()])

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseTextNetClassifier,
        X: Collection[str],
        y: ArrayLike,
        *,
        min_rate: float = 1e-5,
        max_rate: float = 1.0,
        n_epochs: int = 1,
        spacing: Literal["log", "linear"] = "log",
        smoothing: float = 0.1,
        ax: "Axes | None" = None,
    ) -> Self:
        """Train a clone of a network with increasing rates, and draw the losses.

        Training stops early when the loss is not finite, or when its mean over the last
        5 minibatches exceeds 4 times the median. The readings so far are drawn.

        Parameters
        ----------
        estimator : network classifier, such as CharCNNClassifier
            It is not changed: a clone is trained in this process, on all texts, with
            its own optimizer and without a checkpoint.
        X : array-like of str of shape (n_samples,)
            Texts.
        y : array-like of shape (n_samples,)
            Class labels.
        min_rate : float, default=1e-5
            Rate of the first minibatch.
        max_rate : float, default=1.0
            Rate of the last minibatch.
        n_epochs : int, default=1
            Epochs of the test. A smooth curve needs a hundred minibatches or more.
        spacing : {"log", "linear"}, default="log"
            Whether consecutive rates have a constant ratio or a constant difference.
        smoothing : float, default=0.1
            Width of the moving average as a fraction of the readings, in [0, 1).
        ax : matplotlib Axes, default=None
            Axes to draw in; None creates a figure.

        Returns
        -------
        display : LearningRateRangeDisplay

        Raises
        ------
        TypeError
            If `estimator` is not one of the networks.
        ValueError
            If a parameter is out of range, or the first loss is not finite.
        ImportError
            If matplotlib is not installed.
        """
        # Fail before training if matplotlib is missing.
        require("matplotlib.pyplot", by=cls.__name__, extra="plot")
        _check_range_test(estimator, min_rate, max_rate, spacing, smoothing)
        readings = []

        def read(rate, loss, error):
            if not math.isfinite(loss):
                raise _DivergedError
            readings.append((rate, loss, error))
            losses = [loss for _, loss, _ in readings]
            if np.mean(losses[-_N_LAST:]) > _MAX_RATIO * np.median(losses):
                raise _DivergedError

        schedule = functools.partial(ramp, ratio=max_rate / min_rate, spacing=spacing)
        probe = clone(estimator).set_params(
            learning_rate=max_rate,
            schedule=schedule,
            max_epochs=n_epochs,
            early_stopping=False,
            n_workers=None,  # other processes could not call `read`
            **NO_CHECKPOINT,
            callbacks=[*(estimator.callbacks or ()), _BatchReader(read)],
        )
        try:
            probe.fit(X, y)
        except _DivergedError:
            if not readings:
                raise ValueError(
                    "Expected a finite loss of the first minibatch, with "
                    f"min_rate={min_rate:g}, got NaN or infinity. Check the initial "
                    "weights of the network."
                ) from None
        rates, losses, errors = zip(*readings, strict=True)
        return cls(rates, losses, errors, spacing=spacing, smoothing=smoothing).plot(
            ax=ax
        )

    def plot(self, *, ax: "Axes | None" = None) -> Self:
        """Draw loss and error over the rate, with a line at the best rate.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in; None creates a figure.

        Returns
        -------
        display : LearningRateRangeDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        pyplot = require("matplotlib.pyplot", by=type(self).__name__, extra="plot")
        if ax is None:
            _, ax = pyplot.subplots(layout="constrained")
        # Clip the losses of a diverging network, which would dominate the scale.
        top = 1.5 * self.losses_[0]
        for axis, label, color, read, smooth, limit in (
            (ax, "loss (cross-entropy)", "C0", self.losses, self.losses_, top),
            (ax.twinx(), "error (%)", "C1", self.errors, self.errors_, 100),
        ):
            scale = 100 if "%" in label else 1
            axis.plot(self.rates_, scale * np.array(read), ".", color=color, alpha=0.25)
            axis.plot(self.rates_, scale * smooth, color=color)
            axis.set_ylim(0, limit)
            axis.set_ylabel(label, color=color)
        best = f"best: {self.best_rate_:.2g}"
        ax.axvline(self.best_rate_, color="black", linestyle=":", label=best)
        ax.set(xlabel="learning rate", xscale=self.spacing)
        ax.grid(alpha=0.3)
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


class _BatchReader(Callback):
    """Callback that calls ``read(rate, loss, error)`` after each minibatch."""

    def __init__(self, read):
        # A function rather than a list, because copies of the callback share it.
        self.read = read

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        self.rate = net.optimizer_.param_groups[0]["lr"]

    def on_batch_end(self, net, batch, training, loss, y_pred, **kwargs):
        error = (y_pred.argmax(1) != batch[1][0]).float().mean()
        self.read(self.rate, *torch.stack([loss.detach(), error]).tolist())


class _DivergedError(Exception):
    """Signal that ends a range test early."""


def _check_range_test(estimator, min_rate, max_rate, spacing, smoothing):
    if not isinstance(estimator, BaseTextNetClassifier):
        raise TypeError(
            "Expected a network such as CharCNNClassifier as estimator, got "
            f"{type(estimator).__name__}."
        )
    if not 0 < min_rate < max_rate < math.inf:
        raise ValueError(
            f"Expected 0 < min_rate < max_rate, got min_rate={min_rate!r} and "
            f"max_rate={max_rate!r}."
        )
    if spacing not in ("log", "linear"):
        raise ValueError(f"Expected spacing to be 'log' or 'linear', got {spacing!r}.")
    if not 0 <= smoothing < 1:
        raise ValueError(f"Expected 0 <= smoothing < 1, got {smoothing!r}.")


def _running_mean(values, n_sides):
    """Return the mean of each value and up to `n_sides` values on either side."""
    window = np.ones(2 * n_sides + 1)
    counts = np.convolve(np.ones(len(values)), window, mode="same")
    return np.convolve(values, window, mode="same") / counts
