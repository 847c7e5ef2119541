"""Pictures of fitted classifiers, drawn with matplotlib when asked to."""

import functools
import itertools
import math
import re
import warnings

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback

from ._optional import require
from .base import BaseTextNetClassifier
from .explaining import explain
from .networks import CharCNNClassifier
from .schedules import ramp
from .shading import AGAINST, FOR, ink, rows_of, shade, to_html, visible

__all__ = [
    "CharFiltersDisplay",
    "LearningRateRangeDisplay",
    "TextWeightsDisplay",
    "TrainingCurveDisplay",
]

# What a panel shows: its label and, in an epoch's record, the key of each line.
_PANELS = {
    "loss (cross-entropy)": {"train_loss": "training", "valid_loss": "validation"},
    "error (%)": {"train_error": "training", "valid_error": "validation"},
    "learning rate": {"learning_rate": "training"},
}


class TrainingCurveDisplay:
    """Loss, error and learning rate of one training or more, epoch by epoch.

    Parameters
    ----------
    histories : dict of str to list of dict
        The `history_` of each fitted classifier, under the name to show it by.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (3,)
        Loss, error and learning rate.
    figure_ : matplotlib Figure
        The figure that holds them.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Error against the number of texts.

    Notes
    -----
    Training loss and error are means over the epoch, with dropout on; those of the
    validation texts are measured after it, with dropout off. The learning rate is that
    at the start of the epoch.

    Examples
    --------
    >>> from sktextconv import CharCNNClassifier, TrainingCurveDisplay
    >>> texts, labels = ["good", "fine", "bad", "poor"] * 4, [1, 1, 0, 0] * 4
    >>> classifier = CharCNNClassifier(max_length=123, max_epochs=2, random_state=0)
    >>> display = TrainingCurveDisplay.from_estimator(classifier.fit(texts, labels))
    >>> [axis.get_ylabel() for axis in display.axes_]
    ['loss (cross-entropy)', 'error (%)', 'learning rate']
    """

    def __init__(self, histories):
        self.histories = histories

    @classmethod
    def from_estimator(cls, *estimators, axes=None):
        """Draw the training of fitted networks.

        Parameters
        ----------
        *estimators : fitted classifiers
            Several are drawn over one another, numbered if they share a class.
        axes : sequence of three matplotlib Axes, default=None
            Where to draw; None makes a new figure.

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

    def plot(self, *, axes=None):
        """Draw the histories.

        Parameters
        ----------
        axes : sequence of three matplotlib Axes, default=None
            Where to draw; None makes a new figure.

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
        if axes is None:
            _, axes = pyplot.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
        styles = {"training": "-", "validation": "--"}
        n_epochs = max(
            (row["epoch"] for history in self.histories.values() for row in history),
            default=1,
        )
        for axis, (label, lines) in zip(axes, _PANELS.items(), strict=True):
            scale = 100 if "%" in label else 1
            for number, (name, history) in enumerate(self.histories.items()):
                for key, part in lines.items():
                    points = [(row["epoch"], row[key]) for row in history if key in row]
                    if points:
                        epochs, values = zip(*points, strict=True)
                        axis.plot(
                            epochs,
                            [scale * value for value in values],
                            styles[part],
                            color=f"C{number}",
                            marker=".",
                            label=f"{name}, {part}",
                        )
            axis.set(xlabel="epoch", ylabel=label, ylim=(0, None))
            axis.set_xlim(0.5, n_epochs + 0.5)
            axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
            axis.grid(alpha=0.3)
        axes[0].legend()
        self.axes_, self.figure_ = axes, axes[0].figure
        return self


# A range test ends where the mean of the last losses is this many times their median.
_DIVERGED, _N_LAST = 4, 5


class LearningRateRangeDisplay:
    """Training error and loss while the learning rate rises, to choose a rate by.

    A short training, in which each minibatch has a higher rate than the one before,
    shows from which rate on a network learns and where it no longer does [1]_.

    Parameters
    ----------
    rates : array-like of float of shape (n_readings,)
        The learning rate of each minibatch.
    losses : array-like of float of shape (n_readings,)
        Its loss.
    errors : array-like of float of shape (n_readings,)
        Share of its texts that were classified wrongly.
    spacing : {"log", "linear"}, default="log"
        How the rates follow one another, and the scale to draw them on.
    smoothing : float, default=0.1
        Share of the readings, in [0, 1), that each smoothed one is the mean of: those
        around it, fewer at both ends.

    Attributes
    ----------
    rates_ : ndarray of shape (n_readings,)
        The rates.
    losses_ : ndarray of shape (n_readings,)
        The losses, smoothed.
    errors_ : ndarray of shape (n_readings,)
        The errors, smoothed.
    best_rate_ : float
        The rate at the lowest smoothed loss.
    ax_ : matplotlib Axes
        The loss; the error has a scale of its own on the right.
    figure_ : matplotlib Figure
        The figure that holds them.

    See Also
    --------
    sktextconv.schedules.cyclical : Rates that rise and fall below a highest one.

    Notes
    -----
    For the highest rate of a cycle, its lowest a sixth of that (the default of
    `sktextconv.schedules.cyclical`), take `best_rate_`. Where the rate is to stay, it
    is an upper bound: the best reading comes late, when the network has also seen more
    texts. If it lies near the last rate, raise `max_rate`.

    The paper reads the accuracy. That of single minibatches is coarse: in a short test
    its best is often luck among rates at which nothing is learnt, so `best_rate_` goes
    by the loss.

    References
    ----------
    .. [1] L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", WACV
       2017. https://arxiv.org/abs/1506.01186

    Examples
    --------
    >>> from sktextconv import CharCNNClassifier
    >>> from sktextconv.display import LearningRateRangeDisplay
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

    def __init__(self, rates, losses, errors, *, spacing="log", smoothing=0.1):
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
        estimator,
        X,
        y,
        *,
        min_rate=1e-5,
        max_rate=1.0,
        n_epochs=1,
        spacing="log",
        smoothing=0.1,
        ax=None,
    ):
        """Train a copy of a network at rising rates, and draw what comes of it.

        It ends early where the loss is no longer finite or, over the last minibatches,
        a multiple of what it was; what was read so far stays.

        Parameters
        ----------
        estimator : network classifier, such as CharCNNClassifier
            It is left as it is: a clone is trained, on all texts, with its own
            optimizer.
        X : array-like of str of shape (n_documents,)
            Texts.
        y : array-like of shape (n_documents,)
            Class labels.
        min_rate : float, default=1e-5
            Rate of the first minibatch.
        max_rate : float, default=1.0
            Rate of the last minibatch.
        n_epochs : int, default=1
            Epochs from one to the other. A hundred minibatches or more make a curve.
        spacing : {"log", "linear"}, default="log"
            Whether each rate is the same multiple of the one before, or larger by the
            same.
        smoothing : float, default=0.1
            Share of the readings, in [0, 1), that each smoothed one is the mean of.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : LearningRateRangeDisplay

        Raises
        ------
        TypeError
            If `estimator` is not one of the networks.
        ValueError
            If a parameter is not what it must be, or the first loss is not finite.
        ImportError
            If matplotlib is not installed.
        """
        require("matplotlib.pyplot", by=cls.__name__, extra="plot")  # before training
        _check_range_test(estimator, min_rate, max_rate, spacing, smoothing)
        readings = []

        def read(rate, loss, error):
            if not math.isfinite(loss):
                raise _DivergedError
            readings.append((rate, loss, error))
            losses = [loss for _, loss, _ in readings]
            if np.mean(losses[-_N_LAST:]) > _DIVERGED * np.median(losses):
                raise _DivergedError

        schedule = functools.partial(ramp, ratio=max_rate / min_rate, spacing=spacing)
        probe = clone(estimator).set_params(
            learning_rate=max_rate,
            schedule=schedule,
            max_epochs=n_epochs,
            early_stopping=False,
            callbacks=[*(estimator.callbacks or ()), _BatchReader(read)],
        )
        try:
            probe.fit(X, y)
        except _DivergedError:
            if not readings:
                raise ValueError(
                    "Expected a finite loss of the first minibatch, whose rate is "
                    f"min_rate={min_rate:g}. The network starts from weights that give "
                    "none: look at its initialization."
                ) from None
        rates, losses, errors = zip(*readings, strict=True)
        return cls(rates, losses, errors, spacing=spacing, smoothing=smoothing).plot(
            ax=ax
        )

    def plot(self, *, ax=None):
        """Draw error and loss over the rate, with a line at the best rate.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

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
        # The last losses of a network that diverges would leave no room for the others.
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
    """Calls ``read(rate, loss, error)`` after each minibatch of training."""

    def __init__(self, read):
        self.read = read  # a function, which copies of the callback share

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        self.rate = net.optimizer_.param_groups[0]["lr"]

    def on_batch_end(self, net, batch, training, loss, y_pred, **kwargs):
        error = (y_pred.argmax(1) != batch[1][0]).float().mean()
        self.read(self.rate, *torch.stack([loss.detach(), error]).tolist())


class _DivergedError(Exception):
    """Ends a range test."""


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
    """Means of each value and up to `n_sides` before and after it."""
    window = np.ones(2 * n_sides + 1)
    counts = np.convolve(np.ones(len(values)), window, mode="same")
    return np.convolve(values, window, mode="same") / counts


# In units of the font's size: lines of text, and the bars before sentences.
_LINE_WIDTH, _LINE_HEIGHT, _SPACE_WIDTH, _PADDING = 48.0, 1.7, 0.25, 0.1
_BAR_WIDTH, _BAR_GAP = 6.0, 1.0
_INCHES = 0.17  # of a unit, in a figure of its own

# More is not drawn: lines, the characters that fill them, and those of a label.
_MAX_LINES, _MAX_CHARACTERS, _MAX_LABEL = 100, 20_000, 60


class TextWeightsDisplay:
    """A text, each word shaded by how it speaks for a label.

    Orange words speak for the label, blue ones against it, the stronger the darker.
    With the weights of attention, each sentence stands on a line of its own, behind a
    bar as long as it weighs. In a notebook, the display shows itself as HTML.

    Parameters
    ----------
    attribution : Attribution
        What `explain` returned.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the text stands.
    figure_ : matplotlib Figure
        The figure that holds it.

    See Also
    --------
    sktextconv.explain : The numbers, for each word.

    Notes
    -----
    Shades are relative to the heaviest word of the text, so that two pictures do not
    compare. A picture holds the first 100 lines; in a notebook nothing is left out.
    Letters that matplotlib's font does not have are boxes; choose another with
    ``matplotlib.rcParams["font.family"]``. Control characters and lone surrogates are
    U+FFFD.

    Examples
    --------
    >>> from sktextconv import TextWeightsDisplay, make_bow_classifier
    >>> texts = ["a fine film", "so good", "what a bore", "too long"]
    >>> classifier = make_bow_classifier().fit(texts, ["pos", "pos", "neg", "neg"])
    >>> display = TextWeightsDisplay.from_estimator(classifier, "A film, but so long!")
    >>> display.ax_.get_title()
    'pos, by occlusion'
    """

    def __init__(self, attribution):
        self.attribution = attribution

    @classmethod
    def from_estimator(
        cls, estimator, text, *, method="occlusion", target=None, ax=None
    ):
        """Explain the class of a text, and draw the answer.

        Parameters
        ----------
        estimator : fitted classifier
            Any classifier of texts.
        text : str
            One text.
        method : {"occlusion", "gradient", "attention"}, default="occlusion"
            See `explain`.
        target : label, default=None
            The label to speak for. None is the one that is predicted.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : TextWeightsDisplay

        Raises
        ------
        ValueError, TypeError
            As `explain` does.
        ImportError
            If matplotlib is not installed.
        """
        attribution = explain(estimator, text, method=method, target=target)
        return cls.from_attribution(attribution, ax=ax)

    @classmethod
    def from_attribution(cls, attribution, *, ax=None):
        """Draw what `explain` returned.

        Parameters
        ----------
        attribution : Attribution
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : TextWeightsDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        return cls(attribution).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the text.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure, as high as the text needs.

        Returns
        -------
        display : TextWeightsDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        pyplot = require("matplotlib.pyplot", by=type(self).__name__, extra="plot")
        attribution = self.attribution
        with warnings.catch_warnings():  # a letter without a picture is a box
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            lines, bars = _lay_out(rows_of(attribution))
        left = -(_BAR_WIDTH + _BAR_GAP) if attribution.sentences else 0.0
        height = len(lines) * _LINE_HEIGHT
        if ax is None:
            units = np.array([_LINE_WIDTH - left + 1, height + 4])
            _, ax = pyplot.subplots(figsize=_INCHES * units, layout="constrained")
        bottom, top = _LINE_HEIGHT - 0.5 - height, _LINE_HEIGHT - 0.5
        # Inks are made for paper, whatever the style of the figure.
        page = (left - 0.5, bottom), _LINE_WIDTH + 1 - left, height
        ax.add_artist(pyplot.Rectangle(*page, color="white", linewidth=0))
        for number, line in enumerate(lines):
            for word in line:
                _draw_word(ax, -number * _LINE_HEIGHT, *word)
        for number, share in bars:
            bar = (left, -number * _LINE_HEIGHT), share * _BAR_WIDTH, 0.75
            ax.add_artist(pyplot.Rectangle(*bar, color=_fractions(FOR), linewidth=0))
        ax.set_xlim(left - 0.5, _LINE_WIDTH + 0.5)
        ax.set_ylim(bottom, top)
        ax.set_aspect("equal", anchor="N")
        ax.axis("off")
        label = " ".join(visible(str(attribution.label)).split())
        if len(label) > _MAX_LABEL:
            label = f"{label[: _MAX_LABEL - 1]}…"
        ax.set_title(f"{label}, by {attribution.method}", parse_math=False, wrap=True)
        signs = {"for": FOR, "against": AGAINST}
        if attribution.method == "attention":
            signs = {"looked at": FOR}
        keys = [
            pyplot.Rectangle((0, 0), 1, 1, color=_fractions(color), label=sign)
            for sign, color in signs.items()
        ]
        ax.legend(
            handles=keys,
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            ncols=len(keys),
            frameon=False,
        )
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _repr_html_(self):
        return to_html(self.attribution)


def _lay_out(rows):
    """Break the pieces of a text into lines.

    Parameters
    ----------
    rows : list of (share, pieces)
        As `rows_of` returns them.

    Returns
    -------
    lines : list of list of (x, letters, width, share)
        `letters` are a path whose left end is 0; `share` is None where nothing is
        shaded.
    bars : list of (line, share)
        Where each sentence begins, and its weight, where sentences have one.
    """
    lines, bars = [], []
    for row_share, pieces in rows:
        if not lines or lines[-1]:
            lines.append([])
        if row_share is not None:
            bars.append((len(lines) - 1, row_share))
        x = 0.0
        chunks = (
            (chunk, share)
            for text, share in pieces
            for chunk in re.findall(r"\n|[^\S\n]+|\S+", visible(text))
        )
        # What no white space parts stays on one line, if it can.
        for is_space, run in itertools.groupby(chunks, lambda each: each[0].isspace()):
            if len(lines) > _MAX_LINES:
                break
            if is_space:
                for chunk, _ in run:
                    x += _SPACE_WIDTH * len(chunk.expandtabs(4))
                    if chunk == "\n":
                        lines.append([])
                        x = 0.0
                continue
            words = [word for chunk in run for word in _set_letters(*chunk)]
            together = sum(width for _, width, _ in words) <= _LINE_WIDTH
            room = sum(width for _, width, _ in words) if together else 0.0
            for letters, width, share in words:
                if x > 0 and x + max(width, room) > _LINE_WIDTH:
                    lines.append([])
                    x = 0.0
                lines[-1].append((x, letters, width, share))
                x, room = x + width, 0.0
    if len(lines) > _MAX_LINES:
        more = [(0.0, *word) for word in _set_letters("[…]", None)]
        lines[_MAX_LINES:] = [more]
        bars = [bar for bar in bars if bar[0] < _MAX_LINES]
    return lines, bars


def _set_letters(text, share):
    """Return (letters, width, share) of a word, of its parts if no line holds it."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path
    from matplotlib.textpath import text_to_path

    text = text[:_MAX_CHARACTERS]
    if len(text) <= 4 * _LINE_WIDTH:
        points, codes = text_to_path.get_text_path(FontProperties(), text)
        points = np.reshape(points, (-1, 2)) / text_to_path.FONT_SCALE
        width = max(points[:, 0].max(initial=0.0), 0.0) + 2 * _PADDING
        if width <= _LINE_WIDTH or len(text) == 1:
            # Of an invisible character, such as a joiner, there are no points.
            letters = Path(points, codes if len(points) else None)
            return [(letters, width, share)]
    half = len(text) // 2
    return _set_letters(text[:half], share) + _set_letters(text[half:], share)


def _draw_word(ax, y, x, letters, width, share):
    from matplotlib.patches import PathPatch, Rectangle
    from matplotlib.transforms import Affine2D

    # The limits are known: artists do not move them, as patches would.
    color = (0, 0, 0)
    if share is not None:
        background = shade(share)
        color = ink(background)
        box = Rectangle((x, y - 0.35), width, 1.35, color=_fractions(background))
        box.set_linewidth(0)
        ax.add_artist(box)
    letters = letters.transformed(Affine2D().translate(x + _PADDING, y))
    patch = PathPatch(letters, color=_fractions(color), linewidth=0)
    patch.set_snap(False)  # it would move dots and dashes, or lose them
    ax.add_artist(patch)


def _fractions(color):
    return tuple(part / 255 for part in color)


# Characters that have no picture of their own.
_SIGNS = {"\n": "↵", "\t": "⇥", " ": "␣"}


class CharFiltersDisplay:
    """What the first filters of a network over characters look for.

    A filter is a panel: a row for each character, a column for each position of its
    window, in reading order. Orange characters raise its answer, blue ones lower it.
    Above stands its number, and what it looks for: the character that stands out at a
    position, "␣" where all of them lower the answer, a dot where none matters much.

    Parameters
    ----------
    filters : ndarray of float of shape (n_filters, n_characters, width)
        Weights of each character at each position.
    characters : str
        One for each row.
    numbers : sequence of int of length n_filters
        Of each filter, to be shown by.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_filters,)
        A panel for each filter.
    figure_ : matplotlib Figure
        The figure that holds them.

    See Also
    --------
    TextWeightsDisplay : What a whole network makes of one text.

    Examples
    --------
    >>> from sktextconv import CharCNNClassifier, CharFiltersDisplay
    >>> texts, labels = ["good", "fine", "bad", "poor"] * 4, [1, 1, 0, 0] * 4
    >>> classifier = CharCNNClassifier(max_length=123, max_epochs=1, random_state=0)
    >>> classifier = classifier.fit(texts, labels)
    >>> display = CharFiltersDisplay.from_estimator(classifier, n_filters=4)
    >>> display.filters.shape
    (4, 70, 7)
    """

    def __init__(self, filters, characters, numbers):
        self.filters = filters
        self.characters = characters
        self.numbers = numbers

    @classmethod
    def from_estimator(cls, estimator, *, n_filters=10, axes=None):
        """Draw the filters of a fitted network whose weights have the largest norms.

        Parameters
        ----------
        estimator : fitted CharCNNClassifier
        n_filters : int, default=10
            How many, the largest first.
        axes : sequence of `n_filters` matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : CharFiltersDisplay

        Raises
        ------
        TypeError
            If `estimator` is no `CharCNNClassifier`.
        ValueError
            If it has not so many filters.
        ImportError
            If matplotlib is not installed.
        """
        if not isinstance(estimator, CharCNNClassifier):
            raise TypeError(
                "Expected a fitted CharCNNClassifier as estimator, got "
                f"{type(estimator).__name__}."
            )
        check_is_fitted(estimator)
        encoder = estimator.encoder_
        weight = estimator.net_.module_.convolutions[0].weight.detach()
        filters = weight.squeeze(2).cpu().numpy()  # (all, n_characters, width)
        if not 1 <= n_filters <= len(filters):
            raise ValueError(
                f"Expected 1 <= n_filters <= {len(filters)}, got {n_filters!r}."
            )
        norms = np.linalg.norm(filters, axis=(1, 2))
        numbers = np.argsort(-norms, kind="stable")[:n_filters]
        filters = filters[numbers, :, :: -1 if encoder.reverse else 1]
        return cls(filters, encoder.characters, numbers).plot(axes=axes)

    def plot(self, *, axes=None):
        """Draw the filters.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, default=None
            One for each filter; None makes a new figure.

        Returns
        -------
        display : CharFiltersDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        pyplot = require("matplotlib.pyplot", by=type(self).__name__, extra="plot")
        colors = require("matplotlib.colors", by=type(self).__name__, extra="plot")
        n_filters, n_characters, width = self.filters.shape
        if axes is None:
            _, axes = pyplot.subplots(
                1,
                n_filters,
                figsize=(0.13 * width * n_filters + 2, 0.13 * n_characters + 1),
                sharey=True,
                squeeze=False,
                layout="constrained",
            )
            axes = axes[0]
        ends = [_fractions(color) for color in (AGAINST, (255, 255, 255), FOR)]
        largest = float(np.abs(self.filters).max()) or 1.0
        labels = [visible(_SIGNS.get(c, c)) for c in self.characters]
        style = {"family": "monospace", "fontsize": 7, "parse_math": False}
        for axis, weights, number in zip(axes, self.filters, self.numbers, strict=True):
            image = axis.imshow(
                weights,
                cmap=colors.LinearSegmentedColormap.from_list("weights", ends),
                norm=colors.Normalize(-largest, largest),
                aspect="auto",
                interpolation="nearest",
            )
            axis.set_title(f"{number}\n{_liked(weights, labels)}", **style)
            axis.set_xticks([])
            axis.tick_params(length=0)
        axes[0].set_yticks(range(n_characters), labels, **style)
        axes[0].figure.colorbar(image, ax=list(axes), label="weight", shrink=0.5)
        self.axes_, self.figure_ = np.asarray(axes), axes[0].figure
        return self


def _liked(weights, labels):
    """What a filter looks for: a character, none of them, or anything (a dot)."""
    half = np.abs(weights).max() / 2
    best = weights.max(axis=0)
    signs = [labels[row] for row in weights.argmax(axis=0)]
    return "".join(np.select([best > half, best < -half], [signs, _SIGNS[" "]], "·"))
