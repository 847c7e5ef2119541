"""Display of the filters of a character network."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ...encoding._char_tokenizer import BYTES
from ...networks.charcnn import CharCNNClassifier
from ...utils._optional_dependencies import require
from .._highlight import NEGATIVE_COLOR, POSITIVE_COLOR, to_printable, to_unit_rgb

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CharFiltersDisplay"]

# Visible symbols for white space.
_SYMBOLS = {"\n": "↵", "\t": "⇥", " ": "␣"}

# Rows of a figure: a learned alphabet may have thousands of characters.
_MAX_ROWS = 100


class CharFiltersDisplay:
    """Filters of the first convolution of a character network.

    Each filter is a panel with a row per character and a column per position of its
    window, in reading order. Orange weights raise its output, blue ones lower it. The
    title has the number of the filter and a pattern: for each position the character
    with the largest weight, "␣" if all weights are strongly negative, or a dot if all
    are small. Of a larger alphabet, only the 100 characters with the largest weights
    have a row.

    Parameters
    ----------
    filters : ndarray of float of shape (n_filters, n_characters, width)
        Weights of each character at each position.
    characters : sequence of str
        The label of each row: the character, "unknown" for all other characters, or
        the hexadecimal number of a byte outside ASCII.
    numbers : sequence of int of length n_filters
        The number of each filter, shown in the title.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_filters,)
        A panel for each filter.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    TextWeightsDisplay : Contributions of the words of a text to a prediction.

    Examples
    --------
    >>> from sktextconv import CharCNNClassifier, CharFiltersDisplay
    >>> texts, labels = ["good", "fine", "bad", "poor"] * 4, [1, 1, 0, 0] * 4
    >>> classifier = CharCNNClassifier(max_length=123, max_epochs=1, random_state=0)
    >>> classifier = classifier.fit(texts, labels)
    >>> display = CharFiltersDisplay.from_estimator(classifier, n_filters=4)
    >>> display.filters.shape
    (4, 12, 7)
    """

    def __init__(
        self, filters: np.ndarray, characters: Sequence[str], numbers: Sequence[int]
    ) -> None:
        self.filters = filters
        self.characters = characters
        self.numbers = numbers

    @classmethod
    def from_estimator(
        cls,
        estimator: CharCNNClassifier,
        *,
        n_filters: int = 10,
        axes: "Sequence[Axes] | None" = None,
    ) -> Self:
        """Draw the filters of a fitted network with the largest norms.

        Parameters
        ----------
        estimator : fitted CharCNNClassifier
        n_filters : int, default=10
            Number of filters, drawn in order of decreasing norm.
        axes : sequence of `n_filters` matplotlib Axes, default=None
            Axes to draw in; None creates a figure.

        Returns
        -------
        display : CharFiltersDisplay

        Raises
        ------
        TypeError
            If `estimator` is not a `CharCNNClassifier`.
        ValueError
            If the network has fewer than `n_filters` filters.
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
        characters = _row_labels(encoder)
        if len(characters) > _MAX_ROWS:
            largest = np.abs(filters).max(axis=(0, 2))
            rows = np.sort(np.argsort(-largest, kind="stable")[:_MAX_ROWS])
            filters, characters = filters[:, rows], [characters[row] for row in rows]
        return cls(filters, characters, numbers).plot(axes=axes)

    def plot(self, *, axes: "Sequence[Axes] | None" = None) -> Self:
        """Draw the filters.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, default=None
            One for each filter; None creates a figure.

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
        ends = [
            to_unit_rgb(color)
            for color in (NEGATIVE_COLOR, (255, 255, 255), POSITIVE_COLOR)
        ]
        largest = float(np.abs(self.filters).max()) or 1.0
        labels = [to_printable(_SYMBOLS.get(c, c)) for c in self.characters]
        style = {"family": "monospace", "fontsize": 7, "parse_math": False}
        for axis, weights, number in zip(axes, self.filters, self.numbers, strict=True):
            image = axis.imshow(
                weights,
                cmap=colors.LinearSegmentedColormap.from_list("weights", ends),
                norm=colors.Normalize(-largest, largest),
                aspect="auto",
                interpolation="nearest",
            )
            axis.set_title(f"{number}\n{_pattern(weights, labels)}", **style)
            axis.set_xticks([])
            axis.tick_params(length=0)
        axes[0].set_yticks(range(n_characters), labels, **style)
        axes[0].figure.colorbar(image, ax=list(axes), label="weight", shrink=0.5)
        self.axes_, self.figure_ = np.asarray(axes), axes[0].figure
        return self


def _row_labels(encoder):
    """Return the label of each row of the one-hot vectors of an encoder."""
    characters = list(encoder.characters)
    if encoder.alphabet == BYTES:
        characters = [c if c.isascii() else f"{ord(c):02X}" for c in characters]
    return ["unknown"] * encoder.unknown + characters


def _pattern(weights, labels):
    """Return for each position its best character, "␣" for none or a dot for any."""
    half = np.abs(weights).max() / 2
    best = weights.max(axis=0)
    symbols = [labels[row] for row in weights.argmax(axis=0)]
    return "".join(
        np.select([best > half, best < -half], [symbols, _SYMBOLS[" "]], "·")
    )
